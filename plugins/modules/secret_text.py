#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_text
short_description: Declare a text secret
version_added: 0.1.0
description:
  - Declares a secret that is text, in the account, an organization or a project.
  - A new secret goes to the default secret manager of its scope, or to O(secret_manager), and stays there. Every new
    value is a new version; older versions stay readable with C(@N) in the reference, as far as the manager keeps them.
  - With O(reference) it is a name for a secret that a secret manager has already.
  - No value is ever returned. Whether one changed is told by a keyed fingerprint, without opening it.
options:
  value:
    description:
      - The value, 10 MiB at most. An empty string is a value. Numbers are kept as text, dictionaries and lists as JSON.
      - Its loop items are printed by Ansible unless C(loop_control.label) names something else, or C(no_log) is set.
    type: raw
  generate:
    description: Make a random value when the secret does not exist yet. One that exists is left alone.
    type: dict
    suboptions:
      kind:
        description: What to make.
        type: str
        choices: [password, hex, base64, uuid]
        default: password
      length:
        description:
          - The number of characters of a password, or of random bytes for V(hex) and V(base64). 4096 at most.
        type: int
        default: 32
      charset:
        description:
          - For a password, the sets of characters to draw from; at least one character of each set is in it.
          - Each is V(ascii_letters), V(ascii_lowercase), V(ascii_uppercase), V(digits), V(hexdigits), V(octdigits),
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

- name: Keep a password that is known already
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    value: correct horse battery staple

- name: Have a password made, once
  scoped.secrets.secret_text:
    org: payments
    identifier: session_key
    generate:
      length: 40
      charset: [ascii_letters, digits, "-_"]

- name: Keep several fields in one secret, each readable as db#user and db#password
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db
    value:
      user: api
      password: correct horse

- name: Keep a value in another secret manager than the default one
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
    - The secret, without its value; in check mode as it would be, and what it was when it was removed.
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
