# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a column holds, users get an error of ours that says so, never a traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, holding

API = {"org": "payments", "project": "api"}
# PostgreSQL takes nothing else in its columns.
TEXTS: tuple[Any, ...] = ("x", '["x", 1]')
GARBAGE = TEXTS if os.environ.get("SCOPED_SECRETS_TEST_STORE") else (*TEXTS, b"\0", 10**12, None)
READS = [Query(name, **API) for name in ("a", "a@1", "kept", "login", "org.shared")]


def _columns() -> list[tuple[str, str]]:
    """Return the columns of all tables, from the statements that create them."""
    made = [statement for step in STEPS for statement in step.statements if statement.startswith("CREATE TABLE")]
    found = []
    for statement in made:
        table, body = re.fullmatch(r"CREATE TABLE (\w+) \((.*)\)", statement, re.DOTALL).groups()  # type: ignore[union-attr]
        body = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "", body)
        words = [part.split()[0] for part in body.split(",") if part.strip()]
        found += [(table, word) for word in words if word.islower()]
    return found


COLUMNS = _columns()


def test_all_tables_are_tried() -> None:
    assert {table for table, _column in COLUMNS} >= {"store", "scope", "scope_key", "secret", "audit_event", "intent"}
    of_scope = {column for table, column in COLUMNS if table == "scope"}
    assert of_scope >= {"tags", "secrets_root", "revision", "epoch", "parent_id"}


@pytest.fixture
def attacker(settings: Settings, engine: Engine, cloud: Cloud) -> Attacker:
    for scope in ({"org": "payments"}, API):
        declare(engine, "scope", **scope)
    declare(engine, "connector_memory_vault", **API, identifier="vault", token="good")
    declare(engine, "default_secret_manager", **API, secret_manager="vault")
    for value in (b"one", b"two"):
        declare(engine, "secret_text", **API, identifier="a", value=value, secret_manager="builtin")
    declare(engine, "secret_text", **API, identifier="kept", value=b"kept")
    declare(engine, "secret_ssh", **API, identifier="login", user="u", password_ref="a")
    declare(engine, "secret_text", org="payments", identifier="shared", value=b"s")
    declare(engine, "secret_share", org="payments", identifier="shared", to_project="api")
    attacker = Attacker(settings)
    attacker.look("whole")
    return attacker


def _roads(settings: Settings) -> list[Callable[[], object]]:
    return [
        lambda: holding(settings, **API).resolve(READS),
        lambda: declare(Engine(settings), "scope_info", recursive=True, verify=True),
        lambda: declare(Engine(settings), "audit_info", **API, verify=True),
        lambda: declare(Engine(settings), "secret_text", **API, identifier="new", value=b"v", secret_manager="builtin"),
        lambda: declare(Engine(settings), "doctor"),
    ]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda part: str(part))
def test_garbage_is_an_error_of_ours(settings: Settings, attacker: Attacker, table: str, column: str) -> None:
    """A read that gives no error gives what is true."""
    truth = Engine(settings).resolve(READS)
    for value in GARBAGE:
        # Some the database itself does not take.
        with suppress(Exception):
            attacker.run(f"UPDATE {table} SET {column} = :value", value=value)
        with suppress(ScopedSecretsError):
            for answer, true in zip(Engine(settings).resolve(READS), truth, strict=True):
                assert answer == true or (answer.error and answer.value == b""), (value, answer)
        for road in _roads(settings):
            with suppress(ScopedSecretsError):
                road()
        if table != "store":
            with suppress(Exception):
                attacker.put_all_back("whole")


def test_another_column_is_nobodys_business(settings: Settings, attacker: Attacker) -> None:
    for table in {table for table, _column in COLUMNS}:
        attacker.run(f"ALTER TABLE {table} ADD COLUMN more TEXT")
    answers = Engine(settings).resolve(READS)
    assert [answer.error for answer in answers] == [None] * len(READS)
    declare(Engine(settings), "scope_info", recursive=True, verify=True)
    attacker.run("UPDATE secret SET options = '[]'")
    (answer,) = Engine(settings).resolve(READS[:1])
    assert isinstance(answer.error, Damaged)


@pytest.mark.parametrize("level", ["org", "project"])
def test_scopes_that_contain_themselves_end(settings: Settings, attacker: Attacker, level: str) -> None:
    attacker.run(f"UPDATE scope SET parent_id = id WHERE level = '{level}'")
    assert all(isinstance(answer.error, Damaged) for answer in Engine(settings).resolve(READS[:4]))
    with pytest.raises(ScopedSecretsError):
        declare(holding(settings, **API), "secret_info", **API)
    declare(Engine(settings), "doctor")
