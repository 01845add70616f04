# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was begun at a provider and not finished. That it is put right wherever it was cut off: tests/crash."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes import intents
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import (
    Goal,
    Held,
    Intents,
    Moved,
    ValueAtProvider,
    settle_left,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.access import Access
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import (
    ScopedConnector,
    load_managers,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secrets import SecretResource
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent, Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Conflict,
    InvalidInput,
    StoreRefused,
    Unavailable,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.processes.identity import this_process
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import pending_intents, unfinished
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud, Kept, waiting_for
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    declare,
    error_of,
    in_session,
    read,
    rows_of,
    shown,
    signing,
)


@pytest.fixture
def cut_off(engine: Engine, settings: Settings, cloud: Cloud) -> Engine:
    """An engine whose provider got a value, and lost its answer."""
    declare(engine, "scope", org="payments")
    add_connector(settings, "vault")
    declare(engine, "secret_text", identifier="a", value=b"old", secret_manager="vault")
    assert pending(engine) == 0

    def lose_the_answer(path: str) -> None:
        cloud.overwrite(path, b"ours:new")
        raise Unavailable("provider_unavailable", "No answer.", hint="Wait.", retryable=True)

    cloud.before["write"] = lose_the_answer
    assert error_of(lambda: declare(engine, "secret_text", identifier="a", value=b"new")).category == "unavailable"
    del cloud.before["write"]
    return engine


def pending(engine: Engine) -> int:
    return engine.read(lambda session: pending_intents(session.tx))


def execute(settings: Settings, statement: str, **values: str) -> None:
    """Reach round the engine into the database."""
    with rows_of(settings) as tx:
        tx.run(statement, **values)


def remove_connector(settings: Settings, identifier: str) -> None:
    """Delete a connector of the account, whatever it keeps."""

    def work(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        old = next(one for one in session.connectors(chain) if one.identifier == identifier)
        session.replace_connector(chain, old, None)

    store = open_store(settings, create=False)
    with closing(store.database), rows_of(settings) as tx:
        signing(Session(tx, store.store_id, store.keyring), work)


def who_works(settings: Settings) -> list[tuple[str, str]]:
    """Return the processes of the intents, and since when."""
    with rows_of(settings) as tx:
        return [(row["process"], row["created_at"]) for row in tx.all("SELECT process, created_at FROM intent")]


def alter(settings: Settings, **columns: str) -> None:
    """Change the intent in the database."""
    with rows_of(settings) as tx:
        for name, value in columns.items():
            tx.run(f"UPDATE intent SET {name} = :value", value=value)


def ended_process() -> str:
    """Return the name of a process of this machine that is gone."""
    module = this_process.__module__
    code = f"from {module} import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def doctor(engine: Engine, call: Any) -> dict[str, str]:
    checks = call(engine, "doctor").returned["checks"]
    return {one["check"]: one["verdict"] for one in checks} | {"message": checks[-1]["message"]}


def test_the_next_run_follows_what_the_provider_has(cut_off: Engine, settings: Settings) -> None:
    assert pending(cut_off) == 1
    following = Engine(settings)
    declare(following, "scope", org="elsewhere")
    assert pending(following) == 0
    assert (read(following, "a"), read(following, "a@1"), read(following, "a@2")) == (b"new", b"old", b"new")
    assert not declare(following, "secret_text", identifier="a", value=b"new").changed


def test_a_process_settles_once_and_reads_settle_nothing(cut_off: Engine, settings: Settings) -> None:
    assert read(Engine(settings), "a") == b"new"
    declare(cut_off, "scope", org="elsewhere")
    assert pending(cut_off) == 1
    check(Engine(settings), "scope", org="other")
    assert pending(cut_off) == 1


def test_the_doctor_tells_and_puts_it_right(cut_off: Engine, settings: Settings) -> None:
    told = doctor(Engine(settings), check)
    assert (told["unfinished changes"], pending(cut_off)) == ("warning", 1)
    told = doctor(Engine(settings), declare)
    assert (told["unfinished changes"], pending(cut_off)) == ("ok", 0)
    assert "1 changes" in told["message"]
    assert "none" in doctor(Engine(settings), declare)["message"]


def test_what_others_work_at_is_left_alone(cut_off: Engine, settings: Settings) -> None:
    here, id_and_start = this_process().rsplit("/", 2)[0], this_process().rsplit("/", 2)[1:]
    elsewhere = "/".join(["another-machine//1", *id_and_start])
    for process in (this_process(), elsewhere):
        alter(settings, process=process)
        assert settle_left(Engine(settings)).settled == 0
    alter(settings, created_at="2026-01-01T00:00:00Z", process=this_process())
    assert settle_left(Engine(settings)).settled == 0
    alter(settings, process=ended_process())
    assert ended_process().startswith(here)
    assert settle_left(Engine(settings)).settled == 1


def test_a_process_of_another_machine_is_given_up_in_the_end(cut_off: Engine, settings: Settings) -> None:
    alter(settings, process="another-machine//1/2/3", created_at="2026-01-01T00:00:00Z")
    assert settle_left(Engine(settings)).settled == 1


def test_a_provider_that_still_does_not_answer_stops_nobody(cut_off: Engine, settings: Settings, cloud: Cloud) -> None:
    def no_answer(_path: str) -> None:
        raise Unavailable("provider_unavailable", "No answer.", hint="Wait.", retryable=True)

    cloud.before["read"] = no_answer
    result = declare(Engine(settings), "scope", org="elsewhere")
    assert result.changed
    assert len(result.warnings) == 1
    assert "unfinished; the next run tries again" in result.warnings[0]
    assert pending(cut_off) == 1
    assert [process for process, _since in who_works(settings)] == [""]
    del cloud.before["read"]
    assert settle_left(Engine(settings)).settled == 1


def test_two_that_settle_at_once_do_it_once(cut_off: Engine, settings: Settings, cloud: Cloud) -> None:
    others = []
    cloud.before["read"] = lambda _path: others.append(settle_left(Engine(settings)).settled)
    assert settle_left(Engine(settings)).settled == 1
    assert others == [0]
    assert read(cut_off, "a@2") == b"new"


@pytest.mark.parametrize(
    "meanwhile", ["DELETE FROM intent", "UPDATE intent SET created_at = '2026-01-01T00:00:00Z'"], ids=["done", "anew"]
)
def test_one_who_had_looked_before_others_settled_does_nothing(
    cut_off: Engine, settings: Settings, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    look = intents._to_settle

    def look_early(session: Session, only: frozenset[str]) -> list[Intent]:
        found = look(session, only)
        execute(settings, meanwhile)
        return found

    reads = cloud.counts["read"]
    monkeypatch.setattr(intents, "_to_settle", look_early)
    assert settle_left(Engine(settings)).settled == 0
    assert cloud.counts["read"] == reads


def test_who_settles_is_known_from_when_on(cut_off: Engine, settings: Settings, cloud: Cloud) -> None:
    alter(settings, process="another-machine//1/2/3", created_at="2026-01-01T00:00:00Z")
    claimed = []
    cloud.before["read"] = lambda _path: claimed.extend(who_works(settings))
    assert settle_left(Engine(settings)).settled == 1
    assert claimed[0][0] == this_process()
    assert claimed[0][1] > "2026-01-02"


def test_what_one_has_begun_anew_is_not_settled_beside_it(cut_off: Engine, settings: Settings) -> None:
    columns = "'anew', scope_id, connector_id, path, goal, :process, created_at, tag, about"
    copy = f"INSERT INTO intent SELECT {columns} FROM intent"
    execute(settings, copy, process=this_process())
    assert settle_left(Engine(settings)).settled == 0
    execute(settings, "DELETE FROM intent WHERE id = 'anew'")
    assert settle_left(Engine(settings)).settled == 1


def test_a_change_waits_for_who_puts_the_same_value_right(cut_off: Engine, settings: Settings, cloud: Cloud) -> None:
    following, changing = Engine(settings), Engine(settings)
    has_begun, may_go_on = Event(), Event()

    def wait(_path: str) -> None:
        del cloud.before["read"]
        has_begun.set()
        assert may_go_on.wait(30)

    cloud.before["read"] = wait
    settling = Thread(target=settle_left, args=[following])
    settling.start()
    assert has_begun.wait(30)
    call = {"identifier": "a", "value": b"newest"}
    change = Thread(target=lambda: declare(changing, "secret_text", **call))
    writes, looks = cloud.counts["write"], []
    look = changing.read
    changing.read = lambda work, *path: looks.append(work) or look(work, *path)  # type: ignore[method-assign]
    change.start()
    waiting_for(lambda: [work.__name__ for work in looks if hasattr(work, "__name__")].count("_holder") > 1)
    assert cloud.counts["write"] == writes
    may_go_on.set()
    settling.join()
    change.join()
    assert [read(cut_off, f"a@{number}") for number in (1, 2, 3)] == [b"old", b"new", b"newest"]
    assert pending(cut_off) == 0


def test_a_change_that_waits_too_long_is_told_for_whom(
    cut_off: Engine, settings: Settings, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "PATIENCE", 0)
    alter(settings, process=this_process())
    writes = cloud.counts["write"]
    error = error_of(lambda: declare(Engine(settings), "secret_text", identifier="a", value=b"x"))
    assert (error.code, error.retryable, cloud.counts["write"]) == ("being_changed", True, writes)
    assert error.message.endswith(f": process {os.getpid()} on {socket.gethostname()}.")
    assert declare(Engine(settings), "secret_text", identifier="b", value=b"x", secret_manager="vault").changed


@pytest.mark.parametrize(
    ("goal", "call", "is_held"),
    [
        ("present", {"value": b"x"}, False),
        ("present", {"state": "absent"}, True),
        ("absent", {"value": b"x"}, True),
        ("absent", {"state": "absent"}, True),
    ],
)
def test_one_of_another_machine_holds_back_where_one_of_the_two_removes(
    cut_off: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, goal: str, call: dict[str, Any], is_held: bool
) -> None:
    monkeypatch.setattr(intents, "PATIENCE", 0)
    now = datetime.now(timezone.utc)
    alter(settings, process="another-machine//1/2/3", goal=goal, created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}")
    if is_held:
        error = error_of(lambda: declare(Engine(settings), "secret_text", identifier="a", **call))
        assert (error.code, "process 2 on another-machine" in error.message) == ("being_changed", True)
    earlier = now - timedelta(minutes=21) if is_held else now
    alter(settings, created_at=f"{earlier:%Y-%m-%dT%H:%M:%SZ}", goal="present")
    assert declare(Engine(settings), "secret_text", identifier="a", **call).changed


def test_what_another_machine_makes_is_not_made_here_too(
    cut_off: Engine, settings: Settings, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be about to remove it, because the store does not have it."""
    monkeypatch.setattr(intents, "PATIENCE", 0)
    call = {"identifier": "b", "value": b"x", "secret_manager": "vault"}
    now = datetime.now(timezone.utc)
    alter(settings, process="another-machine//1/2/3", path="app/b", created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}")
    assert error_of(lambda: declare(Engine(settings), "secret_text", **call)).code == "being_changed"
    assert "app/b" not in cloud.paths()


@pytest.mark.parametrize("column", ["path", "goal", "connector_id"])
def test_an_intent_that_was_edited_is_not_acted_upon(cut_off: Engine, settings: Settings, column: str) -> None:
    alter(settings, **{column: "absent"})
    outcome = settle_left(Engine(settings))
    assert (outcome.settled, outcome.pending, len(outcome.warnings)) == (0, 1, 1)
    assert "changed outside" in outcome.warnings[0]
    assert read(Engine(settings), "a") == b"new"


def test_what_a_provider_refuses_leaves_nothing_behind(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    declare(engine, "scope", org="payments")
    add_connector(settings, "vault")
    cloud.put("app/a", b"theirs")
    call = {"identifier": "a", "value": b"x", "secret_manager": "vault"}
    assert error_of(lambda: declare(engine, "secret_text", **call)).code == "foreign_secret"
    assert pending(engine) == 0
    assert cloud.newest("app/a") == b"theirs"


@pytest.mark.parametrize(
    ("process", "now", "is_left"),
    [
        ("another-machine//1/2/3", "12:20:00", False),
        ("another-machine//1/2/3", "12:20:01", True),
        ("", "12:00:00", True),
        (this_process(), "23:59:59", False),
    ],
    ids=["twenty minutes", "more", "given up", "running"],
)
def test_an_intent_is_left_once_its_process_has_ended_or_may_have(process: str, now: str, is_left: bool) -> None:
    intent = Intent("id", "s", "c", "p", "present", process, "2026-01-01T12:00:00Z")
    assert intents._is_abandoned(intent, f"2026-01-01T{now}Z") is is_left


# What a run finds that settles


def lost(engine: Engine, cloud: Cloud, verb: str, work: Callable[[str], object], **call: Any) -> None:
    """Declare a text secret whose provider does `work` in place of a verb, and whose answer is lost."""

    def lose_the_answer(path: str) -> None:
        work(path)
        raise Unavailable("provider_unavailable", "No answer.", hint="Wait.", retryable=True)

    cloud.before[verb] = lose_the_answer
    assert error_of(lambda: declare(engine, "secret_text", **call)).category == "unavailable"
    del cloud.before[verb]
    assert pending(engine) == 1


def settle(settings: Settings) -> tuple[int, int, int]:
    """Settle in a new run; return how many are settled, how many are left, and how many warnings there are."""
    outcome = settle_left(Engine(settings))
    return outcome.settled, outcome.pending, len(outcome.warnings)


@pytest.fixture
def vault(engine: Engine, settings: Settings) -> Engine:
    """An engine on a store with the secret `a` at a vault, in one version."""
    declare(engine, "scope", org="payments")
    add_connector(settings, "vault")
    declare(engine, "secret_text", identifier="a", value=b"old", secret_manager="vault")
    return engine


def test_a_value_that_never_reached_the_provider_makes_no_version(
    vault: Engine, settings: Settings, cloud: Cloud
) -> None:
    lost(vault, cloud, "write", lambda _path: None, identifier="a", value=b"new")
    assert settle(settings) == (1, 0, 0)
    (secret,) = shown(vault, "secret_info")
    assert (secret["version"], read(Engine(settings), "a")) == (1, b"old")


def test_a_value_that_is_gone_leaves_the_secret_in_the_store(vault: Engine, settings: Settings, cloud: Cloud) -> None:
    lost(vault, cloud, "write", lambda path: cloud.values.pop(("main", path)), identifier="a", value=b"new")
    assert settle(settings) == (1, 0, 0)
    (secret,) = shown(vault, "secret_info")
    assert secret["version"] == 1
    assert error_of(lambda: read(Engine(settings), "a")).code == "unknown_path"


def test_a_removal_that_reached_the_provider_is_finished(vault: Engine, settings: Settings, cloud: Cloud) -> None:
    lost(vault, cloud, "remove", lambda path: cloud.values.pop(("main", path)), identifier="a", state="absent")
    assert len(shown(vault, "secret_info")) == 1
    assert settle(settings) == (1, 0, 0)
    assert shown(vault, "secret_info") == []
    assert len(shown(vault, "scope_info", verify=True)) == 1


def test_a_removal_that_did_not_reach_the_provider_is_not_done(vault: Engine, settings: Settings, cloud: Cloud) -> None:
    lost(vault, cloud, "remove", lambda _path: None, identifier="a", state="absent")
    assert settle(settings) == (1, 0, 0)
    assert read(Engine(settings), "a") == b"old"


def test_a_new_secret_that_the_store_does_not_have_is_removed_there(
    vault: Engine, settings: Settings, cloud: Cloud
) -> None:
    def write(path: str) -> None:
        owner = cloud.values["main", "app/a"][-1].owner
        cloud.values["main", path] = [Kept(b"ours:new", owner)]

    lost(vault, cloud, "write", write, identifier="b", value=b"new", secret_manager="vault")
    assert cloud.paths() == ["app/a", "app/b"]
    assert settle(settings) == (1, 0, 0)
    assert cloud.paths() == ["app/a"]


def test_a_new_secret_that_nobody_has_is_done_with(vault: Engine, settings: Settings, cloud: Cloud) -> None:
    lost(vault, cloud, "write", lambda _path: None, identifier="b", value=b"new", secret_manager="vault")

    def not_there(path: str) -> None:
        raise failures.unknown_path("the vault", path, "")

    cloud.before["remove"] = not_there
    assert settle(settings) == (1, 0, 0)


def test_what_others_put_there_meanwhile_is_left_with_a_warning(
    vault: Engine, settings: Settings, cloud: Cloud
) -> None:
    lost(vault, cloud, "write", lambda _path: None, identifier="b", value=b"new", secret_manager="vault")
    cloud.put("app/b", b"of others")
    outcome = settle_left(Engine(settings))
    assert (outcome.settled, outcome.pending) == (1, 0)
    assert "'app/b' was left at connector 'vault' of the account" in outcome.warnings[0]
    assert cloud.newest("app/b") == b"of others"


def test_what_was_begun_at_a_connector_that_is_gone_is_done_with(
    vault: Engine, settings: Settings, cloud: Cloud
) -> None:
    add_connector(settings, "second", vault="second")
    lost(vault, cloud, "write", lambda _path: None, identifier="b", value=b"new", secret_manager="second")
    remove_connector(settings, "second")
    assert settle(settings) == (1, 0, 0)


def test_a_secret_whose_connector_was_deleted_stops_no_other_run(cut_off: Engine, settings: Settings) -> None:
    remove_connector(settings, "vault")
    assert settle(settings) == (1, 0, 0)


def test_an_edited_row_is_not_signed_for_what_the_provider_has(cut_off: Engine, settings: Settings) -> None:
    """Somebody who edits the row of a secret does not get it signed by the next run that settles."""
    execute(settings, "UPDATE secret SET expires_at = '2099-01-01T00:00:00Z' WHERE identifier = 'a'")
    outcome = settle_left(Engine(settings))
    assert (outcome.settled, outcome.pending, len(outcome.warnings)) == (0, 1, 1)
    assert "secret 'a' in the account was changed outside" in outcome.warnings[0]
    assert error_of(lambda: read(Engine(settings), "a")).code == "damaged_row"


@pytest.mark.parametrize("column", ["path", "connector_id"])
def test_who_works_elsewhere_stops_nobody_from_settling(cut_off: Engine, settings: Settings, column: str) -> None:
    columns = {name: name for name in ("scope_id", "connector_id", "path", "goal")} | {column: "'elsewhere'"}
    selected = f"'other', {', '.join(columns.values())}, :process, created_at, tag, about"
    copy = f"INSERT INTO intent SELECT {selected} FROM intent"
    execute(settings, copy, process=this_process())
    assert settle(settings) == (1, 1, 0)
    assert read(Engine(settings), "a@2") == b"new"


# What a change leaves behind


def test_a_change_that_waited_is_recorded_before_it_begins(
    cut_off: Engine, settings: Settings, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off once it has waited for another one, which ends meanwhile: one intent is left, of its own."""
    alter(settings, process=this_process())

    def end_the_other(_seconds: float) -> None:
        execute(settings, "DELETE FROM intent")

    monkeypatch.setattr(intents, "time", SimpleNamespace(sleep=end_the_other, monotonic=time.monotonic))
    lost(Engine(settings), cloud, "write", lambda _path: None, identifier="a", value=b"newest")
    assert [process for process, _since in who_works(settings)] == [""]
    assert settle(settings) == (1, 0, 0)


@pytest.mark.parametrize(
    ("identifier", "paths", "values"),
    [("a", ["app/a"], [b"old", b"new"]), ("b", ["app/a"], [])],
    ids=["changed", "created"],
)
def test_what_the_store_refuses_is_put_right_at_once(
    vault: Engine, settings: Settings, cloud: Cloud, monkeypatch: pytest.MonkeyPatch,
    identifier: str, paths: list[str], values: list[bytes],
) -> None:  # fmt: skip
    """The provider has the value already: the store follows, or the provider gives it up."""

    def full(*_arguments: object) -> None:
        raise StoreRefused("store_full", "No space is left.", hint="Free space.")

    with monkeypatch.context() as patched:
        patched.setattr(SecretResource, "apply", full)
        call = {"identifier": identifier, "value": b"new", "secret_manager": "vault"}
        assert error_of(lambda: declare(vault, "secret_text", **call)).code == "store_full"
    assert (pending(vault), cloud.paths()) == (0, paths)
    reader = Engine(settings)
    assert [read(reader, f"{identifier}@{number + 1}") for number in range(len(values))] == values
    assert len(shown(reader, "secret_info")) == 1


# The intents of one change


def connector_of(engine: Engine) -> ScopedConnector:
    (connector,) = engine.read(lambda session: load_managers(session, session.chain(ACCOUNT))).connectors
    return connector


def begin(engine: Engine, *goals: Goal) -> tuple[Intents, Access]:
    """Record the intents of a change."""
    access = engine.access()
    of_change = Intents(engine, access, goals)
    engine.write(of_change.write)
    of_change.is_recorded()
    return of_change, access


def put_ours(cloud: Cloud, path: str) -> None:
    """Write a value as the connector of `a` does."""
    cloud.values["main", path] = [Kept(OURS + b"v", cloud.values["main", "app/a"][-1].owner)]


def test_a_goal_is_to_write_before_the_store_changes_unless_it_says_otherwise(vault: Engine) -> None:
    goal = Goal(ACCOUNT, connector_of(vault), "p")
    assert (goal.going, goal.is_last, goal.word) == (None, False, "present")
    assert goal._replace(going=GOING).word == "absent"


def test_what_comes_last_is_done_once_the_store_has_changed(vault: Engine, settings: Settings, cloud: Cloud) -> None:
    put_ours(cloud, "app/former")
    goal = Goal(ACCOUNT, connector_of(vault), "app/b")
    change, access = begin(vault, goal, goal._replace(path="app/former", going=GOING, is_last=True))
    assert pending(vault) == 2
    vault.write(change.clear_done)
    assert (pending(vault), cloud.paths()) == (1, ["app/a", "app/former"])
    change.clear_rest()
    assert (pending(vault), cloud.paths(), access.warnings) == (0, ["app/a"], [])


def test_what_comes_last_and_fails_is_left_to_the_next_run(vault: Engine, settings: Settings, cloud: Cloud) -> None:
    def away(_path: str) -> None:
        raise failures.unavailable("the vault", "it is away")

    cloud.before["remove"] = away
    change, access = begin(vault, Goal(ACCOUNT, connector_of(vault), "app/b", going=GOING, is_last=True))
    change.clear_rest()
    (warning,) = access.warnings
    assert "'app/b' at connector 'vault' of the account unfinished" in warning
    assert [process for process, _since in who_works(settings)] == [""]


def test_a_change_without_a_last_step_settles_nothing(vault: Engine, cloud: Cloud) -> None:
    change, access = begin(vault, Goal(ACCOUNT, connector_of(vault), "app/b"))
    change.clear_rest()
    assert (pending(vault), cloud.counts["remove"], access.warnings) == (1, 0, [])


GOING = Secret("s", "scope", "b", "text", "b", current_version=1)
REFUSED = InvalidInput("code", "It is refused.", hint="Do not.")
AWAY = Unavailable("code", "It is away.", hint="Wait.")


@pytest.mark.parametrize(
    ("has_changed", "error", "left"),
    [
        (False, REFUSED, None),
        (False, Moved(), None),
        (False, AWAY, ""),
        (False, KeyboardInterrupt(), ""),
        (True, REFUSED, None),
        (True, Moved(), ""),
        (True, AWAY, ""),
        (True, KeyboardInterrupt(), ""),
    ],
)
def test_a_change_that_is_given_up_is_forgotten_undone_or_left(
    vault: Engine, settings: Settings, cloud: Cloud, has_changed: bool, error: BaseException, left: str | None
) -> None:
    """Left to the next run: the intent without its process. Undone: what was written at the provider is removed."""
    change, access = begin(vault, Goal(ACCOUNT, connector_of(vault), "app/b"))
    put_ours(cloud, "app/b")
    access.has_changed = has_changed
    change.give_up(error)
    assert [process for process, _since in who_works(settings)] == ([] if left is None else [left])
    assert ("app/b" in cloud.paths()) is not (has_changed and error is REFUSED)


def test_what_was_not_recorded_is_not_given_up(vault: Engine, settings: Settings) -> None:
    change = Intents(vault, vault.access(), [Goal(ACCOUNT, connector_of(vault), "app/b")])
    vault.write(change.write)
    change.give_up(REFUSED)
    assert [process for process, _since in who_works(settings)] == [this_process()]


@pytest.mark.parametrize(
    ("connector", "path", "is_held"), [("", "app/b", True), ("", "app/c", False), ("another", "app/b", False)]
)
def test_a_change_waits_for_those_of_the_same_value_only(
    vault: Engine, connector: str, path: str, is_held: bool
) -> None:
    ours = connector_of(vault)
    begin(vault, Goal(ACCOUNT, ours, "app/b"))
    theirs = ours._replace(row=ours.row._replace(id=connector or ours.row.id))
    other = Intents(vault, vault.access(), [Goal(ACCOUNT, theirs, path)])
    if is_held:
        with pytest.raises(Held):
            vault.read(lambda session: other.check_free(session, unfinished(session.tx)))
    else:
        vault.read(lambda session: other.check_free(session, unfinished(session.tx)))


def test_a_change_does_not_wait_for_one_that_was_given_up(vault: Engine) -> None:
    goal = Goal(ACCOUNT, connector_of(vault), "app/b", going=GOING)
    begin(vault, goal)[0].give_up(AWAY)
    other = Intents(vault, vault.access(), [goal])
    vault.read(lambda session: other.check_free(session, unfinished(session.tx)))


def test_a_change_settles_its_own_intents_only(vault: Engine, cloud: Cloud) -> None:
    """Also two of its own at one value, but none of another change of this process."""
    goal = Goal(ACCOUNT, connector_of(vault), "app/b")
    begin(vault, goal._replace(path="app/c"))
    change, access = begin(vault, goal, goal._replace(going=GOING))
    access.has_changed = True
    change.give_up(REFUSED)
    assert [intent.path for intent in vault.read(lambda session: unfinished(session.tx))] == ["app/c"]


@pytest.mark.parametrize("error", [Conflict("code", "No.", hint="?"), InvalidInput("code", "No.", hint="?")])
def test_what_a_provider_does_not_remove_is_left_with_a_warning(
    vault: Engine, settings: Settings, cloud: Cloud, error: Exception
) -> None:
    def refuse(_path: str) -> None:
        raise error

    begin(vault, Goal(ACCOUNT, connector_of(vault), "app/b"))[0].give_up(AWAY)
    cloud.before["remove"] = refuse
    outcome = settle_left(Engine(settings))
    assert (outcome.settled, outcome.pending) == (1, 0)
    assert outcome.warnings == ("'app/b' was left at connector 'vault' of the account: No.",)


def test_a_change_does_not_wait_for_itself(vault: Engine) -> None:
    change, _access = begin(vault, Goal(ACCOUNT, connector_of(vault), "app/b"))
    vault.read(lambda session: change.check_free(session, unfinished(session.tx)))


def test_a_value_does_not_show_itself() -> None:
    assert repr(ValueAtProvider(b"canary", "3")) == "ValueAtProvider(version='3')"


def test_a_secret_that_is_gone_while_its_provider_is_asked_is_not_made_again(
    cut_off: Engine, settings: Settings, cloud: Cloud
) -> None:
    def remove(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        session.replace_secret(chain, session.secret(chain, "a"), None)

    def lose(_path: str) -> None:
        cloud.before.clear()
        in_session(settings, remove)

    cloud.before["read"] = lose
    assert settle_left(Engine(settings)).settled == 1
    with rows_of(settings) as tx:
        assert tx.all("SELECT identifier FROM secret") == []
