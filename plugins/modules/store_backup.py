#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_backup
short_description: Back up the store
version_added: 0.1.0
description:
  - Writes a consistent snapshot of the whole store to one encrypted file. M(scoped.secrets.store_restore) turns it into
    a store again, on any supported database.
  - Verifies the store while reading it, and makes no backup if rows were tampered with. Other runs can read and write
    the store meanwhile.
  - The backup opens with the root key of the store or with O(recovery_passphrase). It contains neither the root key nor
    the values that other secret managers keep.
  - If O(dest) already is a backup with the same content and keys, it is read to the end and left as it is.
options:
  dest:
    description:
      - The path of the file on the control node. Its folder must exist. A relative path starts in the playbook's
        folder.
      - The file is written atomically, with mode 0600. It replaces a backup of the same store, but no other file.
    type: path
    required: true
  recovery_passphrase:
    description:
      - A passphrase that also opens the backup, in case you lose the root key. At least 12 characters.
    type: str
  verify:
    description:
      - Whether to also decrypt every value that the built-in secret managers keep.
      - Even with V(false), every row is verified and the finished file is read back to the end.
    type: bool
    default: true
  force:
    description: Replace any file at O(dest).
    type: bool
    default: false
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.store_restore
  - module: scoped.secrets.store_info
"""

EXAMPLES = r"""
- name: Store a secret
  scoped.secrets.secret_text:
    identifier: db_password
    generate: {}

- name: Back up the store
  scoped.secrets.store_backup:
    dest: secrets.backup
    # Keep a copy of it elsewhere, and on paper.
    recovery_passphrase: "{{ lookup('ansible.builtin.password', 'recovery_passphrase.txt', length=30) }}"
"""

RETURN = r"""
backup:
  description: What the file contains. Its size, in bytes, is null in check mode.
  returned: success
  type: dict
  sample:
    path: /srv/backups/secrets.backup
    store_id: 6f5902ac-237a-4d2b-9a3f-0f1d7a9a3c53
    created_at: "2026-11-24T02:00:00Z"
    collection: 0.1.0
    schema_version: 1
    root_key_id: 5f1d0c9a7be2f3a4
    has_recovery_passphrase: true
    size: 73216
    scopes: 3
    connectors: 1
    secrets: 40
    versions: 61
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "store_backup",
    {
        "dest": {"type": "path", "required": True},
        "recovery_passphrase": {"type": "str", "no_log": True},
        "verify": {"type": "bool", "default": True},
        "force": {"type": "bool", "default": False},
    },
    paths=("dest",),
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
