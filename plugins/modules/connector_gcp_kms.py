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
  - Declares a secret manager whose values are kept in the store, each encrypted with a key of its own, which a key of
    Cloud KMS wraps. Nobody opens a value without Google, and Google never sees one.
  - What is sent and what comes back is verified with checksums, at both ends.
options:
  location:
    description:
      - The location of the key ring, such as V(europe-west3) or V(global).
      - Needed at creation. It can't change while the connector keeps secrets; nor can O(gcp_project), O(key_ring) and
        O(key).
    type: str
  key_ring:
    description: The name of the key ring. Needed at creation.
    type: str
  key:
    description:
      - The name of the key, symmetric and for encryption. Needed at creation.
      - Its primary version wraps; others stay needed for what they wrapped.
    type: str
  data_key_reuse:
    description:
      - V(none) has KMS wrap the key of each version of a secret, so that Google's own log shows each use.
      - V(run) has it wrap one key for all that a run writes, and a number one key for so many versions. Reading a
        thousand secrets which one run wrote then takes one request.
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
  - name: The page of this secret manager
    description: The least that its login needs, each login by example, limits, and what each error means.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/gcp_kms.md
"""

EXAMPLES = r"""
- name: An organization
  scoped.secrets.scope:
    org: payments

- name: A project of it
  scoped.secrets.scope:
    org: payments
    project: api

- name: Seal the values of a project with a KMS key, and make that the default for its new secrets
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

- name: Log in with the key of a service account, and ask KMS once a run
  scoped.secrets.connector_gcp_kms:
    org: payments
    identifier: kms
    location: europe-west3
    key_ring: payments
    key: shared
    credentials_json: "{{ lookup('ansible.builtin.env', 'PAYMENTS_GOOGLE_KEY') }}"
    data_key_reuse: run
    check: false # Google is not reached from here

- name: Remove it
  scoped.secrets.connector_gcp_kms:
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
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.gcp.kms import GcpKms

SPEC = connector_spec(GcpKms)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
