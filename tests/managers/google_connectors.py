# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google connectors at the test server, created like in the engine, with counters."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.kms import GcpKms
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.secret_manager import GcpSecretManager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login, login_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.google_cloud import GoogleCloud

__all__ = ["OWNER", "RING", "WHAT", "key_options", "kms", "new_key", "refusal", "secret_manager"]

WHAT = "connector 'google' of org 'payments'"
OWNER = "5f0c1f1e-store/5f0c1f1e-connector/5f0c1f1e-scope"
RING = "tests"
M = TypeVar("M", bound=Manager)


def new_key(server: GoogleCloud, **options: Any) -> str:
    """Return the full name of a new key in the tests' key ring."""
    return server.new_key(RING, f"k-{uuid.uuid4().hex[:12]}", **options)


def key_options(server: GoogleCloud, name: str) -> dict[str, str]:
    """Return the options for a key in that key ring."""
    key = name.rpartition("/")[2]
    return {"gcp_project": server.project, "location": server.location, "key_ring": RING, "key": key}


def kms(server: GoogleCloud, name: str, counts: Counter[str] | None = None, **options: Any) -> GcpKms:
    """Return a logged-in connector to a key, by default with all permissions."""
    return _logged_in(GcpKms, server, {**key_options(server, name), **options}, counts)


def secret_manager(server: GoogleCloud, counts: Counter[str] | None = None, **options: Any) -> GcpSecretManager:
    """Return a logged-in connector, by default with all permissions."""
    return _logged_in(GcpSecretManager, server, {"gcp_project": server.project, **options}, counts)


def refusal(call: Callable[..., Any], *arguments: Any) -> ScopedSecretsError:
    """Return our error that a call raises."""
    with pytest.raises(ScopedSecretsError) as caught:
        call(*arguments)
    return caught.value


def _logged_in(kind: type[M], server: GoogleCloud, options: dict[str, Any], counts: Counter[str] | None) -> M:
    options = {"endpoint": server.url, "ca_cert": str(server.ca), "retries": 2, **options}
    names = login_options(kind).keys() & options.keys()
    if not names and "auth_method" not in options:
        options["credentials_json"] = server.credentials_json
    login = choose_login(kind, frozenset(options), options.get("auth_method", ""))
    kind.validate(options)
    meter = counts if counts is not None else Counter[str]()
    manager = kind({**options, "auth_method": login.NAME}, ConnectorContext(WHAT, lambda what: meter.update([what])))
    manager.login()
    return manager
