#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: scope_info
short_description: Show a scope and what is in it
version_added: 0.1.0
description:
  - Shows the account, an organization or a project, with the number of things in it.
  - An unknown scope gives an empty list.
options:
  recursive:
    description: Show all scopes below it as well, each after the one that it lies in.
    type: bool
    default: false
  verify:
    description:
      - Prove that every row of the scope's secrets is the one that was written last, by somebody with its key.
      - Finds rows that were edited, removed, or put back to an older state in the database. It reads every row.
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
- name: Show all organizations and projects
  scoped.secrets.scope_info:
    recursive: true
  register: result

- name: Prove that nobody has edited the store
  scoped.secrets.scope_info:
    recursive: true
    verify: true
"""

RETURN = r"""
scopes:
  description: The scopes, as M(scoped.secrets.scope) returns them.
  returned: success
  type: list
  elements: dict
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
