# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope key rotation: everything stays readable, and nothing needs the old generation."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys import scope_rotation
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys.scope_rotation import (
    RotationStep,
    ScopeRotation,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.keyring import Keyring
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, tell_nobody
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.rotation import count_left, count_on
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import API, all_of, fill
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    holding,
    in_session,
    read,
    store_path,
)

PAY = {"org": "pay"}
SCOPES: list[dict[str, str]] = [{}, PAY, API]


def rotate(engine: Engine, scope: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    path = API if scope is None else scope
    return dict(declare(engine, "key_rotation", target="scope", **path, **params).returned["rotation"])


def without_times(everything: dict[str, Any]) -> str:
    """Return what users see, without the update times of scopes."""
    for scope in everything["scopes"]:
        scope.pop("updated_at")
    return repr(everything)


def generations(settings: Settings, path: ScopePath) -> list[tuple[int, str, int]]:
    """Return generation, state and parent's generation of a scope's keys."""

    def work(session: Session) -> list[tuple[int, str, int]]:
        rows = keys_of(session.tx, session.chain(path)[-1].id)
        return [(row.generation, row.state, row.parent_generation) for row in rows]

    return in_session(settings, work)


@pytest.mark.parametrize("batch_size", [1, 2, 500])
@pytest.mark.parametrize("scope", SCOPES, ids=["account", "org", "project"])
def test_users_see_no_change_and_nothing_needs_the_old_generation(
    engine: Engine, settings: Settings, scope: dict[str, str], batch_size: int
) -> None:
    fill(engine)
    path = ScopePath.of(scope.get("org"), scope.get("project"))
    before = without_times(all_of(engine))
    all_rows = in_session(settings, lambda s: count_on(s.tx, s.chain(path)[-1].id, 1))
    assert all_rows["versions"] >= 1
    rotation = rotate(engine, scope, batch_size=batch_size)
    assert without_times(all_of(Engine(settings))) == before == without_times(all_of(engine))
    assert rotation["left_total"] == 0
    assert rotation["left"] == {}
    assert rotation["moved"] == {name: count for name, count in all_rows.items() if count}
    assert [(one["generation"], one["state"]) for one in rotation["generations"]] == [
        (2, "active"),
        (1, "decrypt_only"),
    ]
    assert rotation["generations"][1]["rows"] == 0
    assert sum(in_session(settings, lambda s: count_on(s.tx, s.chain(path)[-1].id, 1)).values()) == 0
    assert in_session(settings, lambda s: count_on(s.tx, s.chain(path)[-1].id, 2)) == all_rows


def test_only_rows_of_the_scope_move(engine: Engine, settings: Settings) -> None:
    fill(engine)
    rotate(engine, PAY)
    assert generations(settings, ACCOUNT) == [(1, "active", 0)]
    assert generations(settings, ScopePath("pay")) == [(2, "active", 1), (1, "decrypt_only", 1)]
    assert generations(settings, ScopePath("pay", "api")) == [(1, "active", 2)]
    assert generations(settings, ScopePath("empty_one")) == [(1, "active", 1)]


def test_no_value_is_decrypted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine)
    crypto = "ansible_collections.scoped.secrets.plugins.module_utils.crypto"
    with monkeypatch.context() as patched:
        patched.setattr(f"{crypto}.envelope.decrypt", None)
        patched.setattr(f"{crypto}.envelope.encrypt", None)
        rotate(engine)
    assert read(engine, "text", **API) == "drei \u20ac".encode()


def test_no_provider_is_called(engine: Engine, cloud: Cloud) -> None:
    fill(engine)
    cloud.counts.clear()
    rotate(engine, PAY)
    rotate(engine, API)
    assert not cloud.counts


@pytest.mark.parametrize("destroys", [False, True])
def test_unchanged_values_are_recognized_after_rotations(engine: Engine, settings: Settings, destroys: bool) -> None:
    fill(engine)
    text = {**API, "identifier": "text", "secret_manager": None}
    for number in (1, 2, 3):
        rotate(engine)
        if destroys:
            rotate(engine, destroy_generation=number)
    for other in (engine, Engine(settings)):
        assert not declare(other, "secret_text", **text, value="drei \u20ac".encode()).changed
        assert not declare(other, "secret_text", **API, identifier="kept", value=b"elsewhere").changed
    assert declare(engine, "secret_text", **text, value=b"new").changed
    assert not declare(engine, "secret_text", **text, value=b"new").changed
    rotate(engine)
    assert not declare(engine, "secret_text", **text, value=b"new").changed


def test_later_writes_use_the_new_generation(engine: Engine, settings: Settings) -> None:
    fill(engine)
    running = Engine(settings)
    assert read(running, "text", **API)
    rotate(engine)
    declare(running, "secret_text", **API, identifier="later", value=b"later", secret_manager="builtin")
    assert read(engine, "later", **API) == b"later"
    left = in_session(settings, lambda s: count_left(s.tx, s.chain(ScopePath("pay", "api"))[-1].id, 2))
    assert sum(left.values()) == 0


def test_a_generation_is_destroyed_only_on_demand_and_when_unused(engine: Engine, settings: Settings) -> None:
    fill(engine)
    in_use = error_of(lambda: rotate(engine, destroy_generation=1))
    assert (in_use.code, "active" in in_use.message) == ("generation_in_use", True)
    in_session(settings, lambda s: s.keyring.renew(s.tx, s.chain(ScopePath("pay", "api"))))
    in_use = error_of(lambda: rotate(engine, destroy_generation=1))
    assert (in_use.code, in_use.details["versions"]) == ("generation_in_use", 8)
    assert error_of(lambda: rotate(engine, destroy_generation=9)).code == "unknown_generation"
    rotate(engine)
    planned = check(engine, "key_rotation", target="scope", **API, destroy_generation=1)
    assert planned.changed
    assert generations(settings, ScopePath("pay", "api"))[1][:2] == (1, "decrypt_only")
    done = declare(engine, "key_rotation", target="scope", **API, destroy_generation=1)
    assert done.changed
    assert done.after == planned.after
    assert not declare(engine, "key_rotation", target="scope", **API, destroy_generation=1).changed
    assert not check(engine, "key_rotation", target="scope", **API, destroy_generation=1).changed
    assert generations(settings, ScopePath("pay", "api"))[1][:2] == (1, "destroyed")


def test_a_destroyed_generation_opens_nothing(engine: Engine, settings: Settings) -> None:
    """Rows put back to their state before the rotation are lost, whatever keys there are."""
    fill(engine)
    old = in_session(settings, lambda s: s.tx.all("SELECT * FROM secret_version"))
    rotate(engine)
    rotate(engine, destroy_generation=1)

    def put_back(session: Session) -> None:
        for row in old:
            session.tx.run(
                "UPDATE secret_version SET key_generation = :generation, envelope = :envelope "
                "WHERE secret_id = :secret AND version = :version",
                generation=row["key_generation"],
                envelope=bytes(row["envelope"]),
                secret=row["secret_id"],
                version=row["version"],
            )

    in_session(settings, put_back)
    assert error_of(lambda: read(Engine(settings), "text", **API)).code == "damaged_scope_key"


def test_check_mode_predicts_and_changes_nothing(engine: Engine, settings: Settings) -> None:
    fill(engine)
    before = generations(settings, ScopePath("pay", "api"))
    planned = check(engine, "key_rotation", target="scope", **API)
    view = planned.returned["rotation"]
    assert (planned.changed, planned.before["generation"], planned.after["generation"]) == (True, 1, 2)
    assert (view["resumed"], view["left"]["versions"], view["moved"]) == (False, 8, {})
    assert generations(settings, ScopePath("pay", "api")) == before
    assert rotate(engine)["moved"] == view["left"]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_interrupted_rotation_is_resumed(engine: Engine, settings: Settings, steps: int) -> None:
    fill(engine)
    cut_off = ScopeRotation(engine, ScopePath("pay", "api"), batch_size=2, tell=tell_nobody)
    for step in list(RotationStep)[:steps]:
        cut_off.STEPS[step](cut_off)
    if steps == 3:
        cut_off.move_secrets()
    assert check(engine, "key_rotation", target="scope", **API).returned["rotation"]["resumed"]
    result = declare(engine, "key_rotation", target="scope", **API)
    rotation = result.returned["rotation"]
    assert (rotation["resumed"], rotation["generation"], rotation["left_total"]) == (True, 2, 0)
    assert rotation["moved"]["versions"] == (6 if steps == 3 else 8)
    assert "no new generation" in result.warnings[0]
    assert rotate(engine)["generation"] == 3


def test_progress_is_reported(engine: Engine) -> None:
    fill(engine)
    lines: list[str] = []
    engine.handle(Request("key_rotation", {"target": "scope", **API, "batch_size": 3}), lines.append)
    assert lines[0] == "Rotating to generation 2 of the key of project 'pay/api', 8 versions"
    assert lines[1:] == [f"Moved {done} of 8 versions" for done in (3, 8)]


def test_a_worn_out_key_is_replaced_midway(engine: Engine, settings: Settings) -> None:
    fill(engine)
    before = without_times(all_of(engine))
    store = engine.store(create=False)
    tired = Keyring(store.store_id, store.keyring.root, max_wraps=10)
    engine._open = store._replace(keyring=tired)
    rotation = rotate(engine, PAY)
    assert rotation["left_total"] == 0
    rotation = rotate(engine, API, batch_size=2)
    assert rotation["left_total"] == 0
    assert without_times(all_of(Engine(settings))) == before


def test_a_tampered_row_stops_the_rotation_and_is_named(engine: Engine, settings: Settings) -> None:
    fill(engine)
    in_session(settings, lambda s: s.tx.run("UPDATE secret SET expires_at = '2030-01-01' WHERE identifier = 'large'"))
    error = error_of(lambda: rotate(engine))
    assert (error.code, "'large'" in error.message) == ("damaged_row", True)
    assert error_of(lambda: rotate(engine)).code == "damaged_row"
    assert read(engine, "account.text", **API)


def test_the_holder_of_a_scope_key_can_rotate_what_lies_below_but_not_the_scope_itself(
    engine: Engine, settings: Settings
) -> None:
    fill(engine)
    holder = holding(settings, "pay")
    assert rotate(holder, API)["left_total"] == 0
    assert error_of(lambda: rotate(holder, PAY)).code == "scope_locked"
    assert error_of(lambda: rotate(holder, {})).code == "scope_locked"
    assert read(holder, "text", **API)
    assert read(holder, "account.text", **API)
    rotate(engine, PAY)
    assert error_of(lambda: read(holder, "text", **API)).code == "scope_key_outdated"
    newer = holding(settings, "pay")
    assert [read(newer, name, **API) for name in ("text", "account.text")]


def test_a_scope_that_does_not_exist(engine: Engine) -> None:
    assert error_of(lambda: rotate(engine)).code == "no_store"
    declare(engine, "scope", org="pay")
    assert error_of(lambda: rotate(engine)).code == "unknown_scope"
    assert error_of(lambda: rotate(engine, {"org": "other"})).code == "unknown_scope"


def test_every_table_with_signed_or_wrapped_rows_is_counted(engine: Engine, settings: Settings) -> None:
    """A new table with a tag, or a key generation, joins store/rotation.py."""
    import sqlite3
    from contextlib import closing

    fill(engine)
    with closing(sqlite3.connect(store_path(settings))) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in tables}
    signed = {name for name in tables if columns[name] & {"tag", "key_generation", "parent_generation"}}
    # Audit records keep their generation; destroying a generation re-signs the head of the chain.
    audit = {"audit_head", "audit_event"}
    moved = {"scope", "scope_key", "secret_version", "secret_share", "intent"}
    assert signed == moved | audit


def test_batches_are_bounded_by_the_size_of_their_values(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine)
    monkeypatch.setattr(scope_rotation, "_BATCH_BYTES", 1)
    lines: list[str] = []
    engine.handle(Request("key_rotation", {"target": "scope", **API}), lines.append)
    # One secret has three versions, which move together.
    assert lines[1:] == [f"Moved {done} of 8 versions" for done in (1, 2, 3, 4, 7, 8)]


def test_a_rotation_that_others_keep_beginning_anew_is_not_finished(engine: Engine, settings: Settings) -> None:
    fill(engine)
    path = ScopePath("pay", "api")

    def renew(_line: str) -> None:
        in_session(settings, lambda session: session.keyring.renew(session.tx, session.chain(path)))

    error = error_of(lambda: engine.handle(Request("key_rotation", {"target": "scope", **API}), renew))
    assert (error.code, error.details["versions"] > 0) == ("rotation_not_finished", True)
    assert rotate(engine)["left_total"] == 0
    assert read(Engine(settings), "text", **API)


def test_an_unfinished_change_moves_too_and_is_finished(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    declare(engine, "connector_memory_vault", identifier="vault", token="good")
    declare(engine, "secret_text", identifier="a", value=b"old", secret_manager="vault")

    def lose_the_answer(path: str) -> None:
        cloud.overwrite(path, b"ours:new")
        raise Unavailable("provider_unavailable", "No answer.", hint="Wait.", retryable=True)

    cloud.before["write"] = lose_the_answer
    error_of(lambda: declare(engine, "secret_text", identifier="a", value=b"new"))
    assert rotate(engine, {})["moved"]["unfinished_changes"] == 1
    rotate(engine, {}, destroy_generation=1)
    later = Engine(settings)
    declare(later, "scope", org="elsewhere")
    assert (read(later, "a"), read(later, "a@1")) == (b"new", b"old")


def test_what_a_scope_commits_to_stays_but_for_its_keys(engine: Engine, settings: Settings) -> None:
    """A rotation rewrites no row that is committed to: only how data keys are wrapped."""
    fill(engine)

    def committed(session: Session) -> tuple[object, ...]:
        scope = session.chain(ScopePath("pay", "api"))[-1]
        rows = session.tx.all("SELECT digest FROM secret_version ORDER BY secret_id, version")
        return scope.secrets_root, scope.connectors_digest, [bytes(row["digest"]) for row in rows]

    def keys_and_revision(session: Session) -> tuple[bytes, int]:
        scope = session.chain(ScopePath("pay", "api"))[-1]
        return scope.keys_digest, scope.revision

    before, keys = in_session(settings, committed), in_session(settings, keys_and_revision)
    rotate(engine)
    assert in_session(settings, committed) == before
    after = in_session(settings, keys_and_revision)
    assert after[0] != keys[0]
    # Signed once, with the new key.
    assert after[1] - keys[1] == 1
