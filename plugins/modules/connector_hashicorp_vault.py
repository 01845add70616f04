#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_hashicorp_vault
short_description: Declare a secret manager that keeps secrets in HashiCorp Vault or OpenBao
version_added: 0.1.0
description:
  - Declares a secret manager whose secrets are kept in a key-value engine, version 1 or 2, of HashiCorp Vault or
    OpenBao. New secrets are written there, and secrets that others wrote are referred to by their path.
  - A run logs in once, and reads each secret once, however many hosts and tasks use it.
  - What this connector did not make it neither overwrites nor deletes.
author: The scoped.secrets contributors (@scoped)
requirements:
  - hvac>=2.3
  - requests>=2.32.3
  - urllib3>=2.2
  - boto3>=1.34, for the login V(aws_iam)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.hashicorp_vault
  - scoped.secrets.connector
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
  - scoped.secrets.network.client_certificate
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The page of this secret manager
    description: The least that its login needs, each login by example, limits, and what each error means.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/hashicorp_vault.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Keep the secrets of a project in Vault, and make that the default for its new secrets
  scoped.secrets.connector_hashicorp_vault:
    org: payments
    project: api
    identifier: vault
    url: "{{ lookup('ansible.builtin.env', 'VAULT_ADDR') }}"
    base_path: payments/api
    role_id: "{{ lookup('ansible.builtin.env', 'VAULT_ROLE_ID') }}"
    secret_id: "{{ lookup('ansible.builtin.env', 'VAULT_SECRET_ID') }}"
    use_as_default: true

- name: Keep a token in the account
  scoped.secrets.secret_text:
    identifier: vault_token
    value: "{{ lookup('ansible.builtin.env', 'VAULT_TOKEN') }}"

- name: Read what others keep in an engine of version 1, with that token
  scoped.secrets.connector_hashicorp_vault:
    org: payments
    identifier: legacy
    url: "{{ lookup('ansible.builtin.env', 'VAULT_ADDR') }}"
    namespace: platform/payments
    engine: kv
    read_only: true
    token_ref: account.vault_token

- name: Log in as the service account of a pod; not tried now, for this is declared from elsewhere
  scoped.secrets.connector_hashicorp_vault:
    org: payments
    identifier: vault
    url: https://vault.example.com:8200
    ca_cert: /etc/ssl/certs/internal-ca.pem
    auth_method: kubernetes
    role: ansible
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_hashicorp_vault:
    org: payments
    identifier: legacy
    state: absent
"""

RETURN = r"""
connector:
  description: The connector, without its credentials; what it was when it was removed.
  returned: success
  type: dict
  sample:
    identifier: vault
    org: payments
    project: api
    kind: hashicorp_vault
    name: vault
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      url: https://vault.example.com:8200
      engine: secret
      engine_version: auto
      base_path: payments/api
      auth_method: approle
      role_id: 8fd2a3c1-5b1e-4a0e-9a52-0a5f0f6f3c11
      secret_id_ref: vault_secret_id
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.hashicorp_vault.vault import HashicorpVault

SPEC = connector_spec(HashicorpVault)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
