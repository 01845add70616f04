# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small program beside this process, which cleans up as soon as this process is gone, however it ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from ..processes.programs import Process
from .programs import path_of, plain_environment

__all__ = ["Keeper", "keeper_of"]

# A program that was killed with us, or that we started and nobody ended, may still write a file into the folder.
_REMOVE = 'read -r _ || rm -rf -- "$0" || { sleep 1; rm -rf -- "$0"; }'


class Keeper:
    """Runs a command that cleans up when its input ends, and that does nothing when it reads a line before."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it. Raises OSError."""
        self._process = Process(
            command, environment=plain_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, folder="/"
        )
        if self._process.stdin:
            # A fork of ours, such as a worker, must not keep its input open.
            os.register_at_fork(after_in_child=self._process.stdin.close)

    def is_ready(self) -> bool:
        """Wait until the command says `ready`; return whether it did."""
        return self._process.stdout is not None and self._process.stdout.readline() == b"ready\n"

    def dismiss(self) -> None:
        """Send it a line, and wait for its end."""
        self._process.communicate(b"end\n")


def keeper_of(folder: str) -> Keeper:
    """Return a keeper that removes a folder. Raises MissingLibrary or OSError."""
    return Keeper([path_of("sh"), "-c", _REMOVE, folder])
