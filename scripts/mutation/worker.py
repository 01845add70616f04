# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests in a copy of the tree, as often as it is asked to. Each run is a fork of this process.

So pytest and the libraries that most tests need are imported only once, and none of our own code is. Orders come as
lines of JSON on standard input, and results go the same way to standard output. The current folder is the copy.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

# What most of the tests import, besides our own code.
_LIBRARIES = (
    "pytest",
    "_hypothesis_pytestplugin",
    "hypothesis.strategies",
    "yaml",
    "sqlite3",
    "cryptography.hazmat.primitives.asymmetric.x25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.argon2",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.serialization",
)
# Stop at the first failure. The same examples each time: whether a mutant survives must not depend on luck.
_PYTEST = ["-x", "-q", "--no-header", "--hypothesis-seed=0", "-p", "no:xdist"]
# Bytes of memory, and of a file: a mutant may loop.
_LIMITS = {resource.RLIMIT_AS: 4 << 30, resource.RLIMIT_FSIZE: 256 << 20}


class Quick:
    """A pytest plugin: examples that fail are neither simplified nor remembered."""

    def pytest_sessionstart(self) -> None:
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", settings.default, phases=phases, database=None)
        settings.load_profile("mutants")


def run(arguments: list[str], timeout: float, log: str) -> dict[str, Any]:
    """Return pytest's exit code (None after `timeout` seconds), and how many seconds it took."""
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _test(arguments, log)
    try:
        code = _wait(child, begun + timeout)
    finally:
        _kill(child)
    return {"code": code, "seconds": time.monotonic() - begun}


def _test(arguments: list[str], log: str) -> None:
    """Run pytest in this process, which is a fork, and end it."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for limit, size in _LIMITS.items():
            resource.setrlimit(limit, (size, size))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        os.dup2(1, 2)
        code = int(import_module("pytest").main([*_PYTEST, *arguments], plugins=[Quick()]))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _wait(child: int, until: float) -> int | None:
    """Return a child's exit code, or None if it still runs at `until`."""
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    return None


def _kill(child: int) -> None:
    """Kill what is left of a run: the child itself, and processes that its tests started."""
    try:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def main() -> None:
    for library in _LIBRARIES:
        import_module(library)
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    assert Path("pyproject.toml").exists(), "run this in a copy of the tree"
    main()
