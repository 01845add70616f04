# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded, when, and what happens if it can't be."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit import chain as audit_chain
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit import recorder as audit
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.model.audit import Caller
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    declare,
    error_of,
    in_time,
    read,
    rows_of,
)

API = {"org": "payments", "project": "api"}
CALLER = Caller("me", "here", "7", "this run")


def served(settings: Settings) -> Engine:
    """Return an engine like the one in a broker."""
    return Engine(settings, shared=Shared(caller=CALLER))


def events(engine: Engine, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = declare(engine, "audit_info", verify=True, **params).returned["events"]
    return found


def told(engine: Engine, **params: Any) -> list[tuple[str, str, str]]:
    return [(one["action"], one["identifier"], one["outcome"]) for one in events(engine, **params)]


@pytest.fixture
def tree(engine: Engine) -> Engine:
    declare(engine, "scope", org="payments")
    declare(engine, "scope", **API)
    declare(engine, "secret_text", identifier="a", value=b"value of a")
    declare(engine, "secret_text", identifier="a", value=b"of the project", **API)
    return engine


def test_each_read_and_refusal_makes_one_record(tree: Engine, settings: Settings) -> None:
    engine = served(settings)
    references = ["a", "a", "account.a", "b", "project.a", "../a"]
    engine.resolve([Query(reference, *API.values()) for reference in references])
    engine.resolve([Query("a", *API.values())])
    found = events(engine, actions=["read"], **API)
    assert [(one["of_scope"], one["identifier"], one["version"], one["outcome"]) for one in found] == [
        ("payments/api", "a", "1", "ok"),
        ("payments/api", "a", "1", "ok"),
        ("account", "a", "1", "ok"),
        ("payments/api", "b", "", "unknown_secret"),
        ("", "", "", "reference_downward"),
        ("", "", "", "invalid_reference"),
        ("payments/api", "a", "1", "ok"),
    ]
    assert {(one["user"], one["host"], one["job"], one["run"]) for one in found} == {tuple(CALLER)}
    assert [one["sequence"] for one in found] == list(range(3, 10))


def test_a_refused_default_is_recorded_as_its_scope(tree: Engine) -> None:
    error_of(lambda: declare(tree, "default_secret_manager", secret_manager="nobody", **API))
    last = events(tree, **API)[-1]
    assert (last["kind"], last["identifier"], last["outcome"]) == ("scope", "api", "unknown_connector")


def test_each_write_makes_one_record(tree: Engine) -> None:
    declare(tree, "secret_text", identifier="a", value=b"another", **API)
    declare(tree, "secret_text", identifier="a", value=b"another", **API)
    error_of(lambda: declare(tree, "secret_file", identifier="a", value=b"x", **API))
    declare(tree, "secret_ssh", identifier="host", user="u", password="p", **API)
    declare(tree, "secret_text", identifier="a", state="absent", **API)
    assert told(tree, **API)[2:] == [
        ("update", "a", "ok"),
        ("write", "a", "other_kind"),
        ("create", "host_password", "ok"),
        ("create", "host", "ok"),
        ("delete", "a", "ok"),
    ]


def test_no_record_has_a_value(tree: Engine, settings: Settings) -> None:
    read(tree, "a", **API)
    assert not [value for one in events(tree, **API) for value in one.values() if "of the project" in str(value)]


def test_check_mode_and_lists_are_not_recorded(tree: Engine) -> None:
    from ansible_collections.scoped.secrets.tests.unit.engine.stores import check

    before = told(tree)
    check(tree, "secret_text", identifier="fresh", value=b"x")
    declare(tree, "secret_info")
    assert told(tree) == before


def test_nothing_is_recorded_when_audit_is_off(tree: Engine, settings: Settings) -> None:
    silent = Engine(settings._replace(audit="off"))
    before = told(tree)
    read(silent, "a")
    declare(silent, "secret_text", identifier="a", value=b"other")
    assert told(tree) == before


def test_reads_are_gathered_and_written_at_the_end(tree: Engine, settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(audit, "INTERVAL", 3600)
    engine = served(settings)
    for _number in range(5):
        read(engine, "a")
    assert told(tree, actions=["read"]) == []
    engine.close(10)
    assert told(tree, actions=["read"]) == [("read", "a", "ok")] * 5


def test_a_full_batch_is_written_at_once(tree: Engine, settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(audit, "INTERVAL", 3600)
    monkeypatch.setattr(audit, "BATCH", 3)
    engine = served(settings)
    written = threading.Event()
    write = engine.audit._write
    monkeypatch.setattr(engine.audit, "_write", lambda some: (write(some), written.set()))
    engine.resolve([Query("a")] * 3)
    assert written.wait(60)
    assert len(told(tree, actions=["read"])) == 3


def test_two_engines_add_to_one_chain(tree: Engine, settings: Settings) -> None:
    engines = [Engine(settings) for _number in range(4)]

    def work(engine: Engine) -> None:
        for _number in range(10):
            read(engine, "a", **API)

    threads = [threading.Thread(target=work, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told(tree, actions=["read"], **API)) == 40


def without_chain(settings: Settings) -> None:
    with rows_of(settings) as tx:
        tx.run("DELETE FROM audit_head")


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: read(engine, "a"),
        lambda engine: declare(engine, "secret_text", identifier="fresh", value=b"x"),
        lambda engine: declare(engine, "secret_text", identifier="a", state="absent"),
    ],
)
def test_nothing_is_done_unrecorded_when_audit_is_required(
    tree: Engine, settings: Settings, call: Callable[[Engine], object]
) -> None:
    strict = Engine(settings._replace(audit="required"))
    read(strict, "a")
    without_chain(settings)
    assert error_of(lambda: call(strict)).code == "audit_not_written"
    listed = declare(tree, "secret_info").returned["secrets"]
    assert [one["identifier"] for one in listed] == ["a"]


def test_otherwise_the_run_continues_and_warns_once(tree: Engine, settings: Settings) -> None:
    engine = Engine(settings)
    without_chain(settings)
    assert read(engine, "a") == b"value of a"
    assert read(engine, "a") == b"value of a"
    assert declare(engine, "secret_text", identifier="fresh", value=b"x").changed
    warnings = [notice for notice in engine.take_notices() if "recorded" in notice]
    assert len(warnings) <= 1
    other = Engine(settings)
    read(other, "a")
    read(other, "a")
    assert len(other.take_notices()) == 1


def test_concurrent_readers_share_a_write(tree: Engine, settings: Settings, monkeypatch: Any) -> None:
    strict = Engine(settings._replace(audit="required"))
    goes_on, writes = threading.Event(), []
    write = strict.audit._write

    def slow(some: list[Any]) -> None:
        writes.append(len(some))
        if len(writes) == 1:
            goes_on.wait(60)
        write(some)

    monkeypatch.setattr(strict.audit, "_write", slow)
    threads = [threading.Thread(target=read, args=(strict, "a")) for _number in range(9)]
    for thread in threads:
        thread.start()
    in_time(lambda: [None for _wait in iter(lambda: len(strict.audit._batch.events) >= 8, True)], 60)
    goes_on.set()
    for thread in threads:
        thread.join()
    assert writes == [1, 8]
    assert len(told(tree, actions=["read"])) == 9


def test_a_file_sink_gets_one_line_per_record(tree: Engine, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    both = Engine(settings._replace(audit_sink=f"store,file://{path}"))
    read(both, "a")
    declare(both, "secret_text", identifier="a", value=b"newer")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == events(tree)[-2:]
    alone = Engine(settings._replace(audit_sink=f"file://{path}"))
    before = told(tree)
    read(alone, "a")
    assert told(tree) == before
    assert json.loads(path.read_text().splitlines()[-1])["action"] == "read"


def test_an_unwritable_file_sink_blocks_when_audit_is_required(
    tree: Engine, settings: Settings, tmp_path: Path
) -> None:
    strict = Engine(settings._replace(audit="required", audit_sink=f"store,file://{tmp_path}/none/audit.jsonl"))
    assert error_of(lambda: read(strict, "a")).code == "audit_not_written"
    assert error_of(lambda: declare(strict, "secret_text", identifier="b", value=b"x")).code == "audit_not_written"
    assert error_of(lambda: read(tree, "b")).code == "unknown_secret"


def test_a_lost_reply_records_nothing_twice(tree: Engine, settings: Settings, monkeypatch: Any) -> None:
    engine = Engine(settings)
    record = engine.audit._append

    def twice(work: Any, path: Any) -> None:
        record(work, path)
        record(work, path)

    monkeypatch.setattr(engine.audit, "_append", twice)
    read(engine, "a")
    assert told(tree, actions=["read"]) == [("read", "a", "ok")]


@pytest.mark.parametrize("params", [{"after": -1}, {"limit": -1}, {"limit": 0}])
def test_a_page_that_can_not_be(tree: Engine, params: dict[str, int]) -> None:
    assert error_of(lambda: events(tree, **params)).code == "invalid_option"


@pytest.mark.parametrize("name", ["secret", "outcome", "user", "run", "actions"])
def test_an_empty_filter_counts(tree: Engine, name: str) -> None:
    assert events(tree)
    assert events(tree, **{name: [] if name == "actions" else ""}) == []


@pytest.mark.parametrize(("name", "code"), [("since", "invalid_time"), ("chain", "unknown_chain")])
def test_an_empty_option_that_can_not_be(tree: Engine, name: str, code: str) -> None:
    assert error_of(lambda: events(tree, **{name: ""})).code == code


def test_a_scope_that_never_was_has_no_records(tree: Engine) -> None:
    assert error_of(lambda: events(tree, org="payments", project="web")).code == "unknown_scope"
    assert error_of(lambda: events(tree, org="nobody", project="web")).code == "unknown_scope"


@pytest.mark.parametrize(("audit", "outcome"), [("required", "audit_not_written"), ("on", "warned")])
def test_an_unexpected_failure_of_a_record_is_like_any_other(
    tree: Engine, settings: Settings, monkeypatch: Any, audit: str, outcome: str
) -> None:
    engine = Engine(settings._replace(audit=audit))
    read(engine, "a")
    engine.take_notices()
    monkeypatch.setattr(audit_chain, "append", lambda *_given: 1 / 0)
    if audit == "required":
        assert error_of(lambda: read(engine, "a")).code == outcome
    else:
        assert read(engine, "a") == b"value of a"
        assert "ZeroDivisionError" in engine.take_notices()[0]
