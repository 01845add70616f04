# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk's Central Credential Provider, with its web server, which can require client certificates.

By hand: python -m servers.cyberark_ccp
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from servers.answering import answering
from servers.faults import Seen
from servers.identities import Authority
from servers.process import by_hand

__all__ = ["Application", "Ccp", "serve"]

PATH = "/AIMWebService/api/Accounts"
CRITERIA = ("safe", "folder", "object", "username", "address", "database", "policyid")
NOT_DEFINED = "Problem occurred while trying to use user in the Vault. Error: ITATS982E User {} is not defined"
NOT_FOUND = "Password object matching query [{}] was not found (Diagnostic Info: 5)."


class Refusal(Exception):
    """An error answer: HTTP status, CyberArk code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.content = {"ErrorCode": code, "ErrorMsg": message}


@dataclass
class Application:
    """An application, its Safes, and the name in the client certificate that it must present (empty: none)."""

    app_id: str
    safes: set[str] = field(default_factory=set)
    certificate: str = ""


@dataclass
class Ccp:
    """A provider. With `is_strict`, its web server requires a client certificate."""

    authority: Authority
    url: str = ""
    is_strict: bool = False
    applications: dict[str, Application] = field(default_factory=dict)
    accounts: list[dict[str, Any]] = field(default_factory=list, repr=False)
    seen: list[Seen] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def ca(self) -> Path:
        return self.authority.ca

    def add_application(self, app_id: str, *safes: str, certificate: str = "") -> Application:
        """Add and return an application."""
        application = Application(app_id, set(safes), certificate)
        self.applications[app_id] = application
        return application

    def add_account(self, safe: str, name: str, content: str, **fields: Any) -> dict[str, Any]:
        """Add and return an account. Other fields are UserName, Address and so on."""
        account = {"Content": content, "Safe": safe, "Folder": "Root", "Name": name, "PasswordChangeInProcess": "False"}
        account.update(fields)
        self.remove_account(safe, name)
        with self.lock:
            self.accounts.append(account)
        return account

    def remove_account(self, safe: str, name: str) -> None:
        with self.lock:
            self.accounts[:] = [one for one in self.accounts if (one["Safe"], one["Name"]) != (safe, name)]

    def answer(self, query: Mapping[str, str], certificate: str) -> dict[str, Any]:
        """Return the requested account; raise Refusal."""
        application = self._application(query.get("appid", ""), certificate)
        wanted = _criteria(query)
        found = [one for one in self.accounts if one["Safe"] in application.safes and _fits(one, wanted)]
        if not found:
            raise Refusal(404, "APPAP004E", NOT_FOUND.format(";".join(f"{n}={v}" for n, v in wanted.items())))
        if len(found) > 1:
            raise Refusal(400, "APPAP229E", "Too many password objects matching the query were found")
        fails = query.get("failrequestonpasswordchange", "false").lower() == "true"
        if fails and found[0]["PasswordChangeInProcess"] == "True":
            raise Refusal(500, "APPAP282E", f"Password [{found[0]['Name']}] is currently being changed by the CPM.")
        return found[0]

    def _application(self, app_id: str, certificate: str) -> Application:
        if not app_id:
            raise Refusal(400, "AIMWS031E", "Invalid request. The AppID parameter is required.")
        application = self.applications.get(app_id)
        if application is None:
            raise Refusal(403, "APPAP008E", NOT_DEFINED.format(app_id))
        if application.certificate != certificate and application.certificate:
            reason = f'APPAP133E Failed to verify application authentication data: "{certificate}" is unauthorized'
            raise Refusal(403, "APPAP306E", f"Authentication error for App ID [{app_id}]. Reason: {reason}")
        return application


def _criteria(query: Mapping[str, str]) -> dict[str, str]:
    """Return the search criteria, with names in lower case. A `Query` replaces all others."""
    wanted = {name: query[name] for name in CRITERIA if query.get(name)}
    if "query" in query:
        parts = [part.partition("=") for part in re.split("[;,]", query["query"]) if part]
        if not all(equals for _name, equals, _value in parts):
            raise Refusal(400, "AIMWS030E", "Invalid query format")
        wanted = {name.strip().lower(): value for name, _equals, value in parts}
    if not wanted:
        raise Refusal(400, "APPAP081E", "Request message content is invalid")
    if re.search(r'[\\/:*?"<>|\t]', wanted.get("username", "")):
        raise Refusal(400, "CASVL010E", "Invalid characters in User Name.")
    return wanted


def _fits(account: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    fields = {name.lower(): str(value).lower() for name, value in account.items() if name != "Content"}
    return all(fields.get({"object": "name"}.get(name, name)) == value.lower() for name, value in wanted.items())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    ccp: Ccp

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        # The web server of the provider takes a plus sign literally, not as a space.
        query = {name.lower(): values[0] for name, values in parse_qs(url.query.replace("+", "%2B")).items()}
        certificate = self._certificate()
        with self.ccp.lock:
            status, content = self._answered(url.path, query, certificate)
            self.ccp.seen.append(Seen("GET", url.path, url.query, query.get("query", ""), status))
        raw = json.dumps(content).encode() if isinstance(content, dict) else content
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if isinstance(content, dict) else "text/html")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _answered(self, path: str, query: Mapping[str, str], certificate: str) -> tuple[int, Any]:
        if path.lower() != PATH.lower():
            return 404, b"<html>404 - File or directory not found.</html>"
        if self.ccp.is_strict and not certificate:
            return 403, b"<html>403.7 - Client certificate required.</html>"
        try:
            return 200, self.ccp.answer(query, certificate)
        except Refusal as refusal:
            return refusal.status, refusal.content

    def _certificate(self) -> str:
        """Return the name in the client's certificate, or an empty string."""
        shown = self.connection.getpeercert() or {}
        return next((pair[0][1] for pair in shown.get("subject", ()) if pair[0][0] == "commonName"), "")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Ccp]:
    """Yield a provider without applications. It accepts client certificates of its own authority."""
    authority = Authority(folder)
    ccp = Ccp(authority)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"ccp": ccp}))
    ccp.url = f"https://127.0.0.1:{server.server_address[1]}"
    with answering(server, authority.issue("ccp"), authority.ca):
        yield ccp


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as ccp:
        certificate, key = ccp.authority.issue("ansible")
        ccp.add_application("ansible", "Payments", certificate="ansible")
        ccp.add_account("Payments", "db-prod-root", "a password", UserName="root")
        yield {
            "CCP_URL": ccp.url,
            "CCP_APP_ID": "ansible",
            "CCP_CA": str(ccp.ca),
            "CCP_CLIENT_CERT": str(certificate),
            "CCP_CLIENT_KEY": str(key),
        }


if __name__ == "__main__":
    by_hand(_variables())
