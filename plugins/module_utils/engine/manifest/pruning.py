# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a manifest made earlier and no longer lists.

The mark of the manifest that made a thing is in its row and proved with it: nobody can add or remove such a
mark without the key of the scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ...managers import builtin
from ...model.entities import Connector, Scope
from ...model.identifiers import check_name
from ...model.messages import Request
from ...model.scopes import ScopePath
from ...store.connectors import connectors_made_by
from ...store.scopes import defaults_made_by, path_of, scopes_made_by
from ...store.secrets import secrets_made_by
from ...store.shares import shares_made_by
from ..rows.integrity import not_as_written
from ..rows.session import Session
from .order import Thing, thing_of

__all__ = ["maker_of", "unlisted"]


def maker_of(params: Mapping[str, Any]) -> str:
    """Return the mark of what a manifest makes: the scope of its defaults, and its name there; raise InvalidInput."""
    name = str(params.get("name") or "")
    if name:
        check_name(name)
    return f"{ScopePath.of(params.get('org'), params.get('project')).announced}#{name}"


def unlisted(session: Session, maker: str, listed: Set[Thing], *, check_mode: bool) -> list[Request]:
    """Return the requests that remove what a manifest made and no longer lists, as far as the held key opens it.

    Sorted by kind, scope and name. Raises Damaged for a thing that somebody without the key marked.
    """
    removals = _Removals(session, check_mode)
    return sorted((one for one in removals.of(maker) if thing_of(one) not in listed), key=thing_of)


class _Removals:
    """Builds the requests from verified rows."""

    def __init__(self, session: Session, check_mode: bool) -> None:
        self._session = session
        self._check_mode = check_mode
        self._chains: dict[str, list[Scope]] = {}

    def of(self, maker: str) -> Iterator[Request]:
        tx = self._session.tx
        for scope_id in defaults_made_by(tx, maker):
            if chain := self._chain(scope_id):
                yield self._request("default_secret_manager", chain, secret_manager=builtin.NAME)
        for share in shares_made_by(tx, maker):
            if (chain := self._chain(share.owner_id)) and (grantee := self._chain(share.scope_id)):
                self._session.check_share(grantee, share)
                to = grantee[-1].path
                place = {"to_org": to.org, "to_project": to.project}
                yield self._request("secret_share", chain, identifier=share.identifier, state="absent", **place)
        for secret in secrets_made_by(tx, maker):
            if chain := self._chain(secret.scope_id):
                self._session.prove(chain, secret)
                yield self._request(f"secret_{secret.kind}", chain, identifier=secret.identifier, state="absent")
        for one in connectors_made_by(tx, maker):
            if not one.is_removed and (chain := self._chain(one.scope_id)):
                self._check(chain, one)
                yield self._request(f"connector_{one.kind}", chain, identifier=one.identifier, state="absent")
        for scope_id in scopes_made_by(tx, maker):
            if chain := self._chain(scope_id):
                yield self._request("scope", chain, state="absent")

    def _chain(self, scope_id: str) -> list[Scope]:
        """Return the verified scopes down to one, empty if the held key does not open it."""
        if scope_id not in self._chains:
            path = path_of(self._session.tx, scope_id)
            self._chains[scope_id] = self._session.chain(path) if self._session.opens(path) else []
        return self._chains[scope_id]

    def _check(self, chain: list[Scope], connector: Connector) -> None:
        """Raise Damaged unless a connector is one of the proved ones of its scope."""
        if connector not in self._session.connectors(chain):
            raise not_as_written(chain[-1].path, "connectors")

    def _request(self, resource: str, chain: list[Scope], **params: Any) -> Request:
        path = chain[-1].path
        return Request(resource, {"org": path.org, "project": path.project, **params}, self._check_mode)
