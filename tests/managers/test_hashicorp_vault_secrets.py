# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in HashiCorp Vault: written, read and removed in both versions of the engine."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import engines
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.vault import HashicorpVault
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from checking import check
from servers.openbao import OpenBao, OpenBaoError, RaftServer, serve_raft
from vault_connectors import OWNER, POLICY, connector, mount_version_2, names, refusal, vault

NEW = Writing(OWNER)
THEIRS = Writing(f"{OWNER}-2")
ADOPT = Writing(OWNER, adopt=True)
VALUES = [
    b"text",
    b"",
    "ünï €\U0001f511\x00\n".encode(),
    b"\xff\xfe\x00",
    b'{"user": "x"}',
    b"a" * 100_000,
]


@pytest.fixture(scope="module", autouse=True)
def _mounts(openbao: OpenBao) -> None:
    openbao.enable_kv("kv1", 1)
    mount_version_2(openbao, "team/kv")


@pytest.fixture(params=["kv1", "secret"])
def manager(request: pytest.FixtureRequest, openbao: OpenBao) -> Iterator[HashicorpVault]:
    """A connector to each version of the engine."""
    with vault(openbao, engine=request.param) as manager:
        yield manager


@pytest.fixture
def kv2(openbao: OpenBao) -> Iterator[HashicorpVault]:
    with vault(openbao) as manager:
        yield manager


def new_path(manager: HashicorpVault) -> str:
    return manager.path_of(next(names))


def value(manager: HashicorpVault, path: str, version: str = "") -> bytes:
    return manager.value_in(manager.read(path, version).content)


def metadata(server: OpenBao, path: str) -> dict[str, Any]:
    data: dict[str, Any] = server.request("GET", f"secret/metadata/{path}")["data"]
    return data


@pytest.mark.parametrize("wanted", VALUES)
def test_a_value_comes_back_as_it_was(manager: HashicorpVault, wanted: bytes) -> None:
    path = new_path(manager)
    manager.write(path, wanted, NEW)
    assert value(manager, path) == wanted


NUMBERS = '{"a": 1.10, "b": 1E5, "c": 12345678901234567890, "d": [0.12345678901234567890]}'


def test_the_numbers_of_others_stay_as_the_server_has_them(openbao: OpenBao) -> None:
    """A version 2 engine itself makes floating-point numbers of them."""
    headers = {"X-Vault-Token": openbao.token, "Content-Type": "application/json"}
    with vault(openbao, engine="kv1") as manager:
        path = new_path(manager)
        reply = requests.post(f"{openbao.url}/v1/kv1/{path}", data=NUMBERS, headers=headers, timeout=30)
        reply.raise_for_status()
        assert manager.read(path).content.decode() == NUMBERS


def test_text_is_kept_so_that_others_can_read_it(kv2: HashicorpVault, openbao: OpenBao) -> None:
    text, bytes_ = new_path(kv2), new_path(kv2)
    kv2.write(text, b"kept", NEW)
    kv2.write(bytes_, b"\xff", Writing(OWNER, is_text=False))
    assert openbao.request("GET", f"secret/data/{text}")["data"]["data"] == {"value": "kept"}
    assert openbao.request("GET", f"secret/data/{bytes_}")["data"]["data"] == {"value_base64": "/w=="}


def test_versions(kv2: HashicorpVault) -> None:
    path = new_path(kv2)
    assert [kv2.write(path, text, NEW) for text in (b"one", b"two")] == ["1", "2"]
    assert (value(kv2, path, "1"), value(kv2, path)) == (b"one", b"two")
    assert kv2.read(path).version == "2"
    for version in ("3", "0", "-1", "x", "1 ", "\u0661", "99999999999"):
        error = refusal(kv2.read, path, version)
        assert (error.code, error.category) == ("unknown_path", "not_found")


def test_version_1_has_no_versions(openbao: OpenBao) -> None:
    with vault(openbao, engine="kv1") as manager:
        path = new_path(manager)
        assert manager.write(path, b"kept", NEW) == ""
        assert manager.read(path).version == ""
        assert refusal(manager.read, path, "1").code == "not_supported"


def test_what_others_wrote_is_read_with_all_its_fields(manager: HashicorpVault, openbao: OpenBao) -> None:
    fields = {"user": "ünï", "port": 5432, "nested": {"a": [1, None, True]}}
    body: dict[str, Any] = fields if manager.options["engine"] == "kv1" else {"data": fields}
    part = "kv1" if manager.options["engine"] == "kv1" else "secret/data"
    openbao.request("POST", f"{part}/others/app", body)
    content = manager.read("/others//app/").content
    assert json.loads(content) == fields
    assert "ünï".encode() in content
    assert refusal(manager.value_in, content).code == "value_field_missing"


def test_what_is_not_there(manager: HashicorpVault) -> None:
    for path in ("ours/none", "none", "ours"):
        error = refusal(manager.read, path)
        assert (error.code, error.category, error.retryable) == ("unknown_path", "not_found", False)


ODD = ["a b", "a#b", "a?b", "a%b", "a%2e%2e", "%2F", "ünï", "a&b=c", "a+b", "a;b", "~", "...", "a..b", "data", "config"]


@pytest.mark.parametrize("name", ODD)
def test_names_with_signs_that_urls_use(manager: HashicorpVault, name: str) -> None:
    path = manager.path_of(f"{next(names)}/{name}")
    manager.write(path, name.encode(), NEW)
    assert value(manager, path) == name.encode()
    assert refusal(manager.read, f"{path}x").code == "unknown_path"
    manager.remove(path, OWNER)


@pytest.mark.parametrize("path", ["", "/", "..", "a/../../sys/mounts", "./a", "a/.", "a\nb", "a\x00b", "a/\x7f"])
def test_paths_that_may_not_be(manager: HashicorpVault, path: str) -> None:
    assert refusal(manager.read, path).code == "name_not_allowed"
    assert refusal(manager.remove, path, OWNER).code == "name_not_allowed"
    assert refusal(manager.write, path, b"x", NEW).code == "name_not_allowed"


def test_an_update_takes_two_requests_and_a_new_secret_three(openbao: OpenBao) -> None:
    counts: Counter[str] = Counter()
    with vault(openbao, counts, detected_engine_version=2) as manager:
        path = new_path(manager)
        manager.write(path, b"one", NEW)
        assert counts == {"requests": 3}
        manager.write(path, b"two", NEW)
        assert counts == {"requests": 5}
        manager.read(path)
        assert counts == {"requests": 6}


def test_what_this_connector_made_says_so(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    long = "x" * 513
    kv2.write(path, b"one", Writing(OWNER, tags={"team": "payments", "long": long, "": "empty", "managed_by": "me"}))
    marks = {"managed_by": "scoped.secrets", "owner": OWNER}
    assert metadata(openbao, path)["custom_metadata"] == {"team": "payments", **marks}
    openbao.request("POST", f"secret/metadata/{path}", {"custom_metadata": {"note": "a person's", **marks}})
    kv2.write(path, b"two", Writing(OWNER, tags={"team": "api"}))
    assert metadata(openbao, path)["custom_metadata"] == {"note": "a person's", "team": "api", **marks}


def test_more_tags_than_fit(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    kv2.write(path, b"one", Writing(OWNER, tags={f"tag{number}": "x" for number in range(100)}))
    kept = metadata(openbao, path)["custom_metadata"]
    assert len(kept) == 64
    assert kept["owner"] == OWNER


@pytest.mark.parametrize("mount", ["kv1", "secret"])
def test_what_others_made_is_neither_overwritten_nor_removed(openbao: OpenBao, mount: str) -> None:
    with vault(openbao, engine=mount) as ours, vault(openbao, engine=mount) as others:
        path = new_path(others)
        others.write(path, b"theirs", THEIRS)
        for error in (refusal(ours.write, path, b"ours", NEW), refusal(ours.remove, path, OWNER)):
            assert (error.code, error.category) == ("foreign_secret", "conflict")
        assert value(others, path) == b"theirs"
        ours.write(path, b"ours", ADOPT)
        assert value(ours, path) == b"ours"
        assert refusal(others.write, path, b"theirs", THEIRS).code == "foreign_secret"
        ours.write(path, b"still ours", NEW)
        ours.remove(path, OWNER)


def test_what_nobody_marked_is_foreign_too(manager: HashicorpVault, openbao: OpenBao) -> None:
    name = next(names)
    part, body = ("kv1", {"value": "x"}) if manager.options["engine"] == "kv1" else ("secret/data", {"data": {}})
    openbao.request("POST", f"{part}/ours/{name}", body)
    assert refusal(manager.write, f"ours/{name}", b"ours", NEW).code == "foreign_secret"
    manager.write(f"ours/{name}", b"ours", ADOPT)
    assert value(manager, f"ours/{name}") == b"ours"


def test_tags_change_without_a_new_value(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    kv2.write(path, b"one", Writing(OWNER, tags={"team": "a"}))
    kv2.relabel(path, Writing(OWNER, tags={"team": "b"}))
    marks = {"managed_by": "scoped.secrets", "owner": OWNER}
    assert metadata(openbao, path)["custom_metadata"] == {**marks, "team": "b"}
    assert kv2.read(path).version == "1"
    assert refusal(kv2.relabel, path, THEIRS).code == "foreign_secret"
    assert refusal(kv2.relabel, f"{path}-none", NEW).code == "unknown_path"


def test_the_owner_of_a_secret_is_known(manager: HashicorpVault) -> None:
    path = new_path(manager)
    manager.write(path, b"one", NEW)
    manager.check_owner(path, OWNER)
    assert refusal(manager.check_owner, path, THEIRS.owner).code == "foreign_secret"
    assert refusal(manager.check_owner, f"{path}-none", OWNER).code == "unknown_path"


def test_a_connector_that_only_reads_knows_the_owner_of_a_secret(manager: HashicorpVault, openbao: OpenBao) -> None:
    """A value that was changed by hand is read as before, once its connector got `read_only: true`."""
    path = new_path(manager)
    manager.write(path, b"one", NEW)
    with vault(openbao, engine=manager.options["engine"], read_only=True) as reader:
        reader.check_owner(path, OWNER)


def test_a_secret_has_its_owner_after_somebody_changed_its_value(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    kv2.write(path, b"one", NEW)
    openbao.request("POST", f"secret/data/{path}", {"data": {"value": "x"}})
    assert value(kv2, path) == b"x"
    kv2.check_owner(path, OWNER)


def test_what_others_put_in_the_place_of_a_removed_secret_is_theirs(kv2: HashicorpVault, openbao: OpenBao) -> None:
    """`delete: soft` leaves the metadata, and in it the mark: a row that is planted later proves itself by that."""
    path = new_path(kv2)
    kv2.write(path, b"one", NEW)
    kv2.remove(path, OWNER)
    openbao.request("POST", f"secret/data/{path}", {"data": {"value": "of others"}})
    assert value(kv2, path) == b"of others"
    assert refusal(kv2.check_owner, path, OWNER).code == "foreign_secret"


def test_a_version_1_engine_has_no_tags_to_change(openbao: OpenBao) -> None:
    with vault(openbao, engine="kv1") as kv1:
        path = new_path(kv1)
        kv1.write(path, b"one", NEW)
        kv1.relabel(path, Writing(OWNER, tags={"team": "b"}))
        assert value(kv1, path) == b"one"
        assert refusal(kv1.relabel, path, THEIRS).code == "foreign_secret"


def test_adopting_drops_no_fields_unasked(manager: HashicorpVault, openbao: OpenBao) -> None:
    name = next(names)
    fields = {"value": "x", "user": "ann", "port": 1}
    is_v1 = manager.options["engine"] == "kv1"
    part, body = ("kv1", fields) if is_v1 else ("secret/data", {"data": fields})
    openbao.request("POST", f"{part}/ours/{name}", body)
    error = refusal(manager.write, f"ours/{name}", b"ours", ADOPT)
    assert (error.code, error.details) == ("fields_would_go", {"fields": ["port", "user"]})
    assert "ann" not in str(error)
    manager.write(f"ours/{name}", b"ours", ADOPT._replace(drop_fields=True))
    assert value(manager, f"ours/{name}") == b"ours"
    # What is ours already is not looked at again.
    manager.write(f"ours/{name}", b"ours 2", ADOPT)


def test_adopting_what_was_deleted_loses_nothing(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    openbao.request("POST", f"secret/data/{path}", {"data": {"user": "ann"}})
    openbao.request("DELETE", f"secret/data/{path}")
    assert kv2.write(path, b"ours", ADOPT) == "2"


def test_adopting_leaves_what_others_noted(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    settings = {"custom_metadata": {"note": "a person's"}, "max_versions": 3, "delete_version_after": "768h0m0s"}
    openbao.request("POST", f"secret/metadata/{path}", settings)
    kv2.write(path, b"ours", ADOPT)
    found = metadata(openbao, path)
    assert found["custom_metadata"] == {"note": "a person's", "managed_by": "scoped.secrets", "owner": OWNER}
    assert (found["max_versions"], found["delete_version_after"]) == (3, "768h0m0s")


def test_a_secret_whose_writing_was_cut_off_after_its_mark(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    marks = {"managed_by": "scoped.secrets", "owner": OWNER}
    openbao.request("POST", f"secret/metadata/{path}", {"custom_metadata": marks})
    assert refusal(kv2.read, path).code == "unknown_path"
    assert kv2.write(path, b"kept", NEW) == "1"
    openbao.request("POST", f"secret/metadata/{path}2", {"custom_metadata": marks})
    kv2.remove(f"{path}2", OWNER)


def test_a_deleted_secret_is_gone_and_can_be_brought_back_or_written_anew(
    kv2: HashicorpVault, openbao: OpenBao
) -> None:
    path = new_path(kv2)
    kv2.write(path, b"one", NEW)
    kv2.remove(path, OWNER)
    kv2.remove(path, OWNER)
    for version in ("", "1"):
        error = refusal(kv2.read, path, version)
        assert (error.code, error.category) == ("unknown_path", "not_found")
        assert f"vault kv undelete -mount=secret -versions=1 {path}" in error.hint
    openbao.request("POST", f"secret/undelete/{path}", {"versions": [1]})
    assert value(kv2, path) == b"one"
    kv2.remove(path, OWNER)
    assert kv2.write(path, b"two", NEW) == "2"
    assert value(kv2, path) == b"two"


def test_destroyed_elsewhere(kv2: HashicorpVault, openbao: OpenBao) -> None:
    path = new_path(kv2)
    kv2.write(path, b"one", NEW)
    openbao.request("POST", f"secret/destroy/{path}", {"versions": [1]})
    error = refusal(kv2.read, path)
    assert (error.code, "is lost" in error.hint) == ("unknown_path", True)
    assert kv2.write(path, b"two", NEW) == "2"


def test_destroying(openbao: OpenBao) -> None:
    with vault(openbao, delete="destroy") as manager:
        path = new_path(manager)
        manager.write(path, b"one", NEW)
        manager.write(path, b"two", NEW)
        manager.remove(path, OWNER)
        with pytest.raises(OpenBaoError):
            metadata(openbao, path)
        manager.remove(path, OWNER)
        assert manager.write(path, b"three", NEW) == "1"


def test_removing_what_is_gone(manager: HashicorpVault) -> None:
    manager.remove("ours/never-was", OWNER)
    path = new_path(manager)
    manager.write(path, b"kept", NEW)
    manager.remove(path, OWNER)
    manager.remove(path, OWNER)
    assert refusal(manager.read, path).code == "unknown_path"


def test_many_writers_at_once_lose_no_write(openbao: OpenBao) -> None:
    """Each successful write is a version, and none overwrites another unseen."""
    path = f"ours/{next(names)}"
    outcomes: list[str] = []

    def write() -> None:
        with vault(openbao) as manager:
            for _number in range(10):
                try:
                    outcomes.append(manager.write(path, b"x", NEW))
                except ScopedSecretsError as error:
                    outcomes.append(error.code)

    threads = [threading.Thread(target=write) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = [int(outcome) for outcome in outcomes if outcome.isdigit()]
    assert len(outcomes) == 60
    assert {outcome for outcome in outcomes if not outcome.isdigit()} <= {"provider_conflict"}
    assert sorted(versions) == list(range(1, metadata(openbao, path)["current_version"] + 1))


def test_a_race_that_is_lost_is_run_again(
    kv2: HashicorpVault, openbao: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = new_path(kv2)
    kv2.write(path, b"one", NEW)
    rivals = iter(range(2))
    original = engines.KvVersion2._write_over

    def write_over(self: engines.KvVersion2, path: str, fields: Any, version: int) -> Any:
        for _rival in zip(range(1), rivals, strict=False):
            openbao.request("POST", f"secret/data/{path}", {"data": {"value": "rival"}})
        return original(self, path, fields, version)

    monkeypatch.setattr(engines.KvVersion2, "_write_over", write_over)
    assert kv2.write(path, b"two", NEW) == "4"
    assert value(kv2, path) == b"two"


def test_a_race_that_is_always_lost(kv2: HashicorpVault, openbao: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    path = new_path(kv2)
    original = engines.KvVersion2._write_over

    def write_over(self: engines.KvVersion2, path: str, fields: Any, version: int) -> Any:
        openbao.request("POST", f"secret/data/{path}", {"data": {"value": "rival"}})
        return original(self, path, fields, version)

    monkeypatch.setattr(engines.KvVersion2, "_write_over", write_over)
    error = refusal(kv2.write, path, b"two", NEW)
    assert (error.code, error.category, error.retryable) == ("provider_conflict", "conflict", True)
    assert metadata(openbao, path)["current_version"] == engines.TRIES


def test_an_engine_that_asks_for_check_and_set(openbao: OpenBao) -> None:
    mount_version_2(openbao, "strict")
    openbao.request("POST", "strict/config", {"cas_required": True})
    with vault(openbao, engine="strict") as manager:
        path = new_path(manager)
        assert [manager.write(path, text, NEW) for text in (b"one", b"two")] == ["1", "2"]


def test_an_engine_below_a_folder(openbao: OpenBao) -> None:
    mount_version_2(openbao, "team%20a/kv")
    with vault(openbao, engine="/team a/kv/") as manager:
        check(manager)
        path = new_path(manager)
        manager.write(path, b"kept", NEW)
        assert value(manager, path) == b"kept"


def test_namespaces(openbao: OpenBao) -> None:
    openbao.create_namespace("payments")
    mount_version_2(openbao, "secret", namespace="payments")
    policy = openbao.write_policy("ours", POLICY, namespace="payments")
    token = openbao.create_token(policy, namespace="payments")
    role = openbao.add_approle("ansible", policy, namespace="payments")
    for login in ({"token": token}, {"role_id": role.role_id, "secret_id": role.secret_id}):
        with vault(openbao, namespace="/payments/", **login) as manager:
            check(manager)
            path = new_path(manager)
            manager.write(path, b"kept", NEW)
            assert value(manager, path) == b"kept"
    with vault(openbao) as outside:
        assert refusal(outside.read, path).code == "unknown_path"
    for login in ({"token": "root"}, {"role_id": role.role_id, "secret_id": role.secret_id}):
        assert refusal(connector(openbao.url, namespace="payments/none", **login).login).code == "login_refused"


def test_read_only(openbao: OpenBao) -> None:
    policy = openbao.write_policy("reading", {"secret/data/others/app": ["read"]})
    openbao.request("POST", "secret/data/others/app", {"data": {"user": "x"}})
    with vault(openbao, read_only=True, token=openbao.create_token(policy)) as manager:
        check(manager)
        assert json.loads(manager.read("others/app").content) == {"user": "x"}
        for error in (refusal(manager.write, "ours/x", b"x", NEW), refusal(manager.remove, "ours/x", OWNER)):
            assert (error.code, error.category) == ("read_only_manager", "invalid_input")


@pytest.mark.parametrize(
    ("left_out", "part", "words"),
    [
        ("create", "data", "may not create 'secret/data/ours/*'"),
        ("update", "data", "may not update 'secret/data/ours/*'"),
        ("read", "metadata", "may not read 'secret/metadata/ours/*'"),
        ("create", "metadata", "may not create 'secret/metadata/ours/*'"),
    ],
)
def test_a_check_finds_each_right_that_is_missing(openbao: OpenBao, left_out: str, part: str, words: str) -> None:
    rules = {
        path: [one for one in rights if (one, part) != (left_out, path.split("/")[1])]
        for path, rights in POLICY.items()
    }
    policy = openbao.write_policy(next(names), rules)
    counts: Counter[str] = Counter()
    with vault(openbao, counts, token=openbao.create_token(policy)) as manager:
        error = refusal(check, manager)
    assert error.code == "provider_denied"
    assert words in error.message
    assert f'path "secret/{part}/ours/*" {{ capabilities = ["{left_out}"] }}' in error.hint
    assert counts == {"requests": 2}


def test_a_check_needs_no_more_than_the_policy_and_leaves_nothing(openbao: OpenBao) -> None:
    policy = openbao.write_policy("least", {path: rights[:3] for path, rights in POLICY.items()})
    before = openbao.request("LIST", "secret/metadata/ours")["data"]
    with vault(openbao, token=openbao.create_token(policy)) as manager:
        check(manager)
        assert manager.settled() == {"detected_engine_version": 2}
    assert openbao.request("LIST", "secret/metadata/ours")["data"] == before


def test_a_check_by_a_token_that_may_not_ask_for_its_rights(openbao: OpenBao) -> None:
    policy = openbao.write_policy("ours", POLICY)
    with vault(openbao, token=openbao.create_token(policy, no_default_policy=True)) as manager:
        check(manager)
    elsewhere = openbao.write_policy("elsewhere", {"secret/data/elsewhere/*": ["read"]})
    with vault(openbao, token=openbao.create_token(elsewhere, no_default_policy=True)) as manager:
        assert refusal(check, manager).code == "provider_denied"


READ = "sys/capabilities-self has read on 'secret/data/ours/scoped-secrets-check'"
WRITE = "; ".join(f"create, read, update on 'secret/{part}/ours/scoped-secrets-check'" for part in ("data", "metadata"))


@pytest.mark.parametrize(
    ("rights", "options", "right", "expected"),
    [
        (POLICY, {}, "", (READ, f"sys/capabilities-self has {WRITE}")),
        (POLICY, {}, "write", (READ, f"sys/capabilities-self has {WRITE}")),
        (POLICY, {}, "read", (READ, "not proved: only reading was to be proved")),
        (POLICY, {"read_only": True}, "", (READ, "not proved: the connector only reads")),
        ({"secret/data/ours/*": ["read"]}, {}, "read", (READ, "not proved: only reading was to be proved")),
        ({"secret/data/ours/*": ["read"]}, {}, "", (READ, "")),
        ({"secret/data/ours/*": ["create", "update"]}, {}, "", ("", "")),
    ],
)
def test_a_check_says_which_rights_it_found(
    openbao: OpenBao, rights: dict[str, list[str]], options: dict[str, Any], right: str, expected: tuple[str, str]
) -> None:
    token = openbao.create_token(openbao.write_policy(next(names), rights))
    proof = AccessProof()
    with vault(openbao, token=token, **options) as manager:
        if all(expected):
            manager.check(Aim(right), proof)
        else:
            assert refusal(manager.check, Aim(right), proof).code == "provider_denied"
    assert (proof.read, proof.write) == expected


def test_a_token_that_may_not_ask_proves_reading_only(openbao: OpenBao) -> None:
    token = openbao.create_token(openbao.write_policy("ours", POLICY), no_default_policy=True)
    with vault(openbao, token=token) as manager:
        proof = check(manager)
    assert proof.read == "read 'ours/scoped-secrets-check', which does not exist"
    assert proof.write == "not proved: it may not ask sys/capabilities-self"


@pytest.mark.parametrize(("mount", "version"), [("kv1", 1), ("secret", 2)])
def test_the_version_of_the_engine_is_found_out(openbao: OpenBao, mount: str, version: int) -> None:
    with vault(openbao, engine=mount) as manager:
        check(manager)
        assert manager.settled() == {"detected_engine_version": version}


@pytest.mark.parametrize(("mount", "named"), [("kv1", "2"), ("secret", "1")])
def test_another_version_than_the_one_named(openbao: OpenBao, mount: str, named: str) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("check", (Aim(), AccessProof())),
        ("read", ("ours/none",)),
        ("write", ("ours/wrong-version", b"x", NEW)),
        ("remove", ("ours/none", OWNER)),
    ]
    for call, arguments in calls:
        with vault(openbao, engine=mount, engine_version=named) as manager:
            error = refusal(getattr(manager, call), *arguments)
            assert (error.code, error.category) == ("kv_version_mismatch", "conflict"), call
    with pytest.raises(OpenBaoError):
        openbao.request("GET", "kv1/metadata/ours/wrong-version")


@pytest.mark.parametrize(("mount", "stale"), [("kv1", 2), ("secret", 1)])
def test_a_version_that_was_found_out_before_and_is_another_now(openbao: OpenBao, mount: str, stale: int) -> None:
    path = f"ours/{next(names)}"
    with vault(openbao, engine=mount) as manager:
        manager.write(path, b"kept", NEW)
    with vault(openbao, engine=mount, detected_engine_version=stale) as manager:
        assert value(manager, path) == b"kept"


def test_no_engine_there(openbao: OpenBao) -> None:
    policy = openbao.write_policy("anything", {"nowhere/*": ["create", "read", "update"], "secret/*": ["read"]})
    for token in ("root", openbao.create_token(policy)):
        for call, arguments in (
            ("check", (Aim(), AccessProof())),
            ("read", ("ours/x",)),
            ("write", ("ours/x", b"x", NEW)),
        ):
            with vault(openbao, engine="nowhere", token=token) as manager:
                assert refusal(getattr(manager, call), *arguments).code in ("unknown_mount", "provider_denied")
    with vault(openbao, engine="nowhere", engine_version="2") as manager:
        error = refusal(manager.read, "ours/x")
        assert (error.code, error.category) == ("unknown_mount", "not_found")


@pytest.mark.parametrize(
    ("engine", "mount", "base_path"),
    [
        ("secret/data", "secret", ""),
        ("secret/metadata", "secret", ""),
        ("secret/apps/prod", "secret", "apps/prod"),
        ("/secret/data/apps/", "secret", "apps"),
        ("kv1/apps", "kv1", "apps"),
        ("team/kv/data", "team/kv", ""),
    ],
)
@pytest.mark.parametrize("more", [{}, {"engine_version": "2"}, {"detected_engine_version": 2}])
def test_an_engine_that_is_not_a_mount(
    openbao: OpenBao, engine: str, mount: str, base_path: str, more: dict[str, Any]
) -> None:
    for call, arguments in (("check", (Aim(), AccessProof())), ("read", ("ours/x",)), ("write", ("ours/x", b"x", NEW))):
        if call == "write" and "detected_engine_version" in more:
            continue
        with vault(openbao, engine=engine, **more) as manager:
            error = refusal(getattr(manager, call), *arguments)
            assert (error.code, error.category) == ("not_a_mount", "conflict"), call
            assert (f"'{mount}'" in error.message, f"'engine: {mount}'" in error.hint) == (True, True)
            assert (f"'base_path: {base_path}'" in error.hint) is bool(base_path)


@pytest.mark.parametrize(
    ("path", "within"),
    [("secret/data/apps/db", "apps/db"), ("secret/apps/db", "apps/db"), ("data/apps/db", "apps/db"), ("apps/db", "")],
)
@pytest.mark.parametrize("is_denied", [False, True])
def test_a_path_with_its_mount_or_data_before_it(openbao: OpenBao, path: str, within: str, is_denied: bool) -> None:
    policy = openbao.write_policy("apps", {"secret/data/apps/*": ["read"]})
    token = openbao.create_token(policy) if is_denied else "root"
    with vault(openbao, token=token) as manager:
        error = refusal(manager.read, path)
        assert error.code == ("provider_denied" if is_denied and within else "unknown_path")
        assert (f"write '{within}'" in error.hint) is bool(within)


def test_an_engine_of_another_kind(openbao: OpenBao) -> None:
    with vault(openbao, engine="cubbyhole") as manager:
        error = refusal(check, manager)
        assert (error.code, error.category) == ("not_a_kv_engine", "conflict")


def test_a_path_that_is_denied(openbao: OpenBao) -> None:
    policy = openbao.write_policy("ours", POLICY)
    with vault(openbao, token=openbao.create_token(policy)) as manager:
        error = refusal(manager.read, "others/x")
        assert (error.code, error.category) == ("provider_denied", "forbidden")
        assert "may not read 'secret/data/others/x'" in error.message
        assert 'path "secret/data/others/x" { capabilities = ["read"] }' in error.hint
        assert "'secret/metadata/others/x'" in refusal(manager.write, "others/x", b"x", NEW).message


def test_a_path_that_may_only_be_read(openbao: OpenBao) -> None:
    rules = {"secret/data/ours/*": ["read"], "secret/metadata/ours/*": ["create", "read", "update"]}
    policy = openbao.write_policy("half", rules)
    with vault(openbao, token=openbao.create_token(policy)) as manager:
        error = refusal(manager.write, new_path(manager), b"canary", NEW)
        assert error.code == "provider_denied"
        assert "canary" not in str(error)


def with_kv2(raft: RaftServer) -> OpenBao:
    """Return the unsealed server, with an engine at secret/."""
    raft.initialise()
    server = raft.unseal()
    mount_version_2(server)
    return server


@pytest.mark.parametrize("character", ["a", "<", "\n", "é", '"'])
def test_the_largest_value_fits_the_storage(tmp_path: Path, character: str) -> None:
    """The largest value of a server with production storage fits. One more byte is refused before it is sent."""
    growth = {"a": 1, "<": 6, "\n": 2, "é": 2, '"': 2}[character]
    room = engines.MAX_VALUE - len('{"value": ""}')
    largest = character * (room // growth)
    with serve_raft(tmp_path) as raft:
        server = with_kv2(raft)
        counts: Counter[str] = Counter()
        with vault(server, counts, token=server.token) as manager:
            manager.write("ours/large", largest.encode(), NEW)
            assert value(manager, "ours/large") == largest.encode()
            counts.clear()
            error = refusal(manager.write, "ours/large", (largest + character).encode(), NEW)
            assert error.code == "value_too_large_for_manager"
            assert counts == {}


def test_a_sealed_server(tmp_path: Path) -> None:
    with serve_raft(tmp_path) as raft:
        server = with_kv2(raft)
        counts: Counter[str] = Counter()
        with vault(server, counts, token=server.token, retries=1) as manager:
            manager.write("ours/kept", b"kept", NEW)
            raft.seal()
            counts.clear()
            error = refusal(manager.read, "ours/kept")
            assert (error.code, error.category, error.retryable) == ("vault_sealed", "unavailable", True)
            assert counts == {"requests": 2}
            assert refusal(manager.write, "ours/kept", b"two", NEW).code == "vault_sealed"
            assert refusal(connector(server.url, retries=0).login).code == "vault_sealed"
            raft.unseal()
            assert value(manager, "ours/kept") == b"kept"
