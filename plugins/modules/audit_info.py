#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: audit_info
short_description: List the audit records of a scope and verify them
version_added: 0.1.0
description:
  - Lists the records of everything that was done from within one scope, oldest first and one page at a time. No record
    contains a value.
  - A record belongs to the scope that the user worked in. If you read a secret of the account from a project, the
    record is in the audit of that project.
  - O(verify) proves that the records are complete, unchanged and in their original order. If one was edited, dropped,
    swapped, added or cut off, the task fails with the code V(audit_broken) and names the first bad record.
options:
  actions:
    description:
      - Show only records of these actions.
      - Reads are recorded as V(read) (a template read a secret), V(preload) (it was fetched before a template asked for
        it), V(connect) (a connection logged in with it) and V(login) (a connector logged in with it).
      - Writes are recorded as V(create), V(update) and V(delete). V(write) is a declaration that was refused.
      - The other actions are V(backup), V(restore), V(export) (of a scope's key), V(rotate) and V(archive) (of audit
        records).
    type: list
    elements: str
  secret:
    description: Show only records about secrets, connectors and scopes with this identifier.
    type: str
  outcome:
    description: Show only records with this outcome, which is V(ok), an error code, or V(failed) for any error.
    type: str
  user:
    description: Show only records of this operating system user.
    type: str
  job:
    description: Show only records of this AWX job.
    type: str
  run:
    description: Show only records of this run of ansible-playbook.
    type: str
  since:
    description: Show only records from this date or time on (ISO 8601, UTC unless it names a time zone).
    type: str
  until:
    description: Show only records from before this date or time.
    type: str
  limit:
    description: The maximum number of records to return.
    type: int
    default: 100
  after:
    description:
      - Show only records after the one with this number. Pass RV(next) to get the next page.
    type: int
    default: 0
  chain:
    description:
      - Show an older chain, named by C(chain) of an item in RV(chains). A scope that was removed and created again has
        a new chain.
    type: str
  verify:
    description:
      - Whether to verify that nothing was changed. Reads the records that are new since they were verified last, and
        those from the first to the last one that is shown. That none of the others is missing is verified too, without
        reading them.
      - The store remembers, signed with the scope's key, up to which record somebody has verified it.
    type: bool
    default: false
  verify_all:
    description: Whether to verify every record in the store, no matter what was verified before. Implies O(verify).
    type: bool
    default: false
  archives:
    description:
      - The files that M(scoped.secrets.audit_archive) wrote for the shown chain, the oldest first. Verifies them, that
        each follows the one before it, and that the records in the store follow the last one. Implies O(verify_all).
      - Old archives may be gone. What is left must be complete, from the first file on.
    type: list
    elements: path
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.audit_archive
  - module: scoped.secrets.scope_info
"""

EXAMPLES = r"""
- name: Verify the audit records of the account
  scoped.secrets.audit_info:
    verify: true

- name: Verify all records again, including those that were verified before
  scoped.secrets.audit_info:
    verify_all: true

- name: Find what was refused
  scoped.secrets.audit_info:
    outcome: failed
    since: "2026-01-01"
  register: result

- name: Show who was refused what
  ansible.builtin.debug:
    msg: "{{ item.at }} {{ item.user }}@{{ item.host }} {{ item.action }} {{ item.identifier }}: {{ item.outcome }}"
  loop: "{{ result.events }}"
"""

RETURN = r"""
events:
  description: The records, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    at:
      description: When it was done, in UTC with milliseconds.
      type: str
    scope:
      description: The scope that the user worked in, C(account), C(ORG) or C(ORG/PROJECT).
      type: str
    sequence:
      description: The number of the record in its chain, starting at 1.
      type: int
    action:
      description: What was done.
      type: str
    outcome:
      description: V(ok), or the error code.
      type: str
    kind:
      description:
        - What it was done to, V(secret), V(connector), V(scope) or V(store). A refused declaration of a share has
          V(share).
      type: str
    of_scope:
      description: The scope that contains it.
      type: str
    identifier:
      description: Its identifier. Empty if the reference was not valid.
      type: str
    id:
      description: Its unique ID, which a later thing of the same name does not get. Empty if it does not exist.
      type: str
    version:
      description: The version of a secret, if known.
      type: str
    user:
      description: The operating system user.
      type: str
    host:
      description: The machine that ansible-playbook ran on.
      type: str
    job:
      description: The AWX job. Empty outside AWX.
      type: str
    run:
      description: The ID of the run of ansible-playbook. All records of a run have the same ID.
      type: str
    chain:
      description: The chain that the record belongs to.
      type: str
    mac:
      description: An HMAC over this record and all before it. Computing it requires the scope's key.
      type: str
next:
  description: The value of O(after) for the next page. Null on the last page.
  returned: success
  type: int
chains:
  description: The chains of the scope, including those of removed scopes with the same name.
  returned: success
  type: list
  elements: dict
  contains:
    chain:
      description: The name of the chain.
      type: str
    is_current:
      description: Whether the chain belongs to the scope as it exists now.
      type: bool
    archived:
      description: The number of the last record that was archived. The records up to it are no longer in the store.
      type: int
    last:
      description: The number of its last record.
      type: int
    link:
      description: A hash over all its records. Keep a copy elsewhere to detect that the whole database was rolled back.
      type: str
    verified_from:
      description:
        - The number of the record from which on all were verified, up to the last one. Only with O(verify).
      type: int
    verified:
      description: How many records were read to verify them, including those that are shown. Only with O(verify).
      type: int
    key_destroyed:
      description:
        - The number of these records whose key was destroyed, or whose scope was removed. Only the hashes of the chain
          prove them. Only with O(verify).
      type: int
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "audit_info",
    {
        "actions": {"type": "list", "elements": "str"},
        "secret": {"type": "str", "no_log": False},
        "outcome": {"type": "str"},
        "user": {"type": "str"},
        "job": {"type": "str"},
        "run": {"type": "str"},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "limit": {"type": "int", "default": 100},
        "after": {"type": "int", "default": 0},
        "chain": {"type": "str"},
        "verify": {"type": "bool", "default": False},
        "verify_all": {"type": "bool", "default": False},
        "archives": {"type": "list", "elements": "path"},
    },
    paths=("archives",),
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
