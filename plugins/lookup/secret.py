# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup. Every worker compiles this file anew: its documentation stands in secret.yml, what it does elsewhere."""

from __future__ import annotations

from ansible import constants as C

from ..module_utils import bytecode

bytecode.prefer()

from ..plugin_utils.secret_lookup import SecretLookup

# Otherwise ansible-core looks for options in the documentation of this file, which it has not, at each call.
C.config.initialize_plugin_configuration_definitions("lookup", __name__, {})


class LookupModule(SecretLookup):
    """Resolves references to text, or base64."""
