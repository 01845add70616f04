# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of Azure Key Vault, with the logins of Microsoft Entra ID and managed identities, over TLS.

Each vault has its own address, where Entra ID answers, too. URLs in answers use the Host header of the request.
By hand: python -m servers.azure_key_vault
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from servers.answering import answering
from servers.identities import Authority, Issuer
from servers.process import by_hand

__all__ = ["ALL", "Application", "Azure", "Refusal", "Vault", "serve"]

ALL = frozenset({"get", "list", "set", "delete", "recover", "purge"})
TENANT = "6f1c2f0e-1b7d-4a53-9a27-0c2f3ce0b1d4"
RESOURCE = "https://vault.azure.net"
PAGE = 3
LARGEST = 25 * 1024
NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
DAYS = 90


class Refusal(Exception):
    """An error answer: HTTP status, code, message, and inner code."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.content: dict[str, Any] = {"error": {"code": code, "message": message}}
        if inner:
            self.content["error"]["innererror"] = {"code": inner}


@dataclass
class Application:
    """An application, its logins, and its permissions in every vault. Keys are public keys in PEM format."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    certificate_key: str = ""
    federated_key: str = ""
    permissions: frozenset[str] = ALL


@dataclass
class Secret:
    """A secret with its versions, oldest first. The next `lag` requests still see its previous state."""

    name: str
    versions: list[dict[str, Any]]
    deleted: int = 0
    lag: int = 0


@dataclass
class Vault:
    """A vault and its secrets by name in lower case. Deleting and recovering take effect after `lag` requests."""

    url: str = ""
    lag: int = 0
    has_soft_delete: bool = True
    tenant: str = TENANT
    live: dict[str, Secret] = field(default_factory=dict, repr=False)
    deleted: dict[str, Secret] = field(default_factory=dict, repr=False)

    def add(self, name: str, value: str, **more: Any) -> dict[str, Any]:
        """Add a version as another client would, and return it. It can have tags, contentType and attributes."""
        now = int(time.time())
        attributes = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable"}
        version = {"version": uuid.uuid4().hex, "value": value, **more}
        version["attributes"] = {**attributes, **(more.get("attributes") or {})}
        self.live.setdefault(name.lower(), Secret(name, [])).versions.append(version)
        return version

    def newest(self, name: str) -> dict[str, Any]:
        """Return the newest version of a secret."""
        return self.live[name.lower()].versions[-1]


@dataclass
class Azure:
    """A tenant. `url` is that of its first vault. `ca` is the authority's file, `certificate` a chain and its key."""

    ca: Path
    certificate: tuple[Path, Path]
    tenant: str = TENANT
    client_id: str = "ansible"
    client_secret: str = field(default="the client secret", repr=False)
    identity_header: str = field(default="the header of the identity endpoint", repr=False)
    issuer: Issuer = field(default_factory=Issuer, repr=False)
    applications: dict[str, Application] = field(default_factory=dict)
    tokens: dict[str, Application] = field(default_factory=dict, repr=False)
    logins: list[str] = field(default_factory=list)
    machine: Application = field(default_factory=lambda: Application("machine"))
    vault: Vault = field(default_factory=Vault)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    @property
    def url(self) -> str:
        return self.vault.url

    def add(self, **given: Any) -> Application:
        """Add and return an application."""
        application = Application(given.pop("client_id", uuid.uuid4().hex), **given)
        self.applications[application.client_id] = application
        return application

    def open_vault(self) -> Vault:
        """Open another vault for the lifetime of this tenant, and return it."""
        return self._open.enter_context(_listen(self, Vault()))

    def token(self, application: Application) -> dict[str, Any]:
        """Return the answer to a successful login."""
        token = uuid.uuid4().hex
        self.tokens[token] = application
        self.logins.append(application.client_id)
        return {"token_type": "Bearer", "access_token": token, "expires_in": 3600}

    def login(self, tenant: str, form: Mapping[str, str], endpoint: str) -> dict[str, Any]:
        """Return the answer to a token request; raise Refusal."""
        application = self.applications.get(form.get("client_id", ""))
        if tenant != self.tenant:
            raise _entra(400, "invalid_request", "AADSTS90002: Tenant not found.")
        if application is None:
            raise _entra(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("scope") != f"{RESOURCE}/.default" or form.get("grant_type") != "client_credentials":
            raise _entra(400, "invalid_scope", "AADSTS70011: The provided value for the scope is not valid.")
        if not _is_proved(application, form, endpoint):
            raise _entra(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        return self.token(application)

    def managed_identity(self, query: Mapping[str, str], header: str) -> dict[str, Any]:
        """Return the answer of the machine's identity endpoint; raise Refusal."""
        if header != self.identity_header or query.get("resource") != RESOURCE:
            raise _entra(400, "invalid_request", "the header or the resource is not right")
        wanted = query.get("client_id", self.machine.client_id)
        application = self.machine if wanted == self.machine.client_id else self.applications.get(wanted)
        if application is None:
            raise _entra(400, "identity_not_found", "no identity of this id is assigned to this machine")
        expires = {"expires_on": str(int(time.time()) + 3600), "resource": RESOURCE}
        return {**self.token(application), **expires}


def _entra(status: int, code: str, description: str) -> Refusal:
    refusal = Refusal(status, code, description)
    refusal.content = {"error": code, "error_description": f"{description} Trace ID: {uuid.uuid4()}"}
    return refusal


def _is_proved(application: Application, form: Mapping[str, str], endpoint: str) -> bool:
    assertion = form.get("client_assertion")
    if not assertion:
        return bool(application.client_secret) and form.get("client_secret") == application.client_secret
    audiences = {application.certificate_key: endpoint, application.federated_key: "api://AzureADTokenExchange"}
    for key, audience in audiences.items():
        with contextlib.suppress(jwt.InvalidTokenError):
            if key and jwt.decode(assertion, key, algorithms=["RS256", "PS256"], audience=audience):
                return True
    return False


class _Secrets:
    """One request to a vault, with the caller's permissions."""

    def __init__(self, vault: Vault, base: str, permissions: frozenset[str], query: Mapping[str, str]) -> None:
        self.vault = vault
        self.base = base
        self.permissions = permissions
        self.query = query

    def answer(self, method: str, parts: list[str], body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the content of the answer, or None."""
        collection, *rest = parts
        if collection == "deletedsecrets":
            return self._of_deleted(method, rest)
        if collection != "secrets" or not rest:
            raise Refusal(404, "NotFound", "there is no such route")
        if not NAME.fullmatch(rest[0]):
            raise Refusal(400, "BadParameter", f"The request URI contains an invalid name: {rest[0]}")
        if rest[1:] == ["versions"]:
            return self._versions(rest[0])
        verbs = {"PUT": self._set, "DELETE": self._delete, "GET": self._get, "PATCH": self._update}
        return verbs[method](rest[0], rest[1] if len(rest) > 1 else "", body)

    def _need(self, permission: str) -> None:
        if permission not in self.permissions:
            raise Refusal(403, "Forbidden", f"Caller is not authorized: {permission}", "ForbiddenByRbac")

    def _found(self, name: str) -> Secret:
        secret = self.vault.live.get(name.lower())
        if secret is None or _is_lagging(secret):
            raise Refusal(404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault.")
        return secret

    def _get(self, name: str, version: str, _body: object) -> dict[str, Any]:
        self._need("get")
        secret = self._found(name)
        found = [one for one in secret.versions if version in ("", one["version"])]
        if not found:
            raise Refusal(404, "SecretNotFound", f"A secret with (name/id) {name}/{version} was not found.")
        if not found[-1]["attributes"]["enabled"]:
            raise Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
        return self._bundle(secret, found[-1])

    def _set(self, name: str, _version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._need("set")
        deleted = self.vault.deleted.get(name.lower())
        if deleted is not None:
            inner = "ObjectIsBeingDeleted" if deleted.lag else "ObjectIsDeletedButRecoverable"
            raise Refusal(409, "Conflict", f"Secret {name} is currently in a deleted but recoverable state.", inner)
        if len(body["value"].encode()) > LARGEST:
            raise Refusal(400, "BadParameter", "The secret value is too long")
        tags = body.get("tags") or {}
        if len(tags) > 15 or any(len(text) > 256 for pair in tags.items() for text in pair):
            raise Refusal(400, "BadParameter", "The tags are too many or too long")
        known = {key: body[key] for key in ("tags", "contentType", "attributes") if body.get(key) is not None}
        version = self.vault.add(name, body["value"], **known)
        return self._bundle(self.vault.live[name.lower()], version)

    def _update(self, name: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._need("set")
        secret = self._found(name)
        (found,) = [one for one in secret.versions if version in (one["version"], "")][-1:]
        found.update({key: body[key] for key in ("tags", "contentType") if body.get(key) is not None})
        return self._bundle(secret, found, has_value=False)

    def _delete(self, name: str, _version: str, _body: object) -> dict[str, Any]:
        self._need("delete")
        secret = self._found(name)
        self.vault.live.pop(name.lower())
        secret.deleted = int(time.time())
        if not self.vault.has_soft_delete:
            return self._bundle(secret, secret.versions[-1], has_value=False)
        secret.lag = self.vault.lag
        self.vault.deleted[name.lower()] = secret
        return self._deleted(secret)

    def _of_deleted(self, method: str, rest: list[str]) -> dict[str, Any] | None:
        name = rest[0]
        action = {"GET": "get", "DELETE": "purge", "POST": "recover"}[method]
        self._need(action)
        secret = self.vault.deleted.get(name.lower())
        if secret is None or _is_lagging(secret):
            raise Refusal(404, "SecretNotFound", f"Deleted Secret not found: {name}")
        if action == "get":
            return self._deleted(secret)
        self.vault.deleted.pop(name.lower())
        if action == "purge":
            return None
        secret.lag = self.vault.lag
        self.vault.live[name.lower()] = secret
        return self._bundle(secret, secret.versions[-1], has_value=False)

    def _versions(self, name: str) -> dict[str, Any]:
        self._need("list")
        secret = self._found(name)
        offset = int(self.query.get("$skiptoken", "0"))
        items = [self._bundle(secret, one, has_value=False) for one in secret.versions[offset : offset + PAGE]]
        version = self.query["api-version"]
        further = f"{self.base}/secrets/{name}/versions?api-version={version}&$skiptoken={offset + PAGE}"
        return {"value": items, "nextLink": further if offset + PAGE < len(secret.versions) else None}

    def _bundle(self, secret: Secret, version: Mapping[str, Any], *, has_value: bool = True) -> dict[str, Any]:
        left_out = {"version"} if has_value else {"version", "value"}
        content = {key: one for key, one in version.items() if key not in left_out}
        return {**content, "id": f"{self.base}/secrets/{secret.name}/{version['version']}"}

    def _deleted(self, secret: Secret) -> dict[str, Any]:
        times = {"deletedDate": secret.deleted, "scheduledPurgeDate": secret.deleted + DAYS * 86400}
        recovery = f"{self.base}/deletedsecrets/{secret.name}"
        return {**self._bundle(secret, secret.versions[-1], has_value=False), **times, "recoveryId": recovery}


def _is_lagging(secret: Secret) -> bool:
    secret.lag -= secret.lag > 0
    return secret.lag > 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    azure: Azure
    vault: Vault
    lock: threading.RLock

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            with self.lock:
                content = self._content(url.path.strip("/").split("/"), query, body)
            self._reply(204 if content is None else 200, content)
        except Refusal as refusal:
            self._reply(refusal.status, refusal.content)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _handle

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    @property
    def _base(self) -> str:
        return f"https://{self.headers['Host']}"

    def _content(self, parts: list[str], query: Mapping[str, str], body: bytes) -> dict[str, Any] | None:
        if parts[0] == "msi":
            return self.azure.managed_identity(query, self.headers.get("X-IDENTITY-HEADER", ""))
        if parts[1:] == ["v2.0", ".well-known", "openid-configuration"]:
            return self._configuration(parts[0])
        if parts[1:] == ["oauth2", "v2.0", "token"]:
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            return self.azure.login(parts[0], form, f"{self._base}{self.path}")
        application = self.azure.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if application is None:
            raise Refusal(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
        if "api-version" not in query:
            raise Refusal(400, "BadParameter", "api-version must be specified")
        secrets = _Secrets(self.vault, self._base, application.permissions, query)
        return secrets.answer(self.command, parts, json.loads(body or b"{}"))

    def _configuration(self, tenant: str) -> dict[str, Any]:
        if tenant != self.azure.tenant:
            raise _entra(400, "invalid_tenant", "AADSTS90002: Tenant not found.")
        base = f"{self._base}/{tenant}"
        endpoints = {f"{name}_endpoint": f"{base}/oauth2/v2.0/{name}" for name in ("token", "authorization")}
        return {**endpoints, "issuer": f"{base}/v2.0"}

    def _reply(self, status: int, content: dict[str, Any] | None) -> None:
        raw = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        if status == 401 and not self.path.endswith("/token"):
            challenge = f'Bearer authorization="{self._base}/{self.vault.tenant}", resource="{RESOURCE}"'
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        if status != 204:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@contextlib.contextmanager
def _listen(azure: Azure, vault: Vault) -> Iterator[Vault]:
    """Yield a vault that answers at its `url`."""
    members = {"azure": azure, "vault": vault, "lock": threading.RLock()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), members))
    vault.url = f"https://127.0.0.1:{server.server_address[1]}"
    with answering(server, azure.certificate):
        yield vault


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Azure]:
    """Yield a tenant with one vault, and an application that may do everything."""
    authority = Authority(folder)
    azure = Azure(authority.ca, authority.issue("azure"))
    azure.add(client_id=azure.client_id, client_secret=azure.client_secret)
    with azure._open, _listen(azure, azure.vault):
        yield azure


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as azure:
        yield {
            "AZURE_VAULT_URL": azure.url,
            "AZURE_TENANT_ID": azure.tenant,
            "AZURE_CLIENT_ID": azure.client_id,
            "AZURE_CLIENT_SECRET": azure.client_secret,
            "AZURE_CA": str(azure.ca),
        }


if __name__ == "__main__":
    by_hand(_variables())
