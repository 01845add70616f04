# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CyberArk's two products: options, logins, and libraries."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Manager, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.ccp import CyberarkCcp
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur import CyberarkConjur
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur_logins import ApiKey, ConjurJwt
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

CONNECTOR = ConnectorContext("connector 'cyberark'")
CONJUR = {"url": "https://conjur.example.com", "account": "example"}
CCP = {"url": "https://ccp.example.com", "app_id": "ansible"}


def conjur(**options: Any) -> CyberarkConjur:
    given = {**CONJUR, "auth_method": "api_key", "login": "host/a", "api_key": "k", **options}
    return CyberarkConjur(given, CONNECTOR)


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        call(*arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("branch", "path"),
    [("", "db_password"), ("apps", "apps/db_password"), ("/apps/web/", "apps/web/db_password")],
)
def test_new_secrets_are_variables_of_the_branch(branch: str, path: str) -> None:
    CyberarkConjur.validate({**CONJUR, "branch": branch})
    assert conjur(branch=branch).path_of("db_password") == path


@pytest.mark.parametrize("path", ["", "/", ".", "..", "a\nb", "x" * 1025])
def test_paths_that_no_variable_has(path: str) -> None:
    for call in (conjur().read, lambda path: conjur().write(path, b"x", Writing("me"))):
        assert code_of(call, path) == "name_not_allowed"


BAD: dict[str, tuple[type[Manager], dict[str, Any], str]] = {
    "no url": (CyberarkConjur, {"account": "a"}, "incomplete_connector"),
    "no account": (CyberarkConjur, {"url": CONJUR["url"]}, "incomplete_connector"),
    "account": (CyberarkConjur, {**CONJUR, "account": "a/b"}, "invalid_option"),
    "branch": (CyberarkConjur, {**CONJUR, "branch": "a\nb"}, "name_not_allowed"),
    "plain http": (CyberarkConjur, {**CONJUR, "url": "http://conjur.example.com"}, "plain_http"),
    "user": (CyberarkConjur, {**CONJUR, "url": "https://u:p@conjur.example.com"}, "invalid_url"),
    "timeout": (CyberarkConjur, {**CONJUR, "timeout": 0}, "invalid_option"),
    "retries": (CyberarkConjur, {**CONJUR, "retries": 11}, "invalid_option"),
    "ccp: no url": (CyberarkCcp, {"app_id": "a"}, "incomplete_connector"),
    "ccp: no application": (CyberarkCcp, {"url": CCP["url"]}, "incomplete_connector"),
    "ccp: application": (CyberarkCcp, {**CCP, "app_id": "a&b"}, "invalid_option"),
    "ccp: safe": (CyberarkCcp, {**CCP, "safe": "a;b"}, "invalid_option"),
    "ccp: folder": (CyberarkCcp, {**CCP, "folder": "a%b"}, "invalid_option"),
    "ccp: reason": (CyberarkCcp, {**CCP, "reason": "a\nb"}, "invalid_option"),
    "ccp: web service": (CyberarkCcp, {**CCP, "web_service": "a/b"}, "invalid_option"),
    "ccp: plain http": (CyberarkCcp, {**CCP, "url": "http://ccp.example.com"}, "plain_http"),
    "ccp: timeout": (CyberarkCcp, {**CCP, "timeout": 601}, "invalid_option"),
}


@pytest.mark.parametrize(("kind", "options", "code"), BAD.values(), ids=BAD)
def test_options_that_can_not_be(kind: type[Manager], options: dict[str, Any], code: str) -> None:
    assert code_of(kind.validate, options) == code


def test_plain_http_where_that_is_wanted() -> None:
    for kind, options in ((CyberarkConjur, CONJUR), (CyberarkCcp, CCP)):
        kind.validate({**options, "url": "http://host.example.com", "allow_plain_http": True})
        kind.validate({**options, "url": "http://127.0.0.1:8080"})


@pytest.mark.parametrize(
    ("kind", "given", "method"),
    [
        (CyberarkConjur, {"login", "api_key"}, "api_key"),
        (CyberarkConjur, {"login", "password"}, "password"),
        (CyberarkConjur, {"service_id", "jwt"}, "jwt"),
        (CyberarkConjur, {"service_id", "token_file", "host_id"}, "jwt"),
        (CyberarkCcp, set(), "none"),
        (CyberarkCcp, {"client_cert", "client_key"}, "cert"),
    ],
)
def test_the_options_choose_the_login(kind: type[Manager], given: set[str], method: str) -> None:
    chosen = [choose_login(kind, frozenset(given), named) for named in ("", method)]
    assert [login.NAME for login in chosen] == [method] * 2


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [
        (CyberarkConjur, set(), "unclear_login"),
        (CyberarkConjur, {"login"}, "unclear_login"),
        (CyberarkConjur, {"login", "api_key", "password"}, "unclear_login"),
        (CyberarkConjur, {"service_id"}, "incomplete_login"),
        (CyberarkCcp, {"client_cert"}, "unclear_login"),
    ],
)
def test_options_that_make_no_login(kind: type[Manager], given: set[str], code: str) -> None:
    assert code_of(choose_login, kind, frozenset(given)) == code


def test_a_login_is_named_as_a_policy_writes_it() -> None:
    assert ApiKey({"login": "host/apps/ansible"}).role == "!host /apps/ansible"
    assert ApiKey({"login": "ann"}).role == "!user /ann"
    assert ConjurJwt({"host_id": "host/x"}).role == "!host /x"
    assert ConjurJwt({}).role == "!host /HOST"


def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    for manager in (conjur(), CyberarkCcp({**CCP, "auth_method": "none"}, CONNECTOR)):
        assert code_of(manager.login) == "missing_library"
