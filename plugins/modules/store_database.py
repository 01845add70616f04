#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_database
short_description: Prepare a PostgreSQL database for a store
version_added: 0.1.0
description:
  - Creates the database of O(store), with two roles, the schema, the tables and the privileges. It runs the statements
    in C(docs/postgresql) of this collection, which the page on PostgreSQL describes. Row-level security restricts each
    transaction to its scope.
  - The role C(scoped_secrets_owner) owns the tables. Runs use the role C(scoped_secrets_app), which is the one in
    O(store).
  - If a role can't log in with the password in its URL, the module sets that password. The server gets only the
    hashed password that it stores, never the password itself.
  - Both roles have exactly the privileges in these files. What other roles were granted is revoked. This concerns
    membership in the two roles, except that of superusers and roles with C(CREATEROLE), and privileges on the schema,
    its tables and columns. C(PUBLIC) can no longer connect to the database or create temporary tables in it.
  - Roles and their passwords belong to the whole server, so they serve one store of a server. For a second database,
    the module fails with C(role_in_use) and changes nothing.
  - Run the module again after an upgrade that changes the schema.
options:
  admin_url:
    description:
      - The URL of a role that may create databases and roles, in any database of the server, for example
        C(postgresql://postgres@db.example.com/postgres).
    type: str
    required: true
  owner_url:
    description: The URL of the role that owns the tables, in the database of O(store).
    type: str
    required: true
  tables:
    description:
      - Whether to also create the tables and grant privileges to the role in O(store). This requires the root key.
      - V(false) creates only the database and the roles. Use it if you create the root key afterwards.
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
- name: Create the database and the roles
  scoped.secrets.store_database:
    admin_url: "{{ lookup('ansible.builtin.env', 'SECRETS_ADMIN_URL') }}"
    owner_url: "{{ lookup('ansible.builtin.env', 'SECRETS_OWNER_URL') }}"
    store: "{{ lookup('ansible.builtin.env', 'SECRETS_URL') }}"
    tables: false

- name: Create a root key
  scoped.secrets.root_key:
    store: "{{ lookup('ansible.builtin.env', 'SECRETS_URL') }}"
    root_key_file: ~/shared.key

- name: Create the tables and grant privileges
  scoped.secrets.store_database:
    admin_url: "{{ lookup('ansible.builtin.env', 'SECRETS_ADMIN_URL') }}"
    owner_url: "{{ lookup('ansible.builtin.env', 'SECRETS_OWNER_URL') }}"
    store: "{{ lookup('ansible.builtin.env', 'SECRETS_URL') }}"
    root_key_file: ~/shared.key
"""

RETURN = r"""
database:
  description:
    - The name of the database, and the URL of the store without a password. C(changes) lists what was created or
      corrected, such as C(roles), C(rights on tables) or C(policies); it is empty if nothing was.
  returned: success
  type: dict
  sample:
    name: secrets
    store: postgresql://db.example.com/secrets
    changes: [database, roles, tables]
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
