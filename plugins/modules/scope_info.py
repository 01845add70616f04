#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: scope_info
short_description: List scopes and count what is in them
version_added: 0.1.0
description:
  - Shows the account, an organization or a project, with the number of things in it.
  - Returns an empty list if the scope does not exist.
options:
  recursive:
    description: Also show all scopes below it. Each one follows the scope that contains it.
    type: bool
    default: false
  verify:
    description:
      - Verify that every row of the scope is the one that was last written by someone with the scope's key.
      - The task fails if a row was edited, removed or rolled back to an older state in the database.
      - Reads every row.
    type: bool
    default: false
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.scope
"""

EXAMPLES = r"""
- name: List all organizations and projects
  scoped.secrets.scope_info:
    recursive: true
  register: result

- name: Verify that nobody has edited the store
  scoped.secrets.scope_info:
    recursive: true
    verify: true
"""

RETURN = r"""
scopes:
  description: The scopes, in the form that M(scoped.secrets.scope) returns.
  returned: success
  type: list
  elements: dict
  contains:
    key_handed_out:
      description:
        - Whether M(scoped.secrets.scope_key) has exported the scope's key. If so, commands of the scope's connectors
          run with a higher key only if they are allowed.
      type: bool
    revision:
      description: How often the scope, or something in it, was changed. Reading changes nothing.
      type: int
    restored_at:
      description: When the store was last restored from a backup, or an older state of it accepted. Empty for never.
      type: str
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "scope_info",
    {
        "recursive": {"type": "bool", "default": False},
        "verify": {"type": "bool", "default": False},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
