#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_ssh
short_description: Declare an SSH credential
version_added: 0.1.0
description:
  - Declares what one logs in with at hosts by SSH, in the account, an organization or a project - a key, a password, or
    a Kerberos principal.
  - It refers to the secrets that it is made of, or keeps what is given itself as secrets of its own in the default
    secret manager of its scope.
  - Hosts use it with one variable, C(ansible_ssh_credential), and the connection P(scoped.secrets.ssh#connection).
    Templates get it as a dictionary from the lookup.
  - A key is opened before it is saved, so that one that can't be used is refused at once. Every PEM form is taken, and
    handed out in OpenSSH's.
options:
  auth_scheme:
    description: How to log in. What is given tells it when left out.
    type: str
    choices: [ssh_key, password, kerberos]
  private_key:
    description: The private key itself. It is kept as a secret named C(<identifier>_private_key).
    type: str
  private_key_ref:
    description: A reference to a file or text secret of this or a higher scope that is a private key.
    type: str
  private_key_path:
    description: The path of a private key on the control node, read whenever it is used.
    type: path
  passphrase:
    description:
      - The passphrase of the key itself. It is kept as a secret named C(<identifier>_passphrase).
      - In this module it is not the store's passphrase, which comes from E(SCOPED_SECRETS_PASSPHRASE) here.
    type: str
  passphrase_ref:
    description: A reference to a text secret with the passphrase of the key.
    type: str
  check_host:
    description:
      - Log in at this host before anything is saved, and do nothing there. What goes wrong is told apart, whether it is
        the network, the host's key, the user, the credential or the realm.
      - When nothing changes, nobody logs in.
    type: str
  check_host_key:
    description: Whether the key of O(check_host) must be known already.
    type: bool
    default: true
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.credential
  - scoped.secrets.credential.kerberos
  - scoped.secrets.credential.generate_key
seealso:
  - plugin: scoped.secrets.ssh
    plugin_type: connection
  - plugin: scoped.secrets.secret
    plugin_type: lookup
  - module: scoped.secrets.secret_winrm
  - module: scoped.secrets.secret_file
"""

EXAMPLES = r"""
- name: Declare an organization
  scoped.secrets.scope:
    org: payments

- name: Have a key pair made, once
  scoped.secrets.secret_ssh:
    org: payments
    identifier: deploy
    user: deploy
    generate:
      type: ed25519
  register: credential

- name: Show the line for authorized_keys
  ansible.builtin.debug:
    msg: "{{ credential.secret.public_key }}"

- name: Log in with a password that is a secret already
  scoped.secrets.secret_text:
    org: payments
    identifier: root_password
    value: correct horse

- name: Declare the credential
  scoped.secrets.secret_ssh:
    org: payments
    identifier: appliances
    user: root
    port: 2222
    password_ref: org.root_password

- name: Log in by Kerberos, with the ticket of whoever runs this
  scoped.secrets.secret_ssh:
    org: payments
    identifier: realm_hosts
    user: deploy
    principal: deploy
    realm: EXAMPLE.COM
    tgt: none

- name: Remove a credential and the key that was made for it
  scoped.secrets.secret_ssh:
    org: payments
    identifier: deploy
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The credential, without any value; in check mode as it would be, and what it was when it was removed.
  returned: success
  type: dict
  sample:
    identifier: deploy
    org: payments
    project: ""
    kind: ssh
    name: deploy
    description: ""
    tags: {}
    expires: ""
    secret_manager: builtin
    reference: org.deploy
    options:
      auth_scheme: ssh_key
      user: deploy
      private_key_ref: deploy_private_key
    public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5zcm9tZSBwdWJsaWMga2V5IGJ5dGVzIGhlcmUgMTIz deploy
    key_fingerprint: SHA256:7Qd0cXJ6eW1wYTJkNG5vdGFyZWFsZmluZ2VycHJpbnQ
    shared_with: []
    used_by: []
    created_at: "2026-11-24T19:07:00Z"
    updated_at: "2026-11-24T19:07:00Z"
"""

from ..module_utils.face.credentials import CREDENTIAL_SPEC, GENERATE_KEY_SPEC, KERBEROS_SPEC
from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "secret_ssh",
    {
        **CREDENTIAL_SPEC,
        **KERBEROS_SPEC,
        "auth_scheme": {"type": "str", "choices": ["ssh_key", "password", "kerberos"]},
        "private_key": {"type": "str", "no_log": True},
        "private_key_ref": {"type": "str", "no_log": False},
        "private_key_path": {"type": "path", "no_log": False},
        "passphrase": {"type": "str", "no_log": True},
        "passphrase_ref": {"type": "str", "no_log": False},
        "generate": GENERATE_KEY_SPEC,
        "check_host": {"type": "str"},
        "check_host_key": {"type": "bool", "default": True},
    },
    mutually_exclusive=[
        ["private_key", "private_key_ref", "private_key_path", "generate"],
        ["passphrase", "passphrase_ref"],
        ["password", "password_ref"],
        ["keytab_ref", "keytab_path"],
    ],
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
