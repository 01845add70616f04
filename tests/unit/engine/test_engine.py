"""The engine on a real store: declare, read, tamper, race."""

from __future__ import annotations

import base64
import multiprocessing
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

WRITERS, WRITES = 20, 50


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key_file = tmp_path / "root.key"
    key_file.write_bytes(base64.b64encode(os.urandom(32)))
    key_file.chmod(0o600)
    return Settings(f"sqlite:///{tmp_path}/store/store.db", str(key_file))


def declare(engine: Engine, resource: str, **params: Any) -> Result:
    return engine.handle(Request(resource, params))


def read(engine: Engine, reference: str, org: str = "", project: str = "") -> bytes:
    answer = engine.resolve([Query(reference, org, project)])[0]
    if answer.error:
        raise answer.error
    return answer.value


def code_of(engine: Engine, reference: str) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        read(engine, reference)
    return caught.value.code


def database_of(settings: Settings) -> sqlite3.Connection:
    return sqlite3.connect(settings.store.removeprefix("sqlite:///"))


def test_versions_are_kept(settings: Settings) -> None:
    engine = Engine(settings)
    for value in (b"one", b"two", b"two"):
        result = declare(engine, "secret_text", identifier="a", value=value)
    assert not result.changed
    assert (read(engine, "a"), read(engine, "a@1")) == (b"two", b"one")
    assert code_of(engine, "a@3") == "unknown_version"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE secret SET current_version = 1", "damaged_row"),
        ("UPDATE secret SET expires_at = '2099-01-01T00:00:00Z'", "damaged_row"),
        ("UPDATE secret SET identifier = 'b' || identifier WHERE 0; UPDATE secret SET kind = 'file'", "damaged_row"),
        ("UPDATE secret_version SET state = 'deleted'", "damaged_row"),
        ("UPDATE secret_version SET envelope = (SELECT envelope FROM secret_version WHERE version = 1)", "damaged_row"),
        ("DELETE FROM secret_version WHERE version = 2", "missing_version"),
        ("UPDATE scope SET builtin_enabled = 0", "damaged_row"),
        ("UPDATE scope SET head = zeroblob(256)", "damaged_row"),
    ],
)
def test_an_edited_row_is_found(settings: Settings, statement: str, code: str) -> None:
    engine = Engine(settings)
    for value in (b"one", b"two"):
        declare(engine, "secret_text", identifier="a", value=value)
    with database_of(settings) as database:
        database.executescript(statement)
    assert code_of(Engine(settings), "a") == code


def test_a_row_put_back_to_an_older_state_is_found(settings: Settings) -> None:
    engine = Engine(settings)
    declare(engine, "secret_text", identifier="a", value=b"one")
    with database_of(settings) as database:
        old = database.execute("SELECT current_version, revision, tag FROM secret").fetchone()
    declare(engine, "secret_text", identifier="a", value=b"two")
    assert len(declare(engine, "scope_info", verify=True).returned["scopes"]) == 1
    with database_of(settings) as database:
        database.execute("UPDATE secret SET current_version = ?, revision = ?, tag = ?", old)
        database.execute("DELETE FROM secret_version WHERE version = 2")
    with pytest.raises(ScopedSecretsError) as caught:
        declare(Engine(settings), "scope_info", verify=True)
    assert caught.value.code == "rolled_back"


def _write_many(settings: Settings, writer: int) -> None:
    engine = Engine(settings)
    for number in range(WRITES):
        declare(engine, "secret_text", identifier="shared", value=f"{writer}-{number}".encode())
        declare(engine, "secret_text", identifier=f"own_{writer}_{number}", value=b"x")


def test_parallel_writers_lose_nothing(settings: Settings) -> None:
    """R1: every write of 20 processes x 50, to one secret and to one scope, is there."""
    processes = [multiprocessing.Process(target=_write_many, args=(settings, w)) for w in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * WRITERS
    engine = Engine(settings)
    scope = declare(engine, "scope_info", verify=True).returned["scopes"][0]
    shared = declare(engine, "secret_info", identifier="shared").returned["secrets"][0]
    assert (scope["secrets"], shared["version"]) == (WRITERS * WRITES + 1, WRITERS * WRITES)
