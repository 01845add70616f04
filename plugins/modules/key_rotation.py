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
  - Rotates the root key of a store, the key of a scope, or what a key management service wraps, while others read and
    write. No value is opened or changed.
  - It ends with a proof, which counts the rows that still need an old key; there are none, or it fails. A rotation that
    was cut off is gone on with by the next one.
  - Each rotation is a change, so a playbook that runs often is no place for it.
  - In check mode it counts what a rotation would move, and changes nothing.
options:
  target:
    description:
      - V(scope) makes a new generation of the key of a scope, and moves all of the scope to it. The old generation
        stays, though nothing needs it, until O(destroy_generation) says otherwise.
      - V(root) seals the store to another root key. The old one opens nothing in it any more.
      - V(provider) wraps the data keys of a connector to AWS KMS or Google Cloud KMS anew, with the newest version of
        its key, so that an older version may be disabled there.
    type: str
    choices: [scope, root, provider]
    required: true
  org:
    description: The organization whose key is rotated, or that has the connector. Left out or empty, it is the account.
  project:
    description: The project whose key is rotated, or that has the connector. Left out or empty, it is the organization.
  destroy_generation:
    description:
      - Destroy this generation of the scope's key instead of rotating it. Rows of before, put back into this store,
        can't be opened any more.
      - It is refused while any row needs it, and for the generation in use.
    type: int
  new_root_key_file:
    description:
      - A file on the control node with the new root key. One that does not exist is made, with mode 0600 and a random
        key; one that does is never written to. A relative path begins in the folder of the playbook.
      - Set C(root_key_file) to it from then on.
    type: path
  new_root_key:
    description: The new root key itself, as 32 random bytes in base64.
    type: str
  new_passphrase:
    description: A passphrase that the new root key comes of. At least 12 characters.
    type: str
  connector:
    description: The connector whose data keys are wrapped anew.
    type: str
  batch_size:
    description:
      - How many secrets, or keys, are moved in one transaction. Others wait no longer than one takes.
    type: int
    default: 500
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
- name: A project with a secret
  scoped.secrets.scope:
    org: "{{ item.org }}"
    project: "{{ item.project }}"
  loop:
    - {org: payments, project: ""}
    - {org: payments, project: api}

- name: Its secret
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

- name: Destroy the generations that nothing needs any more
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
    - What was done, and the proof. The names of counts are C(secrets), C(versions), C(connectors), C(scopes),
      C(scope_keys) (of the scopes below), C(fingerprint_keys), C(unfinished_changes), C(account_keys) and C(data_keys);
      those that are nought are left out.
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
      description: The sum of RV(rotation.left). After a rotation, 0.
      type: int
    moved:
      description: What was moved to the new key.
      type: dict
    org:
      description: The organization, empty for the account.
      type: str
    project:
      description: The project, empty for an organization or the account.
      type: str
    generation:
      description: Of a scope, the generation of its key that is in use.
      type: int
    generations:
      description: Of a scope, all generations of its key, the newest first, and how many rows need each.
      type: list
      elements: dict
    resumed:
      description: Of a scope, whether an earlier rotation was gone on with, and no new generation made.
      type: bool
    old_root_key_id:
      description: The public name of the root key before.
      type: str
    root_key_id:
      description: The public name of the root key that is in force. In check mode, null for one that is yet to be made.
      type: str
    connector:
      description: The connector whose data keys were wrapped anew.
      type: str
    key_version:
      description: What the provider calls the version of its key that wraps now; empty where it has no name for it.
      type: str
  sample:
    target: scope
    org: payments
    project: api
    generation: 2
    generations:
      - {generation: 2, state: active, rows: 83}
      - {generation: 1, state: decrypt_only, rows: 0}
    resumed: false
    moved: {scopes: 1, secrets: 40, versions: 42}
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
