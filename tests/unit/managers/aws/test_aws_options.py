# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS kinds without AWS: logins chosen by options, invalid options, imports."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.kms import AwsKms
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.logins import LOGINS
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.secrets_manager import (
    AwsSecretsManager,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws.session import AwsSession
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import (
    choose_login,
    credentials_of,
    kinds,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, ScopedSecretsError
from hypothesis import given
from hypothesis import strategies as st
from servers.identities import Authority

CONNECTOR = ConnectorContext("connector 'aws' of the account")
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:iam::123456789012:role/path/ansible"
BOTH = pytest.mark.parametrize("kind", [AwsKms, AwsSecretsManager])


def needed(kind: type[Manager]) -> dict[str, Any]:
    """Return the required options of a kind."""
    return {"key_arn": KEY} if kind is AwsKms else {}


def test_both_are_found_by_name_and_the_shared_files_are_no_kinds() -> None:
    assert {name: kind for name, kind in kinds().items() if name.startswith("aws")} == {
        "aws_kms": AwsKms,
        "aws_secrets_manager": AwsSecretsManager,
    }


@BOTH
def test_what_may_be_a_reference(kind: type[Manager]) -> None:
    own = ["key_arn"] if kind is AwsKms else []
    assert credentials_of(kind) == ["secret_access_key", "session_token", "ca_cert", *own]


@BOTH
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ("", "default"),
        ("profile", "default"),
        ("access_key_id secret_access_key", "access_key"),
        ("access_key_id secret_access_key session_token", "access_key"),
        ("access_key_id secret_access_key role_arn external_id duration session_name", "access_key"),
        ("role_arn", "assume_role"),
        ("role_arn profile external_id", "assume_role"),
        ("role_arn token_file", "web_identity"),
        ("role_arn token_file duration session_name", "web_identity"),
    ],
)
def test_the_login_is_told_by_its_options(kind: type[Manager], options: str, name: str) -> None:
    assert name == choose_login(kind, frozenset(options.split())).NAME


@BOTH
@pytest.mark.parametrize(
    ("options", "method"),
    [
        ("access_key_id", ""),
        ("secret_access_key", ""),
        ("token_file", ""),
        ("external_id", ""),
        ("role_arn token_file external_id", ""),
        ("profile access_key_id", ""),
        ("role_arn", "default"),
        ("access_key_id", "access_key"),
        ("", "assume_role"),
        ("role_arn access_key_id", "assume_role"),
        ("access_key_id secret_access_key duration", "access_key"),
        ("role_arn", "web_identity"),
        ("token_file", "access_key"),
    ],
)
def test_options_that_make_no_login(kind: type[Manager], options: str, method: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_login(kind, frozenset(options.split()), method)
    assert caught.value.code in ("unclear_login", "incomplete_login")


@BOTH
def test_auth_method_with_a_key_and_a_role(kind: type[Manager]) -> None:
    options = frozenset(["access_key_id", "secret_access_key", "role_arn"])
    assert choose_login(kind, options, "assume_role").NAME == "assume_role"


@BOTH
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"region": "eu-central-1"},
        {"region": "us-gov-west-1", "timeout": 1, "retries": 0},
        {"endpoint_url": "https://vpce-1.kms.eu-central-1.vpce.amazonaws.com"},
        {"endpoint_url": "http://127.0.0.1:4566"},
        {"endpoint_url": "http://localhost:4566"},
        {"endpoint_url": "http://[::1]:4566"},
        {"endpoint_url": "http://stand-in.example", "allow_plain_http": True},
        {"role_arn": ROLE, "external_id": "a:b/c", "duration": 900, "session_name": "run@1"},
        {"role_arn": ROLE.replace("aws", "aws-us-gov"), "duration": 43200},
    ],
)
def test_options_that_can_work(kind: type[Manager], options: dict[str, Any]) -> None:
    options = {**needed(kind), **options}
    if kind is AwsKms and "region" in options:
        options["key_arn"] = "alias/key"
    kind.validate(options)


@BOTH
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"timeout": 0}, "invalid_option"),
        ({"timeout": 601}, "invalid_option"),
        ({"retries": -1}, "invalid_option"),
        ({"retries": 11}, "invalid_option"),
        ({"region": "Frankfurt"}, "invalid_option"),
        ({"region": "eu-central-1.evil.example/"}, "invalid_option"),
        ({"endpoint_url": "ftp://host"}, "invalid_url"),
        ({"endpoint_url": "host:443"}, "invalid_url"),
        ({"endpoint_url": "https://user:password@host"}, "invalid_url"),
        ({"endpoint_url": "https://host:99999"}, "invalid_url"),
        ({"endpoint_url": "http://host"}, "plain_http"),
        ({"endpoint_url": "http://127.0.0.1.example"}, "plain_http"),
        ({"endpoint_url": "http://host", "allow_plain_http": False}, "plain_http"),
        ({"role_arn": "ansible"}, "invalid_option"),
        ({"role_arn": "arn:aws:iam::123456789012:user/ansible"}, "invalid_option"),
        ({"role_arn": ROLE, "duration": 899}, "invalid_option"),
        ({"role_arn": ROLE, "duration": 43201}, "invalid_option"),
        ({"role_arn": ROLE, "external_id": "x"}, "invalid_option"),
        ({"role_arn": ROLE, "session_name": "two words"}, "invalid_option"),
        ({"external_id": "alone"}, "invalid_option"),
        ({"duration": 900}, "invalid_option"),
    ],
)
def test_options_that_can_not_work(kind: type[Manager], options: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        kind.validate({**needed(kind), **options})
    assert caught.value.code == code
    assert any(name in caught.value.message for name in options)


def test_every_option_of_aws_is_one_option_whatever_the_kind() -> None:
    shared = AwsKms.OPTIONS.keys() & AwsSecretsManager.OPTIONS.keys()
    assert {"region", "endpoint_url", "timeout", "retries", "ca_cert", "validate_certs", "allow_plain_http"} == shared
    assert not shared & {name for login in LOGINS for name in login.OPTIONS}


@BOTH
def test_switching_verification_off_is_told(kind: type[Manager]) -> None:
    assert kind(needed(kind), CONNECTOR).notices == []
    notices = kind({**needed(kind), "validate_certs": False}, CONNECTOR).notices
    assert len(notices) == 1
    assert CONNECTOR.what in notices[0]
    assert "validate_certs" in notices[0]


def test_without_the_library_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(ScopedSecretsError) as caught:
        AwsSession({}, CONNECTOR)
    assert caught.value.code == "missing_library"
    assert "pip install 'boto3>=1.34'" in caught.value.hint


def test_ca_cert_may_be_text_or_a_path(tmp_path: Path) -> None:
    path = Authority(tmp_path).ca
    from_path = AwsSession({"ca_cert": f" {path}\n"}, CONNECTOR)
    from_text = AwsSession({"ca_cert": path.read_text()}, CONNECTOR)
    files = [Path(session._network("eu-west-1")["verify"]) for session in (from_path, from_text)]
    assert files[0] == path
    assert files[1] != path
    assert files[1].read_text() == path.read_text()
    for session in (from_path, from_text):
        session.close()
    assert (files[0].exists(), files[1].exists()) == (True, False)


@pytest.mark.parametrize(
    "ca_cert", ["ca.pem", "/nonexistent/ca.pem", "no certificate", "-----BEGIN CERTIFICATE-----\nAA==\n"]
)
def test_ca_cert_that_is_none(ca_cert: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AwsSession({"ca_cert": ca_cert}, CONNECTOR)
    assert caught.value.code == "invalid_certificate"


def test_what_is_verified_without_a_ca_cert(tmp_path: Path) -> None:
    ca_cert = str(Authority(tmp_path).ca)
    assert AwsSession({}, CONNECTOR)._network("eu-west-1")["verify"] is None
    assert AwsSession({"validate_certs": False, "ca_cert": ca_cert}, CONNECTOR)._network("eu-west-1")["verify"] is False


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        KEY.replace("key/", "key/mrk-"),
        "arn:aws-cn:kms:cn-north-1:123456789012:alias/a/b",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "alias/payments_api",
    ],
)
def test_names_of_keys(key: str) -> None:
    AwsKms.validate({"key_arn": key})


@pytest.mark.parametrize("key", ["payments", "arn:aws:s3:::bucket", KEY + "?", "alias/", "../alias/x", "a" * 3000])
def test_what_names_no_key(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AwsKms.validate({"key_arn": key})
    assert caught.value.code == "invalid_option"


@pytest.mark.parametrize("options", [{}, {"key_arn": ""}, {"region": "eu-central-1"}])
def test_a_connector_without_a_key(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        AwsKms.validate(options)
    assert (caught.value.code, "key_arn" in caught.value.message) == ("incomplete_connector", True)


def test_a_key_by_reference_is_enough_and_looked_at_when_it_is_known() -> None:
    AwsKms.validate({"key_arn_ref": "account.key"})
    with pytest.raises(InvalidInput):
        AwsKms({"key_arn": "payments", "auth_method": "default"}, CONNECTOR).login()


@pytest.mark.parametrize(("region", "works"), [("eu-central-1", True), ("eu-west-1", False)])
def test_a_region_beside_an_arn_is_that_of_the_arn(region: str, works: bool) -> None:
    options = {"key_arn": KEY, "region": region}
    if works:
        AwsKms.validate(options)
    else:
        with pytest.raises(InvalidInput, match="region"):
            AwsKms.validate(options)


@pytest.mark.parametrize("reuse", ["none", "run", "1", "1000000"])
def test_data_key_reuse(reuse: str) -> None:
    AwsKms.validate({"key_arn": KEY, "data_key_reuse": reuse})


@pytest.mark.parametrize("reuse", ["0", "-1", "1.5", "always", "1000001", "²", "9" * 5000])
def test_data_key_reuse_that_can_not_be(reuse: str) -> None:
    with pytest.raises(InvalidInput, match="data_key_reuse"):
        AwsKms.validate({"key_arn": KEY, "data_key_reuse": reuse})


@pytest.mark.parametrize(
    "options",
    [
        {"recovery_window_days": 6},
        {"recovery_window_days": 31},
        {"prefix": "with space"},
        {"prefix": "x" * 513},
        {"replicas": ["nowhere"]},
        {"replicas": ["eu-west-1", "eu-west-1"]},
        {"region": "eu-west-1", "replicas": ["eu-west-1"]},
    ],
)
def test_options_of_secrets_manager_that_can_not_work(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        AwsSecretsManager.validate(options)
    assert caught.value.code == "invalid_option"


@pytest.mark.parametrize(
    ("prefix", "identifier", "path"),
    [
        ("", "db_password", "db_password"),
        ("devops", "db-password", "devops/db-password"),
        ("/devops/api/", "_x", "devops/api/_x"),
        ("x" * 383, "y" * 128, "x" * 383 + "/" + "y" * 128),
    ],
)
def test_where_a_secret_lies(prefix: str, identifier: str, path: str) -> None:
    assert AwsSecretsManager({"prefix": prefix}, CONNECTOR).path_of(identifier) == path


@pytest.mark.parametrize(("prefix", "identifier"), [("", "a$b"), ("x" * 384, "y" * 128)])
def test_names_that_aws_does_not_take(prefix: str, identifier: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AwsSecretsManager({"prefix": prefix}, CONNECTOR).path_of(identifier)
    assert caught.value.code == "name_not_allowed"


TEXTS = ("region", "endpoint_url", "role_arn", "external_id", "session_name", "prefix", "key_arn", "data_key_reuse")


@BOTH
@given(name=st.sampled_from(TEXTS), text=st.text() | st.from_regex(r"(https?://|arn:aws:|alias/)[ -~]*"))
def test_whatever_is_written_the_error_is_ours(kind: type[Manager], name: str, text: str) -> None:
    with contextlib.suppress(InvalidInput):
        kind.validate({**needed(kind), "role_arn": ROLE, name: text})


@given(prefix=st.text(), identifier=st.text())
def test_whatever_a_name_is_it_is_refused_or_one_of_aws(prefix: str, identifier: str) -> None:
    with contextlib.suppress(InvalidInput):
        path = AwsSecretsManager({"prefix": prefix}, CONNECTOR).path_of(identifier)
        assert re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", path)
