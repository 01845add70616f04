# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud KMS: key rings, symmetric keys and their versions, with real AES-GCM."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.cloud.kms_v1.types import resources, service

from servers.google_cloud.calls import Method, Refused, check_checksum, crc32c

__all__ = ["Kms"]

Code = grpc.StatusCode
MAX_BYTES = 64 * 1024
NONCE = 12
State = resources.CryptoKeyVersion.CryptoKeyVersionState
Purpose = resources.CryptoKey.CryptoKeyPurpose


@dataclass
class _Version:
    shown: Any
    material: AESGCM = field(default_factory=lambda: AESGCM(os.urandom(32)))


class Kms:
    """The KMS keys of all projects."""

    NAME = "google.cloud.kms.v1.KeyManagementService"
    METHODS: ClassVar[dict[str, Method]] = {
        "CreateKeyRing": Method(service.CreateKeyRingRequest, "cloudkms.keyRings.create", lambda r: r.parent),
        "CreateCryptoKey": Method(service.CreateCryptoKeyRequest, "cloudkms.cryptoKeys.create", lambda r: r.parent),
        "GetCryptoKey": Method(service.GetCryptoKeyRequest, "cloudkms.cryptoKeys.get", lambda r: r.name),
        "CreateCryptoKeyVersion": Method(
            service.CreateCryptoKeyVersionRequest, "cloudkms.cryptoKeyVersions.create", lambda r: r.parent
        ),
        "UpdateCryptoKeyVersion": Method(
            service.UpdateCryptoKeyVersionRequest,
            "cloudkms.cryptoKeyVersions.update",
            lambda r: r.crypto_key_version.name,
        ),
        "UpdateCryptoKeyPrimaryVersion": Method(
            service.UpdateCryptoKeyPrimaryVersionRequest, "cloudkms.cryptoKeys.update", lambda r: r.name
        ),
        "DestroyCryptoKeyVersion": Method(
            service.DestroyCryptoKeyVersionRequest, "cloudkms.cryptoKeyVersions.destroy", lambda r: r.name
        ),
        "Encrypt": Method(service.EncryptRequest, "cloudkms.cryptoKeyVersions.useToEncrypt", lambda r: r.name),
        "Decrypt": Method(service.DecryptRequest, "cloudkms.cryptoKeyVersions.useToDecrypt", lambda r: r.name),
    }

    def __init__(self) -> None:
        self._rings: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._versions: dict[str, _Version] = {}

    def CreateKeyRing(self, request: Any) -> Any:
        name = f"{request.parent}/keyRings/{_checked(request.key_ring_id)}"
        if name in self._rings:
            raise Refused(Code.ALREADY_EXISTS, f"KeyRing {name} already exists.")
        self._rings[name] = resources.KeyRing(name=name)
        return self._rings[name]

    def CreateCryptoKey(self, request: Any) -> Any:
        name = f"{request.parent}/cryptoKeys/{_checked(request.crypto_key_id)}"
        if request.parent not in self._rings:
            raise Refused(Code.NOT_FOUND, f"KeyRing {request.parent} not found.")
        if name in self._keys:
            raise Refused(Code.ALREADY_EXISTS, f"CryptoKey {name} already exists.")
        key = self._keys[name] = resources.CryptoKey(request.crypto_key)
        key.name = name
        if key.purpose == Purpose.ENCRYPT_DECRYPT:
            key.primary = self._new_version(name)
        return key

    def GetCryptoKey(self, request: Any) -> Any:
        return self._key(request.name)

    def CreateCryptoKeyVersion(self, request: Any) -> Any:
        return self._new_version(self._key(request.parent).name)

    def UpdateCryptoKeyPrimaryVersion(self, request: Any) -> Any:
        key = self._key(request.name)
        key.primary = self._version(f"{request.name}/cryptoKeyVersions/{request.crypto_key_version_id}").shown
        return key

    def UpdateCryptoKeyVersion(self, request: Any) -> Any:
        version = self._version(request.crypto_key_version.name).shown
        version.state = request.crypto_key_version.state
        return version

    def DestroyCryptoKeyVersion(self, request: Any) -> Any:
        version = self._version(request.name).shown
        version.state = State.DESTROY_SCHEDULED
        return version

    def Encrypt(self, request: Any) -> Any:
        is_plaintext_verified = check_checksum(request, "plaintext")
        is_bound_verified = check_checksum(request, "additional_authenticated_data")
        if max(len(request.plaintext), len(request.additional_authenticated_data)) > MAX_BYTES:
            raise Refused(Code.INVALID_ARGUMENT, "The plaintext or additional_authenticated_data is too long.")
        name, _slash, wanted = request.name.partition("/cryptoKeyVersions/")
        key = self._for_encryption(name)
        version = self._usable(request.name if wanted else key.primary.name)
        nonce, number = os.urandom(NONCE), int(version.shown.name.rpartition("/")[2])
        sealed = version.material.encrypt(nonce, request.plaintext, request.additional_authenticated_data or None)
        ciphertext = number.to_bytes(2, "big") + nonce + sealed
        return service.EncryptResponse(
            name=version.shown.name,
            ciphertext=ciphertext,
            ciphertext_crc32c=crc32c(ciphertext),
            verified_plaintext_crc32c=is_plaintext_verified,
            verified_additional_authenticated_data_crc32c=is_bound_verified,
            protection_level=resources.ProtectionLevel.SOFTWARE,
        )

    def Decrypt(self, request: Any) -> Any:
        check_checksum(request, "ciphertext")
        check_checksum(request, "additional_authenticated_data")
        key = self._for_encryption(request.name)
        failed = Refused(
            Code.INVALID_ARGUMENT, "Decryption failed: verify that 'name' refers to the correct CryptoKey."
        )
        name = f"{request.name}/cryptoKeyVersions/{int.from_bytes(request.ciphertext[:2], 'big')}"
        if name not in self._versions:
            raise failed
        version = self._usable(name)
        nonce, sealed = request.ciphertext[2 : 2 + NONCE], request.ciphertext[2 + NONCE :]
        try:
            plaintext = version.material.decrypt(nonce, sealed, request.additional_authenticated_data or None)
        except (InvalidTag, ValueError):
            raise failed from None
        return service.DecryptResponse(
            plaintext=plaintext,
            plaintext_crc32c=crc32c(plaintext),
            used_primary=key.primary.name == name,
            protection_level=resources.ProtectionLevel.SOFTWARE,
        )

    def _new_version(self, key: str) -> Any:
        number = 1 + sum(name.startswith(f"{key}/cryptoKeyVersions/") for name in self._versions)
        name = f"{key}/cryptoKeyVersions/{number}"
        shown = resources.CryptoKeyVersion(name=name, state=State.ENABLED)
        self._versions[name] = _Version(shown)
        return shown

    def _key(self, name: str) -> Any:
        if name not in self._keys:
            raise Refused(Code.NOT_FOUND, f"CryptoKey {name} not found.")
        return self._keys[name]

    def _for_encryption(self, name: str) -> Any:
        key = self._key(name)
        if key.purpose != Purpose.ENCRYPT_DECRYPT:
            text = f"The CryptoKey's purpose {key.purpose.name} does not allow this operation."
            raise Refused(Code.FAILED_PRECONDITION, text)
        return key

    def _version(self, name: str) -> _Version:
        if name not in self._versions:
            raise Refused(Code.NOT_FOUND, f"CryptoKeyVersion {name} not found.")
        return self._versions[name]

    def _usable(self, name: str) -> _Version:
        version = self._version(name)
        if version.shown.state != State.ENABLED:
            text = f"{name} is not enabled, current state is: {version.shown.state.name}."
            raise Refused(Code.FAILED_PRECONDITION, text)
        return version


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", name):
        raise Refused(Code.INVALID_ARGUMENT, f"{name} is not a valid ID.")
    return name
