# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module's task runs on the control node: validated by its Spec, done by the engine, with a censored result."""

from __future__ import annotations

import base64
import os
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.scoped.secrets.plugins.action.connector_gcp_secret_manager import ActionModule as Google
from ansible_collections.scoped.secrets.plugins.action.secret_file import ActionModule as SecretFile
from ansible_collections.scoped.secrets.plugins.action.secret_text import ActionModule as SecretText
from ansible_collections.scoped.secrets.plugins.action.store_backup import ActionModule as StoreBackup
from ansible_collections.scoped.secrets.plugins.action.store_restore import ActionModule as StoreRestore
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import connect
from ansible_collections.scoped.secrets.plugins.module_utils.engine.backup import rows as backup_rows
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import ARGUMENTS, resolve_options, settings_of
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.plugin_utils import router
from ansible_collections.scoped.secrets.plugins.plugin_utils.router import Router

VALUE = "canary value"
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
SHARED_STORE = "postgresql://ansible:canary@db/secrets"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "off")
    return {"store": f"sqlite:///{tmp_path}/s/store.db", "root_key": base64.b64encode(os.urandom(32)).decode()}


def action(
    kind: type[Router],
    arguments: dict[str, Any],
    *,
    check_mode: bool = False,
    diff: bool = False,
    delegate_to: str | None = None,
    folder: Path = Path("/"),
) -> Router:
    """Return the action plugin of a task, as in a worker."""
    loader = DataLoader()
    loader.set_basedir(str(folder))
    task = SimpleNamespace(
        action=f"scoped.secrets.{kind.spec.resource}",
        args=arguments,
        async_val=0,
        check_mode=check_mode,
        delegate_to=delegate_to,
        diff=diff,
        environment=None,
        get_search_path=lambda: [str(folder)],
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/none"))
    return kind(task, connection, None, loader, Templar(loader=loader, variables={}), None)


def run(kind: type[Router], arguments: dict[str, Any], variables: dict[str, Any] | None = None, **task: Any) -> Any:
    return action(kind, arguments, **task).run(task_vars=variables or {})


def stored(shared: dict[str, str], identifier: str, org: str = "") -> bytes:
    answer = connect(settings_of(resolve_options(shared))).resolve([Query(identifier, org)])[0]
    if answer.error:
        raise answer.error
    return answer.value


DATES: list[tuple[Any, bytes]] = [
    (date(2031, 1, 31), b"2031-01-31"),
    (datetime(2031, 1, 31, 10, 20), b"2031-01-31T10:20:00"),
    ({"user": "me", "until": date(2031, 1, 31)}, b'{"until": "2031-01-31", "user": "me"}'),
]


@pytest.mark.parametrize(("value", "expected"), DATES)
def test_unquoted_dates_are_text(shared: dict[str, str], value: Any, expected: bytes) -> None:
    more = {"expires": date(2041, 1, 31), "tags": {"since": date(2021, 1, 31)}}
    result = run(SecretText, {**shared, "identifier": "a", "value": value, **more})
    assert (result["changed"], stored(shared, "a")) == (True, expected)
    assert (result["secret"]["expires"], result["secret"]["tags"]) == ("2041-01-31T00:00:00Z", {"since": "2021-01-31"})


def test_a_dictionary_in_another_order_is_the_same_value(shared: dict[str, str]) -> None:
    for value, changed in (({"b": 1, "a": 2}, True), ({"a": 2, "b": 1}, False), ({"a": 2, "b": 3}, True)):
        result = run(SecretText, {**shared, "identifier": "a", "value": value})
        assert result["changed"] is changed


def test_a_credential_in_another_order_is_the_same_value(shared: dict[str, str]) -> None:
    google = {**shared, "identifier": "google", "gcp_project": "shop-project", "check": False}
    for key, changed in (({"b": "x", "a": {"d": 1, "c": 2}}, True), ({"a": {"c": 2, "d": 1}, "b": "x"}, False)):
        result = run(Google, {**google, "credentials_json": key})
        assert (result.get("msg"), result["changed"]) == (None, changed)


def test_a_task_works_and_shows_no_value(shared: dict[str, str]) -> None:
    result = run(SecretText, {**shared, "identifier": "a", "value": VALUE}, diff=True)
    assert (result["changed"], result["secret"]["identifier"]) == (True, "a")
    assert result["diff"]["after"]["version"] == 1
    assert result["invocation"]["module_args"] == {
        "store": shared["store"],
        "root_key": HIDDEN,
        "identifier": "a",
        "value": HIDDEN,
    }
    assert VALUE not in str(result)
    assert stored(shared, "a") == VALUE.encode()
    assert run(SecretText, {**shared, "identifier": "a", "value": VALUE})["changed"] is False


def test_check_mode_and_no_diff_are_passed_on(shared: dict[str, str], tmp_path: Path) -> None:
    result = run(SecretText, {**shared, "identifier": "a", "value": VALUE}, check_mode=True)
    assert (result["changed"], "diff" in result, list(tmp_path.iterdir())) == (True, False, [])


def test_a_value_is_censored_in_what_people_write(shared: dict[str, str]) -> None:
    written = {"description": f"it is {VALUE}", "tags": {"note": VALUE}}
    result = run(SecretText, {**shared, "identifier": "a", "value": VALUE, **written})
    assert VALUE not in str(result)
    assert result["secret"]["description"] == f"it is {CENSORED}"
    assert result["secret"]["tags"] == {"note": CENSORED}


def test_shared_options_come_from_templated_variables(shared: dict[str, str], tmp_path: Path) -> None:
    variables = {"scoped_secrets_store": shared["store"], "scoped_secrets_org": "payments"}
    arguments = {"root_key": shared["root_key"], "identifier": "a", "value": VALUE}
    missing = run(SecretText, arguments, variables)
    assert (missing["failed"], missing["code"]) == (True, "unknown_scope")
    assert run(SecretText, {**arguments, "org": ""}, variables)["changed"]
    assert stored(shared, "a") == VALUE.encode()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({}, "identifier"),
        ({"identifier": "a", "valeu": VALUE}, "Unsupported options"),
        ({"identifier": "a", "value": VALUE, "generate": {}}, "mutually exclusive"),
        ({"identifier": "a", "state": "gone"}, "state"),
        ({"identifier": "a", "tags": VALUE}, "tags"),
    ],
)
def test_arguments_that_violate_the_spec_fail(shared: dict[str, str], arguments: dict[str, Any], part: str) -> None:
    result = run(SecretText, {**shared, **arguments})
    assert (result["failed"], result["changed"], result["code"]) == (True, False, "invalid_options")
    assert part in result["msg"]
    assert "ansible-doc scoped.secrets.secret_text" in result["hint"]
    assert VALUE not in str(result)


def test_an_error_has_code_message_and_hint(shared: dict[str, str]) -> None:
    result = run(SecretText, {**shared, "identifier": "a b", "value": VALUE})
    assert (result["failed"], result["code"]) == (True, "invalid_identifier")
    assert result["hint"]
    assert VALUE not in str(result)


def test_an_exception_is_reported_without_its_message(shared: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError(f"with {VALUE}")

    monkeypatch.setattr(router, "call", fail)
    result = run(SecretText, {**shared, "identifier": "a", "value": "another"})
    assert (result["failed"], result["code"]) == (True, "internal_error")
    assert "RuntimeError" in result["msg"]
    assert VALUE not in str(result)


def test_the_password_of_a_store_is_censored(shared: dict[str, str]) -> None:
    result = run(SecretText, {"store": SHARED_STORE, "root_key": shared["root_key"], "identifier": "a"})
    assert result["failed"]
    assert "canary" not in str(result)


def test_a_file_is_found_like_the_copy_module_finds_it(shared: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "cert.pem").write_bytes(b"canary content")
    result = run(SecretFile, {**shared, "identifier": "f", "src": "cert.pem"}, folder=tmp_path)
    assert result["changed"], result
    assert "canary" not in str(result)
    assert stored(shared, "f") == b"canary content"


@pytest.mark.parametrize("src", ["none.pem", "/none/at/all", "files"])
def test_a_file_that_can_not_be_read_fails(shared: dict[str, str], tmp_path: Path, src: str) -> None:
    (tmp_path / "files").mkdir()
    result = run(SecretFile, {**shared, "identifier": "f", "src": src}, folder=tmp_path)
    assert (result["failed"], result["code"]) == (True, "missing_src")
    assert result["hint"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", None])
def test_a_task_for_this_machine_runs_here(shared: dict[str, str], host: str | None) -> None:
    assert run(SecretText, {**shared, "identifier": "a", "value": VALUE}, delegate_to=host)["changed"]


def test_a_delegated_task_needs_a_store_that_both_reach(shared: dict[str, str]) -> None:
    for store in ({}, {"store": shared["store"]}):
        result = run(SecretText, {"identifier": "a", "value": VALUE, **store}, delegate_to="bastion")
        assert (result["failed"], result["code"]) == (True, "shared_store_needed")
        assert "bastion" in result["msg"]


def test_a_delegated_task_can_not_read_a_file_of_this_machine(shared: dict[str, str]) -> None:
    arguments = {"store": SHARED_STORE, "identifier": "f", "src": "cert.pem"}
    result = run(SecretFile, arguments, delegate_to="bastion")
    assert (result["failed"], result["code"]) == (True, "src_not_delegated")


def test_a_delegated_task_runs_the_module_there(shared: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[dict[str, Any]] = []

    def execute(_self: Router, **call: Any) -> dict[str, Any]:
        taken.append(call)
        return {"changed": True, "msg": f"{VALUE} and canary", "ansible_facts": {"scoped_secrets_project": "other"}}

    monkeypatch.setattr(Router, "_execute_module", execute)
    variables = {"scoped_secrets_store": SHARED_STORE, "scoped_secrets_org": "payments"}
    arguments = {"root_key": shared["root_key"], "identifier": "a", "value": VALUE}
    result = run(SecretText, arguments, variables, delegate_to="bastion")
    (call,) = taken
    assert (call["module_name"], call["task_vars"]) == ("scoped.secrets.secret_text", variables)
    assert {name: call["module_args"][name] for name in ("store", "org", "identifier", "value", "root_key")} == {
        "store": SHARED_STORE,
        "org": "payments",
        **arguments,
    }
    # Options that were not given are not sent: some exclude others.
    assert set(call["module_args"]) <= {*arguments, *(option.name for option in ARGUMENTS)}
    assert None not in call["module_args"].values()
    assert result["msg"] == f"{CENSORED} and {CENSORED}"
    assert "ansible_facts" not in result


def test_a_relative_backup_path_starts_in_the_folder_of_the_playbook(shared: dict[str, str], tmp_path: Path) -> None:
    run(SecretText, {**shared, "identifier": "a", "value": VALUE})
    result = run(StoreBackup, {**shared, "dest": "secrets.backup"}, folder=tmp_path)
    assert result["backup"]["path"] == f"{tmp_path}/secrets.backup"
    elsewhere = {**shared, "store": f"sqlite:///{tmp_path}/other/store.db"}
    assert run(StoreRestore, {**elsewhere, "src": "secrets.backup"}, folder=tmp_path)["changed"]
    assert stored(elsewhere, "a") == VALUE.encode()


def test_progress_is_shown_censored(
    shared: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for identifier in ("a", "b"):
        run(SecretText, {**shared, "identifier": identifier, "value": VALUE})
    monkeypatch.setattr(backup_rows, "_STEP", 2)
    arguments = {**shared, "dest": f"{tmp_path}/b", "recovery_passphrase": "Backed up 2 of"}
    run(StoreBackup, arguments)
    assert f"store_backup: {CENSORED} 2 secrets" in capsys.readouterr().out


def test_a_delegated_restore_reads_its_file_on_the_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(Router, "_execute_module", lambda _self, **given: seen.append(given) or {"changed": True})
    run(StoreRestore, {"store": SHARED_STORE, "src": "/backups/b"}, delegate_to="bastion")
    assert seen[0]["module_args"]["src"] == "/backups/b"


@pytest.mark.parametrize("given", [True, 7, "text", ["a"]])
def test_suboptions_of_the_wrong_type_are_refused(shared: dict[str, str], given: Any) -> None:
    result = run(SecretText, {**shared, "identifier": "a", "generate": given})
    assert (result["failed"], result["code"]) == (True, "invalid_options")
