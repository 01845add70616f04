# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team's connectors and credentials may take from the machine that uses them.

Whoever chose what is taken also chose the server that it is sent to. So a file or an identity of this machine is used
for rows only that nobody with a lower key could have written, unless this machine lists it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...model.errors import Forbidden
from ...model.scopes import ScopePath
from ..rows.scoped_connectors import ScopedConnector

__all__ = ["REFUSED_HERE", "check_connector_takes", "check_credential_takes"]

REFUSED_HERE = frozenset({"command_not_allowed", "machine_credential_not_allowed", "not_shared"})
"""The errors of connectors that others could have written, and that are not used on this machine for that reason."""

# Options of credentials for hosts that name a file of the control node.
_FILES = ("private_key_path", "keytab_path", "krb5_config")


def check_connector_takes(
    connector: ScopedConnector, allowed: str, credentials: Mapping[str, str] | None = None
) -> None:
    """Raise Forbidden if a connector would take something from this machine that it may not.

    `allowed` is the setting `allowed_credentials`; `credentials` are the connector's own, once they are known.
    """
    if connector.handed_out:
        taken = connector.kind.taken_from_machine(connector.row.options, credentials or {})
        _check(f"The {connector.what}", connector.handed_out, taken, allowed)


def check_credential_takes(what: str, handed_out: ScopePath | None, settings: Mapping[str, Any], allowed: str) -> None:
    """Raise Forbidden if a credential for hosts names a file of this machine that it may not use.

    `what` begins a sentence. `handed_out` is a scope through which people without the key in use can write it.
    """
    if handed_out:
        paths = [str(settings[name]) for name in _FILES if settings.get(name)]
        taken = [os.path.normpath(os.path.expanduser(path)) for path in paths]
        _check(what, handed_out, {path: path for path in taken}, allowed)


def _check(what: str, handed_out: ScopePath, taken: Mapping[str, str], allowed: str) -> None:
    missing = [shown for name, shown in taken.items() if name not in allowed.split(",")]
    if missing:
        raise Forbidden(
            "machine_credential_not_allowed",
            f"{what} uses {', '.join(missing)} of this machine. The key of {handed_out} was handed out: its holders "
            "can choose what is used here, and where it is sent.",
            hint=f"Use the key of its own scope. If {', '.join(missing)} may be sent to any server that those people "
            "name, add it to 'allowed_credentials', in the section [scoped_secrets] of ansible.cfg or in "
            "SCOPED_SECRETS_ALLOWED_CREDENTIALS.",
        )
