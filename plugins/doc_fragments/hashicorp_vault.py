# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of HashiCorp Vault and OpenBao. Their specs stand in module_utils/managers/hashicorp_vault*.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - The address of the server, such as V(https://vault.example.com:8200), or of a Vault Agent that adds its own
        token. Needed at creation.
      - It may change later, for a server that moved. Redirects of a standby to the active node are followed.
    type: str
  namespace:
    description:
      - The namespace, such as V(platform/payments). Logins take place in it too.
      - None when left out at creation. It can't change while the connector keeps secrets.
    type: str
  engine:
    description:
      - Where the key-value engine is mounted.
      - V(secret) when left out at creation. It can't change while the connector keeps secrets.
    type: str
  engine_version:
    description:
      - The version of the key-value engine. V(auto) finds it out, once, when the connector is checked.
      - V(auto) when left out at creation.
    type: str
    choices: [auto, "1", "2"]
  base_path:
    description:
      - The path within the engine below which new secrets are kept, each under its identifier. References of secrets
        that others wrote name the whole path within the engine.
      - None when left out at creation. It can't change while the connector keeps secrets.
    type: str
  read_only:
    description:
      - Never write or delete anything. Such a connector is for secrets with a C(reference), and its login needs the
        right to read only.
      - V(false) when left out at creation.
    type: bool
  delete:
    description:
      - What removing a secret does in an engine of version 2. V(soft) deletes the newest version, which
        C(vault kv undelete) brings back. V(destroy) removes all versions and the metadata, for good.
      - An engine of version 1 always deletes for good.
      - V(soft) when left out at creation.
    type: str
    choices: [soft, destroy]
  auth_method:
    description:
      - V(token) takes O(token). It is renewed if it can be, and never revoked.
      - V(approle) takes O(role_id) and O(secret_id).
      - V(jwt) takes O(role), and O(jwt) or O(token_file).
      - V(kubernetes) takes O(role) and the token of the pod's service account.
      - V(aws_iam) takes O(role), and AWS credentials that are given, or that the AWS libraries find by themselves.
      - V(cert) takes O(client_cert) and O(client_key).
      - V(userpass) takes O(username) and O(password).
      - V(agent) takes O(sink_path), or nothing when O(url) is the address of a Vault Agent that adds its own token; it
        must be named then.
      - Every login also takes O(client_cert) and O(client_key), for a server that asks all clients for a certificate.
      - The tokens of all but V(token) and V(agent) are revoked at the end of the run.
    type: str
    choices: [token, approle, jwt, kubernetes, aws_iam, cert, userpass, agent]
  mount:
    description:
      - Where the login is mounted, below C(auth/).
      - When left out, as the login is called, for V(aws_iam) V(aws).
    type: str
  role:
    description:
      - The role to log in to, for V(jwt), V(kubernetes) and V(aws_iam), and that of a certificate for V(cert), where it
        may be left out.
    type: str
  token:
    description:
      - A token. It is kept as the secret C(<identifier>_token).
      - Mutually exclusive with O(token_ref).
    type: str
  token_ref:
    description: A reference to a secret with O(token).
    type: str
  role_id:
    description: The id of an AppRole.
    type: str
  secret_id:
    description:
      - The secret id of an AppRole; left out for a role that asks for none. It is kept as the secret
        C(<identifier>_secret_id).
      - Mutually exclusive with O(secret_id_ref).
    type: str
  secret_id_ref:
    description: A reference to a secret with O(secret_id).
    type: str
  jwt:
    description:
      - A JSON Web Token. It is kept as the secret C(<identifier>_jwt).
      - Mutually exclusive with O(jwt_ref).
    type: str
  jwt_ref:
    description: A reference to a secret with O(jwt).
    type: str
  token_file:
    description:
      - The path of a file on the control node with a JSON Web Token, read at each login. It is taken before O(jwt).
    type: path
  service_account_token_path:
    description:
      - The path of the file with the token of the service account, read at each login.
      - C(/var/run/secrets/kubernetes.io/serviceaccount/token) when left out.
    type: path
  region:
    description:
      - The AWS region whose Security Token Service the server asks who one is. The global service when left out.
    type: str
  server_id_header:
    description: The value of the header C(X-Vault-AWS-IAM-Server-ID), for servers that ask for it.
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
    description: A reference to a secret with O(secret_access_key).
    type: str
  session_token:
    description:
      - The session token of a temporary access key. It is kept as the secret C(<identifier>_session_token).
      - Mutually exclusive with O(session_token_ref).
    type: str
  session_token_ref:
    description: A reference to a secret with O(session_token).
    type: str
  sink_path:
    description:
      - The path of the sink file of a Vault Agent on the control node, read at each login.
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
    description: A reference to a secret with O(password).
    type: str
"""
