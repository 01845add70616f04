#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: key_rotation
short_description: Rotate the keys that protect secrets
version_added: 0.1.0
description:
  - Rotates the root key of a store, the key of a scope, or the data keys that a key management service wraps. Other
    runs can read and write meanwhile. No value is decrypted or changed.
  - At the end, it counts the rows that still need an old key, and fails if there are any. The next rotation continues
    one that was interrupted.
  - Rotating the key of a scope is a change on every run, so don't put it into a playbook that you run often.
  - In check mode, it counts what a rotation would move, and changes nothing.
options:
  target:
    description:
      - V(scope) makes a new generation of a scope's key and moves everything in the scope to it. The old generation
        stays until you destroy it with O(destroy_generation).
      - V(root) seals the store to another root key. The old root key no longer opens anything in the store.
      - V(provider) re-wraps the data keys of a connector to AWS KMS or Google Cloud KMS with the newest version of its
        key. You can then disable older versions there, unless something else uses them.
    type: str
    choices: [scope, root, provider]
    required: true
  org:
    description: The organization whose key is rotated, or that the connector is in. Empty means the account.
  project:
    description: The project whose key is rotated, or that the connector is in. Empty means the organization itself.
  destroy_generation:
    description:
      - Destroy this generation of the scope's key instead of rotating the key. Old rows that are copied back into this
        store then no longer open.
      - The active generation, and one that rows still need, can't be destroyed.
    type: int
  new_root_key_file:
    description:
      - The file with the new root key on the control node. If it does not exist, it is created with a random key and
        mode 0600. An existing file is never overwritten. A relative path starts in the playbook's folder.
      - Set C(root_key_file) to this file afterwards.
    type: path
  new_root_key:
    description: The new root key itself, 32 random bytes in base64.
    type: str
  new_passphrase:
    description: A passphrase to derive the new root key from. At least 12 characters.
    type: str
  connector:
    description: The connector whose data keys are re-wrapped.
    type: str
  batch_size:
    description:
      - The number of secrets or keys to move in one transaction. Other writers wait for one transaction at most.
    type: int
    default: 500
attributes:
  idempotent:
    support: partial
    details:
      - V(target=scope) makes a new generation on every run. V(target=provider) re-wraps all data keys on every run if
        the provider does not name the version of its key.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.store_backup
  - module: scoped.secrets.connector_aws_kms
  - module: scoped.secrets.connector_gcp_kms
"""

EXAMPLES = r"""
- name: Declare a project
  scoped.secrets.scope:
    org: "{{ item.org }}"
    project: "{{ item.project }}"
  loop:
    - {org: payments, project: ""}
    - {org: payments, project: api}

- name: Store a secret in it
  scoped.secrets.secret_text:
    org: payments
    project: api
    identifier: db_password
    generate: {}
    update_value: on_create

- name: Rotate the project's key
  scoped.secrets.key_rotation:
    target: scope
    org: payments
    project: api
  register: project_key

- name: Destroy the generations that are no longer needed
  scoped.secrets.key_rotation:
    target: scope
    org: payments
    project: api
    destroy_generation: "{{ item.generation }}"
  loop: "{{ project_key.rotation.generations | selectattr('state', 'equalto', 'decrypt_only') }}"
  loop_control:
    label: "{{ item.generation }}"

- name: Seal the store to another root key
  scoped.secrets.key_rotation:
    target: root
    new_root_key_file: root-of-this-year.key
"""

RETURN = r"""
rotation:
  description:
    - What was done, with the proof that it is complete.
    - The counts are named C(versions), C(scope_keys) (of the scopes below), C(shares), C(fingerprint_keys),
      C(unfinished_changes), C(account_keys) and C(data_keys). Counts of 0 are left out.
  returned: success
  type: dict
  contains:
    target:
      description: What was rotated.
      type: str
    left:
      description: What still needs an old key. In check mode, what would be moved.
      type: dict
    left_total:
      description: The sum of RV(rotation.left). 0 after a rotation.
      type: int
    moved:
      description: What was moved to the new key.
      type: dict
    org:
      description: The organization. Empty for the account.
      type: str
    project:
      description: The project. Empty for an organization or the account.
      type: str
    generation:
      description: For a scope, the active generation of its key.
      type: int
    generations:
      description: For a scope, all generations of its key, newest first, with the number of rows that need each.
      type: list
      elements: dict
    resumed:
      description: For a scope, whether the task continued an earlier rotation instead of making a new generation.
      type: bool
    old_root_key_id:
      description: The public ID of the previous root key, empty for one from a passphrase.
      type: str
    root_key_id:
      description:
        - The public ID of the root key in force, empty for one from a passphrase.
        - In check mode, null if the key does not exist yet.
      type: str
    connector:
      description: The connector whose data keys were re-wrapped.
      type: str
    key_version:
      description: The provider's name for the key version that wraps the data keys now. Empty if it has none.
      type: str
  sample:
    target: scope
    org: payments
    project: api
    generation: 2
    generations:
      - {generation: 2, state: active, rows: 42}
      - {generation: 1, state: decrypt_only, rows: 0}
    resumed: false
    moved: {versions: 42}
    left: {}
    left_total: 0
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "key_rotation",
    {
        "target": {"type": "str", "choices": ["scope", "root", "provider"], "required": True},
        "destroy_generation": {"type": "int"},
        "new_root_key_file": {"type": "path", "no_log": False},
        "new_root_key": {"type": "str", "no_log": True},
        "new_passphrase": {"type": "str", "no_log": True},
        "connector": {"type": "str"},
        "batch_size": {"type": "int", "default": 500},
    },
    paths=("new_root_key_file",),
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
