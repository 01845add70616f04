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
  - Declares a secret manager whose values are kept in the store, each encrypted with a key of its own, which a key of
    AWS KMS wraps. Nobody opens a value without AWS, and AWS never sees one.
  - An alias is looked up once. When it leads to another key later, what this connector seals stays with the first one.
options:
  key_arn:
    description:
      - The KMS key, symmetric and for encryption, as its ARN, its id or an alias (C(alias/NAME), or its ARN).
      - Give this or O(key_arn_ref). It can't change while the connector keeps secrets.
    type: str
  key_arn_ref:
    description: A reference to a secret with O(key_arn).
    type: str
  data_key_reuse:
    description:
      - V(none) has KMS wrap the key of each version of a secret, so that AWS's own log shows each use.
      - V(run) has it wrap one key for all that a run writes, and a number one key for so many versions. Reading a
        thousand secrets which one run wrote then takes one request.
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
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Seal the values of a project with a KMS key, and make that the default for its new secrets
  scoped.secrets.connector_aws_kms:
    org: payments
    project: api
    identifier: kms
    key_arn: arn:aws:kms:eu-central-1:123456789012:alias/payments-api
    use_as_default: true

- name: Keep the secret half of an access key in the account
  scoped.secrets.secret_text:
    identifier: aws_secret_access_key
    value: "{{ lookup('ansible.builtin.env', 'PAYMENTS_AWS_KEY') }}"

- name: Log in with that key, and assume a role with it
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
  description: The connector, without its credentials; what it was when it was removed.
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
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.aws.kms import AwsKms

SPEC = connector_spec(AwsKms)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
