# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each way to read answers, counts, records and caches."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    declare,
    error_of,
    is_made,
    read,
)


@pytest.fixture
def reader(settings: Settings, engine: Engine, cloud: Cloud, tmp_path: Path) -> Engine:
    """A value in the store and one at a vault, and a credential of each kind."""
    declare(engine, "secret_text", identifier="a", value=b"v")
    declare(engine, "secret_ssh", identifier="host", user="web", password="p")
    declare(engine, "secret_winrm", identifier="windows", user="web", password_ref="a")
    add_connector(settings, "vault")
    cloud.put("p", b"v")
    return Engine(settings, shared=Shared(f"{tmp_path}/logins"))


def counts(engine: Engine) -> dict[str, int]:
    usage = engine.shared.usage.counts()
    return {what: usage[what] for what in ("calls", "reads", "hits", "opened", "logins", "requests")}


def test_reads_are_counted_by_where_they_come_from(reader: Engine) -> None:
    reader.resolve([Query("a"), Query("a"), Query("memory://vault/p"), Query("memory://vault/p")])
    assert counts(reader) == {"calls": 1, "reads": 4, "hits": 2, "opened": 2, "logins": 1, "requests": 1}
    reader.resolve([Query("a"), Query("memory://vault/p")])
    assert counts(reader) == {"calls": 2, "reads": 6, "hits": 4, "opened": 2, "logins": 1, "requests": 1}
    reader.resolve([Query("memory://vault/p", cache_ttl=0), Query("none")])
    assert counts(reader) == {"calls": 3, "reads": 8, "hits": 4, "opened": 3, "logins": 1, "requests": 2}


def test_a_credential_counts_like_its_parts(reader: Engine) -> None:
    reader.resolve([Query("host")])
    assert counts(reader) == {"calls": 1, "reads": 2, "hits": 0, "opened": 1, "logins": 0, "requests": 0}
    reader.open_host_login(Query("host"))
    assert counts(reader) == {"calls": 2, "reads": 3, "hits": 1, "opened": 1, "logins": 0, "requests": 0}


def test_forgotten_answers_are_read_from_the_store_again(reader: Engine) -> None:
    for _time in range(2):
        assert read(reader, "a") == b"v"
        reader.forget_answers()
    assert (counts(reader)["hits"], counts(reader)["opened"]) == (0, 2)


def test_reading_creates_no_store(settings: Settings) -> None:
    assert error_of(lambda: read(Engine(settings), "a")).code == "unknown_secret"
    assert not is_made(settings)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("a", ("", "", "not_for_ssh")),
        ("memory://vault/p", ("", "", "not_for_ssh")),
        ("host", ("", "credential_not_value", "")),
        ("windows", ("", "credential_not_value", "not_for_ssh")),
        ("none", ("unknown_secret", "unknown_secret", "unknown_secret")),
        ("memory://vault/none", ("unknown_path", "unknown_path", "not_for_ssh")),
    ],
)
def test_each_way_to_read_answers_and_is_recorded(reader: Engine, name: str, codes: tuple[str, ...]) -> None:
    """Templates and modules resolve, connectors ask for an answer, connections open a host login."""
    query, seen = Query(name), len(events(reader))
    answers = [reader.resolve([query])[0], reader.answer(query), login(reader, query)]
    assert [answer.error.code if answer.error else "" for answer in answers] == list(codes)
    assert {answer.subject for answer in answers} == {None}
    told = [event for event in events(reader)[seen:] if event["identifier"] in (name, "vault")]
    assert [event["action"] for event in told] == ["read", "login", "connect"]
    assert [event["outcome"] for event in told] == [code or "ok" for code in codes]


def test_a_part_that_became_a_credential_has_no_value(reader: Engine) -> None:
    declare(reader, "secret_text", identifier="a", state="absent", force=True)
    declare(reader, "secret_ssh", identifier="a", user="web", password="p")
    assert error_of(lambda: read(reader, "windows")).code == "credential_not_value"


def events(reader: Engine) -> list[dict[str, str]]:
    found: list[dict[str, str]] = declare(reader, "audit_info").returned["events"]
    return found


def login(reader: Engine, query: Query) -> Answer:
    """Open a host login; return its error as an answer."""
    try:
        reader.open_host_login(query)
    except ScopedSecretsError as error:
        return Answer(error=error)
    return Answer()
