# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope whose key is used in place of the root key: it and everything below it can be opened, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...crypto.exported_key import ExportedKey, read_key_text, read_scope_key_file
from ...crypto.scopekey import ScopeKey
from ...model.entities import Scope
from ...model.errors import Forbidden, KeyRefused
from ...model.scopes import ScopePath
from ...model.settings import Settings

__all__ = ["HeldScope", "exported_key_of"]


class HeldScope(NamedTuple):
    """A scope, its key, and where the key came from, for people."""

    key: ScopeKey
    path: ScopePath
    source: str

    def opens(self, path: ScopePath) -> bool:
        """Tell whether a scope is this one or below it."""
        return self.path in path.from_account

    def check_opens(self, path: ScopePath) -> None:
        """Raise Forbidden unless a scope is this one or below it."""
        if not self.opens(path):
            raise self.locked(path)

    def depth_in(self, chain: Sequence[Scope], path: ScopePath) -> int:
        """Return the scope's index in the chain of `path`; those before it can't be verified. Raises Forbidden."""
        for depth, scope in enumerate(chain):
            if scope.id == self.key.scope_id:
                return depth
        raise self.locked(path)

    def is_last_of(self, chain: Sequence[Scope]) -> bool:
        """Tell whether the scope is the last of a chain, not one above it; raise Forbidden if it is neither."""
        return self.depth_in(chain, chain[-1].path) == len(chain) - 1

    def outdated(self, generation: int) -> KeyRefused:
        """Return the error for a generation of the scope's key that the held one does not open."""
        return KeyRefused(
            "scope_key_outdated",
            f"The scope key from {self.source} is generation {self.key.generation} of the key of {self.path}, but "
            f"generation {generation} is needed.",
            hint="The key was rotated. Ask somebody with the key of a higher scope or the root key to export it again "
            "with scoped.secrets.scope_key.",
        )

    def locked(self, path: ScopePath) -> Forbidden:
        """Return the error for a scope that the key does not open, the same whether it exists or not."""
        return Forbidden(
            "scope_locked",
            f"{str(path)[:1].upper()}{str(path)[1:]} can't be opened: the scope key from {self.source} opens "
            f"{self.path} and everything below it.",
            hint="Set 'org' and 'project' to a scope that the key opens, or use the key of a higher scope or the root "
            "key. For a single secret, ask its owner to share it: scoped.secrets.secret_share.",
        )


def exported_key_of(settings: Settings) -> ExportedKey | None:
    """Return the scope key that the settings name, None if they name none; raise KeyRefused."""
    if settings.scope_key:
        return read_key_text(settings.scope_key, "SCOPED_SECRETS_SCOPE_KEY")
    return read_scope_key_file(settings.scope_key_file) if settings.scope_key_file else None
