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
  - Declares a list of items, each as the module that it names does, and returns a result for each.
  - List the items in any order. Scopes come before what they contain, a secret before the connector that logs in with
    it, and a connector before the secrets that go to it. Removals come last, users before what they use.
  - All items are validated before the first one is declared. Items that concern only the store are written in a few
    transactions. Requests to secret managers run in parallel.
  - If an item fails, everything declared before it stays. The next run finds it unchanged.
options:
  resources:
    description:
      - The items to declare. Each is a dictionary with one key, the name of a module that declares something. The value
        contains the options of that module.
      - The modules are M(scoped.secrets.scope), those that declare a connector,
        M(scoped.secrets.default_secret_manager), M(scoped.secrets.secret_text), M(scoped.secrets.secret_file),
        M(scoped.secrets.secret_ssh), M(scoped.secrets.secret_winrm) and M(scoped.secrets.secret_share).
      - Set O(store), O(root_key_file) and similar options for the whole task, not for an item.
      - List each thing only once.
    type: list
    elements: dict
    required: true
  defaults:
    description:
      - Options for all items whose module has them. An item's own option takes precedence.
    type: dict
    default: {}
  name:
    description:
      - The name of the manifest in the scope of its O(defaults), or else in that of the task. What the manifest creates
        is marked as belonging to it.
      - Give different names to two manifests of one scope if you use O(prune). Otherwise each removes what the other
        created.
      - A manifest with another name, or with another scope in O(defaults), is a different manifest.
    type: str
  prune:
    description:
      - Remove what this manifest created earlier and no longer lists.
      - This leaves alone what existed before a manifest listed it, and what another manifest, a module or a person
        created. If something is still in use, it is not removed and its item fails.
    type: bool
    default: false
  max_parallel:
    description: The maximum number of items to declare at secret managers at the same time.
    type: int
    default: 8
  on_error:
    description:
      - What to do after an item has failed. The task fails in both cases.
      - V(stop) starts no further item. V(continue) skips only the items that need a failed one.
    type: str
    choices: [stop, continue]
    default: stop
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.attributes
notes:
  - In check mode, an item that can only be planned once other items exist counts as changed, with a warning.
seealso:
  - module: scoped.secrets.scope
  - module: scoped.secrets.secret_text
  - module: scoped.secrets.scope_info
"""

EXAMPLES = r"""
- name: Declare a tree of scopes and secrets
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

- name: Declare what a variable lists and continue if an item fails
  scoped.secrets.manifest:
    org: payments
    project: api
    resources: "{{ passwords }}"
    on_error: continue
  vars:
    passwords:
      - secret_text: {identifier: redis_password, generate: {}}
      - secret_text: {identifier: mail_password, generate: {length: 20}}

- name: Declare the queues and remove those that are no longer listed
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
    - The result of each item, in the order of the list, together with what the item's module returns.
    - With O(prune), the things that are no longer listed follow.
  returned: success, and when an item failed
  type: list
  elements: dict
  contains:
    module:
      description: The module that declares the item.
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
      returned: when the manifest created it and no longer lists it
      type: str
    code:
      description: The error code.
      returned: when the item failed
      type: str
    msg:
      description: What went wrong, or why the item was skipped.
      returned: when the item failed or was skipped
      type: str
    hint:
      description: What to do next.
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
  description: The number of items with each status, and of the things that O(prune) removed.
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
    module.fail_json(msg="Only the action plugin of this module can declare a manifest, on the control node.")


if __name__ == "__main__":
    main()
