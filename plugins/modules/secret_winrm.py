#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_winrm
short_description: Declare a WinRM credential
version_added: 0.1.0
description:
  - Declares what one logs in with at Windows hosts, in the account, an organization or a project - NTLM or Kerberos.
  - It refers to the secrets that it is made of, or keeps what is given itself as secrets of its own in the default
    secret manager of its scope.
  - The lookup returns it as a dictionary whose fields are those that the connections
    P(ansible.builtin.winrm#connection) and P(ansible.builtin.psrp#connection) take.
options:
  auth_scheme:
    description: How to log in. What is given tells it when left out.
    type: str
    choices: [ntlm, kerberos]
  domain:
    description: The Windows domain of O(user), for NTLM.
    type: str
  use_tls:
    description: Whether to connect by HTTPS. V(true) when left out.
    type: bool
  skip_cert_check:
    description: Go on with a certificate that can't be verified. V(false) when left out.
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

- name: Use it for all hosts of a group (as group_vars would)
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

- name: Remove the credential and the password that was kept for it
  scoped.secrets.secret_winrm:
    org: payments
    identifier: windows
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The credential, without any value; in check mode as it would be, and what it was when it was removed.
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
