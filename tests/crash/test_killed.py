# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R2: a process is killed at every step, and at every request that changes something at a provider.

The next run makes one consistent state of it: nothing is lost, nothing is left at the provider that nobody knows of.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Step
from crashing import Call, KillAt, Killer, declare, run_and_kill
from kept_apart import NEW, OLD, ORG, Store, next_run, text
from providers import AwsSecrets, Kms, Provider, Vault

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.faults import FaultProxy
    from servers.openbao import OpenBao

STEPS = [KillAt(step, is_after) for step in Step for is_after in (False, True)]


@dataclass(frozen=True)
class Operation:
    """What is declared before, the call that is cut off, and whether a manager's own secrets are involved."""

    before: tuple[Call, ...]
    call: Call


def other(**options: object) -> Call:
    """A connector whose login is kept at the default manager."""
    place = {"url": "http://127.0.0.1:1", "check": False}
    return Call("connector_hashicorp_vault", {**ORG, "identifier": "other", **place, **options})


GONE = {"state": "absent"}
OPERATIONS = {
    "create": Operation((), text("a", value=NEW)),
    "update": Operation((text("a", value=OLD),), text("a", value=NEW)),
    "delete": Operation((text("a", value=OLD),), text("a", **GONE)),
    "connector": Operation((), other(token="new value")),
    "connector, another login": Operation((other(token="old value"),), other(token="new value")),
    "connector, login elsewhere": Operation(
        (text("b", value=OLD, secret_manager="builtin"), other(token="old value")), other(token_ref="org.b")
    ),
    "connector removed": Operation((other(token="old value"),), other(**GONE)),
    "credential": Operation((), Call("secret_ssh", {**ORG, "identifier": "c", "user": "u", "password": "new value"})),
    "default": Operation((text("a", value=OLD),), Call("default_secret_manager", {**ORG, "secret_manager": "builtin"})),
    "manifest": Operation(
        (text("a", value=OLD), text("b", value=OLD)),
        Call("manifest", ORG, (text("a", value=NEW), text("b", **GONE), *(text(f"c{n}", value=NEW) for n in range(2)))),
    ),
    "scope removed": Operation(
        (text("a", value=OLD), text("b", value=OLD)), Call("scope", {**ORG, **GONE, "force": True})
    ),
}


# What a manager's kind can make a difference to; the others are about the engine.
EVERYWHERE = ("create", "update", "delete", "connector removed", "default")
CASES = [("vault", name) for name in OPERATIONS] + [(kind, name) for kind in ("aws", "kms") for name in EVERYWHERE]


@pytest.fixture
def provider(request: pytest.FixtureRequest, fault_proxy: Callable[..., FaultProxy]) -> Provider:
    """Each kind of provider, behind a proxy."""
    kind, place = request.param, f"t{uuid.uuid4().hex[:12]}"
    if kind == "vault":
        openbao: OpenBao = request.getfixturevalue("openbao")
        return Vault(fault_proxy(openbao.url), place, openbao)
    moto: Aws = request.getfixturevalue("moto")
    return (Kms if kind == "kms" else AwsSecrets)(fault_proxy(moto.url), place, moto)


StartingPoints = Callable[[Operation], Iterator[Store]]


@pytest.fixture
def starting_points(tmp_path: Path, shared_stores: Callable[[], str], provider: Provider) -> StartingPoints:
    """Call it for a new store each time, with what is declared before."""

    def make(operation: Operation) -> Iterator[Store]:
        for number in range(100):
            place = tmp_path / str(number)
            place.mkdir()
            store = Store(shared_stores() or f"sqlite:///{place}/store/store.db", place, provider)
            for call in operation.before:
                declare(store.engine, call)
            yield store

    return make


@pytest.mark.parametrize(("provider", "name"), CASES, indirect=["provider"])
def test_killed_at_every_request_that_changes_something(
    starting_points: StartingPoints, provider: Provider, name: str
) -> None:
    operation, kills = OPERATIONS[name], 0
    stores = starting_points(operation)
    for is_after in (False, True):
        for number, store in enumerate(stores, start=1):
            killer = Killer(provider.proxy, provider.changes, number, is_after=is_after)
            was_killed = run_and_kill(store.settings, operation.call, killer=killer)
            provider.proxy.watch = lambda *_request: None
            next_run(store)
            store.check()
            declare(store.engine, operation.call)
            store.check()
            if not was_killed:
                break
            kills += 1
    print(f"{name} at {provider.kind}: killed {kills} times at a request")


@pytest.mark.parametrize(("provider", "name"), CASES, indirect=["provider"])
def test_killed_at_every_step(starting_points: StartingPoints, provider: Provider, name: str) -> None:
    operation = OPERATIONS[name]
    for at, store in zip(STEPS, starting_points(operation), strict=False):
        assert run_and_kill(store.settings, operation.call, at=at), at
        next_run(store)
        store.check()
        declare(store.engine, operation.call)
        store.check()


@pytest.mark.parametrize("provider", ["aws"], indirect=True)
def test_a_check_that_is_killed_leaves_nothing_that_the_next_does_not_remove(
    starting_points: StartingPoints, provider: Provider
) -> None:
    checked, left = Call("connector_check", {**ORG, "identifier": "main"}), set()
    stores = starting_points(Operation((), checked))
    for is_after in (False, True):
        for number, store in enumerate(stores, start=1):
            killer = Killer(provider.proxy, provider.changes, number, is_after=is_after)
            was_killed = run_and_kill(store.settings, checked, killer=killer)
            provider.proxy.watch = lambda *_request: None
            left |= {name.rpartition("-")[0] for name in provider.held()}
            outcome = declare(store.engine, checked).returned["connector"]
            assert (outcome["status"], provider.held()) == ("ready", {})
            if not was_killed:
                break
    assert left == {"scoped-secrets-check"}
