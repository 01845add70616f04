# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the broker: correct answers even if the broker dies; without a broker, an engine in its own process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import meeting as meeting_module
from ansible_collections.scoped.secrets.plugins.module_utils.broker import protocol
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import Meeting
from ansible_collections.scoped.secrets.plugins.module_utils.client import starting, through_broker
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client
from ansible_collections.scoped.secrets.plugins.module_utils.client.through_broker import BrokerClient, NoBroker
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    InvalidInput,
    KeyRefused,
    NotFound,
    Unavailable,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import (
    OTHER_USER,
    Lab,
    becomes,
    fork,
    needs_root,
    read,
    wait_for,
    write,
)


def kill(lab: Lab) -> int:
    """Kill the broker and return its process id."""
    pid = lab.broker()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: lab.brokers() == [])
    return pid


def notice(client: Client) -> str:
    """Return the only notice; check that it says how to turn it off."""
    (text,) = client.take_notices()
    assert "SCOPED_SECRETS_BROKER=off" in text
    assert client.take_notices() == []
    return text


def test_calls_and_errors_pass_through(lab: Lab) -> None:
    client = lab.client()
    assert write(client, "a", bytes(range(128)))
    assert not write(client, "a", bytes(range(128)))
    assert read(client, "a", "a@1") == [bytes(range(128))] * 2
    with pytest.raises(NotFound) as caught:
        read(client, "none")
    assert (caught.value.code, bool(caught.value.hint)) == ("unknown_secret", True)
    with pytest.raises(InvalidInput):
        write(client, "no identifier")
    assert read(client, "a") == [bytes(range(128))]
    assert client.take_notices() == []
    assert len(lab.brokers()) == 1


def test_a_failed_call_leaves_the_connection_usable(lab: Lab) -> None:
    write(lab.client(), "a")
    other = lab.client(root_key="", root_key_file=str(lab.folder / "none"))
    for _time in range(2):
        with pytest.raises(KeyRefused):
            read(other, "a", "a", "a")
    assert other.take_notices() == []


def test_many_references_are_one_call(lasting: Lab) -> None:
    before = lasting.usage()
    assert read(lasting.client(), *["a", "a@1"] * 50) == [b"v"] * 100
    after = lasting.usage()
    assert (after["calls"] - before["calls"], after["reads"] - before["reads"]) == (1, 100)


def test_a_broker_that_was_killed_is_replaced(lab: Lab) -> None:
    client = lab.client()
    write(client, "a")
    first = kill(lab)
    assert read(client, "a") == [b"v"]
    second = kill(lab)
    assert not write(client, "a")
    assert read(lab.client(), "a") == [b"v"]
    assert len({first, second, lab.broker()}) == 3
    assert client.take_notices() == []


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_broker_killed_during_a_call_is_replaced(lab: Lab, by: int) -> None:
    client = lab.client()
    write(client, "a")
    first = lab.broker()
    results: list[bool] = []
    with lab.locked_store():
        before = lab.usage()["calls"]
        writing = threading.Thread(target=lambda: results.append(write(client, "a", b"later")))
        writing.start()
        wait_for(lambda: lab.usage()["calls"] == before + 1)
        os.kill(first, by)
        wait_for(lambda: lab.brokers() not in ([], [first]))
    writing.join()
    assert (results, read(lab.client(), "a")) == ([True], [b"later"])
    assert client.take_notices() == []


def test_a_broker_that_keeps_failing_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab.client()
    write(client, "a")

    def ends(_connection: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(through_broker, "_reply", ends)
    assert read(client, "a") == [b"v"]
    assert "broke 3 times in a row" in notice(client)
    assert read(client, "a") == [b"v"]
    assert client.take_notices() == []


def test_a_broker_that_does_not_answer_is_an_error(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lab.client(), "a")
    monkeypatch.setattr(through_broker, "ANSWER_TIMEOUT", 0.3)
    os.kill(lab.broker(), signal.SIGSTOP)
    with pytest.raises(Unavailable) as caught:
        read(lab.client(), "a")
    assert (caught.value.code, caught.value.retryable) == ("broker_timeout", True)
    os.kill(lab.broker(), signal.SIGCONT)


class TaskTimeout(BaseException):
    """Like the one that ansible-core raises from a signal handler, at any point of the task."""


def test_an_interrupted_answer_is_not_read_by_the_next_call(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop continues with its next item in the same process."""
    client = lab.client()
    write(client, "a", b"of a")
    write(client, "b", b"of b")

    def time_out(_connection: object, **_how: int) -> None:
        raise TaskTimeout

    with monkeypatch.context() as patched:
        # At the worst moment: the call has been sent, and its answer has not been read.
        patched.setattr(protocol, "receive", time_out)
        with pytest.raises(TaskTimeout):
            read(client, "a")
    assert read(client, "b") == [b"of b"]
    assert len(lab.brokers()) == 1


def test_threads_of_one_process_get_their_own_answers(lasting: Lab) -> None:
    client = lasting.client()
    for number in range(8):
        write(client, f"s{number}", str(number).encode() * 100_000)
    wrong: list[int] = []

    def work(number: int) -> None:
        for _time in range(10):
            if read(client, f"s{number}") != [str(number).encode() * 100_000]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("version", [protocol.PROTOCOL - 1, protocol.PROTOCOL + 1])
def test_a_broker_of_another_version_is_not_used(lasting: Lab, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PROTOCOL", version)
    client = lasting.client()
    assert read(client, "a") == [b"v"]
    assert "another version" in notice(client)


def test_a_broker_with_another_key_is_not_used(lasting: Lab) -> None:
    client = lasting.client(root_key=lasting.settings.root_key[::-1])
    with pytest.raises((KeyRefused, InvalidInput)):
        read(client, "a")
    assert "another key" in notice(client)
    assert read(lasting.client(), "a") == [b"v"]


def test_a_broker_of_another_run_is_not_used(lab: Lab) -> None:
    """Not even if its files have the names that ours would have."""
    write(lab.client(), "a")
    theirs, foreign_broker = lab.meeting, lab.broker()
    lab.begin()
    os.rename(theirs.socket, lab.meeting.socket)
    Path(lab.meeting.token).write_bytes(bytes(32))
    client = lab.client()
    assert read(client, "a") == [b"v"]
    assert "another key" in notice(client)
    os.kill(foreign_broker, signal.SIGKILL)


@needs_root
def test_a_socket_of_another_user_gets_no_call(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp"))
    os.chown(folder, OTHER_USER, OTHER_USER)
    foreign = Meeting(str(folder), "n")

    def serve() -> None:
        becomes(OTHER_USER)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(foreign.socket)
            listener.listen(1)
            Path(foreign.token).write_bytes(bytes(32))
            connection, _address = listener.accept()
            (folder / "got").write_bytes(connection.recv(100))

    pid = fork(serve)
    try:
        wait_for(Path(foreign.token).exists)
        monkeypatch.setattr(through_broker, "meeting_of", lambda _run, _settings: foreign)
        client = lab.client()
        assert write(client, "a", b"canary")
        assert "another user" in notice(client)
        assert os.waitpid(pid, 0)[1] == 0
        assert (folder / "got").read_bytes() == b""
    finally:
        shutil.rmtree(folder)


def test_without_a_suitable_folder_the_engine_runs_inline(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting_module, "folders", lambda: iter(["/none/at/all"]))
    clients = [lab.client() for _worker in range(3)]
    for client in clients:
        write(client, "a")
        assert read(client, "a") == [b"v"]
    # Ansible shows identical warnings only once.
    assert len({notice(client) for client in clients}) == 1
    assert lab.brokers() == []


def test_if_no_broker_can_be_started_the_engine_runs_inline(lab: Lab) -> None:
    (lab.folder / "plugins").unlink()
    client = lab.client()
    assert write(client, "a")
    assert "exited at once" in notice(client)
    assert read(client, "a") == [b"v"]


@pytest.mark.parametrize("failure", [NoBroker, starting.NotStarted])
def test_the_reason_of_a_failure_is_passed_on(
    lab: Lab, failure: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise failure("for a reason")

    monkeypatch.setattr(starting, "start", fail)
    with pytest.raises(NoBroker, match="for a reason"):
        BrokerClient(lab.settings).resolve([Query("a")])


def test_a_worker_of_an_ended_run_starts_no_broker(lab: Lab) -> None:
    write(lab.client(), "a")
    lab.end()
    wait_for(lambda: lab.brokers() == [] and lab.files() == [])
    client = lab.client()
    assert read(client, "a") == [b"v"]
    assert "has ended" in notice(client)
    assert (lab.brokers(), lab.files()) == ([], [])


def test_a_call_too_large_for_a_frame_runs_inline(lasting: Lab) -> None:
    client = lasting.client()
    with pytest.raises(InvalidInput) as caught:
        write(client, "a", bytes(protocol.MAX_FRAME))
    assert caught.value.code == "value_too_large"
    assert client.take_notices() == []


def test_the_largest_values_pass_through(lab: Lab) -> None:
    value = os.urandom(1024) * 10 * 1024
    client = lab.client()
    client.handle(Request("secret_file", {"identifier": "f", "value": value}))
    assert read(client, "f", "f") == [value, value]
    assert client.take_notices() == []
    assert len(lab.brokers()) == 1


def inline(lab: Lab) -> Client:
    """Return a client that works without the broker, as another process might."""
    return lab.client(through_broker=False)


def test_a_read_sees_writes_of_any_process(lab: Lab) -> None:
    ours, elsewhere = lab.client(), inline(lab)
    for number in range(5):
        value = str(number).encode()
        write(elsewhere if number % 2 else ours, "a", value)
        assert read(ours, "a") == read(lab.client(), "a") == read(elsewhere, "a") == [value]
    with contextlib.suppress(NotFound):
        read(ours, "b")
    write(elsewhere, "b", b"new")
    assert read(ours, "b") == [b"new"]
    elsewhere.handle(Request("secret_text", {"identifier": "b", "state": "absent"}))
    with pytest.raises(NotFound):
        read(ours, "b")


def remove(lab: Lab) -> None:
    shutil.rmtree(lab.folder / "store")


@pytest.fixture
def replaced(lab: Lab) -> Iterator[Lab]:
    """A run whose store was removed after the broker had opened it."""
    write(lab.client(), "a", b"old")
    assert read(lab.client(), "a") == [b"old"]
    remove(lab)
    yield lab
    assert len(lab.brokers()) == 1


def test_secrets_of_a_removed_store_are_gone(replaced: Lab) -> None:
    with pytest.raises(NotFound):
        read(replaced.client(), "a")


def test_a_write_after_the_store_was_removed_is_kept(replaced: Lab) -> None:
    assert write(replaced.client(), "a", b"new")
    assert read(replaced.client(), "a") == read(inline(replaced), "a") == [b"new"]


def test_a_replaced_store_is_read(replaced: Lab) -> None:
    write(inline(replaced), "a", b"restored")
    assert read(replaced.client(), "a") == [b"restored"]


def test_inline_and_broker_give_the_same_results(lab: Lab) -> None:
    def all_of(client: Client) -> list[Any]:
        given: list[Any] = []
        for request in (
            Request("scope", {"org": "o"}, True),
            Request("scope", {"org": "o"}),
            Request("secret_text", {"org": "o", "identifier": "a", "value": b"1", "tags": {"n": 1}}),
            Request("secret_text", {"org": "o", "identifier": "a", "value": b"2"}, True),
            Request("secret_info", {"org": "o"}),
        ):
            result = client.handle(request)
            noun = next(iter(result.returned))
            kept = ("identifier", "version", "tags", "size", "secret_manager")
            views = result.returned[noun] if isinstance(result.returned[noun], list) else [result.returned[noun]]
            given.append((result.changed, noun, [{name: view.get(name) for name in kept} for view in views]))
        given += [
            (a.kind, a.value, a.error and a.error.to_dict()) for a in client.resolve([Query("a", "o"), Query("b")])
        ]
        return given

    other = lab.client(store=f"sqlite:///{lab.folder}/other/store.db", through_broker=False)
    assert all_of(lab.client()) == all_of(other)
