# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gRPC call passes on its way to a service: authentication, authorization and injected faults."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

# The tests fork other processes. With its fork support, gRPC would pause its own work for each.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import google_crc32c
import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from servers.faults import Seen

__all__ = ["Calls", "GrpcFault", "Method", "Refused", "Service", "check_checksum", "crc32c"]

Code = grpc.StatusCode
crc32c: Callable[[bytes], int] = google_crc32c.value


class Refused(Exception):
    """A service refuses a call, with a code and text as from Google."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True)
class GrpcFault:
    """What a client gets instead of the answer.

    `retry_after` (seconds) and `reason` become details of the status. With `is_applied`, the service still does its
    work, and only its answer is lost. `change` alters the service's answer, `raw` replaces it with bytes.
    """

    code: grpc.StatusCode | None = None
    text: str = "injected"
    retry_after: float = 0.0
    reason: str = ""
    delay: float = 0.0
    is_applied: bool = False
    change: Callable[[Any], Any] | None = None
    raw: bytes | None = None

    def status(self) -> Any:
        """Return the gRPC status with its details."""
        details: list[Any] = []
        if self.retry_after:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(int(self.retry_after * 1000))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        if self.reason:
            details.append(error_details_pb2.ErrorInfo(reason=self.reason, domain="googleapis.com"))
        packed = [any_pb2.Any() for _detail in details]
        for one, detail in zip(packed, details, strict=True):
            one.Pack(detail)
        number = code_pb2.Code.Value(self.code.name if self.code else "UNKNOWN")
        return rpc_status.to_status(status_pb2.Status(code=number, message=self.text, details=packed))


@dataclass(frozen=True)
class Method:
    """A method of a service: its request class, the permission it requires, and the resource for that."""

    request: Any
    permission: str
    resource: Callable[[Any], str]


class Service(Protocol):
    """A service. Each method is a function of the same name that takes the request."""

    NAME: str
    METHODS: Mapping[str, Method]


class Guard(Protocol):
    """Authenticates and authorizes callers."""

    def who(self, authorization: str) -> str: ...

    def may(self, who: str, permission: str, resource: str) -> bool: ...


@dataclass
class _Rule:
    fault: GrpcFault
    target: str
    times: int | None
    skip: int

    def take(self, target: str) -> bool:
        """Return whether this rule applies now, and count the call."""
        if self.target not in ("", target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class Calls:
    """The rules for faults, and all received requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._seen: list[Seen] = []

    def add(self, fault: GrpcFault, *, target: str = "", times: int | None = 1, skip: int = 0) -> None:
        """Inject a fault into calls of a method (empty: all), `times` times (None: always) after skipping `skip`."""
        with self._lock:
            self._rules.append(_Rule(fault, target, times, skip))

    def clear(self) -> None:
        """Remove all rules and requests."""
        with self._lock:
            self._rules, self._seen = [], []

    @property
    def seen(self) -> list[Seen]:
        with self._lock:
            return list(self._seen)

    def count(self, target: str = "") -> int:
        """Return the number of requests, of one method or of all."""
        return sum(target in ("", one.target) for one in self.seen)

    def record(self, path: str, status: int) -> None:
        """Record a request. Called before the answer is sent, so that a client sees complete counts."""
        with self._lock:
            self._seen.append(Seen("POST", path, "", path.rpartition("/")[2], status))

    def choose(self, target: str) -> GrpcFault:
        """Return the fault for a call. An empty fault lets it through."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.take(target)), GrpcFault())

    def handlers(self, service: Service, guard: Guard) -> Any:
        """Return the handler of a service for a gRPC server."""
        lock = threading.RLock()
        return grpc.method_handlers_generic_handler(
            service.NAME,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    self._behaviour(service, guard, name, lock),
                    request_deserializer=method.request.deserialize,
                    response_serializer=lambda made: made if isinstance(made, bytes) else type(made).serialize(made),
                )
                for name, method in service.METHODS.items()
            },
        )

    def _behaviour(self, service: Service, guard: Guard, name: str, lock: Any) -> Callable[[Any, Any], Any]:
        def behaviour(request: Any, context: Any) -> Any:
            fault = self.choose(name)
            answer: Any = None
            refused: Refused | None = None
            if fault.code is None or fault.is_applied:
                try:
                    with lock:
                        answer = _answer(service, guard, name, request, context)
                except Refused as error:
                    refused = error
            self.record(f"/{service.NAME}/{name}", 0 if fault.code or refused else 200)
            time.sleep(fault.delay)
            if fault.code is not None:
                context.abort_with_status(fault.status())
            if refused:
                context.abort(refused.code, refused.text)
            if fault.raw is not None:
                return fault.raw
            return fault.change(answer) if fault.change else answer

        return behaviour


def _answer(service: Service, guard: Guard, name: str, request: Any, context: Any) -> Any:
    method = service.METHODS[name]
    who = guard.who(dict(context.invocation_metadata()).get("authorization", ""))
    if not who:
        raise Refused(Code.UNAUTHENTICATED, "Request had invalid authentication credentials.")
    resource = method.resource(request)
    if not guard.may(who, method.permission, resource):
        text = f"Permission '{method.permission}' denied on resource '{resource}' (or it may not exist)."
        raise Refused(Code.PERMISSION_DENIED, text)
    return getattr(service, name)(request)


def check_checksum(message: Any, field: str) -> bool:
    """Return whether a message has a checksum for a field; raise Refused if it is wrong."""
    if not type(message).pb(message).HasField(f"{field}_crc32c"):
        return False
    if getattr(message, f"{field}_crc32c") != crc32c(getattr(message, field)):
        text = f"The checksum in field {field}_crc32c did not match the data in field {field}."
        raise Refused(Code.INVALID_ARGUMENT, text)
    return True
