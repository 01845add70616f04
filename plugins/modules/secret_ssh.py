#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_ssh
short_description: Manage SSH credentials
version_added: 0.1.0
description:
  - Creates, updates and removes credentials for logging in to hosts by SSH, in the account, an organization or a
    project. A credential uses a key, a password or a Kerberos principal.
  - A credential refers to other secrets. A key, passphrase or password that you pass directly becomes a secret of its
    own, in O(secret_manager) or else in the default secret manager of the scope.
  - To use a credential for a host, set the variable C(ansible_ssh_credential) and the connection
    P(scoped.secrets.ssh#connection). In templates, the lookup returns it as a dictionary.
  - A key is opened before it is saved, so an unusable one is refused at once. All PEM formats are accepted. Hosts and
    templates get the key in OpenSSH format.
options:
  auth_scheme:
    description: How to log in. If you leave it out, it follows from the other options.
    type: str
    choices: [ssh_key, password, kerberos]
  private_key:
    description: The private key itself. It is stored as the secret C(<identifier>_private_key).
    type: str
  private_key_ref:
    description: A reference to a file or text secret of this or a higher scope that is a private key.
    type: str
  private_key_path:
    description:
      - The path of a private key on the control node. The file is read whenever the key is used.
      - Once the key of the scope was handed out, it is not used with a higher key unless C(allowed_credentials) lists
        it.
    type: path
  passphrase:
    description:
      - The passphrase of the private key itself. It is stored as the secret C(<identifier>_passphrase).
      - This option replaces the store's passphrase of the same name, which you can only set with
        E(SCOPED_SECRETS_PASSPHRASE) in this module.
    type: str
  passphrase_ref:
    description: A reference to a text secret with the passphrase of the private key.
    type: str
  check_host:
    description:
      - Log in to this host before anything is saved, without doing anything there. The error tells you whether the
        network, the host key, the user, the credential or the realm is the problem.
      - Skipped if nothing changes, and in check mode.
    type: str
  check_host_key:
    description: Whether the host key of O(check_host) must already be known.
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

- name: Generate a key pair once
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

- name: Store a password as a secret
  scoped.secrets.secret_text:
    org: payments
    identifier: root_password
    value: correct horse

- name: Declare a credential that uses it
  scoped.secrets.secret_ssh:
    org: payments
    identifier: appliances
    user: root
    port: 2222
    password_ref: org.root_password

- name: Log in by Kerberos with the ticket of the user who runs the playbook
  scoped.secrets.secret_ssh:
    org: payments
    identifier: realm_hosts
    user: deploy
    principal: deploy
    realm: EXAMPLE.COM
    tgt: none

- name: Remove a credential and the key that was generated for it
  scoped.secrets.secret_ssh:
    org: payments
    identifier: deploy
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The credential, without any value. In check mode, as it would be. With O(state=absent), as it was before it was
      removed.
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
