#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_cyberark_ccp
short_description: Declare CyberArk's Central Credential Provider as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager that reads accounts out of the Safes of CyberArk's Vault, through its Central Credential
    Provider. It writes nothing.
  - A reference is a query for one account, as in C(Object=db-prod-root) or C(Safe=Linux;UserName=root;Address=db1). Its
    value is the account's C(Content), the password or key, unless the reference names another field, as in
    C(Object=db-prod-root#UserName).
author: The scoped.secrets contributors (@scoped)
notes:
  - O(timeout) is also sent to CyberArk, as its own C(ConnectionTimeout).
requirements:
  - requests>=2.32.3
  - urllib3>=2.2
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.cyberark_ccp
  - scoped.secrets.connector
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
  - scoped.secrets.network.client_certificate
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.secret_text
  - name: The page of this secret manager
    description: What CyberArk must allow, references, limits, and what each code of CyberArk means.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/cyberark_ccp.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Read accounts of a Safe, known by a client certificate
  scoped.secrets.connector_cyberark_ccp:
    org: payments
    project: api
    identifier: cyberark
    url: "{{ lookup('ansible.builtin.env', 'CCP_URL') }}"
    app_id: "{{ lookup('ansible.builtin.env', 'CCP_APP_ID') }}"
    safe: Payments
    client_cert: "{{ lookup('ansible.builtin.env', 'CCP_CLIENT_CERT') }}"
    client_key: "{{ lookup('ansible.builtin.env', 'CCP_CLIENT_KEY') }}"
    ca_cert: "{{ lookup('ansible.builtin.env', 'CCP_CA') }}"
    reason: deployment

- name: Give a name to the password of an account
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    secret_manager: cyberark
    reference: Object=db-prod-root

- name: Read it, and the user of the same account by a URL
  ansible.builtin.set_fact:
    database_user: "{{ lookup('scoped.secrets.secret', user_of_the_account, org='payments', project='api') }}"
    database_password: "{{ lookup('scoped.secrets.secret', 'db_password', org='payments', project='api') }}"
  vars:
    user_of_the_account: cyberark://cyberark/Object=db-prod-root#UserName
  no_log: true

- name: Be known by the address of this machine, without trying it now
  scoped.secrets.connector_cyberark_ccp:
    org: payments
    identifier: by_address
    url: https://ccp.example.com
    app_id: ansible
    fail_on_password_change: true
    check: false

- name: Remove it
  scoped.secrets.connector_cyberark_ccp:
    org: payments
    identifier: by_address
    state: absent
"""

RETURN = r"""
connector:
  description: The connector, without its credentials; what it was when it was removed.
  returned: success
  type: dict
  sample:
    identifier: cyberark
    org: payments
    project: api
    kind: cyberark_ccp
    name: cyberark
    description: ""
    tags: {}
    is_default: false
    secrets: 0
    options:
      url: https://ccp.example.com
      app_id: ansible
      safe: Payments
      web_service: AIMWebService
      auth_method: cert
      client_cert_ref: cyberark_client_cert
      client_key_ref: cyberark_client_key
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.cyberark.ccp import CyberarkCcp

SPEC = connector_spec(CyberarkCcp)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
