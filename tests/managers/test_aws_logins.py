# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All AWS logins, against a server that checks signatures and permissions."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.credentials
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from aws_connectors import OWNER, kms, kms_key, refusal, secrets_manager
from checking import check
from servers.aws import Aws, Ministack
from servers.faults import Fault, FaultProxy
from servers.identities import Issuer

READS = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
ASSUMES = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class People:
    """A secret, a user who may only assume roles, and roles that may read."""

    path: str
    user: Aws
    role: str
    guarded_role: str


@pytest.fixture(scope="module")
def people(ministack: Ministack) -> People:
    path = f"logins/{uuid.uuid4().hex}"
    ministack.client("secretsmanager").create_secret(Name=path, SecretString="a value")
    user = ministack.add_user("login-user", ASSUMES)
    role = ministack.add_role("login-role", READS, trusts="login-user")
    guarded = ministack.add_role("login-guarded", READS, trusts="login-user", external_id="e-1")
    return People(path, user, role, guarded)


@pytest.fixture(autouse=True)
def _environment(ministack: Ministack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the test's credentials, and STS at the test server."""
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "ENDPOINT_URL")
    for name in names:
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", ministack.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def keys_of(identity: Aws) -> dict[str, Any]:
    given = {"access_key_id": identity.access_key_id, "secret_access_key": identity.secret_access_key}
    return {**given, **({"session_token": identity.session_token} if identity.session_token else {})}


def put_into_environment(identity: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in keys_of(identity).items():
        monkeypatch.setenv(f"AWS_{name.upper()}", value)


def test_an_access_key(ministack: Ministack, people: People) -> None:
    counts = Counter[str]()
    reader = ministack.add_user("key-reader", READS)
    keeper = secrets_manager(ministack, counts, **keys_of(reader))
    check(keeper, "read")
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 2}


def test_an_access_key_with_a_newline_after_it(ministack: Ministack, people: People) -> None:
    options = keys_of(ministack)
    keeper = secrets_manager(ministack, **{**options, "secret_access_key": options["secret_access_key"] + "\n"})
    assert keeper.read(people.path).content == b"a value"


def test_a_temporary_access_key(ministack: Ministack, people: People) -> None:
    session = ministack.assume(people.role, people.user)
    assert secrets_manager(ministack, **keys_of(session)).read(people.path).content == b"a value"


def test_a_wrong_secret(ministack: Ministack, people: People) -> None:
    keys = {**keys_of(people.user), "secret_access_key": "wrong"}
    for keeper in (secrets_manager(ministack, **keys), kms(ministack, kms_key(ministack), **keys)):
        assert refusal(check, keeper).code == "login_refused"


def test_an_unknown_key_id(ministack: Ministack) -> None:
    keys = {"access_key_id": "AKIAUNKNOWNUNKNOWN00", "secret_access_key": "x"}
    assert refusal(check, secrets_manager(ministack, **keys)).code == "login_refused"


def test_no_permission_names_action_and_path(ministack: Ministack, people: People) -> None:
    keeper = secrets_manager(ministack, **keys_of(people.user))
    assert refusal(check, keeper).code == "provider_denied"
    error = refusal(keeper.read, people.path)
    assert error.code == "provider_denied"
    assert f"secretsmanager:GetSecretValue on {people.path}" in error.hint


def test_a_role_on_an_access_key(ministack: Ministack, people: People) -> None:
    counts = Counter[str]()
    options = {"role_arn": people.guarded_role, "external_id": "e-1", "session_name": "night-run", "duration": 900}
    keeper = secrets_manager(ministack, counts, **keys_of(people.user), **options)
    assert keeper.read(people.path).content == b"a value"
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 3}


@pytest.mark.parametrize("options", [{}, {"external_id": "wrong"}])
def test_a_role_that_may_not_be_assumed(ministack: Ministack, people: People, options: dict[str, Any]) -> None:
    given = {**keys_of(people.user), "role_arn": people.guarded_role, **options}
    error = refusal(lambda: secrets_manager(ministack, **given))
    assert (error.code, "external_id" in error.message) == ("login_refused", True)


def test_a_role_on_a_wrong_access_key(ministack: Ministack, people: People) -> None:
    given = {**keys_of(people.user), "secret_access_key": "wrong", "role_arn": people.role}
    assert refusal(lambda: secrets_manager(ministack, **given)).code == "login_refused"


def test_a_role_on_what_the_environment_has(
    ministack: Ministack, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Counter[str]()
    put_into_environment(people.user, monkeypatch)
    keeper = secrets_manager(ministack, counts, role_arn=people.role)
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 2}


def test_a_role_on_a_profile(ministack: Ministack, people: People, tmp_path: Path) -> None:
    keys = "\n".join(f"aws_{name} = {value}" for name, value in keys_of(people.user).items())
    (tmp_path / "credentials").write_text(f"[work]\n{keys}\n")
    keeper = secrets_manager(ministack, role_arn=people.role, profile="work")
    assert keeper.read(people.path).content == b"a value"


@pytest.mark.parametrize("options", [{"auth_method": "assume_role"}, {}])
def test_a_role_and_an_access_key_by_either_name(ministack: Ministack, people: People, options: dict[str, Any]) -> None:
    keeper = secrets_manager(ministack, **keys_of(people.user), role_arn=people.role, **options)
    assert keeper.read(people.path).content == b"a value"


def test_the_environment_of_the_run(ministack: Ministack, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counter[str]()
    put_into_environment(ministack, monkeypatch)
    keeper = secrets_manager(ministack, counts, auth_method="default")
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 1}


def test_a_profile_that_assumes_a_role_itself(ministack: Ministack, people: People, tmp_path: Path) -> None:
    counts = Counter[str]()
    keys = "\n".join(f"aws_{name} = {value}" for name, value in keys_of(people.user).items())
    (tmp_path / "credentials").write_text(f"[work]\n{keys}\n")
    config = f"[profile reader]\nrole_arn = {people.role}\nsource_profile = work\nregion = {ministack.region}\n"
    (tmp_path / "config").write_text(config)
    keeper = secrets_manager(ministack, counts, profile="reader", region="")
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 2}


def test_a_profile_that_does_not_exist(ministack: Ministack) -> None:
    error = refusal(lambda: secrets_manager(ministack, profile="nobody"))
    assert (error.code, "profile" in error.message) == ("login_refused", True)


def test_the_chain_finds_nothing(ministack: Ministack) -> None:
    error = refusal(lambda: secrets_manager(ministack, auth_method="default"))
    assert (error.code, "no credentials" in error.message) == ("login_refused", True)


def test_an_access_key_never_looks_at_the_metadata_of_an_instance(
    ministack: Ministack, people: People, fault_proxy: Callable[..., FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = fault_proxy(ministack.url)
    metadata.add(Fault.answer(404), times=None)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    assert secrets_manager(ministack, **keys_of(ministack)).read(people.path)
    given = {**keys_of(people.user), "role_arn": people.role}
    assert secrets_manager(ministack, **given).read(people.path)
    assert metadata.seen == []
    # The proxy would have seen it.
    assert refusal(lambda: secrets_manager(ministack, auth_method="default")).code == "login_refused"
    assert metadata.seen


@pytest.fixture
def token_file(ministack: Ministack, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(Issuer().issue("tests", "sts.amazonaws.com", iss="https://issuer.example") + "\n")
    return path


@pytest.fixture(scope="module")
def web_role(ministack: Ministack) -> str:
    return ministack.add_web_role("login-web", READS, issuer="issuer.example")


def test_a_web_identity(ministack: Ministack, people: People, web_role: str, token_file: Path) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(ministack, counts, role_arn=web_role, token_file=str(token_file))
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 2}


def test_the_web_identity_of_a_service_account(
    ministack: Ministack, people: People, web_role: str, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Counter[str]()
    monkeypatch.setenv("AWS_ROLE_ARN", web_role)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token_file))
    keeper = secrets_manager(ministack, counts, auth_method="default")
    assert keeper.read(people.path).content == b"a value"
    assert counts == {"logins": 1, "requests": 2}


def test_a_token_file_that_is_not_there(ministack: Ministack, web_role: str, tmp_path: Path) -> None:
    token_file = str(tmp_path / "none")
    error = refusal(lambda: secrets_manager(ministack, role_arn=web_role, token_file=token_file))
    assert (error.code, token_file in error.message) == ("login_refused", True)


def test_a_web_identity_that_is_refused(
    ministack: Ministack,
    web_role: str,
    token_file: Path,
    fault_proxy: Callable[..., FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = fault_proxy(ministack.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
    text = token_file.read_text().strip()
    proxy.add(Fault.answer(400, _xml("InvalidIdentityToken", f"Token {text} is not valid")), times=None)
    error = refusal(lambda: secrets_manager(ministack, role_arn=web_role, token_file=str(token_file)))
    assert error.code == "login_refused"
    assert text not in json.dumps(error.to_dict())


def _xml(code: str, message: str) -> bytes:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>".encode()


class _Clock:
    """A clock for botocore's decision whether credentials expire."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.seconds)


@pytest.mark.parametrize("login", ["role", "web"])
def test_temporary_credentials_are_replaced_before_they_expire(
    ministack: Ministack,
    people: People,
    web_role: str,
    token_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    login: str,
) -> None:
    clock, counts = _Clock(), Counter[str]()
    monkeypatch.setattr(botocore.credentials, "_local_now", clock)
    monkeypatch.setattr(botocore.credentials.RefreshableCredentials.__init__, "__defaults__", _defaults(clock))
    role = {**keys_of(people.user), "role_arn": people.role, "duration": 900}
    web = {"role_arn": web_role, "token_file": str(token_file), "duration": 900}
    keeper = secrets_manager(ministack, counts, **{"role": role, "web": web}[login])
    for seconds, logins in ((0, 1), (600, 1), (700, 2)):
        clock.seconds = seconds
        assert keeper.read(people.path).content == b"a value"
        assert (seconds, counts["logins"]) == (seconds, logins)


def _defaults(clock: _Clock) -> tuple[Any, ...]:
    """Return the constructor's defaults with another clock."""
    old = botocore.credentials.RefreshableCredentials.__init__.__defaults__
    return tuple(clock if callable(value) else value for value in old)


def test_a_role_that_is_taken_away_in_the_middle_of_a_run(
    ministack: Ministack,
    people: People,
    fault_proxy: Callable[..., FaultProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = _Clock()
    monkeypatch.setattr(botocore.credentials, "_local_now", clock)
    monkeypatch.setattr(botocore.credentials.RefreshableCredentials.__init__, "__defaults__", _defaults(clock))
    proxy = fault_proxy(ministack.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.url)
    keeper = secrets_manager(ministack, **keys_of(people.user), role_arn=people.role, duration=900)
    proxy.add(Fault.answer(403, _xml("AccessDenied", "no longer")), times=None)
    clock.seconds = 890
    error = refusal(keeper.read, people.path)
    assert (error.code, "sts:AssumeRole" in error.message) == ("login_refused", True)


def test_an_expired_token_asks_for_a_new_login(
    ministack: Ministack, people: People, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(ministack.url)
    keeper = secrets_manager(ministack, endpoint_url=proxy.url, **keys_of(ministack))
    proxy.add(Fault.answer(400, {"__type": "ExpiredTokenException"}))
    assert refusal(keeper.read, people.path).code == "login_expired"
    keeper.login()
    assert keeper.read(people.path).content == b"a value"


# The policies that the pages of these kinds recommend.


def policies(page: str, **places: str) -> list[list[dict[str, Any]]]:
    """Return the statements of each policy on a page, with the test's resources filled in."""
    text = (ROOT / "docs" / "managers" / page).read_text()
    for name, value in places.items():
        text = text.replace(name, value)
    blocks = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    return [json.loads(block)["Statement"] for block in blocks if "Statement" in block]


def test_the_policy_of_the_kms_page_is_enough_and_no_more(ministack: Ministack) -> None:
    key, other = kms_key(ministack), kms_key(ministack)
    (statements,) = policies("aws_kms.md", **{"arn:aws:kms:REGION:ACCOUNT:key/KEY_ID": key})
    user = ministack.add_user("policy-kms", *statements)
    keeper = kms(user, key)
    check(keeper)
    assert refusal(check, kms(user, other)).code == "provider_denied"
    for statement in statements:
        for action in statement["Action"]:
            less = {**statement, "Action": [one for one in statement["Action"] if one != action]}
            poor = ministack.add_user(f"policy-kms-{action[4:]}", less)
            error = refusal(check, kms(poor, key))
            assert (error.code, action in error.hint) == ("provider_denied", True)


def test_the_policies_of_the_secrets_manager_page(ministack: Ministack) -> None:
    places = {"REGION": ministack.region, "ACCOUNT": ministack.account}
    reading, writing = policies("aws_secrets_manager.md", **places)
    reader = secrets_manager(ministack.add_user("policy-reader", *reading), prefix="devops")
    writer = secrets_manager(ministack.add_user("policy-writer", *writing), prefix="devops")
    assert check(reader, "read").write.startswith("not proved")
    assert check(writer).write.startswith("wrote")
    path = writer.path_of("secret")
    writer.write(path, b"one", Writing(OWNER, tags={"a": "b"}))
    writer.write(path, b"two", Writing(OWNER, tags={"a": "c"}))
    assert reader.read(path).content == b"two"
    writer.write(f"{path}2", b"three", Writing(OWNER))
    assert [one.content for one in reader.read_many([path, f"{path}2"]).values()] == [b"two", b"three"]
    writer.remove(path, OWNER)
    writer.write(path, b"four", Writing(OWNER))
    for refused in (
        lambda: reader.write(path, b"five", Writing(OWNER)),
        lambda: reader.remove(path, OWNER),
        lambda: reader.read("elsewhere/secret"),
        lambda: writer.write("elsewhere/secret", b"x", Writing(OWNER)),
    ):
        assert refusal(refused).code == "provider_denied"
    assert writer.read(path).content == b"four"
