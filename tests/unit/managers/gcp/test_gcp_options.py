# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Google kinds without Google: logins chosen by options, invalid options, imports."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.kms import GcpKms, canonical
from ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.secret_manager import (
    GcpSecretManager,
    owner_mark,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import (
    choose_login,
    credentials_of,
    kinds,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, ScopedSecretsError
from hypothesis import given
from hypothesis import strategies as st

CONNECTOR = ConnectorContext("connector 'google' of the account")
KEY = {"location": "europe-west3", "key_ring": "ring", "key": "key"}
BOTH = pytest.mark.parametrize("kind", [GcpKms, GcpSecretManager])
FEDERATION = "project_number pool provider token_file"


def needed(kind: type[Manager]) -> dict[str, Any]:
    """Return the required options of a kind."""
    return KEY if kind is GcpKms else {}


def refused(call: Callable[[], object]) -> ScopedSecretsError:
    with pytest.raises(ScopedSecretsError) as caught:
        call()
    return caught.value


def test_both_are_found_by_name_and_the_shared_files_are_no_kinds() -> None:
    assert {name: kind for name, kind in kinds().items() if name.startswith("gcp")} == {
        "gcp_kms": GcpKms,
        "gcp_secret_manager": GcpSecretManager,
    }


@BOTH
@pytest.mark.parametrize("library", ["google.cloud", "google_crc32c"])
def test_a_missing_library_is_named(kind: type[Manager], library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith(library):
            monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith(library):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("importlib.import_module", without)
    manager = kind({**needed(kind), "auth_method": "default"}, CONNECTOR)
    error = refused(manager.login)
    wanted = next(one for one in kind.REQUIREMENTS if one.startswith(library.replace(".", "-").replace("_", "-")))
    assert (error.code, wanted in error.hint) == ("missing_library", True)


@BOTH
def test_what_may_be_a_reference(kind: type[Manager]) -> None:
    assert credentials_of(kind) == ["credentials_json", "ca_cert"]


@BOTH
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("", "default"),
        ("credentials_json", "service_account"),
        (FEDERATION, "workload_identity"),
        (f"{FEDERATION} service_account_email sts_endpoint iam_endpoint", "workload_identity"),
    ],
)
def test_the_login_is_told_by_its_options(kind: type[Manager], given: str, name: str) -> None:
    assert name == choose_login(kind, frozenset(given.split())).NAME


@BOTH
@pytest.mark.parametrize(
    ("given", "method"),
    [
        ("pool", ""),
        ("pool provider token_file", ""),
        ("service_account_email", ""),
        (f"{FEDERATION} credentials_json", ""),
        ("credentials_json", "default"),
        ("", "service_account"),
        ("pool provider", "workload_identity"),
    ],
)
def test_options_that_make_no_login(kind: type[Manager], given: str, method: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_login(kind, frozenset(given.split()), method)
    assert caught.value.code in ("unclear_login", "incomplete_login")


@BOTH
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gcp_project": "payments-prod", "timeout": 1, "retries": 0},
        {"gcp_project": "123456789012"},
        {"gcp_project": "example.com:payments"},
        {"endpoint": "secretmanager.europe-west3.rep.googleapis.com"},
        {"endpoint": "kms.internal:8443"},
        {"endpoint": "https://kms.internal"},
        {"endpoint": "http://127.0.0.1:4566"},
        {"endpoint": "http://stand-in.example", "allow_plain_http": True},
        {"project_number": "123456789012", "pool": "my-pool", "provider": "gitlab-1", "sts_endpoint": "sts.p.example"},
        {"service_account_email": "ansible@payments-prod.iam.gserviceaccount.com"},
    ],
)
def test_options_that_can_work(kind: type[Manager], options: dict[str, Any]) -> None:
    kind.validate({**needed(kind), **options})


@BOTH
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"timeout": 0}, "invalid_option"),
        ({"timeout": 601}, "invalid_option"),
        ({"retries": -1}, "invalid_option"),
        ({"retries": 11}, "invalid_option"),
        ({"gcp_project": "a"}, "invalid_option"),
        ({"gcp_project": "payments/secrets/x"}, "invalid_option"),
        ({"gcp_project": "payments prod"}, "invalid_option"),
        ({"project_number": "payments-prod"}, "invalid_option"),
        ({"pool": "a/b"}, "invalid_option"),
        ({"provider": "X"}, "invalid_option"),
        ({"service_account_email": "a@b/../c"}, "invalid_option"),
        ({"endpoint": "ftp://host"}, "invalid_url"),
        ({"endpoint": "https://user:password@host"}, "invalid_url"),
        ({"endpoint": "host:99999"}, "invalid_url"),
        ({"endpoint": "http://host"}, "plain_http"),
        ({"sts_endpoint": "http://host"}, "plain_http"),
        ({"iam_endpoint": "http://host", "allow_plain_http": False}, "plain_http"),
    ],
)
def test_options_that_can_not_work(kind: type[Manager], options: dict[str, Any], code: str) -> None:
    assert refused(lambda: kind.validate({**needed(kind), **options})).code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        *(({name: ""}, "incomplete_connector") for name in KEY),
        ({"key": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}, "invalid_option"),
        ({"key_ring": "a/b"}, "invalid_option"),
        ({"location": "Europe"}, "invalid_option"),
        ({"key": "x" * 64}, "invalid_option"),
        ({"data_key_reuse": "always"}, "invalid_option"),
        ({"data_key_reuse": "0"}, "invalid_option"),
        ({"data_key_reuse": "1000001"}, "invalid_option"),
    ],
)
def test_keys_that_can_not_be(options: dict[str, Any], code: str) -> None:
    assert refused(lambda: GcpKms.validate({**KEY, **options})).code == code


@pytest.mark.parametrize("reuse", ["none", "run", "1", "1000000"])
def test_reuse_that_can_be(reuse: str) -> None:
    GcpKms.validate({**KEY, "data_key_reuse": reuse})


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": "a/b"},
        {"prefix": "a$"},
        {"prefix": "x" * 256},
        {"locations": ["europe-west3", "europe-west3"]},
        {"locations": ["Frankfurt"]},
        {"locations": ["europe-west3/x"]},
    ],
)
def test_places_that_can_not_be(options: dict[str, Any]) -> None:
    assert refused(lambda: GcpSecretManager.validate(options)).code == "invalid_option"


def secrets_at(prefix: str) -> GcpSecretManager:
    return GcpSecretManager({"prefix": prefix, "auth_method": "default"}, CONNECTOR)


def test_a_name_is_prefix_and_identifier_or_refused() -> None:
    assert [secrets_at(prefix).path_of("Db_password-1") for prefix in ("", "devops")] == [
        "Db_password-1",
        "devops-Db_password-1",
    ]
    for prefix, name in (("", "a$b"), ("p" * 200, "x" * 55)):
        assert refused(lambda: secrets_at(prefix).path_of(name)).code == "name_not_allowed"  # noqa: B023 -- called at once


@pytest.mark.parametrize(
    ("value", "code"), [(b"", "empty_value_not_allowed"), (b"x" * 65_537, "value_too_large_for_manager")]
)
def test_values_that_are_never_sent(value: bytes, code: str) -> None:
    assert refused(lambda: secrets_at("").check_writing(value)).code == code


@pytest.mark.parametrize("value", [None, b"x", b"x" * 65_536])
def test_values_that_may_be_sent(value: bytes | None) -> None:
    secrets_at("").check_writing(value)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_mark_fits_a_label_and_is_its_owners_alone(one: str, other: str) -> None:
    mark = owner_mark(one)
    assert len(mark) <= 63
    assert set(mark) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert (mark == owner_mark(other)) == (one == other)


CONTEXTS = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=4)


@given(CONTEXTS, CONTEXTS)
def test_no_two_contexts_have_one_form(one: dict[str, str], other: dict[str, str]) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_the_form_of_a_context_stays() -> None:
    found = canonical({"version": "1", "store_id": "s"})
    assert found == (b"\0\0\0\x10scoped.secrets 1\0\0\0\x08store_id\0\0\0\x01s\0\0\0\x07version\0\0\0\x011")
