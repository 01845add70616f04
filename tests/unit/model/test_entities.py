# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entities are immutable plain values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import (
    Connector,
    Scope,
    Secret,
    SecretUser,
    SecretVersion,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT

ENTITIES = [
    Scope("id", ACCOUNT, None, "name"),
    Connector("id", "scope", "kind", "identifier", "name"),
    Secret("id", "scope", "identifier", "text", "name"),
    SecretVersion("id", 1, 1, b"f", 1, 1, b"e", "now"),
    SecretUser("connector", "vault", "token_ref"),
]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: type(entity).__name__)
def test_fields_are_read_only(entity: Any) -> None:
    for name in entity._fields:
        with pytest.raises(AttributeError):
            setattr(entity, name, None)


def test_secret_defaults_to_the_built_in_manager_without_expiry() -> None:
    secret = Secret("a", "s", "a", "text", "a")
    assert (secret.connector_id, secret.expires_at, secret.current_version) == (None, "", 0)
    assert (secret.path, secret.reference_key, secret.is_reference) == ("", "", False)


def test_connector_defaults() -> None:
    connector = Connector("a", "s", "k", "a", "a")
    assert (connector.options, connector.kept, connector.is_removed) == ({}, (), False)


def test_version_defaults() -> None:
    version = SecretVersion("id", 1, 1, b"f", 1, 1, b"e", "now")
    assert (version.at_provider, version.state) == ("", "enabled")


def test_secret_user_as_text() -> None:
    assert str(ENTITIES[-1]) == "connector 'vault' (token_ref)"
