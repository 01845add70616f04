#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: manifest
short_description: Declare many scopes, secret managers and secrets in one task
version_added: 0.1.0
description:
  - Declares a list of things, each as the module of its name does, and returns a result for each.
  - The order of the list does not matter. Scopes come before what is in them, a secret before the connector that logs
    in with it, a connector before the secrets that go to it; what is removed goes last, users before what they use.
  - All items are validated before the first is declared. Those that only the store has a part in are written in few
    transactions; secret managers are asked side by side.
  - What was declared before an item failed stays, and is found as it should be by the next run.
options:
  resources:
    description:
      - The things to declare. Each is a dictionary of one key, the name of a module that declares something; its value
        has the options of that module.
      - The modules are M(scoped.secrets.scope), those that declare a connector,
        M(scoped.secrets.default_secret_manager), M(scoped.secrets.secret_text), M(scoped.secrets.secret_file),
        M(scoped.secrets.secret_ssh), M(scoped.secrets.secret_winrm) and M(scoped.secrets.secret_share).
      - An item can't have O(store), O(root_key_file) and the like for itself.
      - A thing can be listed once.
    type: list
    elements: dict
    required: true
  defaults:
    description:
      - Options for all items whose module has them. An item's own option counts before the default.
    type: dict
    default: {}
  name:
    description:
      - What the manifest is called in the scope of its O(defaults) (or that of the task). What it makes is remembered
        as this manifest's.
      - Two manifests of one scope that O(prune) need different names; else each removes what the other one made.
      - Under another name, or with another scope in O(defaults), it is another manifest.
    type: str
  prune:
    description:
      - Remove what this manifest made earlier and no longer lists.
      - What was there before a manifest listed it, was made by another manifest, by a module or by hand, is no part of
        it. What others still use is not removed, and the item fails.
    type: bool
    default: false
  max_parallel:
    description: How many items are declared at secret managers at the same time.
    type: int
    default: 8
  on_error:
    description:
      - What to do once an item has failed. The task fails in both cases.
      - V(stop) begins no further item; V(continue) leaves out only those that need one which failed.
    type: str
    choices: [stop, continue]
    default: stop
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
notes:
  - In check mode, an item that can only be planned once others of the manifest are there counts as changed, with a
    warning.
seealso:
  - module: scoped.secrets.scope
  - module: scoped.secrets.secret_text
  - module: scoped.secrets.scope_info
"""

EXAMPLES = r"""
- name: Declare a tree of scopes with its secrets
  scoped.secrets.manifest:
    defaults:
      org: payments
    resources:
      - scope: {org: payments}
      - scope: {project: api, description: The public API}
      - scope: {project: web}
      - secret_text: {identifier: smtp_password, value: battery staple}
      - secret_text:
          identifier: db_password
          project: api
          generate: {length: 40}
      - secret_file: {identifier: licence, project: web, content: "1234-5678"}

- name: Declare what a variable lists, and go on where one fails
  scoped.secrets.manifest:
    org: payments
    project: api
    resources: "{{ passwords }}"
    on_error: continue
  vars:
    passwords:
      - secret_text: {identifier: redis_password, generate: {}}
      - secret_text: {identifier: mail_password, generate: {length: 20}}

- name: Let the manifest be all there is, so that what goes from the list goes
  scoped.secrets.manifest:
    name: queues
    defaults: {org: payments, project: api}
    resources:
      - secret_text: {identifier: queue_user, value: worker}
      - secret_text: {identifier: queue_password, generate: {}}
    prune: true

- name: Remove some of it
  scoped.secrets.manifest:
    defaults: {org: payments, state: absent}
    resources:
      - scope: {project: web}
      - secret_file: {project: web, identifier: licence}
"""

RETURN = r"""
results:
  description:
    - What became of each item, in the order of the list; with it, what the module of the item returns.
    - With O(prune), those that are listed no longer come after them.
  returned: success, and when an item failed
  type: list
  elements: dict
  contains:
    module:
      description: The module that declares it.
      returned: always
      type: str
    item:
      description: What the item declares.
      returned: always
      type: str
    status:
      description: V(ok), V(changed), V(failed) or V(skipped).
      returned: always
      type: str
    state:
      description: V(absent).
      returned: when the manifest made it and no longer lists it
      type: str
    code:
      description: The code of the error.
      returned: when the item failed
      type: str
    msg:
      description: What went wrong, or why the item was not declared.
      returned: when the item failed or was skipped
      type: str
    hint:
      description: What to do about it.
      returned: when the item failed
      type: str
  sample:
    - module: scope
      item: "project 'payments/api'"
      status: changed
      scope:
        level: project
        org: payments
        project: api
        name: api
counts:
  description: How many items there are of each status, and how many went because they are listed no longer.
  returned: success, and when an item failed
  type: dict
  sample:
    ok: 12
    changed: 3
    failed: 0
    skipped: 0
    pruned: 0
"""

from ..module_utils.face.spec import Spec

SPEC = Spec(
    "manifest",
    {
        "resources": {"type": "list", "elements": "dict", "required": True},
        "defaults": {"type": "dict", "default": {}},
        "name": {"type": "str"},
        "prune": {"type": "bool", "default": False},
        "max_parallel": {"type": "int", "default": 8},
        "on_error": {"type": "str", "choices": ["stop", "continue"], "default": "stop"},
    },
)


def main() -> None:
    # Imported here: the router imports this file for its SPEC, and never runs it.
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(argument_spec=SPEC.argument_spec, supports_check_mode=True, no_log=True)
    module.fail_json(msg="A manifest is declared on the control node only, which its action plugin does.")


if __name__ == "__main__":
    main()
