# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves audit records from the store to a file: verified, on the disk, and only then removed.

A run that is killed in between leaves the records in the store and a complete file. The next run to the same file
removes what that has.
"""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ...model.audit import OK, Event, Subject, moment
from ...model.errors import Conflict, Forbidden, NotFound, ScopedSecretsError, StoreRefused
from ...model.messages import Result, View
from ...model.scopes import ScopePath
from ...store.audit import Head, Point, StoredEvent, first_since
from ...store.postgresql.rights import may_archive
from ..audit.archives import ArchiveHeader, line_of, opened_archive
from ..audit.chain import move_begin
from ..audit.chains import Chains, chains_of
from ..audit.info import recorded_at
from ..audit.proof import ChainProof
from ..providers.runtime import Runtime
from ..rows.session import Session
from .files import Draft, resolved_dest

__all__ = ["archive_audit"]


def archive_audit(runtime: Runtime, params: dict[str, Any], *, check_mode: bool) -> Result:
    """Archive the records of one chain from before a time, and return the result. Raises ScopedSecretsError."""
    archiving = _Archiving(runtime, params)
    if runtime.store(create=False).is_pretended:
        raise NotFound(
            "no_store",
            "There is no store yet, so there is nothing to archive.",
            hint="Check 'store'. The first task that declares something creates the store.",
        )
    archiving.check_rights()
    runtime.shared.write_out()
    return archiving.run(check_mode=check_mode)


class _Due(NamedTuple):
    """The records to archive: those of `head`'s chain that are in the store, up to `last`."""

    head: Head
    last: Point

    @property
    def records(self) -> int:
        return self.last.sequence - self.head.archived


class _Archiving:
    def __init__(self, runtime: Runtime, params: dict[str, Any]) -> None:
        self._runtime = runtime
        self._path = ScopePath.of(params.get("org"), params.get("project"))
        self._chain: str | None = params.get("chain")
        self._before = recorded_at(params["before"], "before")
        self._dest = resolved_dest(params["dest"], "archive")

    def check_rights(self) -> None:
        """Raise KeyRefused without the root key, Forbidden for a role of the database that can't remove records."""
        _root = self._runtime.store(create=False).keyring.root
        is_shared = self._runtime.settings.store.startswith("postgresql:")
        if is_shared and not self._runtime.read(lambda session: may_archive(session.tx)):
            raise Forbidden(
                "owner_needed",
                "The role of 'store' can't remove audit records, and that is as it should be: runs add to them only.",
                hint="Set 'store' to the URL of the role that owns the tables, for this task only.",
            )

    def run(self, *, check_mode: bool) -> Result:
        with Draft(self._dest, is_written=not check_mode, refusal=_not_written) as draft:
            due = self._runtime.read(lambda session: self._written(session, draft), self._path)
            if due.records and not check_mode:
                self._put(draft, due)
        if not due.records:
            return Result(returned=_returned(due))
        if not check_mode:
            self._runtime.write(lambda session: self._remove(session, due), self._path)
        return Result(True, _returned(due), *_counts(due), list(self._left_over(due)))

    def _written(self, session: Session, draft: Draft) -> _Due:
        """Return what is due. If anything is, verify the whole chain, and write that to the draft.

        Starts over whenever the transaction is retried.
        """
        chains = chains_of(session, self._path)
        head = chains.chosen(self._chain)
        last = self._last(session, head)
        if last == head.archived:
            ChainProof(session, chains.scopes, head).run()
            return _Due(head, head.begin)
        header = ArchiveHeader(session.store_id, head.scope_id, head.scope, head.archived + 1, last, head.archived_link)
        end = head.begin
        with draft.opened() as file:
            file.write(header.line)
            for record in _verified(session, chains, head):
                if record.sequence <= last:
                    file.write(line_of(record))
                    end = Point(record.sequence, record.link)
        return _Due(head, end)

    def _last(self, session: Session, head: Head) -> int:
        """Return the number of the last record to archive: the last one of the file, if an earlier run made it."""
        newer = first_since(session.tx, head.scope_id, head.archived, self._before)
        last = head.sequence if newer is None else newer - 1
        if last == head.archived or not os.path.exists(self._dest):
            return last
        try:
            with opened_archive(self._dest, self._runtime.settings) as archive:
                found = archive.header
        except ScopedSecretsError:
            raise self._taken() from None
        begins = (session.store_id, head.scope_id, head.archived + 1)
        if (found.store_id, found.chain, found.first) != begins or found.last > last:
            raise self._taken()
        return found.last

    def _put(self, draft: Draft, due: _Due) -> None:
        """Put the draft at its destination. A file that is there already must be the same."""
        if not os.path.exists(self._dest):
            draft.link()
        elif filecmp.cmp(draft.path, self._dest, shallow=False):
            # That file may not be on the disk yet; the draft is.
            draft.move()
        else:
            raise self._taken()

    def _remove(self, session: Session, due: _Due) -> None:
        chains = chains_of(session, self._path)
        move_begin(session, chains.scopes, due.head, due.last)
        subject = Subject("scope", self._path.announced, self._path.identifier)
        session.written.append(Event(self._path, "archive", OK, subject, moment()))

    def _left_over(self, due: _Due) -> Iterator[str]:
        """Yield a warning for each archive beside this one that has the same records: a run was killed after it."""
        store_id = self._runtime.store(create=False).store_id
        for path in _beside(self._dest):
            with suppress(ScopedSecretsError), opened_archive(path, self._runtime.settings) as archive:
                found = archive.header
                is_of_chain = (found.store_id, found.chain) == (store_id, due.head.scope_id)
                if is_of_chain and due.head.archived < found.last and found.first <= due.last.sequence:
                    yield (
                        f"{path} has records that {self._dest} has too: the run that wrote it was interrupted before "
                        "it removed them from the store. Remove that file, or 'archives' of audit_info will not join."
                    )

    def _taken(self) -> Conflict:
        return Conflict(
            "dest_taken",
            f"The audit of {self._path} is not archived to {self._dest}: that exists, and is not the archive that "
            "a run which was interrupted left there.",
            hint="Set 'dest' to a path where nothing is.",
        )


def _beside(dest: Path) -> list[Path]:
    """Return what lies beside a file and has its suffix, nothing if the folder can't be listed."""
    try:
        return sorted(path for path in dest.parent.iterdir() if path.suffix == dest.suffix and path != dest)
    except OSError:
        return []


def _verified(session: Session, chains: Chains, head: Head) -> Iterator[StoredEvent]:
    proof = ChainProof(session, chains.scopes, head)
    return proof.stored(proof.start(whole=True))


def _returned(due: _Due) -> View:
    checkpoint: View = {"chain": due.head.scope_id, "sequence": due.last.sequence, "link": due.last.link.hex()}
    return {"archived": due.records, "checkpoint": checkpoint}


def _counts(due: _Due) -> tuple[View, View]:
    """Return how many records are in the store and in archives, before and after."""
    before, after = due.head.archived, due.last.sequence
    newest = due.head.sequence
    return {"in_store": newest - before, "in_archives": before}, {"in_store": newest - after, "in_archives": after}


def _not_written(path: Path, error: OSError) -> StoreRefused:
    return StoreRefused(
        "archive_not_written",
        f"The archive {path} can't be written: {error.strerror or type(error).__name__}.",
        hint="'dest' is a path on the control node. Create its folder, let the user who runs Ansible write there, and "
        "check that the disk has room.",
    )
