#!/usr/bin/python
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connector_lookup
short_description: Declare a lookup plugin as a secret manager
version_added: 0.1.0
description:
  - Declares a secret manager that is only read, through any lookup plugin of Ansible. Every lookup plugin of the
    control node so gets scopes, one read a run, and values that are not shown.
  - A reference names what the plugin calls a term. The first result is the value, an object or a list as JSON.
options:
  plugin:
    description:
      - The whole name of the plugin, C(namespace.collection.plugin). Those of this collection are refused.
      - It must be given at creation. It can't change while the connector has secrets.
    type: str
  options:
    description:
      - Options that the plugin gets, by name.
      - They are kept and shown as they are. Credentials belong in O(option_refs) or O(credential).
      - None when left out at creation. A new dictionary replaces the old one.
    type: dict
  option_refs:
    description:
      - Options that the plugin gets whose values are secrets, each a reference to one.
      - None when left out at creation. A new dictionary replaces the old one.
    type: dict
  term_template:
    description:
      - The term that the plugin gets. C({path}) in it stands for the path of a reference.
      - V({path}) when left out at creation.
    type: str
  auth_method:
    description:
      - How to log in. It may be left out.
      - V(none) gives the plugin what O(options) and O(option_refs) have.
      - V(credential) takes O(credential) and O(credential_option) too.
    type: str
    choices: [none, credential]
  credential:
    description:
      - A credential that the plugin gets as one of its options. It is kept as the secret C(<identifier>_credential).
      - Mutually exclusive with O(credential_ref).
    type: str
  credential_ref:
    description: A reference to a secret with O(credential).
    type: str
  credential_option:
    description: The name of the plugin's option that O(credential) is for.
    type: str
author: The scoped.secrets contributors (@scoped)
extends_documentation_fragment:
  - scoped.secrets.common
  - scoped.secrets.common.description
  - scoped.secrets.common.state
  - scoped.secrets.common.attributes
  - scoped.secrets.connector
seealso:
  - module: scoped.secrets.connector_check
  - module: scoped.secrets.default_secret_manager
  - name: The page of this secret manager
    description: Which plugins work, what their results become, limits, and what each error means.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/lookup.md
"""

EXAMPLES = r"""
- name: Declare the organization
  scoped.secrets.scope:
    org: payments

- name: Read variables of the environment of ansible-playbook
  scoped.secrets.connector_lookup:
    org: payments
    identifier: environment
    plugin: ansible.builtin.env

- name: Give one of them a name of its own
  scoped.secrets.secret_text:
    org: payments
    identifier: search_path
    secret_manager: environment
    reference: PATH

- name: Read what 1Password has, with a token that is kept here; not tried now, for this is declared from elsewhere
  scoped.secrets.connector_lookup:
    org: payments
    identifier: onepassword
    plugin: community.general.onepassword
    options:
      vault: Payments
      field: password
    credential: "{{ lookup('ansible.builtin.env', 'OP_SERVICE_ACCOUNT_TOKEN') }}"
    credential_option: service_account_token
    check: false

- name: Read a part of a password store; not tried now either
  scoped.secrets.connector_lookup:
    org: payments
    identifier: passwordstore
    plugin: community.general.passwordstore
    term_template: payments/{path}
    check: false
"""

RETURN = r"""
connector:
  description: The connector, without its credentials; what it was when it was removed.
  returned: success
  type: dict
  sample:
    identifier: onepassword
    org: payments
    project: ""
    kind: lookup
    name: onepassword
    description: ""
    tags: {}
    is_default: false
    secrets: 1
    options:
      plugin: community.general.onepassword
      options:
        vault: Payments
        field: password
      option_refs: {}
      term_template: "{path}"
      auth_method: credential
      credential_option: service_account_token
      credential_ref: onepassword_credential
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.lookup.lookup import Lookup

SPEC = connector_spec(Lookup)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
