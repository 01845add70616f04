#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: scope
short_description: Manage organizations and projects
version_added: 0.1.0
description:
  - Creates, updates and removes the scopes that hold secrets and secret managers. The account always exists. It
    contains organizations, and an organization contains projects.
  - O(org) selects an organization, and O(project) a project in it. With neither, the task is about the account itself.
  - Every scope has its own key. Only this key, or a key above it, opens what is in the scope, apart from secrets that
    you share.
options:
  builtin_manager:
    description:
      - Whether new secrets of the scope can go to its built-in secret manager. Secrets that are already there stay
        readable either way.
      - V(disabled) requires that a connector is the scope's default secret manager. A new scope starts with the setting
        of its parent.
    type: str
    choices: [enabled, disabled]
  inherited_managers:
    description:
      - Whether organizations and projects can keep secrets in the secret managers of a higher scope, which they name
        C(org.NAME) or C(account.NAME).
      - Can only be set for the account, where it is V(forbidden) until you allow it.
    type: str
    choices: [forbidden, allowed]
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.scope_info
  - module: scoped.secrets.secret_text
"""

EXAMPLES = r"""
- name: Declare an organization
  scoped.secrets.scope:
    org: payments
    name: Payments
    description: Everything that handles money
    tags:
      cost_center: "4711"

- name: Declare a project in it
  scoped.secrets.scope:
    org: payments
    project: api

- name: Remove the project and everything in it
  scoped.secrets.scope:
    org: payments
    project: api
    state: absent
    force: true
"""

RETURN = r"""
scope:
  description:
    - The scope. In check mode, as it would be. With O(state=absent), as it was before it was removed.
  returned: success
  type: dict
  sample:
    level: project
    org: payments
    project: api
    name: api
    description: ""
    tags: {}
    builtin_manager: enabled
    default_secret_manager: builtin
    key_handed_out: false
    connectors: 0
    secrets: 2
    created_at: "2026-11-23T19:07:00Z"
    updated_at: "2026-11-23T19:07:00Z"
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import DESCRIPTION_SPEC, STATE_SPEC, Spec

SPEC = Spec(
    "scope",
    {
        **DESCRIPTION_SPEC,
        **STATE_SPEC,
        "builtin_manager": {"type": "str", "choices": ["enabled", "disabled"]},
        "inherited_managers": {"type": "str", "choices": ["forbidden", "allowed"]},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
