# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view of a whole store: where it is, its key, its size and its contents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...managers import builtin
from ...model.entities import Scope
from ...model.messages import View
from ...model.queries import CREDENTIAL_KINDS
from ...model.scopes import ACCOUNT, ScopePath
from ...store.audit import count_by_scope
from ...store.intents import pending_intents
from ...store.location import Location
from ...store.overview import Generations, count_by_manager, generations_in_use, store_row
from ...store.scopes import keys_of
from ..providers.runtime import Runtime
from ..rows.opening import shown_root_key_id
from ..rows.scoped_connectors import Managers, load_managers
from ..rows.session import Session

__all__ = ["store_view"]

# Counts credentials, which no secret manager keeps: they consist of other secrets.
_CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts of all scopes, each queried once."""

    by_manager: dict[tuple[str, str | None, str], int]
    generations: list[Generations]
    audit: dict[str, tuple[int, int]]


def store_view(runtime: Runtime) -> View:
    """Return the store: where it is, its root key, its size in bytes, and its contents in total and by scope."""
    store, location = runtime.store(create=False), Location.parse(runtime.settings.store)
    if store.is_pretended:
        where: View = {"engine": location.engine, "where": str(location), "exists": False, "id": "", "size": None}
        return {**where, **_NOTHING}

    def work(session: Session) -> View:
        row = store_row(session.tx)
        return {
            "engine": location.engine,
            "where": str(location),
            "exists": True,
            "id": row["id"],
            "size": store.database.size(),
            "created_at": row["created_at"],
            "schema_version": row["schema_version"],
            "root_key_id": shown_root_key_id(row),
            "pending_intents": pending_intents(session.tx),
            **_contents(session),
        }

    return runtime.read(work)


_NOTHING: View = {
    "created_at": "",
    "schema_version": 0,
    "root_key_id": "",
    "pending_intents": 0,
    "connectors": 0,
    "secrets": 0,
    "versions": 0,
    "audit_records": 0,
    "audit_records_archived": 0,
    "secret_managers": {},
    "oldest_key_generation": 0,
    "scopes": [],
}


def _contents(session: Session) -> View:
    counts = _Counts(count_by_manager(session.tx), generations_in_use(session.tx), count_by_scope(session.tx))
    kinds: Counter[str] = Counter()
    scopes = list(_scopes(session, session.chain(ACCOUNT), counts, kinds))
    return {
        **{what: sum(scope[what] for scope in scopes) for what in ("connectors", "secrets", "versions")},
        # Those of removed scopes too.
        "audit_records": sum(records for records, _archived in counts.audit.values()),
        "audit_records_archived": sum(archived for _records, archived in counts.audit.values()),
        "secret_managers": dict(sorted(kinds.items())),
        "oldest_key_generation": min((one.generation for one in counts.generations), default=0),
        "scopes": scopes,
    }


def _scopes(session: Session, chain: list[Scope], counts: _Counts, kinds: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield the views of a scope and all below it; add to `kinds` how many secrets each kind of manager keeps."""
    managers = load_managers(session, chain)
    yield _scope(session, managers, counts, kinds)
    for below in session.children(chain):
        yield from _scopes(session, below, counts, kinds)


def _scope(session: Session, managers: Managers, counts: _Counts, kinds: Counter[str]) -> View:
    scope = managers.scope
    kept = _by_name(managers, counts, kinds)
    found = [one for one in counts.generations if one.scope_id == scope.id]
    active = max((key.generation for key in keys_of(session.tx, scope.id) if key.state == "active"), default=0)
    records, archived = counts.audit.get(scope.path.announced, (0, 0))
    own = [k for k in managers.connectors if k.path == scope.path and not k.row.is_removed]
    return {
        "scope": _name(scope.path),
        "org": scope.path.org,
        "project": scope.path.project,
        "connectors": len(own),
        "secrets": sum(kept.values()),
        "versions": sum(one.versions for one in found),
        "secret_managers": dict(sorted(kept.items())),
        "key_generation": active,
        "oldest_key_generation": min((one.generation for one in found), default=0),
        "audit_records": records,
        "audit_records_archived": archived,
        "values_on_older_keys": sum(one.versions for one in found if one.generation < active),
    }


def _by_name(managers: Managers, counts: _Counts, kinds: Counter[str]) -> Counter[str]:
    kept: Counter[str] = Counter()
    for (scope_id, connector_id, kind), number in counts.by_manager.items():
        if scope_id == managers.scope.id:
            connector = managers.connector(connector_id)
            own = _CREDENTIALS if kind in CREDENTIAL_KINDS else builtin.NAME
            kept[managers.name_of(connector_id) if connector else own] += number
            kinds[connector.row.kind if connector else own] += number
    return kept


def _name(path: ScopePath) -> str:
    return "/".join(filter(None, (path.org, path.project))) or path.level.value
