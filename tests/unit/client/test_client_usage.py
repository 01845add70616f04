# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage counts come from all brokers of the run, and only from them."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import protocol
from ansible_collections.scoped.secrets.plugins.module_utils.client import usage
from ansible_collections.scoped.secrets.plugins.module_utils.client.usage import usage_of_run
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import Lab, read, wait_for, write


def counts(names: str = "calls reads hits opened") -> dict[str, int]:
    found = usage_of_run()
    return {name: found[name] for name in names.split()}


def test_without_a_broker_there_are_no_counts_and_none_is_started(lab: Lab) -> None:
    assert usage_of_run() == {}
    assert (lab.brokers(), lab.files()) == ([], [])


def test_one_broker(lab: Lab) -> None:
    client = lab.client()
    write(client, "a")
    read(client, "a", "a")
    read(client, "a")
    assert counts() == {"calls": 3, "reads": 3, "hits": 2, "opened": 1}


def test_all_brokers_of_a_run_are_added_up(lab: Lab) -> None:
    for client in (lab.client(), lab.client(store=f"sqlite:///{lab.folder}/other/store.db")):
        write(client, "a")
        read(client, "a")
    assert len(lab.brokers()) == 2
    assert counts() == {"calls": 4, "reads": 2, "hits": 0, "opened": 2}


def test_asking_for_usage_is_not_counted(lab: Lab) -> None:
    write(lab.client(), "a")
    assert usage_of_run() == usage_of_run()


def test_another_run_does_not_count(lab: Lab) -> None:
    write(lab.client(), "a")
    lab.begin()
    assert usage_of_run() == {}


def test_a_folder_with_two_names_counts_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """On most systems XDG_RUNTIME_DIR is one of the other candidates."""
    write(lab.client(), "a")
    (lab.folder / "link").symlink_to(lab.folder / "run")
    for name in ("run", "run/", "link"):
        monkeypatch.setattr(tempfile, "tempdir", f"{lab.folder}/{name}")
        assert counts("calls") == {"calls": 1}


def test_a_broker_that_does_not_answer_is_left_out(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lab.client(), "a")
    monkeypatch.setattr(usage, "PATIENCE", 0.2)
    os.kill(lab.broker(), signal.SIGSTOP)
    assert usage_of_run() == {}
    os.kill(lab.broker(), signal.SIGKILL)
    wait_for(lambda: lab.brokers() == [])
    assert usage_of_run() == {}
    Path(lab.meeting.token).unlink()
    assert usage_of_run() == {}


@pytest.mark.parametrize("answer", [b"garbage that is long enough", b"\0\0\0\2[]", b""])
def test_an_invalid_answer_is_left_out(lab: Lab, answer: bytes) -> None:
    meeting = lab.meeting
    Path(meeting.token).write_bytes(bytes(32))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(meeting.socket)
        listener.listen(1)

        def serve() -> None:
            with listener.accept()[0] as connection:
                protocol.receive(connection)
                connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        assert usage_of_run() == {}
        serving.join()


def test_a_folder_that_others_may_enter_is_ignored(lab: Lab) -> None:
    write(lab.client(), "a")
    folder = Path(lab.meeting.folder)
    folder.chmod(0o755)
    assert usage_of_run() == {}
    folder.chmod(0o700)
    assert counts("calls") == {"calls": 1}
