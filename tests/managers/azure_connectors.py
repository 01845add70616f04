# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure connectors at the test server, created like in the engine, with counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure.key_vault import AzureKeyVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login, login_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.azure_key_vault import Azure
from servers.faults import FaultProxy

__all__ = ["OWNER", "WHAT", "front", "key_vault", "refusal"]

WHAT = "connector 'azure' of org 'payments'"
OWNER = "5f0c1f1e-store/5f0c1f1e-connector/5f0c1f1e-scope"


def key_vault(server: Azure, url: str = "", counts: Counter[str] | None = None, **options: Any) -> AzureKeyVault:
    """Return a connector to a vault, by default as an application with all permissions."""
    url = url or server.url
    network = {"ca_cert": server.ca.read_text(), "timeout": 10, "retries": 2}
    options = {"vault_url": url, "authority": url, **network, **options}
    if "auth_method" not in options and not login_options(AzureKeyVault).keys() & options.keys():
        options |= {name: getattr(server, name) for name in ("client_id", "client_secret")}
        options["tenant_id"] = server.tenant
    login = choose_login(AzureKeyVault, frozenset(options), options.get("auth_method", ""))
    AzureKeyVault.validate(options)
    meter = counts if counts is not None else Counter[str]()
    connector = ConnectorContext(WHAT, lambda what: meter.update([what]))
    return AzureKeyVault({**options, "auth_method": login.NAME}, connector)


def front(server: Azure, url: str, fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    """Return a proxy in front of a vault."""
    return fault_proxy(url, ca=server.ca, certificate=server.certificate)


def refusal(call: Callable[..., Any], *arguments: Any) -> ScopedSecretsError:
    """Return our error that a call raises."""
    with pytest.raises(ScopedSecretsError) as caught:
        call(*arguments)
    return caught.value
