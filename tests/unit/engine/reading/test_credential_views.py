# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates get of a credential: exactly the fields of its kind and scheme. Logins: test_host_logins.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.host_logins import HostLogins
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.credential_views import (
    compose,
    open_host_login,
    parts_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.resolver import Composed
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.tests.unit.credentials.key_files import PASSPHRASE, made, ssh_keygen
from ansible_collections.scoped.secrets.tests.unit.engine.stores import error_of

KEY = made("-t", "ed25519", "-N", "")
SEALED = made("-t", "ed25519", "-N", PASSPHRASE.decode())
WHAT = "Secret 'web' in the account"
MARKING_KEY = ScopeKey("scope", 1, bytes(32))
PASSWORD = {"auth_scheme": "password", "user": "web"}
NTLM = {"auth_scheme": "ntlm", "user": "web"}
KERBEROS = {"auth_scheme": "kerberos", "principal": "web", "tgt": "none"}


def credential(kind: str, settings: dict[str, Any], *parts: str, **fields: str) -> Composed:
    return Composed(WHAT, kind, "id", settings, {name: Query(name) for name in parts}, MARKING_KEY, **fields)


def composed(kind: str, settings: dict[str, Any], parts: dict[str, bytes], **fields: str) -> Answer:
    values = {Query(name): Answer("text", value) for name, value in parts.items()}
    return compose(credential(kind, settings, *parts, **fields), values, HostLogins())


@pytest.mark.parametrize(
    ("kind", "settings", "parts", "view"),
    [
        ("ssh", PASSWORD, {"password": b"p"}, {**PASSWORD, "password": "p"}),
        ("ssh", {**PASSWORD, "port": 2222}, {"password": b"p"}, {**PASSWORD, "port": 2222, "password": "p"}),
        ("ssh", KERBEROS, {}, {**KERBEROS, "realm": ""}),
        (
            "ssh",
            {**KERBEROS, "realm": "A.ORG", "tgt": "keytab", "krb5_config": "/k"},
            {"keytab": b"\5\2"},
            {
                **KERBEROS,
                "principal": "web@A.ORG",
                "realm": "A.ORG",
                "tgt": "keytab",
                "krb5_config": "/k",
                "keytab_b64": "BQI=",
            },
        ),
        (
            "ssh",
            {**KERBEROS, "principal": "web@B.ORG", "tgt": "keytab", "keytab_path": "/t"},
            {},
            {**KERBEROS, "principal": "web@B.ORG", "realm": "B.ORG", "tgt": "keytab", "keytab_path": "/t"},
        ),
        (
            "ssh",
            {**KERBEROS, "tgt": "password"},
            {"password": b"p"},
            {**KERBEROS, "realm": "", "tgt": "password", "password": "p"},
        ),
        (
            "winrm",
            NTLM,
            {"password": b"p"},
            {
                **NTLM,
                "password": "p",
                "port": 5986,
                "scheme": "https",
                "transport": "ntlm",
                "server_cert_validation": "validate",
            },
        ),
        (
            "winrm",
            {**NTLM, "domain": "CORP", "use_tls": False, "skip_cert_check": True},
            {"password": b"p"},
            {
                "auth_scheme": "ntlm",
                "user": "CORP\\web",
                "password": "p",
                "port": 5985,
                "scheme": "http",
                "transport": "ntlm",
                "server_cert_validation": "ignore",
            },
        ),
        (
            "winrm",
            {**KERBEROS, "realm": "A.ORG", "port": 80, "krb5_config": "/k"},
            {},
            {
                "auth_scheme": "kerberos",
                "user": "web@A.ORG",
                "port": 80,
                "scheme": "https",
                "transport": "kerberos",
                "server_cert_validation": "validate",
                "krb5_config": "/k",
                "kinit_mode": "manual",
                "ticket_cache": "",
            },
        ),
    ],
)
def test_each_kind_has_its_fields(
    kind: str, settings: dict[str, Any], parts: dict[str, bytes], view: dict[str, Any]
) -> None:
    answer = composed(kind, settings, parts, expires_at="2999-01-01T00:00:00Z")
    assert answer.error is None
    assert (answer.kind, json.loads(answer.value), answer.expires_at) == (kind, view, "2999-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("key", "parts"),
    [(KEY, {}), (SEALED, {"passphrase": PASSPHRASE})],
    ids=["open", "with a passphrase"],
)
def test_a_key_comes_with_its_public_line_and_its_passphrase(key: bytes, parts: dict[str, bytes]) -> None:
    answer = composed("ssh", {"auth_scheme": "ssh_key", "user": "web"}, {"private_key": key, **parts})
    view = json.loads(answer.value)
    assert list(view) == ["auth_scheme", "user", "private_key", "public_key", *parts]
    assert view.get("passphrase") == (PASSPHRASE.decode() if parts else None)
    assert view["public_key"] == ssh_keygen(view["private_key"].encode(), "-y", "-P", PASSPHRASE.decode())


def test_a_key_may_be_a_file_of_the_control_node(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    answer = composed("ssh", {"auth_scheme": "ssh_key", "user": "web", "private_key_path": f"{tmp_path}/key"}, {})
    assert json.loads(answer.value)["private_key"].encode() == KEY


def test_one_field_is_a_text_that_expires_with_the_credential() -> None:
    answer = composed("ssh", PASSWORD, {"password": b"p"}, key="user", expires_at="2999-01-01T00:00:00Z")
    assert answer == Answer("text", b"web", expires_at="2999-01-01T00:00:00Z")
    missing = composed("ssh", PASSWORD, {"password": b"p"}, key="none")
    assert missing.error
    assert (missing.error.code, missing.value) == ("unknown_key", b"")


@pytest.mark.parametrize(
    ("settings", "parts", "code"),
    [
        (PASSWORD, {"password": Answer(error=NotFound("unknown_secret", "None.", hint="Add it."))}, "unknown_secret"),
        (PASSWORD, {"password": Answer("file", b"\xff")}, "credential_not_text"),
        (PASSWORD, {"passphrase": Answer("file", b"\xff")}, "credential_not_text"),
        ({"auth_scheme": "ssh_key", "private_key_path": "/none"}, {}, "unreadable_private_key_file"),
    ],
    ids=["missing", "password", "passphrase", "file"],
)
def test_a_part_that_can_not_be_used_is_an_error_that_names_the_credential(
    settings: dict[str, Any], parts: dict[str, Answer], code: str
) -> None:
    one, values = credential("ssh", settings, *parts), {Query(name): answer for name, answer in parts.items()}
    error = compose(one, values, HostLogins()).error
    assert error
    assert (error.code, code == "unknown_secret" or WHAT in error.message) == (code, True)
    for fails in (lambda: parts_of(one, values), lambda: open_host_login(one, values, HostLogins())):
        assert error_of(fails).code == code


def test_a_login_needs_a_credential_for_ssh() -> None:
    error = error_of(lambda: open_host_login(credential("winrm", NTLM), {}, HostLogins()))
    assert (type(error), error.code, WHAT in error.message) == (InvalidInput, "not_for_ssh", True)


@pytest.fixture
def mark(tmp_path: Path) -> Callable[..., str]:
    """A function that returns the mark of a login with a password."""
    logins = HostLogins(f"{tmp_path}/logins")

    def mark(settings: dict[str, Any], password: bytes, secret_id: str = "id") -> str:
        one = credential("ssh", settings, "password")._replace(secret_id=secret_id)
        return open_host_login(one, {Query("password"): Answer("text", password)}, logins).mark

    return mark


def test_the_mark_of_a_login_tells_credentials_apart(mark: Callable[..., str]) -> None:
    marks = [
        mark(PASSWORD, b"p"),
        mark(PASSWORD, b"q"),
        mark({**PASSWORD, "port": 22}, b"p"),
        mark(PASSWORD, b"p", "another"),
    ]
    assert (len(set(marks)), {len(mark) for mark in marks}) == (4, {64})
    assert marks[0] == mark(dict(reversed(PASSWORD.items())), b"p")
