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
  - Declares any Ansible lookup plugin as a read-only secret manager. Its values then have a scope, are read once per
    run and are hidden in output.
  - A reference contains the plugin's term. The first result is the value; objects and lists become JSON.
  - The plugin does not run with a higher key than that of its scope once the scope's key was handed out, unless
    C(allowed_commands) lists it. That setting is read from C([scoped_secrets]) in C(ansible.cfg) or from
    E(SCOPED_SECRETS_ALLOWED_COMMANDS).
options:
  plugin:
    description:
      - The full name of the plugin, C(namespace.collection.plugin). Plugins of this collection are refused.
      - Required at creation. It can't change while the connector has secrets.
    type: str
  options:
    description:
      - Options for the plugin, by name.
      - They are stored and shown as they are. Put credentials into O(option_refs) or O(credential).
      - None when left out at creation. A new dictionary replaces the old one.
    type: dict
  option_refs:
    description:
      - Options for the plugin whose values are secrets, each given as a reference.
      - None when left out at creation. A new dictionary replaces the old one.
    type: dict
  term_template:
    description:
      - The term for the plugin, in which C({path}) stands for the path of the reference.
      - Except with V({path}) alone, a path can't leave the template. Parts that are empty, C(.) or C(..) and control
        characters are refused. For C(ansible.builtin.pipe) and C(ansible.builtin.lines), the path is quoted for the
        shell, so C({path}) must not be within quotes. The guide describes what holds for each plugin.
      - V({path}) when left out at creation.
    type: str
  auth_method:
    description:
      - How to log in. You can leave it out.
      - V(none) gives the plugin only O(options) and O(option_refs).
      - V(credential) also takes O(credential) and O(credential_option).
    type: str
    choices: [none, credential]
  credential:
    description:
      - A credential for the plugin, passed as one of its options. It is kept as the secret C(<identifier>_credential).
      - Mutually exclusive with O(credential_ref).
    type: str
  credential_ref:
    description: A reference to a secret that holds O(credential).
    type: str
  credential_option:
    description: The name of the plugin's option that takes O(credential).
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
  - name: The guide to this secret manager
    description: Which plugins work, how their results are converted, limits, and errors.
    link: https://github.com/scoped/secrets/blob/main/docs/managers/lookup.md
"""

EXAMPLES = r"""
- name: Declare the organization
  scoped.secrets.scope:
    org: payments

- name: Read environment variables of ansible-playbook
  scoped.secrets.connector_lookup:
    org: payments
    identifier: environment
    plugin: ansible.builtin.env

- name: Give one of them a name
  scoped.secrets.secret_text:
    org: payments
    identifier: search_path
    secret_manager: environment
    reference: PATH

- name: Read from 1Password with a service account's token, without checking it now
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

- name: Read part of a password store, without checking it now
  scoped.secrets.connector_lookup:
    org: payments
    identifier: passwordstore
    plugin: community.general.passwordstore
    term_template: payments/{path}
    check: false
"""

RETURN = r"""
connector:
  description: The connector without its credentials. After a removal, its last state.
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
proof:
  description:
    - How each right was proved, by C(read) and C(write), in the form that M(scoped.secrets.connector_check) returns.
  returned: if a check was made, so not if nothing changed
  type: dict
  sample:
    read: >-
      not proved: the plugin is installed, and nothing works for all plugins without reading a value
    write: >-
      not proved: the connector only reads
"""

from ..module_utils.face.connectors import connector_spec
from ..module_utils.face.module import run_module
from ..module_utils.managers.lookup.lookup import Lookup

SPEC = connector_spec(Lookup)


def main() -> None:
    run_module(SPEC)


if __name__ == "__main__":
    main()
