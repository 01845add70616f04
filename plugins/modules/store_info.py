#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_info
short_description: Show the store itself
version_added: 0.1.0
description:
  - Shows where the store is, how large, with which key it opens, and how much of what is in it.
  - A store that does not exist yet is shown as one with nothing in it, and not made.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.scope_info
  - module: scoped.secrets.store_backup
  - module: scoped.secrets.doctor
"""

EXAMPLES = r"""
- name: Look at the store
  scoped.secrets.store_info:
  register: result

- name: Show the scopes whose values are sealed with an older key than the one in force
  ansible.builtin.debug:
    msg: "{{ item.scope }}"
  loop: "{{ result.store.scopes | selectattr('values_on_older_keys') }}"
  loop_control:
    label: "{{ item.scope }}"
"""

RETURN = r"""
store:
  description: The store.
  returned: success
  type: dict
  contains:
    engine:
      description: V(sqlite) or V(postgresql).
      type: str
    where:
      description: Its URL, without a password.
      type: str
    exists:
      description: Whether it was made already.
      type: bool
    id:
      description: What no other store has, and each of its backups. Empty where it does not exist.
      type: str
    size:
      description: How many bytes it takes. Null where that is not known.
      type: int
    created_at:
      description: When it was made.
      type: str
    schema_version:
      description: The form of its tables. A collection opens the one that it knows, and upgrades older ones.
      type: int
    root_key_id:
      description: The public name of the root key that opens it.
      type: str
    pending_intents:
      description: How many changes at secret managers were begun and not finished.
      type: int
    connectors:
      description: How many connectors there are.
      type: int
    secrets:
      description: How many secrets there are.
      type: int
    versions:
      description: How many versions of them.
      type: int
    secret_managers:
      description: How many secrets each kind of secret manager keeps. Credentials, which are made of others, are apart.
      type: dict
    oldest_key_generation:
      description: The oldest generation of a scope's key that a value is sealed with. 0 where there is no value.
      type: int
    scopes:
      description: The same for each scope.
      type: list
      elements: dict
      contains:
        scope:
          description: Its name, C(account), C(ORG) or C(ORG/PROJECT).
          type: str
        org:
          description: The organization.
          type: str
        project:
          description: The project.
          type: str
        connectors:
          description: How many connectors it has.
          type: int
        secrets:
          description: How many secrets it has.
          type: int
        versions:
          description: How many versions of them.
          type: int
        secret_managers:
          description: How many secrets each of the secret managers keeps, by its name.
          type: dict
        key_generation:
          description: The generation of its key that new values are sealed with.
          type: int
        oldest_key_generation:
          description: The oldest one that a value is sealed with. 0 where there is no value.
          type: int
        values_on_older_keys:
          description: How many versions are sealed with an older one.
          type: int
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec("store_info")


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
