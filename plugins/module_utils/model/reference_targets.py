# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret refers to at its secret manager, as the option `reference` writes it: path[@version][#field]."""

from __future__ import annotations

from typing import NamedTuple

from .entities import Secret
from .errors import InvalidInput
from .references import parse_path, written_path

__all__ = ["Target"]


class Target(NamedTuple):
    """What a secret refers to at its secret manager. Without a version it is the newest one."""

    path: str
    key: str = ""
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Target:
        """Parse the option `reference`; raise InvalidInput."""
        head, hash_sign, key = text.partition("#")
        try:
            path, version = parse_path(head)
        except ValueError as error:
            raise _invalid_path(text, f": {error}") from None
        if not path.strip("/") or (hash_sign and not key):
            raise _invalid_path(text)
        return cls(path, key, version)

    @classmethod
    def of(cls, secret: Secret) -> Target:
        return cls(secret.path, secret.reference_key, secret.options.get("version", ""))

    def __str__(self) -> str:
        key = f"#{self.key}" if self.key else ""
        return f"{written_path(self.path, self.version)}{key}"


def _invalid_path(text: str, why: str = "") -> InvalidInput:
    return InvalidInput(
        "invalid_reference_path",
        f"{text[:200]!r} is not a path at a secret manager{why}.",
        hint="Write path[@version][#field], without the manager's own location (mount, region) before it, and with "
        "%23, %40 and %25 for # @ % in the path.",
    )
