#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_info
short_description: List the secret managers of a scope
version_added: 0.1.0
description:
  - Lists the secret managers of exactly one scope, the built-in one first.
  - Shows which one is the default and how many secrets each of them keeps.
options:
  identifier:
    description: Show only this secret manager. Returns an empty list if it does not exist.
    type: str
  kind:
    description: Show only secret managers of this kind, for example V(builtin).
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.default_secret_manager
"""

EXAMPLES = r"""
- name: List the secret managers of the account
  scoped.secrets.connector_info:
  register: result

- name: Show the default one
  ansible.builtin.debug:
    msg: "{{ result.connectors | selectattr('is_default') | map(attribute='identifier') | first }}"
"""

RETURN = r"""
connectors:
  description: The secret managers.
  returned: success
  type: list
  elements: dict
  sample:
    - identifier: builtin
      kind: builtin
      name: Built-in secret manager
      description: ""
      tags: {}
      org: ""
      project: ""
      enabled: true
      is_default: true
      secrets: 3
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "connector_info",
    {
        "identifier": {"type": "str"},
        "kind": {"type": "str"},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
