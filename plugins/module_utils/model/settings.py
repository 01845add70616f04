# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which store is used, with which key, and in which process."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Settings"]


class Settings(NamedTuple):
    """The resolved common options. `is_local_default`: the store and key file are the ones of a plain installation."""

    store: str
    root_key_file: str
    is_local_default: bool = False
    root_key: str = ""
    passphrase: str = ""
    through_broker: bool = True
    may_upgrade: bool = False
    may_be_ephemeral: bool = False
    scope_key: str = ""
    scope_key_file: str = ""
    audit: str = "on"
    audit_sink: str = "store"

    @property
    def has_scope_key(self) -> bool:
        """Whether the key of one scope is to be used, and no root key."""
        return bool(self.scope_key or self.scope_key_file)

    def __repr__(self) -> str:
        # Not all of it: a store URL and three of the fields are secret.
        return f"Settings(root_key_file={self.root_key_file!r})"
