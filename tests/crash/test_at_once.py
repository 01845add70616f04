# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runs find what one that was killed has begun, and change the same value, on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.change import Step
from crashing import Call, KillAt, declare, run_and_kill, run_at_once
from kept_apart import NEW, OLD, ORG, Store, text
from providers import Vault

if TYPE_CHECKING:
    from servers.faults import FaultProxy
    from servers.openbao import OpenBao

RUNS = 4
CUT_OFF = KillAt(Step.PREPARE, is_after=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, openbao: OpenBao, fault_proxy: Callable[..., FaultProxy]
) -> Store:
    is_shared = request.param == "postgresql"
    url = request.getfixturevalue("postgresql").new_store() if is_shared else f"sqlite:///{tmp_path}/store/store.db"
    return Store(url, tmp_path, Vault(fault_proxy(openbao.url), f"t{uuid.uuid4().hex[:12]}", openbao))


def watch(store: Store, name: str) -> list[str]:
    """Return the methods of the requests for a value that come from now on."""
    asked: list[str] = []

    def look(method: str, path: str, _target: str, is_answered: bool) -> None:
        if path.partition("?")[0].endswith(f"/{name}") and not is_answered:
            asked.append(method)

    store.provider.proxy.watch = look
    return asked


def test_what_was_cut_off_is_put_right_once(store: Store) -> None:
    declare(store.engine, text("a", value=OLD))
    assert run_and_kill(store.settings, text("a", value=NEW), at=CUT_OFF)
    asked = watch(store, "a")
    run_at_once(store.settings, [Call("scope", {"org": f"elsewhere{number}"}) for number in range(RUNS)])
    assert asked == ["GET"]
    store.check()
    assert [one["version"] for one in declare(store.engine, Call("secret_info", ORG)).returned["secrets"]] == [2, 1]


def test_what_was_cut_off_is_taken_away_once(store: Store) -> None:
    assert run_and_kill(store.settings, text("a", value=NEW), at=CUT_OFF)
    assert store.provider.held() == {"a": NEW}
    asked = watch(store, "a")
    run_at_once(store.settings, [Call("scope", {"org": f"elsewhere{number}"}) for number in range(RUNS)])
    assert asked.count("DELETE") == 1
    assert store.provider.held() == {}
    store.check()


@pytest.mark.parametrize("before", [(), (text("a", value=OLD),)], ids=["create", "update"])
def test_some_change_what_others_put_right(store: Store, before: tuple[Call, ...]) -> None:
    for call in before:
        declare(store.engine, call)
    assert run_and_kill(store.settings, text("a", value=OLD + NEW), at=CUT_OFF)
    settling = [Call("scope", {"org": f"elsewhere{number}"}) for number in range(RUNS // 2)]
    run_at_once(store.settings, [*settling, *[text("a", value=NEW)] * (RUNS // 2)])
    store.check()
    assert store.provider.held() == {"a": NEW}


def test_some_remove_what_others_make(store: Store) -> None:
    """In whatever order: the store and the provider agree."""
    for _round in range(3):
        run_at_once(store.settings, [text("a", value=NEW), text("a", state="absent")] * (RUNS // 2))
        store.check()
