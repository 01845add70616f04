# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many processes that write to one store at once, and what must be in it then."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

if TYPE_CHECKING:
    from servers.hosts import Host

__all__ = ["SCOPE", "SHARED", "Writers", "Written", "audited", "check_kept", "declare_scope"]

SCOPE = {"org": "payments", "project": "api"}
SHARED = "shared"
WRITER = Path(__file__).with_name("writer.py")

Written = tuple[str, str, int]


class Writers:
    """Processes that are ready to write, on this machine or on hosts by turns."""

    def __init__(self, settings: Settings, count: int, writes: int, hosts: Sequence[Host] = ()) -> None:
        self._processes = []
        for number in range(count):
            host = hosts[number % len(hosts)] if hosts else None
            process = subprocess.Popen(
                [*(host.under if host else ()), sys.executable, str(WRITER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._processes.append(process)
            own = settings
            if host:
                there = settings.store.replace("127.0.0.1", host.gateway)
                own = settings._replace(store=there, allow_plain_postgresql=True)
            self._tell(process, json.dumps({"settings": own, "name": f"w{number}", "writes": writes}))
        for process in self._processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"

    def _tell(self, process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def begin(self) -> None:
        for process in self._processes:
            self._tell(process, "go")

    def kill(self) -> None:
        """End all at once, wherever they are."""
        for process in self._processes:
            process.kill()

    def acknowledged(self, *, rc: int = 0) -> list[Written]:
        """Wait for the end of all; return what was acknowledged. None may fail."""
        written: list[Written] = []
        for process in self._processes:
            output, errors = process.communicate()
            assert process.returncode == rc, errors
            # The last line of one that was killed may be cut off.
            written += [tuple(json.loads(line)) for line in output.splitlines(keepends=True) if line.endswith("\n")]
        return written


def declare_scope(settings: Settings) -> Engine:
    """Make the store and the project that all write to."""
    engine = Engine(settings)
    engine.handle(Request("scope", {"org": SCOPE["org"]}))
    engine.handle(Request("scope", SCOPE))
    return engine


def audited(engine: Engine) -> Counter[tuple[str, int]]:
    """Return how many records say that a version of a secret was written. The chain must be intact."""
    found: Counter[tuple[str, int]] = Counter()
    page: dict[str, Any] = {"next": 0}
    while page["next"] is not None:
        params = {**SCOPE, "after": page["next"], "limit": 500, "actions": ["create", "update"], "verify": True}
        page = engine.handle(Request("audit_info", params)).returned
        found.update((one["identifier"], int(one["version"])) for one in page["events"] if one["kind"] == "secret")
    return found


def check_kept(engine: Engine, written: list[Written]) -> None:
    """Fail unless each write that was acknowledged is there, once, with its value, and nothing else is."""
    shared = {version: label for label, identifier, version in written if identifier == SHARED}
    others = Counter(identifier for _label, identifier, _version in written if identifier != SHARED)
    assert sorted(shared) == list(range(1, len(written) - others.total() + 1))
    assert set(others.values()) <= {1}
    listed = engine.handle(Request("secret_info", SCOPE)).returned["secrets"]
    assert {secret["identifier"]: secret["version"] for secret in listed} == {SHARED: len(shared), **others}
    queries = {f"{SHARED}@{version}": label for version, label in shared.items()} | {name: name for name in others}
    answers = engine.resolve([Query(reference, **SCOPE) for reference in queries])
    assert [answer.value.decode() for answer in answers] == list(queries.values())
    assert audited(engine) == Counter((identifier, version) for _label, identifier, version in written)
