# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk Conjur: each place is a branch whose policy declares every requested variable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.provider import Options, Provider

if TYPE_CHECKING:
    from servers.faults import FaultProxy, Seen

__all__ = ["PROVIDERS"]


class CyberarkConjur(Provider):
    KIND = "cyberark_conjur"
    OFFLINE: ClassVar = {"url": "https://localhost:9", "account": "a", "retries": 0}
    LOGINS: ClassVar = (
        {"login": "host/a", "api_key": "k"},
        {"login": "ann", "password": "p"},
        {"service_id": "s", "jwt": "j"},
    )
    TITLE = "CyberArk Conjur"
    SERVER = "conjur"
    CREDENTIAL = "api_key"
    CELLS: ClassVar = {
        "writes": "variables declared by policy",
        "versions": "numbers, the last 20",
        "value limit": "1 byte to 64 KiB",
    }
    REFUSES_EMPTY = True

    def front(self) -> FaultProxy:
        files = {"ca": self.server.ca, "certificate": self.server.certificate}
        proxy: FaultProxy = self.fixture("fault_proxy")(self.server.url, **files)
        return proxy

    def options(self, place: str = "") -> Options:
        host = self.server.add_host(f"of-{place or self.place}")
        self.server.open_branch(place or self.place)
        return {
            "url": self.proxy.url if self.proxy else "",
            "account": self.server.account,
            "branch": place or self.place,
            "ca_cert": str(self.server.ca),
            "login": host.login,
            "api_key": host.api_key,
        }

    def wrong_login(self) -> Options:
        return {"api_key": "canary-of-nobody"}

    def is_login(self, seen: Seen) -> bool:
        return seen.path.endswith("/authenticate")

    def is_read(self, seen: Seen) -> bool:
        return seen.method == "GET" and seen.path.startswith("/secrets")

    def is_write(self, seen: Seen) -> bool:
        return seen.method != "GET" and not self.is_login(seen)

    def present(self) -> set[str]:
        found = self.server.variables.items()
        return {path for path, variable in found if path.startswith(self.place) and variable.values}

    def value_at(self, path: str) -> bytes | None:
        variable = self.server.variables.get(path)
        return variable.values[variable.newest] if variable and variable.values else None

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.value_at(path) or b"")
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        # Removing and declaring makes it another variable, whose versions start again at 1.
        self.remove(path)
        self.server.declare(path).add(json.dumps(fields).encode())
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        self.server.variables[path].add(value.encode())

    def remove(self, path: str) -> None:
        self.server.variables.pop(path, None)


PROVIDERS = [CyberarkConjur]
