# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are dictionaries of references: resolved, counted as uses, and refused if they form a loop."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Manager
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, MemoryVault
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, read, shown


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The `more_refs` options that instances find when they log in, one dictionary per login."""
    options: list[dict[str, Any]] = []
    real = MemoryVault.login

    def login(manager: Manager) -> None:
        options.append({name: value for name, value in manager.options.items() if name.startswith("more_refs.")})
        real(manager)  # type: ignore[arg-type]

    monkeypatch.setattr(MemoryVault, "login", login)
    return options


def vault(engine: Engine, **references: str) -> None:
    declare(engine, "connector_memory_vault", identifier="vault", more_refs=references)


def test_each_reference_is_resolved_under_its_own_name(
    engine: Engine, cloud: Cloud, found: list[dict[str, Any]]
) -> None:
    for name in ("one", "two"):
        declare(engine, "secret_text", identifier=name, value=f"value of {name}".encode())
    vault(engine, user="one", some_ref="two")
    cloud.put("p", b"v")
    assert read(engine, "memory://vault/p") == b"v"
    assert found == [{"more_refs.user": "value of one", "more_refs.some_ref": "value of two"}] * 2
    (connector,) = (one for one in shown(engine, "connector_info") if one["identifier"] == "vault")
    assert connector["options"]["more_refs"] == {"user": "one", "some_ref": "two"}


def test_a_reference_counts_as_a_use_of_the_secret(engine: Engine, cloud: Cloud) -> None:
    declare(engine, "secret_text", identifier="one", value=b"x")
    vault(engine, user="one")
    (secret,) = shown(engine, "secret_info", identifier="one")
    assert secret["used_by"] == [{"kind": "connector", "identifier": "vault", "field": "more_refs.user"}]
    drop = {"identifier": "one", "state": "absent"}
    assert error_of(lambda: declare(engine, "secret_text", **drop)).code == "secret_in_use"
    vault(engine)
    assert declare(engine, "secret_text", **drop).changed


@pytest.mark.parametrize(
    ("reference", "code"),
    [("none", "unknown_secret"), ("project.x", "reference_downward"), ("memory://vault/p", "login_loop")],
)
def test_invalid_references_and_loops_are_refused(engine: Engine, cloud: Cloud, reference: str, code: str) -> None:
    assert error_of(lambda: vault(engine, user=reference)).code == code
    assert [one["identifier"] for one in shown(engine, "connector_info")] == ["builtin"]
