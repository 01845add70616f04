# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins of HashiCorp Vault, chosen by options."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.logins import (
    LOGINS,
    AppRole,
    AwsIam,
    Token,
    TokenMaker,
    UserPass,
    VaultCertificate,
    VaultJwt,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.vault import HashicorpVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

TLS = {"client_cert", "client_key"}
CHOSEN = [
    ({"token"}, "token"),
    ({"token", *TLS}, "token"),
    ({"role_id"}, "approle"),
    ({"role_id", "secret_id", "mount", *TLS}, "approle"),
    ({"role", "jwt"}, "jwt"),
    ({"role", "token_file", "mount"}, "jwt"),
    ({"role", "service_account_token_path"}, "kubernetes"),
    ({"role", "region"}, "aws_iam"),
    ({"role", "access_key_id", "secret_access_key", "session_token"}, "aws_iam"),
    (TLS, "cert"),
    ({"role", *TLS}, "cert"),
    ({"username", "password"}, "userpass"),
    ({"sink_path"}, "agent"),
]


@pytest.mark.parametrize(("given", "name"), CHOSEN)
def test_what_is_chosen(given: set[str], name: str) -> None:
    assert name == choose_login(HashicorpVault, frozenset({*given, "url", "ca_cert"})).NAME
    assert name == choose_login(HashicorpVault, frozenset(given), name).NAME


@pytest.mark.parametrize(
    "given", [set(), {"role"}, {"mount"}, {"secret_id"}, {"token", "role_id"}, {"username"}, {"client_cert"}, {"jwt"}]
)
def test_what_makes_no_login(given: set[str]) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        choose_login(HashicorpVault, frozenset(given))
    assert caught.value.code == "unclear_login"
    assert all(login.NAME in caught.value.hint for login in LOGINS)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"role"}, "jwt"),
        (set(), "kubernetes"),
        ({"role", "access_key_id"}, "aws_iam"),
        ({"role", "secret_access_key", "region"}, ""),
        ({"client_cert"}, "cert"),
        ({"username"}, "userpass"),
        (set(), "token"),
        ({"secret_id"}, "approle"),
    ],
)
def test_what_is_incomplete(given: set[str], name: str) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        choose_login(HashicorpVault, frozenset(given), name)
    assert caught.value.code == "incomplete_login"


@pytest.mark.parametrize(("given", "name"), [({"role"}, "kubernetes"), ({"role"}, "aws_iam"), (set(), "agent")])
def test_what_is_enough_once_the_login_is_named(given: set[str], name: str) -> None:
    assert name == choose_login(HashicorpVault, frozenset(given), name).NAME


def test_where_each_logs_in() -> None:
    makers = [login for login in LOGINS if issubclass(login, TokenMaker)]
    usual = {login.NAME: login({"username": "x"}).path for login in makers}
    assert usual == {
        "approle": "approle/login",
        "jwt": "jwt/login",
        "kubernetes": "kubernetes/login",
        "aws_iam": "aws/login",
        "cert": "cert/login",
        "userpass": "userpass/login/x",
    }
    assert AppRole({"mount": "/team a/apps/"}).path == "team%20a/apps/login"


@pytest.mark.parametrize("name", ["a/b", "a?b", "a b", "../x"])
def test_a_user_name_is_one_part_of_the_path(name: str) -> None:
    path = UserPass({"username": name}).path
    assert path.startswith("userpass/login/")
    assert not set("/? ") & set(path.removeprefix("userpass/login/"))


def test_what_each_sends() -> None:
    assert AppRole({"role_id": " r\n", "secret_id": "s\n"}).parameters("x") == {"role_id": "r", "secret_id": "s"}
    assert AppRole({"role_id": "r", "secret_id": None}).parameters("x") == {"role_id": "r"}
    assert UserPass({"username": "u", "password": " p "}).parameters("x") == {"password": " p "}
    assert VaultJwt({"role": "r", "jwt": "a.b.c\n"}).parameters("x") == {"role": "r", "jwt": "a.b.c"}
    assert VaultCertificate({}).parameters("x") == {}
    assert VaultCertificate({"role": "r"}).parameters("x") == {"name": "r"}
    assert Token({"token": " t\n"}).token("x") == "t"


def test_the_aws_login_needs_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(ScopedSecretsError) as caught:
        AwsIam({"role": "r", "access_key_id": "a", "secret_access_key": "s"}).parameters("x")
    assert (caught.value.code, "boto3" in caught.value.hint) == ("missing_library", True)


def test_a_profile_that_the_aws_libraries_do_not_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(ScopedSecretsError) as caught:
        AwsIam({"role": "r"}).parameters("x")
    assert caught.value.code == "login_refused"
