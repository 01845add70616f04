# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk Conjur: logins, policy, variables and versions, modeled on the routes and controllers of cyberark/conjur.

By hand: python -m servers.cyberark_conjur
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import yaml

from servers.answering import answering
from servers.identities import Authority, Issuer
from servers.process import by_hand

__all__ = ["ALL", "Conjur", "Refusal", "Role", "Variable", "serve"]

ALL = frozenset({"read", "execute", "update"})
AUDIENCE = "conjur"
KEPT_VERSIONS = 20
LIFE = 480
PAGE = 10


class Refusal(Exception):
    """An error answer: HTTP status, and Conjur's code and message, which can be empty."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.content = json.dumps({"error": {"code": code, "message": message}}).encode() if code else b""


@dataclass
class Role:
    """A host (`host/…`) or user, with its logins."""

    login: str
    api_key: str = field(default_factory=lambda: secrets.token_hex(26), repr=False)
    password: str = field(default="", repr=False)
    is_admin: bool = False


@dataclass
class Variable:
    """A variable, its time of creation, and its last twenty values by version."""

    created: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="microseconds"))
    values: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def newest(self) -> int:
        return max(self.values, default=0)

    def add(self, value: bytes) -> None:
        """Add a version."""
        self.values[self.newest + 1] = value
        for number in sorted(self.values)[:-KEPT_VERSIONS]:
            del self.values[number]


@dataclass
class Conjur:
    """An account. All paths begin with `prefix` (`/api` in Conjur Cloud). Tokens are valid for `life` seconds."""

    ca: Path
    certificate: tuple[Path, Path]
    url: str = ""
    account: str = "tests"
    prefix: str = ""
    life: int = LIFE
    admin: Role = field(default_factory=lambda: Role("admin", password="Passw0rd of the admin", is_admin=True))
    issuer: Issuer = field(default_factory=Issuer, repr=False)
    service_id: str = "pipelines"
    roles: dict[str, Role] = field(default_factory=dict)
    policies: set[str] = field(default_factory=lambda: {"root"})
    variables: dict[str, Variable] = field(default_factory=dict, repr=False)
    permits: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    open_branches: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.roles[self.admin.login] = self.admin

    def add_host(self, name: str) -> Role:
        """Add and return a host without privileges."""
        role = Role(f"host/{name}")
        self.roles[role.login] = role
        return role

    def declare(self, path: str, role: Role | None = None, privileges: frozenset[str] = ALL) -> Variable:
        """Declare a variable as a policy does, grant privileges to a role, and return the variable."""
        with self.lock:
            branch = path.rpartition("/")[0]
            self.policies |= {branch} - {""}
            if role:
                self.permits[role.login, path] = set(privileges)
            return self.variables.setdefault(path, Variable())

    def open_branch(self, branch: str) -> None:
        """Open a branch: requests create missing variables there, and every role has all privileges."""
        self.open_branches.add(branch)
        self.policies.add(branch)

    def find(self, path: str) -> Variable | None:
        """Return a variable, or None if no policy declares it."""
        is_open = any(path.startswith(f"{branch}/") for branch in self.open_branches)
        return self.declare(path) if is_open else self.variables.get(path)

    def may(self, role: Role, path: str, privilege: str) -> bool:
        is_open = any(path.startswith(f"{branch}/") for branch in self.open_branches)
        return role.is_admin or is_open or privilege in self.permits.get((role.login, path), ())

    def sees(self, role: Role, path: str) -> bool:
        return any(self.may(role, path, privilege) for privilege in ALL)

    def token(self, role: Role) -> bytes:
        """Issue an access token."""
        now = int(time.time())
        claims = {"sub": role.login, "iat": now, "exp": now + self.life}
        payload = base64.b64encode(json.dumps(claims).encode()).decode()
        token = json.dumps({"protected": "e30=", "payload": payload, "signature": secrets.token_hex(16)})
        self.tokens[token] = (role.login, time.monotonic() + self.life)
        return token.encode()

    def load(self, branch: str, policy: str) -> dict[str, Any]:
        """Load a policy into a branch as POST does, and return the new roles; raise Refusal."""
        if branch not in self.policies:
            raise Refusal(404, "not_found", f"Policy '{branch}' not found in account '{self.account}'")
        before = set(self.roles)
        try:
            statements = yaml.load(policy, _Tags)
        except yaml.YAMLError as error:
            raise Refusal(422, "policy_invalid", str(error)) from None
        self._load("" if branch == "root" else branch, statements)
        made = {f"{self.account}:{login.replace('/', ':', 1)}": self.roles[login] for login in set(self.roles) - before}
        return {name: {"id": name, "api_key": role.api_key} for name, role in made.items()}

    def _load(self, branch: str, statements: Any) -> None:
        for kind, body in statements:
            {"variable": self._variable, "host": self._host, "policy": self._policy, "permit": self._permit}[kind](
                branch, body
            )

    def _variable(self, branch: str, body: Any) -> None:
        self.declare(_under(branch, _id_of(body)))

    def _host(self, branch: str, body: Any) -> None:
        login = f"host/{_under(branch, _id_of(body))}"
        self.roles.setdefault(login, Role(login))

    def _policy(self, branch: str, body: Any) -> None:
        name = _under(branch, _id_of(body))
        self.policies.add(name)
        self._load(name, body.get("body") or [])

    def _permit(self, branch: str, body: Mapping[str, Any]) -> None:
        kind, name = body["role"]
        login = f"host/{_under(branch, name)}" if kind == "host" else _under(branch, name)
        path = _under(branch, _id_of(body["resource"][1]))
        if login not in self.roles or path not in self.variables:
            raise Refusal(404, "not_found", f"{login} or {path} not found in account '{self.account}'")
        self.permits.setdefault((login, path), set()).update(body["privileges"])


class _Tags(yaml.SafeLoader):
    """Reads `!variable name` as a pair."""


def _pair(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> tuple[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return tag, loader.construct_scalar(node)
    if isinstance(node, yaml.MappingNode):
        return tag, loader.construct_mapping(node, deep=True)
    return tag, loader.construct_sequence(node, deep=True)


_Tags.add_multi_constructor("!", _pair)


def _id_of(body: Any) -> str:
    return str(body["id"] if isinstance(body, Mapping) else body)


def _under(branch: str, name: str) -> str:
    """Return the full path of a name in a branch's policy. A name that begins with / is absolute."""
    return name[1:] if name.startswith("/") else f"{branch}/{name}".strip("/")


@dataclass
class _Request:
    method: str
    parts: list[str]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def wants_base64(self) -> bool:
        return "base64" in self.headers.get("Accept-Encoding", "").lower()


@dataclass
class _Answer:
    status: int
    body: bytes = b""
    kind: str = "application/json"
    is_base64: bool = False


class _Server:
    """Answers the requests to an account."""

    def __init__(self, conjur: Conjur) -> None:
        self.conjur = conjur

    def answer(self, request: _Request) -> _Answer:
        """Return the answer; raise Refusal."""
        first, account = (*request.parts, "", "")[:2]
        if first.startswith("authn"):
            return self._authn(request)
        role = self._role(request)
        if request.parts == ["whoami"]:
            return _json({"account": self.conjur.account, "username": role.login, "client_ip": "127.0.0.1"})
        if request.parts == ["secrets"]:
            return self._batch(request, role)
        if account != self.conjur.account:
            raise Refusal(404)
        verbs = {"secrets": self._secrets, "resources": self._resources, "policies": self._policies}
        if first not in verbs:
            raise Refusal(404)
        return verbs[first](request, role)

    # Logins.

    def _authn(self, request: _Request) -> _Answer:
        parts, account = request.parts, self.conjur.account
        if parts == ["authn", account, "login"] and request.method == "GET":
            return _Answer(200, self._login(request).api_key.encode(), "text/plain")
        if parts[0] == "authn" and parts[3:] == ["authenticate"] and request.method == "POST":
            role = self.conjur.roles.get(parts[2])
            if parts[1] != account or role is None or role.api_key.encode() != request.body:
                raise Refusal(401)
            return self._token(request, role)
        if parts[0] == "authn-jwt" and parts[-1] == "authenticate" and request.method == "POST":
            return self._token(request, self._by_jwt(request))
        raise Refusal(404)

    def _login(self, request: _Request) -> Role:
        try:
            pair = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic "), validate=True)
        except binascii.Error:
            raise Refusal(401) from None
        name, _colon, password = pair.decode().partition(":")
        role = self.conjur.roles.get(name)
        if role is None or not role.password or role.password != password:
            raise Refusal(401)
        return role

    def _by_jwt(self, request: _Request) -> Role:
        _authn, service_id, account, *rest = request.parts
        token = parse_qs(request.body.decode()).get("jwt", [""])[0]
        try:
            claims = jwt.decode(token, self.conjur.issuer.public_key, algorithms=["RS256"], audience=AUDIENCE)
        except jwt.InvalidTokenError:
            raise Refusal(401) from None
        role = self.conjur.roles.get(rest[0] if len(rest) == 2 else f"host/{claims['sub']}")
        if (service_id, account) != (self.conjur.service_id, self.conjur.account) or role is None:
            raise Refusal(401)
        return role

    def _token(self, request: _Request, role: Role) -> _Answer:
        token = self.conjur.token(role)
        if request.wants_base64:
            return _Answer(200, base64.b64encode(token), "text/plain", is_base64=True)
        return _Answer(200, token)

    def _role(self, request: _Request) -> Role:
        found = re.fullmatch('Token token="(.*)"', request.headers.get("Authorization", ""))
        try:
            token = base64.b64decode(found[1], validate=True).decode() if found else ""
        except (binascii.Error, UnicodeDecodeError):
            raise Refusal(401) from None
        login, end = self.conjur.tokens.get(token, ("", 0.0))
        if time.monotonic() >= end or login not in self.conjur.roles:
            raise Refusal(401)
        return self.conjur.roles[login]

    # Resources.

    def _visible(self, role: Role, path: str) -> Variable:
        variable = self.conjur.find(path)
        if variable is None or not self.conjur.sees(role, path):
            message = f"Variable '{path}' not found in account '{self.conjur.account}'"
            raise Refusal(404, "not_found", message)
        return variable

    def _resources(self, request: _Request, role: Role) -> _Answer:
        kind, *rest = request.parts[2:] or [""]
        path = "/".join(rest)
        if "check" in request.query and kind == "variable" and path:
            return self._check(role, path, request.query.get("privilege", ""))
        if kind == "variable" and path:
            return _json(self._shown(path, self._visible(role, path)))
        if kind == "policy" and path:
            if path not in self.conjur.policies or not (role.is_admin or path in self.conjur.open_branches):
                raise Refusal(404, "not_found", f"Policy '{path}' not found in account '{self.conjur.account}'")
            return _json({"id": f"{self.conjur.account}:policy:{path}", "policy_versions": []})
        seen = sorted(path for path in self.conjur.variables if self.conjur.sees(role, path))
        start = int(request.query.get("offset", "0"))
        limited = {"limit", "offset"} & request.query.keys()
        chosen = seen[start : start + int(request.query.get("limit", PAGE))] if limited else seen
        return _json([self._shown(path, self.conjur.variables[path]) for path in chosen])

    def _check(self, role: Role, path: str, privilege: str) -> _Answer:
        """Tell whether the role has a privilege on a variable: 204 or 404, without content."""
        if not privilege:
            raise Refusal(422, "argument_error", "privilege")
        if path not in self.conjur.variables or not self.conjur.may(role, path, privilege):
            raise Refusal(404)
        return _Answer(204)

    def _shown(self, path: str, variable: Variable) -> dict[str, Any]:
        return {
            "created_at": variable.created,
            "id": f"{self.conjur.account}:variable:{path}",
            "owner": f"{self.conjur.account}:user:admin",
            "permissions": [],
            "annotations": [],
            "secrets": [{"version": number, "expires_at": None} for number in sorted(variable.values)],
        }

    # Values.

    def _secrets(self, request: _Request, role: Role) -> _Answer:
        if request.parts[2:3] != ["variable"]:
            raise Refusal(404)
        path = "/".join(request.parts[3:])
        variable = self._visible(role, path)
        if request.method == "POST":
            return self._add(request, role, path, variable)
        self._need(role, path, "execute")
        number = int(request.query["version"]) if "version" in request.query else variable.newest
        if number not in variable.values:
            raise Refusal(404, "not_found", f"CONJ00076E Variable {path} is empty or not found.")
        return _Answer(200, variable.values[number], "application/octet-stream")

    def _add(self, request: _Request, role: Role, path: str, variable: Variable) -> _Answer:
        self._need(role, path, "update")
        if not request.body.strip():
            raise Refusal(422, "argument_error", "'value' may not be empty")
        variable.add(request.body)
        return _Answer(201)

    def _batch(self, request: _Request, role: Role) -> _Answer:
        """Return many values; raise Refusal if one is missing or, without base64, is not text."""
        ids = request.query.get("variable_ids", "").split(",")
        if not all(ids) or len(set(ids)) < len(ids):
            raise Refusal(422, "argument_error", "variable_ids")
        begin = f"{self.conjur.account}:variable:"
        paths = {one: one.removeprefix(begin) for one in ids}
        found = {one: self.conjur.find(path) for one, path in paths.items()}
        missing = [one for one, variable in found.items() if variable is None or not variable.values]
        if missing:
            raise Refusal(404, "not_found", f"CONJ00076E Variable {missing[0]} is empty or not found.")
        for path in paths.values():
            self._need(role, path, "execute")
        values = {one: variable.values[variable.newest] for one, variable in found.items() if variable}
        if request.wants_base64:
            encoded = {one: base64.encodebytes(value).decode() for one, value in values.items()}
            return _Answer(200, json.dumps(encoded).encode(), is_base64=True)
        try:
            return _json({one: value.decode() for one, value in values.items()})
        except UnicodeDecodeError:
            raise Refusal(406, "not_acceptable", "CONJ00073E Issue encoding secret into JSON format") from None

    def _need(self, role: Role, path: str, privilege: str) -> None:
        if not self.conjur.may(role, path, privilege):
            raise Refusal(403, "forbidden", "Forbidden")

    # Policy.

    def _policies(self, request: _Request, role: Role) -> _Answer:
        if not role.is_admin:
            raise Refusal(403)
        made = self.conjur.load("/".join(request.parts[3:]), request.body.decode())
        return _Answer(201, json.dumps({"created_roles": made, "version": 1}).encode())


def _json(content: Any) -> _Answer:
    return _Answer(200, json.dumps(content).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    conjur: Conjur

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = [unquote(part) for part in url.path.removeprefix(self.conjur.prefix).split("/") if part]
        try:
            with self.conjur.lock:
                if not url.path.startswith(f"{self.conjur.prefix}/"):
                    raise Refusal(404)
                answer = _Server(self.conjur).answer(_Request(self.command, parts, query, self.headers, body))
        except Refusal as refusal:
            answer = _Answer(refusal.status, refusal.content)
        self._reply(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _handle

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _reply(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        if answer.is_base64:
            self.send_header("Content-Encoding", "base64")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


@contextlib.contextmanager
def serve(folder: Path, *, prefix: str = "") -> Iterator[Conjur]:
    """Yield an account with an administrator."""
    authority = Authority(folder)
    conjur = Conjur(authority.ca, authority.issue("conjur"), prefix=prefix)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"conjur": conjur}))
    conjur.url = f"https://127.0.0.1:{server.server_address[1]}"
    with answering(server, conjur.certificate):
        yield conjur


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as conjur:
        yield {
            "CONJUR_APPLIANCE_URL": conjur.url,
            "CONJUR_ACCOUNT": conjur.account,
            "CONJUR_CERT_FILE": str(conjur.ca),
            "CONJUR_AUTHN_LOGIN": conjur.admin.login,
            "CONJUR_AUTHN_API_KEY": conjur.admin.api_key,
        }


if __name__ == "__main__":
    by_hand(_variables())
