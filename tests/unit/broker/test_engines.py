# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines of a broker: simultaneous calls share the work, and reads never wait for writes."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import Lab, fork_many, read, wait_for, write


def test_fifty_simultaneous_reads_open_the_value_once(lab: Lab) -> None:
    write(lab.client(), "a")

    def work() -> None:
        assert read(lab.client(), "a") == [b"v"]

    assert fork_many(50, work) == [0] * 50
    usage = lab.usage()
    assert {what: usage[what] for what in ("calls", "reads", "hits", "opened")} == {
        "calls": 51,
        "reads": 50,
        "hits": 49,
        "opened": 1,
    }


def test_a_read_does_not_wait_for_a_write(lab: Lab) -> None:
    write(lab.client(), "a")
    with lab.locked_store():
        before = lab.usage()["calls"]
        writing = threading.Thread(target=write, args=(lab.client(), "a", b"later"))
        writing.start()
        wait_for(lambda: lab.usage()["calls"] == before + 1)
        assert read(lab.client(), "a") == [b"v"]
        assert writing.is_alive()
    writing.join()
    assert read(lab.client(), "a") == [b"later"]


def test_simultaneous_writes_are_all_kept(lab: Lab) -> None:
    def work() -> None:
        client = lab.client()
        for number in range(5):
            write(client, "shared", f"{threading.get_native_id()}-{number}".encode())

    assert fork_many(10, work) == [0] * 10
    (shared,) = lab.client().handle(Request("secret_info", {"identifier": "shared"})).returned["secrets"]
    assert shared["version"] == 50


def test_the_doctor_names_the_broker(lab: Lab) -> None:
    checks = lab.client().handle(Request("doctor", {})).returned["checks"]
    (place,) = [check["message"] for check in checks if check["check"] == "engine"]
    assert f"process {lab.broker()}" in place


def test_after_the_run_the_store_is_one_complete_file(lab: Lab) -> None:
    write(lab.client(), "a")
    assert read(lab.client(), "a") == [b"v"]
    path = Path(lab.settings.store.removeprefix("sqlite:///"))
    assert path.with_name("store.db-wal").stat().st_size > 0, "the write-ahead log is empty, so this proves nothing"
    lab.end()
    wait_for(lambda: not lab.brokers())
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]
    copy = lab.folder / "copy" / "store.db"
    copy.parent.mkdir(mode=0o700)
    shutil.copy(path, copy)
    copied = lab.settings._replace(store=f"sqlite:///{copy}", through_broker=False)
    assert read(Client(copied), "a") == [b"v"]


def test_a_hanging_call_does_not_delay_the_end(lab: Lab) -> None:
    write(lab.client(), "a")
    with lab.locked_store():
        before = lab.usage()["calls"]
        writing = threading.Thread(target=write, args=(lab.client(), "a", b"later"))
        writing.start()
        wait_for(lambda: lab.usage()["calls"] == before + 1)
        lab.end()
        wait_for(lambda: not lab.brokers())
        assert writing.is_alive()
    # The client has fallen back to an engine of its own.
    writing.join()
    assert read(Client(lab.settings._replace(through_broker=False)), "a") == [b"later"]
