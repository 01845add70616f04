# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fuzzed: a parser that gets arbitrary bytes, and what it may do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

__all__ = ["Target", "text_of"]


class Target(NamedTuple):
    """A parser. `seeds` are inputs that it takes, to begin with; `read` parses one, and checks what came out."""

    name: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], object]

    def run(self, data: bytes) -> None:
        """Parse: an error that is none of ours is raised, and so is one of ours that stands for such a one."""
        try:
            self.read(data)
        except ScopedSecretsError as error:
            if error.code == "internal_error" or not (error.code and str(error)):
                raise AssertionError(f"an error that tells nothing: {error!r}") from error


def text_of(data: bytes) -> str:
    """Return any text that JSON or YAML can bring, lone surrogates among them."""
    return data.decode("utf-8", "surrogateescape")
