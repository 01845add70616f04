# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was begun at a provider and not finished. That it is put right wherever it was cut off: tests/crash."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.intents import settle_left
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.process_identity import this_process
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import pending_intents
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    declare,
    error_of,
    read,
    rows_of,
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
    assert "is not finished" in result.warnings[0]
    assert pending(cut_off) == 1


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
