# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares as users declare them: planned, shown, and refused for values that no scope key opens."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, error_of, holding, shown

ORG: dict[str, Any] = {"org": "payments"}
API: dict[str, Any] = {"org": "payments", "project": "api"}
TO_API = {"to_org": "payments", "to_project": "api"}


@pytest.fixture
def site(settings: Settings, engine: Engine) -> Settings:
    for scope in (ORG, API, {"org": "other"}):
        declare(engine, "scope", **scope)
    declare(engine, "secret_text", identifier="a", value=b"value of a")
    declare(engine, "secret_text", **ORG, identifier="a", value=b"value of a")
    return settings


def test_a_share_is_created_once(engine: Engine, site: Settings) -> None:
    predicted = check(engine, "secret_share", identifier="a", **TO_API)
    assert shown(engine, "secret_info", identifier="a")[0]["shared_with"] == []
    made = declare(engine, "secret_share", identifier="a", **TO_API)
    assert (predicted.changed, predicted.returned, predicted.after) == (True, made.returned, made.after)
    assert made.returned["share"] == {
        "identifier": "a",
        "org": "",
        "project": "",
        "reference": "account.a",
        **TO_API,
        "version": 1,
    }
    assert (made.before, made.after) == ({"shared_with": []}, {"shared_with": [API]})
    again = declare(engine, "secret_share", identifier="a", **TO_API)
    assert (again.changed, again.returned, again.warnings) == (False, made.returned, [])
    assert shown(engine, "secret_info", identifier="a")[0]["shared_with"] == [API]


def test_a_share_is_taken_back_once(engine: Engine, site: Settings) -> None:
    declare(engine, "secret_share", identifier="a", **TO_API)
    absent = {"identifier": "a", **TO_API, "state": "absent"}
    predicted = check(engine, "secret_share", **absent)
    gone = declare(engine, "secret_share", **absent)
    assert (predicted.changed, gone.changed, gone.returned) == (True, True, {"share": None})
    assert (gone.before, gone.after) == ({"shared_with": [API]}, {"shared_with": []})
    assert gone.warnings == predicted.warnings
    again = declare(engine, "secret_share", **absent)
    assert (again.changed, again.warnings) == (False, [])


def test_an_organization_shares_with_its_own_projects(engine: Engine, site: Settings) -> None:
    made = shown(engine, "secret_share", **ORG, identifier="a", to_project="api")
    assert (made["reference"], made["to_org"], made["to_project"]) == ("org.a", "payments", "api")
    assert declare(holding(site, **ORG), "secret_share", **ORG, identifier="a", to_project="api").changed is False


@pytest.mark.parametrize(
    ("owner", "to"),
    [
        ({}, {}),
        (ORG, {}),
        (ORG, {"to_org": "payments"}),
        (ORG, {"to_org": "other"}),
        (API, {"to_project": "api"}),
        (API, {"to_org": "payments", "to_project": "web"}),
    ],
    ids=str,
)
def test_secrets_are_shared_only_with_scopes_below(
    engine: Engine, site: Settings, owner: dict[str, Any], to: dict[str, Any]
) -> None:
    assert error_of(lambda: declare(engine, "secret_share", **owner, identifier="a", **to)).code == "share_not_below"


def test_values_of_connectors_and_credentials_are_not_shared(engine: Engine, site: Settings) -> None:
    declare(engine, "connector_memory_vault", identifier="vault", token="good")
    declare(engine, "connector_memory_kms", identifier="kms")
    declare(engine, "secret_text", identifier="kept", value=b"x", secret_manager="vault")
    declare(engine, "secret_text", identifier="sealed", value=b"x", secret_manager="kms")
    declare(engine, "secret_text", identifier="referred", reference="app/kept", secret_manager="vault")
    declare(engine, "secret_ssh", identifier="host", user="u", password="p")
    for identifier, why in (("kept", "vault"), ("sealed", "kms"), ("referred", "vault"), ("host", "credential")):
        share = {"identifier": identifier, **TO_API}
        for call in (declare, check):
            error = error_of(lambda call=call, share=share: call(engine, "secret_share", **share))  # type: ignore[misc]
            assert (error.code, why in error.message) == ("not_shareable", True)


def test_missing_secrets_and_scopes(engine: Engine, site: Settings) -> None:
    assert error_of(lambda: declare(engine, "secret_share", identifier="b", **TO_API)).code == "unknown_secret"
    predicted = check(engine, "secret_share", identifier="b", **TO_API)
    assert (predicted.changed, len(predicted.warnings)) == (True, 1)
    assert not declare(engine, "secret_share", identifier="b", **TO_API, state="absent").changed
    nowhere = {"identifier": "a", "to_org": "payments", "to_project": "nosuch"}
    assert error_of(lambda: declare(engine, "secret_share", **nowhere)).code == "unknown_scope"
    assert not declare(engine, "secret_share", **nowhere, state="absent").changed


def test_only_the_owner_shares(engine: Engine, site: Settings) -> None:
    for scope in (ORG, API):
        holder = holding(site, **scope)
        error = error_of(lambda holder=holder: declare(holder, "secret_share", identifier="a", **TO_API))  # type: ignore[misc]
        assert error.code == "scope_locked"
    assert declare(holding(site, **ORG), "secret_share", **ORG, identifier="a", to_project="api").changed
