#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_hashicorp_vault
short_description: Declare HashiCorp Vault or OpenBao as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager that keeps secrets in a key-value engine, version 1 or 2, of HashiCorp Vault or OpenBao.
    New secrets are written there, and existing secrets can be read by their path.
  - A run logs in once and reads each secret once, no matter how many hosts and tasks use it.
  - Secrets that this connector did not create are neither overwritten nor deleted.
options:
  url:
    description:
      - The address of the server, such as V(https://vault.example.com:8200), or of a Vault Agent that adds its own
        token. Required at creation.
      - It may change later, for a server that moved. Redirects from a standby to the active node are followed.
    type: str
  namespace:
    description:
      - The namespace, such as V(platform/payments). Logins happen in the same namespace.
      - None when left out at creation. It can't change while the connector keeps secrets.
    type: str
  engine:
    description:
      - The mount path of the key-value engine, without C(data) and without a path below it, which is O(base_path).
      - V(secret) when left out at creation. It can't change while the connector keeps secrets.
    type: str
  engine_version:
    description:
      - The version of the key-value engine. V(auto) detects it once, when the connector is checked.
      - V(auto) when left out at creation.
    type: str
    choices: [auto, "1", "2"]
  base_path:
    description:
      - The path within the engine under which new secrets are kept, each named by its identifier. References to
        secrets that others wrote contain the whole path within the engine.
      - None when left out at creation. It can't change while the connector keeps secrets.
    type: str
  read_only:
    description:
      - Never write or delete anything. Secrets of such a connector need a C(reference), and its login needs only read
        permission.
      - V(false) when left out at creation.
    type: bool
  delete:
    description:
      - What removing a secret does in an engine of version 2. V(soft) deletes the newest version, which
        C(vault kv undelete) restores. V(destroy) permanently removes all versions and the metadata.
      - An engine of version 1 always deletes permanently.
      - V(soft) when left out at creation.
    type: str
    choices: [soft, destroy]
  auth_method:
    description:
      - How to log in. You can leave it out if the login options belong to only one login.
      - V(token) takes O(token). It is renewed if possible and never revoked.
      - V(approle) takes O(role_id) and O(secret_id).
      - V(jwt) takes O(role), and O(jwt) or O(token_file).
      - V(kubernetes) takes O(role) and the token of the pod's service account.
      - V(aws_iam) takes O(role), and AWS credentials that are given or that the AWS libraries find.
      - V(cert) takes O(client_cert) and O(client_key).
      - V(userpass) takes O(username) and O(password).
      - V(agent) takes O(sink_path). Without it, O(url) must be the address of a Vault Agent that adds its own token,
        and you must set O(auth_method).
      - Every login also takes O(client_cert) and O(client_key), for servers that ask all clients for a certificate.
      - At the end of the run, the tokens of all logins except V(token) and V(agent) are revoked.
    type: str
    choices: [token, approle, jwt, kubernetes, aws_iam, cert, userpass, agent]
  mount:
    description:
      - The mount path of the login method, below C(auth/).
      - The name of the login when left out; for V(aws_iam), V(aws).
    type: str
  role:
    description:
      - The role to log in to with V(jwt), V(kubernetes) and V(aws_iam). For V(cert), the optional name of the
        certificate role.
    type: str
  token:
    description:
      - A token. It is kept as the secret C(<identifier>_token).
      - Mutually exclusive with O(token_ref).
    type: str
  token_ref:
    description: A reference to a secret that holds O(token).
    type: str
  role_id:
    description: The role id of an AppRole.
    type: str
  secret_id:
    description:
      - The secret id of an AppRole. Leave it out for a role that needs none. It is kept as the secret
        C(<identifier>_secret_id).
      - Mutually exclusive with O(secret_id_ref).
    type: str
  secret_id_ref:
    description: A reference to a secret that holds O(secret_id).
    type: str
  jwt:
    description:
      - A JSON Web Token. It is kept as the secret C(<identifier>_jwt).
      - Mutually exclusive with O(jwt_ref).
    type: str
  jwt_ref:
    description: A reference to a secret that holds O(jwt).
    type: str
  token_file:
    description:
      - The path of a file on the control node that holds a JSON Web Token. It is read at each login and takes
        precedence over O(jwt).
    type: path
  service_account_token_path:
    description:
      - The path of the file that holds the service account's token. It is read at each login.
      - C(/var/run/secrets/kubernetes.io/serviceaccount/token) when left out.
    type: path
  region:
    description:
      - The AWS region whose Security Token Service confirms the login. The global service when left out.
    type: str
  server_id_header:
    description: The value of the header C(X-Vault-AWS-IAM-Server-ID), for servers that require it.
    type: str
  access_key_id:
    description: The id of an AWS access key.
    type: str
  secret_access_key:
    description:
      - The secret of the access key. It is kept as the secret C(<identifier>_secret_access_key).
      - Mutually exclusive with O(secret_access_key_ref).
    type: str
  secret_access_key_ref:
    description: A reference to a secret that holds O(secret_access_key).
    type: str
  session_token:
    description:
      - The session token of a temporary access key. It is kept as the secret C(<identifier>_session_token).
      - Mutually exclusive with O(session_token_ref).
    type: str
  session_token_ref:
    description: A reference to a secret that holds O(session_token).
    type: str
  sink_path:
    description:
      - The path of a Vault Agent's sink file on the control node. It is read at each login.
    type: path
  username:
    description: The name of a user.
    type: str
  password:
    description:
      - The password of the user. It is kept as the secret C(<identifier>_password).
      - Mutually exclusive with O(password_ref).
    type: str
  password_ref:
    description: A reference to a secret that holds O(password).
    type: str
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
  - scoped.secrets.connector
  - scoped.secrets.connector.path_template
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
  - scoped.secrets.network.client_certificate
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The permissions that its login needs, an example of each login, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/hashicorp_vault.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Keep the secrets of a project in Vault, by default
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

- name: Read what others keep in a version 1 engine, using that token
  scoped.secrets.connector_hashicorp_vault:
    org: payments
    identifier: legacy
    url: "{{ lookup('ansible.builtin.env', 'VAULT_ADDR') }}"
    namespace: platform/payments
    engine: kv
    read_only: true
    token_ref: account.vault_token

- name: Log in as the service account of a pod, without checking it now
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
  description: The connector without its credentials. After a removal, its last state.
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
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      sys/capabilities-self has read on 'secret/data/ansible/scoped-secrets-check'
    write: >-
      not proved: only reading was to be proved
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.hashicorp_vault.vault import HashicorpVault

SPEC = connector_spec(HashicorpVault)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
