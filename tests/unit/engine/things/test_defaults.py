# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default manager: for new secrets only, and a manager of the same scope only."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    read,
    rows_of,
    shown,
)


@pytest.fixture
def two(settings: Settings, engine: Engine) -> Engine:
    """The account has connectors `one` and `two`, and the secret `old`; an organization has nothing."""
    declare(engine, "scope", org="payments")
    declare(engine, "secret_text", identifier="old", value=b"v")
    for identifier in ("one", "two"):
        add_connector(settings, identifier)
    return engine


def default_of(engine: Engine, org: str = "") -> str:
    return str(shown(engine, "scope_info", org=org)[0]["default_secret_manager"])


def manager_of(engine: Engine, identifier: str) -> str:
    return str(shown(engine, "secret_info", identifier=identifier)[0]["secret_manager"])


def test_the_default_changes_between_connectors_and_back(two: Engine) -> None:
    for wanted, before in (("one", "builtin"), ("two", "one"), ("builtin", "two")):
        result = declare(two, "default_secret_manager", secret_manager=wanted)
        assert (result.changed, result.returned["connector"]["identifier"]) == (True, wanted)
        assert result.returned["connector"]["is_default"] is True
        assert (result.before, result.after) == ({"secret_manager": before}, {"secret_manager": wanted})
        assert not declare(two, "default_secret_manager", secret_manager=wanted).changed
        assert (default_of(two), default_of(two, "payments")) == (wanted, "builtin")


def test_a_default_takes_only_new_secrets(two: Engine) -> None:
    declare(two, "default_secret_manager", secret_manager="one")
    assert manager_of(two, "old") == "builtin"
    declare(two, "secret_text", identifier="old", value=b"changed", description="d")
    made = shown(two, "secret_text", identifier="fresh", value=b"v")
    declare(two, "default_secret_manager", secret_manager="two")
    declare(two, "secret_text", identifier="fresh", value=b"changed")
    managers = [manager_of(two, name) for name in ("old", "fresh")]
    assert (made["secret_manager"], managers) == ("one", ["builtin", "one"])
    assert read(two, "old") == b"changed"


def test_an_unknown_connector_lists_those_of_the_scope(two: Engine) -> None:
    error = error_of(lambda: declare(two, "default_secret_manager", secret_manager="none"))
    assert (error.code, error.hint) == ("unknown_connector", "Its secret managers are: builtin, one, two.")


def test_a_connector_of_another_scope_is_refused(settings: Settings, two: Engine) -> None:
    for name in ("one", "account.one"):
        call = {"org": "payments", "secret_manager": name}
        error = error_of(lambda call=call: declare(two, "default_secret_manager", **call))
        assert (type(error), error.code) == (Forbidden, "manager_of_other_scope")
        assert "The secret managers of organization 'payments' are: builtin." in error.hint
        assert "'one' of the account belongs to another scope, so organization 'payments' can't" in error.message
    add_connector(settings, "below", ScopePath("payments"))
    assert error_of(lambda: declare(two, "default_secret_manager", secret_manager="below")).code == "unknown_connector"


def test_a_disabled_built_in_manager_can_not_be_the_default(two: Engine) -> None:
    declare(two, "default_secret_manager", secret_manager="one")
    assert shown(two, "scope", builtin_manager="disabled")["builtin_manager"] == "disabled"
    error = error_of(lambda: declare(two, "default_secret_manager", secret_manager="builtin"))
    assert (error.code, default_of(two)) == ("builtin_disabled", "one")
    assert shown(two, "secret_text", identifier="fresh", value=b"v")["secret_manager"] == "one"
    assert read(two, "old") == b"v"
    enabled = {view["identifier"]: view["enabled"] for view in shown(two, "connector_info")}
    assert enabled == {"builtin": False, "one": True, "two": True}


def test_a_new_scope_below_one_without_built_in_manager_takes_nothing(two: Engine) -> None:
    declare(two, "default_secret_manager", secret_manager="one")
    declare(two, "scope", builtin_manager="disabled")
    assert shown(two, "scope", org="fresh")["builtin_manager"] == "disabled"
    error = error_of(lambda: declare(two, "secret_text", org="fresh", identifier="a", value=b"v"))
    assert (error.code, "organization 'fresh'" in error.message) == ("builtin_disabled", True)
    assert shown(two, "scope", org="payments", name="P")["builtin_manager"] == "enabled"


def test_check_mode_predicts_the_result_and_writes_nothing(settings: Settings, two: Engine) -> None:
    before = content_of(settings)
    result = check(two, "default_secret_manager", secret_manager="one")
    assert (result.changed, result.after) == (True, {"secret_manager": "one"})
    assert (result.returned["connector"]["identifier"], result.returned["connector"]["is_default"]) == ("one", True)
    assert not check(two, "default_secret_manager", secret_manager="builtin").changed
    assert error_of(lambda: check(two, "default_secret_manager", secret_manager="none")).code == "unknown_connector"
    assert content_of(settings) == before


def test_an_unknown_scope_has_no_default(two: Engine) -> None:
    call = {"org": "none", "secret_manager": "builtin"}
    assert error_of(lambda: declare(two, "default_secret_manager", **call)).code == "unknown_scope"


def test_a_tampered_default_is_found(settings: Settings, two: Engine) -> None:
    with rows_of(settings) as tx:
        assert tx.run("INSERT INTO default_manager SELECT scope_id, id, '' FROM connector LIMIT 1") == 1
    assert error_of(lambda: shown(Engine(settings), "connector_info")).code == "damaged_row"
