# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the AWX API (version 2) that the modules of awx.awx use: lists with filters, objects, associations.

By hand: python -m servers.awx.api
"""

from __future__ import annotations

import contextlib
import copy
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from servers.answering import answering
from servers.awx.collection import installed
from servers.awx.rules import credential_errors, secret_fields, type_errors
from servers.process import by_hand

__all__ = ["TOKEN", "Awx", "serve"]

TOKEN = "Canary-awx-token"
ENCRYPTED = "$encrypted$"
PREFIX = "/api/v2/"
# The fields of each kind. An asterisk marks a required one, and brackets hold the kind that a field refers to.
KINDS: dict[str, str] = {
    "organizations": "name* description",
    "inventories": "name* description organization*(organizations)",
    "credential_types": "name* description kind* inputs injectors managed",
    "credentials": "name* description organization(organizations) credential_type*(credential_types) inputs",
    "execution_environments": "name* description image* pull organization(organizations) credential(credentials)",
    "projects": "name* description organization(organizations) scm_type scm_url scm_branch scm_update_on_launch "
    "credential(credentials) default_environment(execution_environments) allow_override",
    "job_templates": "name* description organization(organizations) job_type inventory(inventories) project(projects) "
    "playbook* execution_environment(execution_environments) extra_vars verbosity become_enabled limit",
}
UNIQUE = {"credentials": ("name", "credential_type", "organization"), "projects": ("name", "organization")}

Thing = dict[str, Any]


class Refusal(Exception):
    """An error answer: HTTP status and content."""

    def __init__(self, status: int, **content: Any) -> None:
        super().__init__(f"{status} {content}")
        self.status, self.content = status, content


@dataclass
class Awx:
    """The objects by kind and ID. `requests` has the method and path of each write request."""

    url: str = ""
    objects: dict[str, dict[int, Thing]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def named(self, kind: str, name: str) -> Thing:
        """Return the object of a kind with this name, including its secrets."""
        (found,) = (thing for thing in self.objects[kind].values() if thing["name"] == name)
        return found

    def add(self, kind: str, data: Mapping[str, Any]) -> Thing:
        """Add and return an object; raise Refusal."""
        number = sum(map(len, self.objects.values())) + 1
        thing = {"id": number, "type": kind.removesuffix("s"), "url": f"{PREFIX}{kind}/{number}/", "credentials": []}
        return self._keep(kind, {**thing, "summary_fields": {}, "related": {}, "scm_revision": ""}, data)

    def change(self, kind: str, thing: Thing, data: Mapping[str, Any]) -> Thing:
        """Change and return an object; raise Refusal."""
        in_use = any(one["credential_type"] == thing["id"] for one in self.objects["credentials"].values())
        if kind == "credential_types" and in_use and data.get("inputs", thing["inputs"]) != thing["inputs"]:
            raise Refusal(403, detail="Modifications to inputs are not allowed for credential types that are in use")
        return self._keep(kind, thing, data)

    def _keep(self, kind: str, before: Thing, data: Mapping[str, Any]) -> Thing:
        data = copy.deepcopy(dict(data))
        for word in KINDS[kind].split():
            name, _bracket, named = word.rstrip(")").partition("(")
            if name.endswith("*") and not {**before, **data}.get(name.rstrip("*")):
                raise Refusal(400, **{name.rstrip("*"): ["This field is required."]})
            before.setdefault(name.rstrip("*"), {} if name in ("inputs", "injectors") else None)
            value = data.get(name.rstrip("*"))
            if named and value is not None and value not in self.objects[named]:
                raise Refusal(400, **{name: [f'Invalid pk "{value}" - object does not exist.']})
        thing = {**before, **data}
        self._check(kind, before, thing)
        self.objects[kind][thing["id"]] = thing
        return thing

    def _check(self, kind: str, before: Thing, thing: Thing) -> None:
        """Raise Refusal if an object breaks the rules of its kind. A secret given as `$encrypted$` stays unchanged."""
        if unknown := thing.keys() - before.keys():
            raise Refusal(400, detail=f"unknown fields {sorted(unknown)}")
        same = [one for one in self.objects[kind].values() if one["id"] != thing["id"]]
        if any(all(one[name] == thing[name] for name in UNIQUE.get(kind, ("name",))) for one in same):
            raise Refusal(400, __all__=[f"{kind} with this name already exists."])
        errors = type_errors(thing) if kind == "credential_types" else []
        if kind == "credentials":
            inputs = self.objects["credential_types"][thing["credential_type"]]["inputs"]
            errors = credential_errors(inputs, thing["inputs"])
            for name in secret_fields(inputs):
                if thing["inputs"].get(name) == ENCRYPTED:
                    thing["inputs"][name] = before["inputs"][name]
        if errors:
            raise Refusal(400, inputs=errors)

    def shown(self, kind: str, thing: Thing) -> Thing:
        """Return an object as the API shows it, without secrets."""
        thing = copy.deepcopy(thing)
        if kind == "credentials":
            secret = secret_fields(self.objects["credential_types"][thing["credential_type"]]["inputs"])
            thing["inputs"] = {name: ENCRYPTED if name in secret else v for name, v in thing["inputs"].items()}
        return thing

    def answer(self, method: str, path: str, query: Mapping[str, str], data: Mapping[str, Any]) -> tuple[int, Any]:
        """Return the status and content of the answer; raise Refusal."""
        kind, *rest = [unquote(part) for part in path.removeprefix(PREFIX).strip("/").split("/")]
        if kind not in KINDS:
            raise Refusal(404, detail="The requested resource could not be found.")
        if not rest:
            return self._list(kind, query) if method == "GET" else (201, self.shown(kind, self.add(kind, data)))
        thing = self._found(kind, rest[0])
        if rest[1:] == ["credentials"]:
            return self._associate(thing, data) if method == "POST" else self._page("credentials", thing["credentials"])
        if method == "DELETE":
            del self.objects[kind][thing["id"]]
            return 204, None
        return 200, self.shown(kind, self.change(kind, thing, data) if method == "PATCH" else thing)

    def _list(self, kind: str, query: Mapping[str, str]) -> tuple[int, Thing]:
        if unknown := query.keys() - self._filters(kind):
            raise Refusal(400, detail=f"{kind} has no field named '{min(unknown)}'")
        either = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
        both = {name: value for name, value in query.items() if not name.startswith("or__")}
        fits = [
            number
            for number, thing in self.objects[kind].items()
            if all(str(thing[name]) == value for name, value in both.items())
            and (not either or any(str(thing[name]) == value for name, value in either.items()))
        ]
        return self._page(kind, fits)

    def _filters(self, kind: str) -> set[str]:
        fields = {"id", *(word.partition("(")[0].rstrip("*") for word in KINDS[kind].split())}
        return fields | {f"or__{name}" for name in fields}

    def _page(self, kind: str, numbers: list[int]) -> tuple[int, Thing]:
        results = [self.shown(kind, self.objects[kind][number]) for number in numbers]
        return 200, {"count": len(results), "next": None, "previous": None, "results": results}

    def _found(self, kind: str, name: str) -> Thing:
        """Return an object by its ID, or by its named URL (NAME++ORGANIZATION); raise Refusal."""
        if name.isdecimal() and int(name) in self.objects[kind]:
            return self.objects[kind][int(name)]
        own, _plus, organization = name.partition("++")
        for thing in self.objects[kind].values():
            owner = self.objects["organizations"].get(thing.get("organization") or 0, {})
            if (thing["name"], owner.get("name", "")) == (own, organization):
                return thing
        raise Refusal(404, detail="Not found.")

    def _associate(self, thing: Thing, data: Mapping[str, Any]) -> tuple[int, None]:
        """Attach or detach a credential. A job template has at most one of each type."""
        types = [self.objects["credentials"][number]["credential_type"] for number in thing["credentials"]]
        if data.get("disassociate"):
            thing["credentials"].remove(data["id"])
            return 204, None
        if self.objects["credentials"][data["id"]]["credential_type"] in types:
            raise Refusal(400, detail="Cannot assign multiple credentials of the same type.")
        thing["credentials"].append(data["id"])
        return 204, None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    awx: Awx

    def _serve(self) -> None:
        url = urlsplit(self.path)
        data = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        with self.awx.lock:
            try:
                status, content = self._answered(url.path, dict(parse_qsl(url.query)), data)
            except Refusal as refusal:
                status, content = refusal.status, refusal.content
        raw = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _answered(self, path: str, query: Mapping[str, str], data: Mapping[str, Any]) -> tuple[int, Any]:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, detail="Authentication credentials were not provided.")
        if self.command != "GET":
            self.awx.requests.append((self.command, path))
        return self.awx.answer(self.command, path, query, data)


@contextlib.contextmanager
def serve() -> Iterator[Awx]:
    """Yield a freshly installed AWX, with an organization and an inventory."""
    awx = Awx()
    organization = awx.add("organizations", {"name": "Default"})
    awx.add("inventories", {"name": "Demo Inventory", "organization": organization["id"]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"awx": awx}))
    awx.url = f"http://127.0.0.1:{server.server_address[1]}"
    with answering(server):
        yield awx


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with serve() as awx:
        yield {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, "AWX_COLLECTIONS": str(installed())}


if __name__ == "__main__":
    by_hand(_variables())
