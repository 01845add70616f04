# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the broker is sent: frames, and calls in them. It answers or hangs up, and tells of no mistake of its own."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ansible_collections.scoped.secrets.plugins.module_utils.broker.engines import Engines
from ansible_collections.scoped.secrets.plugins.module_utils.broker.lifetime import LifeTime
from ansible_collections.scoped.secrets.plugins.module_utils.broker.meeting import Meeting
from ansible_collections.scoped.secrets.plugins.module_utils.broker.protocol import (
    PROTOCOL,
    ProtocolError,
    receive,
    send,
)
from ansible_collections.scoped.secrets.plugins.module_utils.broker.server import Server
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from fuzz.target import Target

_QUERY = {"reference": "a", "org": "payments", "cache_ttl": None}
_REQUEST = {"resource": "secret_text", "params": {"identifier": "a"}, "value": "dg==", "check_mode": False}
_CALLS: tuple[dict[str, Any], ...] = (
    {"call": "usage"},
    {"call": "resolve", "queries": [_QUERY, _QUERY]},
    {"call": "open_host_login", "query": _QUERY},
    {"call": "preload", "query": _QUERY},
    {"call": "handle", "request": _REQUEST},
    {"call": "handle", "request": {**_REQUEST, "resource": "manifest", "items": [_REQUEST, _REQUEST]}},
)


class _Reading:
    """An engine that takes only what the real one may be given."""

    def resolve(self, queries: list[Query]) -> list[Answer]:
        return [Answer("text", "".join(query[:5]).encode("utf-8", "replace")) for query in queries]

    def open_host_login(self, query: Query) -> dict[str, Any]:
        return {"reference": "".join(query[:5])}

    def preload(self, org: str, project: str) -> None:
        f"{org}/{project}".encode("utf-8", "replace")

    def take_notices(self) -> list[str]:
        return []


class _Declaring:
    def handle(self, request: Request, _tell: object) -> Result:
        if not isinstance(request.params.get("value", b""), bytes):
            raise TypeError("a value that is no bytes")
        return Result(False)


def _server() -> Server:
    engines = SimpleNamespace(
        reading=_Reading(), declaring=_Declaring(), usage=SimpleNamespace(counts=dict), close=lambda _seconds: None
    )
    proofs = {str(call["call"]): "proof" for call in _CALLS}
    meeting = Meeting(*[str(Path("/nowhere") / name) for name in Meeting._fields])
    return Server(
        meeting, cast(socket.socket, None), cast(Engines, engines), proofs, cast(LifeTime, SimpleNamespace(called=int))
    )


def _call(data: bytes) -> None:
    try:
        call = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(call, dict):
        _answer({**call, "protocol": PROTOCOL, "proof": "proof"})


def _answer(call: dict[str, Any]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with theirs:
            _server()._answer(theirs, call)
        while answer := receive(ours):
            if (answer.get("error") or {}).get("code") == "internal_error":
                raise AssertionError(f"a mistake of the broker's own: {answer}")


def _frame(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        ours.sendall(data[: 64 * 1024])
        ours.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ProtocolError):
            while receive(theirs) is not None:
                pass


def _frames() -> list[bytes]:
    frames = []
    for call in _CALLS:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            send(ours, call)
            frames.append(theirs.recv(64 * 1024))
    return frames


TARGETS = (
    Target("frame", _frames, _frame),
    Target("call", lambda: [json.dumps(call).encode() for call in _CALLS], _call),
)
