# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Secrets Manager keeps values and leaves other secrets alone."""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.secrets_manager import OWNER_TAG
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Found, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from aws_connectors import OWNER, WHAT, refusal, secrets_manager
from checking import check
from servers.aws import Aws
from servers.faults import Fault, FaultProxy

OTHERS = "somebody-else"


@pytest.fixture
def path() -> str:
    """A name that no other test uses."""
    return f"tests/{uuid.uuid4().hex}"


def described(server: Aws, path: str) -> dict[str, Any]:
    """Return the server's description of a secret, with its tags as a dictionary."""
    reply: dict[str, Any] = server.client("secretsmanager").describe_secret(SecretId=path)
    return {**reply, "Tags": {tag["Key"]: tag["Value"] for tag in reply.get("Tags", [])}}


def foreign(server: Aws, path: str) -> None:
    """Create a secret like others do."""
    server.client("secretsmanager").create_secret(
        Name=path, SecretString="theirs", Tags=[{"Key": "team", "Value": "x"}]
    )


@pytest.mark.parametrize("value", [b"a value", "ünï\r\n\0".encode(), b"\xff\xfe\x00", b"x" * 65_536, b"\xff" * 65_536])
def test_what_is_written_can_be_read(moto: Aws, path: str, value: bytes) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts)
    version = keeper.write(path, value, Writing(OWNER))
    assert keeper.read(path) == Found(value, version)
    assert keeper.value_in(keeper.read(path).content) == value
    assert counts == {"logins": 1, "requests": 3}


@pytest.mark.parametrize("options", [{}, {"use_put_secret_value": True}])
def test_an_update_is_a_version_that_takes_three_requests(moto: Aws, path: str, options: dict[str, Any]) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts, **options)
    first = keeper.write(path, b"one", Writing(OWNER))
    counts.clear()
    second = keeper.write(path, b"\xff two", Writing(OWNER))
    assert counts == {"requests": 3}
    assert keeper.read(path) == Found(b"\xff two", second)
    assert keeper.read(path, first) == keeper.read(path, "AWSPREVIOUS") == Found(b"one", first)
    assert keeper.read(path, "AWSCURRENT").version == second


def test_use_put_secret_value_needs_no_update_secret(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url, use_put_secret_value=True)
    for value in (b"one", b"two"):
        keeper.write(path, value, Writing(OWNER, description="changes are left out"))
    assert (proxy.count(target="PutSecretValue"), proxy.count(target="UpdateSecret")) == (1, 0)


@pytest.mark.parametrize("version", ["AWSPENDING", "no-such-stage", str(uuid.UUID(int=1))])
def test_a_version_that_does_not_exist(moto: Aws, path: str, version: str) -> None:
    keeper = secrets_manager(moto)
    keeper.write(path, b"one", Writing(OWNER))
    error = refusal(keeper.read, path, version)
    assert (error.code, version in error.message) == ("unknown_path", True)


def test_tags_and_description_change_without_a_new_value(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto)
    first = keeper.write(path, b"one", Writing(OWNER, tags={"team": "a"}))
    keeper.relabel(path, Writing(OWNER, tags={"team": "b"}, description="for all"))
    there = described(moto, path)
    assert (there["Tags"], there["Description"]) == ({"team": "b", OWNER_TAG: OWNER}, "for all")
    assert keeper.read(path) == (b"one", first)
    secrets_manager(moto, use_put_secret_value=True).relabel(path, Writing(OWNER, tags={"team": "c"}, description="x"))
    there = described(moto, path)
    assert (there["Tags"]["team"], there["Description"]) == ("c", "for all")
    assert refusal(keeper.relabel, path, Writing(OTHERS)).code == "foreign_secret"
    keeper.check_owner(path, OWNER)
    assert refusal(keeper.check_owner, path, OTHERS).code == "foreign_secret"
    assert refusal(keeper.check_owner, f"{path}-none", OWNER).code == "unknown_path"
    keeper.remove(path, OWNER)
    assert refusal(keeper.relabel, path, Writing(OWNER)).code == "secret_scheduled_for_deletion"
    assert refusal(keeper.relabel, f"{path}-none", Writing(OWNER)).code == "unknown_path"


def test_what_it_makes_bears_owner_tags_and_description(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto)
    keeper.write(path, b"one", Writing(OWNER, tags={"team": "a"}, description="for the api"))
    there = described(moto, path)
    assert there["Tags"] == {"team": "a", OWNER_TAG: OWNER}
    assert there["Description"] == "for the api"
    keeper.write(path, b"two", Writing(OWNER, tags={"team": "b", "stage": "1"}, description="for all"))
    there = described(moto, path)
    assert there["Tags"] == {"team": "b", "stage": "1", OWNER_TAG: OWNER}
    assert there["Description"] == "for all"


def test_the_kms_key_is_the_connectors(moto: Aws, path: str) -> None:
    secrets_manager(moto, kms_key_id="alias/one").write(path, b"one", Writing(OWNER))
    assert described(moto, path)["KmsKeyId"] == "alias/one"
    secrets_manager(moto, kms_key_id="alias/two").write(path, b"two", Writing(OWNER))
    assert described(moto, path)["KmsKeyId"] == "alias/two"


def test_a_secret_of_others_is_left_alone(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto)
    foreign(moto, path)
    assert refusal(keeper.write, path, b"ours", Writing(OWNER)).code == "foreign_secret"
    assert refusal(keeper.remove, path, OWNER).code == "foreign_secret"
    assert keeper.read(path).content == b"theirs"
    assert described(moto, path)["Tags"] == {"team": "x"}


def test_a_secret_of_another_owner_is_one_of_others(moto: Aws, path: str) -> None:
    secrets_manager(moto).write(path, b"theirs", Writing(OTHERS))
    keeper = secrets_manager(moto)
    assert refusal(keeper.write, path, b"ours", Writing(OWNER)).code == "foreign_secret"
    assert refusal(keeper.remove, path, OWNER).code == "foreign_secret"


def test_adopting_takes_it_over(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto)
    foreign(moto, path)
    keeper.write(path, b"ours", Writing(OWNER, adopt=True))
    assert keeper.read(path).content == b"ours"
    assert described(moto, path)["Tags"] == {"team": "x", OWNER_TAG: OWNER}
    keeper.write(path, b"again", Writing(OWNER))
    keeper.remove(path, OWNER)
    assert described(moto, path)["DeletedDate"]


@pytest.mark.parametrize(("options", "days"), [({}, 30), ({"recovery_window_days": 7}, 7)])
def test_deleting_leaves_time_to_recover(moto: Aws, path: str, options: dict[str, Any], days: int) -> None:
    keeper = secrets_manager(moto, **options)
    keeper.write(path, b"one", Writing(OWNER))
    keeper.remove(path, OWNER)
    left = described(moto, path)["DeletedDate"] - datetime.datetime.now(datetime.timezone.utc)
    assert round(left / datetime.timedelta(days=1)) == days
    assert refusal(keeper.read, path).code == "secret_scheduled_for_deletion"


def test_what_was_deleted_is_restored_by_writing(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto)
    first = keeper.write(path, b"one", Writing(OWNER))
    keeper.remove(path, OWNER)
    keeper.write(path, b"two", Writing(OWNER))
    assert keeper.read(path).content == b"two"
    assert keeper.read(path, first).content == b"one"
    assert "DeletedDate" not in described(moto, path)


def test_what_others_deleted_is_not_restored(moto: Aws, path: str) -> None:
    foreign(moto, path)
    moto.client("secretsmanager").delete_secret(SecretId=path)
    keeper = secrets_manager(moto)
    assert refusal(keeper.write, path, b"ours", Writing(OWNER)).code == "secret_scheduled_for_deletion"
    keeper.remove(path, OWNER)
    assert described(moto, path)["DeletedDate"]
    keeper.write(path, b"ours", Writing(OWNER, adopt=True))
    assert keeper.read(path).content == b"ours"


def test_deleting_at_once(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto, force_delete=True)
    keeper.write(path, b"one", Writing(OWNER))
    keeper.remove(path, OWNER)
    assert refusal(keeper.read, path).code == "unknown_path"


def test_deleting_at_once_what_is_scheduled_already(moto: Aws, path: str) -> None:
    careful = secrets_manager(moto)
    careful.write(path, b"one", Writing(OWNER))
    careful.remove(path, OWNER)
    secrets_manager(moto, force_delete=True).remove(path, OWNER)
    assert refusal(careful.read, path).code == "unknown_path"


def test_a_name_that_aws_has_not_let_go_of_yet(moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    text = "You can't create this secret because a secret with this name is already scheduled for deletion."
    proxy.add(Fault.answer(400, {"__type": "InvalidRequestException", "message": text}), target="CreateSecret")
    error = refusal(keeper.write, path, b"one", Writing(OWNER))
    assert (error.code, error.retryable) == ("provider_unavailable", True)


def test_deleting_what_is_gone_is_no_error(moto: Aws, path: str) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts)
    keeper.remove(path, OWNER)
    keeper.write(path, b"one", Writing(OWNER))
    keeper.remove(path, OWNER)
    counts.clear()
    keeper.remove(path, OWNER)
    assert counts == {"requests": 1}


def test_replicas_are_made_added_and_taken_away_before_the_secret(moto: Aws, path: str) -> None:
    def regions() -> set[str]:
        return {status["Region"] for status in described(moto, path).get("ReplicationStatus", [])}

    secrets_manager(moto, replicas=["eu-west-1"]).write(path, b"one", Writing(OWNER))
    assert regions() == {"eu-west-1"}
    keeper = secrets_manager(moto, replicas=["eu-west-1", "eu-north-1"])
    keeper.write(path, b"two", Writing(OWNER))
    assert regions() == {"eu-west-1", "eu-north-1"}
    keeper.remove(path, OWNER)
    assert described(moto, path)["DeletedDate"]
    assert regions() == set()


@pytest.mark.parametrize(
    ("value", "code"), [(b"x" * 65_537, "value_too_large_for_manager"), (b"", "empty_value_not_allowed")]
)
def test_a_value_that_aws_does_not_take_is_not_sent(moto: Aws, path: str, value: bytes, code: str) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts)
    assert refusal(keeper.write, path, value, Writing(OWNER)).code == code
    assert counts == {"logins": 1}


def test_a_lost_answer_leaves_one_secret_with_the_value(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    proxy.add(Fault.reset(is_applied=True), target="CreateSecret")
    keeper.write(path, b"one", Writing(OWNER))
    assert keeper.read(path).content == b"one"
    proxy.add(Fault.reset(is_applied=True), target="UpdateSecret")
    keeper.write(path, b"two", Writing(OWNER))
    assert keeper.read(path).content == b"two"
    assert len(moto.client("secretsmanager").list_secret_version_ids(SecretId=path)["Versions"]) == 2


def test_a_batch_reads_twenty_in_a_request(moto: Aws, path: str) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts)
    values = {f"{path}-{number}": f"value {number}".encode() for number in range(40)}
    for name, value in values.items():
        keeper.write(name, value, Writing(OWNER))
    counts.clear()
    names = list(values)
    found = {**keeper.read_many(names[:20]), **keeper.read_many(names[20:])}
    assert counts == {"requests": 2}
    assert {name: one.content for name, one in found.items() if isinstance(one, Found)} == values


def test_a_batch_has_an_error_for_each_that_can_not_be_read(moto: Aws, path: str) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts)
    names = [f"{path}-{kind}" for kind in ("text", "bytes", "deleted", "missing")]
    for name, value in zip(names, [b"text", b"\xff", b"deleted"], strict=False):
        keeper.write(name, value, Writing(OWNER))
    keeper.remove(names[2], OWNER)
    counts.clear()
    found = keeper.read_many([*names, names[0]])
    assert counts == {"requests": 1}
    assert list(found) == names
    assert [outcome(one) for one in found.values()] == [
        b"text",
        b"\xff",
        "secret_scheduled_for_deletion",
        "unknown_path",
    ]


def outcome(one: Found | ScopedSecretsError) -> bytes | str:
    return one.content if isinstance(one, Found) else one.code


def test_a_secret_may_be_named_by_its_arn(moto: Aws, path: str) -> None:
    keeper = secrets_manager(moto)
    keeper.write(path, b"one", Writing(OWNER))
    keeper.write(f"{path}-2", b"two", Writing(OWNER))
    arn = described(moto, path)["ARN"]
    assert keeper.read(arn).content == b"one"
    found = keeper.read_many([arn, f"{path}-2"])
    assert [outcome(one) for one in found.values()] == [b"one", b"two"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.answer(400, {"__type": "AccessDeniedException", "message": "no"}),
        Fault.answer(400, {"__type": "UnknownOperationException"}),
        Fault.answer(404, {"__type": "InvalidAction"}),
    ],
)
def test_without_batches_each_is_read_by_itself(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy], fault: Fault
) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    keeper.write(path, b"one", Writing(OWNER))
    proxy.add(fault, target="BatchGetSecretValue", times=None)
    for _twice in range(2):
        found = keeper.read_many([path, f"{path}-none"])
        assert [outcome(one) for one in found.values()] == [b"one", "unknown_path"]
    assert proxy.count(target="BatchGetSecretValue") == 1
    assert proxy.count(target="GetSecretValue") == 4


def test_a_batch_that_lacks_some_is_an_error_for_those(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    there = {"Name": path, "ARN": "arn:x", "VersionId": "v", "SecretString": "one"}
    empty = {"Name": f"{path}-2", "ARN": "arn:y", "VersionId": "v"}
    proxy.add(Fault.answer(200, {"SecretValues": [there, empty]}), target="BatchGetSecretValue")
    found = keeper.read_many([path, f"{path}-2", f"{path}-3"])
    assert [outcome(one) for one in found.values()] == [b"one", "incomplete_reply", "incomplete_reply"]


def test_a_batch_of_several_pages(moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    for number in range(2):
        entry = {"Name": f"{path}-{number}", "ARN": "arn:x", "VersionId": "v", "SecretString": str(number)}
        page = {"SecretValues": [entry], **({"NextToken": "more"} if number == 0 else {})}
        proxy.add(Fault.answer(200, page), target="BatchGetSecretValue")
    found = keeper.read_many([f"{path}-0", f"{path}-1"])
    assert [outcome(one) for one in found.values()] == [b"0", b"1"]


def test_a_batch_without_an_end_is_an_error(moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    proxy.add(Fault.answer(200, {"SecretValues": [], "NextToken": "more"}), target="BatchGetSecretValue", times=None)
    found = keeper.read_many([path, f"{path}-2"])
    assert [outcome(one) for one in found.values()] == ["malformed_reply"] * 2
    assert proxy.count(target="BatchGetSecretValue") == 40


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({}, "incomplete_reply"),
        ({"Name": "x", "VersionId": "v"}, "incomplete_reply"),
        (b'{"SecretString": "abc', "incomplete_reply"),
        (b"<html>log in here</html>", "incomplete_reply"),
        ({"SecretString": 7}, "incomplete_reply"),
        ({"SecretString": ["x"]}, "incomplete_reply"),
        (b'{"SecretString": "\\ud800"}', "malformed_reply"),
        ({"SecretBinary": 7}, "malformed_reply"),
        ([1], "malformed_reply"),
    ],
)
def test_a_reply_without_a_value_is_an_error(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy], reply: Any, code: str
) -> None:
    proxy = fault_proxy(moto.url)
    proxy.add(Fault.answer(200, reply), target="GetSecretValue")
    assert refusal(secrets_manager(moto, endpoint_url=proxy.url).read, path).code == code


@pytest.mark.parametrize("verb", ["write", "remove"])
def test_a_reply_without_the_tags_makes_nothing_foreign(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy], verb: str
) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url)
    keeper.write(path, b"one", Writing(OWNER))
    proxy.add(Fault.answer(200, b'{"Tags": [{"Ke'), target="DescribeSecret")
    verbs = {"write": lambda: keeper.write(path, b"two", Writing(OWNER)), "remove": lambda: keeper.remove(path, OWNER)}
    call = verbs[verb]
    assert refusal(call).code == "incomplete_reply"


def test_the_check_reads_no_value_and_leaves_nothing(moto: Aws, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(moto.url)
    keeper = secrets_manager(moto, endpoint_url=proxy.url, prefix="checked")
    check(keeper, "read")
    assert [seen.target for seen in proxy.seen] == ["GetSecretValue"]
    assert keeper.settled() == {"pinned_region": moto.region}


def test_the_region_of_the_environment_stays_the_connectors(
    moto: Aws, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    settled = secrets_manager(moto, region="").settled()
    assert settled == {"pinned_region": "eu-west-1"}
    secrets_manager(moto, region="", **settled).write(path, b"one", Writing(OWNER))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert secrets_manager(moto, region="", **settled).read(path).content == b"one"
    assert refusal(secrets_manager(moto, region="").read, path).code == "unknown_path"


def test_no_region_is_an_error(moto: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    error = refusal(lambda: secrets_manager(moto, region=""))
    assert (error.code, WHAT in error.message) == ("missing_region", True)
