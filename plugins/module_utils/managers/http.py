# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for secret managers: limited tries under one deadline, limited reply sizes, typed errors.

Each try takes at most `timeout` seconds, and all tries with the pauses between them take at most three times that. A
request is sent again only if the server certainly did not act on it (no connection, 429) or if repeating it is safe.
No text from a server goes into an error. `requests` is imported when a session is opened.
"""

from __future__ import annotations

import contextlib
import json as json_text
import os
import random
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from ..model.errors import InvalidInput, ScopedSecretsError
from ..processes.files import read_file
from . import failures
from .base import ConnectorContext
from .http_connections import REQUIREMENTS, Connections
from .network import PEM, is_path

if TYPE_CHECKING:
    import requests

__all__ = [
    "MAX_REPLY",
    "REQUIREMENTS",
    "HttpSession",
    "Patience",
    "Reply",
    "ca_text",
    "is_safe",
    "pem_text",
    "tls_context",
]

MAX_REPLY = 32 * 1024 * 1024
CHUNK = 64 * 1024
IDENTITY = "identity"
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 4.0
LONGEST_RETRY_AFTER = 30.0
SAFE_METHODS = frozenset({"GET", "HEAD", "LIST", "OPTIONS"})
TRY_AGAIN = frozenset({412, 429, 500, 502, 503, 504})
"""Vault answers 412 from a standby that has not caught up."""
KEEPS_METHOD = frozenset({307, 308})
MAX_PEM = 32 * 1024
"""Less than the pipe buffer of any system."""


class Patience(NamedTuple):
    """The seconds that one try may take, and the number of retries."""

    timeout: float
    retries: int

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Patience:
        """Return the patience that a connector's options set."""
        return cls(float(options["timeout"]), int(options["retries"]))

    @property
    def total(self) -> float:
        """Return the seconds that all tries of one request may take together."""
        return 3 * self.timeout


class Reply(NamedTuple):
    """A server's answer, with the attribute names of `requests`, which SDKs expect."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def __repr__(self) -> str:
        return f"Reply(status_code={self.status_code!r})"

    @property
    def ok(self) -> bool:
        return self.status_code < 400

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the content. Raises ValueError for invalid JSON."""
        return json_text.loads(self.content)


class _Failed(NamedTuple):
    """A try without an answer. `is_unsent`: the server can't have acted on it; `is_final`: retrying is pointless."""

    error: ScopedSecretsError
    is_unsent: bool = False
    is_final: bool = False


class _Request(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    deadline: float

    def __repr__(self) -> str:
        return f"_Request(method={self.method!r}, url={self.url!r})"


def is_safe(method: str, _url: str) -> bool:
    """Return whether the method alone makes it safe to send a request twice."""
    return method in SAFE_METHODS


def tls_context(
    *, validate_certs: bool = True, ca_cert: str = "", client_cert: str = "", client_key: str = ""
) -> ssl.SSLContext:
    """Return a TLS context. Certificates and keys are PEM text or absolute paths. Raises InvalidInput.

    With `ca_cert`, only that authority is trusted. Otherwise those of REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or `certifi`
    are.
    """
    if not validate_certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_cert:
        context = _trusting(ca_text(ca_cert))
    else:
        context = _trusting_as_requests()
    if client_cert:
        _load_client_certificate(context, client_cert, client_key or client_cert)
    return context


def _trusting(pem: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise _unusable("ca_cert", "it contains no readable certificate") from None


def _trusting_as_requests() -> ssl.SSLContext:
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        if bundle and os.path.isdir(bundle):
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle or _certifi())
    except (OSError, ssl.SSLError):
        raise _unusable("REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE", "it has no certificate that can be read") from None


def _certifi() -> str:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return DEFAULT_CA_BUNDLE_PATH


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a client certificate. `ssl` reads only files, so PEM text goes through pipes and never to a disk."""
    with (
        _readable(pem_text("client_cert", certificate)) as cert_path,
        _readable(pem_text("client_key", key)) as key_path,
    ):
        try:
            # Without a password, an encrypted key would prompt on the terminal.
            context.load_cert_chain(cert_path, key_path, password="")
        except (OSError, ssl.SSLError):
            raise _unusable(
                "client_cert or client_key", "they are not PEM, don't match, or the key has a passphrase"
            ) from None


@contextlib.contextmanager
def _readable(text: str) -> Iterator[str]:
    """Provide a path from which a text can be read once, from memory."""
    read_end, write_end = os.pipe()
    try:
        with os.fdopen(write_end, "w", encoding="utf-8", errors="replace") as pipe:
            pipe.write(text)
        yield f"/dev/fd/{read_end}"
    finally:
        os.close(read_end)


def pem_text(option: str, given: str) -> str:
    """Return PEM text given directly or by an absolute path. Raises InvalidInput."""
    text = _file(option, given) if is_path(given) else given
    if PEM not in text or (len(text) > MAX_PEM and option != "ca_cert"):
        raise _unusable(option, "it is not PEM, or too long")
    return text


def ca_text(given: str) -> str:
    """Return a CA bundle in ASCII, which `ssl` requires. Comments between certificates may be in any language."""
    return pem_text("ca_cert", given).encode("ascii", "replace").decode()


def _file(option: str, path: str) -> str:
    path = path.strip()
    if not path.startswith(("/", "~")):
        raise _unusable(option, "it is neither PEM text nor an absolute path")
    try:
        return read_file(os.path.expanduser(path)).decode()
    except (OSError, ValueError):
        raise _unusable(option, f"the file '{path}' can't be read") from None


def _unusable(option: str, why: str) -> InvalidInput:
    return InvalidInput(
        "invalid_certificate",
        f"'{option}' can't be used: {why}.",
        hint="Set it to PEM text (starting with -----BEGIN) or to the absolute path of a PEM file on the control node.",
    )


class HttpSession:
    """Sends requests to one server, thread-safe. SDKs take it in place of a session of `requests`."""

    verify = True
    cert = None
    proxies: Mapping[str, str] = {}

    def __init__(
        self,
        connector: ConnectorContext,
        context: Callable[[], ssl.SSLContext],
        patience: Patience,
        *,
        is_repeatable: Callable[[str, str], bool] = is_safe,
        redirects: int = 0,
        encoding: str = IDENTITY,
    ) -> None:
        """Open no connection yet. Raises MissingLibrary.

        `context` is called for the first https request, because loading authorities takes as long as several requests.
        `is_repeatable` takes method and URL. Redirects with status 307 and 308 are followed with all headers.
        `encoding` is a content encoding that the server may use: one that doesn't compress and that the caller decodes.
        """
        self.patience = patience
        self._what = connector.what
        self._meter = connector.meter
        self._is_repeatable = is_repeatable
        self._redirects = redirects
        self._encoding = encoding
        self._connections = Connections(context)

    @classmethod
    def for_connector(cls, options: Mapping[str, Any], connector: ConnectorContext, **more: Any) -> HttpSession:
        """Return a session with a connector's network options. `more` goes to the constructor."""
        pems = {name: str(options.get(name) or "") for name in ("ca_cert", "client_cert", "client_key")}
        context = partial(tls_context, validate_certs=options["validate_certs"], **pems)
        return cls(connector, context, Patience.of(options), **more)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: object = None,
        data: object = None,
        **_of_sdk: object,
    ) -> Reply:
        """Return the answer with any status but 429. Raises Unavailable. Other arguments of SDKs are ignored."""
        body = {"params": params, "json": json, "data": data}
        request = _Request(method.upper(), url, headers or {}, body, monotonic() + self.patience.total)
        for _redirect in range(self._redirects + 1):
            self._connections.get_ready(request.url)
            reply = self._until_answered(request)
            if not 300 <= reply.status_code < 400:
                return reply
            request = self._redirected(request, reply)
        raise failures.malformed_reply(self._what, "it redirects too often")

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def _until_answered(self, request: _Request) -> Reply:
        for pause in self._pauses():
            outcome = self._try(request)
            if not self._deserves_another(request, outcome):
                break
            seconds = max(pause, _retry_after(outcome))
            if pause < 0 or monotonic() + seconds >= request.deadline:
                break
            sleep(seconds)
        if isinstance(outcome, _Failed):
            raise outcome.error
        if outcome.status_code == 429:
            raise failures.throttled(self._what)
        return outcome

    def _pauses(self) -> Iterator[float]:
        """Yield the seconds to wait after each try, -1 after the last. Jitter keeps clients from retrying in step."""
        for number in range(self.patience.retries):
            yield random.uniform(0.5, 1.0) * min(FIRST_PAUSE * 2.0**number, LONGEST_PAUSE)
        yield -1

    def _deserves_another(self, request: _Request, outcome: Reply | _Failed) -> bool:
        is_repeatable = self._is_repeatable(request.method, request.url)
        if isinstance(outcome, _Failed):
            return not outcome.is_final and (outcome.is_unsent or is_repeatable)
        return outcome.status_code == 429 or (outcome.status_code in TRY_AGAIN and is_repeatable)

    def _try(self, request: _Request) -> Reply | _Failed:
        import requests
        import urllib3

        left = request.deadline - monotonic()
        if left <= 0:
            return _Failed(failures.timed_out(self._what, self.patience.total), is_final=True)
        self._meter("requests")
        try:
            return self._send(request, min(self.patience.timeout, left))
        except ScopedSecretsError as error:
            return _Failed(error, is_final=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return self._failed(error, monotonic() - request.deadline + self.patience.total)

    def _send(self, request: _Request, timeout: float) -> Reply:
        # With a compressing encoding, a small reply could expand without limit.
        headers = {**request.headers, "Accept-Encoding": self._encoding}
        response = self._connections.send(request.method, request.url, headers, request.body, timeout)
        try:
            return Reply(response.status_code, response.headers, self._read(response, request.deadline))
        finally:
            response.close()

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        if response.headers.get("Content-Encoding", IDENTITY) not in (IDENTITY, self._encoding):
            raise failures.malformed_reply(self._what, "it is compressed, which was not requested")
        content = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=False):
            content += chunk
            if len(content) > MAX_REPLY:
                raise failures.malformed_reply(self._what, f"it is larger than {MAX_REPLY // 1024**2} MiB")
            if monotonic() > deadline:
                raise failures.timed_out(self._what, self.patience.total)
        return bytes(content)

    def _redirected(self, request: _Request, reply: Reply) -> _Request:
        target = urljoin(request.url, reply.headers.get("Location", ""))
        if reply.status_code not in KEEPS_METHOD or target == request.url:
            raise failures.malformed_reply(self._what, f"it redirects elsewhere (status {reply.status_code})")
        if not _is_same_server(request.url, target):
            raise failures.malformed_reply(
                self._what,
                "it redirects to another scheme, host or port, which the login is not for",
                hint="Set its address to that of the active server, or of a load balancer in front of the servers.",
            )
        return _Request(request.method, target, request.headers, {**request.body, "params": None}, request.deadline)

    def _failed(self, error: Exception, seconds: float) -> _Failed:
        """Return our failure for an exception of the libraries, raised after so many seconds.

        Its text is left out, because it may repeat what was sent.
        """
        import requests
        import urllib3

        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
                return _Failed(failures.tls_refused(self._what, _tls_words(cause)), is_final=True)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader | UnicodeError):
            return _Failed(failures.unavailable(self._what, "its address or login can't be sent"), is_final=True)
        unsent = urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError
        is_unsent = any(isinstance(cause, unsent) for cause in causes)
        if any(isinstance(cause, TimeoutError | urllib3.exceptions.ReadTimeoutError) for cause in causes):
            return _Failed(failures.timed_out(self._what, max(seconds, 1)), is_unsent=is_unsent)
        return _Failed(failures.unavailable(self._what, _words(causes)), is_unsent=is_unsent)


def _is_same_server(url: str, target: str) -> bool:
    """Return whether a redirect stays at the server that was asked: the only one that the login is for."""
    return _origin(url) == _origin(target)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port (RFC 6454, section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _retry_after(outcome: Reply | _Failed) -> float:
    """Return the seconds that the server asks to wait, limited and with jitter; 0 if it doesn't ask."""
    if isinstance(outcome, _Failed) or "Retry-After" not in outcome.headers:
        return 0
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        seconds = Retry().parse_retry_after(outcome.headers["Retry-After"])
    except (InvalidHeader, ValueError, OverflowError, TypeError):
        return 0
    return min(seconds, LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.1)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, however requests and urllib3 wrap them."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _tls_words(error: ssl.SSLError) -> str:
    """Return OpenSSL's own text, which contains host names at most."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message).rstrip(".")
    return str(error.reason or "no TLS").replace("_", " ").lower()


def _words(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "its host name can't be resolved"
        if isinstance(cause, ssl.SSLError):
            return "it closed the connection during the TLS handshake"
        if isinstance(cause, OSError) and cause.errno and not hasattr(cause, "request"):
            return os.strerror(cause.errno).lower()
    if any(type(cause).__name__ in ("IncompleteRead", "InvalidChunkLength") for cause in causes):
        return "its answer was truncated"
    return "the connection was closed before the answer was complete"
