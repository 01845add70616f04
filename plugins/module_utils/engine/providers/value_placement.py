# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a value gets to the secret manager that keeps it, and what may be refused before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from ...managers import builtin, failures
from ...managers.base import Capability, ValueKeeper
from ...model.entities import Secret
from ...model.errors import Conflict, InvalidInput
from ..rows.scoped_connectors import Keeper
from .access import Access
from .providers import describe

__all__ = [
    "Placement",
    "check_referable",
    "check_removable",
    "is_kept_there",
    "path_for",
    "remove_kept",
    "split_reference",
]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a value is now: in an envelope, or at a path of a value keeper in the version that it gave."""

    path: str = ""
    at_provider: str = ""
    envelope: bytes = field(default=b"", repr=False)


def path_for(keeper: Keeper | None, identifier: str, kind: str, value: bytes | None) -> str:
    """Return the path of a new secret at a value keeper, empty for managers whose values the store keeps.

    Raise InvalidInput for a name, a kind or a value (None: not known yet) that the manager does not take.
    """
    if keeper is None:
        return ""
    _check_able(keeper, Capability.WRITE, "write secrets")
    if kind == "file":
        _check_able(keeper, Capability.FILES, "keep files")
    manager = describe(keeper)
    manager.check_writing(value)
    return "" if keeper.keeps_keys else cast(ValueKeeper, manager).path_of(identifier)


def _check_able(keeper: Keeper, capability: Capability, doing: str, hint: str = "") -> None:
    if capability not in keeper.kind.CAPABILITIES:
        raise failures.not_able(keeper.what, keeper.kind.TITLE, doing, hint)


def is_kept_there(keeper: Keeper, secret: Secret) -> bool:
    """Tell whether a secret that goes is to be removed at its manager: no references, no values of the store."""
    return not (secret.is_reference or keeper.connector.is_removed or keeper.keeps_keys)


def check_removable(keeper: Keeper | None, secret: Secret) -> None:
    """Raise InvalidInput if what was written for a secret can't be removed by its manager."""
    if keeper and is_kept_there(keeper, secret):
        hint = "Set 'force: true': the secret is forgotten here, and its value stays there for others to remove."
        _check_able(keeper, Capability.DELETE, "delete secrets", hint)
        describe(keeper).check_writing(None)


def remove_kept(access: Access, keeper: Keeper, secret: Secret, *, is_forced: bool) -> None:
    """Remove at its manager what was written there for a secret, if anything was.

    With `is_forced` what can't be removed, or is somebody else's by now, is left there with a warning.
    """
    if not is_kept_there(keeper, secret):
        return
    try:
        check_removable(keeper, secret)
        access.remove(keeper, secret.path)
    except (Conflict, InvalidInput) as error:
        if not is_forced or error.code not in ("foreign_secret", "not_supported", "read_only_manager"):
            raise
        access.warnings.append(f"'{secret.path}' was left at {keeper.what}: {error.message}")


def check_referable(keeper: Keeper | None) -> None:
    """Raise InvalidInput unless a manager has secrets of its own that can be referred to."""
    if keeper is None or Capability.READ_PATH not in keeper.kind.CAPABILITIES:
        what, title = (keeper.what, keeper.kind.TITLE) if keeper else (builtin.NAME, "the built-in secret manager")
        hint = "Name a connector with 'secret_manager' whose secrets can be read by path."
        raise failures.not_able(what, title, "read what others keep", hint)


def split_reference(text: str) -> tuple[str, str]:
    """Return path and field of `reference` as typed; raise InvalidInput."""
    path, hash_sign, key = text.partition("#")
    if not path.strip("/") or (hash_sign and not key):
        raise InvalidInput(
            "invalid_reference_path",
            f"{text[:200]!r} is no path at a secret manager.",
            hint="Write path or path#field, without the manager's own place before it.",
        )
    return path, key
