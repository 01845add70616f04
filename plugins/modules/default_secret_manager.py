#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: default_secret_manager
short_description: Choose where new secrets of a scope go
version_added: 0.1.0
description:
  - Sets the default secret manager of a scope. New secrets of the scope go there.
  - Existing secrets stay with their secret manager, where they are still read and updated.
options:
  secret_manager:
    description:
      - A connector of the same scope, or V(builtin) for the built-in secret manager.
      - If O(scoped.secrets.scope#module:inherited_managers=allowed) is set for the account, also a connector of a
        higher scope, as C(org.NAME) or C(account.NAME).
    type: str
    required: true
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.connector_info
"""

EXAMPLES = r"""
- name: Declare a secret manager without checking it yet
  scoped.secrets.connector_hashicorp_vault:
    identifier: vault
    url: https://vault.example.com:8200
    token: "{{ lookup('ansible.builtin.env', 'VAULT_TOKEN') | default('none yet', true) }}"
    check: false

- name: Make it the default for new secrets of the account
  scoped.secrets.default_secret_manager:
    secret_manager: vault

- name: Make the built-in secret manager the default again
  scoped.secrets.default_secret_manager:
    secret_manager: builtin
"""

RETURN = r"""
connector:
  description: The default secret manager, in the form that M(scoped.secrets.connector_info) returns.
  returned: success
  type: dict
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec("default_secret_manager", {"secret_manager": {"type": "str", "required": True, "no_log": False}})


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
