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
  - Writes the whole store, of one moment, to one encrypted file, which M(scoped.secrets.store_restore) makes a store of
    again, of whatever engine.
  - What is not as it was written last is found, and no backup is made of it. Others read and write the store meanwhile.
  - The file opens with the root key of the store, and with O(recovery_passphrase). What other secret managers have is
    not in it, nor is the root key.
  - A backup that is there already and holds just the same, sealed in the same way, is read to its end and left alone.
options:
  dest:
    description:
      - The path of the file, on the control node, in a folder that exists. A relative one begins in the folder of the
        playbook.
      - It appears whole or not at all, with mode 0600. A backup of the same store is replaced, other files are not.
    type: path
    required: true
  recovery_passphrase:
    description:
      - A passphrase that opens the file too, for the day when the root key is lost. At least 12 characters.
    type: str
  verify:
    description:
      - Open every value that the built-in secret managers keep.
      - Every row is proven to be the one that was written last, and the finished file is read to its end, in any case.
    type: bool
    default: true
  force:
    description: Replace whatever file is at O(dest).
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
- name: Declare something
  scoped.secrets.secret_text:
    identifier: db_password
    generate: {}

- name: Back it up
  scoped.secrets.store_backup:
    dest: secrets.backup
    # One that you keep elsewhere, on paper too.
    recovery_passphrase: "{{ lookup('ansible.builtin.password', 'recovery_passphrase.txt', length=30) }}"
"""

RETURN = r"""
backup:
  description: What is in the file. Its size, in bytes, is null in check mode.
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
