# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS KMS: on moto, which encrypts for real, or on ministack where a login must be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.provider import Options, Provider

if TYPE_CHECKING:
    from servers.faults import Seen

__all__ = ["PROVIDERS", "AwsProvider"]


class AwsProvider(Provider):
    """Shared by the AWS kinds."""

    SERVER = "moto"
    CREDENTIAL = "secret_access_key"
    OFFLINE: ClassVar[Options] = {"region": "eu-central-1", "endpoint_url": "http://127.0.0.1:1", "retries": 0}
    LOGINS: ClassVar = (
        {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "s", "session_token": "t"},
        {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "s"},
    )
    READS: ClassVar[frozenset[str]]
    WRITES: ClassVar[frozenset[str]]

    def options(self, place: str = "") -> Options:
        return {
            "region": self.server.region,
            "endpoint_url": self.proxy.url if self.proxy else "",
            "access_key_id": "AKIATESTS",
            "secret_access_key": "canary-of-the-access-key",
        }

    def wrong_login(self) -> Options:
        strict = self.fixture("ministack")
        return {"endpoint_url": strict.url, "access_key_id": "AKIANOBODY", "secret_access_key": "canary-of-nobody"}

    def is_read(self, seen: Seen) -> bool:
        return seen.target in self.READS

    def is_write(self, seen: Seen) -> bool:
        return seen.target in self.WRITES


class AwsKms(AwsProvider):
    KIND = "aws_kms"
    OFFLINE: ClassVar = {
        **AwsProvider.OFFLINE,
        "key_arn": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    }
    TITLE = "AWS KMS"
    CELLS: ClassVar = {"versions": "in the store", "delete": "with all versions"}
    READS = frozenset({"Decrypt"})
    WRITES = frozenset({"Encrypt", "GenerateDataKey", "ReEncrypt"})
    REUSE = "none"
    _keys: ClassVar[dict[tuple[str, str], str]] = {}

    def options(self, place: str = "") -> Options:
        return {**super().options(), "key_arn": self._key(place), "data_key_reuse": self.REUSE}

    def _key(self, place: str) -> str:
        """Return the ARN of a key of this server, one for each place."""
        known = self._keys
        if (self.server.url, place) not in known:
            made: dict[str, Any] = self.server.client("kms").create_key()
            known[self.server.url, place] = made["KeyMetadata"]["Arn"]
        return known[self.server.url, place]


class AwsKmsReuse(AwsKms):
    """One KMS key wraps the branch key of a run."""

    VARIANT = "reuse"
    TITLE = ""
    REUSE = "run"

    def unwraps(self, number: int) -> int:
        return 1


PROVIDERS = [AwsKms, AwsKmsReuse]
