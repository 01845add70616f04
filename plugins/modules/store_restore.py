#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_restore
short_description: Make a store of a backup
version_added: 0.1.0
description:
  - Makes a store, at O(store), of what M(scoped.secrets.store_backup) wrote. Every value is read there as before, by
    the same name and with all its versions.
  - Only where nothing can be lost, which is where no store is yet, or one in which nothing was declared. A store that
    holds just what the backup has is left alone.
  - The file is read to its end before anything is written, and the new store before it takes its place. What was
    altered, cut short, or sealed with another key is refused, and nothing is touched.
  - Other runs should not use that store meanwhile.
options:
  src:
    description: The path of the backup, on the control node. A relative one begins in the folder of the playbook.
    type: path
    required: true
  recovery_passphrase:
    description:
      - The passphrase that was given when the backup was made. Only needed where the root key of that time is lost.
      - The restored store is sealed to the root key that the task has, O(root_key_file) and so on. Where neither that
        nor O(store) is set anywhere and there is no key, a new one is made. The lost key opens it no more.
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
- name: Declare something
  scoped.secrets.secret_text:
    identifier: db_password
    generate: {}

- name: Back it up
  scoped.secrets.store_backup:
    dest: secrets.backup
    recovery_passphrase: five words that nobody would guess

- name: Restore it to another place, with the same root key
  scoped.secrets.store_restore:
    src: secrets.backup
    store: "sqlite:///{{ playbook_dir }}/restored/store.db"

- name: Make a root key, as if the first one were lost
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
  description: What the backup has, as M(scoped.secrets.store_backup) returns it.
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
