# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a run: which store, which key, through the broker or not."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Settings"]


class Settings(NamedTuple):
    """The resolved common options. `is_local_default`: both the store and the key file are at their default paths.

    `state_folder`: where this machine remembers the newest state of each store that it has seen; empty: nowhere.
    """

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
    allowed_commands: str = ""
    allowed_credentials: str = ""
    state_folder: str = ""
    allow_plain_postgresql: bool = False

    @property
    def has_scope_key(self) -> bool:
        """Whether to use the key of one scope instead of the root key."""
        return bool(self.scope_key or self.scope_key_file)

    def __repr__(self) -> str:
        # Most fields are left out: the store's URL and three keys are secret.
        return f"Settings(root_key_file={self.root_key_file!r})"
