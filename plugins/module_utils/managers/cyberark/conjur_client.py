# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of one Conjur server: logs in, keeps its token fresh, and explains refusals.

CyberArk's library conjur-api is not used: it limits neither tries nor replies, can't read binary values, takes a CA
only as a file, and depends on an event loop, boto3 and a keyring.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from .. import failures
from ..base import ConnectorContext
from ..http import SAFE_METHODS, HttpSession, Reply
from .conjur_logins import ConjurLogin

__all__ = ["ConjurClient", "plain"]

BASE64 = "base64"
"""The encoding that Conjur offers for values that JSON and headers can't hold."""
CLOUD = ".cyberark.cloud"
CLOUD_PREFIX = "/api"
NO_SUCH_ROUTE = (404, 405)
USUAL_LIFE = 8 * 60.0
"""The lifetime in seconds of a token that doesn't contain its own."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A token as a header value, and the monotonic time to replace it."""

    header: str = field(repr=False)
    due: float


class ConjurClient:
    """Thread-safe."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext, login: ConjurLogin) -> None:
        """No I/O. Raises MissingLibrary."""
        self.account = str(options["account"])
        self._what = connector.what
        self._meter = connector.meter
        self._login = login
        self._bases = _bases(str(options["url"]))
        self._http = HttpSession.for_connector(options, connector, is_repeatable=_is_repeatable, encoding=BASE64)
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def login(self) -> None:
        """Log in, or log in again. Raises login_refused, an Unavailable, or InvalidInput for unusable certificates."""
        with self._lock:
            self._token = self._logged_in()

    def call(
        self, method: str, *parts: str, query: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Reply:
        """Return the answer for a path, given in parts. Raises login_expired or an Unavailable.

        Answers with other statuses from 400 to 499 are returned, too.
        """
        path = "/".join(quote(part, safe="") for part in parts)
        asked = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        headers = {"Authorization": self._live_token().header}
        if data is not None:
            headers["Content-Type"] = "application/octet-stream"
        reply = self._ask(self._bases[0], method, path + asked, headers=headers, data=data)
        if reply.status_code == 401:
            raise failures.login_expired(self._what)
        if reply.status_code >= 500:
            raise _not_working(self._what, reply)
        return reply

    def close(self) -> None:
        """Close the connections. A token can't be revoked; it expires within minutes."""
        self._http.close()

    def _live_token(self) -> _Token:
        with self._lock:
            if self._token is None or monotonic() >= self._token.due:
                self._token = self._logged_in()
            return self._token

    def _logged_in(self) -> _Token:
        self._meter("logins")
        reply = self._token_reply()
        if reply.status_code in (401, 403, *NO_SUCH_ROUTE):
            raise failures.login_refused(self._what, _why_refused(self._login, reply))
        if reply.status_code >= 500:
            raise _not_working(self._what, reply)
        if not reply.ok:
            raise failures.request_refused(self._what, "log in", f"HTTP status {reply.status_code}")
        return self._token_in(reply)

    def _token_reply(self) -> Reply:
        """Log in at the first possible address that knows the route, and keep only that one."""
        for base in self._bases:
            reply = self._login.token_reply(self._what, self.account, lambda *a, at=base, **n: self._ask(at, *a, **n))
            if reply.status_code not in NO_SUCH_ROUTE:
                self._bases = [base]
                break
        return reply

    def _token_in(self, reply: Reply) -> _Token:
        raw = plain(self._what, reply)
        try:
            content = json.loads(raw)
            life = _life(content["payload"])
        except (ValueError, KeyError, TypeError):
            raise failures.malformed_reply(self._what, "it is not a Conjur token") from None
        header = f'Token token="{base64.b64encode(raw).decode()}"'
        # Leave a margin, so that no token expires while a request is on its way.
        return _Token(header, monotonic() + life - min(60.0, life / 4))

    def _ask(self, base: str, method: str, path: str, **request: Any) -> Reply:
        return self._http.request(method, f"{base}/{path}", **request)


def plain(what: str, reply: Reply) -> bytes:
    """Return the content of an answer, decoded if its header says so. Raises malformed_reply."""
    if reply.headers.get("Content-Encoding", "") != BASE64:
        return reply.content
    try:
        return base64.b64decode(b"".join(reply.content.split()), validate=True)
    except binascii.Error:
        raise failures.malformed_reply(what, "it is not valid base64 despite its encoding") from None


def _life(payload: str) -> float:
    """Return a token's lifetime in seconds, by the server's clock."""
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if not {"exp", "iat"} <= set(claims):
        return USUAL_LIFE
    return float(claims["exp"]) - float(claims["iat"])


def _bases(url: str) -> list[str]:
    """Return the possible base addresses. Conjur Cloud is below /api, and other servers may be, too."""
    url = url.rstrip("/")
    if url.endswith(CLOUD_PREFIX):
        return [url]
    is_cloud = (urlsplit(url).hostname or "").endswith(CLOUD)
    bases = [url, url + CLOUD_PREFIX]
    return bases[::-1] if is_cloud else bases


def _is_repeatable(method: str, url: str) -> bool:
    """Return whether a request may be sent twice. A repeated login does no harm; a repeated write adds a version."""
    return method in SAFE_METHODS or (url.endswith("/authenticate") and "/secrets/" not in url)


def _not_working(what: str, reply: Reply) -> Exception:
    return failures.unavailable(what, f"it answers with HTTP status {reply.status_code}")


def _why_refused(login: ConjurLogin, reply: Reply) -> str:
    if reply.status_code in NO_SUCH_ROUTE:
        return f"there is no Conjur at its address, with or without {CLOUD_PREFIX}, or it has no login '{login.NAME}'"
    if reply.status_code == 403:
        return "it may not use this authenticator (HTTP status 403)"
    return f"Conjur rejects its '{login.NAME}' for this account (HTTP status {reply.status_code})"
