# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Key Vault: names, options, and libraries."""

from __future__ import annotations

import string
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure import client as azure_key_vault_client
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure.key_vault import AzureKeyVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure.names import (
    NAME,
    identifier_of,
    name_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import choose_login
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.identifiers import check_identifier
from hypothesis import given
from hypothesis import strategies as st

LETTERS = string.ascii_letters + "_"
# The final underscore avoids reserved words.
IDENTIFIERS = st.builds("{}{}_".format, st.sampled_from(LETTERS), st.text(f"{LETTERS}{string.digits}$-", max_size=126))
# Few letters, so that similar names are frequent.
NEAR = st.text("aAzZ_-$04", min_size=1, max_size=6)
CONNECTOR = ConnectorContext("connector 'azure'")


def keeper(**options: Any) -> AzureKeyVault:
    return AzureKeyVault({"vault_name": "payments", "auth_method": "default", **options}, CONNECTOR)


@given(IDENTIFIERS)
def test_a_name_leads_back_to_its_identifier(identifier: str) -> None:
    name = name_of(identifier)
    assert identifier_of(name) == identifier_of(name.upper()) == identifier
    assert set(name) <= set(f"{string.ascii_lowercase}{string.digits}-")


@given(NEAR, NEAR)
def test_two_identifiers_never_meet_in_whatever_case(one: str, other: str) -> None:
    assert (name_of(one).lower() == name_of(other).lower()) == (one == other)


@given(st.text(f"{string.ascii_lowercase}{string.digits}-", min_size=1, max_size=8))
def test_a_name_is_that_of_one_identifier_or_of_none(name: str) -> None:
    identifier = identifier_of(name)
    assert identifier is None or name_of(identifier) == name


def test_names_can_be_read() -> None:
    names = {"db_password": "db-password", "a-b": "az-b", "Ab": "zab", "zone": "z0one", "a$": "az4", "_": "-"}
    assert {identifier: name_of(identifier) for identifier in names} == names


@given(IDENTIFIERS)
def test_a_path_is_a_name_or_is_refused(identifier: str) -> None:
    check_identifier(identifier, "secret")
    if len(name_of(identifier)) <= 127:
        assert NAME.fullmatch(keeper().path_of(identifier))
        return
    with pytest.raises(ScopedSecretsError) as caught:
        keeper().path_of(identifier)
    assert caught.value.code == "name_not_allowed"


@pytest.mark.parametrize(("length", "is_allowed"), [(127, True), (128, False)])
def test_the_longest_name(length: int, is_allowed: bool) -> None:
    if is_allowed:
        assert len(keeper().path_of("x" * length)) == length
        return
    with pytest.raises(ScopedSecretsError) as caught:
        keeper().path_of("x" * length)
    assert caught.value.code == "name_not_allowed"


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"vault_name": "payments"}, "https://payments.vault.azure.net"),
        ({"vault_name": "payments", "cloud": "us_government"}, "https://payments.vault.usgovcloudapi.net"),
        ({"vault_name": "payments", "cloud": "china"}, "https://payments.vault.azure.cn"),
        ({"vault_name": "", "vault_url": "https://vault.example.com:8443/"}, "https://vault.example.com:8443"),
    ],
)
def test_where_the_vault_is(options: dict[str, str], url: str) -> None:
    AzureKeyVault.validate(options)
    assert keeper(**options).url == url


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no vault": ({}, "incomplete_connector"),
    "two vaults": ({"vault_name": "a-b", "vault_url": "https://a.example.com"}, "invalid_option"),
    "name too short": ({"vault_name": "ab"}, "invalid_option"),
    "name too long": ({"vault_name": "a" * 25}, "invalid_option"),
    "name with two dashes": ({"vault_name": "a--b"}, "invalid_option"),
    "name that is a host": ({"vault_name": "payments.example.com/"}, "invalid_option"),
    "name with a line": ({"vault_name": "payments\n"}, "invalid_option"),
    "plain http": ({"vault_url": "http://127.0.0.1:8200"}, "invalid_option"),
    "path": ({"vault_url": "https://a.example.com/b"}, "invalid_option"),
    "backslash": ({"vault_url": "https://a.example.com\\b"}, "invalid_option"),
    "user": ({"vault_url": "https://user@a.example.com"}, "invalid_url"),
    "no URL": ({"vault_url": "a.example.com"}, "invalid_url"),
    "plain authority": ({"vault_name": "payments", "authority": "http://localhost"}, "invalid_option"),
    "tenant": ({"vault_name": "payments", "tenant_id": "a/b"}, "invalid_option"),
    "timeout": ({"vault_name": "payments", "timeout": 0}, "invalid_option"),
    "retries": ({"vault_name": "payments", "retries": 11}, "invalid_option"),
}


@pytest.mark.parametrize(("options", "code"), BAD.values(), ids=BAD)
def test_options_that_can_not_be(options: dict[str, Any], code: str) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        AzureKeyVault.validate(options)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({"tenant_id", "client_id", "client_secret"}, "client_secret"),
        ({"tenant_id", "client_id", "client_certificate"}, "client_certificate"),
        ({"tenant_id", "client_id", "token_file"}, "workload_identity"),
        ({"client_id"}, "managed_identity"),
        (set(), "default"),
    ],
)
def test_the_options_choose_the_login(given: set[str], method: str) -> None:
    chosen = [choose_login(AzureKeyVault, frozenset(given), named) for named in ("", method)]
    assert [login.NAME for login in chosen] == [method] * 2


@pytest.mark.parametrize(
    "given", [{"tenant_id", "client_id"}, {"client_id", "client_secret"}, {"client_secret", "token_file"}]
)
def test_options_that_make_no_login(given: set[str]) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        choose_login(AzureKeyVault, frozenset(given))
    assert caught.value.code == "unclear_login"


def test_a_login_that_needs_nothing_but_its_name() -> None:
    methods = ["managed_identity", "workload_identity", "default"]
    assert [choose_login(AzureKeyVault, frozenset(), method).NAME for method in methods] == methods


@pytest.mark.parametrize(
    ("url", "is_checked"),
    [
        ("https://payments.vault.azure.net", True),
        ("https://payments.VAULT.usgovcloudapi.net", True),
        ("https://payments.vault.azure.net.example.com", False),
        ("https://examplevault.azure.net", False),
        ("https://127.0.0.1:8200", False),
    ],
)
def test_a_token_for_azure_goes_to_azure_only(monkeypatch: pytest.MonkeyPatch, url: str, is_checked: bool) -> None:
    secrets = pytest.importorskip("azure.keyvault.secrets")
    found: list[Mapping[str, Any]] = []
    monkeypatch.setattr(secrets, "SecretClient", lambda *_arguments, **named: found.append(named))
    options = {**AzureKeyVault.DEFAULTS, "tenant_id": "t", "client_id": "c", "client_secret": "s"}
    login = choose_login(AzureKeyVault, frozenset({"tenant_id", "client_id", "client_secret"}))(options)
    azure_key_vault_client.KeyVaultClient(options, CONNECTOR, login, url)  # type: ignore[arg-type]
    assert [one["verify_challenge_resource"] for one in found] == [is_checked]


@pytest.mark.parametrize("module", ["azure.keyvault.secrets", "azure.identity"])
def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    pytest.importorskip("azure.keyvault.secrets")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ScopedSecretsError) as caught:
        keeper().login()
    assert (caught.value.code, module.replace(".", "-") in caught.value.hint) == ("missing_library", True)


def test_the_files_import_no_library_of_azure() -> None:
    files = ["key_vault", "client", "logins", "names"]
    package = AzureKeyVault.__module__.rpartition(".")[0]
    script = "import importlib, sys\n" + "".join(f"importlib.import_module('{package}.{file}')\n" for file in files)
    script += "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'msal', 'requests')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
