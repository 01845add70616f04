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
  - Declares a secret manager that keeps values as secrets of one Azure Key Vault.
  - Secrets that it creates have the tag C(scoped-secrets-owner). Secrets that others created can be read by reference;
    they are neither changed nor deleted.
options:
  vault_name:
    description:
      - The name of the vault. O(cloud) determines the rest of its address.
      - Either this or O(vault_url) is required at creation. It can't change while the connector keeps secrets.
    type: str
  vault_url:
    description:
      - The address of the vault, such as V(https://payments-prod.vault.azure.net), if it can't be derived from its name
        and O(cloud).
      - It receives the tokens of this connector, whatever its host is.
      - It can't change while the connector keeps secrets.
    type: str
  cloud:
    description:
      - The cloud of the vault and of Microsoft Entra ID.
      - V(public) when left out at creation. It can't change while the connector keeps secrets.
    type: str
    choices: [public, us_government, china]
  purge:
    description:
      - Permanently remove deleted secrets at once. Otherwise they can be recovered for the vault's retention period,
        usually 90 days, and declaring a secret again recovers it.
      - Waiting for a deletion or a recovery takes at most three times O(timeout).
      - V(false) when left out at creation.
    type: bool
  authority:
    description:
      - The address of Microsoft Entra ID, or of its counterpart in a private cloud.
      - The authority of O(cloud) when left out.
    type: str
  auth_method:
    description:
      - How to log in. You can leave it out if the login options belong to only one login.
      - V(client_secret) takes O(tenant_id), O(client_id) and O(client_secret).
      - V(client_certificate) takes O(tenant_id), O(client_id) and O(client_certificate).
      - V(managed_identity) takes the O(client_id) of an identity that is assigned to the machine that runs
        ansible-playbook. Without it, the machine's own identity is used, and you must set O(auth_method).
      - V(workload_identity) takes O(tenant_id), O(client_id) and O(token_file). Missing ones come from the environment,
        as Azure Kubernetes Service sets it, and you must set O(auth_method) then.
      - V(default) uses what the Azure libraries find where ansible-playbook runs, which is the environment, a workload
        identity, or the login of C(az), C(azd) or Azure PowerShell. It never tries a managed identity. It is used when
        no login option is given.
    type: str
    choices: [client_secret, client_certificate, managed_identity, workload_identity, default]
  tenant_id:
    description: The id of the Microsoft Entra tenant, or its domain.
    type: str
  client_id:
    description: The id of the application or of the managed identity.
    type: str
  client_secret:
    description:
      - A client secret of the application. It is kept as the secret C(<identifier>_client_secret).
      - Mutually exclusive with O(client_secret_ref).
    type: str
  client_secret_ref:
    description: A reference to a secret that holds O(client_secret).
    type: str
  client_certificate:
    description:
      - A certificate of the application and its RSA key, without a passphrase, as PEM text or as the absolute path of a
        PEM file on the control node. The key is never written to a disk.
      - It is kept as the secret C(<identifier>_client_certificate).
      - Mutually exclusive with O(client_certificate_ref).
    type: str
  client_certificate_ref:
    description: A reference to a text or file secret that holds O(client_certificate).
    type: str
  token_file:
    description: The path of a file on the control node that holds a token trusted by the application.
    type: path
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
  - scoped.secrets.connector
  - scoped.secrets.connector.path_template
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The permissions that its login needs, an example of each login, limits, and errors.
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

- name: Log in as the virtual machine that runs ansible-playbook, without checking it now
  scoped.secrets.connector_azure_key_vault:
    org: payments
    identifier: shared
    vault_name: payments-shared
    auth_method: managed_identity
    check: false

- name: Log in as the pod that runs ansible-playbook, in another cloud, without checking it now
  scoped.secrets.connector_azure_key_vault:
    org: payments
    identifier: abroad
    vault_name: payments-abroad
    cloud: us_government
    auth_method: workload_identity
    purge: true
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_azure_key_vault:
    org: payments
    identifier: shared
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
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
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      Key Vault answered a get of 'scoped-secrets-check-UUID', which does not exist
    write: >-
      not proved: delete and recover are allowed; 'check: write' sets and purges a secret to prove set
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.azure.key_vault import AzureKeyVault

SPEC = connector_spec(AzureKeyVault)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
