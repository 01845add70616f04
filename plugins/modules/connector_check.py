# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_check
short_description: Prove that a secret manager can be used
version_added: 0.1.0
description:
  - Logs in anew as a connector does, and proves that its login may do what the connector is for. Reads no value and
    leaves nothing behind.
  - It does not fail when the secret manager says no. RV(connector.status) has the outcome.
options:
  identifier:
    description: The connector.
    type: str
    required: true
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.connector_info
"""

EXAMPLES = r"""
- name: See which secret managers the account has
  scoped.secrets.connector_info:
  register: found

- name: Check all but the built-in one
  scoped.secrets.connector_check:
    identifier: "{{ item.identifier }}"
  loop: "{{ found.connectors | rejectattr('kind', 'eq', 'builtin') }}"
  loop_control:
    label: "{{ item.identifier }}"
  register: checked
  failed_when: checked.connector.status != 'ready'
"""

RETURN = r"""
connector:
  description: The connector, as M(scoped.secrets.connector_info) lists it, with the outcome.
  returned: success
  type: dict
  contains:
    status:
      description:
        - V(ready) if it can be used, V(unknown) if the secret manager could not be reached, V(error) if it said no.
      type: str
      returned: success
    code:
      description: The code of the error, empty if there is none.
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

SPEC = Spec("connector_check", {"identifier": {"type": "str", "required": True}})


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
