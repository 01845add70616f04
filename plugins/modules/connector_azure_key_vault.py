#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_azure_key_vault
short_description: Declare Azure Key Vault as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager whose values are kept as secrets of one Azure Key Vault.
  - What it writes bears the tag C(scoped-secrets-owner). Secrets that others made can be read by reference; they are
    neither changed nor deleted.
author: The scoped.secrets contributors (@scoped)
requirements:
  - azure-keyvault-secrets>=4.9
  - azure-identity>=1.18
  - requests>=2.32.3
  - urllib3>=2.2
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.azure_key_vault
  - scoped.secrets.connector
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The page of this secret manager
    description: The least that its login needs, each login by example, limits, and what each error means.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/azure_key_vault.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Keep the secrets of a project in Azure, logged in as an application
  scoped.secrets.connector_azure_key_vault:
    org: payments
    project: api
    identifier: azure
    vault_url: "{{ lookup('ansible.builtin.env', 'AZURE_VAULT_URL') }}"
    authority: "{{ lookup('ansible.builtin.env', 'AZURE_AUTHORITY_HOST') }}"
    ca_cert: "{{ lookup('ansible.builtin.env', 'AZURE_CA') }}"
    tenant_id: "{{ lookup('ansible.builtin.env', 'AZURE_TENANT_ID') }}"
    client_id: "{{ lookup('ansible.builtin.env', 'AZURE_CLIENT_ID') }}"
    client_secret: "{{ lookup('ansible.builtin.env', 'AZURE_CLIENT_SECRET') }}"
    use_as_default: true

- name: Keep a password in it
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    value: correct horse battery staple

- name: Log in as the virtual machine that ansible-playbook runs on, without trying it now
  scoped.secrets.connector_azure_key_vault:
    org: payments
    identifier: shared
    vault_name: payments-shared
    auth_method: managed_identity
    check: false

- name: Log in as the pod that ansible-playbook runs in, in another cloud
  scoped.secrets.connector_azure_key_vault:
    org: payments
    identifier: abroad
    vault_name: payments-abroad
    cloud: us_government
    auth_method: workload_identity
    purge: true
    check: false

- name: Remove it
  scoped.secrets.connector_azure_key_vault:
    org: payments
    identifier: shared
    state: absent
"""

RETURN = r"""
connector:
  description: The connector, without its credentials; what it was when it was removed.
  returned: success
  type: dict
  sample:
    identifier: azure
    org: payments
    project: api
    kind: azure_key_vault
    name: azure
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      vault_name: payments-prod
      cloud: public
      purge: false
      auth_method: client_secret
      tenant_id: 6f1c2f0e-1b7d-4a53-9a27-0c2f3ce0b1d4
      client_id: 8fd2a3c1-5b1e-4a0e-9a52-0a5f0f6f3c11
      client_secret_ref: azure_client_secret
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.azure.key_vault import AzureKeyVault

SPEC = connector_spec(AzureKeyVault)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
