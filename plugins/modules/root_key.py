#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: root_key
short_description: Create the root key file of a store
version_added: 0.1.0
description:
  - Writes a root key to O(root_key_file) if there is no file yet. The key is O(root_key) if you set it, and a random
    one otherwise. B(Back up a new key) apart from the store.
  - Never overwrites an existing file. The task fails if the file holds a key other than O(root_key).
  - If the store already exists, only the key that opens it is written.
  - The result never contains the key.
  - If O(passphrase) is set, it is what opens the store, whatever the file contains.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.key_rotation
  - module: scoped.secrets.scope_key
"""

EXAMPLES = r"""
- name: Create a root key for a team's store
  scoped.secrets.root_key:
    store: "sqlite:///{{ lookup('ansible.builtin.env', 'HOME') }}/team/store.db"
    root_key_file: ~/team/root.key

- name: Create the store
  scoped.secrets.scope:
    store: "sqlite:///{{ lookup('ansible.builtin.env', 'HOME') }}/team/store.db"
    root_key_file: ~/team/root.key
    org: payments

- name: Install the key for another user of the store from a variable that ansible-vault protects
  scoped.secrets.root_key:
    store: "sqlite:///{{ lookup('ansible.builtin.env', 'HOME') }}/team/store.db"
    root_key_file: ~/team/copy.key
    root_key: "{{ team_root_key }}"
  vars:
    team_root_key: "{{ lookup('ansible.builtin.file', '~/team/root.key') }}"
"""

RETURN = r"""
root_key:
  description:
    - The file and the public ID of the key in it. In check mode, the ID is empty if a random key would be created.
  returned: success
  type: dict
  sample:
    file: /home/ansible/team/root.key
    id: 4b1d3c6f8a90e27d
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec("root_key")


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
