# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check of a connector is to prove, and the proof that it had."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..model.errors import Forbidden, InvalidInput, ScopedSecretsError

__all__ = ["PROBE", "READ", "WRITE", "AccessProof", "Aim", "Turn", "is_denied", "not_proved", "probe_name", "right_of"]

READ, WRITE = "read", "write"
PROBE = "scoped-secrets-check"
"""What the name of a secret that only a check writes begins with. It is its owner mark, too."""
_NOT_PROVED = "not proved"
_TRUE = frozenset({"true", "yes", "on", "y", "t", "1", "1.0"})
_FALSE = frozenset({"false", "no", "off", "n", "f", "0", "0.0"})


class Turn:
    """Lets one check of a connector write at a time, and remembers that one did."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_done = False


@dataclass(frozen=True)
class Aim:
    """What a check is to prove.

    `right` is READ or WRITE if the task names one; empty stands for what the connector is for. `may_write` is false in
    check mode. All checks of a connector in a run share their `turn`.
    """

    right: str = ""
    may_write: bool = True
    turn: Turn = field(default_factory=Turn)


@dataclass
class AccessProof:
    """How each right was proved, or why not. Empty until it is known."""

    read: str = ""
    write: str = ""

    @property
    def view(self) -> Mapping[str, str]:
        return {READ: self.read, WRITE: self.write}

    @property
    def has_writing(self) -> bool:
        return bool(self.write) and not self.write.startswith(_NOT_PROVED)

    def end(self, error: ScopedSecretsError) -> None:
        """Fill in that the rights whose proof is still missing were not proved because of this error."""
        why = not_proved(error.message)
        self.read, self.write = self.read or why, self.write or why


def not_proved(why: str) -> str:
    return f"{_NOT_PROVED}: {why}"


def is_denied(call: Callable[[], object]) -> bool:
    """Return whether the login lacks the right to make a call. Raises any other error."""
    try:
        call()
    except Forbidden as error:
        if error.code != "provider_denied":
            raise
        return True
    return False


def probe_name(what: str) -> str:
    """Return the name of the secret that checks of a connector write.

    It is always the same, so that a check finds what a killed one left.
    """
    return f"{PROBE}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"


def right_of(option: object) -> str | None:
    """Return the right that the option `check` names, empty for true, None for false. Raises InvalidInput."""
    text = str(option).strip().lower()
    if text in (READ, WRITE):
        return text
    if text in _TRUE or text in _FALSE:
        return "" if text in _TRUE else None
    raise InvalidInput(
        "invalid_option", "The option 'check' has an invalid value.", hint="Set it to true, false, read or write."
    )
