# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ssh asks during a login, and what it gets."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

__all__ = ["NO_ANSWERS", "Answers", "Asked"]


class Asked(Enum):
    """What ssh asked last, as far as that shows why a login failed."""

    NOTHING = "nothing"
    SECRET = "the secret, which it got"
    SECRET_AGAIN = "the secret again, so the host refused it"
    NEW_SECRET = "a new secret, so the one that it got has expired"
    OTHER_ACCOUNT = "the secret of another account"
    OTHER_QUESTION = "something that is not understood"

    @property
    def is_refused(self) -> bool:
        """Whether the question was not answered. That ends ssh."""
        return self not in (Asked.NOTHING, Asked.SECRET)


class Answers(NamedTuple):
    """The environment in which ssh gets the answers, and what it has asked so far."""

    environment: dict[str, str]
    asked: Callable[[], Asked]


NO_ANSWERS = Answers({}, lambda: Asked.NOTHING)
