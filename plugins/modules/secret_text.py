#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_text
short_description: Manage text secrets
version_added: 0.1.0
description:
  - Creates, updates and removes secrets that are text, in the account, an organization or a project.
  - A new secret goes to O(secret_manager), or else to the default secret manager of its scope, and stays there.
  - Every change of the value makes a new version. Read an older one with C(@N) in the reference, as long as the secret
    manager keeps it.
  - With O(reference), the secret is a name for one that a secret manager already has.
  - The module never returns a value. It detects a change with a keyed fingerprint, without decrypting the stored value.
    A value that another secret manager keeps is read there and compared.
options:
  value:
    description:
      - The value, 10 MiB at most. It can be an empty string. Whole numbers are stored as text, dates and times in
        ISO 8601, dictionaries and lists as JSON with sorted keys.
      - Put everything in quotes that is not to be read as YAML. Booleans and numbers such as V(1.10) are refused
        without quotes, because they have several spellings; V(0123) and V(12:30:45) are other numbers in YAML.
      - Ansible prints each item of a loop. Loop over names instead of values, or set C(no_log). C(loop_control.label)
        does not hide an item that fails.
    type: raw
  generate:
    description: Generate a random value if the secret does not exist yet. An existing secret keeps its value.
    type: dict
    suboptions:
      kind:
        description: What to generate.
        type: str
        choices: [password, hex, base64, uuid]
        default: password
      length:
        description:
          - The number of characters of a password, or of random bytes for V(hex) and V(base64). At most 4096.
        type: int
        default: 32
      charset:
        description:
          - The sets of characters that a password is drawn from. It contains at least one character of each set.
          - Each set is V(ascii_letters), V(ascii_lowercase), V(ascii_uppercase), V(digits), V(hexdigits), V(octdigits),
            V(punctuation), or the characters themselves.
        type: list
        elements: str
        default: [ascii_letters, digits]
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.secret
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.secret_file
  - module: scoped.secrets.secret_info
  - plugin: scoped.secrets.secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Declare the scopes
  scoped.secrets.scope:
    org: payments
    project: "{{ item }}"
  loop: ["", api]

- name: Store a known password
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    value: correct horse battery staple

- name: Generate a password once
  scoped.secrets.secret_text:
    org: payments
    identifier: session_key
    generate:
      length: 40
      charset: [ascii_letters, digits, "-_"]

- name: Store several fields in one secret and read them as db#user and db#password
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db
    value:
      user: api
      password: correct horse

- name: Store a value in a secret manager other than the default
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: smtp_password
    value: battery staple
    secret_manager: builtin

- name: Remove a secret with all its versions
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The secret, without its value. In check mode, as it would be. With O(state=absent), as it was before it was
      removed.
  returned: success
  type: dict
  sample:
    identifier: db_password
    org: payments
    project: api
    kind: text
    name: db_password
    description: ""
    tags: {}
    expires: ""
    secret_manager: builtin
    reference: db_password
    version: 3
    fingerprint: 5f1d0c9a7be2f3a4
    size: 28
    shared_with: []
    used_by: []
    created_at: "2026-11-23T19:07:00Z"
    updated_at: "2026-11-23T19:07:00Z"
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import DESCRIPTION_SPEC, SECRET_SPEC, STATE_SPEC, Spec

SPEC = Spec(
    "secret_text",
    {
        **DESCRIPTION_SPEC,
        **SECRET_SPEC,
        **STATE_SPEC,
        "value": {"type": "raw", "no_log": True},
        "generate": {
            "type": "dict",
            "options": {
                "kind": {
                    "type": "str",
                    "choices": ["password", "hex", "base64", "uuid"],
                    "default": "password",
                },
                "length": {"type": "int", "default": 32},
                "charset": {"type": "list", "elements": "str", "default": ["ascii_letters", "digits"]},
            },
        },
    },
    mutually_exclusive=[["value", "generate", "reference"], ["adopt", "reference"]],
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
