# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk connectors at the test servers, created like in the engine, with counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, ValueKeeper
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.ccp import CyberarkCcp
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur import CyberarkConjur
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login, login_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.cyberark_ccp import Ccp
from servers.cyberark_conjur import Conjur, Role

__all__ = ["OWNER", "WHAT", "conjur_keeper", "provider", "refusal"]

WHAT = "connector 'cyberark' of org 'payments'"
OWNER = "5f0c1f1e-store/5f0c1f1e-connector/5f0c1f1e-scope"
K = TypeVar("K", bound=ValueKeeper)


def _keeper(kind: type[K], options: dict[str, Any], counts: Counter[str] | None) -> K:
    login = choose_login(kind, frozenset(options), options.get("auth_method", ""))
    kind.validate(options)
    meter = counts if counts is not None else Counter[str]()
    connector = ConnectorContext(WHAT, lambda what: meter.update([what]))
    return kind({**options, "auth_method": login.NAME}, connector)


def conjur_keeper(
    server: Conjur, role: Role | None = None, counts: Counter[str] | None = None, **options: Any
) -> CyberarkConjur:
    """Return a connector, by default as the given host or as the administrator."""
    role = role or server.admin
    network = {"url": server.url, "ca_cert": server.ca.read_text(), "timeout": 10, "retries": 1}
    if not login_options(CyberarkConjur).keys() & options.keys():
        options |= {"login": role.login, "api_key": role.api_key}
    return _keeper(CyberarkConjur, {"account": server.account, **network, **options}, counts)


def provider(server: Ccp, app_id: str, counts: Counter[str] | None = None, **options: Any) -> CyberarkCcp:
    """Return a connector of an application."""
    network = {"url": server.url, "ca_cert": server.ca.read_text(), "timeout": 10, "retries": 1}
    return _keeper(CyberarkCcp, {"app_id": app_id, **network, **options}, counts)


def refusal(call: Callable[..., Any], *arguments: Any) -> ScopedSecretsError:
    """Return our error that a call raises."""
    with pytest.raises(ScopedSecretsError) as caught:
        call(*arguments)
    return caught.value
