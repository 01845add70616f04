# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope keys are opened from the root key down and renewed when worn out; old values stay readable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import RootKey, read_key_file
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.integrity import tag_scope
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.keyring import Keyring
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, read, rows_of, signing

T = TypeVar("T")
API = ScopePath("payments", "api")


@pytest.fixture
def project(settings: Settings, engine: Engine) -> Settings:
    """A store with an organization and a project."""
    declare(engine, "scope", org="payments")
    declare(engine, "scope", org="payments", project="api")
    return settings


def worn(settings: Settings, work: Callable[[Session], T], max_wraps: int = 2) -> T:
    """Return what `work` returns on a store whose keys wear out after `max_wraps`."""
    store = open_store(settings, create=False)
    keyring = Keyring(store.store_id, read_key_file(settings.root_key_file), max_wraps)
    return store.database.write(lambda tx: signing(Session(tx, store.store_id, keyring), work))


def keys(settings: Settings, depth: int) -> list[tuple[int, str, int, int]]:
    """Return generation, state, parent's generation and wraps of the keys of one scope on the way to API."""

    def work(session: Session) -> list[tuple[int, str, int, int]]:
        rows = keys_of(session.tx, session.chain(API)[depth].id)
        return [(row.generation, row.state, row.parent_generation, row.wraps) for row in rows]

    return worn(settings, work)


def use(count: int, path: ScopePath = API) -> Callable[[Session], list[int]]:
    """Return work that wraps with the key of a scope and returns the generations used."""

    def work(session: Session) -> list[int]:
        return [session.keyring.for_wrapping(session.tx, session.chain(path)).generation for _time in range(count)]

    return work


def test_new_scopes_have_one_key_each_wrapped_by_the_parents(project: Settings) -> None:
    assert keys(project, 0) == [(1, "active", 0, 1)]
    assert keys(project, 1) == [(1, "active", 1, 1)]
    assert keys(project, 2) == [(1, "active", 1, 0)]


def test_a_worn_out_generation_is_replaced(project: Settings) -> None:
    assert worn(project, use(5)) == [1, 1, 2, 2, 3]
    assert [(generation, state) for generation, state, _parent, _wraps in keys(project, 2)] == [
        (3, "active"),
        (2, "decrypt_only"),
        (1, "decrypt_only"),
    ]
    assert [wraps for _generation, _state, _parent, wraps in keys(project, 2)] == [1, 2, 2]


def test_a_replaced_key_counts_as_a_wrap_of_its_parent(project: Settings) -> None:
    """The organization's key wraps two keys of the project and is then worn out: the third needs a new one."""
    worn(project, use(5))
    assert keys(project, 1) == [(2, "active", 1, 1), (1, "decrypt_only", 1, 2)]
    assert [parent for _generation, _state, parent, _wraps in keys(project, 2)] == [2, 1, 1]


def test_the_accounts_key_is_replaced_under_the_root_key(project: Settings) -> None:
    assert worn(project, use(3, ScopePath())) == [1, 2, 2]
    assert keys(project, 0) == [(2, "active", 0, 2), (1, "decrypt_only", 0, 2)]


def test_values_of_every_generation_stay_readable(project: Settings) -> None:
    def write(session: Session) -> None:
        for number in range(7):
            chain = session.chain(API)
            secret = Secret(f"id-{number}", chain[-1].id, f"s{number}", "text", "n", current_version=1)
            session.replace_secret(chain, None, secret)
            session.write_version(chain, secret, b"value %d" % number)

    worn(project, write)
    assert [generation for generation, *_rest in keys(project, 2)] == [4, 3, 2, 1]
    engine = Engine(project)
    assert [read(engine, f"s{n}", "payments", "api") for n in range(7)] == [b"value %d" % n for n in range(7)]
    assert len(declare(engine, "scope_info", recursive=True, verify=True).returned["scopes"]) == 3


def test_a_key_below_a_replaced_one_still_opens(project: Settings) -> None:
    declare(Engine(project), "secret_text", org="payments", project="api", identifier="a", value=b"before")
    worn(project, use(5, ScopePath("payments")))
    assert keys(project, 1)[0][0] > 1
    assert keys(project, 2)[0][2] == 1
    engine = Engine(project)
    declare(engine, "secret_text", org="payments", project="api", identifier="a", value=b"after")
    assert (read(engine, "a@1", "payments", "api"), read(engine, "a", "payments", "api")) == (b"before", b"after")


def test_a_transaction_that_fails_leaves_no_key_behind(project: Settings) -> None:
    store = open_store(project, create=False)
    keyring = Keyring(store.store_id, read_key_file(project.root_key_file), 1)

    def fail(session: Session) -> None:
        use(3)(session)
        raise KeyError

    before = keys(project, 2)
    with pytest.raises(KeyError):
        store.database.write(lambda tx: fail(Session(tx, store.store_id, keyring)))
    assert keys(project, 2) == before
    generations = store.database.write(lambda tx: use(3)(Session(tx, store.store_id, keyring)))
    assert generations == [1, 2, 3]
    key = worn(project, lambda session: session.keyring.key(session.tx, session.chain(API), 2))
    ours = store.database.read(lambda tx: keyring.key(tx, Session(tx, store.store_id, keyring).chain(API), 2))
    assert ours.export() == key.export()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM scope_key WHERE scope_id = (SELECT id FROM scope WHERE level = 'project')", "damaged_scope_key"),
        ("UPDATE scope_key SET state = 'decrypt_only'", "damaged_scope_key"),
        ("UPDATE scope_key SET generation = 2 WHERE parent_generation = 1", "damaged_scope_key"),
        ("UPDATE scope_key SET parent_generation = 2 WHERE parent_generation = 1", "damaged_scope_key"),
        ("UPDATE scope_key SET wrapped = :zeros WHERE parent_generation = 1", "damaged_scope_key"),
        ("UPDATE scope_key SET wrapped = :zeros WHERE parent_generation = 0", "wrong_key"),
    ],
)
def test_edited_key_rows_are_found(project: Settings, statement: str, code: str) -> None:
    with rows_of(project) as tx:
        assert tx.run(statement, zeros=bytes(60))
    declaration = {"org": "payments", "project": "api", "identifier": "a", "value": b"v"}
    error = error_of(lambda: declare(Engine(project), "secret_text", **declaration))
    assert error.code == code


def test_another_root_key_opens_nothing(project: Settings) -> None:
    store = open_store(project, create=False)
    keyring = Keyring(store.store_id, RootKey(bytes(range(32)), "the test"))
    error = error_of(lambda: store.database.read(lambda tx: Session(tx, store.store_id, keyring).chain(API)))
    assert (error.code, "the test" in error.message) == ("wrong_key", True)


def test_keys_are_bound_to_their_store(project: Settings) -> None:
    store = open_store(project, create=False)
    keyring = Keyring("another store", read_key_file(project.root_key_file))
    assert error_of(lambda: store.database.read(lambda tx: Session(tx, "x", keyring).chain(API))).code == "wrong_key"


def test_the_key_of_one_project_never_passes_for_another(project: Settings, engine: Engine) -> None:
    """Somebody with one project's key and access to the database can't get another's secrets sealed with it."""
    declare(engine, "scope", org="payments", project="theirs")
    declare(engine, "secret_text", org="payments", project="api", identifier="mine", value=b"mine")

    def swap(session: Session) -> None:
        mine, theirs = session.chain(API), session.chain(ScopePath("payments", "theirs"))
        wrapped = keys_of(session.tx, mine[-1].id)[0].wrapped
        tag = tag_scope(theirs[-1], session.keyring.active(session.tx, mine)).tag
        session.tx.run(
            "UPDATE scope_key SET wrapped = :wrapped WHERE scope_id = :id", wrapped=wrapped, id=theirs[-1].id
        )
        session.tx.run("UPDATE scope SET tag = :tag WHERE id = :id", tag=tag, id=theirs[-1].id)

    worn(project, swap, 1 << 20)
    victim = Engine(project)
    assert read(victim, "mine", "payments", "api") == b"mine"
    params = {"org": "payments", "project": "theirs", "identifier": "fresh", "value": b"of theirs"}
    assert error_of(lambda: declare(victim, "secret_text", **params)).code == "damaged_scope_key"
