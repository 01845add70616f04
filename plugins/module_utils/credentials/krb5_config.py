# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kerberos configuration that a credential names. It can name modules to load, so it must be a trusted file."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from ..model.errors import InvalidInput

__all__ = ["krb5_config_of"]

_OTHERS_CAN_WRITE = stat.S_IWGRP | stat.S_IWOTH


def krb5_config_of(settings: Mapping[str, Any]) -> str:
    """Return the path of a credential's Kerberos configuration, empty for the system's. Raises InvalidInput."""
    path = str(settings.get("krb5_config", ""))
    reason = _reason_against(path) if path else ""
    if reason:
        raise InvalidInput(
            "unsafe_krb5_config",
            f"The Kerberos configuration '{path}' can't be used: {reason}.",
            hint="Set 'krb5_config' to the absolute path of one file that belongs to root or to the user who runs "
            "ansible-playbook, and that others can't write to. It can make programs load code.",
        )
    return path


def _reason_against(path: str) -> str:
    """Return why a file is not to be trusted, empty if it is. One that can't be read is the programs' to report."""
    if not os.path.isabs(path) or ":" in path:
        return "it is not one absolute path"
    try:
        found = os.stat(path)
    except OSError:
        return ""
    if not stat.S_ISREG(found.st_mode):
        return "it is not a regular file"
    if found.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user, with the id {found.st_uid}"
    return "others can write to it" if found.st_mode & _OTHERS_CAN_WRITE else ""
