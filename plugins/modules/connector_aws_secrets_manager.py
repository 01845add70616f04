#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_aws_secrets_manager
short_description: Declare AWS Secrets Manager as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager that keeps values in AWS Secrets Manager, in one account and region.
  - Secrets that it creates are named C(prefix/identifier) and have the tag C(scoped-secrets:owner). Secrets that others
    created can be read by reference; they are neither changed nor deleted.
options:
  prefix:
    description:
      - The start of the names of this connector's secrets. V(devops) results in C(devops/mysecret).
      - No prefix when left out at creation. It can't change while the connector keeps secrets.
    type: str
  kms_key_id:
    description:
      - The KMS key that AWS Secrets Manager encrypts this connector's secrets with, as its ARN, id or alias.
      - V(aws/secretsmanager), the account's AWS-managed key, when left out at creation.
    type: str
  recovery_window_days:
    description:
      - How many days AWS keeps a deleted secret, from 7 to 30. Declaring it again within that time restores it.
      - V(30) when left out at creation.
    type: int
  force_delete:
    description:
      - Delete secrets at once, without a recovery window.
      - V(false) when left out at creation.
    type: bool
  use_put_secret_value:
    description:
      - Write new versions with C(PutSecretValue), for logins without the permission C(secretsmanager:UpdateSecret). The
        KMS key and description of an existing secret then never change.
      - V(false) when left out at creation.
    type: bool
  replicas:
    description:
      - Regions to replicate this connector's secrets to. Regions are added when a value is written, and removed only
        with the secret.
      - None when left out at creation.
    type: list
    elements: str
author: The scoped.secrets contributors (@scoped)
requirements:
  - boto3>=1.34
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.aws
  - scoped.secrets.connector
  - scoped.secrets.connector.path_template
  - scoped.secrets.network.ca_cert_aws
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.connector_aws_kms
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The permissions that its login needs, an example of each login, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/aws_secrets_manager.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Keep the secrets of an organization in AWS, with the control node's own role
  scoped.secrets.connector_aws_secrets_manager:
    org: payments
    identifier: aws
    region: eu-central-1
    prefix: payments
    use_as_default: true

- name: Log in with an access key and assume a role of another account
  scoped.secrets.connector_aws_secrets_manager:
    org: payments
    project: api
    identifier: aws
    region: eu-central-1
    prefix: payments/api
    access_key_id: AKIAIOSFODNN7EXAMPLE
    secret_access_key: "{{ lookup('ansible.builtin.env', 'PAYMENTS_AWS_KEY') }}"
    role_arn: arn:aws:iam::123456789012:role/ansible-secrets
    external_id: payments
    recovery_window_days: 7

- name: Read what others keep in AWS, with a login that can't write
  scoped.secrets.connector_aws_secrets_manager:
    org: payments
    identifier: shared
    region: eu-central-1
    prefix: shared
    check: read

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_aws_secrets_manager:
    org: payments
    project: api
    identifier: aws
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
  returned: success
  type: dict
  sample:
    identifier: aws
    org: payments
    project: ""
    kind: aws_secrets_manager
    name: aws
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      region: eu-central-1
      prefix: payments
      recovery_window_days: 30
      auth_method: default
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      AWS answered secretsmanager:GetSecretValue for 'devops/scoped-secrets-check-UUID', which does not exist
    write: >-
      wrote, changed and removed 'devops/scoped-secrets-check-5f0c1f1e'
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.aws.secrets_manager import AwsSecretsManager

SPEC = connector_spec(AwsSecretsManager)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
