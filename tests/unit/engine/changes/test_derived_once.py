# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration derives from options and rows is derived once, not at every step of the write road."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import integrity, scoped_connectors
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things import (
    connectors,
    credentials,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare

Counts = Callable[..., Counter[str]]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Count the calls of functions, named as (module, function), from now on."""
    found: Counter[str] = Counter()

    def count(*functions: tuple[Any, str]) -> Counter[str]:
        for module, name in functions:
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
        return found

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            found[name] += 1
            return function(*arguments, **named)

        return call

    return count


@pytest.mark.parametrize("again", [False, True])
def test_a_connector_with_a_credential(engine: Engine, counts: Counts, again: bool) -> None:
    call = {"org": "payments", "identifier": "vault", "token": "good"}
    declare(engine, "scope", org="payments")
    if again:
        declare(engine, "connector_memory_vault", **call)
    found = counts((connectors, "wanted_options"), (connectors.ConnectorResource, "load"), (scoped_connectors, "_load"))
    declare(engine, "connector_memory_vault", **call)
    if again:
        assert dict(found) == {"wanted_options": 1, "load": 1, "_load": 2}
    else:
        assert dict(found) == {"wanted_options": 2, "load": 3, "_load": 5}


@pytest.mark.parametrize("again", [False, True])
def test_an_ssh_password(engine: Engine, counts: Counts, again: bool) -> None:
    call = {"identifier": "web", "user": "web", "password": "p"}
    if again:
        declare(engine, "secret_ssh", **call)
    found = counts(
        (credentials, "wanted_credential"), (credentials.CredentialResource, "load"), (scoped_connectors, "_load")
    )
    declare(engine, "secret_ssh", **call)
    expected = (
        {"wanted_credential": 1, "load": 1, "_load": 1} if again else {"wanted_credential": 2, "load": 3, "_load": 2}
    )
    assert dict(found) == expected


def test_many_secrets_of_a_scope_sign_its_head_once(engine: Engine, counts: Counts) -> None:
    declare(engine, "scope", name="Root")
    found = counts((integrity, "tag_scope"), (scoped_connectors, "_load"))
    items = tuple(Request("secret_text", {"identifier": f"s{number}", "value": b"v"}) for number in range(50))
    engine.handle(Request("manifest", {}, False, items))
    assert dict(found) == {"tag_scope": 1, "_load": 2}
