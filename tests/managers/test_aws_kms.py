# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS KMS wraps data keys with one key only, and explains failures."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aws_connectors import kms, kms_key, refusal, settled_kms
from checking import check
from servers.aws import Aws, Ministack
from servers.faults import Fault, FaultProxy

DATA_KEY = bytes(range(32))
CONTEXT = {"store_id": "s-1", "secret_id": "x-1", "version": "1"}


@pytest.fixture(scope="module")
def key(moto: Aws) -> str:
    return kms_key(moto)


def test_what_is_wrapped_can_be_unwrapped(moto: Aws, key: str) -> None:
    counts = Counter[str]()
    keeper = kms(moto, key, counts)
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    assert DATA_KEY not in wrapped
    assert keeper.unwrap(wrapped, CONTEXT) == DATA_KEY
    assert counts == {"logins": 1, "requests": 2}


def test_the_check_proves_both_ways(moto: Aws, key: str) -> None:
    counts = Counter[str]()
    keeper = kms(moto, key, counts)
    check(keeper)
    assert keeper.settled() == {"pinned_key_arn": key}
    assert counts == {"logins": 1, "requests": 3}


@pytest.mark.parametrize("context", [{}, {"store_id": "s-1"}, {**CONTEXT, "version": "2"}, {**CONTEXT, "more": "1"}])
def test_another_context_is_refused(moto: Aws, key: str, context: dict[str, str]) -> None:
    keeper = kms(moto, key)
    assert refusal(keeper.unwrap, keeper.wrap(DATA_KEY, CONTEXT), context).code == "damaged_data_key"


@pytest.mark.parametrize(
    "altered",
    [
        lambda wrapped: wrapped[:-1],
        lambda wrapped: wrapped + b"\0",
        lambda wrapped: wrapped[:-1] + bytes([wrapped[-1] ^ 1]),
        lambda wrapped: b"\0" * 60 + wrapped,
        lambda wrapped: wrapped * 60,
        lambda _wrapped: b"",
        lambda _wrapped: b"x",
    ],
)
def test_altered_bytes_are_refused(moto: Aws, key: str, altered: Callable[[bytes], bytes]) -> None:
    keeper = kms(moto, key)
    assert refusal(keeper.unwrap, altered(keeper.wrap(DATA_KEY, CONTEXT)), CONTEXT).code == "damaged_data_key"


def test_what_another_key_wrapped_is_refused(moto: Aws, key: str) -> None:
    other = kms(moto, kms_key(moto)).wrap(DATA_KEY, CONTEXT)
    assert refusal(kms(moto, key).unwrap, other, CONTEXT).code == "damaged_data_key"


def test_an_alias_that_leads_elsewhere_later_changes_nothing(moto: Aws) -> None:
    first, second, alias = kms_key(moto), kms_key(moto), f"alias/{uuid.uuid4().hex}"
    moto.client("kms").create_alias(AliasName=alias, TargetKeyId=first)
    keeper = kms(moto, alias, region=moto.region)
    check(keeper)
    settled = keeper.settled()
    assert settled == {"pinned_key_arn": first}
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    moto.client("kms").update_alias(AliasName=alias, TargetKeyId=second)
    later = kms(moto, alias, region=moto.region, **settled)
    check(later)
    assert later.settled() == settled
    assert later.unwrap(wrapped, CONTEXT) == DATA_KEY
    assert kms(moto, first).unwrap(later.wrap(DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def test_an_alias_that_was_never_looked_up_seals_nothing(moto: Aws) -> None:
    alias = f"alias/{uuid.uuid4().hex}"
    moto.client("kms").create_alias(AliasName=alias, TargetKeyId=kms_key(moto))
    error = refusal(kms(moto, alias, region=moto.region).wrap, DATA_KEY, CONTEXT)
    assert (error.code, "check: true" in error.hint) == ("key_not_pinned", True)


def test_a_key_may_be_named_in_every_way(moto: Aws, key: str) -> None:
    alias = f"alias/{uuid.uuid4().hex}"
    moto.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    wrapped = kms(moto, key).wrap(DATA_KEY, CONTEXT)
    alias_arn = f"{key.rpartition(':')[0]}:{alias}"
    for name, options in ((alias, {"region": moto.region}), (key.rpartition("/")[2], {"region": moto.region})):
        assert settled_kms(moto, name, **options).unwrap(wrapped, CONTEXT) == DATA_KEY
    assert settled_kms(moto, alias_arn).unwrap(wrapped, CONTEXT) == DATA_KEY


def test_the_region_is_that_of_the_arn(moto: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    key = kms_key(moto)
    assert f":{moto.region}:" in key
    keeper = kms(moto, key)
    assert keeper.unwrap(keeper.wrap(DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def test_rotation_at_aws_is_harmless(moto: Aws, key: str) -> None:
    keeper = kms(moto, key)
    before = keeper.wrap(DATA_KEY, CONTEXT)
    moto.client("kms").enable_key_rotation(KeyId=key)
    moto.client("kms").rotate_key_on_demand(KeyId=key)
    after = keeper.wrap(DATA_KEY, CONTEXT)
    assert [keeper.unwrap(wrapped, CONTEXT) for wrapped in (before, after)] == [DATA_KEY, DATA_KEY]


def _disable(server: Aws, key: str) -> None:
    server.client("kms").disable_key(KeyId=key)


def _schedule_deletion(server: Aws, key: str) -> None:
    server.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


@pytest.mark.parametrize("make_unusable", [_disable, _schedule_deletion])
def test_a_key_that_may_not_be_used_now(moto: Aws, make_unusable: Callable[[Aws, str], None]) -> None:
    key = kms_key(moto)
    keeper = kms(moto, key)
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    make_unusable(moto, key)
    errors = [refusal(keeper.unwrap, wrapped, CONTEXT), refusal(keeper.wrap, DATA_KEY, CONTEXT), refusal(check, keeper)]
    assert [error.code for error in errors] == ["key_unusable"] * 3


def test_the_check_refuses_a_key_of_another_kind(moto: Aws) -> None:
    signing = kms_key(moto, KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")
    error = refusal(check, kms(moto, signing))
    assert (error.code, "symmetric" in error.message) == ("key_unusable", True)


@pytest.mark.parametrize("name", ["arn:aws:kms:eu-central-1:123456789012:key/{id}", "alias/{id}", "{id}"])
def test_a_key_that_does_not_exist(moto: Aws, name: str) -> None:
    key = name.format(id=uuid.uuid4())
    keeper = kms(moto, key, region=moto.region)
    error = refusal(check, keeper)
    assert (error.code, key in error.message) == ("unknown_master_key", True)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({}, "incomplete_reply"),
        ({"Plaintext": ""}, "incomplete_reply"),
        ({"Plaintext": "AAAA"}, "incomplete_reply"),
        ({"Plaintext": "AA" * 40}, "incomplete_reply"),
        ({"Plaintext": 7}, "malformed_reply"),
        ({"Plaintext": "no base64"}, "incomplete_reply"),
        (b'{"Plaintext": "', "incomplete_reply"),
        (b"<html>log in here</html>", "incomplete_reply"),
    ],
)
def test_a_reply_without_the_key_is_an_error(
    moto: Aws, key: str, fault_proxy: Callable[..., FaultProxy], reply: Any, code: str
) -> None:
    wrapped = kms(moto, key).wrap(DATA_KEY, CONTEXT)
    proxy = fault_proxy(moto.url)
    proxy.add(Fault.answer(200, reply), target="Decrypt")
    assert refusal(kms(moto, key, endpoint_url=proxy.url).unwrap, wrapped, CONTEXT).code == code


@pytest.mark.parametrize("reply", [{}, {"CiphertextBlob": ""}, b'{"CiphertextBlob": "'])
def test_a_reply_without_the_wrapped_key_is_an_error(
    moto: Aws, key: str, fault_proxy: Callable[..., FaultProxy], reply: Any
) -> None:
    proxy = fault_proxy(moto.url)
    proxy.add(Fault.answer(200, reply), target="Encrypt")
    assert refusal(kms(moto, key, endpoint_url=proxy.url).wrap, DATA_KEY, CONTEXT).code == "incomplete_reply"


@pytest.mark.parametrize("reply", [{}, {"KeyMetadata": {}}, {"KeyMetadata": {"Arn": "elsewhere"}}])
def test_a_reply_without_the_arn_is_an_error(moto: Aws, fault_proxy: Callable[..., FaultProxy], reply: Any) -> None:
    proxy = fault_proxy(moto.url)
    proxy.add(Fault.answer(200, reply), target="DescribeKey")
    keeper = kms(moto, "alias/any", endpoint_url=proxy.url, region=moto.region)
    assert refusal(keeper.settled).code == "incomplete_reply"


def test_no_permission_names_the_action_and_the_key(ministack: Ministack) -> None:
    key = kms_key(ministack)
    reader = ministack.add_user("kms-describer", {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": key})
    error = refusal(kms(reader, key).wrap, DATA_KEY, CONTEXT)
    assert error.code == "provider_denied"
    assert f"kms:Encrypt on {key}" in error.hint
