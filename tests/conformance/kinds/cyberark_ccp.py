# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk's Central Credential Provider with client certificates. The test server counts requests itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.provider import Options, Provider

if TYPE_CHECKING:
    from servers.faults import Seen

__all__ = ["PROVIDERS"]


class CyberarkCcp(Provider):
    KIND = "cyberark_ccp"
    OFFLINE: ClassVar = {"url": "https://localhost:9", "app_id": "a", "retries": 0}
    LOGINS: ClassVar = ({"client_cert": "c", "client_key": "k"},)
    TITLE = "CyberArk Central Credential Provider"
    SERVER = "ccp"
    # A proxy couldn't present the client's certificate.
    IS_PROXIED = False
    CREDENTIAL = "client_key"
    CELLS: ClassVar = {"reads by path": "by query", "JSON #key": "fields of the account"}

    def __init__(self, fixture: Callable[[str], Any], place: str) -> None:
        super().__init__(fixture, place)
        self.server.add_application(place, place, certificate=place)
        self.server.seen.clear()

    def options(self, place: str = "") -> Options:
        return {"url": self.server.url, "app_id": self.place, "ca_cert": str(self.server.ca), **self._login(self.place)}

    def _login(self, name: str) -> Options:
        certificate, key = self.server.authority.issue(name)
        return {"client_cert": certificate.read_text(), "client_key": key.read_text()}

    def wrong_login(self) -> Options:
        return self._login("somebody")

    @property
    def requests(self) -> Sequence[Seen]:
        seen: list[Seen] = self.server.seen
        return seen

    def forget_requests(self) -> None:
        self.server.seen.clear()

    def is_read(self, seen: Seen) -> bool:
        return True

    def is_write(self, seen: Seen) -> bool:
        return False

    def path(self, identifier: str, place: str = "") -> str:
        return f"Safe={place or self.place};Object={identifier}"

    def present(self) -> set[str]:
        accounts = self.server.accounts
        return {self.path(one["Name"]) for one in accounts if one["Safe"] == self.place}

    def fields_at(self, path: str) -> dict[str, Any]:
        (account,) = (one for one in self.server.accounts if self.path(one["Name"]) == path)
        fields: dict[str, Any] = json.loads(account["Content"])
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        self.server.add_account(self.place, path.rpartition("=")[2], json.dumps(fields), **fields)
        self.foreign.add(path)

    def remove(self, path: str) -> None:
        self.server.remove_account(self.place, path.rpartition("=")[2])


PROVIDERS = [CyberarkCcp]
