# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the secret managers at AWS share. The specs stand in module_utils/managers/aws.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  region:
    description:
      - The region, such as V(eu-central-1).
      - "When left out at creation: E(AWS_REGION) or E(AWS_DEFAULT_REGION) in the environment, or the profile of the AWS
        configuration. What was found is kept with the connector."
    type: str
  endpoint_url:
    description:
      - The URL of the service, for a VPC endpoint or a stand-in. AWS's own address of the region when left out.
      - The addresses of other services, that of the Security Token Service for example, may be set as AWS has it, in
        E(AWS_ENDPOINT_URL_STS).
    type: str
  auth_method:
    description:
      - How to log in. It may be left out when the login options that are given belong to exactly one of these.
      - V(access_key) takes O(access_key_id), O(secret_access_key) and perhaps O(session_token). With O(role_arn) too,
        it assumes that role with them.
      - V(assume_role) takes O(role_arn), and assumes it with what the AWS libraries find by themselves.
      - V(web_identity) takes O(role_arn) and O(token_file).
      - V(default) takes what the AWS libraries find by themselves, where ansible-playbook runs, which is the
        environment, a profile, single sign-on, a container's or an instance's role, or that of a Kubernetes service
        account.
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
  role_arn:
    description: The ARN of a role to assume. Its temporary credentials are replaced before they expire.
    type: str
  external_id:
    description: The external id that the role's trust policy asks for.
    type: str
  duration:
    description:
      - How many seconds the role's credentials live, from 900 to 43200, and no more than the role allows. An hour when
        left out.
    type: int
  session_name:
    description: The name of the role's session, seen in AWS CloudTrail. V(scoped-secrets) when left out.
    type: str
  token_file:
    description:
      - The path of a file on the control node with a token (JWT) that the role trusts. It is read again whenever
        credentials are replaced.
    type: path
  profile:
    description: The profile of the AWS configuration of the control node to take.
    type: str
"""
