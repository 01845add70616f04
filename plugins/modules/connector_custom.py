#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_custom
short_description: Declare a program as a secret manager
version_added: 0.1.0
description:
  - Declares a program of your own on the control node as a secret manager. For each operation, it reads a JSON object
    and answers with another one.
  - The program reports which operations it supports. All others are refused with C(not_supported).
  - It runs without a shell and without a terminal, in C(/), as the user that runs ansible-playbook. It is killed if it
    takes too long or writes too much. Its standard error is discarded, because it may contain a value.
  - It does not run with a higher key than that of its scope once the scope's key was handed out, unless
    C(allowed_commands) lists it. That setting is read from C([scoped_secrets]) in C(ansible.cfg) or from
    E(SCOPED_SECRETS_ALLOWED_COMMANDS). O(check) runs the program too.
options:
  command:
    description:
      - The program and its arguments. The program is an absolute path, or a name that is found on E(PATH).
      - Other users of the machine may see the arguments. Put a credential into O(credential) instead.
      - Required at creation. It can't change while the connector keeps secrets.
    type: list
    elements: str
  environment:
    description:
      - Environment variables for the program. It also gets E(PATH), E(HOME) and E(LANG) of ansible-playbook, and no
        others.
      - They are stored and shown as they are. Put a credential into O(credential) instead.
      - Where C(allowed_commands) is set, it must list their names too.
      - None when left out at creation.
    type: dict
  max_output:
    description:
      - The largest size of an answer in bytes, from 1024 to 268435456.
      - V(8388608) when left out at creation, which is enough for a value of 1 MiB in any encoding.
    type: int
  auth_method:
    description:
      - How to log in. You can leave it out.
      - V(none) gives the program no credential.
      - V(credential) takes O(credential).
    type: str
    choices: [none, credential]
  credential:
    description:
      - Any text that the program logs in with. The program gets it in its JSON input, never as an argument or in its
        environment. It is kept as the secret C(<identifier>_credential).
      - Mutually exclusive with O(credential_ref).
    type: str
  credential_ref:
    description: A reference to a secret that holds O(credential).
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.connector
  - scoped.secrets.connector.path_template
  - scoped.secrets.network.program
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The guide to this secret manager
    description: The protocol, a complete example, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/custom.md
"""

EXAMPLES = r"""
- name: Declare the organization
  scoped.secrets.scope:
    org: payments

- name: Keep the age key in the built-in secret manager
  scoped.secrets.secret_text:
    org: payments
    identifier: age_key
    value: "{{ lookup('ansible.builtin.env', 'PAYMENTS_AGE_KEY') }}"

- name: Keep secrets in a folder of age-encrypted files, without checking it now
  scoped.secrets.connector_custom:
    org: payments
    identifier: age
    command: [/opt/ansible/age_folder.py, /srv/secrets/payments]
    credential_ref: age_key
    check: false

- name: Use a slow program that needs no login, without checking it now
  scoped.secrets.connector_custom:
    org: payments
    identifier: hsm
    command: [hsm-bridge, --slot, "3"]
    environment:
      HSM_MODULE: /usr/lib/hsm.so
    timeout: 120
    check: false

- name: Remove a secret manager that keeps no secrets
  scoped.secrets.connector_custom:
    org: payments
    identifier: hsm
    state: absent
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
  returned: success
  type: dict
  sample:
    identifier: age
    org: payments
    project: ""
    kind: custom
    name: age
    description: ""
    tags: {}
    is_default: false
    secrets: 3
    options:
      command: [/opt/ansible/age_folder.py, /srv/secrets/payments]
      environment: {}
      timeout: 30
      max_output: 8388608
      auth_method: credential
      credential_ref: age_key
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      the verb 'check' of its program succeeded
    write: >-
      not proved: its program has no verb for that
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.custom.custom import Custom

SPEC = connector_spec(Custom)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
