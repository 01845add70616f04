#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_check
short_description: Check that a secret manager can be used
version_added: 0.1.0
description:
  - Makes a new login with the connector and checks that it has the permissions that the connector needs. Reads no value
    and leaves nothing behind.
  - Does not fail if the secret manager can't be reached or refuses the login, unless O(fail) is true.
    RV(connector.status) is the outcome.
options:
  identifier:
    description: The identifier of the connector.
    type: str
    required: true
  fail:
    description: Whether the task fails if the connector can't be used, with the error that it would return.
    type: bool
    default: false
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.connector_info
"""

EXAMPLES = r"""
- name: List the secret managers of the account
  scoped.secrets.connector_info:
  register: found

- name: Check all but the built-in one
  scoped.secrets.connector_check:
    identifier: "{{ item.identifier }}"
    fail: true
  loop: "{{ found.connectors | rejectattr('kind', 'eq', 'builtin') }}"
  loop_control:
    label: "{{ item.identifier }}"
"""

RETURN = r"""
connector:
  description: The connector, in the form that M(scoped.secrets.connector_info) returns, with the outcome of the check.
  returned: success
  type: dict
  contains:
    status:
      description:
        - V(ready) if the connector can be used, V(unknown) if the secret manager can't be reached, V(error) if anything
          else is wrong.
      type: str
      returned: success
    code:
      description: The error code. Empty if there is no error.
      type: str
      returned: success
    message:
      description: What went wrong.
      type: str
      returned: success
    hint:
      description: What to do next.
      type: str
      returned: success
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "connector_check",
    {"identifier": {"type": "str", "required": True}, "fail": {"type": "bool", "default": False}},
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
