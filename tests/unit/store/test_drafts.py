# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts have unique names, and those of dead processes are removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.store.drafts import new_draft, remove_draft, sync_folder
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import PLAIN_USER, as_user, needs_root


def test_drafts_are_unique_and_in_the_same_folder(tmp_path: Path) -> None:
    drafts = {new_draft(tmp_path / "a[b]*.db") for _time in range(50)}
    assert len(drafts) == 50
    assert {draft.parent for draft in drafts} == {tmp_path}


def test_only_drafts_of_dead_processes_of_this_machine_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "a[b].db"
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    here = os.uname().nodename
    names = {
        new_draft(path).name,
        f".a[b].db.{here}-1-abcdef01.new",
        f".a[b].db.elsewhere-{dead}-abcdef01.new",
        f".a[b].db.{here}-no-pid.new",
        f"a[b].db.{here}-{dead}-abcdef01.new",
    }
    gone = f".a[b].db.{here}-{dead}-abcdef01.new"
    of_another = f".backup-2026-11-30.ssb.{here}-{dead}-abcdef01.new"
    also_kept = f".a[b].db.{here}-{dead}-abc.new"
    no_process = f".a[b].db.{here}-{10**30}-abcdef01.new"
    names.add(also_kept)
    for name in (*names, gone, of_another, f"{gone}-wal", no_process):
        (tmp_path / name).touch()
    new_draft(path)
    assert {file.name for file in tmp_path.iterdir()} == names


def test_a_folder_is_synced_and_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    sync_folder(tmp_path)
    assert (synced, os.listdir("/proc/self/fd")) == ([str(tmp_path)], before)


def test_a_draft_that_somebody_else_removes_meanwhile_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = new_draft(tmp_path / "a")
    monkeypatch.setattr(Path, "glob", lambda folder, _pattern: iter([folder / "gone.new"]))
    remove_draft(draft)


def test_removing_a_draft_removes_its_companion_files(tmp_path: Path) -> None:
    draft, other = new_draft(tmp_path / "a"), new_draft(tmp_path / "a")
    for name in (draft.name, f"{draft.name}-wal", f"{draft.name}-shm", other.name):
        (tmp_path / name).touch()
    remove_draft(draft)
    assert [file.name for file in tmp_path.iterdir()] == [other.name]


@needs_root
def test_drafts_of_processes_of_another_user_stay(folder: Path) -> None:
    left = folder / f".a.{os.uname().nodename}-1-abcdef01.new"
    left.touch()
    as_user(PLAIN_USER, lambda: new_draft(folder / "a").name)
    assert left.exists()
