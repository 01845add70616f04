# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a store as a stream of bytes that depends neither on its engine nor on its root key.

Each record is its length in 4 bytes, and JSON: the table and the row, bytes as a list of one base64 string. The
account's key stands in it as it is, since the file has a key of its own. The last record has the counts and a digest of
all others.
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
from ..rows.keyring import Keyring
from ..rows.session import Session

__all__ = ["Progress", "RowReader", "RowWriter", "StoredRows", "portable_rows"]

Values = dict[str, Any]

_END = "end"
_OF_THE_AUDIT = ("audit_head", "audit_event")
_OF_THE_STORE = ("id", "created_at", "schema_version")
_LENGTH = 4
# So many secrets, or bytes, between two lines of progress: seconds, but no clock is asked.
_STEP, _STEP_BYTES = 5_000, 256 * 1024 * 1024


def portable_rows(session: Session) -> Iterator[tuple[str, Values]]:
    """Yield all rows of a store, without what belongs to its root key."""
    (account,) = session.chain(ACCOUNT)
    for table, row in all_rows(session.tx):
        if table == "store":
            yield table, {name: row[name] for name in _OF_THE_STORE}
        elif _is_account_key(table, row, account.id):
            yield table, {**row, "wrapped": session.key([account], row["generation"]).export()}
        else:
            yield table, row


class StoredRows:
    """Turns portable rows into those of a store with another root key. Raises KeyError for what is no such row."""

    def __init__(self, keyring: Keyring, of_the_store: dict[str, str]) -> None:
        self._keyring = keyring
        self._of_the_store = of_the_store
        self._account = ""

    def of(self, table: str, row: Values) -> Values:
        if table == "store":
            return {**row, **self._of_the_store}
        if table == "scope" and row["parent_id"] is None:
            self._account = row["id"]
        elif _is_account_key(table, row, self._account):
            key = ScopeKey(row["scope_id"], row["generation"], row["wrapped"])
            account = Scope(self._account, ACCOUNT, None, "")
            return {**row, "wrapped": self._keyring.seal_account_key(account, key)}
        return row


def _is_account_key(table: str, row: Values, account: str) -> bool:
    # Of a generation that was destroyed nothing is left to wrap.
    return table == "scope_key" and row["scope_id"] == account and row["state"] != "destroyed"


class _Tally:
    """Counts and digests records."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._hash = hashlib.sha512()
        self._declared = hashlib.sha512()

    def add(self, table: str, record: bytes) -> None:
        self.counts[table] += 1
        self._hash.update(record)
        if table not in _OF_THE_AUDIT:
            self._declared.update(record)

    @property
    def declared(self) -> str:
        """A digest of what there is, without the records of who did what: those are no difference between stores."""
        return self._declared.hexdigest()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def _end(self) -> Values:
        return {"counts": dict(self.counts), "digest": self.digest}


class RowWriter(_Tally):
    """Turns rows into bytes."""

    def __init__(self, write: Callable[[bytes], object] = len) -> None:
        super().__init__()
        self._write = write

    def put(self, table: str, row: Values) -> None:
        record = _record(table, {name: _to_json(value) for name, value in row.items()})
        self.add(table, record)
        self._write(record)

    def finish(self) -> None:
        """Write the last record."""
        self._write(_record(_END, self._end()))


class RowReader(_Tally):
    """Turns bytes into rows. What comes out is complete only once it has ended without an error."""

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
                self.add(table, record)
                yield table, row
        if not is_whole:
            raise damaged_backup()


def _record(table: str, data: Values) -> bytes:
    content = json.dumps([table, data], sort_keys=True).encode()
    return len(content).to_bytes(_LENGTH, "big") + content


def _records(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the records; raise Damaged where they don't end with the last chunk."""
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
    """Tells people now and then how far a long work is. `total`: 0 where that is not known yet."""

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
