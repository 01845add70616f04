# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A logged-in Google Cloud session and its client: one deadline per call, requests counted.

Tokens are requested over HTTP like in other kinds. Calls are gRPC, made by Google's clients on our own channel.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import random
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from ...model.errors import ScopedSecretsError
from ...model.version import VERSION
from ...processes.files import read_file
from .. import failures
from ..base import ConnectorContext, ExpectedError, Login
from ..http import HttpSession, Patience, ca_text, tls_context
from .failures import RETRYABLE, UNSENT, GcpAttempt, login_error, meaning, translate
from .options import endpoint_url

__all__ = ["CHECKSUM_REQUIREMENT", "Corrupted", "GcpClient", "GcpSession", "Service", "checksum"]

CHECKSUM_REQUIREMENT = "google-crc32c>=1.6"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
MAX_REPLY = 4 * 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
LONGEST_RETRY_DELAY = 30.0
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Corrupted(Exception):
    """Data changed on its way, to the service or back."""


@dataclass(frozen=True)
class Service:
    """A Google Cloud service: its client in Google's library, its default host, and the permissions of its methods.

    `own` has error meanings that are special in this service, each with a function from a resource to our error.
    """

    requirement: str
    library: str
    client: str
    host: str
    permissions: Mapping[str, str]
    own: Mapping[str, Callable[[str], ScopedSecretsError]]


def checksum(data: bytes) -> int:
    """Return the CRC32C of some bytes, as in Google's checksum fields."""
    return int(_library("google_crc32c", CHECKSUM_REQUIREMENT).value(data))


def _library(name: str, requirement: str) -> Any:
    try:
        with _quiet():
            return importlib.import_module(name)
    except ImportError:
        raise failures.missing_library(requirement, "Google Cloud") from None


def _google(name: str) -> Any:
    """Return a module of the Google libraries. They are only partly typed, so they are imported as Any."""
    return importlib.import_module(name)


class _Deadline(threading.local):
    """The time by which this thread's calls must end."""

    until = float("inf")


class GcpSession:
    """Credentials and an address. After `log_in`, the session and its client are thread-safe."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext, service: Service) -> None:
        """Take a connector's options. No I/O. Raises MissingLibrary."""
        self._library = _library(service.library, service.requirement)
        _library("google_crc32c", CHECKSUM_REQUIREMENT)
        self.connector = connector
        self.patience = Patience.of(options)
        self.was_accepted = False
        self.project = ""
        self._service = service
        self._url = urlsplit(endpoint_url(str(options.get("endpoint") or "") or service.host))
        self._ca = str(options.get("ca_cert") or "")
        self._tokens = _TokenRequests(connector, self._ca, self.patience)
        self._credentials: Any = None
        self._channel: Any = None
        self._lock = threading.Lock()
        self._deadline = _Deadline()

    def log_in(self, login: Login) -> None:
        """Get a first token. Raises login_refused or an Unavailable."""
        with self._lock:
            self._credentials = login.credentials(self)  # type: ignore[attr-defined]  # every login of this folder has it
            self._refresh("logins")

    def client(self) -> GcpClient:
        """Return the service's client, on a channel that its first call opens. Raises InvalidInput for a bad CA."""
        self._channel = self._open_channel()
        client_class = getattr(self._library, self._service.client)
        host = f"{self._url.hostname}"
        transport = client_class.get_transport_class("grpc")(host=host, channel=self._channel)
        info = _google("google.api_core.gapic_v1.client_info").ClientInfo(user_agent=f"scoped.secrets/{VERSION}")
        client = client_class(transport=transport, client_info=info)
        _silence()
        return GcpClient(client, self, self._service)

    def headers(self) -> list[tuple[str, str]]:
        """Return the authentication headers, with a token that is valid for at least a few minutes."""
        with self._lock:
            if not self._credentials.valid:
                self._refresh("renewals")
            headers: dict[str, str] = {}
            self._credentials.apply(headers)
        return [(name.lower(), value) for name, value in headers.items()]

    @property
    def until(self) -> float:
        """Return the time by which a call that starts now must end."""
        return min(self._deadline.until, monotonic() + self.patience.total)

    @contextlib.contextmanager
    def one_deadline(self) -> Iterator[None]:
        """Put all calls within the deadline of one."""
        before, self._deadline.until = self._deadline.until, self.until
        try:
            yield
        finally:
            self._deadline.until = before

    def close(self) -> None:
        """Close all connections."""
        self._tokens.close()
        if self._channel:
            self._channel.close()

    def _refresh(self, what: str) -> None:
        self.connector.meter(what)
        try:
            self._credentials.refresh(self._tokens)
        except ScopedSecretsError:
            raise
        except Exception as error:
            # A malformed reply can make the library raise anything.
            raise login_error(error, self.connector.what) from None

    # Building blocks of logins.

    def service_account(self, key: Mapping[str, Any]) -> Any:
        """Return credentials for a service account's key. Raises login_refused for a malformed key."""
        self.project = str(key.get("project_id") or "")
        try:
            credentials = _google("google.oauth2.service_account").Credentials
            return credentials.from_service_account_info(key, scopes=SCOPES)
        except Exception:
            # The exception's text, or that of its cause, may contain parts of the key.
            raise failures.login_refused(
                self.connector.what, "'credentials_json' is not a readable key of a service account"
            ) from None

    def external_account(self, configuration: Mapping[str, Any]) -> Any:
        """Return credentials that exchange the token in a file. Raises login_refused if it can't be read."""
        path = configuration["credential_source"]["file"]
        try:
            read_file(path)
        except OSError:
            raise failures.login_refused(self.connector.what, f"the token file '{path}' can't be read") from None
        return _google("google.auth.identity_pool").Credentials.from_info(configuration, scopes=SCOPES)

    def application_default(self) -> Any:
        """Return the credentials that the Google libraries find. Raises login_refused if there are none."""
        try:
            credentials, project = _google("google.auth").default(scopes=SCOPES)
        except Exception as error:
            raise login_error(error, self.connector.what) from None
        self.project = str(project or "")
        return credentials

    def _open_channel(self) -> Any:
        grpc = _google("grpc")
        milliseconds = int(self.patience.timeout * 1000)
        options = {
            "grpc.enable_retries": 0,
            "grpc.initial_reconnect_backoff_ms": int(FIRST_PAUSE * 1000),
            "grpc.max_reconnect_backoff_ms": int(LONGEST_PAUSE * 1000),
            "grpc.max_receive_message_length": MAX_REPLY,
            "grpc.min_reconnect_backoff_ms": milliseconds,
            "grpc.use_local_subchannel_pool": 1,
        }
        host = self._url.hostname or ""
        target = f"{f'[{host}]' if ':' in host else host}:{self._url.port or 443}"
        if self._url.scheme == "http":
            return grpc.insecure_channel(target, options=list(options.items()))
        roots = ca_text(self._ca).encode() if self._ca else None
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options=list(options.items()))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep gRPC's core from writing to standard error, unless GRPC_VERBOSITY is set.

    It reads the environment once, when it is loaded.
    """
    is_ours = "GRPC_VERBOSITY" not in os.environ
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        yield
    finally:
        if is_ours:
            os.environ.pop("GRPC_VERBOSITY", None)


def _trusting(ca_cert: str) -> ssl.SSLContext:
    """Return the TLS context for token requests, which may go to Google even if the service is private."""
    context = tls_context()
    if ca_cert:
        tls_context(ca_cert=ca_cert)  # Raises InvalidInput for an unusable one.
        context.load_verify_locations(cadata=ca_text(ca_cert))
    return context


def _silence() -> None:
    """Disable the loggers of the Google libraries: at DEBUG, they log requests and replies with secrets."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in ("google", "grpc"):
            logging.getLogger(name).disabled = True


@dataclass(frozen=True)
class _TokenReply:
    """A reply in the form that google-auth expects."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)


class _TokenRequests:
    """Sends the requests of google-auth: limited, counted, and refusing replies without a complete token."""

    def __init__(self, connector: ConnectorContext, ca_cert: str, patience: Patience) -> None:
        self._what = connector.what
        self._session = HttpSession(
            connector, lambda: _trusting(ca_cert), patience, is_repeatable=lambda _method, _url: True
        )

    def __call__(
        self, url: str, method: str = "GET", body: Any = None, headers: Any = None, timeout: Any = None, **_more: Any
    ) -> _TokenReply:
        reply = self._session.request(method, url, headers=headers, data=body)
        if reply.status_code >= 500:
            why = f"the token service answers with HTTP status {reply.status_code}"
            raise failures.unavailable(self._what, why)
        if reply.ok and method == "POST":
            self._refuse_without_token(reply.content)
        return _TokenReply(reply.status_code, reply.headers, reply.content)

    def _refuse_without_token(self, content: bytes) -> None:
        try:
            fields = json.loads(content)
        except (ValueError, RecursionError):
            fields = None
        token = fields.get("access_token", fields.get("accessToken")) if isinstance(fields, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise failures.malformed_reply(self._what, "the token service returns no token")

    def close(self) -> None:
        self._session.close()


class GcpClient:
    """Google's client of one service."""

    def __init__(self, client: Any, session: GcpSession, service: Service) -> None:
        self._client = client
        self._session = session
        self._service = service

    def call(
        self,
        method: str,
        resource: str,
        request: Mapping[str, Any],
        *,
        expecting: frozenset[str] = frozenset(),
        is_repeatable: bool = True,
        verify: Callable[[Any], None] = lambda _reply: None,
    ) -> Any:
        """Return the answer of a method (`encrypt`, …) on `resource`.

        Raises ExpectedError for an error whose meaning is in `expecting`, otherwise one of our errors. `verify` raises
        Corrupted for an answer that did not arrive intact. Unless `is_repeatable`, a request is sent again only if it
        certainly never arrived.
        """
        from google.api_core.exceptions import GoogleAPICallError
        from google.api_core.retry import retry_target

        session = self._session
        tries = _Tries(session.patience, session.until, RETRYABLE if is_repeatable else UNSENT)
        try:
            return retry_target(
                lambda: self._try(method, request, tries.seconds_left(), verify),
                tries.deserves_another,
                tries.pauses(),
                timeout=tries.seconds,
                exception_factory=lambda errors, _reason, _timeout: (errors[-1], None),
            )
        except (GoogleAPICallError, Corrupted) as error:
            word = _word(error)
        except ValueError:
            # Google's library can't put an argument into its message.
            word = "INVALID_ARGUMENT"
        reason = tries.reason
        if word in expecting:
            raise ExpectedError(word) from None
        if word in self._service.own:
            raise self._service.own[word](resource)
        permission = self._service.permissions.get(method, method)
        attempt = GcpAttempt(session.connector.what, permission, resource, tries.seconds_used(), session.was_accepted)
        raise translate(word, reason, attempt)

    def _try(self, method: str, request: Mapping[str, Any], seconds: float, verify: Callable[[Any], None]) -> Any:
        from google.api_core.exceptions import GoogleAPICallError, Unauthenticated

        session = self._session
        headers = session.headers()
        session.connector.meter("requests")
        try:
            reply = getattr(self._client, method)(request=request, retry=None, timeout=seconds, metadata=headers)
        except GoogleAPICallError as error:
            is_refused = isinstance(error, Unauthenticated) or _word(error) in _NO_ANSWER
            session.was_accepted |= not is_refused
            raise
        session.was_accepted = True
        verify(reply)
        return reply


# Meanings of failures before the token was checked.
_NO_ANSWER = frozenset({"DEADLINE_EXCEEDED", "INTERNAL", "NOT_CONNECTED", "NO_GRPC", "NO_NAME", "TLS", "UNAVAILABLE"})


def _word(error: Exception) -> str:
    return "CORRUPTED" if isinstance(error, Corrupted) else meaning(error)


class _Tries:
    """The tries of one call: their number, their deadline, and the pauses between them."""

    def __init__(self, patience: Patience, until: float, retryable: frozenset[str]) -> None:
        self.seconds = max(until - monotonic(), 0.0)
        self._patience = patience
        self._retryable = retryable
        self._left = patience.retries
        self._start = monotonic()
        self._until = until
        self._asked_for = 0.0
        self.reason = ""

    def seconds_left(self) -> float:
        """Return the seconds that the next try may take."""
        return max(min(self._patience.timeout, self._until - monotonic()), 0.001)

    def seconds_used(self) -> float:
        return max(monotonic() - self._start, 1.0)

    def deserves_another(self, error: Exception) -> bool:
        """Return whether to try again, and remember the error's reason and requested delay."""
        if isinstance(error, ScopedSecretsError | ValueError):
            return False
        self.reason = str(getattr(error, "reason", "") or "")
        self._asked_for = _retry_delay(error)
        self._left -= 1
        return self._left >= 0 and _word(error) in self._retryable

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each retry. Jitter keeps clients from retrying in step."""
        pause = FIRST_PAUSE
        while True:
            yield max(random.uniform(0.5, 1.0) * pause, self._asked_for)
            pause = min(2 * pause, LONGEST_PAUSE)


def _retry_delay(error: Exception) -> float:
    """Return the seconds that Google asks to wait, limited and with jitter; 0 if it doesn't ask."""
    for detail in getattr(error, "details", None) or []:
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            seconds = min(max(float(delay.seconds), 0.0), LONGEST_RETRY_DELAY)
            return seconds * random.uniform(1.0, 1.1)
    return 0.0
