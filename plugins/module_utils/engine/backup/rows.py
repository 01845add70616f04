# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a store as a stream of bytes that depends neither on the database nor on the root key.

Each record is its length in 4 bytes, then JSON: the table and the row, with bytes as a list of one base64 string. The
account's key is not wrapped, since the file is sealed with a key of its own. The last record has the row counts and a
digest of all others.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...crypto.backup import damaged_backup
from ...crypto.scopekey import ScopeKey
from ...model.entities import Scope
from ...model.messages import Tell
from ...model.scopes import ACCOUNT
from ...store.copying import all_rows
from ...store.scopes import keys_of
from ..rows.keyring import Keyring
from ..rows.session import Session

__all__ = ["Progress", "RowReader", "RowWriter", "StoredRows", "portable_rows"]

Values = dict[str, Any]

_END = "end"
_AUDIT_TABLES = ("audit_head", "audit_event")
# Columns of a scope that a restore writes.
_OF_EPOCH = frozenset({"epoch", "revision", "tag"})
_STORE_COLUMNS = ("id", "created_at", "schema_version")
_LENGTH = 4
# Reports progress by count, not time: after so many secrets, or bytes of values.
_STEP, _STEP_BYTES = 5_000, 256 * 1024 * 1024


def portable_rows(session: Session) -> Iterator[tuple[str, Values]]:
    """Yield all rows of a store as (table, row), without what depends on its root key."""
    (account,) = session.chain(ACCOUNT)
    for table, row in all_rows(session.tx):
        if table == "store":
            yield table, {name: row[name] for name in _STORE_COLUMNS}
        elif _is_account_key(table, row, account.id):
            yield table, {**row, **_unsealed(session, account, row["generation"])}
        else:
            yield table, row


def _unsealed(session: Session, account: Scope, generation: int) -> Values:
    """Return what a backup has of a generation of the account's key in place of the key that the root key wrapped."""
    row = next(row for row in keys_of(session.tx, account.id) if row.generation == generation)
    is_handed_out = session.keyring.was_handed_out(session.tx, [account], row)
    return {"wrapped": session.key([account], generation).export(), "is_handed_out": int(is_handed_out)}


class StoredRows:
    """Turns portable rows into those of a store with another root key. Raises KeyError for a malformed row.

    `store_values`: columns of the store's own row that a backup does not have.
    """

    def __init__(self, keyring: Keyring, store_values: dict[str, str]) -> None:
        self._keyring = keyring
        self._store_values = store_values
        self._account = ""

    def of(self, table: str, row: Values) -> Values:
        if table == "store":
            return {**row, **self._store_values}
        if table == "scope" and row["parent_id"] is None:
            self._account = row["id"]
        elif _is_account_key(table, row, self._account):
            key = ScopeKey(row["scope_id"], row["generation"], row["wrapped"])
            account = Scope(self._account, ACCOUNT, None, "")
            is_handed_out = bool(row["is_handed_out"])
            return {**row, "wrapped": self._keyring.seal_account_key(account, key, is_handed_out=is_handed_out)}
        return row


def _is_account_key(table: str, row: Values, account: str) -> bool:
    # A destroyed generation has no key left for the root key to wrap.
    return table == "scope_key" and row["scope_id"] == account and row["state"] != "destroyed"


class _Tally:
    """Counts and digests records."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._hash = hashlib.sha512()
        self._declared = hashlib.sha512()

    def add(self, table: str, data: Values, record: bytes) -> None:
        self.counts[table] += 1
        self._hash.update(record)
        if table == "scope":
            self._declared.update(_record(table, {name: data[name] for name in data.keys() - _OF_EPOCH}))
        elif table not in _AUDIT_TABLES:
            self._declared.update(record)

    @property
    def declared(self) -> str:
        """A digest of what was declared, without the audit and what a restore signs anew."""
        return self._declared.hexdigest()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def _end(self) -> Values:
        return {"counts": dict(self.counts), "digest": self.digest}


class RowWriter(_Tally):
    """Turns rows into records of bytes."""

    def __init__(self, write: Callable[[bytes], object] = len) -> None:
        super().__init__()
        self._write = write

    def put(self, table: str, row: Values) -> None:
        data = {name: _to_json(value) for name, value in row.items()}
        record = _record(table, data)
        self.add(table, data, record)
        self._write(record)

    def finish(self) -> None:
        """Write the last record."""
        self._write(_record(_END, self._end()))


class RowReader(_Tally):
    """Turns bytes into rows. They are complete only once the iteration ends without an error."""

    def rows(self, chunks: Iterable[bytes]) -> Iterator[tuple[str, Values]]:
        """Yield what `RowWriter` was given; raise Damaged."""
        is_whole = False
        for record in _records(chunks):
            try:
                table, data = json.loads(record[_LENGTH:])
                row = {name: _from_json(value) for name, value in data.items()}
            except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
                raise damaged_backup() from None
            if is_whole:
                raise damaged_backup()
            if table == _END:
                is_whole = row == self._end()
            else:
                self.add(table, data, record)
                yield table, row
        if not is_whole:
            raise damaged_backup()


def _record(table: str, data: Values) -> bytes:
    content = json.dumps([table, data], sort_keys=True).encode()
    return len(content).to_bytes(_LENGTH, "big") + content


def _records(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the records; raise Damaged if the last one is cut short."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        start = 0
        while len(pending) - start >= (end := _LENGTH + int.from_bytes(pending[start : start + _LENGTH], "big")):
            yield bytes(pending[start : start + end])
            start += end
        del pending[:start]
    if pending:
        raise damaged_backup()


def _to_json(value: Any) -> Any:
    return [base64.b64encode(value).decode()] if isinstance(value, bytes) else value


def _from_json(value: Any) -> Any:
    return base64.b64decode(value[0], validate=True) if isinstance(value, list) else value


class Progress:
    """Reports the progress of long work now and then. `total`: how many secrets there are, 0 if unknown."""

    def __init__(self, tell: Tell, doing: str, total: int) -> None:
        self._tell = tell
        self._doing = doing
        self._total = total
        self._done = 0
        self._bytes = 0

    def count(self, table: str, row: Values) -> None:
        self._bytes += len(row.get("envelope", b""))
        self._done += table == "secret"
        if (table == "secret" and self._done % _STEP == 0) or self._bytes >= _STEP_BYTES:
            self._bytes = 0
            total = f" of {self._total}" if self._total else ""
            self._tell(f"{self._doing} {self._done}{total} secrets")
