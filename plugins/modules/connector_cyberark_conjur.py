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
  - Declares a secret manager whose values are those of variables in CyberArk Conjur or Conjur Cloud.
  - A variable must be declared by a policy of Conjur before a secret can be kept in it, and only a policy removes one.
    What is missing is told together with the policy that makes it. Variables that others wrote can be read by
    reference; they are not changed.
author: The scoped.secrets contributors (@scoped)
requirements:
  - requests>=2.32.3
  - urllib3>=2.2
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.cyberark_conjur
  - scoped.secrets.connector
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The page of this secret manager
    description: The policy that its login needs, each login by example, limits, and what each error means.
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

- name: Keep a password in the variable apps/payments/db_password, which policy has declared
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    value: correct horse battery staple

- name: Log in to Conjur Cloud with the token of a pipeline, without trying it now
  scoped.secrets.connector_cyberark_conjur:
    org: payments
    identifier: cloud
    url: https://example.secretsmgr.cyberark.cloud
    account: conjur
    branch: data/payments
    service_id: pipelines
    token_file: /run/pipeline/token
    check: false

- name: Remove it
  scoped.secrets.connector_cyberark_conjur:
    org: payments
    identifier: cloud
    state: absent
"""

RETURN = r"""
connector:
  description: The connector, without its credentials; what it was when it was removed.
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
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.cyberark.conjur import CyberarkConjur

SPEC = connector_spec(CyberarkConjur)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
