# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that this collection starts: the broker of a run, ssh and kinit, programs of its users."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

__all__ = ["Process"]


class Process(subprocess.Popen[bytes]):
    """Runs in a session of its own, so that it has no terminal to ask at and can be killed with all that it started.

    What it complains about may hold a value: nobody hears it, except who asks for it and tells nobody.
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
        """Start it, with the `inherited` descriptors open and no others; raise OSError, ValueError."""
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
        """Kill it and all that it started, and wait for it; nothing happens when it was waited for before."""
        if self.returncode is None:
            # It leads a group, whose number is still its own until it is waited for.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait()
