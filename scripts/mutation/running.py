# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests against mutants, in copies of the tree."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .mutants import Mutant
from .selection import ROOT, UnitTests

__all__ = ["Copy", "FailingTests", "judge", "limit"]

_WORKER = Path(__file__).with_name("worker.py")
# Tests hang if they take this many times as long as without a mutant, and these seconds more: machines are busy.
_TIMES, _SECONDS = 3, 20
# A run without a mutant: no limit that matters.
_NO_LIMIT = 3600.0


class FailingTests(Exception):
    """Tests fail without a mutant. The message has what pytest says."""


class Copy:
    """A copy of the tree, and the process that runs tests in it."""

    def __init__(self, folder: Path, temporary: Path, root: Path = ROOT) -> None:
        self.folder = folder
        self._log = folder / ".work" / "log"
        self._temporary = temporary
        self._writes = 0
        _copy_tree(root, folder)
        self._process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder / ".work" / "tree"), "PYTHONHASHSEED": "0"}
        environment.pop("PYTEST_ADDOPTS", None)
        return subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def test(self, tests: Sequence[str], timeout: float) -> dict[str, Any]:
        """Return pytest's exit code (None if it hangs) and its seconds."""
        assert self._process.stdin
        assert self._process.stdout
        arguments = [f"--basetemp={self._temporary}", *tests]
        order = {"arguments": arguments, "timeout": timeout, "log": str(self._log)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The process that runs tests in {self.folder} has ended.")
        result: dict[str, Any] = json.loads(answer)
        return result

    def seconds(self, tests: Sequence[str]) -> float:
        """Return how long tests take without a mutant; raise FailingTests unless they pass."""
        result = self.test(tests, _NO_LIMIT)
        if result["code"] != 0:
            said = self._log.read_text(encoding="utf-8", errors="replace")
            raise FailingTests(f"Tests fail without a mutant:\n{said[-5000:]}")
        return float(result["seconds"])

    @contextlib.contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """Have a mutant in the copy meanwhile."""
        file = self.folder / "plugins" / mutant.file
        original, modified = file.read_bytes(), file.stat().st_mtime
        self._writes += 1
        try:
            file.write_bytes(mutant.content)
            # Python takes bytecode for up to date if the time in whole seconds and the size of the source are the same.
            os.utime(file, (modified, modified + self._writes))
            yield
        finally:
            file.write_bytes(original)
            os.utime(file, (modified, modified))

    def close(self) -> None:
        """End the process. The copy stays."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def _copy_tree(root: Path, folder: Path) -> None:
    """Copy what git tracks or would add, and link the copy as an installed collection."""
    shutil.rmtree(folder, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
    link = folder / ".work" / "tree" / "ansible_collections" / "scoped" / "secrets"
    link.parent.mkdir(parents=True)
    link.symlink_to(folder)


def limit(seconds: float) -> float:
    """Return how long tests may take with a mutant, if they take `seconds` without one."""
    return seconds * _TIMES + _SECONDS


def judge(copy: Copy, mutant: Mutant, tests: UnitTests, timeout: float) -> str:
    """Return what becomes of a mutant: "killed", "hanging", or "survived"."""
    with copy.mutated(mutant):
        for selected in filter(None, tests):
            # Any code but 0 counts: a mutant may keep pytest from loading the tests, or end its process.
            if (code := copy.test(selected, timeout)["code"]) != 0:
                return "hanging" if code is None else "killed"
    return "survived"
