# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules for host credentials share."""

from __future__ import annotations


class ModuleDocFragment:
    """Their specs are in module_utils/face/credentials.py."""

    DOCUMENTATION = r"""
options:
  identifier:
    description:
      - The name that references use. It can't be changed.
      - It starts with a letter or C(_). Letters, digits, C(_), C($) and C(-) can follow. At most 128 characters.
    type: str
    required: true
  update_value:
    description:
      - V(always) replaces the stored key, passphrase or password if the one that you pass directly differs.
      - V(on_create) sets it only once.
    type: str
    choices: [always, on_create]
    default: always
  expires:
    description:
      - The date or time from which the credential can no longer be used (ISO 8601, UTC unless it names a time zone).
      - An empty string means that it never expires.
    type: str
  secret_manager:
    description:
      - Where to store a key, passphrase or password that you pass directly, either a connector of the same scope or
        V(builtin). Defaults to the default secret manager of the scope.
    type: str
  user:
    description: The user to log in as.
    type: str
  port:
    description: The port of the service on the host. Defaults to the default port of the connection.
    type: int
  password:
    description: The password itself. It is stored as the secret C(<identifier>_password).
    type: str
  password_ref:
    description: A reference to a text secret of this or a higher scope with the password.
    type: str
"""

    KERBEROS = r"""
options:
  principal:
    description: The Kerberos principal, with or without C(@REALM).
    type: str
  realm:
    description: The Kerberos realm, if O(principal) does not name it.
    type: str
  tgt:
    description:
      - How to get a Kerberos ticket. If you leave it out, it follows from the other options.
      - A run gets one ticket for each principal, keeps it where only you can read it, and renews it in time.
    type: str
    choices:
      keytab: Use O(keytab_ref) or O(keytab_path).
      password: Use O(password) or O(password_ref).
      none: Get no ticket. Use the one of the user who runs ansible-playbook.
  keytab_ref:
    description: A reference to a file secret of this or a higher scope that is a keytab.
    type: str
  keytab_path:
    description:
      - The path of a keytab on the control node.
      - Once the key of the scope was handed out, it is not used with a higher key unless C(allowed_credentials) lists
        it.
    type: path
  krb5_config:
    description:
      - The path of a C(krb5.conf) on the control node to use instead of the system's. The file belongs to root or to
        the user who runs Ansible, and others can't write to it.
      - Once the key of the scope was handed out, it is not used with a higher key unless C(allowed_credentials) lists
        it.
    type: path
"""

    GENERATE_KEY = r"""
options:
  generate:
    description:
      - Generate a key pair if there is none yet. An existing key is left alone.
      - The public key is returned as C(secret.public_key).
    type: dict
    suboptions:
      type:
        description: The type of the key.
        type: str
        choices: [ed25519, rsa]
        default: ed25519
      bits:
        description: The size of an RSA key in bits. Defaults to 3072.
        type: int
      comment:
        description: The comment of the public key. In M(scoped.secrets.secret_ssh), it defaults to the identifier.
        type: str
"""
