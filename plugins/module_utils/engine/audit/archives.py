# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of audit records: files of JSON Lines that prove themselves, and with the store that none is missing.

The first line says what the file has; each other one is a record, with the fields that its link and its MAC cover.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ...model.audit import plain
from ...model.errors import Damaged, InvalidInput
from ...model.settings import Settings
from ...model.typed_rows import typed
from ...processes.files import open_file
from ...store.audit import Head, Point, StoredEvent
from ..rows.audit_head import BEFORE_FIRST
from ..rows.own_files import belongs_to_store
from .proof import ChainProof

__all__ = ["Archive", "ArchiveHeader", "line_of", "opened_archive", "prove_archives"]

FORMAT = "scoped.secrets audit archive"
_VERSION = 1
# The longest line, in bytes. A record has a dozen short texts.
_LONGEST = 64 * 1024


class ArchiveHeader(NamedTuple):
    """The records of one file: those of a chain from `first` to `last`. The first one follows `link_before`."""

    store_id: str
    chain: str
    scope: str
    first: int
    last: int
    link_before: bytes

    @property
    def begin(self) -> Point:
        """The record that the first one follows."""
        return Point(self.first - 1, self.link_before)

    @property
    def line(self) -> bytes:
        return _json({"format": FORMAT, "version": _VERSION, **self._asdict(), "link_before": self.link_before.hex()})


def line_of(record: StoredEvent) -> bytes:
    """Return a record as a line of an archive."""
    return _json({**record._asdict(), "link": record.link.hex(), "mac": record.mac.hex()})


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


class Archive:
    """An open archive: its header, and once its records."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        found = self._line()
        try:
            known = found.pop("format"), found.pop("version")
            self.header = typed(ArchiveHeader, {**found, "link_before": bytes.fromhex(found["link_before"])})
        except (LookupError, ValueError, TypeError, Damaged):
            raise self._not_one() from None
        if known != (FORMAT, _VERSION) or self.header.first < 1:
            raise self._not_one()

    def records(self) -> Iterator[StoredEvent]:
        """Yield the records; raise Damaged for a line that is none, or if not all are there."""
        for number in range(self.header.first, self.header.last + 1):
            found = self._line()
            try:
                record = typed(StoredEvent, {**found, **{name: bytes.fromhex(found[name]) for name in ("link", "mac")}})
            except (LookupError, ValueError, TypeError, Damaged):
                raise self.damaged(number) from None
            yield record
        if self._file.read(1):
            raise self.damaged(self.header.last + 1)

    def _line(self) -> dict[str, Any]:
        """Return the next line, empty if it holds no JSON object."""
        try:
            found = json.loads(self._file.readline(_LONGEST))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def damaged(self, number: int) -> Damaged:
        """Return the error for an archive with a bad record."""
        return Damaged(
            "damaged_archive",
            f"The archive {self.path} was changed after it was written: record {number} is missing, was altered, or "
            "was added.",
            hint="Use another copy of the file.",
            details={"chain": self.header.chain, "sequence": number},
        )

    def _not_one(self) -> InvalidInput:
        return InvalidInput(
            "not_an_archive",
            f"{self.path} is not an archive of audit records.",
            hint="Name files that scoped.secrets.audit_archive has written.",
        )


@contextlib.contextmanager
def opened_archive(path: Path, settings: Settings) -> Iterator[Archive]:
    """Yield an archive; raise InvalidInput for a file that can't be read, or is none."""
    try:
        if belongs_to_store(path, settings):
            raise OSError(0, "it belongs to the store itself")
        file = open_file(str(path))
    except OSError as error:
        raise InvalidInput(
            "unreadable_archive",
            f"The archive {path} can't be read: {error.strerror}.",
            hint="Check the path: it is one on the control node, and a relative one starts in the playbook's folder.",
        ) from None
    with file:
        yield Archive(path, file)


def prove_archives(proof: ChainProof, store_id: str, paths: Sequence[Path], settings: Settings) -> int:
    """Verify the archives of a chain, in order, and that the records in the store follow the last one.

    Returns the number of the first record. Raises InvalidInput if something is missing in between, or it is of another
    chain, Damaged for the first bad record.
    """
    first, begin = 0, None
    for path in paths:
        with opened_archive(path, settings) as archive:
            _check_place(archive, proof.head, store_id, begin)
            # The first of all follows nothing; what comes later follows what was proved.
            begin = begin or (archive.header.begin if archive.header.first > 1 else Point(0, BEFORE_FIRST))
            first = first or archive.header.first
            begin = _proved(proof, archive, begin)
    if begin != proof.head.begin:
        raise _gap(f"The archives end with record {begin.sequence if begin else 0}", proof.head.archived)
    return first


def _proved(proof: ChainProof, archive: Archive, begin: Point) -> Point:
    """Verify the records of an archive that follow `begin`, and return the last one."""
    end = begin
    try:
        for record in proof.consecutive(begin, archive.records()):
            end = Point(record.sequence, record.link)
    except UnicodeError:
        raise archive.damaged(end.sequence + 1) from None
    except Damaged as error:
        raise archive.damaged(end.sequence + 1) if error.code == "audit_broken" else error from None
    return end


def _check_place(archive: Archive, head: Head, store_id: str, begin: Point | None) -> None:
    header = archive.header
    if (header.store_id, header.chain) != (store_id, head.scope_id):
        raise InvalidInput(
            "other_archive",
            f"The archive {archive.path} is not of this chain: it has records of "
            f"{plain(header.scope)}, chain {plain(header.chain)}.",
            hint="Set 'org', 'project' and 'chain' to what the archive is of.",
        )
    if begin and header.first != begin.sequence + 1:
        raise _gap(f"The archive {archive.path} begins with record {header.first}", begin.sequence)


def _gap(what: str, expected: int) -> InvalidInput:
    return InvalidInput(
        "archives_not_joined",
        f"{what}, but what it must join ends with record {expected}: archives are missing, in another order, or one "
        "too many.",
        hint="Name all archives of the chain, the oldest first. A run that was killed may have left one whose records "
        "are in a later archive too, or still in the store: leave that out.",
    )
