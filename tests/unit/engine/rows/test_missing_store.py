# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where there is no store, that is said first, with the place that was looked at and why."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.missing_store import no_store
from ansible_collections.scoped.secrets.plugins.module_utils.face.call import failure
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import NotFound, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, error_of, read

CALLS: dict[str, tuple[str, Callable[[Engine], Any]]] = {
    "a secret": ("unknown_secret", lambda engine: read(engine, "a")),
    "a secret of an organization": ("unknown_scope", lambda engine: read(engine, "a", "pay")),
    "a value by URL": ("unknown_connector", lambda engine: read(engine, "hashicorpvault://vault/a")),
    "a list of an organization": ("unknown_scope", lambda engine: declare(engine, "secret_info", org="pay")),
    "a check of a connector": (
        "unknown_connector",
        lambda engine: declare(engine, "connector_check", identifier="vault"),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_missing_is_the_store(settings: Settings, name: str) -> None:
    code, call = CALLS[name]
    error = error_of(lambda: call(Engine(settings)))
    assert (error.code, isinstance(error, NotFound)) == (code, True)
    assert error.message.startswith("There is no store at ")
    assert "run Ansible as the user" in error.hint
    # Once there is one, the thing itself is what is missing.
    declare(Engine(settings), "scope", name="Root")
    assert not error_of(lambda: call(Engine(settings))).message.startswith("There is no store")


@pytest.mark.parametrize("resource", ["secret_info", "scope_info", "connector_info"])
def test_a_list_of_nothing_warns(settings: Settings, resource: str) -> None:
    (warning,) = declare(Engine(settings), resource).warnings
    assert warning.startswith("There is no store at ")
    declare(Engine(settings), "scope", name="Root")
    assert declare(Engine(settings), resource).warnings == []


def test_check_mode_assumes_that_the_first_task_makes_it(settings: Settings) -> None:
    assert check(Engine(settings), "secret_text", identifier="a", value=b"v").warnings == []


def test_the_reason_for_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Settings("sqlite:////srv/store.db", "/srv/root.key")
    assert no_store(here) == "There is no store at sqlite:////srv/store.db yet, which is the setting 'store'."
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    user = pwd.getpwuid(os.geteuid()).pw_name
    default = here._replace(is_local_default=True)
    assert no_store(default).endswith(f"yet, the default place of user '{user}' with HOME=/home/ann.")

    def nobody(_user: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME")
    assert no_store(default).endswith(f"yet, the default place of user id {os.geteuid()}.")


def test_a_first_call_that_fails_says_what_it_made(tmp_path: Path) -> None:
    place = Settings(f"sqlite:///{tmp_path}/store/store.db", f"{tmp_path}/key/root.key", is_local_default=True)
    error = error_of(lambda: declare(Engine(place), "secret_text", org="pay", identifier="a", value=b"v"))
    assert error.code == "unknown_scope"
    key, store = error.warnings
    assert key.startswith(f"A new root key was written to {place.root_key_file}.")
    assert store == f"The store {place.store} was created."
    # They reach people through the broker, and as the warnings of the failed task.
    assert failure(ScopedSecretsError.from_dict(error.to_dict()))["warnings"] == [key, store]
