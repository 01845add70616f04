# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random mixes of old rows against random histories: a read gives what was written last, or an error that says so.

The machine has seen the last state, since a scope of which all was put back proves itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.attack.attacker import KEYS, Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, holding

ORG = {"org": "o"}
SCOPES: tuple[dict[str, str], ...] = ({}, ORG, {**ORG, "project": "p"}, {**ORG, "project": "q"})
LETTERS = "abc"
# Names differ, since all connectors here lead to one provider.
NAMES = {number: [f"{letter}{number}" for letter in LETTERS] for number in range(len(SCOPES))}
READS = [
    (name, scope)
    for number, scope in enumerate(SCOPES)
    for name in (*NAMES[number], *(f"{one}@1" for one in NAMES[number]))
]
SHARED = [(f"org.{name}", SCOPES[2]) for name in NAMES[1]]
# Rows that belong together, so that whole things are put back too.
WITH = {"secret": ("secret_version", "id", "secret_id"), "scope": ("scope_key", "id", "scope_id")}
STEPS = 14


class History:
    """Declares at random, and looks at the rows in between."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.random = random.Random(seed)
        self.attacker = Attacker(settings)
        self._engine = Engine(settings)
        self._count = 0

    def write(self) -> None:
        for scope in SCOPES[1:]:
            declare(self._engine, "scope", **scope)
        for scope in SCOPES:
            declare(self._engine, "connector_memory_vault", **scope, identifier="vault", token="good")
            for letter in LETTERS:
                self._declare(scope, letter)
        for number in range(STEPS):
            self.attacker.look(str(number))
            with suppress(ScopedSecretsError):
                self._step()
        self.attacker.look("last")

    def _step(self) -> None:
        scope, letter = self.random.choice(SCOPES), self.random.choice(LETTERS)
        name, of_org = _name(scope, letter), _name(ORG, letter)
        steps: list[Callable[[], object]] = [
            *[lambda: self._declare(scope, letter)] * 3,
            lambda: declare(self._engine, "secret_text", **scope, identifier=name, state="absent", force=True),
            lambda: declare(self._engine, "secret_share", **ORG, identifier=of_org, to_project="p"),
            lambda: declare(self._engine, "secret_share", **ORG, identifier=of_org, to_project="p", state="absent"),
            lambda: declare(self._engine, "key_rotation", **scope, target="scope"),
            lambda: self._begin_rotation(scope),
            lambda: declare(self._engine, "default_secret_manager", **scope, secret_manager="vault"),
            lambda: declare(self._engine, "scope", **SCOPES[3], state="absent", force=True),
            lambda: declare(self._engine, "scope", **SCOPES[3]),
        ]
        self.random.choice(steps)()

    def _begin_rotation(self, scope: dict[str, str]) -> None:
        """Make the next generation of a key, as a rotation does that is killed before it moves anything."""
        path = ScopePath(**scope)
        self._engine.write(lambda session: session.keyring.renew(session.tx, session.chain(path)), path)

    def _declare(self, scope: dict[str, str], letter: str) -> None:
        self._count += 1
        name = _name(scope, letter)
        manager = self.random.choice(["builtin", "vault"])
        value = b"value %d" % self._count
        declare(self._engine, "secret_text", **scope, identifier=name, value=value, secret_manager=manager)

    def tamper(self) -> None:
        """Put some rows back, of one moment or of several, or remove some."""
        moments = [self.random.choice(range(STEPS)) for _moment in range(self.random.choice([1, 1, 2]))]
        for _row in range(self.random.choice([1, 1, 2, 4, 8])):
            moment = str(self.random.choice(moments))
            old = {table: self._old(moment, table) for table in KEYS if not table.startswith("audit")}
            tables = [table for table, rows in old.items() if rows]
            if tables:
                table = self.random.choice(tables)
                with suppress(Exception):  # What the database itself does not allow.
                    self._put(moment, table, self.random.choice(old[table]))

    def _old(self, moment: str, table: str) -> list[dict[str, Any]]:
        """Return the rows of a moment that were changed or removed since."""
        last = self.attacker.taken("last", table)
        return [row for row in self.attacker.taken(moment, table) if row not in last]

    def _put(self, moment: str, table: str, row: dict[str, Any]) -> None:
        if self.random.random() < 0.15:
            self.attacker.remove(table, **{name: row[name] for name in KEYS[table]})
            return
        if table in WITH and self.random.random() < 0.5:
            other, own, column = WITH[table]
            self.attacker.put_over(moment, table, **{name: row[name] for name in KEYS[table]})
            self.attacker.put_over(moment, other, **{column: row[own]})
            return
        self.attacker.put_over(moment, table, **{name: row[name] for name in KEYS[table]})


def _name(scope: dict[str, str], letter: str) -> str:
    return NAMES[SCOPES.index(scope)][LETTERS.index(letter)]


def read_all(engine: Engine, reads: list[tuple[str, dict[str, str]]]) -> list[Answer]:
    return engine.resolve([Query(name, **scope) for name, scope in reads])


def is_true(answer: Answer, truth: Answer) -> bool:
    """Tell whether an answer is the true one, or says that the store was changed."""
    if isinstance(answer.error, Damaged):
        return answer.value == b""
    if truth.error:
        return answer.value == b"" and type(answer.error) is type(truth.error)
    return answer == truth


@pytest.mark.parametrize("seed", range(12))
def test_a_read_is_true_or_an_error(settings: Settings, cloud: Cloud, tmp_path: Path, seed: int) -> None:
    settings = settings._replace(state_folder=str(tmp_path))
    history = History(settings, seed)
    history.write()
    readers = [(lambda: Engine(settings), READS), (lambda: holding(settings, **SCOPES[2]), SHARED)]
    truths = [read_all(reader(), reads) for reader, reads in readers]
    found = 0
    for _attack in range(16):
        history.tamper()
        for (reader, reads), truth in zip(readers, truths, strict=True):
            try:
                answers = read_all(reader(), reads)
            except Damaged:
                found += 1
                continue
            for answer, true, read in zip(answers, truth, reads, strict=True):
                assert is_true(answer, true), (read, answer, true)
                found += isinstance(answer.error, Damaged)
        history.attacker.put_all_back("last")
    assert found > 10
