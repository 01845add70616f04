# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords in URLs."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

__all__ = ["passwords_in"]


def passwords_in(url: str) -> set[str]:
    """Return every part of a URL that may be its password, both as written and percent-decoded.

    This includes passwords that should have been percent-encoded but are not.
    """
    rest = url.partition("://")[2] or url
    user_infos = {rest.partition("@")[0], rest.rpartition("@")[0]} if "@" in rest else set()
    written = {part for info in user_infos if ":" in info for part in (info.partition(":")[2], info.rpartition(":")[2])}
    written |= set(re.findall(r"[?&](?:ssl)?password=([^&]*)", url))
    return {text for password in written for text in (password, unquote(password), unquote_plus(password)) if text}
