#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: secret_info
short_description: List the secrets of a scope
version_added: 0.1.0
description:
  - Lists the secrets of exactly one scope, with what uses them and when they last changed. Never returns a value.
options:
  identifier:
    description: Show only this secret. Returns an empty list if it does not exist.
    type: str
  kind:
    description: Show only secrets of this kind.
    type: str
    choices: [text, file, ssh, winrm]
  secret_manager:
    description: Show only secrets that this secret manager keeps. V(builtin) is the built-in one.
    type: str
  tags:
    description: Show only secrets that have all these tags.
    type: dict
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.info_attributes
seealso:
  - module: scoped.secrets.secret_text
  - module: scoped.secrets.secret_file
  - module: scoped.secrets.secret_ssh
  - module: scoped.secrets.secret_winrm
"""

EXAMPLES = r"""
- name: List the secrets of the account
  scoped.secrets.secret_info:
  register: result

- name: Show their identifiers
  ansible.builtin.debug:
    msg: "{{ result.secrets | map(attribute='identifier') }}"
"""

RETURN = r"""
secrets:
  description: The secrets, each in the form that the module of its kind returns, such as M(scoped.secrets.secret_text).
  returned: success
  type: list
  elements: dict
"""

from ..module_utils.face.module import run_module
from ..module_utils.face.spec import Spec

SPEC = Spec(
    "secret_info",
    {
        "identifier": {"type": "str"},
        "kind": {"type": "str", "choices": ["text", "file", "ssh", "winrm"]},
        "secret_manager": {"type": "str", "no_log": False},
        "tags": {"type": "dict"},
    },
)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
