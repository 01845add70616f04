# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run's broker is reached: never in a folder open to other users, and under names that reveal nothing."""

from __future__ import annotations

import builtins
import multiprocessing
import os
import subprocess
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import meeting as module
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import (
    MAX_PATH,
    Meeting,
    NoMeeting,
    Run,
    folders,
    is_private,
    locked,
    meeting_of,
    namespace,
    prefix_of,
    proof_of,
    proof_of_run,
    started,
    this_run,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import OTHER_USER, needs_root

RUN = Run(1234, "5678")
SETTINGS = Settings("sqlite:////data/store.db", "/keys/root.key")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private folder, the first of two candidates. The second one is always suitable."""
    (tmp_path / "first").mkdir(mode=0o700)
    (tmp_path / "second").mkdir(mode=0o700)
    both = [f"{tmp_path}/{name}/scoped-secrets-{os.geteuid()}" for name in ("first", "second")]
    monkeypatch.setattr(module, "folders", lambda: iter(both))
    # pytest's folders may be long.
    monkeypatch.setattr(module, "MAX_PATH", 1000)
    return tmp_path / "first"


def chosen() -> str:
    """Return the candidate that is used."""
    return Path(meeting_of(RUN, SETTINGS).folder).parent.name


def test_the_candidates_and_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/mine")
    monkeypatch.setattr(tempfile, "tempdir", "/my/tmp")
    user = os.geteuid()
    bases = ["/run/mine", f"/run/user/{user}", "/dev/shm", "/my/tmp", "/tmp"]
    assert list(folders()) == [f"{base}/scoped-secrets-{user}" for base in bases]


@pytest.mark.parametrize("value", ["", "run/mine", None])
def test_an_invalid_runtime_folder_is_no_candidate(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert next(folders()) == f"/run/user/{os.geteuid()}/scoped-secrets-{os.geteuid()}"


def test_without_any_temp_folder_the_others_are_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert [os.path.dirname(folder) for folder in folders()][-2:] == ["/dev/shm", "/tmp"]


def test_the_temp_folder_is_only_looked_up_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(tempfile, "gettempdir", lambda: looked.append("/var/tmp") or "/var/tmp")
    found = folders()
    while not next(found).startswith("/dev/shm/"):
        assert not looked
    assert not looked
    assert next(found).startswith("/var/tmp/")
    assert looked == ["/var/tmp"]


def test_a_new_folder_is_private(base: Path) -> None:
    folder = Path(meeting_of(RUN, SETTINGS).folder)
    assert (folder.parent, folder.stat().st_mode & 0o777, folder.stat().st_uid) == (base, 0o700, os.geteuid())
    assert meeting_of(RUN, SETTINGS).folder == str(folder)


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o704, 0o720, 0o777])
def test_a_folder_that_others_may_enter_is_not_used(base: Path, mode: int) -> None:
    folder = base / f"scoped-secrets-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(mode)
    assert chosen() == "second"


@pytest.mark.parametrize(("mode", "used"), [(0o755, "first"), (0o1777, "first"), (0o777, "second"), (0o770, "second")])
def test_a_base_where_others_may_rename_folders_is_not_used(base: Path, mode: int, used: str) -> None:
    base.chmod(mode)
    assert chosen() == used


@needs_root
@pytest.mark.parametrize("foreign", ["base", "folder"])
def test_a_folder_of_another_user_is_not_used(base: Path, foreign: str) -> None:
    folder = base / f"scoped-secrets-{os.geteuid()}"
    folder.mkdir(mode=0o700)
    os.chown(base if foreign == "base" else folder, OTHER_USER, OTHER_USER)
    assert chosen() == "second"


def test_a_missing_base_is_not_used(base: Path) -> None:
    base.rmdir()
    assert chosen() == "second"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_link_is_not_used(base: Path, kind: str, tmp_path: Path) -> None:
    place = base / f"scoped-secrets-{os.geteuid()}"
    if kind == "file":
        place.write_bytes(b"")
        place.chmod(0o600)
    else:
        place.symlink_to(tmp_path / "second")
    assert chosen() == "second"


def test_a_read_only_folder_is_not_used(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Simulates a disk mounted read-only, where root can't write either.
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and str(path).startswith(str(base))))
    assert chosen() == "second"


def test_a_path_too_long_for_a_socket_is_not_used(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def length(which: str) -> int:
        return len(f"{meeting_of(RUN, SETTINGS).own_folder(4194304)}/agent999".replace("first", which))

    monkeypatch.setattr(module, "MAX_PATH", length("first"))
    assert chosen() == "first"
    monkeypatch.setattr(module, "MAX_PATH", length("first") - 1)
    with pytest.raises(NoMeeting):
        chosen()
    assert MAX_PATH <= 103


@pytest.mark.parametrize(
    ("blocks", "files", "counted", "name"),
    [(15, 1000, 1000, "second"), (16, 1000, 1000, "first"), (16, 16, 1000, "second"), (16, 0, 0, "first")],
)
def test_a_full_folder_is_not_used(
    base: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, files: int, counted: int, name: str
) -> None:
    def found(path: str) -> SimpleNamespace:
        is_first = str(path).startswith(f"{base}/")
        room = (blocks, files, counted) if is_first else (1000, 1000, 1000)
        return SimpleNamespace(f_frsize=4096, f_bavail=room[0], f_favail=room[1], f_files=room[2])

    monkeypatch.setattr(os, "statvfs", found)
    assert chosen() == name
    # A broker that is there already is found, and where all are full, one is still tried.
    there = meeting_of(RUN, SETTINGS)
    Path(there.token).write_bytes(b"x")
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_frsize=1, f_bavail=0, f_favail=0, f_files=1))
    assert chosen() == name
    Path(there.token).unlink()
    assert chosen() == "first"


def test_without_a_suitable_folder_it_says_why(base: Path) -> None:
    for name in ("first", "second"):
        base.with_name(name).chmod(0o777)
    with pytest.raises(NoMeeting, match="temporary folder"):
        chosen()


def scope_key(scope: int, secret: str) -> str:
    """Return text that looks like a scope key."""
    return f"sssk1:{UUID(int=9)}:{UUID(int=scope)}:1:{secret * 43}=:00000000"


def test_names_differ_by_run_store_and_key(base: Path) -> None:
    database = "postgresql://ansible@db/secrets"
    others = [
        SETTINGS,
        SETTINGS._replace(store="sqlite:////data/other.db"),
        SETTINGS._replace(store="sqlite:////data/a@b/store.db"),
        SETTINGS._replace(store="sqlite:////data/c@b/store.db"),
        SETTINGS._replace(store=database),
        SETTINGS._replace(store=database.replace("@db", "@other")),
        SETTINGS._replace(root_key_file="/keys/other.key"),
        SETTINGS._replace(root_key="k"),
        SETTINGS._replace(passphrase="p"),
        SETTINGS._replace(scope_key="k"),
        SETTINGS._replace(scope_key=scope_key(1, "a")),
        SETTINGS._replace(scope_key=scope_key(2, "a")),
        SETTINGS._replace(scope_key_file="/keys/api.key"),
    ]
    names = {meeting_of(run, settings).name for settings in others for run in (RUN, Run(1234, "5679"), Run(4, "5678"))}
    assert len(names) == 3 * len(others)
    assert all(name.startswith((prefix_of(RUN), "1234-5679-", "4-5678-")) for name in names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"root_key": "k1"}, {"root_key": "k2"}),
        ({"passphrase": "p1"}, {"passphrase": "p2"}),
        ({"scope_key": "k1"}, {"scope_key": "k2"}),
        ({"scope_key": scope_key(1, "a")}, {"scope_key": scope_key(1, "b")}),
        ({"store": "postgresql://u:p1@db/secrets"}, {"store": "postgresql://u:p2@db/secrets"}),
        ({"store": "postgresql://u:p@1@db/secrets"}, {"store": "postgresql://u:p/2@db/secrets"}),
        ({"store": "postgresql://db/secrets?password=p1"}, {"store": "postgresql://db/secrets?password=p2"}),
    ],
)
def test_a_name_does_not_depend_on_secrets(base: Path, one: dict[str, str], other: dict[str, str]) -> None:
    settings = [SETTINGS._replace(**changes) for changes in (one, other)]  # type: ignore[arg-type]
    names = {meeting_of(RUN, each).name for each in settings}
    assert len(names) == 1
    assert len({proof_of(b"token", each) for each in settings}) == 2


def test_a_proof_depends_on_the_token_and_all_settings() -> None:
    changed = [SETTINGS, *(SETTINGS._replace(**{field: "x"}) for field in SETTINGS._fields)]  # type: ignore[arg-type]
    proofs = {proof_of(token, settings) for token in (b"one", b"two") for settings in changed}
    proofs |= {proof_of_run(b"one"), proof_of_run(b"two")}
    assert len(proofs) == 2 * len(changed) + 2


def test_the_files_of_a_meeting() -> None:
    meeting = Meeting("/f", "n")
    assert (meeting.socket, meeting.token, meeting.lock) == ("/f/n.sock", "/f/n.token", "/f/n.lock")


def test_the_start_time_of_a_process_is_stable() -> None:
    assert started(os.getpid()) == started(os.getpid()) != ""
    assert started(os.getpid()) != started(1)


def test_a_process_name_may_hold_parentheses(tmp_path: Path) -> None:
    odd = tmp_path / "x) R 1 (1"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "600"]) as odd_one, subprocess.Popen(["sleep", "600"]) as plain_one:
        try:
            assert abs(int(started(odd_one.pid)) - int(started(plain_one.pid))) < 100_000
        finally:
            odd_one.kill()
            plain_one.kill()


def test_an_ended_process_has_no_start_time() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert started(process.pid) == ""  # a zombie
    process.wait()
    assert started(process.pid) == ""


def test_without_proc_a_process_is_identified_by_id_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS and the BSDs."""
    stat = os.stat

    def no_file(*_arguments: Any, **_options: Any) -> Any:
        raise FileNotFoundError

    def no_proc(path: Any, **options: Any) -> os.stat_result:
        return no_file() if str(path).startswith("/proc") else stat(path, **options)

    monkeypatch.setattr(builtins, "open", no_file)
    monkeypatch.setattr(os, "stat", no_proc)
    assert (started(os.getpid()), namespace()) == ("", "")
    assert this_run() == Run(os.getpid(), "")
    assert prefix_of(this_run()) == f"{os.getpid()}---"


def test_the_run_of_a_worker_is_its_parent() -> None:
    def in_worker(answer: Connection) -> None:
        answer.send(this_run())

    assert this_run() == Run(os.getpid(), started(os.getpid()))
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=in_worker, args=(theirs,))
    worker.start()
    worker.join()
    assert ours.recv() == this_run()


def test_a_private_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "link").symlink_to(tmp_path)
    assert is_private(str(tmp_path))
    assert not is_private(str(tmp_path / "link"))
    assert not is_private(str(tmp_path / "none"))
    tmp_path.chmod(0o750)
    assert not is_private(str(tmp_path))


def test_a_lock_is_exclusive(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with locked(path):
        with pytest.raises(BlockingIOError), locked(path, wait=False):
            pass
        assert os.stat(path).st_mode & 0o777 == 0o600
    with locked(path, wait=False):
        pass


def test_a_lock_lasts_while_another_process_holds_its_descriptor(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with locked(path) as descriptor:
        holder = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    with pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    holder.communicate()
    with locked(path, wait=False):
        pass


def test_a_waiter_whose_lock_file_was_removed_locks_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    got: list[bool] = []

    def wait() -> None:
        with locked(str(path)) as descriptor:
            got.append(os.path.samestat(os.fstat(descriptor), path.stat()))

    with locked(str(path)):
        waiting = threading.Thread(target=wait)
        waiting.start()
        while not _is_waited_for(path):
            assert waiting.is_alive()
        path.unlink()
    waiting.join()
    assert got == [True]


def _is_waited_for(path: Path) -> bool:
    """Return whether somebody waits for the lock (proc_locks(5) marks waiters with an arrow)."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{path.stat().st_ino} " in line for line in lines)
