# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit records of one scope as users see them, verified on request."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ...model.audit import OK
from ...model.entities import Scope
from ...model.errors import InvalidInput, NotFound
from ...model.messages import View
from ...model.moments import in_utc
from ...model.scopes import ScopePath
from ...store.audit import Filters, Head, events_after, heads_of
from ..rows.session import Session
from .chain import broken_head, nearest, verify
from .recorder import record_view

__all__ = ["AuditInfo"]


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


class AuditInfo:
    """One page of the records that match the filters, oldest first, and all chains of the scope."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.path = ScopePath.of(params.get("org"), params.get("project"))
        self._params = params
        self._after = int(_given(params, "after", 0))
        self._limit = int(_given(params, "limit", 100))
        if self._after < 0 or self._limit < 1:
            raise InvalidInput(
                "invalid_option",
                "'after' must be 0 or more, and 'limit' 1 or more.",
                hint="Set 'after' to the 'next' of the page before, and 'limit' to the number of records of a page.",
            )
        self._filters = self._wanted()

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
                given[name] = in_utc(given[name], name).replace("Z", ".000Z")
        actions = {f"action_{number}": action for number, action in enumerate(_given(self._params, "actions", []))}
        if actions:
            conditions.append(f"action IN ({', '.join(f':{name}' for name in actions)})")
        elif self._params.get("actions") is not None:
            conditions.append("1 = 0")
        return Filters(conditions, {**given, **actions})

    def view(self, session: Session) -> View:
        """Return `events`, `next` and `chains`; raise Damaged if a head is missing or a chain fails verification."""
        chain = nearest(session, self.path)
        is_there = chain[-1].path == self.path
        heads = heads_of(session.tx, self.path.announced)
        if not heads and not is_there:
            session.chain(self.path)
        current = chain[-1].id if is_there else ""
        if is_there and current not in [head.scope_id for head in heads]:
            raise broken_head(chain[-1])
        shown = self._chosen(heads, current)
        found = events_after(session.tx, shown.scope_id, self._after, self._filters, self._limit + 1)
        page = list(islice(found, self._limit + 1))
        events = [record_view(event) for event in page[: self._limit]]
        return {
            "events": events,
            "next": events[-1]["sequence"] if len(page) > self._limit else None,
            "chains": [self._chain_view(session, chain, head, current, shown) for head in heads],
        }

    def _chosen(self, heads: list[Head], current: str) -> Head:
        wanted = _given(self._params, "chain", current or heads[-1].scope_id)
        for head in heads:
            if head.scope_id == wanted:
                return head
        raise NotFound(
            "unknown_chain",
            f"The audit of {self.path} has no chain '{wanted}'.",
            hint="Remove 'chain', or set it to one of the 'chains' that audit_info returns without it.",
        )

    def _chain_view(self, session: Session, chain: list[Scope], head: Head, current: str, shown: Head) -> View:
        view: View = {"chain": head.scope_id, "is_current": head.scope_id == current, "last": head.sequence}
        if self._params.get("verify"):
            after = self._after if head == shown else 0
            keyless = verify(session, chain, head, after=after)
            view |= {"verified_from": after + 1, "key_destroyed": keyless}
        return {**view, "link": head.link.hex()}
