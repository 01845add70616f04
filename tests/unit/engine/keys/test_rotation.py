# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of key_rotation, and check mode before the store exists."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, error_of, store_path


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"target": "scope", "new_passphrase": "x"}, "option_of_other_target"),
        ({"target": "scope", "new_root_key_file": "/x"}, "option_of_other_target"),
        ({"target": "scope", "connector": "x"}, "option_of_other_target"),
        ({"target": "root", "destroy_generation": 0}, "option_of_other_target"),
        ({"target": "provider", "new_root_key": "x"}, "option_of_other_target"),
        ({"target": "scope", "batch_size": 0}, "invalid_batch_size"),
        ({"target": "scope", "batch_size": 100_001}, "invalid_batch_size"),
        ({"target": "scope", "project": "api"}, "project_without_org"),
    ],
)
def test_bad_options_are_refused_first(engine: Engine, given: dict[str, Any], code: str) -> None:
    assert error_of(lambda: declare(engine, "key_rotation", **given)).code == code


@pytest.mark.parametrize("params", [{"target": "scope"}, {"target": "root", "new_root_key_file": "/none/new.key"}])
def test_check_mode_assumes_an_earlier_task_creates_the_store(
    engine: Engine, settings: Settings, params: dict[str, Any]
) -> None:
    planned = check(engine, "key_rotation", org="pay", **params)
    assert (planned.changed, planned.returned["rotation"]["target"]) == (True, params["target"])
    assert "In check mode" in planned.warnings[0]
    assert error_of(lambda: declare(engine, "key_rotation", org="pay", **params)).code == "no_store"
    assert not store_path(settings).exists()
    declare(engine, "scope", org="other")
    planned = check(engine, "key_rotation", org="pay", target="scope")
    assert "no organization 'pay'" in planned.warnings[0]


def test_generations_are_listed_with_row_counts(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="text", value=b"v")
    declare(engine, "key_rotation", target="scope")
    result = declare(engine, "key_rotation", target="scope", destroy_generation=1)
    found = result.returned["rotation"]["generations"]
    assert [(one["generation"], one["state"], one["rows"]) for one in found] == [(2, "active", 2), (1, "destroyed", 0)]
