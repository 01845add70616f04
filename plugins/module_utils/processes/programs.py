# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the programs that this collection runs: the broker, ssh, kinit and programs of users."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

__all__ = ["Process"]


class Process(subprocess.Popen[bytes]):
    """A program in a session of its own: it has no terminal to prompt on, and can be killed with all its children.

    Its error output may contain a secret, so it is discarded unless the caller captures it, who must not show it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        stdin: int,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        folder: str | None = None,
        inherited: Sequence[int] = (),
    ) -> None:
        """Start it. It inherits no open descriptors but `inherited`. Raises OSError or ValueError."""
        super().__init__(
            list(command),
            env=dict(environment),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            pass_fds=inherited,
            start_new_session=True,
        )

    def kill_all(self) -> None:
        """Kill it with all its children and wait for it. Does nothing if it was already waited for."""
        if self.returncode is None:
            # It leads its process group, whose id can't be reused before it is waited for.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait()
