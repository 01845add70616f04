#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_share
short_description: Share a secret with a scope below
version_added: 0.1.0
description:
  - Lets the key of an organization or project read one secret of a higher scope. The secret keeps its usual reference,
    C(account.NAME) or C(org.NAME), and nothing else of the higher scope becomes readable.
  - You only need shares for people who work with a scope key. The root key reads everything.
  - Shares the newest version, and each new version as it is written. Older versions are not shared.
  - Sharing requires the root key, or the key of the secret's scope or of one above it.
  - You can't share a secret that another secret manager keeps, or that a KMS seals.
options:
  identifier:
    description:
      - The secret to share. It is in the scope that O(org) and O(project) name, the account or an organization.
    type: str
    required: true
  to_org:
    description: The organization to share with, or the one that O(to_project) is in. Defaults to O(org).
    type: str
  to_project:
    description: The project to share with. Leave it out to share with the organization itself.
    type: str
  state:
    description:
      - V(present) shares the secret.
      - V(absent) revokes the share and seals all versions of the secret again. The value may have been read and copied
        before, so change it at its source as well.
    type: str
    choices: [present, absent]
    default: present
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.scope_key
  - module: scoped.secrets.secret_text
  - module: scoped.secrets.secret_info
"""

EXAMPLES = r"""
- name: Declare the scopes of a team
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Store a token for the whole organization
  scoped.secrets.secret_text:
    org: payments
    identifier: registry_token
    generate: {}

- name: Let the team of one project read it
  scoped.secrets.secret_share:
    org: payments
    identifier: registry_token
    to_project: api

- name: Revoke the share
  scoped.secrets.secret_share:
    org: payments
    identifier: registry_token
    to_project: api
    state: absent
"""

RETURN = r"""
share:
  description: What is shared, and with which scope. Null if the secret is not shared with that scope.
  returned: success
  type: dict
  sample:
    identifier: registry_token
    org: payments
    project: ""
    reference: org.registry_token
    to_org: payments
    to_project: api
    version: 1
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "secret_share",
    {
        "identifier": {"type": "str", "required": True},
        "to_org": {"type": "str"},
        "to_project": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
