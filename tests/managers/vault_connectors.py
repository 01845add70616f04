# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HashiCorp Vault connectors at a test server, created like in the engine, with counters."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import http
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.vault import HashicorpVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login, login_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.openbao import OpenBao, OpenBaoError
from servers.process import until

__all__ = ["OWNER", "POLICY", "WHAT", "Clock", "connector", "mount_version_2", "names", "refusal", "vault"]

WHAT = "connector 'vault' of org 'payments'"
OWNER = "5f0c1f1e-store/5f0c1f1e-connector/5f0c1f1e-scope"
POLICY = {
    "secret/data/ours/*": ["create", "read", "update", "delete"],
    "secret/metadata/ours/*": ["create", "read", "update", "delete"],
}
"""The maximum permissions of a connector with the base path `ours`."""
names = (f"name{number}" for number in itertools.count())
"""Names that no other test uses."""


def connector(url: str, counts: Counter[str] | None = None, **options: Any) -> HashicorpVault:
    """Return a connector that is not logged in, by default with the root token."""
    options = {"url": url, "base_path": "ours", "timeout": 20, **options}
    if not login_options(HashicorpVault).keys() & options.keys() and "auth_method" not in options:
        options["token"] = "root"
    login = choose_login(HashicorpVault, frozenset(options), options.get("auth_method", ""))
    HashicorpVault.validate(options)
    counts = counts if counts is not None else Counter()
    connector = ConnectorContext(WHAT, lambda what: counts.update([what]))
    return HashicorpVault({**options, "auth_method": login.NAME}, connector)


@contextlib.contextmanager
def vault(server: OpenBao | str, counts: Counter[str] | None = None, **options: Any) -> Iterator[HashicorpVault]:
    """Yield a logged-in connector with its counters reset."""
    counts = counts if counts is not None else Counter()
    manager = connector(server if isinstance(server, str) else server.url, counts, **options)
    manager.login()
    counts.clear()
    try:
        yield manager
    finally:
        manager.close()


def mount_version_2(server: OpenBao, mount: str = "secret", *, namespace: str = "") -> None:
    """Mount a version 2 engine, and return when it is ready."""
    server.enable_kv(mount, namespace=namespace)

    def is_ready() -> bool:
        with contextlib.suppress(OpenBaoError):
            return bool(server.request("GET", f"{mount}/config", namespace=namespace))
        return False

    until(is_ready)


def refusal(call: Callable[..., Any], *arguments: Any) -> ScopedSecretsError:
    """Return our error that a call raises."""
    with pytest.raises(ScopedSecretsError) as caught:
        call(*arguments)
    return caught.value


class Clock:
    """Replaces the clock of the HTTP session and the client. Pauses take no time and are recorded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import client

        self._now = 1000.0
        self.pauses: list[float] = []
        monkeypatch.setattr(http, "sleep", self.pause)
        for module in (http, client):
            monkeypatch.setattr(module, "monotonic", lambda: self._now)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._now += seconds

    def forward(self, seconds: float) -> None:
        self._now += seconds
