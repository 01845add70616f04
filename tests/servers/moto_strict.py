# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's server, with what AWS checks and moto does not; run in place of `moto_server`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend
from moto.secretsmanager.models import SecretsManagerBackend
from moto.server import main

KEY_ID_LENGTH = 36


def error(code: str, message: str) -> JsonRESTError:
    """Return an AWS error, which comes with status 400."""
    made = JsonRESTError(code, message)
    made.code = 400
    return made


def check_usable(backend: KmsBackend, key_id: str) -> None:
    """Refuse a key that is disabled or about to be deleted."""
    key = backend.describe_key(key_id)
    if key.key_state == "PendingDeletion":
        raise error("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.key_state != "Enabled":
        raise error("DisabledException", f"{key.arn} is disabled.")


def guard_key(name: str) -> None:
    """Have a verb of KMS that names its key look at the key's state."""
    original: Callable[..., Any] = getattr(KmsBackend, name)

    def guarded(self: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
        check_usable(self, key_id)
        return original(self, key_id, *args, **kwargs)

    setattr(KmsBackend, name, guarded)


def guard_decrypt() -> None:
    """Have `decrypt` look at the state of the key that the ciphertext names."""
    original = KmsBackend.decrypt

    def guarded(self: KmsBackend, ciphertext_blob: bytes, *args: Any, **kwargs: Any) -> Any:
        key_id = ciphertext_blob[:KEY_ID_LENGTH].decode("ascii", "replace")
        if key_id not in self.keys:
            raise error("InvalidCiphertextException", "")
        check_usable(self, key_id)
        return original(self, ciphertext_blob, *args, **kwargs)

    KmsBackend.decrypt = guarded  # type: ignore[method-assign]


def guard_put() -> None:
    """Refuse a new value for a secret that is marked for deletion."""
    original = SecretsManagerBackend.put_secret_value

    def guarded(self: SecretsManagerBackend, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        secret = self.secrets.get(secret_id)
        if secret is not None and secret.is_deleted():
            message = "You can't perform this operation on the secret because it was marked for deletion."
            raise error("InvalidRequestException", message)
        return original(self, secret_id, *args, **kwargs)

    SecretsManagerBackend.put_secret_value = guarded  # type: ignore[method-assign]


if __name__ == "__main__":
    guard_key("encrypt")
    guard_key("generate_data_key")
    guard_decrypt()
    guard_put()
    main(sys.argv[1:])
