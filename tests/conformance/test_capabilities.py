# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind does not declare is refused with one error before it is asked, in check mode too. Kinds in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import registry
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import (
    Capability,
    Found,
    Login,
    ValueKeeper,
    Writing,
)

from conformance.workplace import Workplace

KIND = "in_memory"


class NoLogin(Login):
    NAME = "none"


class InMemory(ValueKeeper):
    """A kind that is able to do all, and would do it whatever it declares."""

    KIND = KIND
    TITLE = "A kind in memory"
    OPTIONS: ClassVar = {}
    LOCATION = frozenset()
    LOGINS = (NoLogin,)
    CAPABILITIES = frozenset(Capability)
    MAX_VALUE = 100
    REQUIREMENTS = ()
    kept: ClassVar[dict[str, list[bytes]]] = {}
    calls: ClassVar[list[str]] = []

    def login(self) -> None:
        self.calls.append("login")

    def prove_reading(self) -> str:
        self.calls.append("check")
        return "asked"

    def path_of(self, *names: str) -> str:
        return "/".join(names)

    def read(self, path: str, version: str = "") -> Found:
        self.calls.append("read")
        return Found(self.kept[path][int(version or 0) - 1])

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self.calls.append("write")
        self.kept.setdefault(path, []).append(value)
        return str(len(self.kept[path]))

    def remove(self, path: str, owner: str) -> None:
        self.calls.append("remove")
        del self.kept[path]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workplace]:
    """A store with a connector `memory`, which keeps a secret `old` in two versions."""
    monkeypatch.setitem(sys.modules, f"{registry.__package__}.{KIND}", SimpleNamespace(MANAGER=InMemory))
    monkeypatch.setitem(registry.KINDS, KIND, KIND)
    work = Workplace(tmp_path)
    work.declare(f"connector_{KIND}", identifier="memory")
    for value in (b"one", b"two"):
        work.declare("secret_text", identifier="old", secret_manager="memory", value=value)
    InMemory.kept["theirs"] = [b'{"user": "ann"}']
    yield work
    InMemory.kept.clear()


def without(monkeypatch: pytest.MonkeyPatch, *capabilities: Capability) -> None:
    monkeypatch.setattr(InMemory, "CAPABILITIES", frozenset(Capability).difference(capabilities))
    InMemory.calls.clear()


DEEDS: dict[str, tuple[Capability, str, dict[str, Any]]] = {
    "new text": (Capability.WRITE, "secret_text", {"identifier": "a", "value": b"x"}),
    "generated": (
        Capability.WRITE,
        "secret_text",
        {"identifier": "a", "generate": {"kind": "hex", "length": 4, "charset": ["digits"]}},
    ),
    "new value": (Capability.WRITE, "secret_text", {"identifier": "old", "value": b"three"}),
    "file": (Capability.FILES, "secret_file", {"identifier": "a", "value": b"x"}),
    "reference": (Capability.READ_PATH, "secret_text", {"identifier": "a", "reference": "theirs#user"}),
    "removal": (Capability.DELETE, "secret_text", {"identifier": "old", "state": "absent"}),
}


@pytest.mark.parametrize(("capability", "resource", "params"), DEEDS.values(), ids=DEEDS)
def test_what_is_not_declared_is_refused(
    work: Workplace,
    monkeypatch: pytest.MonkeyPatch,
    capability: Capability,
    resource: str,
    params: dict[str, Any],
) -> None:
    for check_mode in (True, False):
        deed = partial(work.declare, resource, **params, secret_manager="memory", check_mode=check_mode)
        without(monkeypatch, capability)
        error = work.refused(deed)
        assert (error.code, error.category) == ("not_supported", "invalid_input")
        assert "connector 'memory' of the account" in error.message
        assert {"write", "remove"}.isdisjoint(InMemory.calls)
        without(monkeypatch)
        deed()


def test_versions(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [work.read("old@1"), work.read("old")] == [b"one", b"two"]
    without(monkeypatch, Capability.VERSIONS)
    for version in ("1", "2"):
        reads: list[Callable[[], bytes]] = [
            lambda version=version: work.read(f"old@{version}"),  # type: ignore[misc]
            lambda version=version: work.read("old", version=version),  # type: ignore[misc]
        ]
        work.new_run()
        assert [work.refused(read).code for read in reads] == ["not_supported"] * 2
    assert "read" not in InMemory.calls
    assert work.read("old") == b"two"


def test_every_capability_has_a_deed() -> None:
    assert set(Capability) == {*(deed[0] for deed in DEEDS.values()), Capability.VERSIONS}


def test_force_forgets_what_can_not_be_removed(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, Capability.DELETE)
    result = work.declare("secret_text", identifier="old", state="absent", force=True)
    (warning,) = result.warnings
    assert (result.changed, "'old' was left at connector 'memory'" in warning) == (True, True)
    assert InMemory.kept["old"] == [b"one", b"two"]
    assert work.view("secret_info") == []
