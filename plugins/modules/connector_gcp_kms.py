#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_gcp_kms
short_description: Declare a secret manager that seals values with a key of Google Cloud KMS
version_added: 0.1.0
description:
  - Declares a secret manager that keeps values in the store, each encrypted with its own data key, which a key of Cloud
    KMS wraps. No value can be decrypted without Google, and Google never sees a value.
  - Checksums protect requests and replies at both ends.
options:
  location:
    description:
      - The location of the key ring, such as V(europe-west3) or V(global).
      - Required at creation. It can't change while the connector keeps secrets, nor can O(gcp_project), O(key_ring) and
        O(key).
    type: str
  key_ring:
    description: The name of the key ring. Required at creation.
    type: str
  key:
    description:
      - The name of the symmetric key for encryption. Required at creation.
      - Its primary version wraps data keys; older versions are still needed for what they wrapped.
    type: str
  data_key_reuse:
    description:
      - V(none) has KMS wrap the data key of each version of each secret, so that Google's log shows each use.
      - V(run) has KMS wrap one key for everything that a run writes. A number has it wrap one key for that many
        versions. Reading a thousand secrets written by one run then takes one request.
      - V(none) when left out at creation.
    type: str
author: The scoped.secrets contributors (@scoped)
requirements:
  - google-cloud-kms>=3.0
  - google-crc32c>=1.6
  - requests>=2.32.3
  - urllib3>=2.2
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.gcp
  - scoped.secrets.connector
  - scoped.secrets.network.ca_cert_gcp
  - scoped.secrets.network
  - scoped.secrets.network.plain_http
seealso:
  - module: scoped.secrets.connector_gcp_secret_manager
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The permissions that its login needs, an example of each login, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/gcp_kms.md
"""

EXAMPLES = r"""
- name: Declare the organization
  scoped.secrets.scope:
    org: payments

- name: Declare a project
  scoped.secrets.scope:
    org: payments
    project: api

- name: Seal the values of a project with a KMS key, by default
  scoped.secrets.connector_gcp_kms:
    org: payments
    project: api
    identifier: kms
    gcp_project: payments-prod
    location: europe-west3
    key_ring: payments
    key: api
    endpoint: "{{ lookup('ansible.builtin.env', 'GOOGLE_ENDPOINT', default='cloudkms.googleapis.com') }}"
    use_as_default: true

- name: Log in with a service account's key, and call KMS once per run, without checking it now
  scoped.secrets.connector_gcp_kms:
    org: payments
    identifier: kms
    location: europe-west3
    key_ring: payments
    key: shared
    credentials_json: "{{ lookup('ansible.builtin.env', 'PAYMENTS_GOOGLE_KEY') }}"
    data_key_reuse: run
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_gcp_kms:
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
    kind: gcp_kms
    name: kms
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      gcp_project: payments-prod
      location: europe-west3
      key_ring: payments
      key: api
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
from ..module_utils.managers.gcp.kms import GcpKms

SPEC = connector_spec(GcpKms)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
