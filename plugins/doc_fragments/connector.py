# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that all connector modules share. Their spec is in module_utils/face/connectors.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  identifier:
    description:
      - The name that secrets and references use for the connector. It can't be changed.
      - It starts with a letter or C(_). Letters, digits, C(_) and C($) can follow. At most 128 characters.
    type: str
    required: true
  auth_method:
    description:
      - How to log in. You can leave it out if the login options belong to one method only.
      - Pass each credential directly, or append C(_ref) to the name of its option and pass a reference to a text or
        file secret.
      - A credential that you pass directly is stored as the secret C(<identifier>_<option>) in the default secret
        manager of the scope. If this connector is the default, it is stored in the built-in one.
      - Options that you leave out keep their values. Options of another login method replace the current login.
      - Once the key of the scope was handed out, files of this machine and identities that it has (such as a token
        file, a certificate by path or an instance role) are not used with a higher key, unless the setting
        C(allowed_credentials) in C([scoped_secrets]) of C(ansible.cfg) lists them.
    type: str
  use_as_default:
    description:
      - V(true) makes the connector the default secret manager of its scope. New secrets go there, and existing ones
        stay where they are.
      - V(false) makes the built-in secret manager the default again if this connector is the default.
    type: bool
  check:
    description:
      - Whether to log in and check the permissions before a change is saved. The check reads no value and leaves
        nothing behind.
      - V(true) proves what the connector is for. That is reading and writing, but only reading for one that is
        C(read_only) or of a kind that never writes. V(read) proves reading, for a login that can only read. V(write)
        proves writing, too, and warns if that can't be proved.
      - M(scoped.secrets.connector_check) says how writing is proved.
      - Skipped in check mode.
    type: raw
    default: true
"""

    PATH_TEMPLATE = r"""
options:
  path_template:
    description:
      - The place of a secret's value, with C({org}), C({project}) and C({identifier}). Parts are separated by C(/). A
        part whose field is empty is left out.
      - When left out at creation, secrets of the connector's own scope are at C({identifier}), and those of scopes
        below that use it are at C({org}/{project}/{identifier}), so that no scope reaches the values of another.
      - It names whatever differs between the scopes that can use the connector, each in a part of its own. Besides
        that, a part has letters, digits, C(_) and C(-), and starts with a letter, C(_) or a field.
      - Names at Azure Key Vault and Google Secret Manager can't contain C(/). The guides say what stands there instead.
      - It can't change while the connector keeps secrets.
    type: str
"""
