#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_file
short_description: Manage file secrets
version_added: 0.1.0
description:
  - Creates, updates and removes secrets that are files, text or binary, in the account, an organization or a project.
  - A new secret goes to O(secret_manager), or else to the default secret manager of its scope, and stays there.
  - Every change of the content makes a new version. Read an older one with C(@N) in the reference, as long as the
    secret manager keeps it.
  - With O(reference), the secret is a name for one that a secret manager already has.
  - The module never returns the content. It detects a change with a keyed fingerprint, without decrypting the stored
    content. Content that another secret manager keeps is read there and compared.
options:
  src:
    description:
      - The path of a file on the control node, 10 MiB at most.
      - A relative path is looked up in C(files/) of the role or beside the playbook, as in M(ansible.builtin.copy).
      - A file encrypted with ansible-vault is decrypted in memory.
    type: path
  content:
    description:
      - The content as text. Dictionaries and lists are stored as JSON with sorted keys, dates and times in ISO 8601.
        Put booleans and numbers in quotes.
    type: raw
  content_b64:
    description: The content in base64, for binary files.
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.secret
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.credential.generate_key
seealso:
  - module: scoped.secrets.secret_text
  - module: scoped.secrets.secret_info
  - plugin: scoped.secrets.secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Declare an organization
  scoped.secrets.scope:
    org: payments

- name: Store text as a file
  scoped.secrets.secret_file:
    org: payments
    identifier: client_config
    content: |
      [client]
      token = abc

- name: Store a binary file
  scoped.secrets.secret_file:
    org: payments
    identifier: keystore
    content_b64: "{{ 'any bytes' | b64encode }}"

- name: Store a file from the control node
  scoped.secrets.secret_file:
    org: payments
    identifier: hosts_file
    src: /etc/hosts

- name: Generate an SSH key pair once
  scoped.secrets.secret_file:
    org: payments
    identifier: deploy_key
    generate:
      type: ed25519
      comment: deploy@payments
  register: key_pair

- name: Show the line for authorized_keys
  ansible.builtin.debug:
    msg: "{{ key_pair.secret.public_key }}"

- name: Remove a file secret with all its versions
  scoped.secrets.secret_file:
    org: payments
    identifier: keystore
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The secret, without its content. In check mode, as it would be. With O(state=absent), as it was before it was
      removed.
  returned: success
  type: dict
  sample:
    identifier: keystore
    org: payments
    project: ""
    kind: file
    name: keystore
    description: ""
    tags: {}
    expires: ""
    secret_manager: builtin
    reference: org.keystore
    version: 1
    fingerprint: 5f1d0c9a7be2f3a4
    size: 2048
    shared_with: []
    used_by: []
    created_at: "2026-11-23T19:07:00Z"
    updated_at: "2026-11-23T19:07:00Z"
"""

from ..module_utils.face.credentials import GENERATE_KEY_SPEC
from ..module_utils.face.module import run_module
from ..module_utils.face.spec import DESCRIPTION_SPEC, SECRET_SPEC, STATE_SPEC, Spec

SPEC = Spec(
    "secret_file",
    {
        **DESCRIPTION_SPEC,
        **SECRET_SPEC,
        **STATE_SPEC,
        "src": {"type": "path"},
        "content": {"type": "raw", "no_log": True},
        "content_b64": {"type": "str", "no_log": True},
        "generate": GENERATE_KEY_SPEC,
    },
    mutually_exclusive=[
        ["src", "content", "content_b64", "generate", "reference"],
        ["adopt", "reference"],
        ["drop_fields", "reference"],
    ],
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
