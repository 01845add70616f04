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
  - Declares a secret manager that is a program of your own on the control node. It gets one JSON object for each thing
    that is asked of it, and answers with one.
  - The program says what it is able to do. What it is not able to do is refused with C(not_supported).
  - It runs without a shell, without a terminal and in C(/), as the user that runs ansible-playbook, and is killed when
    it takes too long or writes too much. What it writes to standard error is thrown away, for it may hold a value.
options:
  command:
    description:
      - The program and its arguments. The program is an absolute path, or a name that is found on E(PATH).
      - Other users of the machine may see arguments. A credential belongs in O(credential).
      - It must be given at creation. It can't change while the connector keeps secrets.
    type: list
    elements: str
  environment:
    description:
      - Variables for the program, besides E(PATH), E(HOME) and E(LANG), which are those of ansible-playbook. It gets no
        others.
      - They are kept and shown as they are. A credential belongs in O(credential).
      - None when left out at creation.
    type: dict
  max_output:
    description:
      - How many bytes one answer may have, from 1024 to 268435456.
      - V(8388608) when left out at creation, which is enough for the largest value of 1 MiB in any form.
    type: int
  auth_method:
    description:
      - How to log in. It may be left out.
      - V(none) gives the program no credential.
      - V(credential) takes O(credential).
    type: str
    choices: [none, credential]
  credential:
    description:
      - What the program logs in with, text of any form. It finds it in the JSON that it reads, never in its arguments
        or its environment. It is kept as the secret C(<identifier>_credential).
      - Mutually exclusive with O(credential_ref).
    type: str
  credential_ref:
    description: A reference to a secret with O(credential).
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.connector
  - scoped.secrets.network.program
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The page of this secret manager
    description: The protocol, a worked example, limits, and what each error means.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/custom.md
"""

EXAMPLES = r"""
- name: Declare the organization
  scoped.secrets.scope:
    org: payments

- name: Keep the key of a folder in the built-in secret manager
  scoped.secrets.secret_text:
    org: payments
    identifier: age_key
    value: "{{ lookup('ansible.builtin.env', 'PAYMENTS_AGE_KEY') }}"

- name: Keep secrets in a folder of files that age encrypts; not tried now, for this is declared from elsewhere
  scoped.secrets.connector_custom:
    org: payments
    identifier: age
    command: [/opt/ansible/age_folder.py, /srv/secrets/payments]
    credential_ref: age_key
    check: false

- name: Ask a program that needs no login, and may take its time; not tried now either
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
  description: The connector, without its credentials; what it was when it was removed.
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
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.custom.custom import Custom

SPEC = connector_spec(Custom)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
