# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HashiCorp Vault without a server."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.connectors import connector_spec
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability, ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import vault as hashicorp_vault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault.vault import HashicorpVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import login_options, manager_kind
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

URL = "https://vault.example.com:8200"
PACKAGE = "ansible_collections.scoped.secrets.plugins.module_utils.managers"


def kind(**options: Any) -> HashicorpVault:
    return HashicorpVault(
        {"url": URL, "auth_method": "token", "token": "t", **options}, ConnectorContext("connector 'x'")
    )


def refusal(**options: Any) -> ScopedSecretsError:
    with pytest.raises(ScopedSecretsError) as caught:
        HashicorpVault.validate(options)
    return caught.value


def test_it_is_found_by_its_name() -> None:
    assert manager_kind("hashicorp_vault") is HashicorpVault
    assert HashicorpVault.KIND == "hashicorp_vault"
    assert set(Capability) == HashicorpVault.CAPABILITIES


@pytest.mark.parametrize("file", ["hashicorp_vault.vault", "hashicorp_vault.logins", "hashicorp_vault.client", "http"])
def test_importing_it_loads_no_sdk(file: str) -> None:
    sdks = ["hvac", "requests", "urllib3", "botocore"]
    code = f"import sys, {PACKAGE}.{file}; print([name for name in {sdks} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_option_has_a_default_of_its_own() -> None:
    options = {**HashicorpVault.OPTIONS, **login_options(HashicorpVault)}
    assert not [name for name, spec in options.items() if "default" in spec or "required" in spec]
    assert HashicorpVault.DEFAULTS.keys() < HashicorpVault.OPTIONS.keys()


def test_logins_agree_on_the_options_that_they_share() -> None:
    for login in HashicorpVault.LOGINS:
        for name, spec in login.OPTIONS.items():
            assert login_options(HashicorpVault)[name] == spec
            assert name not in HashicorpVault.OPTIONS


def test_every_credential_has_a_twin_and_is_never_logged() -> None:
    options = connector_spec(HashicorpVault).options
    credentials = {"token", "secret_id", "jwt", "secret_access_key", "session_token", "client_key", "password"}
    assert credentials <= {name for name, spec in options.items() if spec.get("no_log")}
    assert {f"{name}_ref" for name in credentials | {"ca_cert", "client_cert"}} <= options.keys()


def test_the_least_that_is_needed() -> None:
    HashicorpVault.validate({"url": URL})
    assert refusal().code == "incomplete_connector"
    assert refusal(url="").code == "incomplete_connector"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"url": "vault.example.com"}, "invalid_url"),
        ({"url": "http://vault.example.com"}, "plain_http"),
        ({"url": "https://vault.example.com/v1"}, "invalid_url"),
        ({"url": "https://vault.example.com:8200/proxy/v1/"}, "invalid_url"),
        ({"engine": ""}, "name_not_allowed"),
        ({"engine": "../sys"}, "name_not_allowed"),
        ({"namespace": "a/../b"}, "name_not_allowed"),
        ({"base_path": "a/../b"}, "name_not_allowed"),
        ({"base_path": "a\nb"}, "name_not_allowed"),
        ({"timeout": 0}, "invalid_option"),
        ({"timeout": 601}, "invalid_option"),
        ({"retries": -1}, "invalid_option"),
        ({"retries": 11}, "invalid_option"),
    ],
)
def test_options_that_can_t_work(options: dict[str, Any], code: str) -> None:
    error = refusal(**{"url": URL, **options})
    assert (error.code, error.category) == (code, "invalid_input")


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://vault.example.com", "allow_plain_http": True},
        {"url": "http://127.0.0.1:8200"},
        {"namespace": "/a/b/", "engine": "/team/kv/", "base_path": "/"},
        {"timeout": 600, "retries": 0},
    ],
)
def test_options_that_work(options: dict[str, Any]) -> None:
    HashicorpVault.validate({"url": URL, **options})


@pytest.mark.parametrize(("base_path", "path"), [("", "x"), ("/", "x"), ("a/b", "a/b/x"), ("/a//b/", "a/b/x")])
def test_where_a_secret_is_kept(base_path: str, path: str) -> None:
    assert kind(base_path=base_path).path_of("x") == path


def test_where_a_secret_is_kept_without_a_base_path_at_all() -> None:
    assert kind().path_of("a$b-c_d") == "a$b-c_d"


def test_notices() -> None:
    assert kind().notices == []
    assert len(kind(validate_certs=False).notices) == 1
    assert kind(validate_certs=False, url="http://127.0.0.1").notices == []


def test_nothing_is_settled_before_the_server_was_asked() -> None:
    assert kind().settled() == {}
    assert kind(detected_engine_version=2).settled() == {}


def test_closing_what_was_never_opened() -> None:
    kind().close()


def test_read_only_is_known_without_asking() -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        kind(read_only=True).remove("x", "me")
    assert caught.value.code == "read_only_manager"


@pytest.mark.parametrize(
    ("missing", "requirement"),
    [("hvac", hashicorp_vault.REQUIREMENTS[0]), ("requests", hashicorp_vault.REQUIREMENTS[1])],
)
def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str, requirement: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ScopedSecretsError) as caught:
        kind(validate_certs=False).login()
    assert (caught.value.code, caught.value.category) == ("missing_library", "missing_library")
    assert f"pip install '{requirement}'" in caught.value.hint
