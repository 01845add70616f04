# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that modules and plugins share. Their specs are in module_utils/face/options.py and spec.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - cryptography>=44
  - psycopg[binary]>=3.2.1, for a store on PostgreSQL
options:
  org:
    description:
      - The identifier of the organization. Without one, the scope is the account.
      - Defaults to the variable C(scoped_secrets_org), the environment variable E(SCOPED_SECRETS_ORG), or C(org) in the
        section C([scoped_secrets]) of C(ansible.cfg), in this order. An empty string overrides them all.
    type: str
  project:
    description:
      - The identifier of the project. Requires O(org). Without one, the scope is the organization itself.
      - Defaults to the variable C(scoped_secrets_project), the environment variable E(SCOPED_SECRETS_PROJECT), or
        C(project) in the section C([scoped_secrets]) of C(ansible.cfg), in this order. An empty string overrides them
        all.
    type: str
  store:
    description:
      - The URL of the store, either C(sqlite:///PATH) with an absolute path, or C(postgresql://USER@HOST/DATABASE) with
        the options of libpq.
      - Several control nodes can share a store on PostgreSQL. It requires the Python library C(psycopg).
      - Defaults to the variable C(scoped_secrets_store), the environment variable E(SCOPED_SECRETS_STORE), C(store) in
        the section C([scoped_secrets]) of C(ansible.cfg), or C(scoped_secrets/store.db) in your XDG data folder
        (C(~/.local/share)), in this order.
    type: str
  root_key_file:
    description:
      - The path of the file with the store's root key, 32 random bytes in base64. It must belong to the user who runs
        Ansible, and no one else may have access to it.
      - Defaults to the variable C(scoped_secrets_root_key_file), the environment variable
        E(SCOPED_SECRETS_ROOT_KEY_FILE), C(root_key_file) in the section C([scoped_secrets]) of C(ansible.cfg), or
        C(scoped_secrets/root.key) in your XDG configuration folder (C(~/.config)), in this order.
      - For a new store, the key is created automatically, but only if this file and O(store) both have their default
        paths.
    type: path
  root_key:
    description:
      - The root key itself, in base64. Defaults to the environment variable E(SCOPED_SECRETS_ROOT_KEY).
      - Takes precedence over O(passphrase) and O(root_key_file).
    type: str
  passphrase:
    description:
      - A passphrase from which Argon2id derives the root key. Defaults to the environment variable
        E(SCOPED_SECRETS_PASSPHRASE).
      - Takes precedence over O(root_key_file). It opens only a store that is sealed with a passphrase.
    type: str
  scope_key:
    description:
      - The key of one scope, as M(scoped.secrets.scope_key) exports it. It opens that scope and the scopes below it.
        With it, you need no root key.
      - Defaults to the environment variable E(SCOPED_SECRETS_SCOPE_KEY), unless you set O(scope_key_file). An empty
        string means that there is no scope key.
      - Takes precedence over O(scope_key_file), O(root_key), O(passphrase) and O(root_key_file).
    type: str
  scope_key_file:
    description:
      - The path of a file with the key of one scope. It must belong to the user who runs Ansible, and no one else may
        have access to it.
      - Defaults to the environment variable E(SCOPED_SECRETS_SCOPE_KEY_FILE), or C(scope_key_file) in the section
        C([scoped_secrets]) of C(ansible.cfg), unless you set O(scope_key).
    type: path
"""

    STATE = r"""
options:
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - Remove it even if something else uses it. A warning lists what this breaks.
    type: bool
    default: false
"""

    DESCRIPTION = r"""
options:
  name:
    description:
      - A display name. Defaults to the identifier when it is created.
      - "It can't contain C(~ ! @ # $ % ^ & * ' \" ? / < > , ;)."
    type: str
  description:
    description: What it is for.
    type: str
  tags:
    description:
      - Key-value pairs. They replace all existing tags. An empty dictionary removes all tags.
    type: dict
"""

    SECRET = r"""
options:
  identifier:
    description:
      - The name that references use. It can't be changed.
      - It starts with a letter or C(_). Letters, digits, C(_), C($) and C(-) can follow. At most 128 characters.
    type: str
    required: true
  update_value:
    description:
      - V(always) stores a new version if the value differs from the current one.
      - V(on_create) sets the value only when the secret is created.
    type: str
    choices: [always, on_create]
    default: always
  expires:
    description:
      - The date or time from which the secret can no longer be read (ISO 8601, UTC unless it names a time zone).
      - An empty string means that it never expires.
    type: str
  secret_manager:
    description:
      - Where to keep a new secret, either a connector of the same scope or V(builtin). Defaults to the default secret
        manager of the scope.
      - An existing secret stays where it is. The task fails if you name another secret manager for it.
    type: str
  reference:
    description:
      - The path of an existing secret in the secret manager, as C(path[@version][#field]). Leave out what the connector
        already names, which is its mount, prefix or vault.
      - In the path, write C(%23), C(%40) and C(%25) for C(#), C(@) and C(%). With a version the secret always has the
        value of that version.
      - The value is read from there and never written. It stays there when you remove this secret.
    type: str
  adopt:
    description:
      - Take over a secret that is already at this place in the secret manager and was not made by this connector. Its
        value is overwritten, and it is removed together with this secret.
      - At HashiCorp Vault, one with more fields than a value is refused (C(fields_would_go)), unless O(drop_fields) is
        true.
    type: bool
    default: false
  drop_fields:
    description: With O(adopt), let the other fields of a secret at HashiCorp Vault go.
    type: bool
    default: false
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode). It predicts what would change and changes nothing.
    support: full
  diff_mode:
    description: Returns what changed or would change, without secret values.
    support: full
  idempotent:
    description: Running it again with the same options changes nothing.
    support: full
  platform:
    description: Runs on the control node, whatever hosts the play has, unless you delegate the task.
    support: full
    platforms: posix
"""

    INFO_ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode). It never changes anything.
    support: full
  diff_mode:
    description: Returns what changed or would change. It never changes anything.
    support: N/A
  platform:
    description: Runs on the control node, whatever hosts the play has, unless you delegate the task.
    support: full
    platforms: posix
"""
