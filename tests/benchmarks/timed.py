# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command and write down what it took, with all that it started: also what went on by itself, as a broker does.

Usage: timed.py RECORD COMMAND [ARGUMENT …]    (the command's exit code becomes this one's)

Linux only: processes whose parents have ended become children of this one, which waits for them.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
INTERVAL = 0.02  # seconds


class Watch(threading.Thread):
    """Notes the most memory that processes took which outlived their parents. Their status is gone once they end."""

    def __init__(self, command: int) -> None:
        super().__init__(daemon=True)
        self._command = command
        self._children = Path(f"/proc/self/task/{os.getpid()}/children")
        self.kilobytes: dict[int, int] = {}

    def run(self) -> None:
        while True:
            for pid in map(int, self._children.read_text().split()):
                if pid != self._command:
                    with contextlib.suppress(OSError):
                        self._look(pid)
            time.sleep(INTERVAL)

    def _look(self, pid: int) -> None:
        # proc(5): VmHWM is the most that was ever resident. A process that has ended has none.
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                self.kilobytes[pid] = int(line.split()[1])


def main() -> None:
    record, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    watch = Watch(pid)
    watch.start()
    taken, code = _wait_for_all(pid, started)
    if watch.kilobytes:
        taken["memory"] = max(watch.kilobytes.values()) / 1024
    Path(record).write_text(json.dumps(taken), encoding="utf-8")
    sys.exit(code)


def _wait_for_all(command: int, started: float) -> tuple[dict[str, float], int]:
    """Return seconds until the command ended, of CPU in all processes, and until the last one ended; its exit code."""
    wall, cpu, ended, code = 0.0, 0.0, 0.0, 0
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status, usage = os.wait4(-1, 0)
            ended = time.monotonic() - started
            cpu += usage.ru_utime + usage.ru_stime
            if pid == command:
                wall, code = ended, os.waitstatus_to_exitcode(status)
    return {"wall": wall, "CPU": cpu, "lingered": ended - wall}, code


if __name__ == "__main__":
    main()
