# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R2 for rotations: killed many times at random points, at each step, and nothing is lost; then one run proves it."""

from __future__ import annotations

import base64
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys.scope_rotation import RotationStep
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import KeyRefused
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.rotation import count_on
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of
from crashing import (
    Call,
    KillAtStatement,
    Killer,
    KillRotationAt,
    count_statements,
    declare,
    run_and_kill,
    run_at_once,
)
from providers import Kms

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.faults import FaultProxy

# Where a process was killed between two statements is no matter of the engine; what it leaves there is.
KILLS = {"sqlite": 200, "postgresql": 80}
SEED = 20261125
ORG = {"org": "payments"}
SCOPES: list[dict[str, str]] = [{}, ORG, {**ORG, "project": "p1"}]
BATCH_SIZE = 3
AT_KMS = {"secret_manager": "kms"}


class Store:
    """A store with several scopes, whose root key is one of two."""

    def __init__(self, url: str) -> None:
        self.kills = KILLS[url.partition(":")[0]]
        self.keys = [base64.b64encode(os.urandom(32)).decode() for _key in range(2)]
        self._settings = Settings(url, "/none")
        self.key = self.keys[0]
        self.values: dict[Query, bytes] = {}
        engine = self.engine
        for scope in (ORG, *({**ORG, "project": f"p{number}"} for number in range(4))):
            declare(engine, Call("scope", scope))
        for scope in SCOPES:
            for number in range(7):
                for version in (1, 2):
                    value = os.urandom(20)
                    declare(engine, self._text(scope, f"s{number}", value))
                    self.values[Query(f"s{number}@{version}", scope.get("org", ""), scope.get("project", ""))] = value
        place = {"url": "http://127.0.0.1:1", "check": False, "token": "a token"}
        declare(engine, Call("connector_hashicorp_vault", {**ORG, "identifier": "vault", **place}))

    @property
    def settings(self) -> Settings:
        return self._settings._replace(root_key=self.key)

    @property
    def engine(self) -> Engine:
        """A new one, as the next run has it."""
        return Engine(self.settings)

    def _text(self, scope: dict[str, str], identifier: str, value: bytes) -> Call:
        return Call("secret_text", {**scope, "identifier": identifier, "value": value})

    def find_key(self) -> None:
        """Look which root key the store is sealed to: one of the two is, and the other opens nothing."""
        opening = [key for key in self.keys if self._opens(key)]
        assert len(opening) == 1
        (self.key,) = opening

    def _opens(self, key: str) -> bool:
        try:
            Engine(self._settings._replace(root_key=key)).store(create=False)
        except KeyRefused:
            return False
        return True

    def check(self) -> None:
        """Fail unless every value is there, every row is as it was written last, and a value is known for the same."""
        engine = self.engine
        answers = engine.resolve(list(self.values))
        assert {query: answer.value for query, answer in zip(self.values, answers, strict=True)} == self.values
        declare(engine, Call("scope_info", {"recursive": True, "verify": True}))
        for scope in SCOPES:
            value = self.values[Query("s0@2", scope.get("org", ""), scope.get("project", ""))]
            assert not declare(engine, self._text(scope, "s0", value)).changed

    def rotations(self) -> list[Call]:
        """Return what may be asked for now: each of the scopes, the root key, and the destruction of what is over."""
        other = next(key for key in self.keys if key != self.key)
        calls = [Call("key_rotation", {**scope, "target": "scope", "batch_size": BATCH_SIZE}) for scope in SCOPES]
        calls.append(Call("key_rotation", {"target": "root", "new_root_key": other}))
        return calls + [
            Call("key_rotation", {**scope, "target": "scope", "destroy_generation": number})
            for scope in SCOPES
            for number in self._over(scope)[:1]
        ]

    def _over(self, scope: dict[str, str]) -> list[int]:
        """Return the generations of a scope's key that nothing needs."""

        def work(session: Any) -> list[int]:
            own = session.chain(ScopePath.of(scope.get("org"), scope.get("project")))[-1]
            rows = [row for row in keys_of(session.tx, own.id) if row.state == "decrypt_only"]
            return [row.generation for row in rows if not any(count_on(session.tx, own.id, row.generation).values())]

        return self.engine.read(work)

    def prove(self) -> None:
        """Rotate each key to its end: nothing is left on any old one, counted anew."""
        for scope in SCOPES:
            for _time in range(2):  # the first one may go on with what was cut off
                result = declare(self.engine, self._rotation(scope)).returned["rotation"]
                assert (result["left"], result["left_total"]) == ({}, 0)
            assert all(one["rows"] == 0 for one in result["generations"] if one["state"] != "active")
            assert sum(one["state"] == "active" for one in result["generations"]) == 1

    def _rotation(self, scope: dict[str, str]) -> Call:
        return Call("key_rotation", {**scope, "target": "scope"})


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store(f"sqlite:///{tmp_path}/store/store.db")
    return Store(request.getfixturevalue("postgresql").new_store())


def statements_of(store: Store, call: Call) -> int:
    """Return how many statements a call makes, by making it."""
    numbers: list[int] = [0]
    end = count_statements(lambda number, _is_done: numbers.append(number))
    try:
        declare(store.engine, call)
    finally:
        end()
    return max(numbers)


def test_killed_at_random_points(store: Store) -> None:
    chance = random.Random(SEED)
    _account, scope, _project, root = store.rotations()
    lengths = {"scope": statements_of(store, scope), "root": statements_of(store, root), "destroy": 40}
    store.find_key()
    kills: Counter[str] = Counter()
    runs = 0
    while kills.total() < store.kills:
        call = chance.choice(store.rotations())
        kind = "destroy" if "destroy_generation" in call.params else call.params["target"]
        at = KillAtStatement(chance.randint(1, lengths[kind]), chance.random() < 0.5)
        kills[kind] += run_and_kill(store.settings, call, at=at)
        runs += 1
        store.find_key()
        store.check()
        assert runs < 5 * store.kills
    assert min(kills.values()) > store.kills / 20
    store.prove()
    store.check()
    print(f"killed {kills.total()} times in {runs} runs ({dict(kills)}), at one of up to {lengths['scope']} statements")


AT_STEPS = [
    KillRotationAt(step, batch, is_after)
    for step in RotationStep
    for batch in ((1, 2, 3) if step in (RotationStep.KEYS, RotationStep.SECRETS) else (1,))
    for is_after in (False, True)
]


def test_killed_at_every_step(store: Store) -> None:
    for at in AT_STEPS:
        call = Call("key_rotation", {**ORG, "target": "scope", "batch_size": 2})
        assert run_and_kill(store.settings, call, at=at), at
        store.check()
        result = declare(store.engine, call).returned["rotation"]
        is_begun = at.step is not RotationStep.BEGIN or at.is_after
        assert (result["resumed"], result["left_total"]) == (is_begun, 0), at
        store.check()


def test_others_write_and_rotate_at_the_same_time(store: Store) -> None:
    """Nobody fails, and whatever was written is there, on the newest generation."""
    for turn in range(3):
        values = {f"w{number}": f"{turn} {number}".encode() for number in range(4)}
        writes = [Call("secret_text", {**ORG, "identifier": name, "value": value}) for name, value in values.items()]
        rotation = Call("key_rotation", {**ORG, "target": "scope", "batch_size": 1})
        account = Call("key_rotation", {"target": "scope", "batch_size": 1})
        run_at_once(store.settings, [rotation, account, *writes, rotation])
        store.values.update({Query(name, **ORG): value for name, value in values.items()})
        store.check()
    store.prove()


def test_killed_at_every_request_to_a_kms(moto: Aws, fault_proxy: Callable[..., FaultProxy], tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store/store.db")
    kms = Kms(fault_proxy(moto.url), "", moto)
    declare(store.engine, Call("connector_aws_kms", {**ORG, "identifier": "kms", **kms.options()}))
    for number in range(3):
        value = os.urandom(20)
        declare(store.engine, Call("secret_text", {**ORG, "identifier": f"k{number}", "value": value, **AT_KMS}))
        store.values[Query(f"k{number}", **ORG)] = value
    rotation = Call("key_rotation", {**ORG, "target": "provider", "connector": "kms", "batch_size": 2})
    kills = 0
    for is_after in (False, True):
        for number in range(1, 100):
            # Each time all is to be wrapped anew.
            moto.client("kms").rotate_key_on_demand(KeyId=kms.options()["key_arn"])
            killer = Killer(kms.proxy, kms.changes, number, is_after=is_after)
            was_killed = run_and_kill(store.settings, rotation, killer=killer)
            kms.proxy.watch = lambda *_request: None
            store.check()
            if not was_killed:
                break
            kills += 1
    assert kills == 12
    result = declare(store.engine, rotation).returned["rotation"]
    assert (result["moved"], result["left_total"]) == ({}, 0)
