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
  - Declares a read-only secret manager for accounts in the Safes of CyberArk's Vault, which it reads through the
    Central Credential Provider.
  - A reference is a query for one account, such as C(Object=db-prod-root) or C(Safe=Linux;UserName=root;Address=db1).
    Its value is the account's C(Content), which is the password or key, unless the reference names another field, as in
    C(Object=db-prod-root#UserName).
options:
  url:
    description:
      - The address of the server, such as V(https://ccp.example.com), without the web service.
      - Required at creation.
    type: str
  app_id:
    description:
      - The id of the application in CyberArk.
      - Required at creation.
    type: str
  safe:
    description:
      - The Safe for references that name none. It can't change while the connector keeps secrets.
    type: str
  folder:
    description:
      - The folder for references that name none, such as V(Root). It can't change while the connector keeps secrets.
    type: str
  web_service:
    description:
      - The name of the web service on the server.
      - V(AIMWebService) when left out at creation.
    type: str
  reason:
    description: The reason for reading passwords, for CyberArk's audit log.
    type: str
  fail_on_password_change:
    description:
      - Fail while CyberArk is changing the requested password. Otherwise you get the current password, which may be
        outdated soon.
      - V(false) when left out at creation.
    type: bool
  auth_method:
    description:
      - How to log in. You can leave it out.
      - V(cert) takes O(client_cert) and O(client_key).
      - V(none) takes nothing, and CyberArk identifies the application by the address of the machine. It is used when no
        login option is given.
    type: str
    choices: [none, cert]
author: The scoped.secrets contributors (@scoped)
notes:
  - O(timeout) is also sent to CyberArk as its C(ConnectionTimeout).
requirements:
  - requests>=2.32.3
  - urllib3>=2.2
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.connector
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
  - scoped.secrets.network.client_certificate
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.secret_text
  - name: The guide to this secret manager
    description: What CyberArk must allow, references, limits, and the meaning of each CyberArk code.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/cyberark_ccp.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Read accounts of a Safe, identified by a client certificate
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

- name: Give the password of an account a name
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    secret_manager: cyberark
    reference: Object=db-prod-root

- name: Read it by its name, and the user of the same account by a URL
  ansible.builtin.set_fact:
    database_user: "{{ lookup('scoped.secrets.secret', user_of_the_account, org='payments', project='api') }}"
    database_password: "{{ lookup('scoped.secrets.secret', 'db_password', org='payments', project='api') }}"
  vars:
    user_of_the_account: cyberark://cyberark/Object=db-prod-root#UserName
  no_log: true

- name: Identify by the address of this machine, without checking it now
  scoped.secrets.connector_cyberark_ccp:
    org: payments
    identifier: by_address
    url: https://ccp.example.com
    app_id: ansible
    fail_on_password_change: true
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_cyberark_ccp:
    org: payments
    identifier: by_address
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
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
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      not proved: the application may log in; which Safes it may read shows when an account is read
    write: >-
      not proved: the connector only reads
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.cyberark.ccp import CyberarkCcp

SPEC = connector_spec(CyberarkCcp)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
