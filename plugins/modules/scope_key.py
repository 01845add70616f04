#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: scope_key
short_description: Export the key of a scope
version_added: 0.1.0
description:
  - Writes the key of a scope to a file, or stores it as a text secret in another scope or secret manager. With
    O(scope_key_file) or O(scope_key), the key opens that scope and the scopes below it, and nothing else.
  - The result never contains the key.
  - Exporting requires the root key, or the key of the scope or of one above it.
  - Before the key leaves, the scope is marked for good, which M(scoped.secrets.scope_info) shows as C(key_handed_out).
    Programs and lookup plugins of its connectors, and of those below, then no longer run with a higher key, unless the
    setting C(allowed_commands) lists them.
  - Nothing changes if O(dest) or O(secret) already holds the key in force.
options:
  dest:
    description:
      - The path of the file on the control node. Its folder must exist. A relative path starts in the playbook's
        folder.
      - The file is written atomically, with mode 0600. It replaces an older key of the same scope, but no other file.
    type: path
  secret:
    description:
      - The text secret that stores the key. An existing secret gets a new version if its value differs.
      - The secret can't be sealed with the exported key itself, or with a key below it.
    type: dict
    suboptions:
      identifier:
        description: The identifier of the secret.
        type: str
        required: true
      org:
        description: The organization that the secret is in. Defaults to the account.
        type: str
      project:
        description: The project that the secret is in. Requires an organization.
        type: str
      secret_manager:
        description:
          - Where to keep a new secret, either a connector of its scope or V(builtin). Defaults to the default secret
            manager of its scope.
        type: str
      description:
        description: What the secret is for.
        type: str
      tags:
        description: Key-value pairs for the secret.
        type: dict
      adopt:
        description:
          - Take over a secret that is already at this place in the secret manager and was not made by this connector.
        type: bool
        default: false
  rotate:
    description:
      - First replace the key, as M(scoped.secrets.key_rotation) does, and then export the new one.
      - Keys that you exported before no longer open the scope as it is now.
      - Requires the root key, or the key of a scope above. Every run is a change.
    type: bool
    default: false
attributes:
  idempotent:
    support: partial
    details: O(rotate=true) makes a new key on every run.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.scope
  - module: scoped.secrets.key_rotation
  - module: scoped.secrets.secret_share
"""

EXAMPLES = r"""
- name: Declare the scopes of a team
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Export the key of the team's project to a file
  scoped.secrets.scope_key:
    org: payments
    project: api
    dest: payments-api.key

- name: Also store it as a secret of the organization
  scoped.secrets.scope_key:
    org: payments
    project: api
    secret:
      identifier: api_scope_key
      org: payments

- name: Replace a key that was exposed
  scoped.secrets.scope_key:
    org: payments
    project: api
    rotate: true
    dest: payments-api.key
"""

RETURN = r"""
scope_key:
  description: Which scope the key opens and where it was written. Never the key itself.
  returned: success
  type: dict
  sample:
    level: project
    org: payments
    project: api
    store_id: 6f5902ac-237a-4d2b-9a3f-0f1d7a9a3c53
    scope_id: 0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9
    generation: 1
    dest: /etc/ansible/payments-api.key
    mode: "0600"
  contains:
    secret:
      description: The secret that holds the key, in the form that M(scoped.secrets.secret_text) returns.
      returned: with O(secret)
      type: dict
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "scope_key",
    {
        "dest": {"type": "path"},
        "secret": {
            "type": "dict",
            "no_log": False,
            "options": {
                "identifier": {"type": "str", "required": True},
                "org": {"type": "str"},
                "project": {"type": "str"},
                "secret_manager": {"type": "str", "no_log": False},
                "description": {"type": "str"},
                "tags": {"type": "dict"},
                "adopt": {"type": "bool", "default": False},
            },
        },
        "rotate": {"type": "bool", "default": False},
    },
    mutually_exclusive=[["dest", "secret"]],
    paths=("dest",),
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
