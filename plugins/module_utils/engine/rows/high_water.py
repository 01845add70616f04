# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""High-water marks: the newest state of each scope that this machine has seen, kept outside of the store.

A store that was put back to an older state as a whole proves itself. Only what is remembered elsewhere shows it.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from ...model.entities import Scope
from ...model.errors import Damaged, StoreRefused

__all__ = ["LAST_EPOCH", "HighWaterMarks", "Mark", "Sight", "began"]

_FORMAT = 1
# The end of the year 9999.
LAST_EPOCH = 253_402_300_799
_WAY_OUT = (
    "If you restored a copy of the database on purpose, run scoped.secrets.doctor with 'accept_rollback: true' and the "
    "root key: then all machines accept it."
)


class Mark(NamedTuple):
    """How far a scope had come when it was last seen. `at` is when it was last changed, in ISO 8601.

    `revision` counts the scope's writes and `audit` its audit records. Both only grow, unless the store was restored
    from a backup, which begins a new `epoch`: seconds since 1970, 0 for a store that never was restored.
    """

    epoch: int
    revision: int
    audit: int
    at: str

    def joined(self, other: Mark) -> Mark:
        """Return the mark of a machine that has seen both states."""
        first, last = sorted([self, other])
        if first.epoch < last.epoch:
            return last
        return Mark(
            self.epoch, max(self.revision, other.revision), max(self.audit, other.audit), max(self.at, other.at)
        )


class HighWaterMarks:
    """The marks of one store, by scope id, in a file that all runs of a user share. Many threads may call it.

    Without a file, they last as long as the process.
    """

    def __init__(self, file: Path | None) -> None:
        """Read the file, if it exists. Raises StoreRefused if it is damaged, OSError if it can't be read."""
        self._file = file
        self._marks: Mapping[str, Mark] = _read(file) if file else {}
        self._saved = self._marks
        self._lock = threading.Lock()

    def seen(self) -> Mapping[str, Mark]:
        """Return the marks as they are now. A transaction that begins after this call must not be older than these."""
        return self._marks

    def add(self, marks: Mapping[str, Mark]) -> None:
        """Remember states of scopes, which somebody has committed."""
        with self._lock:
            joined = {scope_id: mark for scope_id, mark in marks.items() if self._marks.get(scope_id) != mark}
            for scope_id in joined.keys() & self._marks.keys():
                joined[scope_id] = joined[scope_id].joined(self._marks[scope_id])
            if joined:
                # A new dictionary: transactions that go on compare with the marks from before they began.
                self._marks = {**self._marks, **joined}

    def save(self) -> None:
        """Add the marks to those in the file, where other runs may have written meanwhile. Raises OSError."""
        with self._lock:
            if self._file is None or self._marks == self._saved:
                return
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not the file itself, which is replaced.
            lock = self._file.with_name(f"{self._file.name}.lock")
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                marks = dict(_read(self._file))
                for scope_id, mark in self._marks.items():
                    marks[scope_id] = marks[scope_id].joined(mark) if scope_id in marks else mark
                _replace(self._file, marks)
            finally:
                os.close(descriptor)
            self._saved = self._marks


def _read(file: Path) -> Mapping[str, Mark]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        marks = {scope_id: Mark(*fields) for scope_id, fields in content["scopes"].items()}
        is_sound = content["format"] == _FORMAT and all(map(_is_sound, marks.values()))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        is_sound = False
    if not is_sound:
        raise StoreRefused(
            "damaged_high_water_marks",
            f"{file}, where this machine remembers the newest state of the store that it has seen, is damaged.",
            hint="Run scoped.secrets.scope_info with 'recursive: true' and 'verify: true' on another machine, compare "
            "the revisions with what you expect, and remove the file.",
        )
    return marks


def _is_sound(mark: Mark) -> bool:
    numbers = mark[:3]
    are_counts = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in numbers)
    return are_counts and isinstance(mark.at, str)


def _replace(file: Path, marks: Mapping[str, Mark]) -> None:
    draft = file.with_name(f"{file.name}.new")
    text = json.dumps({"format": _FORMAT, "scopes": marks}, sort_keys=True)
    # Whoever holds the lock is alone, so that one name does.
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as target:
        target.write(text)
        target.flush()
        os.fsync(target.fileno())
    os.replace(draft, file)


class Sight:
    """The states of scopes that one transaction sees. None is older than `seen`, which others saw before it began."""

    def __init__(self, seen: Mapping[str, Mark]) -> None:
        self.seen = seen
        self.marks: dict[str, Mark] = {}
        """The states, to be remembered once the transaction is committed."""
        self.restored: Scope | None = None
        """A scope of a store that was restored since others saw it, so that what was written later may be missing."""

    def see(self, scope: Scope) -> None:
        """Take the state of a proved scope; raise Damaged if it is older than it must be."""
        seen = self.seen.get(scope.id)
        if seen and scope.epoch > seen.epoch and scope.revision < seen.revision:
            self.restored = scope
        elif seen and (scope.epoch, scope.revision) < seen[:2]:
            raise _rolled_back(scope, seen)
        self.keep(scope)

    def keep(self, scope: Scope) -> None:
        """Take a state that this transaction writes."""
        mark = Mark(scope.epoch, scope.revision, scope.audit_sequence, scope.updated_at)
        known = self.marks.get(scope.id)
        self.marks[scope.id] = known.joined(mark) if known else mark

    def see_audit(self, scope: Scope, sequence: int) -> None:
        """Take the number of a scope's newest audit record; raise Damaged if there must be more."""
        seen = self.seen.get(scope.id)
        least = max(scope.audit_sequence, seen.audit if seen and seen.epoch == scope.epoch else 0)
        if sequence < least:
            raise _cut_off(scope, sequence, least)
        self.keep(scope._replace(audit_sequence=sequence))


def _cut_off(scope: Scope, sequence: int, least: int) -> Damaged:
    # What the scope's row knows of, nobody can accept to be gone.
    way_out = "" if least == scope.audit_sequence else f" {_WAY_OUT}"
    return Damaged(
        "audit_broken",
        f"The audit of {scope.path} was cut off: it ends with record {sequence}, but there were {least}.",
        hint="Find out who can write to the database, and compare the records with a backup or another sink." + way_out,
        details={"chain": scope.id, "sequence": sequence + 1},
    )


def began(epoch: int) -> str:
    """Return when an epoch began, in ISO 8601. Holders of a scope's key can have written any number there."""
    if epoch > LAST_EPOCH:
        return "an impossible time"
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rolled_back(scope: Scope, seen: Mark) -> Damaged:
    return Damaged(
        "store_rolled_back",
        f"{str(scope.path)[:1].upper()}{str(scope.path)[1:]} was put back to an older state: this machine has seen "
        f"its revision {seen.revision}, of {seen.at}, but the store has revision {scope.revision}, of "
        f"{scope.updated_at}.",
        hint=f"Find out who can write to the database, and bring the newest state back. {_WAY_OUT}",
    )
