# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins of a run: one per connector, renewed when they expire, closed at the end."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.providers import (
    Providers,
    describe,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.usage import Usage
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, at_once, waiting_for
from ansible_collections.scoped.secrets.tests.unit.engine.stores import add_connector, declare, error_of, read

OPTIONS = {"vault": "main", "base": "app", "auth_method": "token", "token_ref": "t"}
CONNECTOR = ScopedConnector(Connector("id", "s", "memory_vault", "vault", "n", options=OPTIONS), ScopePath("pay"))
THREADS = 50


def credentials(_connector: ScopedConnector, _again: bool) -> Mapping[str, str]:
    return {"token": "good"}


def ask(manager: Manager) -> Manager:
    """Make one request."""
    manager.check(Aim(), AccessProof())
    return manager


@pytest.fixture
def providers() -> Providers:
    return Providers(Usage())


def test_a_manager_gets_the_options_and_the_credentials(providers: Providers) -> None:
    manager = providers.call(CONNECTOR, credentials, ask)
    assert (manager.options["token"], manager.options["base"], manager.options["timeout"]) == ("good", "app", 30)
    assert manager.connector.what == "connector 'vault' of organization 'pay'"


def test_many_threads_log_in_once(cloud: Cloud, providers: Providers) -> None:
    begun = threading.Semaphore(0)
    cloud.before["login"] = lambda _what: waiting_for(lambda: begun._value == THREADS)

    def work(_number: int) -> Manager:
        begun.release()
        return providers.call(CONNECTOR, credentials, ask)

    managers = at_once(THREADS, work)
    assert len(set(map(id, managers))) == 1
    assert (cloud.counts["login"], cloud.counts["check"]) == (1, THREADS)


def test_each_connector_has_its_own_login_and_a_changed_one_logs_in_again(cloud: Cloud, providers: Providers) -> None:
    other = ScopedConnector(CONNECTOR.row._replace(id="other"), CONNECTOR.path)
    changed = ScopedConnector(CONNECTOR.row._replace(revision=1), CONNECTOR.path)
    for connector in (CONNECTOR, other, changed, CONNECTOR, other):
        providers.call(connector, credentials, ask)
    assert cloud.counts["login"] == 3


def test_one_slow_login_holds_up_no_other_connector(cloud: Cloud, providers: Providers) -> None:
    other = ScopedConnector(CONNECTOR.row._replace(id="other", identifier="other"), CONNECTOR.path)
    meet = threading.Barrier(2, timeout=30)
    cloud.before["login"] = lambda _what: meet.wait()
    at_once(2, lambda number: providers.call((CONNECTOR, other)[number], credentials, ask))
    assert cloud.counts["login"] == 2


def test_an_expired_login_is_renewed_and_the_call_repeated_once(cloud: Cloud, providers: Providers) -> None:
    providers.call(CONNECTOR, credentials, ask)
    cloud.end_sessions()
    providers.call(CONNECTOR, credentials, ask)
    assert (cloud.counts["login"], cloud.counts["check"]) == (2, 3)
    providers.call(CONNECTOR, credentials, ask)
    assert (cloud.counts["login"], cloud.counts["check"]) == (2, 4)


def test_many_threads_renew_an_expired_login_once(cloud: Cloud, providers: Providers) -> None:
    providers.call(CONNECTOR, credentials, ask)
    cloud.end_sessions()
    meet = threading.Barrier(THREADS, timeout=30)

    def together(manager: Manager) -> None:
        if cloud.counts["login"] == 1:
            meet.wait()
        manager.check(Aim(), AccessProof())

    at_once(THREADS, lambda _number: providers.call(CONNECTOR, credentials, together))
    assert cloud.counts["login"] == 2
    assert cloud.counts["check"] == 1 + 2 * THREADS


def test_a_login_that_expires_at_once_is_not_renewed_forever(cloud: Cloud, providers: Providers) -> None:
    cloud.logins_do_not_last = True
    error = error_of(lambda: providers.call(CONNECTOR, credentials, ask))
    assert (type(error), error.code, "connector 'vault'" in error.message) == (Forbidden, "login_expired", True)
    assert (cloud.counts["login"], cloud.counts["check"]) == (2, 2)


def test_a_refused_login_is_retried_only_by_the_next_call(cloud: Cloud, providers: Providers) -> None:
    cloud.credentials.clear()
    error = error_of(lambda: providers.call(CONNECTOR, credentials, ask))
    assert (type(error), error.code, "connector 'vault'" in error.message) == (Forbidden, "login_refused", True)
    assert (cloud.counts["login"], cloud.counts["check"]) == (1, 0)
    cloud.credentials.add("good")
    providers.call(CONNECTOR, credentials, ask)
    assert (cloud.counts["login"], cloud.counts["check"]) == (2, 1)


def test_other_errors_cause_no_new_login(cloud: Cloud, providers: Providers) -> None:
    def deny(_path: str) -> None:
        raise failures.denied("it", "check")

    cloud.before["check"] = deny
    assert error_of(lambda: providers.call(CONNECTOR, credentials, ask)).code == "provider_denied"
    assert (cloud.counts["login"], cloud.counts["check"]) == (1, 1)


def test_describing_a_manager_does_not_log_in(cloud: Cloud) -> None:
    assert describe(CONNECTOR).options["base"] == "app"
    assert cloud.asked == []


def test_notices_are_given_once(providers: Providers) -> None:
    insecure = ScopedConnector(CONNECTOR.row._replace(options={**OPTIONS, "insecure": True}), CONNECTOR.path)
    assert providers.take_notices() == []
    providers.call(insecure, credentials, ask)
    assert providers.take_notices() == ["connector 'vault' of organization 'pay' is insecure."]
    providers.log_in(insecure, {"token": "good"})
    assert providers.take_notices() == []


def test_closing_releases_all_logins(cloud: Cloud, providers: Providers) -> None:
    providers.close()
    for revision in range(2):
        connector = ScopedConnector(CONNECTOR.row._replace(revision=revision), CONNECTOR.path)
        providers.call(connector, credentials, ask)
    cloud.credentials.clear()
    error_of(lambda: providers.call(ScopedConnector(CONNECTOR.row._replace(id="x"), CONNECTOR.path), credentials, ask))
    providers.close()
    assert cloud.counts["close"] == 2


def test_logins_and_requests_are_counted_by_connector() -> None:
    usage = Usage()
    providers = Providers(usage)
    below = ScopedConnector(CONNECTOR.row._replace(id="other"), ScopePath("pay", "api"))
    for connector in (CONNECTOR, below, CONNECTOR):
        providers.call(connector, credentials, ask)
    counts = usage.counts()
    assert (counts["logins"], counts["requests"]) == (2, 3)
    assert counts["connectors"] == {
        "pay/api/vault": {"logins": 1, "renewals": 0, "requests": 1},
        "pay/vault": {"logins": 1, "renewals": 0, "requests": 2},
    }


@pytest.fixture
def engine_of_three(settings: Settings, cloud: Cloud, engine: Engine) -> Engine:
    """`second` logs in with a secret at `first`, which logs in with a secret of the store."""
    declare(engine, "secret_text", identifier="t", value=b"good")
    add_connector(settings, "first", auth_method="token", token_ref="t")
    add_connector(settings, "second", auth_method="token", token_ref="memory://first/token")
    cloud.put("token", b"good")
    cloud.put("p", b"value")
    return engine


def test_a_login_through_another_manager_happens_once_too(cloud: Cloud, engine_of_three: Engine) -> None:
    values = at_once(THREADS, lambda _number: read(engine_of_three, "memory://second/p"))
    assert values == [b"value"] * THREADS
    assert (cloud.counts["login"], cloud.asked.count(("read", "token")), cloud.asked.count(("read", "p"))) == (2, 1, 1)


def test_a_login_that_expires_midway_is_renewed_once(cloud: Cloud, engine_of_three: Engine) -> None:
    for number in range(20):
        cloud.put(f"p{number}", b"v")
    assert read(engine_of_three, "memory://second/p") == b"value"
    cloud.end_sessions()
    answers = engine_of_three.resolve([Query(f"memory://second/p{number}") for number in range(20)])
    assert [answer.value for answer in answers] == [b"v"] * 20
    assert cloud.asked.count(("login", "connector 'second' of the account")) == 2


def test_a_new_login_uses_the_current_credential(cloud: Cloud, engine_of_three: Engine) -> None:
    """Others rotated it at its source, so the copy that this run has cached is stale."""
    cloud.put("token", b"before")
    cloud.credentials = {"good", "before"}
    assert read(engine_of_three, "memory://second/p") == b"value"
    cloud.put("token", b"after")
    cloud.put("q", b"v")
    cloud.credentials = {"good", "after"}
    cloud.end_sessions()
    assert read(engine_of_three, "memory://second/q") == b"v"
    assert cloud.asked.count(("read", "token")) == 3  # the second was refused: its login had ended too
