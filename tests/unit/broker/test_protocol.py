# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames arrive as they were sent; anything else is refused, without reading too much."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker import protocol
from ansible_collections.scoped.secrets.plugins.module_utils.broker.protocol import (
    MAX_ANSWER,
    MAX_FRAME,
    ProtocolError,
    TooLarge,
    answer_from_wire,
    answer_to_wire,
    receive,
    send,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer
from hypothesis import given, settings
from hypothesis import strategies as st

Pair = tuple[socket.socket, socket.socket]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def received(content: bytes, *, parts: int = 1) -> dict[str, Any] | None:
    """Return what is received when a peer sends `content` in several parts and hangs up."""
    ours, theirs = socket.socketpair()

    def send_parts() -> None:
        with theirs, contextlib.suppress(OSError):
            size = max(1, len(content) // parts)
            for start in range(0, len(content), size):
                theirs.sendall(content[start : start + size])

    with ours:
        threading.Thread(target=send_parts).start()
        return receive(ours)


def frame(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), min_size=1, max_size=3))
def test_what_is_sent_is_received(messages: list[dict[str, Any]]) -> None:
    one, other = socket.socketpair()
    with one, other:
        for message in messages:
            send(one, message)
        one.shutdown(socket.SHUT_WR)
        assert [receive(other) for _message in messages] == messages
        assert receive(other) is None


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.integers(1, 50))
def test_a_frame_may_come_in_parts(message: dict[str, Any], parts: int) -> None:
    assert received(frame(json.dumps(message).encode()), parts=parts) == message


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=300).map(frame))
def test_garbage_raises_protocol_error(content: bytes) -> None:
    try:
        message = received(content)
    except ProtocolError:
        return
    assert message is None if not content else isinstance(message, dict)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), JSON, min_size=1, max_size=4), st.data())
def test_a_truncated_frame_is_refused(message: dict[str, Any], data: st.DataObject) -> None:
    whole = frame(json.dumps(message).encode())
    with pytest.raises(ProtocolError):
        received(whole[: data.draw(st.integers(1, len(whole) - 1))])


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b'"text"', b"{", b"\xff", b"{'a': 1}", b"1" * 5000, b"[" * 100_000, b'{"a":' * 100_000],
)
def test_content_other_than_a_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(ProtocolError):
        received(frame(content))


def test_an_oversized_length_is_refused_before_reading(pair: Pair) -> None:
    pair[0].sendall(struct.pack(">I", MAX_FRAME + 1))
    pair[1].settimeout(20)  # waiting for the content fails the test
    with pytest.raises(TooLarge):
        receive(pair[1])


def test_the_largest_frame_goes_through(pair: Pair) -> None:
    message = {"a": "x" * (MAX_FRAME - len('{"a": ""}'))}
    sending = threading.Thread(target=send, args=(pair[0], message))
    sending.start()
    assert receive(pair[1]) == message
    sending.join()


def test_a_larger_frame_is_not_sent(pair: Pair) -> None:
    with pytest.raises(TooLarge):
        send(pair[0], {"a": "x" * (MAX_FRAME - len('{"a": ""}') + 1)})
    send(pair[0], {"next": 1})
    assert receive(pair[1]) == {"next": 1}


@pytest.mark.parametrize("size", [1, MAX_FRAME, MAX_FRAME + 1, 2 * MAX_FRAME, 2 * MAX_FRAME + 1])
def test_an_answer_comes_in_as_many_parts_as_it_takes(pair: Pair, size: int) -> None:
    message = {"a": "x" * max(0, size - len('{"a": ""}'))}
    sending = threading.Thread(target=send, args=(pair[0], message), kwargs={"most": MAX_ANSWER})
    sending.start()
    assert receive(pair[1], most=MAX_ANSWER) == message
    sending.join()
    send(pair[0], {"next": 1})
    assert receive(pair[1]) == {"next": 1}


def test_parts_are_bounded_together(pair: Pair) -> None:
    content = b"x" * 1000
    pair[0].sendall((struct.pack(">I", 1 << 31 | 1000) + content) * 3)
    with pytest.raises(TooLarge):
        receive(pair[1], most=2000)


def test_an_answer_that_ends_between_its_parts_is_truncated(pair: Pair) -> None:
    pair[0].sendall(struct.pack(">I", 1 << 31 | 2) + b"{}")
    pair[0].close()
    with pytest.raises(ProtocolError):
        receive(pair[1], most=MAX_ANSWER)


def test_the_largest_value_fits_in_a_frame() -> None:
    """Values have at most 10 MiB; the engine enforces that."""
    message = {"kind": "file", "value": answer_to_wire(Answer("file", bytes(10 * 1024 * 1024)))["value"]}
    assert len(json.dumps(message)) < MAX_FRAME


@pytest.mark.parametrize(
    "answer",
    [Answer("text", b"value"), Answer("file", bytes(range(256))), Answer("text", b"")],
)
def test_an_answer_arrives_as_it_was(answer: Answer) -> None:
    assert answer_from_wire(json.loads(json.dumps(answer_to_wire(answer)))) == answer


def test_an_error_arrives_as_it_was() -> None:
    error = NotFound("unknown_secret", "There is none.", hint="Look.", retryable=True, details={"a": [1]})
    arrived = answer_from_wire(json.loads(json.dumps(answer_to_wire(Answer(error=error))))).error
    assert isinstance(arrived, NotFound)
    assert arrived.to_dict() == error.to_dict()


def test_the_version_is_a_number() -> None:
    assert isinstance(protocol.PROTOCOL, int)
