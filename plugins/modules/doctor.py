#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: doctor
short_description: Check the installation, the store and its keys
version_added: 0.1.0
description:
  - Checks the versions, the broker of the run, the store, its key and the Python libraries. Each check is separate, and
    returns a verdict and the next step.
  - Tries out what tasks need. It reads the whole database, writes to it without leaving anything, and opens the sinks
    of the audit.
  - Never fails because of what it finds unless O(fail_on) says so, and never creates a store.
  - Completes or undoes the changes at secret managers that a killed run left unfinished, as the next run that declares
    something would do. In check mode, it only counts them.
options:
  accept_rollback:
    description:
      - Accept a store that is older than this machine has seen it. Set this once, after you restored a copy of the
        database on purpose; until then, every task that reads the store fails with C(store_rolled_back).
      - Signs all scopes that your key opens anew, so that other machines accept them too. It changes nothing while no
        scope is older than this machine has seen it. M(scoped.secrets.store_restore) needs none of this.
      - Do not set it in a job that runs regularly. It would accept what an attacker put back.
    type: bool
    default: false
    version_added: 0.1.0
  fail_on:
    description:
      - Which verdict makes the task fail. V(error) fails if a check has the verdict V(error), and V(warning) if one has
        either. The result is the same in each case.
    type: str
    choices: [never, error, warning]
    default: never
  verify:
    description:
      - Verify all rows of the store that your key opens, as M(scoped.secrets.scope_info) does. This takes longer the
        more secrets there are.
      - Verify the new records of each audit that your key opens too, as M(scoped.secrets.audit_info) does.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in C(check_mode). It then leaves unfinished changes as they are, and accepts nothing.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.scope_info
"""

EXAMPLES = r"""
- name: Run all checks
  scoped.secrets.doctor:
  register: result

- name: Stop if something is wrong
  scoped.secrets.doctor:
    fail_on: error

- name: Accept a copy of the database that was restored on purpose
  scoped.secrets.doctor:
    accept_rollback: true
"""

RETURN = r"""
summary:
  description: One line with the number of errors and warnings, and the message of the first.
  returned: success
  type: str
  sample: "1 warning in 22 checks. First masking: This run does not hide secrets in its output."
healthy:
  description: Whether no check has the verdict V(error).
  returned: success
  type: bool
  sample: true
checks:
  description: The results of the checks.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description:
        - What was checked. V(versions), V(engine), V(store), V(root key) or V(scope key), C(library for NAME) for each
          library, such as V(library for builtin), V(database), V(writing), V(rows), V(clock) and V(audit sink),
          which are tried out, V(unfinished changes), V(commands), which lists the connectors that
          may not use the programs, files or identities of this machine that they name, V(rights in the database),
          which is about roles of PostgreSQL that may do more than they need, V(history), which is whether
          the store is at least as new as this machine has seen it, and V(masking), which is whether the callback
          P(scoped.secrets.mask#callback) is on.
      type: str
    verdict:
      description: V(ok), V(warning) or V(error).
      type: str
    message:
      description: What was found.
      type: str
    hint:
      description: The next step. Empty if there is nothing to do.
      type: str
    code:
      description: The error code, if there is one. The documentation lists all of them.
      type: str
settings:
  description:
    - The settings in force, wherever they are set. C(key_option) is the option that the key comes from, even if there
      is no key yet. The URL of the store is shown without its password.
  returned: success
  type: dict
  sample:
    store: sqlite:////home/ansible/.local/share/scoped_secrets/store.db
    key_option: root_key_file
    root_key_file: /home/ansible/.config/scoped_secrets/root.key
usage:
  description: What this run has done so far.
  returned: success
  type: dict
  sample:
    calls: 12
    reads: 40
    hits: 31
    opened: 9
    logins: 1
    requests: 4
    connectors:
      payments/api/vault: {logins: 1, renewals: 0, requests: 4}
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec
from ..module_utils.model.checks import FAIL_ON

SPEC = Spec(
    "doctor",
    {
        "accept_rollback": {"type": "bool", "default": False},
        "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "never"},
        "verify": {"type": "bool", "default": True},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
