# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module and plugin shares. Their specs stand in module_utils/face/options.py and spec.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - cryptography>=44
  - psycopg[binary]>=3.2.1, for a store on PostgreSQL
options:
  org:
    description:
      - The identifier of the organization that is meant. Empty or left out means the account.
      - Falls back to the variable C(scoped_secrets_org), the environment variable E(SCOPED_SECRETS_ORG), and C(org) in
        section C([scoped_secrets]) of C(ansible.cfg). An empty string means none, whatever those say.
    type: str
  project:
    description:
      - The identifier of the project that is meant; needs O(org). Empty or left out means the organization itself.
      - Falls back to the variable C(scoped_secrets_project), the environment variable E(SCOPED_SECRETS_PROJECT), and
        C(project) in section C([scoped_secrets]) of C(ansible.cfg). An empty string means none, whatever those say.
    type: str
  store:
    description:
      - The URL of the store, C(sqlite:///PATH) with an absolute path, or C(postgresql://USER@HOST/DATABASE) with the
        options of libpq, which needs the Python library C(psycopg) and can be shared by several control nodes.
      - Falls back to the variable C(scoped_secrets_store), the environment variable E(SCOPED_SECRETS_STORE), C(store)
        in section C([scoped_secrets]) of C(ansible.cfg), and at last C(scoped_secrets/store.db) in the XDG data folder
        of the user (C(~/.local/share)).
    type: str
  root_key_file:
    description:
      - The path of the file with the root key of the store, 32 random bytes as base64, readable by its owner only.
      - Falls back to the variable C(scoped_secrets_root_key_file), the environment variable
        E(SCOPED_SECRETS_ROOT_KEY_FILE), C(root_key_file) in section C([scoped_secrets]) of C(ansible.cfg), and at last
        C(scoped_secrets/root.key) in the XDG configuration folder of the user (C(~/.config)).
      - It is created by itself only where neither it nor O(store) is set anywhere and no store exists yet.
    type: path
  root_key:
    description:
      - The root key itself, as base64. Falls back to the environment variable E(SCOPED_SECRETS_ROOT_KEY).
      - Used before O(passphrase) and O(root_key_file).
    type: str
  passphrase:
    description:
      - A passphrase that the root key is derived from (Argon2id). Falls back to the environment variable
        E(SCOPED_SECRETS_PASSPHRASE).
      - Used before O(root_key_file). A store keeps to the way it was created.
    type: str
  scope_key:
    description:
      - The key of one scope, as M(scoped.secrets.scope_key) exports it. It opens that scope and what lies below it, in
        place of any root key, which is then not needed.
      - Falls back to the environment variable E(SCOPED_SECRETS_SCOPE_KEY), unless O(scope_key_file) is given. An empty
        string means none.
      - Used before O(scope_key_file), O(root_key), O(passphrase) and O(root_key_file).
    type: str
  scope_key_file:
    description:
      - The path of a file with the key of one scope, readable by its owner only.
      - Falls back to the environment variable E(SCOPED_SECRETS_SCOPE_KEY_FILE) and C(scope_key_file) in section
        C([scoped_secrets]) of C(ansible.cfg), unless O(scope_key) is given.
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
      - Remove it although something else needs it. What that breaks is listed as a warning.
    type: bool
    default: false
"""

    DESCRIPTION = r"""
options:
  name:
    description:
      - A name for people. The identifier when left out at creation.
      - "Not allowed in it: C(~ ! @ # $ % ^ & * ' \" ? / < > , ;)"
    type: str
  description:
    description: What it is for.
    type: str
  tags:
    description:
      - Words with a value each. All of them are replaced; an empty dictionary removes them.
    type: dict
"""

    SECRET = r"""
options:
  identifier:
    description:
      - What references name it by. It never changes.
      - A letter or C(_), then letters, digits, C(_), C($) or C(-), 128 characters at most.
    type: str
    required: true
  update_value:
    description:
      - V(always) stores a new version whenever the value given differs from the current one.
      - V(on_create) sets the value once and leaves it alone from then on.
    type: str
    choices: [always, on_create]
    default: always
  expires:
    description:
      - A date or time (ISO 8601, UTC where it names no zone) from which the secret can no longer be read.
      - An empty string means that it never expires.
    type: str
  secret_manager:
    description:
      - Where a new secret is kept, a connector of the same scope or V(builtin). The scope's default one if left out.
      - A secret that exists stays where it is; naming another manager is refused.
    type: str
  reference:
    description:
      - Where a secret manager has the secret already, as C(path) or C(path#field), without the manager's own place (the
        mount, prefix or vault of the connector) before it.
      - Its value is read from there each time, never written, and left alone when this secret is removed.
    type: str
  adopt:
    description:
      - Take over a secret that is in the way at the secret manager and was not made by this connector. Its value is
        replaced, and it is removed with this secret.
    type: bool
    default: false
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict what would change without changing it.
    support: full
  diff_mode:
    description: Returns what changed, or would change, without any value.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: Where it runs. It always runs on the control node, unless the task is delegated.
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
    description: Returns what changed. It never changes anything.
    support: N/A
  platform:
    description: Where it runs. It always runs on the control node, unless the task is delegated.
    support: full
    platforms: posix
"""
