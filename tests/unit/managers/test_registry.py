# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds are found by name, logins by the given options."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from typing import ClassVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures, registry
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ArgumentSpec, KeyKeeper, Login
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import (
    KINDS,
    choose_login,
    credentials_of,
    kinds,
    login_options,
    manager_kind,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.references import SCHEMES
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import MemoryVault

PACKAGE = "ansible_collections.scoped.secrets.plugins.module_utils.managers"
SDKS = ("azure", "boto3", "botocore", "conjur_api", "google", "grpc", "hvac", "msal", "requests", "urllib3")


def chosen(*given: str, method: str = "") -> str:
    return choose_login(MemoryVault, frozenset(given), method).NAME


def test_every_kind_is_found_by_its_name_in_order() -> None:
    assert list(kinds()) == sorted(kinds())
    assert {"aws_kms", "aws_secrets_manager", "hashicorp_vault"} <= set(kinds())
    assert all(manager_kind(name) is kind for name, kind in kinds().items())


def test_every_kind_is_taken_along_by_a_delegated_module() -> None:
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(registry))) if isinstance(node, ast.ImportFrom)]
    shipped = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    assert {name: shipped.get(name) for name in KINDS} == KINDS
    assert list(KINDS) == sorted(KINDS)


@pytest.mark.parametrize(
    "name", ["none", "", "base", "registry", "failures", ".", "..", "a.b", "base.Manager", "x" * 500]
)
def test_what_is_no_kind_is_told(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        manager_kind(name)
    assert (caught.value.code, len(caught.value.message) < 200) == ("unknown_kind", True)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_a_kind_is_looked_at_without_its_library(name: str) -> None:
    """Module files and the router read a kind's options."""
    code = f"import sys, {PACKAGE}.{KINDS[name]}; print([name for name in {SDKS!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_url_scheme_leads_to_a_kind_that_can_read_paths() -> None:
    known = {kind for kind, _version in SCHEMES.values()} & set(kinds())
    assert {kind for kind in kinds() if not issubclass(kinds()[kind], KeyKeeper)} == known


def test_the_options_of_all_logins() -> None:
    assert set(login_options(MemoryVault)) == {"token", "namespace", "user", "password"}


def test_credentials_are_what_may_be_a_reference() -> None:
    assert credentials_of(MemoryVault) == ["token", "password", "ca_cert"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ((), "anonymous"),
        (("vault", "base"), "anonymous"),
        (("token",), "token"),
        (("token", "namespace", "vault"), "token"),
    ],
)
def test_a_login_is_the_one_that_takes_what_is_given(given: tuple[str, ...], name: str) -> None:
    assert chosen(*given) == name


def test_a_named_login_is_that_one() -> None:
    assert chosen("user", "password", method="directory") == "directory"
    assert chosen(method="anonymous") == "anonymous"


@pytest.mark.parametrize(
    ("given", "method", "code", "words"),
    [
        (("user", "password"), "", "unclear_login", "fit several logins: password, directory"),
        (("namespace",), "", "unclear_login", "(namespace) don't match any login of Memory"),
        (("token", "user"), "", "unclear_login", "(token, user) don't match any login of Memory"),
        (("token",), "password", "unclear_login", "'password' does not take all"),
        (("token",), "none", "unclear_login", "'none' does not take all"),
        (("user",), "password", "incomplete_login", "needs 'password'"),
        ((), "token", "incomplete_login", "needs 'token'"),
    ],
)
def test_what_is_unclear_is_not_guessed(given: tuple[str, ...], method: str, code: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chosen(*given, method=method)
    assert (caught.value.code, words in caught.value.message) == (code, True)
    assert caught.value.code == "incomplete_login" or "password (user, password)" in caught.value.hint


class Picky(Login):
    NAME = "picky"
    OPTIONS: ClassVar[ArgumentSpec] = {"role": {}, "file": {}, "text": {}}
    REQUIRED = ("role",)

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        super().validate(given)
        if not given & {"file", "text"}:
            raise failures.incomplete_login(cls.NAME, ["file"])


class PickyVault(MemoryVault):
    LOGINS = (Picky,)


@pytest.mark.parametrize("method", ["", "picky"])
def test_a_login_that_is_guessed_must_be_whole_too(method: str) -> None:
    assert choose_login(PickyVault, frozenset({"role", "text"}), method) is Picky
    with pytest.raises(InvalidInput) as caught:
        choose_login(PickyVault, frozenset({"role"}), method)
    assert caught.value.code == "incomplete_login"
