#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_aws_kms
short_description: Declare a secret manager that seals values with a key of AWS KMS
version_added: 0.1.0
description:
  - Declares a secret manager that keeps values in the store, each encrypted with its own data key, which a key of AWS
    KMS wraps. No value can be decrypted without AWS, and AWS never sees a value.
  - An alias is resolved once. If it is later moved to another key, the connector keeps using the first one.
options:
  key_arn:
    description:
      - The symmetric KMS key for encryption, as its ARN, its id, or an alias (C(alias/NAME) or its ARN).
      - Either this or O(key_arn_ref) is required. It can't change while the connector keeps secrets.
    type: str
  key_arn_ref:
    description: A reference to a secret that holds O(key_arn).
    type: str
  data_key_reuse:
    description:
      - V(none) has KMS wrap the data key of each version of each secret, so that AWS's log shows each use.
      - V(run) has KMS wrap one key for everything that a run writes. A number has it wrap one key for that many
        versions. Reading a thousand secrets written by one run then takes one request.
      - V(none) when left out at creation.
    type: str
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
  - scoped.secrets.network.ca_cert_aws
  - scoped.secrets.network
  - scoped.secrets.network.validate_certs
  - scoped.secrets.network.plain_http
seealso:
  - module: scoped.secrets.connector_aws_secrets_manager
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The permissions that its login needs, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/aws_kms.md
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Seal the values of a project with a KMS key, by default
  scoped.secrets.connector_aws_kms:
    org: payments
    project: api
    identifier: kms
    key_arn: arn:aws:kms:eu-central-1:123456789012:alias/payments-api
    use_as_default: true

- name: Keep the secret of an access key in the account
  scoped.secrets.secret_text:
    identifier: aws_secret_access_key
    value: "{{ lookup('ansible.builtin.env', 'PAYMENTS_AWS_KEY') }}"

- name: Log in with that access key and assume a role
  scoped.secrets.connector_aws_kms:
    org: payments
    identifier: kms
    key_arn: alias/payments
    region: eu-central-1
    access_key_id: AKIAIOSFODNN7EXAMPLE
    secret_access_key_ref: account.aws_secret_access_key
    role_arn: arn:aws:iam::123456789012:role/ansible-secrets
    external_id: payments
    data_key_reuse: run

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_aws_kms:
    org: payments
    identifier: kms
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
  returned: success
  type: dict
  sample:
    identifier: kms
    org: payments
    project: api
    kind: aws_kms
    name: kms
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      key_arn: arn:aws:kms:eu-central-1:123456789012:alias/payments-api
      data_key_reuse: none
      auth_method: default
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      decrypted random bytes with the key
    write: >-
      encrypted random bytes with the key
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.aws.kms import AwsKms

SPEC = connector_spec(AwsKms)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
