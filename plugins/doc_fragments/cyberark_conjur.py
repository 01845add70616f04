# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of CyberArk Conjur. Their specs stand in module_utils/managers/cyberark_conjur*.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - The address of the server, such as V(https://conjur.example.com) or
        V(https://example.secretsmgr.cyberark.cloud).
      - What Conjur Cloud puts before its paths, C(/api), is found out.
      - Needed at creation.
    type: str
  account:
    description:
      - The account; in Conjur Cloud V(conjur).
      - Needed at creation. It can't change while the connector keeps secrets.
    type: str
  branch:
    description:
      - The policy branch whose variables new secrets are, such as V(apps/payments), or V(data/payments) in Conjur
        Cloud. The secret C(db_password) is the variable C(apps/payments/db_password) then.
      - That of the account itself when left out at creation. It can't change while the connector keeps secrets.
    type: str
  auth_method:
    description:
      - V(api_key) takes O(login) and O(api_key).
      - V(password) takes O(login) and O(password).
      - V(jwt) takes O(service_id), O(jwt) or O(token_file), and O(host_id) where the token does not say which host it
        is.
    type: str
    choices: [api_key, password, jwt]
  login:
    description: The host, as in V(host/apps/payments/ansible), or the user who logs in.
    type: str
  api_key:
    description:
      - The API key of O(login). It is kept as the secret C(<identifier>_api_key).
      - Mutually exclusive with O(api_key_ref).
    type: str
  api_key_ref:
    description: A reference to a secret with O(api_key).
    type: str
  password:
    description:
      - The password of the user O(login). It is kept as the secret C(<identifier>_password).
      - Mutually exclusive with O(password_ref).
    type: str
  password_ref:
    description: A reference to a secret with O(password).
    type: str
  service_id:
    description: The name of the JWT authenticator in Conjur, which is C(pipelines) for C(conjur/authn-jwt/pipelines).
    type: str
  jwt:
    description:
      - A JSON Web Token that the authenticator trusts. It is kept as the secret C(<identifier>_jwt).
      - Mutually exclusive with O(jwt_ref).
    type: str
  jwt_ref:
    description: A reference to a secret with O(jwt).
    type: str
  token_file:
    description:
      - The path of a file on the control node with such a token, which is read at each login.
      - It wins over O(jwt).
    type: path
  host_id:
    description:
      - The host to log in as, such as V(host/apps/payments/ansible), for an authenticator that does not take it
        from the token.
    type: str
"""
