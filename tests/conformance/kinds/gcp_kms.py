# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Cloud KMS: on the test server, which encrypts for real and counts requests itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from conformance.provider import Options, Provider

if TYPE_CHECKING:
    from servers.faults import Seen

__all__ = ["PROVIDERS", "GoogleProvider"]


class GoogleProvider(Provider):
    """Shared by the Google Cloud kinds."""

    SERVER = "google_cloud"
    IS_PROXIED = False
    CREDENTIAL = "credentials_json"
    OFFLINE: ClassVar[Options] = {"gcp_project": "payments", "endpoint": "http://127.0.0.1:1", "retries": 0}
    LOGINS: ClassVar = ({"credentials_json": "{}"},)
    READS: ClassVar[frozenset[str]]
    WRITES: ClassVar[frozenset[str]]

    @property
    def requests(self) -> Sequence[Seen]:
        seen: list[Seen] = self.server.calls.seen
        return seen

    def forget_requests(self) -> None:
        self.server.calls.clear()

    def options(self, place: str = "") -> Options:
        return {
            "gcp_project": self.server.project,
            "endpoint": self.server.url,
            "ca_cert": str(self.server.ca),
            "credentials_json": self.server.credentials_json,
        }

    def wrong_login(self) -> Options:
        nobody = self.server.tokens.service_account("nobody")
        self.server.tokens.disable(nobody)
        return {"credentials_json": nobody}

    def is_login(self, seen: Seen) -> bool:
        return seen.target == "token"

    def is_read(self, seen: Seen) -> bool:
        return seen.target in self.READS

    def is_write(self, seen: Seen) -> bool:
        return seen.target in self.WRITES


class GcpKms(GoogleProvider):
    KIND = "gcp_kms"
    OFFLINE: ClassVar = {**GoogleProvider.OFFLINE, "location": "global", "key_ring": "r", "key": "k"}
    TITLE = "Google Cloud KMS"
    CELLS: ClassVar = {"versions": "in the store", "delete": "with all versions"}
    READS = frozenset({"Decrypt"})
    WRITES = frozenset({"Encrypt"})
    REUSE = "none"
    _keys: ClassVar[dict[tuple[str, str], str]] = {}

    def options(self, place: str = "") -> Options:
        key = {"location": self.server.location, "key_ring": "conformance", "key": self._key(place)}
        return {**super().options(), **key, "data_key_reuse": self.REUSE}

    def _key(self, place: str) -> str:
        """Return the name of a key of this server, one for each place."""
        known, name = self._keys, place or "usual"
        if (self.server.url, name) not in known:
            known[self.server.url, name] = self.server.new_key("conformance", name)
        return name


class GcpKmsReuse(GcpKms):
    """One KMS key wraps the branch key of a run."""

    VARIANT = "reuse"
    TITLE = ""
    REUSE = "run"

    def unwraps(self, number: int) -> int:
        return 1


PROVIDERS = [GcpKms, GcpKmsReuse]
