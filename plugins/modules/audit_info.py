#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: audit_info
short_description: Show who did what with which secret, and prove it
version_added: 0.1.0
description:
  - Shows the records of what was done from within one scope, oldest first, a page at a time. None has a value.
  - A record belongs to the scope that somebody worked in. One who reads a secret of the account from a project leaves
    it in the audit of that project.
  - With O(verify) it proves that the records are those that were written, all of them, in their order. Where one was
    edited, dropped, swapped, added or cut off, the task fails with the code V(audit_broken), and names the first bad
    one.
options:
  actions:
    description:
      - "Show these only: V(read) (a template), V(preload) (a template, ahead of need), V(connect) (a connection),
        V(login) (a connector, for itself), V(create), V(update), V(delete), V(write) (declared, and refused),
        V(backup), V(restore), V(export)
        (the key of a scope), V(rotate)."
    type: list
    elements: str
  secret:
    description: Show those about secrets, connectors and scopes with this identifier only.
    type: str
  outcome:
    description: Show those with this outcome only, which is V(ok), the code of an error, or V(failed) for all of these.
    type: str
  user:
    description: Show those of this user of the operating system only.
    type: str
  job:
    description: Show those of this job of AWX only.
    type: str
  run:
    description: Show those of this run of ansible-playbook only.
    type: str
  since:
    description: Show those from this date or time on (ISO 8601, UTC where it names no zone).
    type: str
  until:
    description: Show those before this date or time.
    type: str
  limit:
    description: Show so many at most.
    type: int
    default: 100
  after:
    description:
      - Show those after this number only. The RV(next) of one page gives the page after it.
      - With O(verify), the record of this number is taken as it is, and all from there on are proven. Those before it
        may be gone.
    type: int
    default: 0
  chain:
    description:
      - Show an older chain, by the C(chain) of one in RV(chains). A scope that was removed and made again has a new
        one.
    type: str
  verify:
    description: Prove that nothing was changed. It reads every record of the scope.
    type: bool
    default: false
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.scope_info
"""

EXAMPLES = r"""
- name: Prove that the records of the account are those that were written
  scoped.secrets.audit_info:
    verify: true

- name: Look for what was refused
  scoped.secrets.audit_info:
    outcome: failed
    since: "2026-01-01"
  register: result

- name: Show who it was
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
      description: When it was done, in UTC to the millisecond.
      type: str
    scope:
      description: The scope that it was done in, C(account), C(ORG) or C(ORG/PROJECT).
      type: str
    sequence:
      description: The number of the record in its chain, from 1.
      type: int
    action:
      description: What was done.
      type: str
    outcome:
      description: V(ok), or the code of the error.
      type: str
    kind:
      description: The sort of thing that it was done with, V(secret), V(connector), V(scope) or V(store).
      type: str
    of_scope:
      description: The scope that the thing is in.
      type: str
    identifier:
      description: What references name the thing by. Empty for what was no reference.
      type: str
    id:
      description: What no other thing has, a later one of the same name neither. Empty where the thing does not exist.
      type: str
    version:
      description: The version of a secret, where that is known.
      type: str
    user:
      description: The user of the operating system.
      type: str
    host:
      description: The machine that ansible-playbook ran on.
      type: str
    job:
      description: The job of AWX. Empty where it was none.
      type: str
    run:
      description: The same for all that one run of ansible-playbook did, and nothing else.
      type: str
    chain:
      description: The chain of the record.
      type: str
    mac:
      description: What only somebody with the key of the scope could make of this record and all before it.
      type: str
next:
  description: What to give as O(after) for the next page. Null where there is none.
  returned: success
  type: int
chains:
  description: The chains of the scope, older ones of scopes of its name too.
  returned: success
  type: list
  elements: dict
  contains:
    chain:
      description: The name of the chain.
      type: str
    is_current:
      description: Whether it is that of the scope as it is now.
      type: bool
    last:
      description: The number of its last record.
      type: int
    link:
      description: A hash of all its records. Kept elsewhere, it tells whether the whole database was put back.
      type: str
    verified_from:
      description: The number of the first record that was proven. Only with O(verify).
      type: int
    key_destroyed:
      description:
        - How many records were made with a key that was destroyed, or of a scope that was removed. These are proven by
          those after them only. Only with O(verify).
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
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
