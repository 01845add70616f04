#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_database
short_description: Prepare a database on PostgreSQL for a store
version_added: 0.1.0
description:
  - Makes the database of O(store) with the two roles, the schema, the tables and the rights that the page on PostgreSQL
    tells of, by the statements in C(docs/postgresql) of this collection. Row-level security keeps each transaction to
    its scope.
  - The roles are C(scoped_secrets_owner), which owns the tables, and C(scoped_secrets_app), which runs use. O(store) is
    the URL of the latter.
  - Where a URL has a password that its role can't log in with, the role gets it. The server is sent what it keeps of
    it, not the password.
  - Run it again after an upgrade of the schema.
options:
  admin_url:
    description:
      - The URL of a role that may make databases and roles, in any database of the server, as
        C(postgresql://postgres@db.example.com/postgres).
    type: str
    required: true
  owner_url:
    description: The URL of the role that owns the tables, in the database of O(store).
    type: str
    required: true
  tables:
    description:
      - Whether to make the tables and to give the running role its rights as well, which takes the root key.
      - V(false) makes database and roles only, for a root key that is made afterwards.
    type: bool
    default: true
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.root_key
  - module: scoped.secrets.store_info
"""

EXAMPLES = r"""
- name: Make database and roles
  scoped.secrets.store_database:
    admin_url: "{{ lookup('ansible.builtin.env', 'SECRETS_ADMIN_URL') }}"
    owner_url: "{{ lookup('ansible.builtin.env', 'SECRETS_OWNER_URL') }}"
    store: "{{ lookup('ansible.builtin.env', 'SECRETS_URL') }}"
    tables: false

- name: Make a root key
  scoped.secrets.root_key:
    store: "{{ lookup('ansible.builtin.env', 'SECRETS_URL') }}"
    root_key_file: ~/shared.key

- name: Make the tables, and give the running role its rights
  scoped.secrets.store_database:
    admin_url: "{{ lookup('ansible.builtin.env', 'SECRETS_ADMIN_URL') }}"
    owner_url: "{{ lookup('ansible.builtin.env', 'SECRETS_OWNER_URL') }}"
    store: "{{ lookup('ansible.builtin.env', 'SECRETS_URL') }}"
    root_key_file: ~/shared.key
"""

RETURN = r"""
database:
  description: The database.
  returned: success
  type: dict
  sample:
    name: secrets
    store: postgresql://db.example.com/secrets
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "store_database",
    {
        "admin_url": {"type": "str", "required": True, "no_log": True},
        "owner_url": {"type": "str", "required": True, "no_log": True},
        "tables": {"type": "bool", "default": True},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
