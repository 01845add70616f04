# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a team don't lead others to give away files, identities and secrets that the team itself can't read."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.managers.hashicorp_vault import logins
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, error_of, holding, read

SCOPES: dict[str, dict[str, str]] = {
    "account": {},
    "org": {"org": "payments"},
    "api": {"org": "payments", "project": "api"},
    "web": {"org": "payments", "project": "web"},
}
NOT_ALLOWED, NOT_SHARED = "machine_credential_not_allowed", "not_shared"
# Whose row is used by whom: the runner's key, the scope of the row, and the scopes whose keys were handed out.
CASES = [
    ("root", "api", [], True),
    ("root", "api", ["web"], True),
    ("root", "api", ["api"], False),
    ("root", "api", ["org"], False),
    ("root", "account", ["org", "api"], True),
    ("root", "account", ["account"], False),
    ("org", "api", ["api"], False),
    ("org", "api", ["org", "web"], True),
    ("org", "org", ["org", "api"], True),
    ("api", "api", ["account", "org", "api"], True),
]


class Store:
    """A store with scopes, and files of the machine that rows may name."""

    def __init__(self, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self.folder = folder
        self.admin = Engine(settings)
        self.file = folder / "token"
        self.file.write_text("canary")
        self.read_files: list[str] = []
        for scope in ("org", "api", "web"):
            declare(self.admin, "scope", **SCOPES[scope])
        reading = logins._read

        def recorded(what: str, path: str) -> str:
            self.read_files.append(path)
            return reading(what, path)

        monkeypatch.setattr(logins, "_read", recorded)

    def hand_out(self, *scopes: str) -> None:
        for scope in scopes:
            declare(self.admin, "scope_key", **SCOPES[scope], dest=str(self.folder / f"{scope}.key"))

    def by(self, scope: str, **settings: str) -> Engine:
        """Return an engine with the key of a scope, or the root key."""
        if scope == "root":
            return Engine(self.settings._replace(**settings))
        return Engine(holding(self.settings, **SCOPES[scope]).settings._replace(**settings))

    def add_vault(self, scope: str, **login: Any) -> None:
        """Declare a connector whose server does not exist, with the key of its own scope."""
        place = {**SCOPES[scope], "identifier": "own", "check": False, "url": "http://127.0.0.1:1", "retries": 0}
        engine = self.admin if scope == "account" else self.by(scope)
        declare(engine, "connector_hashicorp_vault", **place, **login)


@pytest.fixture
def store(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(settings, tmp_path, monkeypatch)


def code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except ScopedSecretsError as error:
        return error.code
    return ""


@pytest.mark.parametrize(("runner", "row", "handed_out", "works"), CASES)
def test_a_file_is_sent_unless_someone_with_a_lower_key_could_have_named_it(
    store: Store, runner: str, row: str, handed_out: list[str], works: bool
) -> None:
    store.add_vault(row, auth_method="jwt", role="r", token_file=str(store.file))
    store.hand_out(*handed_out)
    code = code_of(lambda: read(store.by(runner), "hashicorpvault://own/a", **SCOPES[row]))
    assert (code == NOT_ALLOWED) is not works
    assert store.read_files == ([str(store.file)] if works else [])


LOGINS: list[dict[str, Any]] = [
    {"auth_method": "jwt", "role": "r", "token_file": "{file}"},
    {"auth_method": "agent", "sink_path": "{file}"},
    {"auth_method": "agent"},
    {"auth_method": "kubernetes", "role": "r", "service_account_token_path": "{file}"},
    {"auth_method": "kubernetes", "role": "r"},
    {"auth_method": "aws_iam", "role": "r"},
    {"auth_method": "token", "token": "t", "ca_cert": "{file}"},
    {"auth_method": "cert", "client_cert": "{file}", "client_key": "{file}"},
]


@pytest.mark.parametrize("login", LOGINS, ids=lambda login: "-".join(login))
@pytest.mark.parametrize(
    "road",
    [
        lambda engine: read(engine, "hashicorpvault://own/a", **SCOPES["api"]),
        lambda engine: declare(
            engine, "secret_text", **SCOPES["api"], identifier="b", value=b"v", secret_manager="own"
        ),
        lambda engine: declare(engine, "connector_hashicorp_vault", **SCOPES["api"], identifier="own", timeout=3),
        lambda engine: declare(
            engine, "secret_text", **SCOPES["api"], identifier="c", reference="x", secret_manager="own"
        ),
    ],
    ids=["read", "write", "connector", "reference"],
)
def test_no_road_takes_it(store: Store, login: dict[str, Any], road: Callable[[Engine], object]) -> None:
    given = {name: str(value).format(file=store.file) for name, value in login.items()}
    store.add_vault("api", **given)
    store.hand_out("api")
    store.read_files.clear()
    assert code_of(lambda: road(store.by("root"))) == NOT_ALLOWED
    assert store.read_files == []
    result = declare(store.by("root"), "connector_check", **SCOPES["api"], identifier="own")
    assert result.returned["connector"]["code"] == NOT_ALLOWED


@pytest.mark.parametrize(
    ("login", "listed"), [({"token_file": "{file}"}, "{file}"), ({}, "hashicorp_vault.kubernetes")]
)
def test_what_the_machine_lists_is_used(store: Store, login: dict[str, str], listed: str) -> None:
    method = {"auth_method": "jwt" if login else "kubernetes", "role": "r"}
    store.add_vault("api", **method, **{name: value.format(file=store.file) for name, value in login.items()})
    store.hand_out("api")
    reading = {"allowed_credentials": f"/other,{listed.format(file=store.file)}"}
    for settings, is_refused in ((reading, False), ({"allowed_credentials": "/other,custom.none"}, True)):
        engine = store.by("root", **settings)
        code = code_of(lambda using=engine: read(using, "hashicorpvault://own/a", **SCOPES["api"]))  # type: ignore[misc]
        assert (code == NOT_ALLOWED) is is_refused


def test_the_error_names_what_is_taken_and_the_setting(store: Store) -> None:
    store.add_vault("api", auth_method="agent", sink_path=str(store.file))
    store.hand_out("api")
    error = error_of(lambda: read(store.by("root"), "hashicorpvault://own/a", **SCOPES["api"]))
    assert error.category == "forbidden"
    assert str(store.file) in error.message
    assert "The key of project 'payments/api' was handed out" in error.message
    assert "SCOPED_SECRETS_ALLOWED_CREDENTIALS" in error.hint


def test_force_removes_a_scope_whose_connector_may_not_log_in(store: Store, cloud: Cloud) -> None:
    declare(store.admin, "connector_memory_vault", **SCOPES["api"], identifier="vault", token="good")
    declare(store.admin, "secret_text", **SCOPES["api"], identifier="a", value=b"v", secret_manager="vault")
    store.add_vault("api", auth_method="agent", sink_path=str(store.file))
    store.hand_out("api")
    assert declare(store.by("root"), "scope", **SCOPES["api"], state="absent", force=True).changed


# Credentials for hosts


@pytest.mark.parametrize(("runner", "row", "handed_out", "works"), CASES)
@pytest.mark.parametrize("option", ["private_key_path", "krb5_config"])
def test_a_file_that_a_credential_names_is_not_used(
    store: Store, option: str, runner: str, row: str, handed_out: list[str], works: bool
) -> None:
    kerberos = {"auth_scheme": "kerberos", "principal": "me@R", "tgt": "none"}
    scheme = {"user": "u"} if option == "private_key_path" else kerberos
    if option == "private_key_path":
        declare(
            store.admin, "secret_ssh", **SCOPES["account"], identifier="made", user="u", generate={"type": "ed25519"}
        )
        (made,) = store.admin.resolve([Query("made#private_key")])
        store.file.write_bytes(made.value)
    engine = store.admin if row == "account" else store.by(row)
    declare(engine, "secret_ssh", **SCOPES[row], identifier="login", **scheme, **{option: str(store.file)})
    store.hand_out(*handed_out)
    query = Query("login", **SCOPES[row])
    (answer,) = store.by(runner).resolve([query])
    login = code_of(lambda: store.by(runner).open_host_login(query))
    code = answer.error.code if answer.error else ""
    assert (code == NOT_ALLOWED, login == NOT_ALLOWED) == (not works, not works)
    if not works:
        assert answer.value == b""
        allowing = store.by(runner, allowed_credentials=str(store.file))
        assert code_of(lambda: read(allowing, "login", **SCOPES[row])) == ""


# References upward


@pytest.mark.parametrize(
    ("row", "target", "handed_out", "works"),
    [
        ("api", "account.admin", [], True),
        ("api", "account.admin", ["web"], True),
        ("api", "account.admin", ["api"], False),
        ("api", "account.admin", ["org"], False),
        ("api", "account.admin", ["account"], True),
        ("api", "org.admin", ["api"], False),
        ("api", "org.admin", ["org"], True),
        ("api", "org.admin", ["account", "org"], True),
        ("api", "admin", ["api", "org"], True),
        ("org", "account.admin", ["api"], True),
        ("org", "account.admin", ["org"], False),
        ("account", "admin", ["account"], True),
    ],
)
def test_a_stored_reference_upward_needs_a_share_once_a_key_was_handed_out(
    store: Store, cloud: Cloud, row: str, target: str, handed_out: list[str], works: bool
) -> None:
    for scope in ("account", "org", "api"):
        declare(store.admin, "secret_text", **SCOPES[scope], identifier="admin", value=b"good")
    place = SCOPES[row]
    declare(store.admin, "connector_memory_vault", **place, identifier="vault", token_ref=target)
    declare(store.admin, "secret_ssh", **place, identifier="login", user="u", password_ref=target)
    declare(store.admin, "secret_text", **place, identifier="a", value=b"v", secret_manager="vault")
    store.hand_out(*handed_out)
    new = {**place, "identifier": "b", "value": b"v", "secret_manager": "vault"}
    admin, logins_before = store.by("root"), cloud.counts["login"]
    codes = {
        "read": code_of(lambda: read(admin, "a", **place)),
        "write": code_of(lambda: declare(admin, "secret_text", **new)),
        "connector": code_of(lambda: declare(admin, "connector_memory_vault", **place, identifier="vault", timeout=9)),
        "planned": code_of(lambda: check(admin, "connector_memory_vault", **place, identifier="vault", timeout=8)),
        "credential": code_of(lambda: read(admin, "login", **place)),
        "login": code_of(lambda: admin.open_host_login(Query("login", **place))),
    }
    assert set(codes.values()) == {"" if works else NOT_SHARED}, codes
    assert (cloud.counts["login"] > logins_before) is works
    # What the playbook itself names is the choice of whoever runs it.
    assert read(admin, target, **place) == b"good"
    if not works:
        owner, name = target.split(".")
        declare(admin, "secret_share", **SCOPES[owner], identifier=name, to_org="payments", **_project(row))
        assert read(store.by("root"), "a", **place) == b"v"
        assert read(store.by("root"), "login#password", **place) == b"good"


def test_a_url_upward_can_not_be_shared(store: Store) -> None:
    program = store.folder / "program"
    program.write_text(
        """#!/bin/sh\nread -r request\ncase $request in\n  *'"capabilities"'*) echo '{"verbs": ["get"]}' ;;\n"""
        """  *) echo '{"value": "good"}' ;;\nesac\n"""
    )
    program.chmod(0o755)
    declare(store.admin, "connector_custom", identifier="own", command=[str(program)])
    url = "account.custom://own/admin"
    declare(store.admin, "secret_ssh", **SCOPES["api"], identifier="login", user="u", password_ref=url)
    assert read(store.by("root"), "login#password", **SCOPES["api"]) == b"good"
    store.hand_out("api")
    assert code_of(lambda: read(store.by("root"), "login", **SCOPES["api"])) == NOT_SHARED
    assert read(store.by("root"), url, **SCOPES["api"]) == b"good"


def _project(row: str) -> dict[str, str]:
    return {"to_project": "api"} if row == "api" else {}


def test_the_error_says_what_to_share(store: Store) -> None:
    declare(store.admin, "secret_text", identifier="admin", value=base64.b64encode(b"good"))
    declare(store.admin, "secret_ssh", **SCOPES["api"], identifier="login", user="u", password_ref="account.admin")
    store.hand_out("api")
    error = error_of(lambda: read(store.by("root"), "login", **SCOPES["api"]))
    assert (error.code, error.category) == (NOT_SHARED, "forbidden")
    assert "share 'admin' of the account with it: scoped.secrets.secret_share" in error.hint
