#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_gcp_secret_manager
short_description: Declare Google Secret Manager as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager that keeps values in Google Secret Manager, in one project.
  - Secrets that it creates are named C(prefix-identifier) and have the label C(scoped-secrets-owner). Secrets that
    others created can be read by reference; they are neither changed nor deleted.
options:
  prefix:
    description:
      - The start of the names of this connector's secrets. V(devops) results in C(devops-mysecret).
      - No prefix when left out at creation. It can't change while the connector keeps secrets.
    type: str
  locations:
    description:
      - The locations that store new secrets, such as V(europe-west3). Google chooses if it is empty or left out at
        creation.
      - The locations of an existing secret can't change.
    type: list
    elements: str
author: The scoped.secrets contributors (@scoped)
requirements:
  - google-cloud-secret-manager>=2.20
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
  - scoped.secrets.connector.path_template
  - scoped.secrets.network.ca_cert_gcp
  - scoped.secrets.network
  - scoped.secrets.network.plain_http
seealso:
  - module: scoped.secrets.connector_gcp_kms
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The permissions that its login needs, an example of each login, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/gcp_secret_manager.md
"""

EXAMPLES = r"""
- name: Declare the organization
  scoped.secrets.scope:
    org: payments

- name: Declare a project
  scoped.secrets.scope:
    org: payments
    project: api

- name: Keep the secrets of an organization in Google Secret Manager, with the control node's own login
  scoped.secrets.connector_gcp_secret_manager:
    org: payments
    identifier: google
    gcp_project: payments-prod
    prefix: payments
    endpoint: "{{ lookup('ansible.builtin.env', 'GOOGLE_ENDPOINT', default='secretmanager.googleapis.com') }}"
    use_as_default: true

- name: Log in with a service account's key, and keep values only in Europe
  scoped.secrets.connector_gcp_secret_manager:
    org: payments
    project: api
    identifier: google
    prefix: payments-api
    locations: [europe-west3, europe-west4]
    credentials_json: "{{ lookup('ansible.builtin.env', 'PAYMENTS_GOOGLE_KEY') }}"
    endpoint: "{{ lookup('ansible.builtin.env', 'GOOGLE_ENDPOINT', default='secretmanager.googleapis.com') }}"

- name: Log in with a pipeline's token, without checking it now
  scoped.secrets.connector_gcp_secret_manager:
    org: payments
    project: api
    identifier: pipeline
    gcp_project: payments-prod
    project_number: "123456789012"
    pool: pipelines
    provider: gitlab
    service_account_email: ansible@payments-prod.iam.gserviceaccount.com
    token_file: /run/secrets/google-token
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_gcp_secret_manager:
    org: payments
    project: api
    identifier: google
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
  returned: success
  type: dict
  sample:
    identifier: google
    org: payments
    project: ""
    kind: gcp_secret_manager
    name: google
    description: ""
    tags: {}
    is_default: true
    secrets: 0
    options:
      gcp_project: payments-prod
      prefix: payments
      locations: []
      auth_method: default
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      Google answered secretmanager.versions.access for 'devops-scoped-secrets-check-UUID', which does not exist
    write: >-
      wrote, changed and removed 'devops-scoped-secrets-check-5f0c1f1e'
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.gcp.secret_manager import GcpSecretManager

SPEC = connector_spec(GcpSecretManager)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
