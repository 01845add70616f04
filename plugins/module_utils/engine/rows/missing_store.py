# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to say where there is no store: often somebody runs Ansible as another user, or with another HOME."""

from __future__ import annotations

import os
import pwd

from ...model.errors import NotFound, ScopedSecretsError
from ...model.settings import Settings
from ...store.location import Location

__all__ = ["explained", "no_store"]

# What a store that is missing can't have.
_CODES = frozenset({"unknown_connector", "unknown_scope", "unknown_secret"})


def no_store(settings: Settings) -> str:
    """Return that there is no store, where it was looked for, and why there."""
    return f"There is no store at {Location.parse(settings.store)} yet, {_why(settings)}."


def _why(settings: Settings) -> str:
    if not settings.is_local_default:
        return "which is the setting 'store'"
    names = [name for name in ("HOME", "XDG_DATA_HOME") if os.environ.get(name)]
    given = " and ".join(f"{name}={os.environ[name]}" for name in names)
    return f"the default place of {_user()}{f' with {given}' if given else ''}"


def _user() -> str:
    try:
        return f"user '{pwd.getpwuid(os.geteuid()).pw_name}'"
    except KeyError:
        return f"user id {os.geteuid()}"


def explained(error: ScopedSecretsError, settings: Settings) -> ScopedSecretsError:
    """Return an error that says first that there is no store, if that is why something is missing."""
    if error.code not in _CODES:
        return error
    hint = (
        "Set 'store', or run Ansible as the user of the store. The first task that declares something creates a store."
    )
    return NotFound(error.code, f"{no_store(settings)} {error.message}", hint=hint, details=error.details)
