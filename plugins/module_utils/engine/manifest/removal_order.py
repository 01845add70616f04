# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which things are removed: each before those that it uses, according to the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

from ...model.entities import Connector, Scope, Secret
from ...model.scopes import ScopePath
from ...store.connectors import connectors_of, defaults_at
from ...store.scopes import children_of, find_chain
from ...store.secrets import find_secret, secrets_kept_by, secrets_of, used_by, users_of
from ..rows.session import Session
from ..things.own_secrets import OwnSecrets
from .order import Thing

__all__ = ["RemovalOrder"]


class _Node(NamedTuple):
    """A thing that exists: its id, its scope, its row if it has one, and the ids of what it uses."""

    id: str
    scope: Scope
    row: Scope | Connector | Secret | None
    uses: frozenset[str | None]


class RemovalOrder:
    """The things to remove, by their index. A thing that does not exist uses nothing."""

    def __init__(self, session: Session, things: Sequence[Thing]) -> None:
        self._tx = session.tx
        self._chains: dict[ScopePath, list[Scope]] = {}
        self._nodes = [self._node(thing) for thing in things]
        self._places = {node.id: place for place, node in enumerate(self._nodes) if node}

    def before(self) -> dict[int, set[int]]:
        """Return for each thing those that use it, which go before it."""
        order: dict[int, set[int]] = {place: set() for place in range(len(self._nodes))}
        for node in filter(None, self._nodes):
            for used in node.uses:
                if used in self._places:
                    order[self._places[used]].add(self._places[node.id])
        return order

    def unused(self, changing: Iterable[Thing]) -> set[int]:
        """Return the things that nothing uses any more once the others are removed and `changing` have changed."""
        nodes = [*self._nodes, *map(self._node, changing)]
        gone = {one for node in nodes if node for one in (node.id, *self._own(node))}
        return {
            place for place, node in enumerate(self._nodes) if node and gone.issuperset(self._users(node, len(gone)))
        }

    def _node(self, thing: Thing) -> _Node | None:
        if thing.path not in self._chains:
            self._chains[thing.path] = find_chain(self._tx, thing.path)
        chain = self._chains[thing.path]
        return self._KINDS[thing.noun](self, thing, chain[-1]) if len(chain) > thing.path.level.depth else None

    def _scope(self, thing: Thing, scope: Scope) -> _Node:
        return _Node(scope.id, scope, scope, frozenset({scope.parent_id}))

    def _default(self, thing: Thing, scope: Scope) -> _Node:
        return _Node(_default_of(scope), scope, None, frozenset({scope.id, scope.default_connector_id}))

    def _connector(self, thing: Thing, scope: Scope) -> _Node | None:
        for one in connectors_of(self._tx, scope.id):
            if one.identifier == thing.identifier:
                return _Node(one.id, scope, one, frozenset({scope.id, *used_by(self._tx, "connector", one.id)}))
        return None

    def _secret(self, thing: Thing, scope: Scope) -> _Node | None:
        one = find_secret(self._tx, scope.id, thing.identifier)
        if one is None:
            return None
        used = used_by(self._tx, "secret", one.id)
        return _Node(one.id, scope, one, frozenset({scope.id, one.connector_id, *used}))

    def _share(self, thing: Thing, scope: Scope) -> _Node | None:
        identifier, *place = thing.identifier.split("/")
        secret, grantee = find_secret(self._tx, scope.id, identifier), self._node(Thing("scope", ScopePath(*place)))
        if secret is None or grantee is None:
            return None
        return _Node(f"share of {secret.id} with {grantee.id}", scope, None, frozenset({secret.id, grantee.id}))

    _KINDS: ClassVar[Mapping[str, Callable[[RemovalOrder, Thing, Scope], _Node | None]]] = {
        "scope": _scope,
        "default": _default,
        "connector": _connector,
        "secret": _secret,
        "share": _share,
    }

    def _own(self, node: _Node) -> Iterator[str]:
        """Yield the ids of the own secrets that are removed with a thing."""
        if isinstance(node.row, (Connector, Secret)):
            own_secrets = OwnSecrets("", "", node.row.identifier, node.scope.path)
            for field in node.row.kept:
                own = find_secret(self._tx, node.scope.id, own_secrets.name_of(field))
                if own:
                    yield own.id

    def _users(self, node: _Node, most: int) -> Iterator[str]:
        """Yield the ids of what uses a thing; of a connector's secrets, at most `most` + 1."""
        if isinstance(node.row, Scope):
            yield from (one.id for one in children_of(self._tx, node.row))
            yield from (one.id for one in connectors_of(self._tx, node.row.id) if not one.is_removed)
            yield from (one.id for one in secrets_of(self._tx, node.row.id))
        elif isinstance(node.row, Connector):
            yield from secrets_kept_by(self._tx, node.row.id, most + 1)
            yield from (_default_of(find_chain(self._tx, path)[-1]) for path in defaults_at(self._tx, node.row.id))
        elif isinstance(node.row, Secret):
            yield from (user.id for user in users_of(self._tx, node.row.id))


def _default_of(scope: Scope) -> str:
    return f"default of {scope.id}"
