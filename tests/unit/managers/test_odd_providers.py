# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that only a broken provider gives, and what others do there at the same moment, with parts of kinds replaced.

Faults on the way to a provider: tests/managers.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.kms import AwsKms
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.secrets_manager import AwsSecretsManager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.session import AwsSession
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure.key_vault import AzureKeyVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import (
    ConnectorContext,
    ExpectedError,
    Found,
    Manager,
    Writing,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.ccp import CyberarkCcp
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur import CyberarkConjur, _Variable
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.kms import GcpKms
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.secret_manager import GcpSecretManager
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

CONNECTOR, OWNER = ConnectorContext("connector 'x'"), "owner"
ARN = "arn:aws:kms:eu-central-1:111122223333:key/0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"


def manager_of(kind: type[Manager], options: dict[str, Any], **parts: Any) -> Any:
    """Return a manager with some of its methods and attributes replaced."""
    manager = kind({"auth_method": "default", **options}, CONNECTOR)
    for name, part in parts.items():
        setattr(manager, name, part)
    return manager


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        call()
    return caught.value.code


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_given: object, **_more: object) -> None:
        raise error

    return fail


def always(found: object) -> Callable[..., Any]:
    return lambda *_given, **_more: found


WRONG_KEY = {"wrap": always(b"wrapped"), "unwrap": always(b"another key")}
CHECKS: dict[type[Manager], tuple[dict[str, Any], dict[str, Any]]] = {
    AwsKms: (
        {"key_arn": ARN},
        {"_describe": always({"Arn": ARN, "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"}), **WRONG_KEY},
    ),
    GcpKms: ({"pinned_key": "projects/p/x"}, WRONG_KEY),
    AwsSecretsManager: ({}, {"_call": always({})}),
    GcpSecretManager: ({}, {"_access": always(object())}),
    AzureKeyVault: ({"vault_name": "v"}, {"_properties": always(object())}),
    CyberarkCcp: ({}, {"read": always(Found(b"{}"))}),
}


@pytest.mark.parametrize("kind", CHECKS, ids=lambda kind: kind.KIND)
def test_a_check_notices_a_provider_that_says_yes_to_everything(kind: type[Manager]) -> None:
    options, parts = CHECKS[kind]
    manager = manager_of(kind, options, **parts)
    assert code_of(lambda: manager.check(Aim(), AccessProof())) == "malformed_reply"


@pytest.mark.parametrize("kind", [GcpKms, GcpSecretManager])
def test_a_login_without_a_project_says_so(kind: type[Manager]) -> None:
    manager = manager_of(kind, {"key": "k"}, _session=SimpleNamespace(project=""))
    for call in (lambda: manager.check(Aim(), AccessProof()), manager.settled):
        assert code_of(call) == "missing_project"


def test_a_secret_of_aws_that_others_removed_meanwhile_is_removed() -> None:
    calls: list[str] = []

    def call(operation: str, _path: str, **_more: object) -> None:
        calls.append(operation)
        raise ExpectedError("ResourceNotFoundException")

    own = {"Tags": [{"Key": "scoped-secrets-owner", "Value": "owner"}]}
    manager = manager_of(AwsSecretsManager, {}, _described=always(own), _call=call, _refuse_foreign=always(None))
    manager.remove("a", OWNER)
    assert calls == ["delete_secret"]


def test_a_fault_of_our_own_within_a_call_of_aws_is_not_blamed_on_aws() -> None:
    session = AwsSession({}, CONNECTOR)
    with pytest.raises(ZeroDivisionError), session.translated("kms:Encrypt", ARN):
        raise ZeroDivisionError


def test_a_secret_of_google_that_others_removed_while_it_was_claimed() -> None:
    manager = manager_of(GcpSecretManager, {}, _described=always(None))
    assert code_of(lambda: manager._claim("a", {}, {}, Writing(OWNER))) == "unknown_path"


def test_only_the_refusal_of_a_value_is_reported_when_its_secret_can_not_be_removed_either() -> None:
    refused = failures.too_large("connector 'x'", 2, 1)
    parts = {"_create": always(True), "_add": raising(refused), "remove": raising(failures.unavailable("x", "away"))}
    manager = manager_of(GcpSecretManager, {}, **parts)
    assert code_of(lambda: manager.write("a", b"v", Writing(OWNER))) == refused.code


def test_the_path_of_an_account() -> None:
    assert manager_of(CyberarkCcp, {}).path_of("db") == "Object=db"


@pytest.mark.parametrize(("value", "is_encoded"), [("*", True), ("x", True), ("\ud800", False)])
def test_a_value_of_conjur_that_can_not_be_decoded_is_an_error_of_its_own(value: str, *, is_encoded: bool) -> None:
    found = manager_of(CyberarkConjur, {})._value("a", value, is_encoded=is_encoded)
    assert isinstance(found, ScopedSecretsError)
    assert found.code == "malformed_reply"


GONE = failures.unknown_path("connector 'x'", "a")
AWAY = failures.unavailable("connector 'x'", "it is away")


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        ([Found(b"of others"), Found(b"ours")], "2~now"),
        ([GONE, Found(b"ours")], "2~now"),
        ([Found(b"of others"), GONE], "provider_conflict"),
        ([AWAY], AWAY.code),
    ],
)
def test_which_version_of_conjur_is_ours_when_others_write_too(read: list[Found | Exception], outcome: str) -> None:
    """Version 1 was there, and there are 3 after we wrote ours."""
    replies = iter(read)

    def reply(*_given: object) -> Found:
        found = next(replies)
        if isinstance(found, Exception):
            raise found
        return found

    manager = manager_of(CyberarkConjur, {}, _variable=always(_Variable("now", 3)), read=reply)
    try:
        found = manager._written("a", b"ours", _Variable("now", 1))
    except ScopedSecretsError as error:
        found = error.code
    assert found == outcome
    assert not list(replies)
