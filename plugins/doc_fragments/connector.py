# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every connector module shares. Their spec stands in module_utils/face/connectors.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  identifier:
    description:
      - What secrets and references name the connector by. It never changes.
      - A letter or C(_), then letters, digits, C(_) or C($), 128 characters at most.
    type: str
    required: true
  auth_method:
    description:
      - How to log in. May be left out when the login options given belong to one login only.
      - Each credential is given as itself or, with C(_ref) after its name, as a reference to a text or file secret. One
        that is given as itself is kept as the secret C(<identifier>_<option>) in the default secret manager of the
        scope, in the built-in one where the default is this very connector.
      - Options that are left out stay as they are; those of another login replace the login.
    type: str
  use_as_default:
    description:
      - V(true) makes it the default secret manager of its scope, so that new secrets go to it. Secrets that exist stay
        where they are. V(false) makes the built-in one the default again, if this one is.
    type: bool
  check:
    description:
      - Log in and prove access, without reading a value or leaving anything, before a change is saved.
      - Not done in check mode.
    type: bool
    default: true
"""
