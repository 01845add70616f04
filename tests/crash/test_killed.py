# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R2: a process is killed at every step, and at every request that changes something at a provider.

The next run makes one consistent state of it: nothing is lost, nothing is left at the provider that nobody knows of.
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changing import Step
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from crashing import Call, KillAt, Killer, declare, intents, run_and_kill
from providers import AwsSecrets, Kms, Provider, Vault

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.faults import FaultProxy
    from servers.openbao import OpenBao

ORG = {"org": "payments"}
OLD, NEW = b"old value", b"new value"
STEPS = [KillAt(step, is_after) for step in Step for is_after in (False, True)]


@dataclass(frozen=True)
class Operation:
    """What is declared before, the call that is cut off, and whether a manager's own secrets are involved."""

    before: tuple[Call, ...]
    call: Call


def text(identifier: str, **options: object) -> Call:
    return Call("secret_text", {**ORG, "identifier": identifier, **options})


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


class Store:
    """A store of its own, with a provider as the default manager of an organization."""

    def __init__(self, url: str, folder: Path, provider: Provider) -> None:
        key_file = folder / "root.key"
        key_file.write_bytes(base64.b64encode(os.urandom(32)))
        key_file.chmod(0o600)
        self.settings = Settings(url, str(key_file))
        self.provider = provider
        provider.place = f"t{uuid.uuid4().hex[:12]}"
        kept = {**ORG, "identifier": "main", "use_as_default": True, **provider.options()}
        secret = next(name for name in ("token", "secret_access_key") if name in kept)
        engine = self.engine
        declare(engine, Call("scope", ORG))
        declare(engine, text("login", value=str(kept.pop(secret)).encode()))
        declare(engine, Call(f"connector_{provider.kind}", {**kept, f"{secret}_ref": "login"}))

    @property
    def engine(self) -> Engine:
        """A new one, as the next run has it."""
        return Engine(self.settings)

    def check(self) -> None:
        """Fail unless the store and the provider agree, and nothing is begun and not finished."""
        engine = self.engine
        assert intents(engine) == []
        known = self._values(engine)
        assert self.provider.held() == {name: value for name, value in known.items() if self._is_there(engine, name)}
        assert set(known.values()) <= {OLD, NEW}
        for name, value in known.items():
            # Nothing changes: the store knows the very value.
            assert not declare(self.engine, text(name, value=value)).changed

    def _values(self, engine: Engine) -> dict[str, bytes]:
        listed = self._listed(engine)
        names = [one["identifier"] for one in listed if one["kind"] == "text" and one["identifier"] != "login"]
        answers = engine.resolve([Query(name, **ORG) for name in names])
        assert [answer.error for answer in answers] == [None] * len(names)
        return {name: answer.value for name, answer in zip(names, answers, strict=True)}

    def _listed(self, engine: Engine) -> list[dict[str, str]]:
        if not declare(engine, Call("scope_info", ORG)).returned["scopes"]:
            return []
        found: list[dict[str, str]] = declare(engine, Call("secret_info", ORG)).returned["secrets"]
        return found

    def _is_there(self, engine: Engine, name: str) -> bool:
        managers = {one["identifier"]: one["secret_manager"] for one in self._listed(engine)}
        return managers[name] == "main" and not isinstance(self.provider, Kms)


def next_run(store: Store) -> None:
    """Do what any run does that declares something."""
    declare(store.engine, Call("scope", {"org": "elsewhere"}))


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
