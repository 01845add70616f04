# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the AWS kinds share, declared in module_utils/managers/aws/."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  region:
    description:
      - The region, such as V(eu-central-1).
      - When left out at creation, the region in E(AWS_REGION), E(AWS_DEFAULT_REGION) or the AWS profile. The connector
        keeps it.
    type: str
  endpoint_url:
    description:
      - The URL of the service, for a VPC endpoint or an AWS-compatible server. AWS's address for the region when left
        out.
      - The AWS libraries also take addresses of other services from the environment, such as that of the Security Token
        Service from E(AWS_ENDPOINT_URL_STS).
    type: str
  auth_method:
    description:
      - How to log in. You can leave it out if the login options belong to only one login.
      - V(access_key) takes O(access_key_id), O(secret_access_key) and optionally O(session_token). With O(role_arn),
        it then assumes that role.
      - V(assume_role) takes O(role_arn) and assumes it with an access key, or with the credentials that the AWS
        libraries find.
      - V(web_identity) takes O(role_arn) and O(token_file).
      - V(default) uses the credentials that the AWS libraries find where ansible-playbook runs, which come from the
        environment, a profile, single sign-on, the role of a container or an instance, or a Kubernetes service account.
    type: str
    choices: [access_key, assume_role, web_identity, default]
  access_key_id:
    description: The id of an access key.
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
  role_arn:
    description: The ARN of a role to assume. Its temporary credentials are renewed before they expire.
    type: str
  external_id:
    description: The external id that the role's trust policy requires.
    type: str
  duration:
    description:
      - How many seconds the role's credentials are valid, from 900 to 43200, up to the role's own maximum. 3600 when
        left out.
    type: int
  session_name:
    description: The name of the role's session in AWS CloudTrail. V(scoped-secrets) when left out.
    type: str
  token_file:
    description:
      - The path of a file on the control node that holds a token (JWT) trusted by the role. It is read again whenever
        the credentials are renewed.
    type: path
  profile:
    description: The profile to use from the control node's AWS configuration.
    type: str
"""
