# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a value gets to the secret manager that keeps it, and what may be refused before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from ..managers import failures
from ..managers.base import Capability, ValueKeeper
from ..model.entities import Secret
from ..model.errors import InvalidInput
from .access import Access
from .managers import Keeper
from .providers import describe

__all__ = ["Keeping", "check_referable", "path_for", "remove_kept", "split_reference"]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a value is now: in an envelope, or at a path of a value keeper in the version that it gave."""

    path: str = ""
    at_provider: str = ""
    envelope: bytes = field(default=b"", repr=False)


def path_for(keeper: Keeper | None, identifier: str, value: bytes | None) -> str:
    """Return the path of a new secret at a value keeper, empty for managers whose values the store keeps.

    Raise InvalidInput for a name or a value (None: not known yet) that the manager does not take.
    """
    if keeper is None:
        return ""
    manager = describe(keeper)
    if Capability.WRITE not in manager.CAPABILITIES:
        raise failures.not_able(keeper.what, manager.TITLE, "write secrets")
    if value is not None and len(value) > manager.MAX_VALUE:
        raise failures.too_large(keeper.what, len(value), manager.MAX_VALUE)
    return "" if keeper.keeps_keys else cast(ValueKeeper, manager).path_of(identifier)


def remove_kept(access: Access, keeper: Keeper | None, secret: Secret) -> None:
    """Remove at its manager what was written there for a secret: nothing for references and values of the store."""
    if keeper and not (secret.is_reference or keeper.keeps_keys or keeper.connector.is_removed):
        access.remove(keeper, secret.path)


def check_referable(keeper: Keeper | None, what: str) -> None:
    """Raise InvalidInput unless a manager has secrets of its own that can be referred to."""
    if keeper is None or Capability.READ_PATH not in keeper.kind.CAPABILITIES:
        raise InvalidInput(
            "reference_not_possible",
            f"The {what} can't be a reference: {keeper.what if keeper else 'the built-in secret manager'} has no "
            "secrets besides those declared here.",
            hint="Name a connector with 'secret_manager' whose secrets can be read by path.",
        )


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
