# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for secret managers, with a fake server."""

from __future__ import annotations

import io
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from ansible_collections.scoped.secrets.plugins.module_utils.managers import http, http_connections
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.http import (
    HttpSession,
    Patience,
    Reply,
    tls_context,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

URL = "http://127.0.0.1:8200/v1/x"
CANARY = "canary-91b2"
Outcome = Exception | tuple[int, dict[str, str], bytes]


@dataclass
class Server(requests.adapters.BaseAdapter):
    """Answers with the outcomes in order, repeats the last one, and records what was sent."""

    outcomes: list[Outcome]
    sent: list[requests.PreparedRequest] = field(default_factory=list)
    settings: list[dict[str, Any]] = field(default_factory=list)

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:  # type: ignore[override]
        self.sent.append(request)
        self.settings.append(settings)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        status, headers, body = outcome
        response = requests.Response()
        response.status_code, response.url, response.request = status, str(request.url), request
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
        return response

    def close(self) -> None:
        """Do nothing, so that tests can read what was sent."""


@dataclass
class Client:
    session: HttpSession
    server: Server
    counts: Counter[str]
    pauses: list[float]

    def error(self, method: str = "GET", url: str = URL, **options: Any) -> ScopedSecretsError:
        with pytest.raises(ScopedSecretsError) as caught:
            self.session.request(method, url, **options)
        return caught.value


@cache
def any_context() -> ssl.SSLContext:
    """Return a TLS context, always the same: making one takes long."""
    return tls_context()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    """Make a session for a server with these outcomes. Pauses take no time."""
    now = [0.0]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(http, "sleep", pause)
    monkeypatch.setattr(http, "monotonic", lambda: now[0])

    def make(*outcomes: Outcome, timeout: float = 30, retries: int = 2, **options: Any) -> Client:
        counts: Counter[str] = Counter()
        connector = ConnectorContext("connector 'x'", lambda what: counts.update([what]))
        session = HttpSession(connector, any_context, Patience(timeout, retries), **options)
        server = Server(list(outcomes))
        session._connections.get_ready("https://any")
        session._connections._adapters = {False: server, True: server}  # type: ignore[dict-item]
        return Client(session, server, counts, pauses)

    return make


def ok(body: bytes = b"{}") -> Outcome:
    return (200, {}, body)


def refused() -> Exception:
    """Return what requests and urllib3 raise if nothing listens."""
    cause = urllib3.exceptions.NewConnectionError(None, f"{CANARY}: [Errno 111] Connection refused")  # type: ignore[arg-type]
    cause.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, URL, cause))  # type: ignore[arg-type]


def reset() -> Exception:
    inner = urllib3.exceptions.ProtocolError(f"Connection aborted {CANARY}", ConnectionResetError(104, "reset by peer"))
    return requests.ConnectionError(inner)


def untrusted() -> Exception:
    inner = ssl.SSLCertVerificationError(1, "certificate verify failed")
    inner.verify_message = "self-signed certificate"
    return requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, URL, urllib3.exceptions.SSLError(inner)))  # type: ignore[arg-type]


FAILURES = {
    "refused": (refused, "provider_unavailable", "connection refused"),
    "reset": (reset, "provider_unavailable", "connection reset by peer"),
    "untrusted": (untrusted, "tls_refused", "self-signed certificate"),
    "connect timeout": (lambda: requests.ConnectTimeout(CANARY), "provider_unavailable", ""),
    "read timeout": (
        lambda: requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(None, URL, CANARY)),  # type: ignore[arg-type]
        "provider_timeout",
        "",
    ),
    "proxy": (lambda: requests.exceptions.ProxyError(CANARY), "provider_unavailable", ""),
    "bad header": (lambda: requests.exceptions.InvalidHeader(CANARY), "provider_unavailable", "can't be sent"),
    "bad url": (lambda: requests.exceptions.InvalidURL(CANARY), "provider_unavailable", "can't be sent"),
    "chunks": (lambda: requests.exceptions.ChunkedEncodingError(CANARY), "provider_unavailable", ""),
    "tls closed": (lambda: requests.exceptions.SSLError(ssl.SSLEOFError(8, CANARY)), "provider_unavailable", "TLS"),
    "anything": (lambda: ValueError(CANARY), "provider_unavailable", ""),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_is_an_error_of_ours_that_says_nothing_of_theirs(client: Callable[..., Client], case: str) -> None:
    make, code, words = FAILURES[case]
    error: BaseException | None = client(make(), retries=0).error()
    assert isinstance(error, ScopedSecretsError)
    assert error.code == code
    assert words in error.message
    while error:
        assert CANARY not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


# Which requests are retried after each outcome: all, only safe ones, or none.
REPEATED = {
    "refused": (refused(), "all"),
    "connect timeout": (
        requests.ConnectTimeout(urllib3.exceptions.ConnectTimeoutError()),
        "all",
    ),
    "429": ((429, {}, b""), "all"),
    "reset": (reset(), "safe"),
    "500": ((500, {}, b""), "safe"),
    "503": ((503, {}, b""), "safe"),
    "untrusted": (untrusted(), "none"),
    "bad header": (requests.exceptions.InvalidHeader("x"), "none"),
    "400": ((400, {}, b""), "none"),
    "501": ((501, {}, b""), "none"),
}


@pytest.mark.parametrize("case", REPEATED)
@pytest.mark.parametrize(
    ("method", "path", "is_safe"),
    [("GET", "x", True), ("LIST", "x", True), ("POST", "ask", True), ("POST", "x", False), ("DELETE", "x", False)],
)
def test_what_is_tried_again(client: Callable[..., Client], case: str, method: str, path: str, is_safe: bool) -> None:
    outcome, which = REPEATED[case]
    made = client(outcome, ok(), is_repeatable=lambda m, url: m in ("GET", "LIST") or url.endswith("/ask"))
    expected = 2 if which == "all" or (which == "safe" and is_safe) else 1
    try:
        made.session.request(method, f"http://127.0.0.1:8200/{path}")
    except ScopedSecretsError:
        assert expected == 1
    assert len(made.server.sent) == expected
    assert made.counts == {"requests": expected}


def test_by_itself_no_post_is_safe(client: Callable[..., Client]) -> None:
    made = client((503, {}, b""), ok())
    assert made.session.request("POST", URL).status_code == 503
    assert made.session.request("get", URL).status_code == 200


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_as_many_tries_as_allowed(client: Callable[..., Client], retries: int) -> None:
    made = client((503, {}, b"body"), retries=retries)
    reply = made.session.request("GET", URL)
    assert (reply.status_code, reply.content) == (503, b"body")
    assert made.counts == {"requests": retries + 1}
    assert len(made.pauses) == retries


def test_pauses_grow_differ_and_have_an_end(client: Callable[..., Client]) -> None:
    series = []
    for _run in range(2):
        made = client((503, {}, b""), retries=8, timeout=600)
        made.pauses.clear()
        made.session.request("GET", URL)
        series.append(list(made.pauses))
    assert series[0] != series[1]
    for number, seconds in enumerate(series[0]):
        longest = min(http.FIRST_PAUSE * 2**number, http.LONGEST_PAUSE)
        assert longest / 2 <= seconds <= longest


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("5", 5, 5.5), ("0", 0.1, 0.3), ("86400", 30, 33), ("-5", 0.1, 0.3), ("soon", 0.1, 0.3), ("9" * 400, 30, 33)],
)
def test_retry_after(client: Callable[..., Client], asked: str, least: float, most: float) -> None:
    made = client((429, {"Retry-After": asked}, b""), ok())
    made.session.request("GET", URL)
    assert least <= made.pauses[0] <= most


def test_throttled_to_the_end(client: Callable[..., Client]) -> None:
    made = client((429, {"X-Echo": CANARY}, CANARY.encode()))
    error = made.error("POST")
    assert (error.code, error.category) == ("provider_throttled", "unavailable")
    assert CANARY not in str(error)
    assert made.counts == {"requests": 3}


def test_no_try_begins_after_the_deadline(client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    made = client(ok(), timeout=1)
    times = iter([0.0, 3.1])
    monkeypatch.setattr(http, "monotonic", lambda: next(times))
    assert made.error().code == "provider_timeout"
    assert made.counts == {}


def test_a_try_gets_what_is_left(client: Callable[..., Client]) -> None:
    made = client((503, {"Retry-After": "25"}, b""), ok(), timeout=10)
    made.session.request("GET", URL)
    first, second = (settings["timeout"] for settings in made.server.settings)
    assert first == 10
    assert 0 < second <= 5


def test_a_timeout_says_how_long_it_was_waited(client: Callable[..., Client]) -> None:
    error = requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(None, URL, "x"))  # type: ignore[arg-type]
    made = client((503, {"Retry-After": "20"}, b""), error, retries=1)
    message = made.error().message
    # The pause that the server asked for: the tries take no time here.
    (pause,) = made.pauses
    assert 20 <= pause <= 22
    assert f"did not answer within {pause:.0f} seconds" in message


def test_a_reply_that_comes_drop_by_drop(client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(10_000))
    made = client(ok(b"x" * 10 * http.CHUNK), timeout=2)
    monkeypatch.setattr(http, "monotonic", lambda: float(next(now)))
    assert made.error().code == "provider_timeout"


def test_a_reply_that_is_too_large(client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_REPLY", 3 * http.CHUNK)
    made = client(ok(b"x" * 3 * http.CHUNK))
    assert len(made.session.request("GET", URL).content) == 3 * http.CHUNK
    made = client(ok(b"x" * (3 * http.CHUNK + 1)))
    error = made.error()
    assert (error.code, error.category) == ("malformed_reply", "unavailable")
    assert made.counts == {"requests": 1}


def test_a_reply_that_is_shorter_than_announced(client: Callable[..., Client]) -> None:
    made = client((200, {"Content-Length": "10"}, b"short"), ok(b"whole"))
    assert made.session.request("GET", URL).content == b"whole"
    assert made.counts == {"requests": 2}


def test_nothing_compressed_is_asked_for_or_taken(client: Callable[..., Client]) -> None:
    made = client((200, {"Content-Encoding": "gzip"}, b"x"))
    assert made.error().code == "malformed_reply"
    assert made.server.sent[0].headers["Accept-Encoding"] == "identity"


def test_an_encoding_that_does_not_compress_may_be_asked_for(client: Callable[..., Client]) -> None:
    made = client((200, {"Content-Encoding": "base64"}, b"eA=="), ok(b"x"), encoding="base64")
    assert [made.session.request("GET", URL).content for _again in range(2)] == [b"eA==", b"x"]
    assert made.server.sent[0].headers["Accept-Encoding"] == "base64"
    assert client((200, {"Content-Encoding": "gzip"}, b"x"), encoding="base64").error().code == "malformed_reply"


def test_what_is_sent(client: Callable[..., Client]) -> None:
    made = client(ok(b'{"a": 1}'))
    options = {"headers": {"X-Vault-Token": "t"}, "params": {"version": "2"}, "json": {"b": 2}}
    reply = made.session.request("post", URL, **options, verify=False, timeout=1, allow_redirects=True, cert="none")
    (sent,), (settings,) = made.server.sent, made.server.settings
    assert (sent.method, sent.url, sent.body) == ("POST", f"{URL}?version=2", b'{"b": 2}')
    assert sent.headers["X-Vault-Token"] == "t"
    assert (settings["verify"], settings["timeout"]) == (True, 30)
    assert (reply.ok, reply.json(), reply.text) == (True, {"a": 1}, '{"a": 1}')


def test_a_reply_shows_nothing_of_itself() -> None:
    assert CANARY not in repr(Reply(200, {"X-Echo": CANARY}, CANARY.encode()))


def test_no_netrc_and_no_cookies(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\ndefault login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    made = client((200, {"Set-Cookie": "a=b"}, b""), ok(), retries=0)
    for _request in range(2):
        made.session.request("GET", URL)
    for sent in made.server.sent:
        assert not {"Authorization", "Cookie"} & set(sent.headers)


def test_proxies_of_the_environment_are_used(client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", __file__)
    monkeypatch.setattr(http, "_trusting_as_requests", ssl.create_default_context)
    monkeypatch.setenv("no_proxy", "inside.example.com")
    made = client(ok())
    for host in ("vault", "inside", "vault"):
        made.session.request("GET", f"https://{host}.example.com/")
    proxy = "http://proxy.example.com:3128"
    assert [settings["proxies"].get("https") for settings in made.server.settings] == [proxy, None, proxy]
    assert all(settings["verify"] for settings in made.server.settings)


def redirect(location: str, status: int = 307) -> Outcome:
    return (status, {"Location": location}, b"")


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("location", ["http://127.0.0.1:8200/v1/y", "/v1/y"])
def test_a_redirect_is_followed_with_all_that_was_sent(
    client: Callable[..., Client], status: int, location: str
) -> None:
    made = client(redirect(location, status), ok(), redirects=1)
    options = {"headers": {"X-Vault-Token": "t"}, "json": {"b": 2}}
    assert made.session.request("POST", URL, **options).ok
    first, second = made.server.sent
    assert second.url == (location if location.startswith("http") else f"http://127.0.0.1:8200{location}")
    assert (second.method, second.body, second.headers) == (first.method, first.body, first.headers)


def test_the_query_of_a_redirect_is_the_redirect_s(client: Callable[..., Client]) -> None:
    made = client(redirect("/v1/y?version=2"), ok(), redirects=1)
    made.session.request("GET", URL, params={"version": "2"})
    assert made.server.sent[1].url == "http://127.0.0.1:8200/v1/y?version=2"


@pytest.mark.parametrize(
    ("url", "location", "status"),
    [
        ("https://127.0.0.1/x", "http://127.0.0.1/x", 307),
        (URL, "ftp://127.0.0.1/x", 307),
        (URL, "file:///etc/passwd", 307),
        (URL, "http://vault.example.com/v1/y", 307),
        (URL, "http://127.0.0.1:8201/v1/y", 307),
        (URL, "https://127.0.0.1:8200/v1/y", 307),
        (URL, "https://active.example.com/v1/y", 308),
        ("https://vault.example.com/x", "https://active.example.com/x", 307),
        ("https://vault.example.com/x", "https://vault.example.com:8200/x", 307),
        ("https://vault.example.com/x", "//active.example.com/x", 308),
        (URL, URL, 307),
        (URL, "", 307),
        (URL, "/login", 301),
        (URL, "/login", 302),
        (URL, "/login", 303),
        (URL, "", 304),
    ],
)
def test_a_redirect_that_is_not_followed(client: Callable[..., Client], url: str, location: str, status: int) -> None:
    made = client(redirect(location, status), ok(), redirects=3)
    assert made.error(url=url).code == "malformed_reply"
    assert len(made.server.sent) == 1


@pytest.mark.parametrize("location", ["https://vault.example.com:443/y", "https://VAULT.example.com/y"])
def test_the_same_server_in_another_spelling(client: Callable[..., Client], location: str) -> None:
    made = client(redirect(location), ok(), redirects=1)
    assert made.session.request("GET", "https://vault.example.com/x").ok


@pytest.mark.parametrize("redirects", [0, 1, 3])
def test_redirects_have_an_end(client: Callable[..., Client], redirects: int) -> None:
    made = client(*(redirect(f"/{number}") for number in range(10)), redirects=redirects)
    assert made.error().code == "malformed_reply"
    assert len(made.server.sent) == redirects + 1


def refusal(**options: Any) -> ScopedSecretsError:
    with pytest.raises(ScopedSecretsError) as caught:
        tls_context(**options)
    assert CANARY not in str(caught.value)
    return caught.value


PEM = f"-----BEGIN CERTIFICATE-----\n{CANARY}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("option", ["ca_cert", "client_cert"])
@pytest.mark.parametrize(
    "given",
    [PEM, CANARY, "relative/path.pem", "/none/there", "/", "-----BEGIN ", "\x00", "~\x00", "/\x00", f"\ud800{PEM}"],
)
def test_certificates_that_can_t_be_used(option: str, given: str) -> None:
    assert refusal(**{option: given}).code == "invalid_certificate"


def test_a_file_that_is_no_pem(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"\xff\xfe", CANARY.encode(), PEM.encode())):
        file = tmp_path / str(number)
        file.write_bytes(content)
        assert refusal(ca_cert=str(file)).code == "invalid_certificate"


def test_a_bundle_has_comments_in_any_language(tmp_path: Path) -> None:
    from certifi import contents

    text = f"# für alle\n{contents()}"
    file = tmp_path / "bundle.pem"
    file.write_text(text, encoding="utf-8")
    trusted = tls_context(ca_cert=contents()).get_ca_certs()
    assert trusted
    assert all(tls_context(ca_cert=given).get_ca_certs() == trusted for given in (text, str(file)))


def test_a_certificate_that_would_not_fit_a_pipe() -> None:
    assert refusal(client_cert=PEM + "x" * 100_000, client_key="x").code == "invalid_certificate"


def test_verification_is_on_by_default() -> None:
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    context = tls_context(validate_certs=False)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_adapter_leaves_tls_to_the_context(client: Callable[..., Client]) -> None:
    context = tls_context()
    adapter = http_connections._with_context(context)
    request = requests.Request("GET", "https://vault.example.com").prepare()
    pool = adapter.get_connection_with_tls_context(request, True)
    assert pool.conn_kw["ssl_context"] is context
    assert (pool.ca_certs, pool.ca_cert_dir) == (None, None)
    adapter.cert_verify(pool, "https://vault.example.com", True, None)
    assert pool.ca_certs is None
    proxied = adapter.get_connection_with_tls_context(request, True, {"https": "http://proxy.example.com:1"})
    assert proxied.conn_kw["ssl_context"] is context


def test_tls_is_made_ready_when_it_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []

    def context() -> ssl.SSLContext:
        made.append(tls_context(validate_certs=False))
        return made[-1]

    connector = ConnectorContext("connector 'x'")
    session = HttpSession(connector, context, Patience(1, 0))
    monkeypatch.setattr(session, "_until_answered", lambda request: Reply(200, {}, b""))
    session.request("GET", "http://127.0.0.1/")
    assert (made, session._connections._verifies) == ([], True)
    for url in ("HTTPS://127.0.0.1/", "https://127.0.0.1/"):
        session.request("GET", url)
    assert (len(made), session._connections._verifies) == (1, False)


def test_a_reply_is_no_json() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        Reply(200, {}, b"<html>").json()


def test_a_request_shows_nothing_that_it_sends() -> None:
    request = http._Request("POST", URL, {"X-Vault-Token": CANARY}, {"json": {"a": CANARY}}, 1.0)
    assert repr(request) == f"_Request(method='POST', url={URL!r})"


def test_authorities_of_the_environment_may_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    context = http._trusting_as_requests()
    # Those in a folder are read when one is needed, and no others are trusted.
    assert (context.get_ca_certs(), context.verify_mode) == ([], ssl.CERT_REQUIRED)
