#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: audit_archive
short_description: Move old audit records of a scope to a file
version_added: 0.1.0
description:
  - Verifies the audit records of one scope, writes those from before a date to a file, and removes them from the store.
    A signed checkpoint in the store says up to which record they were archived, so M(scoped.secrets.audit_info) still
    proves that no other record is missing.
  - Requires the root key. On PostgreSQL, it also requires the role that owns the tables, because the role that runs
    use can't remove records. Set O(store) to the URL of that role for this task only.
  - The file has one JSON object per line, and proves itself with the hashes and HMACs of its records. With
    O(scoped.secrets.audit_info#module:archives) you prove that archives and store join.
  - Records are removed once the file is on the disk. If a run is killed in between, the store still has them, and the
    same task with the same O(dest) removes what that file contains.
  - If no record is old enough, nothing is changed and no file is written.
options:
  dest:
    description:
      - The path of the file on the control node, where nothing may exist yet. Its folder must exist. A relative path
        starts in the playbook's folder.
      - The file is written atomically, with mode 0600.
    type: path
    required: true
  before:
    description:
      - Archive the records from before this date or time (ISO 8601, UTC unless it names a time zone).
      - Records are archived in their order, up to the first one that is not from before it.
    type: str
    required: true
  chain:
    description:
      - Archive an older chain, named by C(chain) of an item in RV(scoped.secrets.audit_info#module:chains). A scope
        that was removed and created again has a new chain.
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
seealso:
  - module: scoped.secrets.audit_info
  - module: scoped.secrets.store_backup
"""

EXAMPLES = r"""
- name: Store a secret
  scoped.secrets.secret_text:
    identifier: db_password
    generate: {}

- name: Archive the records of the account that are older than 90 days
  scoped.secrets.audit_archive:
    dest: "audit-of-the-account-{{ now(utc=true, fmt='%Y-%m-%d') }}.jsonl"
    before: "{{ '%Y-%m-%d' | strftime(now().timestamp() - 90 * 86400, utc=true) }}"
"""

RETURN = r"""
archived:
  description: How many records were moved to the file.
  returned: success
  type: int
  sample: 40213
checkpoint:
  description: Up to where the records of the chain are in archives.
  returned: success
  type: dict
  contains:
    chain:
      description: The name of the chain.
      type: str
      returned: success
      sample: 6f5902ac-237a-4d2b-9a3f-0f1d7a9a3c53
    sequence:
      description: The number of the last archived record, 0 if there is none.
      type: int
      returned: success
      sample: 40213
    link:
      description: The hash over this record and all before it.
      type: str
      returned: success
      sample: 0f4c1d1b0a3e4d0f9d4f4d8a6c5b7e2f0f4c1d1b0a3e4d0f9d4f4d8a6c5b7e2f
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "audit_archive",
    {
        "dest": {"type": "path", "required": True},
        "before": {"type": "str", "required": True},
        "chain": {"type": "str"},
    },
    paths=("dest",),
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
