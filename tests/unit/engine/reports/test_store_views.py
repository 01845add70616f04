# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a whole store."""

from __future__ import annotations

from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.tests.unit.engine.full_store import API, fill
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, is_made, rows_of, shown


def info(engine: Engine) -> dict[str, Any]:
    found: dict[str, Any] = shown(engine, "store_info")
    return found


def test_a_full_store(engine: Engine, settings: Settings) -> None:
    fill(engine)
    found = info(engine)
    place = Location.parse(settings.store)
    assert (found["engine"], found["where"], found["exists"]) == (place.engine, str(place), True)
    assert found["root_key_id"] == open_store(settings, create=False).keyring.root.key_id
    assert found["id"] == open_store(settings, create=False).store_id
    assert (found["schema_version"], found["pending_intents"]) == (1, 0)
    assert (found["connectors"], found["secrets"], found["versions"]) == (2, 11, 11)
    assert found["secret_managers"] == {"builtin": 6, "credentials": 1, "memory_kms": 1, "memory_vault": 3}
    assert found["size"] >= 200_000


def test_each_scope(engine: Engine) -> None:
    fill(engine)
    scopes = {scope["scope"]: scope for scope in info(engine)["scopes"]}
    assert list(scopes) == ["account", "empty_one", "pay", "pay/api"]
    assert scopes["account"]["secret_managers"] == {"builtin": 2}
    assert scopes["empty_one"]["secret_managers"] == {}
    assert scopes["empty_one"]["oldest_key_generation"] == 0
    assert scopes["pay"]["secret_managers"] == {"kms": 1}
    api = scopes["pay/api"]
    assert (api["org"], api["project"], api["connectors"], api["secrets"], api["versions"]) == ("pay", "api", 1, 8, 8)
    assert api["secret_managers"] == {"builtin": 4, "credentials": 1, "vault": 3}
    assert (api["key_generation"], api["oldest_key_generation"], api["values_on_older_keys"]) == (1, 1, 0)


def test_values_on_older_keys_are_counted(engine: Engine, settings: Settings) -> None:
    fill(engine)
    store = open_store(settings, create=False)
    store.keyring._max_wraps = 0
    engine._open = store
    declare(engine, "secret_text", **API, identifier="text", value=b"under the second key")
    found = info(engine)
    (api,) = [scope for scope in found["scopes"] if scope["scope"] == "pay/api"]
    assert (api["key_generation"], api["oldest_key_generation"], api["values_on_older_keys"]) == (2, 1, 8)
    assert found["oldest_key_generation"] == 1


def test_a_missing_store_is_shown_and_not_created(engine: Engine, settings: Settings) -> None:
    found = info(engine)
    assert (found["exists"], found["id"], found["size"], found["scopes"]) == (False, "", None, [])
    assert not is_made(settings)
    declare(engine, "secret_text", identifier="a", value=b"v")
    assert set(info(engine)) == set(found)


def test_intents_are_counted(engine: Engine, settings: Settings) -> None:
    declare(engine, "secret_text", identifier="a", value=b"v")
    assert info(engine)["pending_intents"] == 0
    with rows_of(settings) as tx:
        tx.run(
            "INSERT INTO intent SELECT 'x', id, 'c', 'path', 'present', 'p', '2026-01-01', :tag, '' FROM scope",
            tag=b"tag",
        )
    assert info(engine)["pending_intents"] == 1


def test_a_tampered_scope_is_not_shown(engine: Engine, settings: Settings) -> None:
    fill(engine)
    with rows_of(settings) as tx:
        tx.run("UPDATE scope SET identifier = 'x' WHERE level = 'project'")
    assert error_of(lambda: info(engine)).code == "damaged_row"
