# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a whole store: every row, all that each scope commits to, and every value of the built-in managers."""

from __future__ import annotations

from typing import Any

from ...crypto.scopekey import ScopeKey
from ...model.entities import Scope, Secret
from ...model.errors import Damaged
from ...model.scopes import ACCOUNT
from ...store.secrets import secret_of, version_of
from ..rows.integrity import next_history, not_as_written
from ..rows.session import Session
from ..rows.sharing import check_newest_shares

__all__ = ["StoreProof"]

Values = dict[str, Any]


class _OneView(Session):
    """A session on a view that does not change, so that each key is looked up only once."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.tx, session.store_id, session.keyring, session.sight.seen)
        self._keys: dict[tuple[str, int], ScopeKey] = {}

    def key(self, chain: list[Scope], generation: int) -> ScopeKey:
        known = chain[-1].id, generation
        if known not in self._keys:
            self._keys[known] = super().key(chain, generation)
        return self._keys[known]


class StoreProof:
    """Checks secrets, each followed by its versions, holding one secret at a time. Raises Damaged, KeyRefused.

    Scopes, connectors and shares are read from the session. `opens_values`: also decrypt what built-in managers keep.
    """

    def __init__(self, session: Session, *, opens_values: bool = True) -> None:
        self._session = _OneView(session)
        self._opens_values = opens_values
        self._chains: dict[str, list[Scope]] = {}
        self._secret: Secret | None = None
        self._newest = 0
        self._history = self._digest = b""
        self._walk(self._session.chain(ACCOUNT))

    def _walk(self, chain: list[Scope]) -> None:
        self._chains[chain[-1].id] = chain
        self._session.connectors(chain)
        check_newest_shares(self._session, chain)
        self._session.check_index(chain)
        for below in self._session.children(chain):
            self._walk(below)

    def take(self, table: str, row: Values) -> None:
        """Check a row if it is a secret or a version, else ignore it."""
        if table == "secret":
            self._end_secret()
            self._take_secret(secret_of(row))
        elif table == "secret_version":
            self._take_version(row)

    def finish(self) -> None:
        """Check that no version of the last secret is missing, after the last row."""
        self._end_secret()

    def _take_secret(self, secret: Secret) -> None:
        chain = self._chains.get(secret.scope_id)
        if chain is None:
            raise _out_of_place(f"Secret '{secret.identifier}'")
        self._session.check_digest(chain, secret)
        self._secret, self._newest = secret, 0
        self._history = self._digest = b""

    def _take_version(self, row: Values) -> None:
        version, secret = version_of(row), self._secret
        if secret is None or version.secret_id != secret.id or version.version != self._newest + 1:
            raise _out_of_place(f"Version {version.version} of a secret")
        chain = self._chains[secret.scope_id]
        chain = self._chains[secret.scope_id]
        if self._newest:
            self._history = next_history(self._history, self._digest)
        self._session.check_digest(chain, secret, version)
        self._digest = version.digest
        if self._opens_values and secret.connector_id is None:
            self._session.read_version(chain, secret, version)
        self._newest = version.version

    def _end_secret(self) -> None:
        if self._secret and self._newest != self._secret.current_version:
            path = self._chains[self._secret.scope_id][-1].path
            raise Damaged(
                "missing_version",
                f"Version {self._newest + 1} of secret '{self._secret.identifier}' in {path} is gone from the store.",
                hint="Restore the newest backup, or declare the secret again.",
            )
        if self._secret and (self._secret.history, self._secret.version_digest) != (self._history, self._digest):
            path = self._chains[self._secret.scope_id][-1].path
            raise not_as_written(path, f"versions of secret '{self._secret.identifier}'")


def _out_of_place(what: str) -> Damaged:
    return Damaged(
        "damaged_row",
        f"{what} is not where it belongs: the store was changed outside of scoped.secrets.",
        hint="Restore the newest backup, and find out who can write to the database.",
    )
