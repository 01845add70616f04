# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Secret Manager keeps values: versions, owner marks, other secrets, disabled and destroyed versions."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Found, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.secret_manager import (
    OWNER_LABEL,
    owner_mark,
)
from checking import check
from google_connectors import OWNER, refusal, secret_manager
from servers.google_cloud import GoogleCloud, GrpcFault

OTHERS = "5f0c1f1e-store/another-connector"
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def path() -> str:
    return f"test-{uuid.uuid4().hex}"


def full(server: GoogleCloud, path: str) -> str:
    return f"projects/{server.project}/secrets/{path}"


def described(server: GoogleCloud, path: str) -> Any:
    return server.secrets_client.get_secret(name=full(server, path))


def versions(server: GoogleCloud, path: str) -> int:
    return len(list(server.secrets_client.list_secret_versions(parent=full(server, path))))


def foreign(server: GoogleCloud, path: str, value: bytes = b"theirs", **fields: Any) -> None:
    secret = {"replication": {"automatic": {}}, **fields}
    request = {"parent": f"projects/{server.project}", "secret_id": path, "secret": secret}
    server.secrets_client.create_secret(request=request)
    server.secrets_client.add_secret_version(parent=full(server, path), payload={"data": value})


@pytest.mark.parametrize("value", [b"text", "ümlaut\n".encode(), bytes(range(256)), b"\0", b"x" * 65_536])
def test_a_first_write_takes_two_requests_and_a_read_one(google_cloud: GoogleCloud, path: str, value: bytes) -> None:
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts)
    assert keeper.write(path, value, Writing(OWNER)) == "1"
    assert keeper.read(path) == Found(value, "1")
    assert keeper.value_in(keeper.read(path).content) == value
    assert counts == {"logins": 1, "requests": 5}


def test_an_update_is_a_version_that_takes_three_requests(google_cloud: GoogleCloud, path: str) -> None:
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts)
    keeper.write(path, b"one", Writing(OWNER))
    counts.clear()
    assert keeper.write(path, b"two", Writing(OWNER)) == "2"
    assert counts == {"requests": 3}
    assert keeper.read(path) == keeper.read(path, "latest") == keeper.read(path, "2") == Found(b"two", "2")
    assert keeper.read(path, "1") == Found(b"one", "1")


def test_a_version_may_be_named_by_an_alias(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    for value in (b"one", b"two"):
        keeper.write(path, value, Writing(OWNER))
    secret = {"name": full(google_cloud, path), "version_aliases": {"prod": 1}}
    changed = {"secret": secret, "update_mask": {"paths": ["version_aliases"]}}
    google_cloud.secrets_client.update_secret(request=changed)
    assert keeper.read(path, "prod") == Found(b"one", "1")


@pytest.mark.parametrize("version", ["7", "0", "nobody", "a/b", "../1", "1 ", "x" * 64])
def test_a_version_that_does_not_exist(google_cloud: GoogleCloud, path: str, version: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER))
    error = refusal(keeper.read, path, version)
    assert (error.code, version in error.message) == ("unknown_path", True)


def test_what_it_makes_bears_mark_labels_and_annotations(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER, tags={"team": "a", "Owner": "Some Body"}, description="for the api"))
    there = described(google_cloud, path)
    assert dict(there.labels) == {"team": "a", OWNER_LABEL: owner_mark(OWNER)}
    assert dict(there.annotations) == {"Owner": "Some Body", "description": "for the api"}
    keeper.write(path, b"two", Writing(OWNER, tags={"team": "The B's", "stage": "1", "Owner": "x"}))
    there = described(google_cloud, path)
    assert dict(there.labels) == {"stage": "1", OWNER_LABEL: owner_mark(OWNER)}
    assert dict(there.annotations) == {"Owner": "x", "team": "The B's"}


def test_tags_and_description_change_without_a_new_value(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER, tags={"team": "a"}))
    keeper.relabel(path, Writing(OWNER, tags={"team": "b"}, description="for all"))
    there = described(google_cloud, path)
    assert dict(there.labels) == {"team": "b", OWNER_LABEL: owner_mark(OWNER)}
    assert dict(there.annotations) == {"description": "for all"}
    assert keeper.read(path) == (b"one", "1")
    assert refusal(keeper.relabel, path, Writing(OTHERS)).code == "foreign_secret"
    assert refusal(keeper.relabel, f"{path}-none", Writing(OWNER)).code == "unknown_path"
    keeper.check_owner(path, OWNER)
    assert refusal(keeper.check_owner, path, OTHERS).code == "foreign_secret"
    assert refusal(keeper.check_owner, f"{path}-none", OWNER).code == "unknown_path"


def test_what_others_add_to_it_stays(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER))
    there = described(google_cloud, path)
    secret = {"name": there.name, "labels": {**there.labels, "cost": "1"}, "annotations": {"by": "Finance"}}
    changed = {"secret": secret, "update_mask": {"paths": ["labels", "annotations"]}}
    google_cloud.secrets_client.update_secret(request=changed)
    keeper.write(path, b"two", Writing(OWNER, tags={"team": "a"}))
    there = described(google_cloud, path)
    assert dict(there.labels) == {"cost": "1", "team": "a", OWNER_LABEL: owner_mark(OWNER)}
    assert dict(there.annotations) == {"by": "Finance"}


def test_no_tag_takes_the_place_of_the_mark(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER, tags={OWNER_LABEL: "me"}))
    assert described(google_cloud, path).labels[OWNER_LABEL] == owner_mark(OWNER)
    keeper.remove(path, OWNER)


def test_a_tag_that_google_can_not_have_is_not_sent(google_cloud: GoogleCloud, path: str) -> None:
    error = refusal(secret_manager(google_cloud).write, path, b"one", Writing(OWNER, tags={"a b/c": "x"}))
    assert error.code == "name_not_allowed"
    assert google_cloud.calls.count("CreateSecret") == 0


def test_google_chooses_the_place_or_the_connector_does(google_cloud: GoogleCloud, path: str) -> None:
    secret_manager(google_cloud).write(path, b"one", Writing(OWNER))
    assert "automatic" in described(google_cloud, path).replication
    places = ["europe-west3", "europe-west4"]
    secret_manager(google_cloud, locations=places).write(f"{path}-2", b"one", Writing(OWNER))
    replicas = described(google_cloud, f"{path}-2").replication.user_managed.replicas
    assert [replica.location for replica in replicas] == places


def test_a_secret_of_others_is_left_alone(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    foreign(google_cloud, path, labels={"team": "x"})
    assert refusal(keeper.write, path, b"ours", Writing(OWNER)).code == "foreign_secret"
    assert refusal(keeper.remove, path, OWNER).code == "foreign_secret"
    assert keeper.read(path).content == b"theirs"
    assert dict(described(google_cloud, path).labels) == {"team": "x"}


def test_a_secret_of_another_connector_is_one_of_others(google_cloud: GoogleCloud, path: str) -> None:
    secret_manager(google_cloud).write(path, b"theirs", Writing(OTHERS))
    keeper = secret_manager(google_cloud)
    assert refusal(keeper.write, path, b"ours", Writing(OWNER)).code == "foreign_secret"
    assert refusal(keeper.remove, path, OWNER).code == "foreign_secret"


def test_adopting_takes_it_over(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    foreign(google_cloud, path, labels={"team": "x"})
    assert keeper.write(path, b"ours", Writing(OWNER, adopt=True)) == "2"
    assert keeper.read(path).content == b"ours"
    assert dict(described(google_cloud, path).labels) == {"team": "x", OWNER_LABEL: owner_mark(OWNER)}
    keeper.write(path, b"again", Writing(OWNER))
    keeper.remove(path, OWNER)
    assert refusal(keeper.read, path).code == "unknown_path"


def test_deleting_takes_all_versions_and_what_is_gone_is_no_error(google_cloud: GoogleCloud, path: str) -> None:
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts)
    for value in (b"one", b"two"):
        keeper.write(path, value, Writing(OWNER))
    keeper.remove(path, OWNER)
    counts.clear()
    keeper.remove(path, OWNER)
    assert counts == {"requests": 1}
    assert keeper.write(path, b"three", Writing(OWNER)) == "1"


def test_a_secret_that_others_change_meanwhile_is_looked_at_again(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER))
    stale = GrpcFault(grpc.StatusCode.FAILED_PRECONDITION, "The etag provided does not match the current one.")
    google_cloud.calls.add(stale, target="UpdateSecret")
    google_cloud.calls.add(stale, target="DeleteSecret")
    keeper.write(path, b"two", Writing(OWNER, tags={"a": "b"}))
    keeper.remove(path, OWNER)
    assert [google_cloud.calls.count(name) for name in ("UpdateSecret", "DeleteSecret")] == [2, 2]


@pytest.mark.parametrize("target", ["UpdateSecret", "DeleteSecret"])
def test_a_secret_that_others_change_again_and_again(google_cloud: GoogleCloud, path: str, target: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER))
    google_cloud.calls.add(GrpcFault(grpc.StatusCode.FAILED_PRECONDITION, "etag"), target=target, times=None)
    call = {
        "UpdateSecret": lambda: keeper.write(path, b"two", Writing(OWNER, tags={"a": "b"})),
        "DeleteSecret": lambda: keeper.remove(path, OWNER),
    }[target]
    assert refusal(call).code == "provider_conflict"
    assert google_cloud.calls.count(target) == 2


def test_the_etag_is_sent(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER))

    def changed(reply: Any) -> Any:
        return type(reply)(reply, etag='"old"')

    google_cloud.calls.add(GrpcFault(change=changed), target="GetSecret")
    keeper.remove(path, OWNER)
    assert google_cloud.calls.count("DeleteSecret") == 2


@pytest.mark.parametrize(
    ("verb", "code"), [("disable", "secret_version_disabled"), ("destroy", "secret_version_destroyed")]
)
def test_a_version_that_was_disabled_or_destroyed(google_cloud: GoogleCloud, path: str, verb: str, code: str) -> None:
    keeper = secret_manager(google_cloud)
    for value in (b"one", b"two"):
        keeper.write(path, value, Writing(OWNER))
    getattr(google_cloud.secrets_client, f"{verb}_secret_version")(name=f"{full(google_cloud, path)}/versions/2")
    error = refusal(keeper.read, path)
    assert (error.code, error.retryable, refusal(keeper.read, path, "2").code) == (code, False, code)
    assert keeper.read(path, "1").content == b"one"
    assert keeper.write(path, b"three", Writing(OWNER)) == "3"
    assert keeper.read(path).content == b"three"


@pytest.mark.parametrize(
    ("value", "code"), [(b"x" * 65_537, "value_too_large_for_manager"), (b"", "empty_value_not_allowed")]
)
def test_a_value_that_google_does_not_take_is_not_sent(
    google_cloud: GoogleCloud, path: str, value: bytes, code: str
) -> None:
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts)
    assert refusal(keeper.write, path, value, Writing(OWNER)).code == code
    assert counts == {"logins": 1, "requests": 1}


def test_a_prefix_begins_the_name(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud, prefix=path)
    assert keeper.path_of("a_b") == f"{path}-a_b"
    for name in ("a$b", "x" * 250):
        assert refusal(keeper.path_of, name).code == "name_not_allowed"


@pytest.mark.parametrize("name", ["a/b", "../secrets/a", "", "projects/x", "projects/p/secrets/a/versions/1", "a b"])
def test_a_path_that_can_be_none_is_not_asked_for(google_cloud: GoogleCloud, name: str) -> None:
    keeper = secret_manager(google_cloud)
    assert refusal(keeper.read, name).code == "name_not_allowed"
    assert google_cloud.calls.count("AccessSecretVersion") == 0


def test_a_secret_of_another_project_is_read_by_its_full_name(google_cloud: GoogleCloud, path: str) -> None:
    request = {"parent": "projects/other-project", "secret_id": path, "secret": {"replication": {"automatic": {}}}}
    google_cloud.secrets_client.create_secret(request=request)
    name = f"projects/other-project/secrets/{path}"
    google_cloud.secrets_client.add_secret_version(parent=name, payload={"data": b"there"})
    assert secret_manager(google_cloud).read(name).content == b"there"


def test_a_secret_without_a_version_has_no_value_and_is_filled(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    google_cloud.calls.add(GrpcFault(UNAVAILABLE), target="AddSecretVersion", times=None)
    google_cloud.calls.add(GrpcFault(UNAVAILABLE), target="AccessSecretVersion", times=None)
    assert refusal(keeper.write, path, b"one", Writing(OWNER)).code == "provider_unavailable"
    google_cloud.calls.clear()
    assert refusal(keeper.read, path).code == "unknown_path"
    assert keeper.write(path, b"one", Writing(OWNER)) == "1"


def test_nothing_is_left_of_a_secret_whose_value_is_refused(google_cloud: GoogleCloud, path: str) -> None:
    rights = [f"secretmanager.secrets.{name}" for name in ("create", "get", "delete")]
    keeper = secret_manager(google_cloud, credentials_json=google_cloud.tokens.service_account("no-adder", *rights))
    error = refusal(keeper.write, path, b"one", Writing(OWNER))
    assert (error.code, "secretmanager.versions.add" in error.hint) == ("provider_denied", True)
    assert google_cloud.calls.count("DeleteSecret") == 1
    foreign(google_cloud, path)


@pytest.mark.parametrize("is_applied", [True, False])
def test_a_lost_answer_leaves_one_version_with_the_value(
    google_cloud: GoogleCloud, path: str, is_applied: bool
) -> None:
    keeper = secret_manager(google_cloud)
    google_cloud.calls.add(GrpcFault(UNAVAILABLE, is_applied=is_applied), target="CreateSecret")
    google_cloud.calls.add(GrpcFault(UNAVAILABLE, is_applied=is_applied), target="AddSecretVersion")
    assert keeper.write(path, b"one", Writing(OWNER)) == "1"
    google_cloud.calls.add(GrpcFault(UNAVAILABLE, is_applied=is_applied), target="AddSecretVersion")
    assert keeper.write(path, b"two", Writing(OWNER)) == "2"
    assert versions(google_cloud, path) == 2
    assert google_cloud.calls.count("AddSecretVersion") == (2 if is_applied else 4)
    google_cloud.calls.add(GrpcFault(UNAVAILABLE, is_applied=is_applied), target="DeleteSecret")
    keeper.remove(path, OWNER)
    assert refusal(keeper.read, path).code == "unknown_path"


def test_who_may_not_read_does_not_write_twice(google_cloud: GoogleCloud, path: str) -> None:
    rights = ["secretmanager.secrets.create", "secretmanager.secrets.get", "secretmanager.versions.add"]
    keeper = secret_manager(google_cloud, credentials_json=google_cloud.tokens.service_account("adder", *rights))
    google_cloud.calls.add(GrpcFault(UNAVAILABLE, is_applied=True), target="AddSecretVersion", times=None)
    assert refusal(keeper.write, path, b"one", Writing(OWNER)).code == "provider_unavailable"
    assert versions(google_cloud, path) == 1


def _payload(**fields: Any) -> Callable[[Any], Any]:
    return lambda reply: type(reply)(name=reply.name, payload={**_fields(reply.payload), **fields})


def _fields(payload: Any) -> dict[str, Any]:
    return {"data": payload.data, "data_crc32c": payload.data_crc32c}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (GrpcFault(raw=b""), "incomplete_reply"),
        (GrpcFault(change=lambda reply: type(reply)(name=reply.name)), "incomplete_reply"),
        (GrpcFault(change=_payload(data=b"")), "incomplete_reply"),
        (GrpcFault(change=_payload(data=b"cut sh")), "malformed_reply"),
        (GrpcFault(change=_payload(data_crc32c=7)), "malformed_reply"),
        (GrpcFault(change=lambda reply: type(reply)(payload={"data": b"cut short"})), "malformed_reply"),
        (GrpcFault(raw=b"\xff\xff\xff"), "malformed_reply"),
        (GrpcFault(raw=b"\x0a\x85\x80\x80\x02" + bytes(5 * 1024 * 1024)), "malformed_reply"),
    ],
)
def test_a_reply_without_the_whole_value_is_an_error(
    google_cloud: GoogleCloud, path: str, fault: GrpcFault, code: str
) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"cut short", Writing(OWNER))
    google_cloud.calls.add(fault, target="AccessSecretVersion", times=None)
    assert refusal(keeper.read, path).code == code


def test_a_value_that_was_damaged_on_the_way_once_is_read_again(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"value", Writing(OWNER))
    google_cloud.calls.add(GrpcFault(change=_payload(data=b"valu")), target="AccessSecretVersion")
    assert keeper.read(path).content == b"value"


@pytest.mark.parametrize(
    "reply",
    [
        GrpcFault(raw=b""),
        GrpcFault(change=lambda reply: type(reply)(name=reply.name)),
    ],
)
def test_a_write_that_google_did_not_confirm_is_looked_at(
    google_cloud: GoogleCloud, path: str, reply: GrpcFault
) -> None:
    google_cloud.calls.add(reply, target="AddSecretVersion")
    assert secret_manager(google_cloud).write(path, b"one", Writing(OWNER)) == "1"
    assert google_cloud.calls.count("AccessSecretVersion") == 1


def test_google_finds_what_was_damaged_on_the_way_there(
    google_cloud: GoogleCloud, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.secret_manager.checksum"
    monkeypatch.setattr(module, lambda _data: 7)
    assert refusal(secret_manager(google_cloud).write, path, b"one", Writing(OWNER)).code == "malformed_reply"


@pytest.mark.parametrize("verb", ["write", "remove"])
def test_a_reply_without_the_labels_makes_nothing_foreign(google_cloud: GoogleCloud, path: str, verb: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.write(path, b"one", Writing(OWNER))
    google_cloud.calls.add(GrpcFault(raw=b""), target="GetSecret")
    verbs = {"write": lambda: keeper.write(path, b"two", Writing(OWNER)), "remove": lambda: keeper.remove(path, OWNER)}
    call = verbs[verb]
    assert refusal(call).code == "incomplete_reply"


def test_the_check_reads_no_value_and_leaves_nothing(google_cloud: GoogleCloud) -> None:
    keeper = secret_manager(google_cloud, prefix="checked")
    check(keeper, "read")
    assert [seen.target for seen in google_cloud.calls.seen] == ["token", "AccessSecretVersion"]
    assert keeper.settled() == {"pinned_project": google_cloud.project}


def test_the_project_of_the_login_stays_the_connectors(google_cloud: GoogleCloud, path: str) -> None:
    settled = secret_manager(google_cloud, gcp_project="").settled()
    assert settled == {"pinned_project": google_cloud.project}
    secret_manager(google_cloud, gcp_project="", **settled).write(path, b"one", Writing(OWNER))
    assert secret_manager(google_cloud).read(path).content == b"one"


# The page's roles: one to read, one to also write and delete.
READS = ["secretmanager.versions.access"]
ON_PROJECT = {"secretmanager.secrets.create"}
WRITES = [
    *READS,
    "secretmanager.versions.add",
    *(f"secretmanager.secrets.{name}" for name in ("create", "get", "update", "delete")),
]


def test_the_least_that_the_page_asks_for_is_enough(google_cloud: GoogleCloud, path: str) -> None:
    begin = f"projects/{google_cloud.project}/secrets/{path}"

    def login(name: str, rights: list[str]) -> str:
        on = {right: f"projects/{google_cloud.project}" if right in ON_PROJECT else begin for right in rights}
        return google_cloud.tokens.service_account(name, *(f"{right}@{place}" for right, place in on.items()))

    writer = secret_manager(google_cloud, prefix=path, credentials_json=login("writer", WRITES))
    reader = secret_manager(google_cloud, prefix=path, credentials_json=login("reader", READS))
    check(writer)
    writer.write(f"{path}-a", b"one", Writing(OWNER))
    writer.write(f"{path}-a", b"two", Writing(OWNER, tags={"a": "b"}))
    check(reader, "read")
    assert reader.read(f"{path}-a").content == b"two"
    assert refusal(reader.write, f"{path}-a", b"three", Writing(OWNER)).code == "provider_denied"
    writer.remove(f"{path}-a", OWNER)
    foreign(google_cloud, f"x-{path}")
    assert refusal(reader.read, f"x-{path}").code == "provider_denied"
    assert refusal(writer.write, f"x-{path}", b"one", Writing(OWNER)).code == "provider_denied"
