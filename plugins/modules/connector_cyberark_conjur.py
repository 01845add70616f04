#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_cyberark_conjur
short_description: Declare CyberArk Conjur as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager that keeps values in variables of CyberArk Conjur or Conjur Cloud.
  - A Conjur policy must declare a variable before a secret can be kept in it, and only a policy can remove it. The
    error for a missing variable contains the policy that declares it. Variables that others wrote can be read by
    reference; they are not changed.
options:
  url:
    description:
      - The address of the server, such as V(https://conjur.example.com) or
        V(https://example.secretsmgr.cyberark.cloud).
      - The path prefix of Conjur Cloud, C(/api), is detected.
      - Required at creation.
    type: str
  account:
    description:
      - The account; in Conjur Cloud V(conjur).
      - Required at creation. It can't change while the connector keeps secrets.
    type: str
  branch:
    description:
      - The policy branch that contains the variables of new secrets, such as V(apps/payments), or V(data/payments) in
        Conjur Cloud. With it, the secret C(db_password) is the variable C(apps/payments/db_password).
      - The root of the account when left out at creation. It can't change while the connector keeps secrets.
    type: str
  auth_method:
    description:
      - How to log in. You can leave it out if the login options belong to only one login.
      - V(api_key) takes O(login) and O(api_key).
      - V(password) takes O(login) and O(password).
      - V(jwt) takes O(service_id), and O(jwt) or O(token_file). It also takes O(host_id) if the token does not identify
        the host.
    type: str
    choices: [api_key, password, jwt]
  login:
    description: The host, such as V(host/apps/payments/ansible), or the user to log in as.
    type: str
  api_key:
    description:
      - The API key of O(login). It is kept as the secret C(<identifier>_api_key).
      - Mutually exclusive with O(api_key_ref).
    type: str
  api_key_ref:
    description: A reference to a secret that holds O(api_key).
    type: str
  password:
    description:
      - The password of the user O(login). It is kept as the secret C(<identifier>_password).
      - Mutually exclusive with O(password_ref).
    type: str
  password_ref:
    description: A reference to a secret that holds O(password).
    type: str
  service_id:
    description: The name of the JWT authenticator in Conjur, such as C(pipelines) for C(conjur/authn-jwt/pipelines).
    type: str
  jwt:
    description:
      - A JSON Web Token that the authenticator trusts. It is kept as the secret C(<identifier>_jwt).
      - Mutually exclusive with O(jwt_ref).
    type: str
  jwt_ref:
    description: A reference to a secret that holds O(jwt).
    type: str
  token_file:
    description:
      - The path of a file on the control node that holds such a token. It is read at each login and takes precedence
        over O(jwt).
    type: path
  host_id:
    description:
      - The host to log in as, such as V(host/apps/payments/ansible), for an authenticator that does not take it from
        the token.
    type: str
author: The scoped.secrets contributors (@scoped)
requirements:
  - requests>=2.32.3
  - urllib3>=2.2
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.connector
  - scoped.secrets.connector.path_template
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The policy that its login needs, an example of each login, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/cyberark_conjur.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Keep the secrets of a project in Conjur, logged in as a host
  scoped.secrets.connector_cyberark_conjur:
    org: payments
    project: api
    identifier: conjur
    url: "{{ lookup('ansible.builtin.env', 'CONJUR_APPLIANCE_URL') }}"
    account: "{{ lookup('ansible.builtin.env', 'CONJUR_ACCOUNT') }}"
    ca_cert: "{{ lookup('ansible.builtin.env', 'CONJUR_CERT_FILE') }}"
    branch: apps/payments
    login: "{{ lookup('ansible.builtin.env', 'CONJUR_AUTHN_LOGIN') }}"
    api_key: "{{ lookup('ansible.builtin.env', 'CONJUR_AUTHN_API_KEY') }}"
    use_as_default: true

- name: Keep a password in the variable apps/payments/db_password, which a policy declares
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    value: correct horse battery staple

- name: Log in to Conjur Cloud with a pipeline's token, without checking it now
  scoped.secrets.connector_cyberark_conjur:
    org: payments
    identifier: cloud
    url: https://example.secretsmgr.cyberark.cloud
    account: conjur
    branch: data/payments
    service_id: pipelines
    token_file: /run/pipeline/token
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_cyberark_conjur:
    org: payments
    identifier: cloud
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
  returned: success
  type: dict
  sample:
    identifier: conjur
    org: payments
    project: api
    kind: cyberark_conjur
    name: conjur
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      url: https://conjur.example.com
      account: example
      branch: apps/payments
      auth_method: api_key
      login: host/apps/payments/ansible
      api_key_ref: conjur_api_key
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      Conjur permits execute on 'apps/payments/db_password'
    write: >-
      Conjur permits update on 'apps/payments/db_password'
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.cyberark.conjur import CyberarkConjur

SPEC = connector_spec(CyberarkConjur)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
