# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real broker with good and bad callers: whatever one of them does, the others get their answers."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import server
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import proof_of, proof_of_run
from ansible_collections.scoped.secrets.plugins.module_utils.broker.protocol import MAX_FRAME, PROTOCOL, receive, send
from ansible_collections.scoped.secrets.plugins.module_utils.client import starting
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.usage import Usage
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import (
    BOUND,
    OTHER_USER,
    PLAIN_USER,
    Lab,
    as_user,
    broker_in,
    needs_root,
    wait_for,
    write,
)

QUERY = {"reference": "a"}
HALF = struct.pack(">I", 100) + b'{"protocol": 1, '


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """A run with its broker, and one secret."""
    write(lab.client(), "a")
    return lab


def ask(connection: socket.socket, message: dict[str, Any]) -> dict[str, Any] | None:
    send(connection, message)
    return receive(connection)


def serves(lab: Lab) -> bool:
    """Return whether the broker answers a new caller's lookup and module call in time."""
    with lab.connection() as connection:
        request = {"resource": "secret_info", "params": {"identifier": "a"}, "value": None, "check_mode": False}
        value = ask(connection, lab.call("resolve", queries=[QUERY]))
        result = ask(connection, lab.call("handle", request=request))
    return value == {"kind": "text", "value": "dg=="} and "result" in (result or {})


@contextlib.contextmanager
def peers(lab: Lab, *behave: Callable[[socket.socket], object]) -> Iterator[list[socket.socket]]:
    """Connect once per behaviour, and stay connected."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(lab.connection()) for _one in behave]
        for connection, do in zip(connections, behave, strict=True):
            do(connection)
        yield connections


def is_hung_up_on(connection: socket.socket) -> bool:
    """Return whether the broker drops a peer without a word; if it keeps the connection, the test fails."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0" * 1000,
        b"\xff" * 1000,
        struct.pack(">I", MAX_FRAME + 1),
        struct.pack(">I", 2**32 - 1) + b"x" * 1000,
        struct.pack(">I", 4) + b"null",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 1) + b"{",
        struct.pack(">I", 100_000) + b"[" * 100_000,
    ],
)
def test_the_connection_is_dropped_on_garbage(lasting: Lab, content: bytes) -> None:
    broker = lasting.broker()
    with peers(lasting, lambda peer: peer.sendall(content)) as (peer,):
        assert is_hung_up_on(peer)
    assert serves(lasting)
    assert lasting.broker() == broker


def test_slow_or_silent_callers_delay_nobody(lab: Lab) -> None:
    broker = lab.broker()
    behaviours: list[Callable[[socket.socket], object]] = [
        lambda peer: None,
        lambda peer: peer.sendall(b"\0"),
        lambda peer: peer.sendall(HALF),
        lambda peer: peer.sendall(struct.pack(">I", MAX_FRAME)),
        lambda peer: peer.shutdown(socket.SHUT_RD),
    ]
    with peers(lab, *behaviours * 20):
        assert serves(lab)
    assert serves(lab)
    assert lab.broker() == broker


def test_callers_that_hang_up_mid_call_harm_nobody(lab: Lab) -> None:
    def half(peer: socket.socket) -> None:
        peer.sendall(HALF)
        peer.close()

    def half_closed(peer: socket.socket) -> None:
        peer.sendall(HALF)
        peer.shutdown(socket.SHUT_WR)

    def deaf(peer: socket.socket) -> None:
        send(peer, lab.call("resolve", queries=[QUERY] * 1000))
        peer.close()

    with peers(lab, lambda peer: peer.close(), half, half_closed, deaf):
        assert serves(lab)


def test_a_caller_that_closed_its_sending_side_gets_its_answer(lasting: Lab) -> None:
    with lasting.connection() as connection:
        send(connection, lasting.call("resolve", queries=[QUERY, QUERY]))
        connection.shutdown(socket.SHUT_WR)
        assert [receive(connection) for _each in range(3)] == [{"kind": "text", "value": "dg=="}] * 2 + [None]


def test_callers_that_do_not_read_delay_nobody(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    # This broker would wait for such a caller longer than this test does.
    endless = "from module_utils.broker import server; server.FRAME_TIMEOUT = 3600; main()"
    monkeypatch.setattr(starting, "_CODE", starting._CODE.removesuffix("main()") + endless)
    os.kill(lab.broker(), signal.SIGKILL)
    # Far more than a socket's buffers hold.
    for number in range(4):
        write(lab.client(), f"b{number}", b"x" * 1_000_000, description="d" * 1_000_000)
    listing: dict[str, Any] = {"resource": "secret_info", "params": {}, "value": None, "check_mode": False}
    values = [{"reference": f"b{number}"} for number in range(4)]
    behaviours: list[Callable[[socket.socket], object]] = [
        lambda peer: send(peer, lab.call("handle", request=listing)),
        lambda peer: send(peer, lab.call("resolve", queries=values)),
    ]
    before = lab.usage()["calls"]
    with peers(lab, *behaviours):
        wait_for(lambda: lab.usage()["calls"] == before + 2)
        assert serves(lab)


def accepted(lab: Lab) -> dict[str, Any]:
    return lab.call("resolve", queries=[QUERY])


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != name}


REFUSED: dict[str, tuple[str, Callable[[Lab], dict[str, Any]]]] = {
    "an older protocol": ("call", lambda lab: {**accepted(lab), "protocol": PROTOCOL - 1}),
    "a newer protocol": ("call", lambda lab: {**accepted(lab), "protocol": PROTOCOL + 1}),
    "no protocol": ("call", lambda lab: without(accepted(lab), "protocol")),
    "an unknown call": ("call", lambda lab: {**accepted(lab), "call": "dump"}),
    "no call": ("call", lambda lab: without(accepted(lab), "call")),
    "a call that is not text": ("call", lambda lab: {**accepted(lab), "call": {"a": 1}}),
    "no proof": ("proof", lambda lab: without(accepted(lab), "proof")),
    "half a proof": ("proof", lambda lab: {**accepted(lab), "proof": accepted(lab)["proof"][:32]}),
    "a proof that is not text": ("proof", lambda lab: {**accepted(lab), "proof": [1]}),
    "a proof with odd characters": ("proof", lambda lab: {**accepted(lab), "proof": "\ud800ü"}),
    "another run's token": ("proof", lambda lab: {**accepted(lab), "proof": proof_of(bytes(32), lab.settings)}),
    "another store": ("proof", lambda lab: {**accepted(lab), "proof": proof(lab, store="sqlite:////x")}),
    "another key": ("proof", lambda lab: {**accepted(lab), "proof": proof(lab, root_key="k")}),
    "a proof for usage only": ("proof", lambda lab: {**accepted(lab), "proof": proof_of_run(token(lab))}),
    "usage with a store's proof": ("proof", lambda lab: lab.call("usage")),
}


def token(lab: Lab) -> bytes:
    return Path(lab.meeting.token).read_bytes()


def proof(lab: Lab, **changes: str) -> str:
    return proof_of(token(lab), lab.settings._replace(**changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("what", REFUSED)
def test_unauthorized_and_unknown_calls_are_refused(lasting: Lab, what: str) -> None:
    reason, make = REFUSED[what]
    before = lasting.usage()
    with lasting.connection() as connection:
        assert ask(connection, make(lasting)) == {"refused": reason}
        with contextlib.suppress(BrokenPipeError):
            send(connection, accepted(lasting))
        assert is_hung_up_on(connection)
    assert lasting.usage() == before


@pytest.mark.parametrize(
    ("call", "content"),
    [
        ("resolve", {}),
        ("resolve", {"queries": 7}),
        ("resolve", {"queries": [{"no": "reference"}]}),
        ("resolve", {"queries": ["text"]}),
        ("resolve", {"queries": [{"reference": 7}]}),
        ("resolve", {"queries": [{"reference": "a", "cache_ttl": "7"}]}),
        ("open_host_login", {}),
        ("preload", {}),
        ("handle", {}),
        ("handle", {"request": {"resource": "secret_info"}}),
        ("handle", {"request": {"resource": ["x"], "params": {}, "value": None, "check_mode": False}}),
        ("handle", {"request": {"resource": "secret_text", "params": {}, "value": "=base64=", "check_mode": False}}),
    ],
)
def test_a_malformed_call_is_refused(lasting: Lab, call: str, content: dict[str, Any]) -> None:
    with lasting.connection() as connection:
        assert ask(connection, lasting.call(call, **content)) == {"refused": "call"}
        assert is_hung_up_on(connection)
    assert serves(lasting)


def test_an_answer_larger_than_a_frame_comes_in_parts(lab: Lab) -> None:
    # 18 MiB of descriptions, most of them returned twice.
    for number in range(3):
        write(lab.client(), f"b{number}", description="d" * 6 * 1024 * 1024)
    client = lab.client()
    calls = lab.usage()["calls"]
    infos = client.handle(Request("secret_info", {})).returned["secrets"]
    assert [info["identifier"] for info in infos] == ["a", "b0", "b1", "b2"]
    assert sum(len(info["description"]) for info in infos) > MAX_FRAME
    # By the broker, and once.
    assert (lab.usage()["calls"], client.take_notices()) == (calls + 1, [])


def test_an_answer_that_is_too_large_is_told_and_not_asked_for_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_ANSWER", 2000)
    ours, theirs = socket.socketpair()
    broker = SimpleNamespace(
        _life=SimpleNamespace(called=lambda: None),
        _refusal=lambda _message: "",
        _replies=lambda _connection, _message: iter([{"result": "x" * 3000}]),
    )
    assert server.Server._answer(broker, ours, {})  # type: ignore[arg-type]
    assert (receive(theirs) or {})["error"]["code"] == "result_too_large"


@needs_root
def test_another_user_is_dropped(lab: Lab) -> None:
    """Refused even if the folder is open to all and the call is valid."""
    message, path = accepted(lab), lab.meeting.socket

    def connect() -> bytes | dict[str, Any] | None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(BOUND)
            connection.connect(path)
            try:
                return ask(connection, message)
            except OSError:
                return None

    assert as_user(os.geteuid(), connect) == {"kind": "text", "value": "dg=="}
    for folder in (lab.folder, Path(path).parent.parent, Path(path).parent):
        folder.chmod(0o755)
    os.chmod(path, 0o666)
    assert as_user(OTHER_USER, connect) is None


def test_callers_beyond_its_descriptors_wait(lab: Lab) -> None:
    broker = lab.broker()
    resource.prlimit(broker, resource.RLIMIT_NOFILE, (32, 32))
    with peers(lab, *[lambda peer: None] * 64), lab.connection() as waiting:
        send(waiting, accepted(lab))
        assert lab.brokers() == [broker]
    assert serves(lab)
    assert lab.broker() == broker


def test_hundreds_of_callers_are_served_at_once(lab: Lab) -> None:
    with peers(lab, *[lambda peer: send(peer, accepted(lab))] * 300) as connections:
        assert [receive(each) for each in connections] == [{"kind": "text", "value": "dg=="}] * 300


def test_it_ends_with_its_run_despite_open_connections(lab: Lab) -> None:
    with peers(lab, lambda peer: None, lambda peer: peer.sendall(HALF)):
        lab.end()
        wait_for(lambda: lab.brokers() == [] and lab.files() == [])


def test_it_ends_with_its_run_despite_a_stuck_call(lab: Lab) -> None:
    request = {"resource": "secret_text", "params": {"identifier": "a"}, "value": "eA==", "check_mode": False}
    with lab.locked_store(), lab.connection() as stuck:
        before = lab.usage()["calls"]
        send(stuck, lab.call("handle", request=request))
        wait_for(lambda: lab.usage()["calls"] > before)
        lab.end()
        wait_for(lambda: lab.brokers() == [] and lab.files() == [])


def test_a_caller_that_stalls_mid_frame_is_dropped(folder: Path) -> None:
    def prepare() -> None:
        server.FRAME_TIMEOUT = 0.2

    pid, _ready = broker_in(folder, prepare)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(BOUND)
            # The broker accepts only this user.
            assert as_user(PLAIN_USER, lambda: _is_dropped_mid_frame(connection, f"{folder}/n.sock"))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _is_dropped_mid_frame(connection: socket.socket, path: str) -> bool:
    connection.connect(path)
    connection.sendall(HALF)
    return is_hung_up_on(connection)


def asked_plainly(path: str, message: dict[str, Any]) -> dict[str, Any] | None:
    """Send one message as the user of `broker_in`, without a client; return the reply, None if there is none."""

    def connect() -> dict[str, Any] | None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(BOUND)
            connection.connect(path)
            try:
                return ask(connection, message)
            except OSError:
                return None

    return as_user(PLAIN_USER, connect)


@contextlib.contextmanager
def special_broker(folder: Path, prepare: Callable[[], object]) -> Iterator[int]:
    pid, ready = broker_in(folder, prepare)
    try:
        assert ready == {"ready": True}
        yield pid
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def test_a_caller_that_gets_no_thread_is_dropped(folder: Path) -> None:
    kind, most = resource.RLIMIT_NPROC, resource.getrlimit(resource.RLIMIT_NPROC)[1]
    with special_broker(folder, lambda: resource.setrlimit(kind, (0, most))) as pid:
        assert asked_plainly(f"{folder}/n.sock", {"protocol": 0}) is None
        assert as_user(PLAIN_USER, lambda: resource.prlimit(pid, kind, (most, most))) == (0, most)
        assert asked_plainly(f"{folder}/n.sock", {"protocol": 0}) == {"refused": "call"}


def test_an_unexpected_exception_is_reported_without_its_text(folder: Path) -> None:
    def fail(*_given: object) -> None:
        raise ZeroDivisionError("a value")

    with special_broker(folder, lambda: setattr(Usage, "counts", fail)):
        proof = proof_of_run(Path(folder, "n.token").read_bytes())
        message = {"protocol": PROTOCOL, "proof": proof, "call": "usage"}
        reply = asked_plainly(f"{folder}/n.sock", message) or {}
    assert reply["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" in reply["error"]["message"]
    assert "a value" not in str(reply)
