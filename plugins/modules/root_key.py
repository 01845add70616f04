#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: root_key
short_description: Make sure that there is a root key in its file
version_added: 0.1.0
description:
  - Writes a root key to O(root_key_file), the one in O(root_key) where that is set, else a random one, unless there is
    a file already. B(Back up a new one), apart from the store.
  - A file that is there is never written to. That it holds another key than O(root_key) is an error.
  - Where there is a store already, no key is written that does not open it.
  - The key is not shown, and goes through no argument of a process, no environment and no temporary file.
  - Where the settings have O(passphrase), that is the key of the store, whatever is in the file.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.key_rotation
  - module: scoped.secrets.scope_key
"""

EXAMPLES = r"""
- name: Make a root key for a store of our own
  scoped.secrets.root_key:
    store: "sqlite:///{{ lookup('ansible.builtin.env', 'HOME') }}/team/store.db"
    root_key_file: ~/team/root.key

- name: Make the store
  scoped.secrets.scope:
    store: "sqlite:///{{ lookup('ansible.builtin.env', 'HOME') }}/team/store.db"
    root_key_file: ~/team/root.key
    org: payments

- name: Put the key where another user of this store looks for it, out of a variable that ansible-vault protects
  scoped.secrets.root_key:
    store: "sqlite:///{{ lookup('ansible.builtin.env', 'HOME') }}/team/store.db"
    root_key_file: ~/team/copy.key
    root_key: "{{ team_root_key }}"
  vars:
    team_root_key: "{{ lookup('ansible.builtin.file', '~/team/root.key') }}"
"""

RETURN = r"""
root_key:
  description: The file, and the public name of the key in it, empty in check mode where it would be made.
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
