# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets as users see them: found by filters, shown without a value, whatever keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import (
    Managers,
    ScopedConnector,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secret_views import (
    SecretState,
    identity_of,
    shown_fields,
    view_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector, Scope, Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    add_reference,
    declare,
    error_of,
    shown,
)

PAY = ScopePath("pay")
ORG = Scope("i", PAY, "a", "n")
ABOVE = ScopedConnector(Connector("c", "a", "memory_vault", "vault", "n"), ACCOUNT)
MANAGERS = Managers(ORG, [ABOVE])
SECRET = Secret("id", "i", "a", "text", "A", connector_id="c", path="p", reference_key="/k", is_reference=True)


@pytest.fixture
def store(settings: Settings, cloud: Cloud, engine: Engine) -> Engine:
    """A secret at each kind of manager: `b` built-in, `k` under a KMS, `v` at a vault, `r` a reference there."""
    declare(engine, "scope", name="Root")
    add_connector(settings, "vault")
    add_connector(settings, "kms", kind="memory_kms")
    declare(engine, "secret_text", identifier="b", value=b"canary", tags={"team": "x"})
    declare(engine, "secret_text", identifier="k", value=b"canary", secret_manager="kms", tags={"team": "x", "n": 1})
    declare(engine, "secret_file", identifier="v", value=b"canary", secret_manager="vault")
    add_reference(settings, "r", "vault", "their/path", "field")
    return Engine(settings)


def test_names_of_secrets() -> None:
    paths = [ACCOUNT, PAY, ScopePath("pay", "api")]
    assert [identity_of(path, "a", "text")["reference"] for path in paths] == ["account.a", "org.a", "a"]
    assert identity_of(paths[2], "a", "file") == {
        "identifier": "a",
        "org": "pay",
        "project": "api",
        "kind": "file",
        "reference": "a",
    }


def test_shown_fields() -> None:
    fields = shown_fields(SECRET, MANAGERS)
    assert (fields["secret_manager"], fields["reference_to"], fields["name"]) == ("account.vault", "p#/k", "A")
    odd = SECRET._replace(path="item #3 @ 100%", reference_key="", options={"version": "2"})
    assert shown_fields(odd, MANAGERS)["reference_to"] == "item %233 %40 100%@2"
    assert "reference_to" not in shown_fields(Secret("id", "i", "a", "text", "A"), MANAGERS)


def test_the_keeper_of_a_secret() -> None:
    assert SecretState([ORG], MANAGERS, SECRET).connector == ABOVE
    assert SecretState([ORG], MANAGERS).connector is None
    assert SecretState([ORG], MANAGERS, Secret("id", "i", "a", "text", "A")).connector is None
    assert view_of(SecretState([ORG], MANAGERS)) == {}


def test_secrets_are_shown_with_their_manager_and_without_value(cloud: Cloud, store: Engine) -> None:
    asked = list(cloud.asked)
    views = {view["identifier"]: view for view in shown(store, "secret_info")}
    managers = {name: view["secret_manager"] for name, view in views.items()}
    assert managers == {"b": "builtin", "k": "kms", "r": "vault", "v": "vault"}
    assert [views[name]["size"] for name in "bkv"] == [6, 6, 6]
    assert [views[name]["version"] for name in "bkrv"] == [1, 1, 0, 1]
    assert len({views[name]["fingerprint"] for name in "bkv"}) == 3
    assert (views["r"]["reference_to"], "size" in views["r"], "fingerprint" in views["r"]) == (
        "their/path#field",
        False,
        False,
    )
    assert "canary" not in repr(views)
    assert cloud.asked == asked


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"secret_manager": "vault"}, "rv"),
        ({"secret_manager": "kms"}, "k"),
        ({"secret_manager": "builtin"}, "b"),
        ({"secret_manager": "none"}, ""),
        ({"kind": "file"}, "v"),
        ({"kind": "text", "secret_manager": "vault"}, "r"),
        ({"tags": {"team": "x"}}, "bk"),
        ({"tags": {"n": 1}}, "k"),
        ({"identifier": "v"}, "v"),
        ({"identifier": "v", "secret_manager": "kms"}, ""),
        ({"identifier": "V"}, ""),
    ],
)
def test_filters(store: Engine, filters: dict[str, Any], expected: str) -> None:
    assert "".join(view["identifier"] for view in shown(store, "secret_info", **filters)) == expected


def test_invalid_filters(store: Engine) -> None:
    for identifier in ("a.b", "", "0"):
        error = error_of(lambda name=identifier: shown(store, "secret_info", identifier=name))
        assert error.code == "invalid_identifier"
    assert error_of(lambda: shown(store, "secret_info", org="none")).code == "unknown_scope"


def test_a_secret_of_a_removed_connector_is_shown(store: Engine) -> None:
    declare(store, "connector_memory_vault", identifier="vault", state="absent", force=True)
    views = {view["identifier"]: view["secret_manager"] for view in shown(store, "secret_info")}
    assert views == {"b": "builtin", "k": "kms", "r": "vault", "v": "vault"}


def test_a_loaded_state_does_not_show_its_value() -> None:
    state = SecretState([ORG], MANAGERS, SECRET, observed=b"canary", is_observed=True)
    assert "canary" not in repr(state)
