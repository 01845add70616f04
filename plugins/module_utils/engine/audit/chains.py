# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chains of a scope: its own, and those of removed scopes that had the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...model.entities import Scope
from ...model.errors import NotFound, ScopedSecretsError
from ...model.scopes import ACCOUNT, ScopePath
from ...store.audit import Head, Point, all_heads, heads_of
from ..rows.session import Session
from .chain import mark_verified, nearest
from .links import broken_head, path_of_head
from .proof import ChainProof

__all__ = ["Chains", "Marks", "chains_of", "save_marks", "verify_all_chains"]

Marks = dict[str, Point]
"""The record up to which chains were verified, by the ids of their scopes."""


class Chains(NamedTuple):
    """The chains of a scope. `scopes` are those down to it, or to one above it; `current` is its id, or empty."""

    path: ScopePath
    scopes: list[Scope]
    heads: list[Head]
    current: str

    def chosen(self, wanted: str | None) -> Head:
        """Return the head of a chain, by default that of the scope as it exists now; raise NotFound."""
        wanted = (self.current or self.heads[-1].scope_id) if wanted is None else wanted
        for head in self.heads:
            if head.scope_id == wanted:
                return head
        raise NotFound(
            "unknown_chain",
            f"The audit of {self.path} has no chain '{wanted}'.",
            hint="Remove 'chain', or set it to one of the 'chains' that audit_info returns without it.",
        )


def chains_of(session: Session, path: ScopePath) -> Chains:
    """Return the chains of a scope; raise NotFound if there never was one, Damaged if a head is missing."""
    scopes = nearest(session, path)
    is_there = scopes[-1].path == path
    heads = heads_of(session.tx, path.announced)
    if not heads and not is_there:
        session.chain(path)
    current = scopes[-1].id if is_there else ""
    if is_there and current not in [head.scope_id for head in heads]:
        raise broken_head(scopes[-1])
    return Chains(path, scopes, heads, current)


def verify_all_chains(session: Session) -> tuple[int, dict[ScopePath, Marks]]:
    """Verify what is new in all chains that the key opens; return how many there are, and what to remember.

    Raises Damaged for the first bad record.
    """
    found: dict[ScopePath, Marks] = {}
    held = session.keyring.held
    paths = {head_path for head in all_heads(session.tx) if session.opens(head_path := path_of_head(head))}
    paths |= set(_paths_below(session, session.chain(held.path if held else ACCOUNT)))
    count = 0
    for path in sorted(paths):
        chains = chains_of(session, path)
        for head in chains.heads:
            mark = ChainProof(session, chains.scopes, head).run().mark
            count += 1
            if mark:
                found.setdefault(path, {})[head.scope_id] = mark
    return count, found


def _paths_below(session: Session, chain: list[Scope]) -> list[ScopePath]:
    below = [path for child in session.children(chain) for path in _paths_below(session, child)]
    return [chain[-1].path, *below]


def save_marks(
    append: Callable[[Callable[[Session], Any], ScopePath], None], path: ScopePath, marks: Mapping[str, Point]
) -> list[str]:
    """Remember up to where the chains of a scope were verified; return a warning if that fails."""
    if not marks:
        return []

    def work(session: Session) -> None:
        scopes = nearest(session, path)
        for scope_id, at in sorted(marks.items()):
            mark_verified(session, scopes, scope_id, at)

    try:
        append(work, path)
    except ScopedSecretsError as error:
        return [f"That the audit of {path} was verified can't be remembered, so the next time takes as long: {error}"]
    return []
