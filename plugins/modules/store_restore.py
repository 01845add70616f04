#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_restore
short_description: Restore a store from a backup
version_added: 0.1.0
description:
  - Creates the store at O(store) from a file that M(scoped.secrets.store_backup) wrote. You read every value under the
    same name as before, in all its versions.
  - Restores only where nothing can be lost. There must be no store yet, or one in which nothing was declared. A store
    that already equals the backup is left as it is.
  - Reads the file to the end before it writes anything, and verifies the new store before it takes its place. A file
    that was altered, truncated or sealed with another key is refused, and nothing is touched.
  - Don't let other runs use the store meanwhile.
options:
  src:
    description: The path of the backup on the control node. A relative path starts in the playbook's folder.
    type: path
    required: true
  recovery_passphrase:
    description:
      - The passphrase that was set for the backup. You need it only if you have lost the root key of that time.
      - The restored store is sealed to the root key that the task uses, such as the one in O(root_key_file). If this
        file and O(store) are both the defaults and no key is there, a new one is created. The lost key no longer opens
        the store.
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.store_backup
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
    recovery_passphrase: five words that nobody would guess

- name: Restore it elsewhere with the same root key
  scoped.secrets.store_restore:
    src: secrets.backup
    store: "sqlite:///{{ playbook_dir }}/restored/store.db"

- name: Create a root key, as if the first one were lost
  ansible.builtin.shell:
    cmd: umask 077; openssl rand -base64 32 > new_root.key
    chdir: "{{ playbook_dir }}"
    creates: new_root.key

- name: Restore it with the recovery passphrase
  scoped.secrets.store_restore:
    src: secrets.backup
    recovery_passphrase: five words that nobody would guess
    store: "sqlite:///{{ playbook_dir }}/recovered/store.db"
    root_key_file: "{{ playbook_dir }}/new_root.key"
"""

RETURN = r"""
backup:
  description: What the backup contains, in the form that M(scoped.secrets.store_backup) returns.
  returned: success
  type: dict
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "store_restore",
    {
        "src": {"type": "path", "required": True},
        "recovery_passphrase": {"type": "str", "no_log": True},
    },
    paths=("src",),
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
