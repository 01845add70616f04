# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of one Vault or OpenBao server: logs in once, keeps the token alive, and explains refusals."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from time import monotonic
from typing import Any, cast

from ...model.errors import ScopedSecretsError
from .. import failures, http
from ..base import ConnectorContext, Login
from ..http import SAFE_METHODS, HttpSession, Patience, Reply
from .logins import GivenToken, TokenMaker
from .replies import content_of, errors_in, refusal

__all__ = ["REQUIREMENTS", "TITLE", "VaultClient"]

TITLE = "HashiCorp Vault and OpenBao"
REQUIREMENTS = ("hvac>=2.3", *http.REQUIREMENTS)
REDIRECTS = 3
SAFE_POSTS = ("/sys/capabilities-self", "/auth/token/renew-self")
REFUSED = (401, 403)
"""Vault answers 403; gateways in front of it may answer 401."""
REVOCATION = Patience(timeout=1, retries=0)

Ask = Callable[[Any], Reply]
"""Sends one request through hvac's client."""


class _Token:
    """A token, the hvac client that sends it, and its properties. Times are seconds of `monotonic`.

    `due` is the time of the next renewal or login. `uses_left` is None if the number of uses is unlimited.
    """

    def __init__(self, vault: Any, *, is_ours: bool, is_batch: bool = False) -> None:
        self.vault = vault
        self.is_ours = is_ours
        self.is_batch = is_batch
        self.is_renewable = self.may_look_up = False
        self.life = self.expires = self.due = inf
        self.uses_left: int | None = None

    @property
    def is_good(self) -> bool:
        return monotonic() < self.due and self.uses_left != 0

    def send(self, ask: Ask) -> Reply:
        """Return the answer to a request with this token."""
        if self.uses_left is not None:
            self.uses_left -= 1
        return ask(self.vault)


class VaultClient:
    """Thread-safe. Every request goes through `call`."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext, login: Login) -> None:
        """No I/O. Raises MissingLibrary."""
        self.what = connector.what
        self._meter = connector.meter
        self._login = login
        self._http = HttpSession.for_connector(options, connector, is_repeatable=_is_repeatable, redirects=REDIRECTS)
        self._open_vault = partial(_open_vault, options, self._http)
        self._lock = threading.RLock()
        self._token: _Token | None = None

    def login(self) -> None:
        """Log in, or log in again. Raises login_refused, an Unavailable, or InvalidInput for unusable certificates."""
        with self._lock:
            self._log_in()

    def call(self, ask: Ask) -> Reply:
        """Return the answer to a request. Raises login_expired for a dead token, an Unavailable, or vault_sealed.

        Answers with a status from 400 to 499 are returned, too.
        """
        token = self._live_token()
        reply = token.send(ask)
        if reply.status_code in REFUSED and self._is_dead(token):
            if token is self._token:
                raise failures.login_expired(self.what)
            # Another thread logged in in the meantime.
            reply = self._live_token().send(ask)
        if reply.status_code >= 500:
            raise refusal(self.what, "answer", reply)
        return reply

    def close(self) -> None:
        """Revoke the token if our login created it. Gives up if the server doesn't answer within a second."""
        token, self._token = self._token, None
        if token and token.is_ours and not token.is_batch:
            self._http.patience = REVOCATION
            with contextlib.suppress(ScopedSecretsError):
                token.send(lambda vault: vault.auth.token.revoke_self())
        self._http.close()

    def _live_token(self) -> _Token:
        """Return a valid token. It is renewed at half its life, and replaced by a new login at its end."""
        token = self._token
        if token and token.is_good:
            return token
        with self._lock:
            return self._maintained(self._token) if self._token else self._log_in()

    def _maintained(self, token: _Token) -> _Token:
        if not token.is_good and token.is_renewable and monotonic() < token.expires:
            self._renew(token)
        if token.is_good:
            return token
        if not token.is_ours:
            raise failures.login_expired(self.what)
        return self._log_in()

    def _renew(self, token: _Token) -> None:
        """Renew the token. If the server refuses, or grants little time, the next step is a new login."""
        reply = token.send(lambda vault: vault.auth.token.renew_self())
        self._meter("renewals")
        if reply.ok:
            auth = content_of(self.what, reply).get("auth") or {}
            seconds = float(auth.get("lease_duration") or 0)
            token.expires = monotonic() + seconds
            token.is_renewable = seconds > token.life / 2
        elif reply.status_code < 500:
            token.is_renewable = False
        _set_due(token)
        if token.is_ours and 400 <= reply.status_code < 500:
            token.due = 0

    def _log_in(self) -> _Token:
        self._meter("logins")
        if isinstance(self._login, GivenToken):
            self._token = self._looked_up(self._login)
        else:
            self._token = self._token_of_login(cast(TokenMaker, self._login))
        return self._token

    def _token_of_login(self, login: TokenMaker) -> _Token:
        """Log in and return the token."""
        parameters = login.parameters(self.what)
        reply = self._open_vault().adapter.post(f"/v1/auth/{login.path}", json=parameters)
        if reply.status_code in (400, 401, 403, 404, 405):
            raise failures.login_refused(self.what, _why_refused(login, reply))
        if not reply.ok:
            raise refusal(self.what, "log in", reply)
        auth = content_of(self.what, reply).get("auth")
        if not isinstance(auth, dict) or not auth.get("client_token"):
            raise failures.incomplete_reply(self.what, f"auth/{login.path}")
        vault = self._open_vault(token=str(auth["client_token"]))
        token = _Token(vault, is_ours=True, is_batch=auth.get("token_type") == "batch")
        token.may_look_up = bool({"default", "root"} & set(auth.get("policies") or []))
        _set_life(token, auth.get("lease_duration"), auth.get("renewable"), auth.get("num_uses"))
        return token

    def _looked_up(self, login: GivenToken) -> _Token:
        """Look up a token that others created, and return it.

        A token without the policy `default` can't look itself up. It is accepted unchecked.
        """
        token = _Token(self._open_vault(token=login.token(self.what)), is_ours=False)
        reply = _look_up(token)
        if reply.status_code in REFUSED and not _is_denied_by_policy(reply):
            raise failures.login_refused(self.what, "the server does not know its token, or the token has expired")
        if reply.status_code in REFUSED:
            return token
        if reply.status_code == 404:
            raise failures.login_refused(self.what, "its namespace does not exist, or there is no Vault at its address")
        if not reply.ok:
            raise refusal(self.what, "look up its own token", reply)
        data = content_of(self.what, reply).get("data")
        if not isinstance(data, dict):
            raise failures.incomplete_reply(self.what, "auth/token/lookup-self")
        token.may_look_up = True
        _set_life(token, data.get("ttl"), data.get("renewable"), data.get("num_uses"))
        if not login.IS_RENEWED:
            token.expires = token.due = inf
        return token

    def _is_dead(self, token: _Token) -> bool:
        """Return whether a refused token is dead, or only lacks a permission.

        A lookup of the token decides, unless its number of uses is limited.
        """
        if monotonic() >= token.expires:
            return True
        if token.uses_left is not None:
            return token.uses_left <= 0
        reply = _look_up(token)
        return reply.status_code in REFUSED and (token.may_look_up or not _is_denied_by_policy(reply))


def _look_up(token: _Token) -> Reply:
    reply: Reply = token.vault.auth.token.lookup_self()
    return reply


def _is_repeatable(method: str, url: str) -> bool:
    return method in SAFE_METHODS or (method == "POST" and url.endswith(SAFE_POSTS))


def _open_vault(options: Mapping[str, Any], session: HttpSession, *, token: str = "") -> Any:
    """Return hvac's client on our session. It builds the paths; we interpret the answers."""
    try:
        import hvac
    except ImportError:
        raise failures.missing_library(REQUIREMENTS[0], TITLE) from None
    return hvac.Client(
        url=options["url"].rstrip("/"),
        # If one were None, hvac would take it from the environment.
        token=token,
        cert=("", ""),
        namespace=(options.get("namespace") or "").strip("/") or None,
        session=session,
        adapter=hvac.adapters.RawAdapter,
        ignore_exceptions=True,
    )


def _set_life(token: _Token, seconds: object, is_renewable: object, uses: object) -> None:
    """Set a token's lifetime and uses from a login or lookup. 0 or nothing means unlimited."""
    life = float(seconds) if isinstance(seconds, int | float) else 0.0
    token.life = life or inf
    token.expires = monotonic() + token.life
    token.uses_left = int(uses) if isinstance(uses, int) and uses else None
    token.is_renewable = bool(is_renewable) and life > 0 and token.uses_left is None
    _set_due(token)


def _set_due(token: _Token) -> None:
    left = token.expires - monotonic()
    margin = min(5.0, left / 10) if token.is_ours else 0.0
    token.due = monotonic() + (left / 2 if token.is_renewable else left - margin)


def _is_denied_by_policy(reply: Reply) -> bool:
    """Return whether a 403 comes from a policy. For an unknown token, the server's text is different."""
    errors = errors_in(reply)
    return "1 error occurred" in errors and "invalid token" not in errors and "bad token" not in errors


def _why_refused(login: TokenMaker, reply: Reply) -> str:
    where = f"auth/{login.path}"
    if reply.status_code in (404, 405):
        return f"no such login method is mounted at {where}"
    return f"{where} did not accept the credentials, or is not mounted (status {reply.status_code})"
