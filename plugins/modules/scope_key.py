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
  - Writes the key of an organization or project to a file, or keeps it as a text secret of another scope or secret
    manager. Whoever has it opens that scope and what lies below it with O(scope_key_file) or O(scope_key), and nothing
    else.
  - The key itself is never part of a result. It needs the root key, or the key of that scope or of one above it.
  - Where O(dest) or O(secret) has the key that is in force already, nothing changes.
options:
  dest:
    description:
      - The path of the file, on the control node, in a folder that exists. A relative one begins in the folder of the
        playbook.
      - It appears whole or not at all, with mode 0600. An older key of the same scope is replaced, other files are not.
    type: path
  secret:
    description:
      - The text secret that is to have the key. One that exists gets a new version where it has another value.
      - It can't be sealed with the very key that it has, or with one below that.
    type: dict
    suboptions:
      identifier:
        description: The identifier of the secret.
        type: str
        required: true
      org:
        description: The organization that the secret is in. The account if left out.
        type: str
      project:
        description: The project that the secret is in; needs an organization.
        type: str
      secret_manager:
        description: Where a new secret is kept, a connector of its scope or V(builtin). The default one if left out.
        type: str
      description:
        description: What it is for.
        type: str
      tags:
        description: Words with a value each.
        type: dict
      adopt:
        description: Take over a secret that is in the way at the secret manager and was not made by this connector.
        type: bool
        default: false
  rotate:
    description:
      - Replace the key first, as M(scoped.secrets.key_rotation) does, and export the new one. Keys that were exported
        before open nothing any more that is written or was moved since.
      - Each such task is a change. It needs the root key, or the key of a scope above.
    type: bool
    default: false
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

- name: Give the team the key of its project in a file
  scoped.secrets.scope_key:
    org: payments
    project: api
    dest: payments-api.key

- name: Keep it as a secret of the organization as well
  scoped.secrets.scope_key:
    org: payments
    project: api
    secret:
      identifier: api_scope_key
      org: payments

- name: Replace a key that somebody has seen
  scoped.secrets.scope_key:
    org: payments
    project: api
    rotate: true
    dest: payments-api.key
"""

RETURN = r"""
scope_key:
  description: What the key is of and where it is. Never the key.
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
      description: The secret that has the key, as M(scoped.secrets.secret_text) returns it.
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
