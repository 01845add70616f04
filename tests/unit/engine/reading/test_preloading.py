# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preloading a scope from secret managers: what is requested, how often, and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.preloading import ROUNDS
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.audit import Caller
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, at_once
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    add_reference,
    declare,
    error_of,
    read,
)
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once


@pytest.fixture
def scope(cloud: Cloud, engine: Engine) -> Engine:
    """An account with a secret of its own, and references to values of others at two connectors."""
    fill(engine)
    for number in range(30):
        cloud.put(f"p{number}", b"value")
    return engine


@made_once
def fill(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="own", value=b"v")
    add_connector(engine.settings, "vault")
    add_connector(engine.settings, "batch", kind="memory_batch")
    for number in range(30):
        add_reference(engine.settings, f"v{number}", "vault", f"p{number}")
        add_reference(engine.settings, f"b{number}", "batch", f"p{number}")


@pytest.fixture
def served(settings: Settings, scope: Engine) -> Iterator[Engine]:
    """Yield an engine like the one in a broker."""
    engine = Engine(settings, shared=Shared(caller=Caller("me", "here", "", "this run")))
    yield engine
    engine.close(1)


def preloads(engine: Engine, **scope: str) -> list[tuple[str, str]]:
    """Return the recorded preloads."""
    engine.audit.write_out()
    events = declare(engine, "audit_info", actions=["preload"], **scope).returned["events"]
    return [(event["identifier"], event["outcome"]) for event in events]


def counts(cloud: Cloud) -> dict[str, int]:
    return {verb: cloud.counts[verb] for verb in ("login", "read", "read_many")}


def test_preloaded_values_are_not_requested_again(cloud: Cloud, served: Engine) -> None:
    served.preload("", "")
    asked = {"login": 2, "read": 30, "read_many": 2}
    assert counts(cloud) == asked
    assert [read(served, f"{name}{number}") for name in "vb" for number in range(30)] == [b"value"] * 60
    assert read(served, "own") == b"v"
    served.preload("", "")
    assert counts(cloud) == asked
    assert served.shared.usage.counts()["opened"] == 61
    assert len(preloads(served)) == len(set(preloads(served))) == 60
    assert {outcome for _name, outcome in preloads(served)} == {"ok"}


def test_concurrent_preloads_wait_for_the_first(cloud: Cloud, served: Engine) -> None:
    at_once(8, lambda _number: served.preload("", ""))
    assert counts(cloud) == {"login": 2, "read": 30, "read_many": 2}


def test_nothing_is_preloaded_in_the_process_of_a_task(cloud: Cloud, scope: Engine) -> None:
    scope.preload("", "")
    assert counts(cloud) == {"login": 0, "read": 0, "read_many": 0}


def test_the_secrets_of_a_credential_are_preloaded_too(cloud: Cloud, scope: Engine, served: Engine) -> None:
    declare(scope, "scope", org="pay")
    declare(scope, "secret_ssh", org="pay", identifier="host", user="web", password_ref="account.v7")
    cloud.counts.clear()
    served.preload("pay", "")
    assert cloud.asked[-1] == ("read", "p7")
    assert counts(cloud) == {"login": 1, "read": 1, "read_many": 0}
    assert preloads(served, org="pay") == [("v7", "ok")]


def test_one_failure_affects_no_other_secret(cloud: Cloud, served: Engine) -> None:
    def refuse(path: str) -> None:
        if path == "p3":
            raise failures.denied("it", "read")

    cloud.before["read"] = refuse
    del cloud.values["main", "p4"]
    served.preload("", "")
    del cloud.before["read"]
    assert read(served, "v3") == b"value"
    assert error_of(lambda: read(served, "v4")).code == "unknown_path"
    assert cloud.counts["read"] == 31
    found = dict(preloads(served))
    assert [found[name] for name in ("v2", "v3", "v4")] == ["ok", "provider_denied", "unknown_path"]


def test_an_unreachable_manager_gets_few_requests(settings: Settings, cloud: Cloud, served: Engine) -> None:
    def away(_path: str) -> Any:
        raise failures.unavailable("it", "down")

    for number in range(30, 100):
        add_reference(settings, f"v{number}", "vault", f"p{number}")
    cloud.before["read"] = away
    served.preload("", "")
    assert counts(cloud) == {"login": 2, "read": 8 * ROUNDS, "read_many": 2}


def test_a_scope_that_does_not_exist_is_an_error(served: Engine) -> None:
    assert error_of(lambda: served.preload("none", "")).code == "unknown_scope"
