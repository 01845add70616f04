# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data keys of a key keeper: the number of calls, and the binding to a context."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.data_keys import DataKeyWrapping, data_keys_of
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, Unavailable
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, MemoryKms, at_once

PLACE = Context("store-id", "account", "scope-id", "secret-id", "text", "value", 3)
KEY = bytes(range(32))


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def kms(cloud: Cloud, reuse: str | None = None, key: str = "main") -> MemoryKms:
    """Return a logged-in key keeper."""
    kind = type("Kms", (MemoryKms,), {"cloud": cloud})
    options: dict[str, Any] = {"auth_method": "anonymous", "key": key}
    keeper: MemoryKms = kind({**options, **({"data_key_reuse": reuse} if reuse else {})}, ConnectorContext("it"))
    keeper.login()
    return keeper


def wrapping(keeper: MemoryKms, number: int = 0, **place: Any) -> tuple[DataKeyWrapping, bytes]:
    """Return the wrapping of one value's data key, and the context of its envelope."""
    context = PLACE._replace(**{"secret_id": f"secret-{number}", **place})
    return DataKeyWrapping(data_keys_of(keeper), context), context.encode()


def wrap(keeper: MemoryKms, number: int = 0, **place: Any) -> bytes:
    wraps, context = wrapping(keeper, number, **place)
    return wraps.wrap(KEY, context)


def unwrap(keeper: MemoryKms, wrapped: bytes, number: int = 0, **place: Any) -> bytes:
    wraps, context = wrapping(keeper, number, **place)
    return wraps.unwrap(wrapped, context)


@pytest.mark.parametrize("reuse", [None, "none"])
def test_without_reuse_the_provider_wraps_and_unwraps_each(cloud: Cloud, reuse: str | None) -> None:
    keeper = kms(cloud, reuse)
    wrapped = [wrap(keeper, number) for number in range(10)]
    assert [unwrap(keeper, one, number) for number, one in enumerate(wrapped)] == [KEY] * 10
    assert (cloud.counts["wrap"], cloud.counts["unwrap"]) == (10, 10)


def test_the_provider_sees_ids_and_no_names(cloud: Cloud) -> None:
    wrap(kms(cloud))
    ((_key, _name, context),) = cloud.wrapped.values()
    assert context == {"store_id": "store-id", "scope_id": "scope-id", "secret_id": "secret-0", "version": "3"}


def test_one_branch_key_serves_a_run(cloud: Cloud) -> None:
    keeper = kms(cloud, "run")
    wrapped = [wrap(keeper, number) for number in range(100)]
    assert cloud.counts["wrap"] == 1
    reader = kms(cloud, "run")
    assert [unwrap(reader, one, number) for number, one in enumerate(wrapped)] == [KEY] * 100
    assert cloud.counts["unwrap"] == 1
    assert [context for _key, _name, context in cloud.wrapped.values()] == [{"store_id": "store-id"}]


@pytest.mark.parametrize(("reuse", "values", "calls"), [("1", 5, 5), ("10", 10, 1), ("10", 11, 2), ("10", 30, 3)])
def test_a_branch_key_serves_as_many_as_is_said(cloud: Cloud, reuse: str, values: int, calls: int) -> None:
    keeper = kms(cloud, reuse)
    wrapped = [wrap(keeper, number) for number in range(values)]
    assert cloud.counts["wrap"] == calls
    reader = kms(cloud)
    for _round in range(2):
        assert [unwrap(reader, one, number) for number, one in enumerate(wrapped)] == [KEY] * values
    assert cloud.counts["unwrap"] == calls


def test_what_was_wrapped_one_way_is_unwrapped_whatever_is_set_now(cloud: Cloud) -> None:
    wrapped = {reuse: wrap(kms(cloud, reuse)) for reuse in ("none", "run", "7")}
    for reuse in ("none", "run", "7"):
        assert {unwrap(kms(cloud, reuse), one) for one in wrapped.values()} == {KEY}


def test_many_threads_share_one_branch_key(cloud: Cloud) -> None:
    keeper = kms(cloud, "run")
    meet = threading.Barrier(20, timeout=30)

    def work(number: int) -> bytes:
        meet.wait()
        return wrap(keeper, number)

    wrapped = at_once(20, work)
    assert cloud.counts["wrap"] == 1
    reader = kms(cloud, "run")
    assert at_once(20, lambda number: unwrap(reader, wrapped[number], number)) == [KEY] * 20
    assert cloud.counts["unwrap"] == 1


def test_no_two_are_wrapped_alike(cloud: Cloud) -> None:
    keeper = kms(cloud, "run")
    assert len({wrap(keeper) for _time in range(20)}) == 20


@pytest.mark.parametrize("reuse", ["none", "run"])
@pytest.mark.parametrize(
    "place", [{"secret_id": "other"}, {"scope_id": "other"}, {"version": 2}, {"store_id": "other"}], ids=str
)
def test_a_data_key_is_bound_to_its_place(cloud: Cloud, reuse: str, place: dict[str, Any]) -> None:
    keeper = kms(cloud, reuse)
    wrapped = wrap(keeper)
    with pytest.raises(Damaged) as caught:
        unwrap(keeper, wrapped, **place)
    assert caught.value.code in ("damaged_value", "damaged_data_key")
    assert unwrap(keeper, wrapped) == KEY


@pytest.mark.parametrize("reuse", ["none", "run"])
def test_another_key_of_the_provider_does_not_open_it(cloud: Cloud, reuse: str) -> None:
    wrapped = wrap(kms(cloud, reuse))
    with pytest.raises(Damaged):
        unwrap(kms(cloud, reuse, key="other"), wrapped)


@pytest.mark.parametrize("reuse", ["none", "run"])
def test_every_changed_byte_is_found(cloud: Cloud, reuse: str) -> None:
    wrapped = wrap(kms(cloud, reuse))
    for position in range(len(wrapped)):
        for damaged in (bytes(b ^ (i == position) for i, b in enumerate(wrapped)), wrapped[:position]):
            with pytest.raises(Damaged):
                unwrap(kms(cloud, reuse), damaged)
    with pytest.raises(Damaged):
        unwrap(kms(cloud, reuse), wrapped + b"\0")


def test_a_branch_key_that_could_not_be_wrapped_is_not_used(cloud: Cloud) -> None:
    keeper = kms(cloud, "run")

    def fail(_path: str) -> None:
        raise Unavailable("provider_timeout", "m", hint="h")

    cloud.before["wrap"] = fail
    for _round in range(2):
        with pytest.raises(Unavailable):
            wrap(keeper)
    cloud.before.clear()
    assert unwrap(kms(cloud), wrap(keeper)) == KEY
    assert cloud.counts["wrap"] == 3


def test_data_keys_go_with_their_keeper(cloud: Cloud) -> None:
    """A replaced login leaves no keys in memory."""
    keeper = kms(cloud, "run")
    keys = data_keys_of(keeper)
    assert data_keys_of(keeper) is keys
    assert data_keys_of(kms(cloud, "run")) is not keys
    wrap(keeper)
    gone = weakref.ref(keys)
    del keeper, keys
    gc.collect()
    assert gone() is None
