#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: doctor
short_description: Tell what works and what does not
version_added: 0.1.0
description:
  - Looks at the versions, the store, its root key, the broker of the run and the Python libraries, each by itself, and
    returns a verdict and the next step for each.
  - Never fails because of what it finds, and makes no store.
  - What runs that were killed left unfinished at secret managers is put right, as the next run that declares something
    would do; in check mode it is only counted.
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.scope_info
"""

EXAMPLES = r"""
- name: Look at everything
  scoped.secrets.doctor:
  register: result

- name: Stop unless all is well
  ansible.builtin.assert:
    that: result.healthy
    fail_msg: "{{ result.checks | rejectattr('verdict', 'eq', 'ok') | map(attribute='message') | list }}"
"""

RETURN = r"""
healthy:
  description: Whether no check has the verdict V(error).
  returned: success
  type: bool
  sample: true
checks:
  description: One item for each part.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at, V(versions), V(engine), V(store), V(root key), V(library for builtin),
        V(unfinished changes).
      type: str
    verdict:
      description: V(ok), V(warning) or V(error).
      type: str
    message:
      description: What was found.
      type: str
    hint:
      description: The next step. Empty where all is well.
      type: str
    code:
      description: The code of the error, where it is one of those in the documentation.
      type: str
settings:
  description:
    - The settings in force, wherever they are set. C(key_option) is the option that the key comes from,
      whether or not one is there; what may be secret in the URL of the store is left out.
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

SPEC = Spec("doctor")


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
