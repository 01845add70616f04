# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the credential modules share, and those for generating a key pair."""

from __future__ import annotations

from typing import Any

from .spec import DESCRIPTION_SPEC, STATE_SPEC

__all__ = ["CREDENTIAL_SPEC", "GENERATE_KEY_SPEC", "KERBEROS_SPEC"]

# A reference is not secret, although its name may look like it.
_REFERENCE: dict[str, Any] = {"type": "str", "no_log": False}

CREDENTIAL_SPEC: dict[str, dict[str, Any]] = {
    "identifier": {"type": "str", "required": True},
    **DESCRIPTION_SPEC,
    **STATE_SPEC,
    "expires": {"type": "str"},
    "update_value": {"type": "str", "choices": ["always", "on_create"], "default": "always"},
    "secret_manager": {"type": "str", "no_log": False},
    "user": {"type": "str"},
    "port": {"type": "int"},
    "password": {"type": "str", "no_log": True},
    "password_ref": _REFERENCE,
}

KERBEROS_SPEC: dict[str, dict[str, Any]] = {
    "principal": {"type": "str"},
    "realm": {"type": "str"},
    "tgt": {"type": "str", "choices": ["keytab", "password", "none"]},
    "keytab_ref": _REFERENCE,
    "keytab_path": {"type": "path", "no_log": False},
    "krb5_config": {"type": "path"},
}

GENERATE_KEY_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        "type": {"type": "str", "choices": ["ed25519", "rsa"], "default": "ed25519"},
        "bits": {"type": "int"},
        "comment": {"type": "str"},
    },
}
