# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS connectors at a test server, created like in the engine, with counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.kms import AwsKms
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.secrets_manager import (
    AwsSecretsManager,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login, login_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.aws import Aws

__all__ = ["OWNER", "WHAT", "kms", "kms_key", "refusal", "secrets_manager", "settled_kms"]

WHAT = "connector 'aws' of org 'payments'"
OWNER = "5f0c1f1e-store/5f0c1f1e-connector/5f0c1f1e-scope"
M = TypeVar("M", bound=Manager)


def kms(server: Aws, key_arn: str, counts: Counter[str] | None = None, **options: Any) -> AwsKms:
    """Return a logged-in connector, by default with the server's default identity."""
    return _logged_in(AwsKms, server, {"key_arn": key_arn, **options}, counts)


def settled_kms(server: Aws, key_arn: str, **options: Any) -> AwsKms:
    """Return a connector whose key was pinned by an earlier check."""
    return kms(server, key_arn, **options, **kms(server, key_arn, **options).settled())


def secrets_manager(server: Aws, counts: Counter[str] | None = None, **options: Any) -> AwsSecretsManager:
    """Return a logged-in connector, by default with the server's default identity."""
    return _logged_in(AwsSecretsManager, server, {"region": server.region, **options}, counts)


def kms_key(server: Aws, **options: Any) -> str:
    """Return the ARN of a new key."""
    options = {"KeyUsage": "ENCRYPT_DECRYPT", **options}
    arn: str = server.client("kms").create_key(**options)["KeyMetadata"]["Arn"]
    return arn


def refusal(call: Callable[..., Any], *arguments: Any) -> ScopedSecretsError:
    """Return our error that a call raises."""
    with pytest.raises(ScopedSecretsError) as caught:
        call(*arguments)
    return caught.value


def _logged_in(kind: type[M], server: Aws, options: dict[str, Any], counts: Counter[str] | None) -> M:
    options = {"endpoint_url": server.url, "retries": 2, **options}
    names = login_options(kind).keys() & options.keys()
    if not names and "auth_method" not in options:
        options |= {"access_key_id": server.access_key_id, "secret_access_key": server.secret_access_key}
        options |= {"session_token": server.session_token} if server.session_token else {}
    login = choose_login(kind, frozenset(options), options.get("auth_method", ""))
    kind.validate(options)
    meter = counts if counts is not None else Counter[str]()
    manager = kind({**options, "auth_method": login.NAME}, ConnectorContext(WHAT, lambda what: meter.update([what])))
    manager.login()
    return manager
