#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: store_info
short_description: Show the location, size and content of the store
version_added: 0.1.0
description:
  - Shows where the store is, how large it is, which key opens it, and how much it contains.
  - A store that does not exist yet is shown as empty, and is not created.
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

- name: List the scopes with values that are sealed with an older key
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
      description: Whether the store exists.
      type: bool
    id:
      description: The ID of the store. Its backups have the same ID. Empty if the store does not exist.
      type: str
    size:
      description: Its size in bytes. Null if unknown.
      type: int
    created_at:
      description: When it was created.
      type: str
    schema_version:
      description: The version of its tables. A collection opens the version it knows and upgrades older ones.
      type: int
    root_key_id:
      description: The public ID of the root key that opens it, empty for one from a passphrase.
      type: str
    pending_intents:
      description: The number of unfinished changes at secret managers.
      type: int
    connectors:
      description: The number of connectors.
      type: int
    secrets:
      description: The number of secrets.
      type: int
    versions:
      description: The number of versions that these secrets have.
      type: int
    audit_records:
      description: The number of audit records in the store, including those of removed scopes.
      type: int
    audit_records_archived:
      description: The number of audit records that M(scoped.secrets.audit_archive) has moved to files.
      type: int
    secret_managers:
      description:
        - The number of secrets by kind of secret manager. Credentials consist of other secrets and are counted as
          C(credentials).
      type: dict
    oldest_key_generation:
      description: The oldest generation of a scope's key that still seals a value. 0 if there is no value.
      type: int
    scopes:
      description: The contents of each scope.
      type: list
      elements: dict
      contains:
        scope:
          description: The name of the scope, C(account), C(ORG) or C(ORG/PROJECT).
          type: str
        org:
          description: The organization.
          type: str
        project:
          description: The project.
          type: str
        connectors:
          description: The number of connectors.
          type: int
        secrets:
          description: The number of secrets.
          type: int
        versions:
          description: The number of versions that these secrets have.
          type: int
        secret_managers:
          description: The number of secrets by name of the secret manager.
          type: dict
        key_generation:
          description: The generation of the scope's key that seals new values.
          type: int
        oldest_key_generation:
          description: The oldest generation that still seals a value. 0 if there is no value.
          type: int
        audit_records:
          description: The number of audit records in the store that were made from within the scope.
          type: int
        audit_records_archived:
          description: The number of these records that were moved to files.
          type: int
        values_on_older_keys:
          description: The number of versions that an older generation seals.
          type: int
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec("store_info")


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
