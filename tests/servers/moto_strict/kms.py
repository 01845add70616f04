# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KMS as strict as AWS: key states and usages, the key of a ciphertext, the encryption context, dry runs.

The rules are those of the API reference (Encrypt, Decrypt, GenerateDataKey, EnableKey, ScheduleKeyDeletion) and of
"Key states of AWS KMS keys" in the developer guide.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from moto.kms import utils
from moto.kms.models import Key, KmsBackend
from moto.kms.responses import KmsResponse

from servers.moto_strict.checks import before, error, one_at_a_time, replace

__all__ = ["make_strict"]

KEY_ID_LENGTH = 36  # A ciphertext of moto begins with the ID of its key.


def make_strict() -> None:
    """Add the missing checks to moto's KMS."""
    one_at_a_time(KmsResponse)
    utils._serialize_encryption_context = _serialized_context
    _guard_uses()
    _guard_decrypt()
    _guard_states()
    _name_material()
    for name in ("enable_key", "disable_key", "schedule_key_deletion", "cancel_key_deletion"):
        _take_arns(name)
    for name in ("encrypt", "decrypt", "generate_data_key"):
        _answer_dry_runs(name)


def _serialized_context(encryption_context: dict[str, str]) -> bytes:
    """Return unambiguous authenticated data for a context. moto uses the same for {a: bc} and {ab: c}."""
    return json.dumps(encryption_context, sort_keys=True).encode()


def _guard_uses() -> None:
    @before(KmsBackend, "encrypt")
    def check_encrypt(self: KmsBackend, key_id: str, *_args: Any, **_kwargs: Any) -> None:
        _check_usable(self.describe_key(key_id))

    @before(KmsBackend, "generate_data_key")
    def check_generate(self: KmsBackend, key_id: str, *_args: Any, **_kwargs: Any) -> None:
        key = self.describe_key(key_id)
        if key.key_spec != "SYMMETRIC_DEFAULT":
            raise error("InvalidKeyUsageException", f"{key.arn} is not a symmetric encryption key.")
        _check_usable(key)


def _guard_decrypt() -> None:
    @before(KmsBackend, "decrypt")
    def check_decrypt(
        self: KmsBackend, ciphertext_blob: bytes, encryption_context: object, key_id: str | None = None
    ) -> None:
        key = self.keys.get(ciphertext_blob[:KEY_ID_LENGTH].decode("ascii", "replace"))
        if key is None:
            raise error("InvalidCiphertextException", "")
        if key_id is not None and self.any_id_to_key_id(key_id) != key.id:
            message = "The key ID in the request does not identify a CMK that can perform this operation."
            raise error("IncorrectKeyException", message)
        _check_usable(key)


def _guard_states() -> None:
    for name in ("enable_key", "disable_key", "schedule_key_deletion"):

        @before(KmsBackend, name)
        def check_not_pending(self: KmsBackend, key_id: str, *_args: Any, **_kwargs: Any) -> None:
            _check_pending(self.describe_key(key_id))

    @before(KmsBackend, "cancel_key_deletion")
    def check_pending(self: KmsBackend, key_id: str) -> None:
        key = self.describe_key(key_id)
        if key.key_state != "PendingDeletion":
            raise error("KMSInvalidStateException", f"{key.arn} is not pending deletion.")


def _name_material() -> None:
    """Add the ID of the current key material to a description. Each rotation creates a new one."""
    original: Callable[..., dict[str, Any]] = Key.to_dict

    def naming(self: Key) -> dict[str, Any]:
        described = original(self)
        if self.key_spec == "SYMMETRIC_DEFAULT" and self.key_usage in (None, "", "ENCRYPT_DECRYPT"):
            material = f"{self.id} {len(self.rotations)}".encode()
            described["KeyMetadata"]["CurrentKeyMaterialId"] = hashlib.sha256(material).hexdigest()
        return described

    replace(Key, "to_dict", naming)


def _check_usable(key: Key) -> None:
    _check_pending(key)
    if key.key_state != "Enabled":
        raise error("DisabledException", f"{key.arn} is disabled.")
    if key.key_usage not in (None, "", "ENCRYPT_DECRYPT"):
        raise error("InvalidKeyUsageException", f"{key.arn} key usage is {key.key_usage}.")


def _check_pending(key: Key) -> None:
    if key.key_state == "PendingDeletion":
        raise error("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def _take_arns(name: str) -> None:
    """Make a verb accept a key's ARN as well as its ID. In moto, the ARN causes an internal error."""
    original: Callable[..., Any] = getattr(KmsBackend, name)

    def taking(self: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, self.any_id_to_key_id(key_id), *args, **kwargs)

    replace(KmsBackend, name, taking)


def _answer_dry_runs(name: str) -> None:
    """Make a verb that would succeed raise DryRunOperationException in a dry run."""
    original: Callable[[KmsResponse], str] = getattr(KmsResponse, name)

    def dry(self: KmsResponse) -> str:
        result = original(self)
        if self._get_param("DryRun"):
            message = "The request would have succeeded, but the DryRun option is set."
            raise error("DryRunOperationException", message, status=412)
        return result

    replace(KmsResponse, name, dry)
