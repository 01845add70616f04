#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: scope
short_description: Declare an organization or a project
version_added: 0.1.0
description:
  - Declares the scopes that secrets and secret managers live in. The account is always there, organizations lie in the
    account, projects in an organization.
  - With O(org) the organization is meant, with O(project) as well the project, with neither the account itself.
  - Every scope has a key of its own, so what is in it can be opened only with that key or one above it.
options:
  builtin_manager:
    description:
      - Whether the built-in secret manager of the scope takes new secrets. What it keeps stays readable either way.
      - It can be switched off only where a connector is the default secret manager. A new scope does as its parent.
    type: str
    choices: [enabled, disabled]
  inherited_managers:
    description:
      - Whether organizations and projects may keep secrets in secret managers of a higher scope, named C(org.NAME) or
        C(account.NAME). Only for the account; V(forbidden) until it is set.
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
    description: All that has to do with money
    tags:
      cost_center: "4711"

- name: Declare a project in it
  scoped.secrets.scope:
    org: payments
    project: api

- name: Remove the project and all that is in it
  scoped.secrets.scope:
    org: payments
    project: api
    state: absent
    force: true
"""

RETURN = r"""
scope:
  description: The scope; in check mode as it would be, and what it was when it was removed.
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
