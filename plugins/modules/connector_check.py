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
    and leaves nothing behind. RV(connector.proof) says how each right was proved.
  - Does not fail if the secret manager can't be reached or refuses the login, unless O(fail) is true.
    RV(connector.status) is the outcome.
options:
  identifier:
    description: The identifier of the connector.
    type: str
    required: true
  check:
    description:
      - V(read) proves that the connector can read, V(write) that it can write, too.
      - When left out, what the connector is for is proved. That is reading and writing, but only reading for one that
        is C(read_only) or of a kind that never writes.
      - HashiCorp Vault and CyberArk Conjur are asked for the rights of the login. At AWS Secrets Manager and Google
        Secret Manager, a secret whose name begins with C(scoped-secrets-check) is created, changed and removed at once,
        at most once in a run. One that a killed check leaves is removed by the next check.
      - At Azure Key Vault, what is removed stays for days unless it is purged. A secret is set there only with
        V(write), and only if the login can purge it. The page of each secret manager says more.
      - Nothing is written in check mode.
    type: str
    choices: [read, write]
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

- name: Stop unless it is proved that each of them can write
  scoped.secrets.connector_check:
    identifier: "{{ item.identifier }}"
    check: write
  loop: "{{ found.connectors | rejectattr('kind', 'eq', 'builtin') }}"
  loop_control:
    label: "{{ item.identifier }}"
  register: checked
  failed_when: checked.connector.proof.write is match('not proved')
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
    proof:
      description: How each right was proved. Begins with C(not proved) and says why if it was not.
      type: dict
      returned: success
      contains:
        read:
          description: How reading was proved.
          type: str
          returned: success
        write:
          description: How writing was proved.
          type: str
          returned: success
      sample:
        read: "sys/capabilities-self has read on 'secret/data/ansible/scoped-secrets-check'"
        write: "not proved: only reading was to be proved"
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "connector_check",
    {
        "identifier": {"type": "str", "required": True},
        "check": {"type": "str", "choices": ["read", "write"]},
        "fail": {"type": "bool", "default": False},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
