# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on Azure's libraries that sends through our own HTTP session and translates exceptions.

The session brings one deadline, limited tries and replies, and a certificate authority that needs no file. Azure's
texts are read here and never passed on, because they may repeat what was sent.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ...model.errors import ScopedSecretsError
from .. import failures, http
from ..base import ConnectorContext, ExpectedError
from ..http import SAFE_METHODS, HttpSession, Reply
from .logins import AzureLogin

__all__ = ["CLOUDS", "REQUIREMENTS", "KeyVaultClient"]

REQUIREMENTS = ("azure-keyvault-secrets>=4.9", "azure-identity>=1.18", *http.REQUIREMENTS)
CLOUDS = {
    "public": ("vault.azure.net", "login.microsoftonline.com"),
    "us_government": ("vault.usgovcloudapi.net", "login.microsoftonline.us"),
    "china": ("vault.azure.cn", "login.chinacloudapi.cn"),
}
"""For each cloud, the domain of its vaults and the host of its Entra ID."""
_TOKEN_PATH = re.compile(r"/oauth2/(v2\.0/)?token$")
_ENTRA_CODE = re.compile(r"\bAADSTS[0-9]{4,8}\b")
_NOT_FOUND = frozenset({"SecretNotFound", "NotFound", "ResourceNotFound"})
_CODES = frozenset(
    {
        "BadParameter",
        "Conflict",
        "Forbidden",
        "ForbiddenByFirewall",
        "ForbiddenByPolicy",
        "ForbiddenByRbac",
        "KeyVaultError",
        "ObjectIsBeingDeleted",
        "ObjectIsBeingRecovered",
        "ObjectIsDeletedButRecoverable",
        "SecretDisabled",
        "SecretNotFound",
        "Unauthorized",
        "VaultNotFound",
    }
)
"""Error codes that may be shown. Any other could be arbitrary text."""


class KeyVaultClient:
    """One vault with one login. Thread-safe."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext, login: AzureLogin, url: str) -> None:
        """Reads only files. Raises MissingLibrary, login_refused, InvalidInput."""
        _need_libraries()
        self._what = connector.what
        self._meter = connector.meter
        self._host = (urlsplit(url).hostname or "").lower()
        self._domain, host = CLOUDS[options["cloud"]]
        self._session = _Session(options, connector)
        network = {"transport": self._session.transport(), "retry_total": 0}
        # Instance discovery would ask Microsoft's public cloud at each login, which not every network can reach.
        authority = {"authority": options["authority"] or f"https://{host}", "disable_instance_discovery": True}
        self._credential = login.credential(connector.what, network, authority)
        self._client = self._secret_client(url, network)

    def _secret_client(self, url: str, network: Mapping[str, Any]) -> Any:
        from azure.keyvault.secrets import SecretClient

        # The library compares the host with the resource that the vault names, so that tokens go only to Azure. A host
        # outside Azure was set on the connector itself, so it is meant to get the token.
        is_azure = any(self._host.endswith(f".{domain}") for domain, _host in CLOUDS.values())
        return SecretClient(url, self._credential, verify_challenge_resource=is_azure, **network)

    def login(self) -> None:
        """Get a token. Raises login_refused or an Unavailable."""
        self._meter("logins")
        scope = f"https://{self._domain}/.default"
        with self._translated("log in", "", "", frozenset()):
            # The client sets the same option, and tokens are cached per option.
            self._credential.get_token_info(scope, options={"enable_cae": True})

    def call(self, operation: str, path: str, needs: str, *arguments: Any, expecting: int = 0, **named: Any) -> Any:
        """Return the result of a client operation on `path` that needs the permission `needs`.

        Raises ExpectedError for the HTTP status in `expecting`, otherwise one of our errors.
        """
        with self._translated(f"use '{path}'", path, needs, frozenset({expecting})):
            return getattr(self._client, operation)(path, *arguments, **named)

    def versions(self, path: str) -> list[Any]:
        """Return the properties of all versions of a secret."""
        with self._translated(f"list the versions of '{path}'", path, "list", frozenset()):
            return list(self._client.list_properties_of_secret_versions(path))

    def close(self) -> None:
        self._session.close()

    @contextlib.contextmanager
    def _translated(self, doing: str, path: str, needs: str, expecting: frozenset[int]) -> Iterator[None]:
        self._session.forget_failure()
        try:
            yield
        except ScopedSecretsError:
            raise
        except Exception as error:
            raise self._meaning(error, doing, path, needs, expecting) from None

    def _meaning(self, error: Exception, doing: str, path: str, needs: str, expecting: frozenset[int]) -> Exception:
        from azure.core.exceptions import AzureError, ClientAuthenticationError, DecodeError, HttpResponseError

        ours = next((one for one in _causes(error) if isinstance(one, ScopedSecretsError)), None)
        if ours:
            return ours
        response: Any = getattr(error, "response", None)
        is_of_vault = isinstance(error, HttpResponseError) and self._is_of_vault(response)
        if isinstance(error, OSError) or (isinstance(error, ClientAuthenticationError) and not is_of_vault):
            return self._session.failure or failures.login_refused(self._what, _why_refused(error))
        if is_of_vault and not isinstance(error, DecodeError) and response.status_code >= 400:
            return self._answered(response, doing, path, needs, expecting)
        # The libraries' parsers can raise anything for a malformed reply.
        if isinstance(error, AzureError | ArithmeticError | AttributeError | LookupError | TypeError | ValueError):
            return failures.malformed_reply(self._what, "it does not have Key Vault's format")
        return error

    def _is_of_vault(self, response: Any) -> bool:
        url = urlsplit(response.request.url) if response is not None else urlsplit("")
        return url.hostname == self._host and url.path.startswith(("/secrets", "/deletedsecrets"))

    def _answered(self, response: Any, doing: str, path: str, needs: str, expecting: frozenset[int]) -> Exception:
        status, (code, inner) = response.status_code, _codes_in(response)
        shown = next((one for one in (inner, code) if one in _CODES), f"HTTP status {status}")
        if status == 404 and code not in _NOT_FOUND:
            return failures.malformed_reply(self._what, "its 404 does not come from Key Vault")
        if inner == "SecretDisabled":
            return failures.secret_version_disabled(self._what, path)
        if status in expecting:
            return ExpectedError(str(status))
        if status == 401:
            return failures.login_expired(self._what)
        if status == 403 and shown == "ForbiddenByFirewall":
            return failures.request_refused(self._what, doing, "ForbiddenByFirewall: its firewall blocks this network")
        if status == 403:
            return failures.denied(self._what, doing, f"the permission '{needs}' for secrets of this vault")
        if status == 404:
            return failures.unknown_path(self._what, path)
        if status >= 500:
            return failures.unavailable(self._what, f"it answers with HTTP status {status}")
        return failures.request_refused(self._what, doing, shown)


class _Session:
    """Stands in for a session of `requests` in the libraries."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        self._http = HttpSession.for_connector(options, connector, is_repeatable=_is_repeatable)
        self._failures = threading.local()

    def transport(self) -> Any:
        """Return an azure-core transport on this session."""
        from azure.core.pipeline.transport import RequestsTransport

        return RequestsTransport(session=self, session_owner=False)

    def request(self, method: str, url: str, headers: Any = None, data: Any = None, **_of_sdk: Any) -> Any:
        """Return the answer as a response of `requests`. Raises an Unavailable."""
        try:
            return _as_response(self._http.request(method, url, headers=headers, data=data), url)
        except ScopedSecretsError as error:
            self._failures.last = error
            raise

    @property
    def failure(self) -> ScopedSecretsError | None:
        """Return this thread's last failure. A chain of credentials keeps only the texts of errors."""
        return getattr(self._failures, "last", None)

    def forget_failure(self) -> None:
        self._failures.last = None

    def close(self) -> None:
        self._http.close()


def _need_libraries() -> None:
    """Import the libraries and disable their logging, which may repeat Azure's texts. Raises MissingLibrary."""
    for requirement, module in zip(REQUIREMENTS, ("azure.keyvault.secrets", "azure.identity"), strict=False):
        try:
            __import__(module)
        except ImportError:
            raise failures.missing_library(requirement, "Azure Key Vault") from None
    for name in ("azure.core", "azure.identity", "azure.keyvault", "msal"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _is_repeatable(method: str, url: str) -> bool:
    """Return whether a request may be sent twice. Repeating a deletion or a login does no harm."""
    return method in SAFE_METHODS or method == "DELETE" or bool(_TOKEN_PATH.search(urlsplit(url).path))


def _as_response(reply: Reply, url: str) -> Any:
    import requests
    import urllib3

    response = requests.Response()
    response.status_code = reply.status_code
    response.reason = ""
    response.url = url
    response.headers.update(reply.headers)
    response.raw = urllib3.HTTPResponse(body=io.BytesIO(reply.content), status=reply.status_code, preload_content=False)
    return response


def _codes_in(response: Any) -> tuple[str, str]:
    """Return the outer and the inner code of a Key Vault error, empty for missing ones."""
    try:
        error = json.loads(response.text())["error"]
        inner = error.get("innererror") or {}
        return str(error.get("code") or ""), str(inner.get("code") or "")
    except (AttributeError, KeyError, TypeError, ValueError):
        return "", ""


def _why_refused(error: Exception) -> str:
    """Return why a login failed: Entra ID's documented error number, or what the exception reveals."""
    text = str(error)
    code = _ENTRA_CODE.search(text)
    if code:
        return f"Microsoft Entra ID answers {code.group()}"
    if "additionally_allowed_tenants" in text:
        return "the vault belongs to another tenant than the login"
    if any(isinstance(one, OSError) for one in _causes(error)):
        return "its token file can't be read"
    return "this login yields no token; check the tenant, 'authority', and the identities available on this machine"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
