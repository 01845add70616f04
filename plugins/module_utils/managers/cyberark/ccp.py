# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk Central Credential Provider: reads accounts."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from ...model.errors import ScopedSecretsError
from ...model.json_text import read_json, write_json
from .. import failures
from ..base import ArgumentSpec, Capability, ConnectorContext, Found, Login, NoLogin, ValueKeeper
from ..checks import PROBE, not_proved
from ..http import REQUIREMENTS, HttpSession, Reply
from ..network import CLIENT_CERTIFICATE, Network, check_url
from .ccp_failures import meaning

__all__ = ["MANAGER", "CyberarkCcp"]

CONTENT = "Content"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,99}", re.ASCII)
_WEB_SERVICE = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_FORBIDDEN = frozenset("+&%;")
"""Characters that the web service does not accept in a value."""
_RULE = "Name=value pairs separated by ';', such as Safe=S;Object=O, without + & % in a value"


class CcpCertificate(Login):
    """A client certificate and its key. The key is never written to a disk."""

    NAME = "cert"
    OPTIONS = CLIENT_CERTIFICATE
    REQUIRED = ("client_cert", "client_key")


class CyberarkCcp(ValueKeeper):
    """Accounts in Safes that an application may read. A path is a query for one account."""

    KIND = "cyberark_ccp"
    TITLE = "CyberArk Central Credential Provider"
    NETWORK = Network.all()
    OPTIONS: ClassVar[ArgumentSpec] = {
        "url": {"type": "str"},
        "app_id": {"type": "str"},
        "safe": {"type": "str"},
        "folder": {"type": "str"},
        "web_service": {"type": "str"},
        "reason": {"type": "str"},
        "fail_on_password_change": {"type": "bool"},
        **NETWORK.spec,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "safe": "",
        "folder": "",
        "web_service": "AIMWebService",
        "reason": "",
        "fail_on_password_change": False,
        **NETWORK.defaults,
    }
    LOCATION = frozenset({"safe", "folder"})
    REFERABLE = NETWORK.referable
    LOGINS = (NoLogin, CcpCertificate)
    """Without a certificate, CyberArk identifies the application by the address of the machine."""
    CAPABILITIES = frozenset({Capability.READ_PATH})
    MAX_VALUE = 1024 * 1024
    REQUIREMENTS = REQUIREMENTS
    DEFAULT_KEY = CONTENT

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._lock = threading.Lock()
        self._http: HttpSession | None = None

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        given = {**cls.DEFAULTS, **options}
        for name in ("url", "app_id"):
            if not given.get(name):
                raise failures.incomplete_connector(cls.TITLE, name)
        check_url(cls.TITLE, "url", given["url"], allow_plain_http=given["allow_plain_http"])
        if not _WEB_SERVICE.fullmatch(given["web_service"]):
            raise failures.invalid_option(
                "web_service", "is not the name of a web service", "Set it to a name like AIMWebService, the default."
            )
        for name in ("app_id", "safe", "folder", "reason"):
            if not _is_value(given[name] or "x"):
                raise failures.invalid_option(
                    name,
                    "has characters that the web service does not accept",
                    "Set it to printable text without + & % ;",
                )

    def login(self) -> None:
        """Prepare the session. There is no separate login: each request carries the certificate, if any."""
        self.connector.meter("logins")
        self._http = HttpSession.for_connector(self.options, self.connector)

    def prove_reading(self) -> str:
        """Prove that CyberArk knows the application, by requesting a random account that doesn't exist."""
        try:
            self.read(f"Object={PROBE}-{uuid.uuid4().hex}")
        except ScopedSecretsError as error:
            if error.code != "unknown_path":
                raise
            return not_proved("the application may log in; which Safes it may read shows when an account is read")
        raise failures.malformed_reply(self.connector.what, "it has an account with a random name")

    def close(self) -> None:
        session, self._http = self._http, None
        if session:
            session.close()

    def path_of(self, *names: str) -> str:
        return f"Object={names[-1]}"

    def read(self, path: str, version: str = "") -> Found:
        """Return all fields of the account that matches a path."""
        if version:
            raise failures.no_version(self.connector.what, self.TITLE, version)
        reply = self._get(self._query(path))
        if not reply.ok:
            raise meaning(self.connector.what, path, reply)
        try:
            fields = read_json(reply.content)
        except ValueError:
            raise failures.malformed_reply(self.connector.what, "it is not JSON") from None
        if not isinstance(fields, dict) or not fields.get(CONTENT):
            raise failures.incomplete_reply(self.connector.what, path)
        return Found(write_json(fields, comma=", ", colon=": ").encode())

    def _query(self, path: str) -> str:
        """Return a path as a query. The connector's Safe and folder apply unless the path names others."""
        parts = [part.partition("=")[::2] for part in path.split(";") if part.strip()]
        named = [name.strip().lower() for name, _value in parts]
        is_query = all(_NAME.fullmatch(name.strip()) and _is_value(value) for name, value in parts)
        if not parts or not is_query or len(set(named)) != len(named):
            raise failures.name_not_allowed(self.connector.what, path, _RULE)
        own = [("Safe", self.options["safe"]), ("Folder", self.options["folder"])]
        added = [(name, value) for name, value in own if value and name.lower() not in named]
        return ";".join(f"{name.strip()}={value.strip()}" for name, value in [*added, *parts])

    def _get(self, query: str) -> Reply:
        parameters = {
            "AppID": self.options["app_id"],
            "Query": query,
            "QueryFormat": "Exact",
            "ConnectionTimeout": str(self.options["timeout"]),
            "FailRequestOnPasswordChange": str(bool(self.options["fail_on_password_change"])).lower(),
            **({"Reason": self.options["reason"]} if self.options["reason"] else {}),
        }
        base = f"{self.options['url'].rstrip('/')}/{self.options['web_service']}/api/Accounts"
        # Spaces as %20: the web service does not accept + for them.
        return self._session().request("GET", f"{base}?{urlencode(parameters, quote_via=quote, safe='')}")

    def _session(self) -> HttpSession:
        with self._lock:
            if self._http is None:
                self.login()
            return self._http  # type: ignore[return-value]


def _is_value(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and not _FORBIDDEN & set(text)


MANAGER = CyberarkCcp
