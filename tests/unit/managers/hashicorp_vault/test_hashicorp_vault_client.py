# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens that die, and engines that a gateway hides, with a fake of hvac's client."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import client as module
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.client import VaultClient, _Token
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.engines import find_version
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.logins import Token
from ansible_collections.scoped.secrets.plugins.module_utils.managers.http import Reply
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from requests.structures import CaseInsensitiveDict

OK = Reply(200, CaseInsensitiveDict(), b"{}")
DENIED = Reply(403, CaseInsensitiveDict(), b'{"errors": ["permission denied"]}')
MISSING = Reply(404, CaseInsensitiveDict(), b'{"errors": []}')


def vault_client() -> VaultClient:
    options = {"url": "http://127.0.0.1:1", "timeout": 1, "retries": 0, "validate_certs": True}
    return VaultClient(options, ConnectorContext("connector 'vault'"), Token({"token": "t"}))


def test_a_token_that_another_thread_replaced_meanwhile_is_not_reported_as_dead() -> None:
    client = vault_client()
    old, new = _Token("old", is_ours=True), _Token("new", is_ours=True)
    client._token = old

    def ask(vault: Any) -> Reply:
        if vault == "old":
            client._token, old.uses_left = new, 0
            return DENIED
        return OK

    assert client.call(ask) is OK


def test_a_refused_token_past_its_end_is_dead_without_another_request(monkeypatch: pytest.MonkeyPatch) -> None:
    client, token = vault_client(), _Token("old", is_ours=True)
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    token.expires, client._token = 10.0, token
    asked: list[str] = []

    def ask(vault: Any) -> Reply:
        asked.append(vault)
        now[0] = 11.0
        return DENIED

    with pytest.raises(ScopedSecretsError) as caught:
        client.call(ask)
    assert (caught.value.code, asked) == ("login_expired", ["old"])


class Gateway:
    """Hides sys/ of Vault, or garbles it, and passes the configuration of the engine on."""

    what = "connector 'vault'"

    def __init__(self, mounts: Reply, configuration: Reply) -> None:
        read = SimpleNamespace(read_configuration=lambda mount_point: configuration)
        secrets = SimpleNamespace(kv=SimpleNamespace(v2=read))
        self._vault = SimpleNamespace(adapter=SimpleNamespace(get=lambda _path: mounts), secrets=secrets)

    def call(self, ask: Callable[[Any], Reply]) -> Reply:
        return ask(self._vault)


@pytest.mark.parametrize(("configuration", "version"), [(OK, 2), (MISSING, 1), (DENIED, None)])
def test_the_version_of_an_engine_behind_a_gateway(configuration: Reply, version: int | None) -> None:
    assert find_version(Gateway(DENIED, configuration), "secret") == version  # type: ignore[arg-type]


def test_a_path_below_a_mount_behind_a_gateway() -> None:
    for mount in ("secret/data", "secret/apps/prod"):
        with pytest.raises(ScopedSecretsError, match="mounted at 'secret'") as caught:
            find_version(Gateway(DENIED, OK), mount)  # type: ignore[arg-type]
        assert caught.value.code == "not_a_mount"
    assert find_version(Gateway(DENIED, MISSING), "team/kv") == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"{}", b'{"data": []}', b'{"data": {"options": {}}}'])
def test_a_mount_without_a_type_is_an_incomplete_reply(content: bytes) -> None:
    gateway = Gateway(Reply(200, CaseInsensitiveDict(), content), OK)
    with pytest.raises(ScopedSecretsError) as caught:
        find_version(gateway, "secret")  # type: ignore[arg-type]
    assert caught.value.code == "incomplete_reply"
