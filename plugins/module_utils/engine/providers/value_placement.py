# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a secret manager keeps a value, and what is refused before anything is sent to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...managers import builtin, failures
from ...managers.base import Capability, Writing
from ...model.entities import Secret
from ...model.errors import Conflict, Damaged, Forbidden, InvalidInput
from ...model.scopes import ScopePath
from ..rows.scoped_connectors import ScopedConnector
from .access import Access
from .machine_credentials import REFUSED_HERE
from .providers import describe
from .value_paths import kept_path, own_path

__all__ = [
    "Placement",
    "check_referable",
    "check_removable",
    "is_kept_there",
    "path_for",
    "relabel",
    "remove_kept",
]

# Errors that leave a value at its manager if its removal is forced.
_LEFT_THERE = REFUSED_HERE | {"foreign_place", "foreign_secret", "not_supported", "read_only_manager"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a value is kept: in an envelope, or at a path of a value keeper, in the version that it returned."""

    path: str = ""
    at_provider: str = ""
    envelope: bytes = field(default=b"", repr=False)


def path_for(
    connector: ScopedConnector | None, scope: ScopePath, identifier: str, kind: str, value: bytes | None
) -> str:
    """Return the path of a new secret of a scope at a value keeper, empty for managers whose values the store keeps.

    Raises InvalidInput for a name, a kind or a value (None: not known yet) that the manager does not accept.
    """
    if connector is None:
        return ""
    _check_able(connector, Capability.WRITE, "write secrets")
    if kind == "file":
        _check_able(connector, Capability.FILES, "keep files")
    describe(connector).check_writing(value)
    return "" if connector.keeps_keys else own_path(connector, scope, identifier)


def _check_able(connector: ScopedConnector, capability: Capability, doing: str, hint: str = "") -> None:
    if capability not in connector.kind.CAPABILITIES:
        raise failures.not_able(connector.what, connector.kind.TITLE, doing, hint)


def is_kept_there(connector: ScopedConnector, secret: Secret) -> bool:
    """Tell whether a removed secret must be removed at its manager too, unlike references and values of the store."""
    return not (secret.is_reference or connector.row.is_removed or connector.keeps_keys)


def check_removable(connector: ScopedConnector | None, secret: Secret) -> None:
    """Raise InvalidInput if a secret's manager can't remove its value."""
    if connector and is_kept_there(connector, secret):
        hint = "Set 'force: true' to forget the secret here; its value stays there until somebody removes it."
        _check_able(connector, Capability.DELETE, "delete secrets", hint)
        describe(connector).check_writing(None)


def relabel(access: Access, connector: ScopedConnector, scope: ScopePath, secret: Secret, writing: Writing) -> None:
    """Bring description and tags of a secret up to date at its manager, with a warning if it takes no writing."""
    try:
        connector.check_open()
        describe(connector).check_writing(None)
    except (Forbidden, InvalidInput) as error:
        access.warnings.append(f"'{secret.path}' keeps its description and tags: {error.message}")
        return
    access.relabel(connector, kept_path(connector, scope, secret), writing)


def remove_kept(
    access: Access, connector: ScopedConnector, scope: ScopePath, secret: Secret, *, is_forced: bool
) -> None:
    """Remove the value of a secret of a scope at its manager, if it was written there.

    With `is_forced`, a value is left there with a warning if it can't be removed, if others took it over, or if the
    command that removes it may not run here.
    """
    if not is_kept_there(connector, secret):
        return
    try:
        check_removable(connector, secret)
        access.remove(connector, kept_path(connector, scope, secret), secret.scope_id)
    except (Conflict, Damaged, Forbidden, InvalidInput) as error:
        if not is_forced or error.code not in _LEFT_THERE:
            raise
        access.warnings.append(f"'{secret.path}' was left at {connector.what}: {error.message}")


def check_referable(connector: ScopedConnector | None) -> None:
    """Raise InvalidInput unless a manager can read secrets of others by their path."""
    if connector is None or Capability.READ_PATH not in connector.kind.CAPABILITIES:
        what, title = (
            (connector.what, connector.kind.TITLE) if connector else (builtin.NAME, "the built-in secret manager")
        )
        hint = "Set 'secret_manager' to a connector whose secrets can be read by path."
        raise failures.not_able(what, title, "read what others keep", hint)
