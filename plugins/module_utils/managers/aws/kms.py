# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS KMS: wraps the data keys of values that are kept in the store."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ...model.errors import InvalidInput, ScopedSecretsError
from .. import failures
from ..base import ArgumentSpec, ConnectorContext, KeyKeeper
from ..checks import AccessProof, Aim
from .logins import LOGINS
from .options import AWS_NETWORK, SHARED_OPTIONS, check_options
from .session import REQUIREMENT, AwsSession

__all__ = ["MANAGER", "AwsKms"]

_DATA_KEY_SIZE = 32
# The largest ciphertext of Decrypt, from its API reference.
_MAX_WRAPPED = 6144
_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:(?P<kind>key|alias)/[\w/-]{1,256}", re.ASCII)
_SHORT = re.compile(r"alias/[\w/-]{1,250}|(mrk-)?[0-9a-fA-F-]{32,36}", re.ASCII)
_STATES = {
    "Disabled": "it is disabled",
    "PendingDeletion": "it is pending deletion",
    "PendingReplicaDeletion": "it is pending deletion",
    "PendingImport": "its key material has not been imported, or was deleted",
    "Unavailable": "its key store is not connected",
    "Creating": "it is being created",
}


class AwsKms(KeyKeeper):
    """A symmetric key of AWS KMS. Its ARN is resolved once, so a later change of an alias has no effect."""

    KIND = "aws_kms"
    TITLE = "AWS KMS"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "key_arn": {"type": "str", "no_log": False},
        **KeyKeeper.REUSE_OPTION,
        **SHARED_OPTIONS,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {**AWS_NETWORK.defaults, **KeyKeeper.REUSE_DEFAULT}
    LOCATION = frozenset({"key_arn"})
    REFERABLE = AWS_NETWORK.referable | {"key_arn"}
    NETWORK = AWS_NETWORK
    LOGINS = LOGINS
    REQUIREMENTS = (REQUIREMENT,)

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._pinned = str(self.options.get("pinned_key_arn") or "")

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        check_options(options, cls.TITLE)
        if not options.get("key_arn") and not options.get("key_arn_ref"):
            raise failures.incomplete_connector(cls.TITLE, "key_arn")
        if options.get("key_arn"):
            _check_key(str(options["key_arn"]).strip(), options.get("region"))

    def login(self) -> None:
        if not self._pinned:
            _check_key(self._given, self.options.get("region"))
        session = AwsSession(self.options, self.connector, _region_of(self._pinned or self._given))
        session.log_in(self.chosen_login())
        self._client = session.client("kms", {code: self._meaning(code) for code in _OWN_CODES})
        self._session = session

    def close(self) -> None:
        self._session.close()

    def check(self, aim: Aim, proof: AccessProof) -> None:
        """Prove that the key exists, has the right type, and encrypts and decrypts random bytes."""
        metadata = self._describe(self._pinned or self._given)
        self._pinned = self._pinned or metadata["Arn"]
        self._refuse_unusable(metadata)
        probe, context = os.urandom(_DATA_KEY_SIZE), {"purpose": "scoped.secrets check"}
        if self.unwrap(self.wrap(probe, context), context) != probe:
            raise failures.malformed_reply(self.connector.what, "it decrypts to something other than the plaintext")
        proof.read, proof.write = "decrypted random bytes with the key", "encrypted random bytes with the key"

    def settled(self) -> dict[str, Any]:
        """Keep the key's ARN, because an alias or id in the options may later lead to another key."""
        if not self._pinned:
            self._pinned = str(self._describe(self._given)["Arn"])
        return {"pinned_key_arn": self._pinned}

    def newest_version(self) -> str:
        """Return the id of the current key material, empty if this server or boto3 doesn't tell."""
        return str(self._describe(self._key()).get("CurrentKeyMaterialId") or "")

    def wrap(self, data_key: bytes, context: Mapping[str, str], *, version: str = "") -> bytes:
        # AWS always encrypts with the newest key material, so `version` has no effect.
        key = self._key()
        reply = self._call("encrypt", key, KeyId=key, Plaintext=data_key, EncryptionContext=dict(context))
        wrapped = reply.get("CiphertextBlob")
        if not wrapped or not isinstance(wrapped, bytes):
            raise failures.incomplete_reply(self.connector.what, key)
        return wrapped

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if not 0 < len(wrapped) <= _MAX_WRAPPED:
            raise failures.wrong_data_key(self.connector.what)
        key = self._key()
        # With KeyId, AWS refuses ciphertexts of other keys, even of those that this login may use.
        reply = self._call("decrypt", key, KeyId=key, CiphertextBlob=wrapped, EncryptionContext=dict(context))
        data_key = reply.get("Plaintext")
        if not isinstance(data_key, bytes) or len(data_key) != _DATA_KEY_SIZE:
            raise failures.incomplete_reply(self.connector.what, key)
        return data_key

    @property
    def _given(self) -> str:
        return str(self.options.get("key_arn") or "").strip()

    def _key(self) -> str:
        """Return the ARN of the key, pinned or given. Raises InvalidInput if it is still unresolved."""
        arn = _ARN.fullmatch(self._given)
        if self._pinned or (arn and arn["kind"] == "key"):
            return self._pinned or self._given
        # Resolving an alias now could find another key than the next run does, which then couldn't decrypt.
        raise InvalidInput(
            "key_not_pinned",
            f"The key '{self._given}' of {self.connector.what} was never resolved to an ARN.",
            hint="Declare the connector once with 'check: true', or set 'key_arn' to the ARN of a key.",
        )

    def _describe(self, key: str) -> dict[str, Any]:
        metadata = self._call("describe_key", key, KeyId=key).get("KeyMetadata") or {}
        if not _ARN.fullmatch(str(metadata.get("Arn", ""))) or "KeyState" not in metadata:
            raise failures.incomplete_reply(self.connector.what, key)
        found: dict[str, Any] = metadata
        return found

    def _refuse_unusable(self, metadata: Mapping[str, Any]) -> None:
        state = metadata["KeyState"]
        if state in _STATES:
            raise failures.key_unusable(self.connector.what, _STATES[state])
        spec = metadata.get("KeySpec", metadata.get("CustomerMasterKeySpec"))
        if metadata.get("KeyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" or spec != "SYMMETRIC_DEFAULT":
            raise failures.key_unusable(self.connector.what, "it is not a symmetric key for encryption")

    def _call(self, operation: str, key: str, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, key, **parameters)

    def _meaning(self, code: str) -> Any:
        def error(key: str) -> ScopedSecretsError:
            if code in _WRONG:
                return failures.wrong_data_key(self.connector.what)
            if code in _UNKNOWN:
                return failures.unknown_master_key(self.connector.what, key)
            return failures.key_unusable(self.connector.what, _UNUSABLE[code])

        return error


_WRONG = ("InvalidCiphertextException", "IncorrectKeyException")
_UNKNOWN = ("NotFoundException", "InvalidArnException")
_UNUSABLE = {
    "DisabledException": "it is disabled",
    "KMSInvalidStateException": "its state does not allow it; it may be disabled or pending deletion",
    "InvalidKeyUsageException": "it is not a symmetric key for encryption",
}
_OWN_CODES = (*_WRONG, *_UNKNOWN, *_UNUSABLE)


def _region_of(key: str) -> str:
    arn = _ARN.fullmatch(key)
    return arn["region"] if arn else ""


def _check_key(key: str, region: str | None) -> None:
    if not _ARN.fullmatch(key) and not _SHORT.fullmatch(key):
        raise failures.invalid_option(
            "key_arn",
            "does not name a key",
            "Set it to an ARN (arn:aws:kms:REGION:ACCOUNT:key/ID or …:alias/NAME), a key id, or alias/NAME.",
        )
    if region and _region_of(key) not in ("", region):
        raise failures.invalid_option(
            "region", "differs from the one in 'key_arn'", "Leave 'region' out: the ARN contains it."
        )


MANAGER = AwsKms
