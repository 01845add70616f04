# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of Azure Key Vault. Their specs stand in module_utils/managers/azure_key_vault*.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  vault_name:
    description:
      - The name of the vault; its address is that of O(cloud).
      - Either this or O(vault_url) is needed at creation. It can't change while the connector keeps secrets.
    type: str
  vault_url:
    description:
      - The address of the vault, such as V(https://payments-prod.vault.azure.net), for one whose address is another
        than its name and O(cloud) make it.
      - It gets the tokens of this connector, whatever host it names.
      - It can't change while the connector keeps secrets.
    type: str
  cloud:
    description:
      - The cloud that the vault and Microsoft Entra ID are in.
      - V(public) when left out at creation. It can't change while the connector keeps secrets.
    type: str
    choices: [public, us_government, china]
  purge:
    description:
      - Remove a deleted secret for good at once. Otherwise it can be recovered for as long as the vault is set to, 90
        days for most, and declaring it again recovers it.
      - Waiting for a deletion or a recovery takes three times O(timeout) at most.
      - V(false) when left out at creation.
    type: bool
  authority:
    description:
      - The address of Microsoft Entra ID, or of what stands in for it in a private cloud.
      - That of O(cloud) when left out.
    type: str
  auth_method:
    description:
      - V(client_secret) takes O(tenant_id), O(client_id) and O(client_secret).
      - V(client_certificate) takes O(tenant_id), O(client_id) and O(client_certificate).
      - V(managed_identity) takes O(client_id) of an identity that is assigned to the machine that ansible-playbook runs
        on, or nothing for the machine's own; it must be named then.
      - V(workload_identity) takes O(tenant_id), O(client_id) and O(token_file). What is left out is taken from the
        environment, as Azure Kubernetes Service sets it; it must be named then.
      - V(default) takes what the Azure libraries find by themselves, where ansible-playbook runs, which is the
        environment, a workload identity, or the login of C(az), C(azd) or Azure PowerShell. It never asks for a managed
        identity. It is taken when no login option is given.
    type: str
    choices: [client_secret, client_certificate, managed_identity, workload_identity, default]
  tenant_id:
    description: The id of the Microsoft Entra tenant, or its domain.
    type: str
  client_id:
    description: The id of the application, or of the managed identity.
    type: str
  client_secret:
    description:
      - A client secret of the application. It is kept as the secret C(<identifier>_client_secret).
      - Mutually exclusive with O(client_secret_ref).
    type: str
  client_secret_ref:
    description: A reference to a secret with O(client_secret).
    type: str
  client_certificate:
    description:
      - A certificate of the application and its RSA key, without a passphrase, as PEM text or as the absolute path of a
        PEM file on the control node. The key is never written to a disk.
      - It is kept as the secret C(<identifier>_client_certificate).
      - Mutually exclusive with O(client_certificate_ref).
    type: str
  client_certificate_ref:
    description: A reference to a secret, text or file, with O(client_certificate).
    type: str
  token_file:
    description: The path of a file on the control node with a token that the application trusts.
    type: path
"""
