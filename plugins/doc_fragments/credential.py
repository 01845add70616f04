# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that credentials for hosts share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of face/credentials.py."""

    DOCUMENTATION = r"""
options:
  identifier:
    description:
      - What references name it by. It never changes.
      - A letter or C(_), then letters, digits, C(_), C($) or C(-), 128 characters at most.
    type: str
    required: true
  update_value:
    description:
      - Whether a key, passphrase or password that is given itself replaces the one that is kept; V(on_create) sets it
        once.
    type: str
    choices: [always, on_create]
    default: always
  expires:
    description:
      - A date or time (ISO 8601, UTC where it names no zone) from which the credential can no longer be used.
      - An empty string means that it never expires.
    type: str
  secret_manager:
    description:
      - Where the secrets go that are made of what is given itself, a connector of the same scope or V(builtin). The
        scope's default one if left out.
    type: str
  user:
    description: The user to log in as.
    type: str
  port:
    description: The port of the host's service. What the connection takes when left out.
    type: int
  password:
    description: The password itself. It is kept as a secret named C(<identifier>_password).
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
    description: The Kerberos realm, where O(principal) does not name it.
    type: str
  tgt:
    description:
      - How a ticket is got. What is given tells it when left out.
      - A run gets one ticket for each principal, keeps it where nobody else can read it, and renews it in time.
    type: str
    choices:
      keytab: With O(keytab_ref) or O(keytab_path).
      password: With O(password) or O(password_ref).
      none: Not at all. The ticket of whoever runs ansible-playbook is used.
  keytab_ref:
    description: A reference to a file secret of this or a higher scope that is a keytab.
    type: str
  keytab_path:
    description: The path of a keytab on the control node.
    type: path
  krb5_config:
    description: The path of a C(krb5.conf) on the control node, in place of the system's.
    type: path
"""

    GENERATE_KEY = r"""
options:
  generate:
    description:
      - Make a key pair when there is none yet. A key that is there is left alone.
      - The public key is returned as C(secret.public_key).
    type: dict
    suboptions:
      type:
        description: What kind of key.
        type: str
        choices: [ed25519, rsa]
        default: ed25519
      bits:
        description: The size of an RSA key. 3072 when left out.
        type: int
      comment:
        description: The comment of the public key. The identifier when left out.
        type: str
"""
