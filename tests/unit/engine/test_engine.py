"""The engine on a real store: declare, read, tamper, race."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.fetch_cache import Fetches
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.providers import Providers
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, at_once
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    declare,
    read,
    rows_of,
)


def code_of(engine: Engine, reference: str) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        read(engine, reference)
    return caught.value.code


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
        ("UPDATE secret SET kind = 'file'", "damaged_row"),
        ("UPDATE secret_version SET state = 'deleted'", "damaged_row"),
        ("UPDATE secret_version SET envelope = (SELECT envelope FROM secret_version WHERE version = 1)", "damaged_row"),
        ("DELETE FROM secret_version WHERE version = 2", "missing_version"),
        ("UPDATE scope SET builtin_enabled = 0", "damaged_row"),
        ("UPDATE scope SET secrets_root = :zeros", "damaged_row"),
    ],
)
def test_an_edited_row_is_found(settings: Settings, statement: str, code: str) -> None:
    engine = Engine(settings)
    for value in (b"one", b"two"):
        declare(engine, "secret_text", identifier="a", value=value)
    with rows_of(settings) as tx:
        tx.run(statement, zeros=bytes(256))
    assert code_of(Engine(settings), "a") == code


def test_a_row_put_back_to_an_older_state_is_found(settings: Settings) -> None:
    engine = Engine(settings)
    declare(engine, "secret_text", identifier="a", value=b"one")
    with rows_of(settings) as tx:
        (old,) = map(dict, tx.all("SELECT * FROM secret"))
    declare(engine, "secret_text", identifier="a", value=b"two")
    assert len(declare(engine, "scope_info", verify=True).returned["scopes"]) == 1
    with rows_of(settings) as tx:
        tx.run("DELETE FROM secret")
        tx.insert("secret", **old)
        tx.run("DELETE FROM secret_version WHERE version = 2")
    assert code_of(Engine(settings), "a") == "rolled_back"
    with pytest.raises(ScopedSecretsError) as caught:
        declare(Engine(settings), "scope_info", verify=True)
    assert caught.value.code == "rolled_back"


def test_what_is_shared_is_one_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(init: Callable[..., None]) -> Callable[..., None]:
        def made(self: object, *args: object) -> None:
            time.sleep(0.02)
            init(self, *args)

        return made

    for kind in (Fetches, Providers):
        monkeypatch.setattr(kind, "__init__", slowly(kind.__init__))
    shared = Shared()
    found = at_once(20, lambda _number: (id(shared.fetches), id(shared.providers)))
    assert len(set(found)) == 1


def test_one_thing_is_declared_by_one_caller_at_a_time(engine: Engine) -> None:
    with engine.turn(("secret", "a")):
        assert engine.turn(("secret", "a")).locked()
        with engine.turn(("secret", "b")):
            pass
    assert not engine.turn(("secret", "a")).locked()
    assert len(engine._turns) == 0


def test_people_are_told_of_an_insecure_connector_once_in_a_run(
    settings: Settings, cloud: Cloud, engine: Engine
) -> None:
    declare(engine, "scope", name="Root")
    add_connector(settings, "vault", insecure=True)
    shared = Shared()
    engines = [Engine(settings, shared=shared) for _time in range(2)]
    for one in engines:
        one.resolve([Query("memory://vault/p")])
    told = [one.take_notices() for one in engines]
    assert told == [["connector 'vault' of the account is insecure."], []]


def test_what_needs_no_secret_manager_loads_nothing_of_it(settings: Settings, engine: Engine) -> None:
    """Every broker and every process that reads inline would wait for it."""
    declare(engine, "secret_text", identifier="a", value=b"v")
    package = "ansible_collections.scoped.secrets.plugins.module_utils"
    code = f"""
import sys
from {package}.engine.engine import Engine
from {package}.model.queries import Query
from {package}.model.settings import Settings
assert Engine(Settings({settings.store!r}, {settings.root_key_file!r})).resolve([Query("a")])[0].value == b"v"
names = [name.removeprefix("{package}.") for name in sys.modules if name.startswith("{package}.")]
assert "engine.rows.session" in names
late = ("engine.dispatch", "engine.reading.fetch_located", "engine.providers.access", "managers.http")
print([name for name in names if name in late])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
