# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope keys are opened from the root key down and renewed when worn out; old values stay readable."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import RootKey, read_key_file
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import FingerprintKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.integrity import tag_scope
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.keyring import Keyring
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import OpenStore, open_store
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import NewValue, Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    declare,
    error_of,
    holding,
    read,
    rows_of,
    signing,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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


@contextmanager
def store_and_keyring(settings: Settings) -> Iterator[tuple[OpenStore, Keyring]]:
    """Yield an open store and a keyring that outlives the store's transactions."""
    store = open_store(settings, create=False)
    yield store, Keyring(store.store_id, read_key_file(settings.root_key_file))
    store.database.close()


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
            session.replace_secret(chain, None, secret, NewValue(b"value %d" % number))

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
    generations = store.database.write(lambda tx: signing(Session(tx, store.store_id, keyring), use(3)))
    assert generations == [1, 2, 3]
    key = worn(project, lambda session: session.keyring.key(session.tx, session.chain(API), 2))
    ours = store.database.read(lambda tx: keyring.key(tx, Session(tx, store.store_id, keyring).chain(API), 2))
    assert ours.export() == key.export()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM scope_key WHERE scope_id = (SELECT id FROM scope WHERE level = 'project')", "damaged_scope_key"),
        ("UPDATE scope_key SET state = 'decrypt_only'", "rolled_back"),
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


@pytest.mark.parametrize(
    "change", [{"id": "another scope"}, {"parent_id": "another parent"}, {"path": ScopePath("payments")}], ids=str
)
def test_a_key_that_is_open_answers_for_its_own_scope_only(
    project: Settings, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """Rows that say that they are another scope's, with the id of its key, do not get that key."""

    def work(session: Session) -> None:
        chain = session.chain(API)
        row = keys_of(session.tx, chain[-1].id)[0]
        assert session.keyring.key(session.tx, chain, 1).key_id == row.key_id
        moved = [*chain[:-1], chain[-1]._replace(**change)]
        session.tx.known[moved[-1].id] = [row]
        session.keyring.key(session.tx, moved, 1)

    assert error_of(lambda: worn(project, work)).code == "damaged_scope_key"


def test_each_generation_has_a_key_of_its_own(project: Settings) -> None:
    """Rows that claim the id of another generation's key, which is open, do not get that key."""
    with store_and_keyring(project) as (store, keyring):

        def opened(session: Session) -> list[str]:
            return [keyring.key(session.tx, session.chain(API), number).key_id for number in (1, 2)]

        def renew(session: Session) -> None:
            keyring.renew(session.tx, session.chain(API))

        store.database.write(lambda tx: signing(Session(tx, store.store_id, keyring), renew))
        first, second = store.database.read(lambda tx: opened(Session(tx, store.store_id, keyring)))
        assert first != second
        with rows_of(project) as tx:
            tx.run("UPDATE scope_key SET key_id = :second WHERE key_id = :first", first=first, second=second)
        assert error_of(lambda: store.database.read(lambda tx: opened(Session(tx, store.store_id, keyring)))).code == (
            "rolled_back"
        )


def test_a_row_with_the_id_of_no_key_is_refused(project: Settings) -> None:
    with rows_of(project) as tx:
        tx.run("UPDATE scope_key SET key_id = 'edited' WHERE parent_generation = 1")
    assert error_of(lambda: read(Engine(project), "a", "payments", "api")).code == "damaged_scope_key"


def renewed(project: Settings, destroyed: tuple[int, ...] = ()) -> list[bytes]:
    """Renew the project's key twice, destroy some of its generations, and return what the three were.

    The project's row is signed with the newest; what is in the project is left as it is.
    """

    def work(session: Session) -> list[bytes]:
        chain = session.chain(API)
        for _time in range(2):
            session.keyring.renew(session.tx, chain)
        session.write_scope(chain)
        keys = [session.keyring.key(session.tx, chain, number).export() for number in (1, 2, 3)]
        for number in destroyed:
            session.keyring.destroy(session.tx, chain, number)
        return keys

    return worn(project, work, 1 << 20)


def test_a_destroyed_generation_is_named_where_a_row_still_needs_it(project: Settings) -> None:
    declare(Engine(project), "secret_text", org="payments", project="api", identifier="a", value=b"v")
    renewed(project, destroyed=(1,))
    for engine in (Engine(project), holding(project, "payments", "api")):
        error = error_of(lambda engine=engine: read(engine, "a", "payments", "api"))
        assert error.code == "damaged_scope_key"
        assert "generation 1 of project 'payments/api' was destroyed" in error.message


def test_nothing_opens_a_destroyed_generation(project: Settings) -> None:
    """What wrapped it for those who hold the active key alone is gone too."""
    keys = renewed(project, destroyed=(1,))
    with rows_of(project) as tx:
        row = tx.one("SELECT wrapped, under_active FROM scope_key WHERE state = 'destroyed'")
    assert row
    assert bytes(row["under_active"]) == b""
    assert keys[0] not in bytes(row["wrapped"])


@pytest.mark.parametrize("edit", ["UPDATE store SET root_key_id = 'newer'", "DELETE FROM store"])
def test_a_root_key_that_is_not_in_force_any_more_seals_nothing(project: Settings, edit: str) -> None:
    """It was rotated by another process since this one has opened the store."""
    with store_and_keyring(project) as (store, keyring):

        def renew(session: Session) -> None:
            session.tx.run(edit)
            keyring.renew(session.tx, session.chain(ScopePath()))

        error = error_of(lambda: store.database.write(lambda tx: renew(Session(tx, store.store_id, keyring))))
        assert (error.code, "The root key was rotated" in error.message) == ("wrong_key", True)


def test_fingerprint_keys_that_changed_places_are_refused(project: Settings) -> None:
    renewed(project, destroyed=(1, 2))

    def work(session: Session) -> list[FingerprintKey]:
        chain = session.chain(API)
        return [session.keyring.fingerprint_key(session.tx, chain, number) for number in (1, 2)]

    assert len({key.export() for key in worn(project, work)}) == 2
    with rows_of(project) as tx:
        first, second = tx.all("SELECT generation, wrapped FROM scope_key WHERE state = 'destroyed'")
        for row, other in ((first, second), (second, first)):
            tx.run(
                "UPDATE scope_key SET wrapped = :wrapped WHERE state = 'destroyed' AND generation = :generation",
                wrapped=bytes(other["wrapped"]),
                generation=row["generation"],
            )
    assert error_of(lambda: worn(project, work)).code == "damaged_scope_key"


@pytest.mark.parametrize(("edit", "code"), [(bytes(60), "damaged_scope_key"), (b"", "scope_key_outdated")])
def test_a_held_key_opens_older_generations_through_their_rows(project: Settings, edit: bytes, code: str) -> None:
    declare(Engine(project), "secret_text", org="payments", project="api", identifier="a", value=b"v")
    renewed(project)
    assert read(holding(project, "payments", "api"), "a", "payments", "api") == b"v"
    with rows_of(project) as tx:
        tx.run("UPDATE scope_key SET under_active = :edit WHERE state = 'decrypt_only'", edit=edit)
    assert error_of(lambda: read(holding(project, "payments", "api"), "a", "payments", "api")).code == code


def test_a_held_key_opens_each_older_generation(project: Settings) -> None:
    for value in (b"one", b"two", b"three"):
        declare(Engine(project), "secret_text", org="payments", project="api", identifier="a", value=value)
        worn(project, lambda session: session.keyring.renew(session.tx, session.chain(API)), 1 << 20)
    holder = holding(project, "payments", "api")
    assert [read(holder, f"a@{n}", "payments", "api") for n in (1, 2, 3)] == [b"one", b"two", b"three"]


def test_a_held_key_that_was_replaced_opens_no_older_generation(project: Settings) -> None:
    declare(Engine(project), "secret_text", org="payments", project="api", identifier="a", value=b"v")
    worn(project, lambda session: session.keyring.renew(session.tx, session.chain(API)))
    second = holding(project, "payments", "api").settings
    worn(project, lambda session: session.keyring.renew(session.tx, session.chain(API)))
    error = error_of(lambda: read(Engine(second), "a", "payments", "api"))
    assert (error.code, "generation 3 is needed" in error.message) == ("scope_key_outdated", True)


def test_rows_of_keys_have_the_described_format(project: Settings) -> None:
    """Read by the second implementation: stores outlive the version that wrote them."""
    keys = renewed(project, destroyed=(1,))
    with rows_of(project) as tx:
        store_id = tx.all("SELECT id FROM store")[0]["id"]
        account, org, api = (dict(row) for row in tx.all("SELECT * FROM scope ORDER BY level = 'project', level"))
        wrapped = {(row["scope_id"], row["generation"]): row for row in tx.all("SELECT * FROM scope_key")}
    root = base64.b64decode(Path(project.root_key_file).read_bytes())
    above = independent.derive(root, independent.fields("scoped.secrets root key", "wrap account key"))
    for scope, generation in ((account, 1), (org, 1), (api, 3)):
        place = store_id, scope["level"], scope["id"], scope["parent_id"]
        context = independent.fields("scope key", *place, generation, 0)
        key = independent.unwrap(above, bytes(wrapped[scope["id"], generation]["wrapped"]), context)
        above = independent.scope_subkey(key, "wrap scope keys", scope["id"], generation)
        seed = independent.scope_subkey(key, "sign", scope["id"], generation)
        signing = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        assert bytes(wrapped[scope["id"], generation]["public_key"]) == signing.public_bytes_raw()
        assert bytes(scope["tag"])[:4] == generation.to_bytes(4, "big")
    assert key == keys[2]
    above = independent.scope_subkey(key, "wrap scope keys", api["id"], 3)
    older = independent.fields("older generation", store_id, api["id"], 2)
    assert independent.unwrap(above, bytes(wrapped[api["id"], 2]["under_active"]), older) == keys[1]
    wrap_key = independent.scope_subkey(key, "wrap fingerprint keys", api["id"], 3)
    context = independent.fields("fingerprint key", store_id, api["id"], 1)
    fingerprint_key = independent.scope_subkey(keys[0], "fingerprints", api["id"], 1)
    assert independent.unwrap(wrap_key, bytes(wrapped[api["id"], 1]["wrapped"]), context) == fingerprint_key


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
        row = keys_of(session.tx, mine[-1].id)[0]
        tag = tag_scope(theirs[-1], session.keyring.active(session.tx, mine)).tag
        session.tx.run(
            "UPDATE scope_key SET wrapped = :wrapped, key_id = :key_id WHERE scope_id = :id",
            wrapped=row.wrapped,
            key_id=row.key_id,
            id=theirs[-1].id,
        )
        session.tx.run("UPDATE scope SET tag = :tag WHERE id = :id", tag=tag, id=theirs[-1].id)

    worn(project, swap, 1 << 20)
    victim = Engine(project)
    assert read(victim, "mine", "payments", "api") == b"mine"
    params = {"org": "payments", "project": "theirs", "identifier": "fresh", "value": b"of theirs"}
    assert error_of(lambda: declare(victim, "secret_text", **params)).code == "damaged_scope_key"
