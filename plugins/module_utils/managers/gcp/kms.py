# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Cloud KMS: wraps the data keys of values that are kept in the store."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ...model.errors import InvalidInput, ScopedSecretsError
from .. import failures
from ..base import ArgumentSpec, ConnectorContext, ExpectedError, KeyKeeper
from ..checks import AccessProof, Aim
from ..http import REQUIREMENTS as HTTP_REQUIREMENTS
from .logins import LOGINS
from .options import GCP_NETWORK, SHARED_OPTIONS, check_options
from .session import CHECKSUM_REQUIREMENT, Corrupted, GcpSession, Service, checksum

__all__ = ["MANAGER", "GcpKms", "canonical"]

_REQUIREMENT = "google-cloud-kms>=3.0"
_DATA_KEY_SIZE = 32
# More than Encrypt returns for 32 bytes, and far less than Decrypt accepts.
_MAX_WRAPPED = 4096
# From the API reference: the ids of key rings and keys, and the form of location names.
_ID = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_LOCATION = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_CONTEXT_FORM = b"scoped.secrets 1"


class GcpKms(KeyKeeper):
    """A symmetric key of Cloud KMS. Its primary version wraps; each version unwraps what it wrapped."""

    KIND = "gcp_kms"
    TITLE = "Google Cloud KMS"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "location": {"type": "str"},
        "key_ring": {"type": "str", "no_log": False},
        "key": {"type": "str", "no_log": False},
        **KeyKeeper.REUSE_OPTION,
        **SHARED_OPTIONS,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {**GCP_NETWORK.defaults, **KeyKeeper.REUSE_DEFAULT}
    LOCATION = frozenset({"gcp_project", "location", "key_ring", "key"})
    REFERABLE = GCP_NETWORK.referable
    NETWORK = GCP_NETWORK
    LOGINS = LOGINS
    REQUIREMENTS = (_REQUIREMENT, CHECKSUM_REQUIREMENT, *HTTP_REQUIREMENTS)

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._pinned = str(self.options.get("pinned_key") or "")

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        check_options(options, cls.TITLE)
        for name in ("location", "key_ring", "key"):
            if not options.get(name):
                raise failures.incomplete_connector(cls.TITLE, name)
            pattern = _LOCATION if name == "location" else _ID
            if not pattern.fullmatch(options[name]):
                raise failures.invalid_option(
                    name, "is not valid", "Set it to the name alone: at most 63 letters, digits, - and _."
                )

    def login(self) -> None:
        service = Service(
            _REQUIREMENT,
            "google.cloud.kms_v1",
            "KeyManagementServiceClient",
            "cloudkms.googleapis.com",
            {
                "encrypt": "cloudkms.cryptoKeyVersions.useToEncrypt",
                "decrypt": "cloudkms.cryptoKeyVersions.useToDecrypt",
            },
            {word: self._meaning(word) for word in _OWN},
        )
        session = GcpSession(self.options, self.connector, service)
        session.log_in(self.chosen_login())
        self._client = session.client()
        self._session = session

    def close(self) -> None:
        self._session.close()

    def check(self, aim: Aim, proof: AccessProof) -> None:
        """Prove that the key encrypts and decrypts random bytes. A minimal login can't read the key's metadata."""
        self._pinned = self._find()
        probe, context = os.urandom(_DATA_KEY_SIZE), {"purpose": "scoped.secrets check"}
        if self.unwrap(self.wrap(probe, context), context) != probe:
            raise failures.malformed_reply(self.connector.what, "it decrypts to something other than the plaintext")
        proof.read, proof.write = "decrypted random bytes with the key", "encrypted random bytes with the key"

    def settled(self) -> dict[str, Any]:
        """Keep the key's full name, because the login may imply another project later."""
        self._pinned = self._find()
        return {"pinned_key": self._pinned}

    def wrap(self, data_key: bytes, context: Mapping[str, str], *, version: str = "") -> bytes:
        # A new primary version takes up to hours to propagate, so rotation names the version to use.
        return bytes(self._encrypted(data_key, context, version).ciphertext)

    def newest_version(self) -> str:
        """Return the number of the primary version, by encrypting. A minimal login can't read the key's metadata."""
        reply = self._encrypted(os.urandom(_DATA_KEY_SIZE), {"purpose": "scoped.secrets check"}, "")
        return str(reply.name).rpartition("/")[2]

    def _encrypted(self, data_key: bytes, context: Mapping[str, str], version: str) -> Any:
        key, bound = self._key(), canonical(context)
        versions = f"{key}/cryptoKeyVersions/"
        request = {
            "name": versions + version if version else key,
            "plaintext": data_key,
            "plaintext_crc32c": checksum(data_key),
            "additional_authenticated_data": bound,
            "additional_authenticated_data_crc32c": checksum(bound),
        }
        reply = self._call("encrypt", key, request, _verify_wrapped)
        if not reply.ciphertext:
            raise failures.incomplete_reply(self.connector.what, key)
        is_expected = reply.name == versions + version if version else str(reply.name).startswith(versions)
        if not is_expected:
            raise failures.malformed_reply(self.connector.what, "it encrypted with another key")
        return reply

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if not 0 < len(wrapped) <= _MAX_WRAPPED:
            raise failures.wrong_data_key(self.connector.what)
        key, bound = self._key(), canonical(context)
        # With the key named, Google refuses ciphertexts of other keys, even of those that this login may use.
        request = {
            "name": key,
            "ciphertext": wrapped,
            "ciphertext_crc32c": checksum(wrapped),
            "additional_authenticated_data": bound,
            "additional_authenticated_data_crc32c": checksum(bound),
        }
        try:
            reply = self._call("decrypt", key, request, _verify_data_key, expecting=frozenset({"INVALID_ARGUMENT"}))
        except ExpectedError:
            raise failures.wrong_data_key(self.connector.what) from None
        if len(reply.plaintext) != _DATA_KEY_SIZE:
            raise failures.incomplete_reply(self.connector.what, key)
        return bytes(reply.plaintext)

    def _key(self) -> str:
        """Return the full name of the key, pinned or from the options. Raises InvalidInput if unresolved."""
        if self._pinned or self.options.get("gcp_project"):
            return self._pinned or self._name(str(self.options["gcp_project"]))
        # Resolving the project now could find another one than the next run does, which then couldn't decrypt.
        raise InvalidInput(
            "key_not_pinned",
            f"The project of the key of {self.connector.what} was never resolved.",
            hint="Declare the connector once with 'check: true', or set 'gcp_project'.",
        )

    def _find(self) -> str:
        if self._pinned:
            return self._pinned
        project = self.options.get("gcp_project") or self._session.project
        if not project:
            raise failures.missing_project(self.connector.what)
        return self._name(str(project))

    def _name(self, project: str) -> str:
        ring = f"projects/{project}/locations/{self.options['location']}/keyRings/{self.options['key_ring']}"
        return f"{ring}/cryptoKeys/{self.options['key']}"

    def _call(self, method: str, key: str, request: Mapping[str, Any], verify: Any, **more: Any) -> Any:
        return self._client.call(method, key, request, verify=verify, **more)

    def _meaning(self, word: str) -> Any:
        def error(key: str) -> ScopedSecretsError:
            if word == "NOT_FOUND":
                return failures.unknown_master_key(self.connector.what, key)
            return failures.key_unusable(self.connector.what, _OWN[word])

        return error


_OWN = {
    "NOT_FOUND": "it does not exist",
    "DISABLED": "the required version is disabled",
    "DESTROYED": "the required version was destroyed or is scheduled for it",
    "FAILED_PRECONDITION": "its state or its purpose does not allow it",
    "INVALID_ARGUMENT": "it is not a symmetric key for encryption",
}


def canonical(context: Mapping[str, str]) -> bytes:
    """Return the canonical form of a context: names in order, each part preceded by its length."""
    parts = [part.encode() for name in sorted(context) for part in (name, context[name])]
    return b"".join(len(part).to_bytes(4, "big") + part for part in (_CONTEXT_FORM, *parts))


def _verify_wrapped(reply: Any) -> None:
    if not reply.ciphertext:
        return
    is_verified = reply.verified_plaintext_crc32c and reply.verified_additional_authenticated_data_crc32c
    if not is_verified or reply.ciphertext_crc32c != checksum(reply.ciphertext):
        raise Corrupted


def _verify_data_key(reply: Any) -> None:
    if reply.plaintext and reply.plaintext_crc32c != checksum(reply.plaintext):
        raise Corrupted


MANAGER = GcpKms
