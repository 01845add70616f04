# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R2 for archives of the audit: killed at each statement and each call that changes a file, no record is ever lost."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from crashing import Call, KillAtFileCall, KillAtStatement, count_statements, declare, run_and_kill

ORG = {"org": "payments"}
WRITES = 6


class Store:
    """A store with audit records, and the archives that runs leave beside it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.settings = Settings(url, "/none", root_key=base64.b64encode(os.urandom(32)).decode())
        self._folder = folder
        folder.mkdir()
        declare(self.engine, Call("scope", ORG))
        self.archives: list[Path] = []

    @property
    def engine(self) -> Engine:
        """A new one, as the next run has it."""
        return Engine(self.settings)

    def write(self) -> None:
        engine = self.engine
        for _time in range(WRITES):
            value = os.urandom(8).hex().encode()
            declare(engine, Call("secret_text", {**ORG, "identifier": "text", "value": value}))

    def next_archive(self) -> Call:
        self.archives.append(self._folder / f"{len(self.archives)}.jsonl")
        return Call("audit_archive", {**ORG, "dest": str(self.archives[-1]), "before": "2999-01-01"})

    def records(self) -> list[str]:
        """Return the MACs of all records, archived or not, in their order. Fail if the rest does not prove them."""
        engine = self.engine
        (chain,) = declare(engine, Call("audit_info", {**ORG, "verify_all": True})).returned["chains"]
        begun = [path for path in self.archives if path.exists() and _lines(path)[0]["last"] <= chain["archived"]]
        params = {"verify_all": True, "archives": [str(path) for path in begun], "limit": 10_000}
        shown = declare(engine, Call("audit_info", {**ORG, **params})).returned
        (chain,) = shown["chains"]
        assert chain["verified_from"] == 1
        macs = [line["mac"] for path in begun for line in _lines(path)[1:]] + [one["mac"] for one in shown["events"]]
        assert len(macs) == chain["last"] == chain["verified"]
        return macs

    def drafts(self) -> list[str]:
        return [path.name for path in self._folder.iterdir() if path.name.startswith(".")]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store(f"sqlite:///{tmp_path}/store/store.db", tmp_path / "archives")
    return Store(request.getfixturevalue("postgresql").new_store(), tmp_path / "archives")


def statements_of(store: Store, call: Call) -> int:
    """Return how many statements a call makes, by making it."""
    numbers: list[int] = [0]
    end = count_statements(lambda number, _is_done: numbers.append(number))
    try:
        declare(store.engine, call)
    finally:
        end()
    return max(numbers)


def check_and_go_on(store: Store, call: Call, before: list[str], at: object) -> None:
    """Fail if a record was lost, or if the next run does not finish what was begun."""
    left = store.records()
    assert left[: len(before)] == before, at
    assert declare(store.engine, call).returned["checkpoint"]["sequence"] >= len(before), at
    found = store.records()
    assert found[: len(left)] == left, at
    assert store.drafts() == [], at


def test_killed_at_every_statement(store: Store) -> None:
    store.write()
    length = statements_of(store, store.next_archive())
    kills = 0
    for number in range(1, length + 1):
        for is_after in (False, True):
            store.write()
            before = store.records()
            call = store.next_archive()
            kills += run_and_kill(store.settings, call, at=KillAtStatement(number, is_after))
            check_and_go_on(store, call, before, (number, is_after))
    assert kills > length
    print(f"killed {kills} times, at one of {length} statements")


@pytest.mark.parametrize("function", ["fsync", "link"])
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_killed_at_a_call_that_changes_a_file(store: Store, function: str, is_after: bool) -> None:
    store.write()
    before, call = store.records(), store.next_archive()
    assert run_and_kill(store.settings, call, at=KillAtFileCall(function, is_after))
    # Whether the file is there or not, the store has all: it is removed only once the file is on the disk.
    assert store.records() == before
    assert store.archives[-1].exists() == (function == "link" and is_after)
    check_and_go_on(store, call, before, function)
