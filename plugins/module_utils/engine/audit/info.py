# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit records of one scope as users see them, verified on request."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from ...model.audit import OK
from ...model.errors import InvalidInput
from ...model.messages import View
from ...model.moments import in_utc
from ...model.scopes import ScopePath
from ...model.settings import Settings
from ...store.audit import Filters, Head, events_after
from ..rows.session import Session
from .archives import prove_archives
from .chains import Chains, Marks, chains_of
from .proof import ChainProof, Shown
from .recorder import record_view

__all__ = ["AuditInfo", "recorded_at"]


# Options that filter by the value of a column.
_COLUMNS = {
    "secret": "identifier",
    "outcome": "outcome",
    "user": "user_name",
    "job": "job",
    "run": "run",
}


def _given(params: dict[str, Any], name: str, default: Any) -> Any:
    return default if params.get(name) is None else params[name]


def recorded_at(text: str, option: str) -> str:
    """Return a date or time of an option as records have it; raise InvalidInput."""
    return in_utc(text, option).replace("Z", ".000Z")


class AuditInfo:
    """One page of the records that match the filters, oldest first, and all chains of the scope."""

    def __init__(self, params: dict[str, Any], settings: Settings) -> None:
        self.path = ScopePath.of(params.get("org"), params.get("project"))
        self._params = params
        self._settings = settings
        self._after = int(_given(params, "after", 0))
        self._limit = int(_given(params, "limit", 100))
        if self._after < 0 or self._limit < 1:
            raise InvalidInput(
                "invalid_option",
                "'after' must be 0 or more, and 'limit' 1 or more.",
                hint="Set 'after' to the 'next' of the page before, and 'limit' to the number of records of a page.",
            )
        self._filters = self._wanted()
        self._archives = [Path(archive) for archive in _given(params, "archives", [])]
        self._is_whole = bool(params.get("verify_all")) or bool(self._archives)
        self._verifies = self._is_whole or bool(params.get("verify"))
        self.marks: Marks = {}

    def _wanted(self) -> Filters:
        names = (*_COLUMNS, "since", "until")
        given = {name: self._params[name] for name in names if self._params.get(name) is not None}
        conditions = [f"{_COLUMNS[name]} = :{name}" for name in given if name in _COLUMNS]
        if given.get("outcome") == "failed":
            conditions[conditions.index("outcome = :outcome")] = "outcome <> :outcome"
            given["outcome"] = OK
        for name, sign in (("since", ">="), ("until", "<")):
            if name in given:
                conditions.append(f"recorded_at {sign} :{name}")
                given[name] = recorded_at(given[name], name)
        actions = {f"action_{number}": action for number, action in enumerate(_given(self._params, "actions", []))}
        if actions:
            conditions.append(f"action IN ({', '.join(f':{name}' for name in actions)})")
        elif self._params.get("actions") is not None:
            conditions.append("1 = 0")
        return Filters(conditions, {**given, **actions})

    def view(self, session: Session) -> View:
        """Return `events`, `next` and `chains`; raise Damaged if a head is missing or a chain fails verification.

        `marks` are then what a later verification may begin after.
        """
        self.marks.clear()
        chains = chains_of(session, self.path)
        shown = chains.chosen(self._params.get("chain"))
        found = events_after(session.tx, shown.scope_id, self._after, self._filters, self._limit + 1)
        page = list(islice(found, self._limit + 1))
        events = [record_view(event) for event in page[: self._limit]]
        numbers = Shown(events[0]["sequence"], events[-1]["sequence"]) if events else None
        return {
            "events": events,
            "next": events[-1]["sequence"] if len(page) > self._limit else None,
            "chains": [
                self._chain_view(session, chains, head, numbers if head == shown else None, is_shown=head == shown)
                for head in chains.heads
            ],
        }

    def _chain_view(self, session: Session, chains: Chains, head: Head, shown: Shown | None, *, is_shown: bool) -> View:
        view: View = {
            "chain": head.scope_id,
            "is_current": head.scope_id == chains.current,
            "archived": head.archived,
            "last": head.sequence,
        }
        if self._verifies:
            proof = ChainProof(session, chains.scopes, head)
            first = self._first_archived(session, proof) if is_shown and self._archives else 0
            proven = proof.run(whole=self._is_whole, shown=shown)
            if proven.mark:
                self.marks[head.scope_id] = proven.mark
            view |= {
                "verified_from": first or proven.first,
                "verified": proven.read,
                "key_destroyed": proven.keyless,
            }
        return {**view, "link": head.link.hex()}

    def _first_archived(self, session: Session, proof: ChainProof) -> int:
        """Verify the archives, and return the number of their first record."""
        return prove_archives(proof, session.store_id, self._archives, self._settings)
