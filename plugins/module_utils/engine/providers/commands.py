# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands of connectors may run here: one that another team wrote must not run with the keys of this run."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import Forbidden
from ..rows.scoped_connectors import ScopedConnector

__all__ = ["check_command"]


def check_command(connector: ScopedConnector, allowed: str) -> None:
    """Raise Forbidden if a connector has a command that may not run here.

    `allowed` is the setting `allowed_commands`. Without it, a command runs if all who could have written the connector
    hold the key in use or a higher one.
    """
    command = connector.kind.command(connector.row.options)
    if command is None:
        return
    if allowed:
        missing = [name for name in (command.name, *command.variables) if name not in allowed.split(",")]
        if missing:
            raise Forbidden(
                "command_not_allowed",
                f"The {connector.what} uses {', '.join(missing)}, which 'allowed_commands' does not list.",
                hint=_how_to_list(missing),
            )
    elif connector.handed_out:
        raise Forbidden(
            "command_not_allowed",
            f"The {connector.what} runs {command.name}. The key of {connector.handed_out} was handed out: its holders "
            "can choose what runs here, with your rights and your keys.",
            hint="Use the key of the connector's own scope. "
            + _how_to_list([command.name, *command.variables])
            + " From then on only what is listed runs, for all connectors and keys.",
        )


def _how_to_list(names: Sequence[str]) -> str:
    return (
        f"If {', '.join(names)} can do no harm on this machine, whatever the arguments and options are, add it to "
        "'allowed_commands', in the section [scoped_secrets] of ansible.cfg or in SCOPED_SECRETS_ALLOWED_COMMANDS. "
        "What reads any file, such as ansible.builtin.file, can read your keys; a shell can do everything."
    )
