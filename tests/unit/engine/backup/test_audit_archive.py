# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit records move to files that prove themselves, and with the store that none is missing."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import audit_archive
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Damaged,
    ScopedSecretsError,
    Unavailable,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import heads_of
from ansible_collections.scoped.secrets.tests.unit.engine.audit.records import (
    ORG,
    RECORDS,
    add_days,
    chain_of,
    fill,
    run,
    verified,
)
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import back_up, restore
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    holding,
    in_session,
    shown,
)

FOREVER = "2999-01-01"


@pytest.fixture
def engine(engine: Engine) -> Engine:
    fill(engine)
    return engine


def archive(engine: Engine, dest: Path, before: str = FOREVER, **params: Any) -> Result:
    return declare(engine, "audit_archive", **{**ORG, "dest": str(dest), "before": before, **params})


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def numbers_in_store(engine: Engine) -> list[int]:
    return [event["sequence"] for event in declare(engine, "audit_info", **ORG, limit=1000).returned["events"]]


def joined(engine: Engine, *archives: Path, **params: Any) -> tuple[int, int]:
    """Verify archives with the store; return the first record of the proof, and how many were read for it."""
    return verified(engine, archives=[str(one) for one in archives], **params)


def test_what_is_older_moves_to_a_file(engine: Engine, tmp_path: Path) -> None:
    events = declare(engine, "audit_info", **ORG).returned["events"]
    result = archive(engine, tmp_path / "a", "2030-01-06")
    assert (result.changed, result.returned["archived"]) == (True, 5)
    header, *records = lines_of(tmp_path / "a")
    assert (header["first"], header["last"], header["scope"]) == (1, 5, "account/payments")
    assert [(one["sequence"], one["mac"], one["identifier"]) for one in records] == [
        (one["sequence"], one["mac"], one["identifier"]) for one in events[:5]
    ]
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert result.returned["checkpoint"] == {
        "chain": events[0]["chain"],
        "sequence": 5,
        "link": records[-1]["link"],
    }
    assert [one.name for one in tmp_path.iterdir() if "new" in one.name] == []
    # What is left, and a record of what was done, in the same transaction.
    assert numbers_in_store(engine) == [6, 7, 8, 9, 10, 11]
    last = declare(engine, "audit_info", **ORG, after=10).returned["events"][0]
    assert (last["action"], last["outcome"], last["kind"]) == ("archive", "ok", "scope")
    assert verified(engine) == (6, 6)
    assert chain_of(engine)["archived"] == 5
    assert verified(engine, verify_all=True) == (6, 6)
    add_days(engine.settings, range(12, 14))
    assert verified(engine) == (12, 2)


def test_nothing_is_old_enough(engine: Engine, tmp_path: Path) -> None:
    archive(engine, tmp_path / "a", "2030-01-06")
    for before in ("2030-01-06", "2001-01-01"):
        result = archive(engine, tmp_path / "b", before)
        assert (result.changed, result.returned["archived"]) == (False, 0)
        assert (result.returned["checkpoint"]["sequence"], result.before, result.after) == (5, {}, {})
    assert not archive(engine, tmp_path / "no folder" / "b", "2001-01-01").changed
    # Not even the file of the first run is in the way.
    assert not archive(engine, tmp_path / "a", "2030-01-06").changed
    assert [one.name for one in tmp_path.iterdir() if one.is_file() and one.name != "root.key"] == ["a"]
    assert len(numbers_in_store(engine)) == 6


def test_a_broken_chain_is_found_when_nothing_is_old_enough(engine: Engine, tmp_path: Path) -> None:
    run(engine.settings, "DELETE FROM audit_event WHERE scope_id = SCOPE AND sequence = 5")
    assert error_of(lambda: archive(engine, tmp_path / "a", "2001-01-01")).code == "audit_broken"


def test_everything_is_old_enough(engine: Engine, tmp_path: Path) -> None:
    assert archive(engine, tmp_path / "a").returned["archived"] == RECORDS
    assert numbers_in_store(engine) == [11]
    assert archive(engine, tmp_path / "b").returned["archived"] == 1
    assert joined(engine, tmp_path / "a", tmp_path / "b") == (1, 12)
    assert declare(engine, "scope", **ORG, description="new").changed
    assert verified(engine) == (13, 1)


def test_without_a_record_of_it_nothing_may_be_left(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    silent = Engine(settings._replace(audit="off"))
    assert archive(silent, tmp_path / "a").returned["archived"] == RECORDS
    assert numbers_in_store(silent) == []
    assert verified(silent) == (11, 0)
    assert not archive(silent, tmp_path / "b").changed
    declare(silent, "secret_text", **ORG, identifier="a", value=b"a")
    declare(engine, "secret_text", **ORG, identifier="a", value=b"b")
    assert numbers_in_store(engine) == [11]
    assert joined(engine, tmp_path / "a") == (1, 11)


def test_check_mode_verifies_and_counts(engine: Engine, tmp_path: Path) -> None:
    result = check(engine, "audit_archive", **ORG, dest=str(tmp_path / "a"), before="2030-01-06")
    assert (result.changed, result.returned["archived"]) == (True, 5)
    assert (result.before, result.after) == ({"in_store": 10, "in_archives": 0}, {"in_store": 5, "in_archives": 5})
    assert not (tmp_path / "a").exists()
    assert len(numbers_in_store(engine)) == RECORDS
    real = archive(engine, tmp_path / "a", "2030-01-06")
    assert (real.before, real.after) == (result.before, result.after)
    run(engine.settings, "UPDATE audit_event SET host = 'x' WHERE scope_id = SCOPE AND sequence = 8")
    with pytest.raises(Damaged):
        check(engine, "audit_archive", **ORG, dest=str(tmp_path / "b"), before="2030-01-07")


@pytest.mark.parametrize("number", [3, 8])
def test_a_chain_that_does_not_hold_is_not_archived(engine: Engine, tmp_path: Path, number: int) -> None:
    """Wherever the bad record is: who archives the good ones would lose sight of it."""
    verified(engine)
    run(engine.settings, f"UPDATE audit_event SET host = 'x' WHERE scope_id = SCOPE AND sequence = {number}")
    error = error_of(lambda: archive(engine, tmp_path / "a", "2030-01-06"))
    assert (error.code, error.details["sequence"]) == ("audit_broken", number)
    assert not (tmp_path / "a").exists()
    events = declare(engine, "audit_info", **ORG, limit=1000).returned["events"]
    assert [event["sequence"] for event in events[:RECORDS]] == list(range(1, 11))
    # The refusal is recorded.
    assert (events[-1]["action"], events[-1]["outcome"]) == ("archive", "audit_broken")


@pytest.mark.parametrize("name", ["taken", "folder", "root.key", "store", "link"])
def test_dest_replaces_nothing(engine: Engine, settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "taken")
    dest = Path(settings.store.removeprefix("sqlite:///")) if name == "store" else tmp_path / name
    before = dest.read_bytes() if dest.is_file() else b""
    if name == "store" and not settings.store.startswith("sqlite:"):
        pytest.skip("has no file")
    assert error_of(lambda: archive(engine, dest)).code == "dest_taken"
    assert error_of(lambda: check(engine, "audit_archive", **ORG, dest=str(dest), before=FOREVER)).code == "dest_taken"
    assert name == "store" or before == (dest.read_bytes() if dest.is_file() else b"")
    assert len(numbers_in_store(engine)) == RECORDS + 1


def test_a_missing_folder_is_an_error(engine: Engine, tmp_path: Path) -> None:
    assert error_of(lambda: archive(engine, tmp_path / "none" / "a")).code == "archive_not_written"
    # In check mode, an earlier task may be the one that makes it.
    assert check(engine, "audit_archive", **ORG, dest=str(tmp_path / "none" / "a"), before=FOREVER).changed


def test_only_the_root_key_archives(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    team = holding(settings, "payments")
    assert error_of(lambda: archive(team, tmp_path / "a")).code == "root_key_needed"
    assert not (tmp_path / "a").exists()


def test_there_is_no_store(settings: Settings, new_place: Callable[[], str], tmp_path: Path) -> None:
    empty = Engine(settings._replace(store=new_place()))
    assert error_of(lambda: archive(empty, tmp_path / "a")).code == "no_store"


@pytest.mark.parametrize(
    ("params", "code"),
    [({"before": "soon"}, "invalid_time"), ({"chain": "x"}, "unknown_chain"), ({"org": "nobody"}, "unknown_scope")],
)
def test_what_is_asked_for_must_be_there(engine: Engine, tmp_path: Path, params: dict[str, str], code: str) -> None:
    assert error_of(lambda: archive(engine, tmp_path / "a", **params)).code == code


@pytest.fixture
def archives(engine: Engine, tmp_path: Path) -> list[Path]:
    """Three archives of the organization's chain, with all but the newest one of its records."""
    found = [tmp_path / f"archive {number}" for number in range(3)]
    for path, before in zip(found, ("2030-01-05", "2030-01-08", "2030-01-11"), strict=True):
        archive(engine, path, before)
    return found


def test_archives_join_each_other_and_the_store(engine: Engine, archives: list[Path]) -> None:
    assert [[one["sequence"] for one in lines_of(path)[1:]] for path in archives] == [
        [1, 2, 3, 4],
        [5, 6, 7],
        [8, 9, 10, 11, 12],
    ]
    assert numbers_in_store(engine) == [13]
    assert joined(engine, *archives) == (1, 13)
    # The oldest ones may be gone.
    assert joined(engine, *archives[1:]) == (5, 9)
    assert joined(engine, archives[2]) == (8, 6)
    assert chain_of(engine, archives=[])["archived"] == 12


@pytest.mark.parametrize("chosen", [[0, 1], [1, 0, 2], [0, 2], [0, 1, 2, 2], [0], [0, 0, 1, 2]])
def test_archives_that_do_not_join_are_refused(engine: Engine, archives: list[Path], chosen: list[int]) -> None:
    error = error_of(lambda: joined(engine, *(archives[number] for number in chosen)))
    assert error.code == "archives_not_joined"


def test_archives_of_the_scope_above_are_other_ones(engine: Engine, archives: list[Path]) -> None:
    assert error_of(lambda: declare(engine, "audit_info", archives=[str(archives[0])])).code == "other_archive"


FIELDS = [
    "sequence",
    "scope",
    "recorded_at",
    "action",
    "outcome",
    "kind",
    "of_scope",
    "identifier",
    "thing_id",
    "version",
    "user_name",
    "host",
    "job",
    "run",
    "key_generation",
    "link",
    "mac",
    "scope_id",
]


@pytest.mark.parametrize("field", FIELDS)
def test_an_edited_archive_is_found(engine: Engine, archives: list[Path], field: str) -> None:
    lines = lines_of(archives[1])
    old = lines[2][field]
    lines[2][field] = old + 1 if isinstance(old, int) else "00" * 32 if field in ("link", "mac") else "edited"
    archives[1].write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    error = error_of(lambda: joined(engine, *archives))
    assert (error.code, error.details["sequence"]) == ("damaged_archive", 6)
    assert str(archives[1]) in error.message


@pytest.mark.parametrize(
    ("number", "edit"),
    [
        (7, lambda text: text[: text.rindex("{")]),
        (7, lambda text: text[:-40]),
        (8, lambda text: text + text.splitlines()[-1] + "\n"),
        (5, lambda text: text.replace("\n", "\n[]\n", 1)),
        (6, lambda text: text.replace('"s6"', '"\\ud800"', 1)),
        (5, lambda text: text.replace("\n", "\n" + "x" * 100_000 + "\n", 1)),
        (6, lambda text: "\n".join(text.splitlines()[one] for one in (0, 1, 3, 2)) + "\n"),
    ],
    ids=["a record less", "half a record", "one more", "no record", "half a character", "a long line", "swapped"],
)
def test_an_archive_that_was_cut_or_mixed_is_found(
    engine: Engine, archives: list[Path], number: int, edit: Callable[[str], str]
) -> None:
    archives[1].write_text(edit(archives[1].read_text()))
    error = error_of(lambda: joined(engine, *archives))
    assert (error.code, error.details["sequence"]) == ("damaged_archive", number)


@pytest.mark.parametrize("change", [{"link_before": "00" * 32}, {"last": 6}, {"first": 6, "last": 8}])
def test_an_edited_header_is_found(engine: Engine, archives: list[Path], change: dict[str, Any]) -> None:
    header, *records = lines_of(archives[1])
    archives[1].write_text("".join(f"{json.dumps(line)}\n" for line in [{**header, **change}, *records]))
    assert error_of(lambda: joined(engine, *archives[1:])).code in ("damaged_archive", "archives_not_joined")


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"[]\n", b"{}\n", b"\xff\xfe", b"[" * 100_000, b'{"format": "scoped.secrets audit archive"}\n'],
)
def test_any_other_file_is_no_archive(engine: Engine, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert error_of(lambda: joined(engine, tmp_path / "a")).code == "not_an_archive"


@pytest.mark.parametrize("change", [{"version": 2}, {"first": 0}, {"first": "1"}, {"link_before": 1}, {"chain": None}])
def test_a_header_that_this_version_does_not_know_is_refused(
    engine: Engine, archives: list[Path], change: dict[str, Any]
) -> None:
    header, *records = lines_of(archives[0])
    archives[0].write_text("".join(f"{json.dumps(line)}\n" for line in [{**header, **change}, *records]))
    assert error_of(lambda: joined(engine, *archives)).code == "not_an_archive"


def test_an_archive_that_can_not_be_read_is_named(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, Path(settings.root_key_file)):
        error = error_of(lambda path=path: joined(engine, path))
        assert error.code == "unreadable_archive"
        assert str(path) in error.message


def test_archives_of_another_store_or_chain_are_refused(
    engine: Engine, settings: Settings, new_place: Callable[[], str], archives: list[Path], tmp_path: Path
) -> None:
    other = Engine(settings._replace(store=new_place()))
    declare(other, "scope", **ORG)
    assert error_of(lambda: joined(other, *archives)).code == "other_archive"
    declare(engine, "scope", **ORG, state="absent")
    declare(engine, "scope", **ORG)
    assert error_of(lambda: joined(engine, *archives)).code == "other_archive"


def test_a_removed_scope_and_a_destroyed_key(engine: Engine, tmp_path: Path) -> None:
    archive(engine, tmp_path / "a", "2030-01-05")
    declare(engine, "key_rotation", **ORG, target="scope")
    declare(engine, "key_rotation", **ORG, target="scope", destroy_generation=1)
    assert joined(engine, tmp_path / "a")[0] == 1
    assert chain_of(engine, archives=[str(tmp_path / "a")])["key_destroyed"] >= RECORDS
    declare(engine, "scope", **ORG, state="absent")
    closed = chain_of(engine)
    result = archive(engine, tmp_path / "b", chain=closed["chain"])
    assert result.returned["archived"] == closed["last"] - 4
    assert numbers_in_store(engine) == []
    assert joined(engine, tmp_path / "a", tmp_path / "b") == (1, closed["last"])
    # It is the account that records what was done to it.
    last = declare(engine, "audit_info", limit=1000).returned["events"][-1]
    assert (last["action"], last["of_scope"]) == ("archive", "payments")
    # Its head is signed by the account still.
    run(engine.settings, "UPDATE audit_head SET archived = 2 WHERE scope LIKE '%payments'")
    with pytest.raises(Damaged):
        verified(engine)


class Interrupted(Exception):
    """What a kill would do."""


def test_a_run_that_ends_before_the_records_are_removed_is_gone_on_with(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_given: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(audit_archive, "move_begin", interrupted)
        with pytest.raises(Interrupted):
            archive(engine, tmp_path / "a", "2030-01-05")
    content = (tmp_path / "a").read_bytes()
    assert len(numbers_in_store(engine)) >= RECORDS
    # It is one file too many for now.
    assert error_of(lambda: joined(engine, tmp_path / "a")).code == "archives_not_joined"
    # Others may be due by now: they wait for another file.
    planned = check(engine, "audit_archive", **ORG, dest=str(tmp_path / "a"), before="2030-01-09")
    assert (planned.changed, planned.returned["archived"]) == (True, 4)
    result = archive(engine, tmp_path / "a", "2030-01-09")
    assert result.returned == planned.returned
    assert (tmp_path / "a").read_bytes() == content
    assert archive(engine, tmp_path / "b", "2030-01-09").returned["archived"] == 4
    assert joined(engine, tmp_path / "a", tmp_path / "b")[0] == 1


@pytest.mark.parametrize(
    "edit", [lambda text: text.replace("s3", "s4"), lambda text: text[:-1], lambda text: text + "x"]
)
def test_what_is_gone_on_with_must_be_the_same(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], str]
) -> None:
    monkeypatch.setattr(audit_archive, "move_begin", lambda *_given: None)
    archive(engine, tmp_path / "a", "2030-01-05")
    monkeypatch.undo()
    (tmp_path / "a").write_text(edit((tmp_path / "a").read_text()))
    assert error_of(lambda: archive(engine, tmp_path / "a", "2030-01-05")).code == "dest_taken"
    assert numbers_in_store(engine)[0] == 1


def test_what_an_interrupted_run_left_is_named_by_the_next_one(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(engine, tmp_path / "2029.jsonl", "2030-01-03")
    with monkeypatch.context() as patched:
        patched.setattr(audit_archive, "move_begin", lambda *_given: None)
        archive(engine, tmp_path / "2030.jsonl", "2030-01-06")
    (tmp_path / "other.jsonl").write_text("mine")
    (warning,) = archive(engine, tmp_path / "2031.jsonl", "2030-01-08").warnings
    assert warning.startswith(f"{tmp_path / '2030.jsonl'} has records that {tmp_path / '2031.jsonl'} has too")
    (tmp_path / "2030.jsonl").unlink()
    assert joined(engine, tmp_path / "2029.jsonl", tmp_path / "2031.jsonl")[0] == 1
    assert archive(engine, tmp_path / "2032.jsonl", "2030-01-09").warnings == []


def test_a_file_with_more_than_is_due_is_not_gone_on_with(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_archive, "move_begin", lambda *_given: None)
    archive(engine, tmp_path / "a", "2030-01-08")
    monkeypatch.undo()
    assert error_of(lambda: archive(engine, tmp_path / "a", "2030-01-05")).code == "dest_taken"


def test_of_two_runs_one_archives(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = audit_archive.move_begin
    others = Engine(engine.settings)

    def late(*given: Any) -> None:
        monkeypatch.setattr(audit_archive, "move_begin", real)
        raise Unavailable("too_late", "The other one was faster.", hint="None.")

    monkeypatch.setattr(audit_archive, "move_begin", late)
    with pytest.raises(Unavailable):
        archive(engine, tmp_path / "a", "2030-01-05")
    head = in_session(engine.settings, lambda session: heads_of(session.tx, "account/payments")[0])
    archive(others, tmp_path / "b", "2030-01-08")

    def work(session: Any) -> None:
        at = head.last._replace(sequence=4)
        real(session, session.chain(ScopePath("payments")), head, at)

    with pytest.raises(ScopedSecretsError) as caught:
        in_session(engine.settings, work)
    assert caught.value.code == "archived_meanwhile"
    assert joined(engine, tmp_path / "b")[0] == 1


def test_backups_keep_what_the_store_has(
    engine: Engine, settings: Settings, new_place: Callable[[], str], archives: list[Path], tmp_path: Path
) -> None:
    back_up(engine, tmp_path / "new.backup")
    restored = Engine(settings._replace(store=new_place()))
    restore(restored, tmp_path / "new.backup")
    assert joined(restored, *archives)[0] == 1
    add_days(restored.settings, range(12, 14))
    assert verified(restored)[1] > 0


def test_a_backup_from_before_has_the_records_again(
    engine: Engine, settings: Settings, new_place: Callable[[], str], tmp_path: Path
) -> None:
    back_up(engine, tmp_path / "old.backup")
    archive(engine, tmp_path / "a", "2030-01-05")
    restored = Engine(settings._replace(store=new_place()))
    restore(restored, tmp_path / "old.backup")
    assert verified(restored, verify_all=True)[0] == 1
    assert error_of(lambda: joined(restored, tmp_path / "a")).code == "archives_not_joined"
    # The same task makes them one again.
    archive(restored, tmp_path / "a", "2030-01-05")
    assert joined(restored, tmp_path / "a")[0] == 1


def test_store_info_counts_records(engine: Engine, archives: list[Path]) -> None:
    store = shown(engine, "store_info")
    (own,) = (one for one in store["scopes"] if one["scope"] == "payments")
    assert (own["audit_records"], own["audit_records_archived"]) == (1, 12)
    assert (store["audit_records"], store["audit_records_archived"]) == (1, 12)
