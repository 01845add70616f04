# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto behaves like AWS where clients rely on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from servers.aws import Aws

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32


@pytest.fixture(scope="module")
def secrets(moto: Aws) -> Any:
    return moto.client("secretsmanager")


@pytest.fixture(scope="module")
def kms(moto: Aws) -> Any:
    return moto.client("kms")


@pytest.fixture
def key(kms: Any) -> str:
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture
def name(secrets: Any, request: pytest.FixtureRequest) -> str:
    """The name of a secret with the value "one" in version TOKEN."""
    made = request.node.name.replace("[", "/").replace("]", "")
    secrets.create_secret(Name=made, SecretString="one", ClientRequestToken=TOKEN)
    return str(made)


def refused(call: Any, **arguments: Any) -> str:
    """Return the error code of a call that AWS refuses, which must have status 400."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    code: str = caught.value.response["Error"]["Code"]
    return code


def value(secrets: Any, name: str, **which: str) -> str:
    text: str = secrets.get_secret_value(SecretId=name, **which)["SecretString"]
    return text


def labels(secrets: Any, name: str) -> dict[str, list[str]]:
    stages = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    return {version: sorted(names) for version, names in stages.items()}


def test_missing_secrets(secrets: Any) -> None:
    for call in (secrets.get_secret_value, secrets.describe_secret, secrets.restore_secret, secrets.delete_secret):
        assert refused(call, SecretId="none") == "ResourceNotFoundException"
    assert refused(secrets.put_secret_value, SecretId="none", SecretString="x") == "ResourceNotFoundException"
    assert refused(secrets.list_secret_version_ids, SecretId="none") == "ResourceNotFoundException"
    assert secrets.delete_secret(SecretId="none", ForceDeleteWithoutRecovery=True)["Name"] == "none"


def test_a_secret_without_a_value(secrets: Any) -> None:
    secrets.create_secret(Name="empty")
    assert refused(secrets.get_secret_value, SecretId="empty") == "ResourceNotFoundException"


def test_missing_versions(secrets: Any, name: str) -> None:
    absent = {"SecretId": name, "VersionId": OTHER}
    assert refused(secrets.get_secret_value, **absent) == "ResourceNotFoundException"
    pending = {"SecretId": name, "VersionStage": "AWSPENDING"}
    assert refused(secrets.get_secret_value, **pending) == "ResourceNotFoundException"
    assert refused(secrets.get_secret_value, **pending, VersionId=TOKEN) == "InvalidRequestException"


def test_creating_twice(secrets: Any, name: str) -> None:
    assert refused(secrets.create_secret, Name=name, SecretString="one") == "ResourceExistsException"
    again = secrets.create_secret(Name=name, SecretString="one", ClientRequestToken=TOKEN)
    assert again["VersionId"] == TOKEN
    assert len(labels(secrets, name)) == 1
    changed = {"Name": name, "SecretString": "two", "ClientRequestToken": TOKEN}
    assert refused(secrets.create_secret, **changed) == "ResourceExistsException"


def test_putting_twice(secrets: Any, name: str) -> None:
    request = {"SecretId": name, "SecretString": "two", "ClientRequestToken": OTHER}
    assert secrets.put_secret_value(**request)["VersionId"] == OTHER
    assert secrets.put_secret_value(**request)["VersionId"] == OTHER
    assert labels(secrets, name) == {TOKEN: ["AWSPREVIOUS"], OTHER: ["AWSCURRENT"]}
    for call in (secrets.put_secret_value, secrets.update_secret):
        assert refused(call, **{**request, "SecretString": "three"}) == "ResourceExistsException"
    assert value(secrets, name) == "two"


def test_updating_only_the_description(secrets: Any, name: str) -> None:
    assert "VersionId" not in secrets.update_secret(SecretId=name, Description="d")
    assert value(secrets, name) == "one"
    assert secrets.describe_secret(SecretId=name)["Description"] == "d"


def test_a_pending_version_is_read_once_it_is_promoted(secrets: Any, name: str) -> None:
    put = {"SecretId": name, "SecretString": "two", "ClientRequestToken": OTHER, "VersionStages": ["AWSPENDING"]}
    secrets.put_secret_value(**put)
    assert value(secrets, name) == "one"
    assert value(secrets, name, VersionStage="AWSPENDING") == "two"
    move = {"SecretId": name, "VersionStage": "AWSCURRENT", "MoveToVersionId": OTHER}
    assert refused(secrets.update_secret_version_stage, **move) == "InvalidParameterException"
    secrets.update_secret_version_stage(**move, RemoveFromVersionId=TOKEN)
    assert value(secrets, name) == "two"
    assert value(secrets, name, VersionStage="AWSPREVIOUS") == "one"
    assert labels(secrets, name) == {TOKEN: ["AWSPREVIOUS"], OTHER: ["AWSCURRENT", "AWSPENDING"]}


def test_custom_labels(secrets: Any, name: str) -> None:
    add = {"SecretId": name, "VersionStage": "mine"}
    secrets.update_secret_version_stage(**add, MoveToVersionId=TOKEN)
    secrets.put_secret_value(SecretId=name, SecretString="two", ClientRequestToken=OTHER)
    assert labels(secrets, name) == {TOKEN: ["AWSPREVIOUS", "mine"], OTHER: ["AWSCURRENT"]}
    assert refused(secrets.update_secret_version_stage, **add, MoveToVersionId=OTHER) == "InvalidParameterException"
    secrets.update_secret_version_stage(**add, MoveToVersionId=OTHER, RemoveFromVersionId=TOKEN)
    assert value(secrets, name, VersionStage="mine") == "two"


def test_versions_without_labels_are_listed_when_asked_for(secrets: Any, name: str) -> None:
    for number in ("two", "three"):
        secrets.put_secret_value(SecretId=name, SecretString=number)
    assert len(secrets.list_secret_version_ids(SecretId=name)["Versions"]) == 2
    everything = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)
    assert len(everything["Versions"]) == 3
    assert everything["ARN"].startswith("arn:")


def test_scheduled_deletion(secrets: Any, name: str) -> None:
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    assert "DeletedDate" in secrets.describe_secret(SecretId=name)
    calls: list[tuple[Any, dict[str, Any]]] = [
        (secrets.get_secret_value, {}),
        (secrets.put_secret_value, {"SecretString": "two"}),
        (secrets.put_secret_value, {"SecretString": "one", "ClientRequestToken": TOKEN}),
        (secrets.update_secret, {"Description": "d"}),
        (secrets.update_secret_version_stage, {"VersionStage": "mine", "MoveToVersionId": TOKEN}),
        (secrets.tag_resource, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (secrets.untag_resource, {"TagKeys": ["k"]}),
        (secrets.delete_secret, {}),
    ]
    assert {refused(call, SecretId=name, **extra) for call, extra in calls} == {"InvalidRequestException"}
    assert refused(secrets.create_secret, Name=name, SecretString="one") == "InvalidRequestException"
    again = {"Name": name, "SecretString": "one", "ClientRequestToken": TOKEN}
    assert refused(secrets.create_secret, **again) == "InvalidRequestException"


def test_restoring(secrets: Any, name: str) -> None:
    secrets.delete_secret(SecretId=name)
    assert secrets.restore_secret(SecretId=name)["Name"] == name
    assert value(secrets, name) == "one"
    assert "DeletedDate" not in secrets.describe_secret(SecretId=name)


def test_a_name_is_free_after_a_forced_delete(secrets: Any, name: str) -> None:
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name=name, SecretString="two")
    assert value(secrets, name) == "two"


def test_only_one_creates(secrets: Any) -> None:
    def create(number: int) -> str:
        try:
            secrets.create_secret(Name="race", SecretString=str(number))
        except secrets.exceptions.ResourceExistsException:
            return "exists"
        return str(number)

    with ThreadPoolExecutor(8) as pool:
        winners = set(pool.map(create, range(40))) - {"exists"}
    assert winners == {value(secrets, "race")}


@pytest.mark.parametrize("days", [6, 31])
def test_recovery_window(secrets: Any, name: str, days: int) -> None:
    both = {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}
    for options in ({"RecoveryWindowInDays": days}, both):
        assert refused(secrets.delete_secret, SecretId=name, **options) == "InvalidParameterException"


@pytest.mark.parametrize("field", ["SecretString", "SecretBinary"])
def test_length(secrets: Any, name: str, field: str) -> None:
    secrets.put_secret_value(SecretId=name, **{field: b"x" * 65536 if field == "SecretBinary" else "x" * 65536})
    longer = b"x" * 65537 if field == "SecretBinary" else "x" * 65534 + "€"
    for call, target in (
        (secrets.put_secret_value, {"SecretId": name}),
        (secrets.update_secret, {"SecretId": name}),
        (secrets.create_secret, {"Name": f"{name}/longer"}),
    ):
        assert refused(call, **target, **{field: longer}) == "ValidationException"
    assert refused(secrets.describe_secret, SecretId=f"{name}/longer") == "ResourceNotFoundException"


def test_text_and_binary(secrets: Any, name: str) -> None:
    both = {"SecretString": "x", "SecretBinary": b"x"}
    assert refused(secrets.put_secret_value, SecretId=name, **both) == "InvalidParameterException"
    secrets.put_secret_value(SecretId=name, SecretBinary=b"\0\xff")
    answer = secrets.get_secret_value(SecretId=name)
    assert (answer["SecretBinary"], "SecretString" in answer) == (b"\0\xff", False)


@pytest.mark.parametrize("bad", ["with space", "a:b", "x" * 513])
def test_names(secrets: Any, bad: str) -> None:
    assert refused(secrets.create_secret, Name=bad, SecretString="x") == "ValidationException"


def test_reading_many(secrets: Any, name: str) -> None:
    secrets.create_secret(Name=f"{name}/gone", SecretString="x")
    secrets.delete_secret(SecretId=f"{name}/gone")
    secrets.create_secret(Name=f"{name}/empty")
    names = [name, f"{name}/gone", f"{name}/empty", f"{name}/none"]
    answer = secrets.batch_get_secret_value(SecretIdList=names)
    assert [found["SecretString"] for found in answer["SecretValues"]] == ["one"]
    codes = ["InvalidRequestException", "ResourceNotFoundException", "ResourceNotFoundException"]
    assert [failed["ErrorCode"] for failed in answer["Errors"]] == codes
    assert [failed["SecretId"] for failed in answer["Errors"]] == names[1:]
    assert refused(secrets.batch_get_secret_value, SecretIdList=["x"] * 21) == "ValidationException"
    assert refused(secrets.batch_get_secret_value) == "InvalidParameterException"


def test_reading_many_by_filter(secrets: Any) -> None:
    for number in range(21):
        secrets.create_secret(Name=f"filtered/{number}", SecretString="x")
    filters = [{"Key": "name", "Values": ["filtered/"]}]
    first = secrets.batch_get_secret_value(Filters=filters)
    second = secrets.batch_get_secret_value(Filters=filters, NextToken=first["NextToken"])
    assert [len(first["SecretValues"]), len(second["SecretValues"])] == [20, 1]
    assert "NextToken" not in second


def test_what_moto_already_does(secrets: Any, name: str) -> None:
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "k", "Value": "v"}])
    secrets.put_secret_value(SecretId=name, SecretString="two")
    described = secrets.describe_secret(SecretId=name)
    assert described["Tags"] == [{"Key": "k", "Value": "v"}]
    assert value(secrets, described["ARN"]) == "two"
    listed = secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"]
    assert [one["ARN"] for one in listed] == [described["ARN"]]


def test_kms_keeps_the_context_and_the_key(kms: Any, key: str) -> None:
    context = {"a": "bc"}
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    blob = made["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context, KeyId=key)
    assert (opened["Plaintext"], opened["KeyId"]) == (made["Plaintext"], key)
    for wrong in ({}, {"ab": "c"}, {"a": "bc", "d": "e"}):
        arguments = {"CiphertextBlob": blob, "EncryptionContext": wrong}
        assert refused(kms.decrypt, **arguments) == "InvalidCiphertextException"
    for broken in (blob[:-1] + bytes([blob[-1] ^ 1]), blob[:40], b"x" * 100):
        arguments = {"CiphertextBlob": broken, "EncryptionContext": context}
        assert refused(kms.decrypt, **arguments) == "InvalidCiphertextException"
    other = kms.create_key()["KeyMetadata"]["Arn"]
    arguments = {"CiphertextBlob": blob, "EncryptionContext": context, "KeyId": other}
    assert refused(kms.decrypt, **arguments) == "IncorrectKeyException"


def test_kms_key_states(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    uses: list[tuple[Any, dict[str, Any]]] = [
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
    ]
    kms.disable_key(KeyId=key)
    assert {refused(call, **arguments) for call, arguments in uses} == {"DisabledException"}
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    changes = [(call, {"KeyId": key}) for call in (kms.enable_key, kms.disable_key, kms.schedule_key_deletion)]
    assert {refused(call, **arguments) for call, arguments in uses + changes} == {"KMSInvalidStateException"}
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_kms_aliases(kms: Any, key: str) -> None:
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    blob = kms.encrypt(KeyId="alias/mine", Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, KeyId="alias/mine")["KeyId"] == key
    assert kms.describe_key(KeyId="alias/mine")["KeyMetadata"]["Arn"] == key
    assert refused(kms.describe_key, KeyId="alias/none") == "NotFoundException"
    assert refused(kms.encrypt, KeyId="alias/none", Plaintext=b"x") == "NotFoundException"


def test_kms_keys_for_something_else(kms: Any) -> None:
    signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    assert refused(kms.encrypt, KeyId=signing, Plaintext=b"x") == "InvalidKeyUsageException"
    assert refused(kms.generate_data_key, KeyId=signing, KeySpec="AES_256") == "InvalidKeyUsageException"


def test_kms_dry_runs(kms: Any, key: str) -> None:
    arguments = {"KeyId": key, "KeySpec": "AES_256", "DryRun": True}
    with pytest.raises(ClientError, match="DryRunOperationException") as caught:
        kms.generate_data_key(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    kms.disable_key(KeyId=key)
    assert refused(kms.generate_data_key, **arguments) == "DisabledException"


def test_kms_limits(kms: Any, key: str) -> None:
    kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097) == "ValidationException"
