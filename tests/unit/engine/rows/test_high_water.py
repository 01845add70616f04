# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks only rise, whoever writes them, and a file of marks is whole at any moment."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.high_water import HighWaterMarks, Mark
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import StoreRefused
from hypothesis import given
from hypothesis import strategies as st

SCOPE, OTHER = "scope-1", "scope-2"
SMALL = st.integers(0, 3)
MARKS = st.builds(Mark, SMALL, SMALL, SMALL, st.sampled_from(["2026-12-01", "2026-12-02"]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "seen" / "store"


@given(one=MARKS, other=MARKS, third=MARKS)
def test_it_does_not_matter_in_which_order_states_are_seen(one: Mark, other: Mark, third: Mark) -> None:
    assert one.joined(other) == other.joined(one)
    assert one.joined(other).joined(third) == one.joined(other.joined(third))
    assert one.joined(one) == one


@given(one=MARKS, other=MARKS)
def test_a_mark_never_sinks_within_an_epoch(one: Mark, other: Mark) -> None:
    joined = one.joined(other)
    assert joined.epoch == max(one.epoch, other.epoch)
    for mark in (one, other):
        if mark.epoch == joined.epoch:
            assert joined.revision >= mark.revision
            assert joined.audit >= mark.audit


def test_a_new_epoch_takes_the_place_of_the_old_one() -> None:
    restored = Mark(2, 5, 7, "2026-12-02")
    assert Mark(1, 90, 90, "2026-12-01").joined(restored) == restored


def test_what_one_run_saved_the_next_one_knows(file: Path) -> None:
    marks = HighWaterMarks(file)
    assert marks.seen() == {}
    marks.add({SCOPE: Mark(1, 4, 9, "2026-12-01")})
    marks.save()
    assert HighWaterMarks(file).seen() == {SCOPE: Mark(1, 4, 9, "2026-12-01")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_runs_that_save_one_after_the_other_keep_the_higher_mark_of_each_scope(file: Path) -> None:
    first, second = HighWaterMarks(file), HighWaterMarks(file)
    first.add({SCOPE: Mark(1, 9, 1, "2026-12-01")})
    second.add({SCOPE: Mark(1, 4, 2, "2026-12-02")})
    second.add({OTHER: Mark(1, 1, 1, "2026-12-02")})
    first.save()
    second.save()
    assert HighWaterMarks(file).seen() == {
        SCOPE: Mark(1, 9, 2, "2026-12-02"),
        OTHER: Mark(1, 1, 1, "2026-12-02"),
    }


def test_a_transaction_compares_with_what_was_known_when_it_began(file: Path) -> None:
    marks = HighWaterMarks(file)
    began = marks.seen()
    marks.add({SCOPE: Mark(1, 1, 1, "2026-12-01")})
    assert (dict(began), SCOPE in marks.seen()) == ({}, True)


def test_nothing_is_written_where_nothing_is_new(file: Path) -> None:
    marks = HighWaterMarks(file)
    marks.save()
    assert not file.exists()
    marks.add({SCOPE: Mark(1, 1, 1, "2026-12-01")})
    marks.save()
    file.unlink()
    marks.add({SCOPE: Mark(1, 0, 1, "2026-12-01")})
    marks.save()
    assert not file.exists()


def test_without_a_file_they_last_as_long_as_the_process() -> None:
    marks = HighWaterMarks(None)
    marks.add({SCOPE: Mark(1, 1, 1, "2026-12-01")})
    marks.save()
    assert SCOPE in marks.seen()


def _save_many(file: Path, number: int) -> None:
    for revision in range(50):
        marks = HighWaterMarks(file)
        marks.add({f"scope-{number}": Mark(1, revision, 0, "2026-12-01")})
        marks.add({SCOPE: Mark(1, 100 * number + revision, 0, "2026-12-01")})
        marks.save()


def test_processes_that_save_at_the_same_time_lose_nothing(file: Path) -> None:
    forking = multiprocessing.get_context("fork")
    processes = [forking.Process(target=_save_many, args=(file, number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    revisions = {scope: mark.revision for scope, mark in HighWaterMarks(file).seen().items()}
    assert revisions == {SCOPE: 349, "scope-0": 49, "scope-2": 49, "scope-3": 49} | {"scope-1": 349}


def test_a_draft_that_a_killed_run_left_is_in_nobody_s_way(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.with_name(f"{file.name}.new").write_text("half a fi")
    marks = HighWaterMarks(file)
    marks.add({SCOPE: Mark(1, 1, 1, "2026-12-01")})
    marks.save()
    assert SCOPE in HighWaterMarks(file).seen()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1}',
        '{"format": 2, "scopes": {}}',
        '{"format": 1, "scopes": []}',
        '{"format": 1, "scopes": {"a": [1, 2]}}',
        '{"format": 1, "scopes": {"a": [1, 2, "3", "now"]}}',
        '{"format": 1, "scopes": {"a": [1, -2, 3, "now"]}}',
        '{"format": 1, "scopes": {"a": [1, true, 3, "now"]}}',
        '{"format": 1, "scopes": {"a": [1, 2, 3, 4]}}',
    ],
)
def test_a_damaged_file_is_refused(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(StoreRefused) as refused:
        HighWaterMarks(file)
    assert refused.value.code == "damaged_high_water_marks"
    assert str(file) in refused.value.message
