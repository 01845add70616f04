# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each login says what it takes from the machine that logs in. A new one that doesn't is found here."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Login, Manager, NoLogin
from ansible_collections.scoped.secrets.plugins.module_utils.managers.network import PEM_OR_PATH
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds

LOGINS = [(kind, login) for kind in kinds().values() for login in kind.LOGINS if login is not NoLogin]
EACH = pytest.mark.parametrize(("kind", "login"), LOGINS, ids=[f"{kind.KIND}-{login.NAME}" for kind, login in LOGINS])
# A section of a file that the libraries find by themselves: logins that take it are ambient.
NO_FILE = {"profile"}
PEM = "-----BEGIN CERTIFICATE-----\nx\n"
KEYS = {"access_key_id": "AKIA", "secret_access_key": "s"}
BLANK = {"access_key_id": " ", "secret_access_key": "s"}


@EACH
def test_options_that_name_files_are_declared(kind: type[Manager], login: type[Login]) -> None:
    for name, spec in {**kind.OPTIONS, **login.OPTIONS}.items():
        may_be_file = spec.get("type") == "path" or re.search(r"(path|file|cert|certificate|client_key)$", name)
        if may_be_file and name not in {"base_path", "path", *NO_FILE}:
            assert name in {*login.FILES, *PEM_OR_PATH}, name


@EACH
def test_a_login_without_a_credential_is_ambient_or_has_a_file(kind: type[Manager], login: type[Login]) -> None:
    credentials = [name for name, spec in login.OPTIONS.items() if spec.get("no_log")]
    required = set(login.REQUIRED)
    if not required & set(credentials) and "role_id" not in required:
        bare = {"auth_method": login.NAME}
        files = {name: f"/{name}" for name in login.FILES}
        assert login.is_ambient(bare) or login.FILES or login.NAME == "anonymous", login
        assert kind.taken_from_machine({**bare, **files}, {})


@pytest.mark.parametrize(
    ("name", "options", "taken"),
    [
        ("hashicorp_vault", {"auth_method": "token"}, []),
        ("hashicorp_vault", {"auth_method": "approle", "role_id": "r"}, []),
        ("hashicorp_vault", {"auth_method": "jwt", "token_file": "/run/../etc/root.key"}, ["/etc/root.key"]),
        ("hashicorp_vault", {"auth_method": "agent", "sink_path": "/run/token"}, ["/run/token"]),
        ("hashicorp_vault", {"auth_method": "agent"}, ["hashicorp_vault.agent"]),
        ("hashicorp_vault", {"auth_method": "kubernetes", "role": "r"}, ["hashicorp_vault.kubernetes"]),
        ("hashicorp_vault", {"auth_method": "kubernetes", "service_account_token_path": "/t"}, ["/t"]),
        ("hashicorp_vault", {"auth_method": "aws_iam", "role": "r"}, ["hashicorp_vault.aws_iam"]),
        ("hashicorp_vault", {"auth_method": "aws_iam", "role": "r", **KEYS}, []),
        # A login ignores blanks, and so must this.
        ("hashicorp_vault", {"auth_method": "aws_iam", "role": "r", **BLANK}, ["hashicorp_vault.aws_iam"]),
        ("hashicorp_vault", {"auth_method": "agent", "sink_path": " "}, ["hashicorp_vault.agent"]),
        (
            "hashicorp_vault",
            {"auth_method": "kubernetes", "service_account_token_path": "\t"},
            ["hashicorp_vault.kubernetes"],
        ),
        ("aws_kms", {"auth_method": "assume_role", "role_arn": "a", **BLANK}, ["aws_kms.assume_role"]),
        (
            "azure_key_vault",
            {"auth_method": "workload_identity", "token_file": " "},
            ["azure_key_vault.workload_identity"],
        ),
        ("hashicorp_vault", {"auth_method": "token", "ca_cert": "/etc/ca.pem"}, ["/etc/ca.pem"]),
        ("hashicorp_vault", {"auth_method": "token", "ca_cert": PEM}, []),
        ("hashicorp_vault", {"auth_method": "cert", "ca_cert": ""}, []),
        ("aws_secrets_manager", {"auth_method": "access_key", **KEYS}, []),
        ("aws_secrets_manager", {"auth_method": "assume_role", "role_arn": "a", **KEYS}, []),
        (
            "aws_secrets_manager",
            {"auth_method": "assume_role", "role_arn": "a", "profile": "p"},
            ["aws_secrets_manager.assume_role"],
        ),
        ("aws_kms", {"auth_method": "web_identity", "token_file": "/t"}, ["/t"]),
        ("aws_kms", {"auth_method": "default"}, ["aws_kms.default"]),
        ("azure_key_vault", {"auth_method": "managed_identity"}, ["azure_key_vault.managed_identity"]),
        ("azure_key_vault", {"auth_method": "workload_identity"}, ["azure_key_vault.workload_identity"]),
        ("azure_key_vault", {"auth_method": "workload_identity", "token_file": "/t"}, ["/t"]),
        ("azure_key_vault", {"auth_method": "default"}, ["azure_key_vault.default"]),
        ("gcp_kms", {"auth_method": "default"}, ["gcp_kms.default"]),
        ("gcp_secret_manager", {"auth_method": "workload_identity", "token_file": "/t"}, ["/t"]),
        ("cyberark_conjur", {"auth_method": "jwt", "service_id": "s", "token_file": "/t"}, ["/t"]),
        ("cyberark_conjur", {"auth_method": "jwt", "service_id": "s"}, []),
        ("custom", {"auth_method": "none"}, []),
    ],
)
def test_what_is_taken(name: str, options: dict[str, Any], taken: list[str]) -> None:
    assert kinds()[name].taken_from_machine(options, {}) == {one: one for one in taken}


def test_a_credential_that_is_a_path_counts_once_it_is_known() -> None:
    options = {"auth_method": "cert", "client_cert_ref": "cert"}
    kind = kinds()["hashicorp_vault"]
    taken = kind.taken_from_machine(options, {"client_cert": PEM, "client_key": "/canary/key.pem"})
    # What a secret holds is not shown, path or not.
    assert taken == {"/canary/key.pem": "the file of 'client_key'"}
    assert kind.taken_from_machine(options, {"client_cert": PEM, "client_key": PEM}) == {}
