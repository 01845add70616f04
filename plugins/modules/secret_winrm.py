#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_winrm
short_description: Manage WinRM credentials
version_added: 0.1.0
description:
  - Creates, updates and removes credentials for logging in to Windows hosts, by NTLM or Kerberos, in the account, an
    organization or a project.
  - A credential refers to other secrets. A password that you pass directly becomes a secret of its own, in
    O(secret_manager) or else in the default secret manager of the scope.
  - The lookup returns the credential as a dictionary with the values for the options of the connections
    P(ansible.builtin.winrm#connection) and P(ansible.builtin.psrp#connection).
options:
  auth_scheme:
    description: How to log in. If you leave it out, it follows from the other options.
    type: str
    choices: [ntlm, kerberos]
  domain:
    description: The Windows domain of O(user), for NTLM.
    type: str
  use_tls:
    description: Whether to connect over HTTPS. If unset, this is V(true).
    type: bool
  skip_cert_check:
    description: Whether to accept a certificate that can't be verified. If unset, this is V(false).
    type: bool
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.credential
  - scoped.secrets.credential.kerberos
seealso:
  - plugin: scoped.secrets.secret
    plugin_type: lookup
  - module: scoped.secrets.secret_ssh
"""

EXAMPLES = r"""
- name: Declare an organization
  scoped.secrets.scope:
    org: payments

- name: Log in with a domain user and NTLM
  scoped.secrets.secret_winrm:
    org: payments
    identifier: windows
    domain: CORP
    user: deploy
    password: correct horse battery staple

- name: Use it for a host (in practice, in the group_vars of a group)
  ansible.builtin.set_fact:
    ansible_connection: winrm
    ansible_user: "{{ credential.user }}"
    ansible_password: "{{ credential.password }}"
    ansible_port: "{{ credential.port }}"
    ansible_winrm_scheme: "{{ credential.scheme }}"
    ansible_winrm_transport: "{{ credential.transport }}"
    ansible_winrm_server_cert_validation: "{{ credential.server_cert_validation }}"
  delegate_to: windows.example.com
  delegate_facts: true
  vars:
    credential: "{{ lookup('scoped.secrets.secret', 'windows', org='payments') }}"
  no_log: true

- name: Remove the credential and the password that was stored for it
  scoped.secrets.secret_winrm:
    org: payments
    identifier: windows
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
    identifier: windows
    org: payments
    project: ""
    kind: winrm
    name: windows
    description: ""
    tags: {}
    expires: ""
    secret_manager: builtin
    reference: org.windows
    options:
      auth_scheme: ntlm
      domain: CORP
      user: deploy
      password_ref: windows_password
    shared_with: []
    used_by: []
    created_at: "2026-11-24T19:07:00Z"
    updated_at: "2026-11-24T19:07:00Z"
"""

from ..module_utils.face.credentials import CREDENTIAL_SPEC, KERBEROS_SPEC
from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "secret_winrm",
    {
        **CREDENTIAL_SPEC,
        **KERBEROS_SPEC,
        "auth_scheme": {"type": "str", "choices": ["ntlm", "kerberos"]},
        "domain": {"type": "str"},
        "use_tls": {"type": "bool"},
        "skip_cert_check": {"type": "bool"},
    },
    mutually_exclusive=[
        ["password", "password_ref"],
        ["keytab_ref", "keytab_path"],
    ],
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
