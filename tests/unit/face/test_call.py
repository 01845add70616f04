# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's call: options in, a task's result out."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.call import call, failure
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import resolve_options
from ansible_collections.scoped.secrets.plugins.module_utils.face.sources import LOCAL
from ansible_collections.scoped.secrets.plugins.module_utils.face.spec import Spec
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict, InvalidInput, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import tell_nobody
from ansible_collections.scoped.secrets.plugins.modules import audit_info, secret_file, secret_text

VALUE = "the value itself"


@pytest.fixture
def shared(tmp_path: Path) -> dict[str, Any]:
    key = base64.b64encode(os.urandom(32)).decode()
    return {"store": f"sqlite:///{tmp_path}/s/store.db", "root_key": key, "org": "", "project": "", "broker": "off"}


def run(spec: Spec, shared: dict[str, Any], **params: Any) -> dict[str, Any]:
    modes = {mode: params.pop(mode, False) for mode in ("check_mode", "diff")}
    everything = {**dict.fromkeys(spec.argument_spec), **shared, **params}
    return call(spec, everything, resolve_options(shared), **modes, files=LOCAL, tell=tell_nobody)


def test_a_result_holds_its_noun_but_no_value(shared: dict[str, Any]) -> None:
    result = run(secret_text.SPEC, shared, identifier="a", value=VALUE)
    assert set(result) == {"changed", "secret", "warnings"}
    assert (result["changed"], result["secret"]["identifier"], result["secret"]["size"]) == (True, "a", len(VALUE))
    assert VALUE not in str(result)
    assert run(secret_text.SPEC, shared, identifier="a", value=VALUE)["changed"] is False


def test_the_first_call_reports_the_new_store(shared: dict[str, Any]) -> None:
    first = run(secret_text.SPEC, shared, identifier="a", value=VALUE)
    assert first["warnings"] == [f"The store {shared['store']} was created."]
    assert "warnings" not in run(secret_text.SPEC, shared, identifier="a", value=VALUE)


def test_a_diff_is_returned_on_request_if_something_changed(shared: dict[str, Any]) -> None:
    result = run(secret_text.SPEC, shared, identifier="a", value=VALUE, diff=True)
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["version"] == 1
    assert result["diff"]["before_header"] == result["diff"]["after_header"] == "secret_text account/a"
    assert VALUE not in str(result)
    gone = run(secret_text.SPEC, shared, identifier="b", state="absent", diff=True)
    assert "diff" not in gone


def test_the_header_of_a_diff_names_the_scope(shared: dict[str, Any]) -> None:
    inside = {**shared, "org": "payments"}
    scope = Spec("scope")
    assert run(scope, inside, diff=True)["diff"]["after_header"] == "scope account/payments"
    result = run(secret_text.SPEC, inside, identifier="a", value=VALUE, diff=True)
    assert result["diff"]["after_header"] == "secret_text account/payments/a"


def test_check_mode_is_passed_on(shared: dict[str, Any], tmp_path: Path) -> None:
    result = run(secret_text.SPEC, shared, identifier="a", value=VALUE, check_mode=True)
    assert (result["changed"], result["secret"]["version"], os.listdir(tmp_path)) == (True, 1, [])
    assert VALUE not in str(result)


def test_omitted_options_keep_their_stored_values(shared: dict[str, Any]) -> None:
    run(secret_text.SPEC, shared, identifier="a", value=VALUE, description="d", tags={"t": "1"})
    secret = run(secret_text.SPEC, shared, identifier="a", name="N")["secret"]
    assert (secret["description"], secret["tags"], secret["name"], secret["version"]) == ("d", {"t": "1"}, "N", 1)


def test_a_file_is_read_through_the_face(shared: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "cert").write_bytes(b"\0" * 7)
    result = run(secret_file.SPEC, shared, identifier="f", src=str(tmp_path / "cert"))
    assert (result["secret"]["kind"], result["secret"]["size"]) == ("file", 7)


def test_errors_pass_through_unchanged(shared: dict[str, Any]) -> None:
    with pytest.raises(NotFound) as caught:
        run(secret_text.SPEC, {**shared, "org": "none"}, identifier="a", value=VALUE)
    assert caught.value.code == "unknown_scope"


def test_a_failed_task_has_code_message_and_hint() -> None:
    error = Conflict("in_use", "It is in use.", hint="Set force.")
    expected = {"failed": True, "changed": False, "code": "in_use", "msg": "It is in use.", "hint": "Set force."}
    assert failure(error) == expected
    detailed = Conflict("in_use", "It is in use.", hint="Set force.", details={"used_by": ["a"]})
    assert failure(detailed) == {**expected, "details": {"used_by": ["a"]}}


def test_each_path_of_a_list_is_made_absolute(
    shared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine may run in another folder."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        run(audit_info.SPEC, shared, archives=["none.jsonl"])
    assert str(tmp_path / "none.jsonl") in caught.value.message
