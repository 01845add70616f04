# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials for hosts: declared out of other secrets, changed, removed, and put together again."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.credentials.key_files import PASSPHRASE, key_file, ssh_keygen
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    read,
    rows_of,
    shown,
)

KEY = key_file("ed25519 openssh").content.decode()
OTHER_KEY = key_file("prime256v1 pkcs8").content.decode()
SEALED_KEY = key_file("rsa traditional encrypted").content.decode()
PASSWORD = "correct horse battery"
KEYTAB = b"\x05\x02\0\0\0\x01"


def credential(engine: Engine, reference: str, org: str = "", project: str = "") -> dict[str, Any]:
    """Return a credential as a lookup would."""
    found: dict[str, Any] = json.loads(read(engine, reference, org, project))
    return found


def kept(engine: Engine, **filters: Any) -> list[str]:
    return [one["identifier"] for one in shown(engine, "secret_info", **filters)]


def test_a_key_that_is_given_is_kept_as_a_secret_of_its_own(engine: Engine, settings: Settings) -> None:
    result = declare(engine, "secret_ssh", identifier="deploy", user="web", private_key=KEY)
    view = result.returned["secret"]
    assert (result.changed, view["kind"], view["reference"]) == (True, "ssh", "account.deploy")
    assert view["options"] == {"auth_scheme": "ssh_key", "user": "web", "private_key_ref": "deploy_private_key"}
    assert view["public_key"].startswith("ssh-ed25519 ")
    assert view["key_fingerprint"] in ssh_keygen(KEY.encode(), "-l")
    assert "version" not in view
    assert kept(engine) == ["deploy", "deploy_private_key"]
    assert shown(engine, "secret_info", identifier="deploy_private_key")[0]["used_by"] == [
        {"kind": "secret", "identifier": "deploy", "field": "private_key_ref"}
    ]
    assert read(engine, "deploy_private_key").decode() == KEY
    assert not [line for line in content_of(settings) if KEY.splitlines()[1] in line]
    again = declare(engine, "secret_ssh", identifier="deploy", user="web", private_key=KEY)
    assert (again.changed, again.returned) == (False, result.returned)


def test_a_credential_is_handed_out_whole_and_by_field(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="deploy", user="web", port=2222, private_key=OTHER_KEY)
    found = credential(engine, "deploy")
    assert {name: found[name] for name in ("auth_scheme", "user", "port")} == {
        "auth_scheme": "ssh_key",
        "user": "web",
        "port": 2222,
    }
    assert found["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert " ".join(ssh_keygen(found["private_key"].encode(), "-y").split()[:2]) == found["public_key"]
    assert read(engine, "deploy#user") == b"web"
    assert read(engine, "deploy", key="/port") == b"2222"


def test_a_sealed_key_keeps_its_passphrase(engine: Engine) -> None:
    refused = error_of(lambda: declare(engine, "secret_ssh", identifier="a", user="web", private_key=SEALED_KEY))
    assert refused.code == "key_passphrase_missing"
    wrong = {"identifier": "a", "user": "web", "private_key": SEALED_KEY, "passphrase": "wrong"}
    assert error_of(lambda: declare(engine, "secret_ssh", **wrong)).code == "wrong_key_passphrase"
    assert kept(engine) == []
    declare(engine, "secret_ssh", **{**wrong, "passphrase": PASSPHRASE.decode()})
    assert kept(engine) == ["a", "a_passphrase", "a_private_key"]
    found = credential(engine, "a")
    assert found["passphrase"] == PASSPHRASE.decode()
    assert ssh_keygen(found["private_key"].encode(), "-y", "-P", found["passphrase"]).split()[0] == "ssh-rsa"


def test_parts_may_be_secrets_of_this_scope_and_higher_ones(engine: Engine, cloud: Cloud, settings: Settings) -> None:
    declare(engine, "scope", org="payments")
    add_connector(settings, "vault")
    cloud.put("keys/deploy", KEY.encode())
    declare(engine, "secret_text", identifier="word", value=PASSPHRASE)
    refs = {"private_key_ref": "account.memory://vault/keys/deploy", "passphrase_ref": "account.word"}
    view = shown(engine, "secret_ssh", org="payments", identifier="deploy", user="web", **refs)
    assert view["options"] == {"auth_scheme": "ssh_key", "user": "web", **refs}
    assert "public_key" not in view
    assert credential(engine, "deploy", "payments")["passphrase"] == PASSPHRASE.decode()
    assert error_of(lambda: declare(engine, "secret_text", identifier="word", state="absent")).code == "secret_in_use"
    assert cloud.counts["read"] == 1


@pytest.mark.parametrize(
    ("reference", "code"),
    [("nothing", "unknown_secret"), ("org.a", "reference_downward"), ("other", "credential_not_value")],
)
def test_a_part_must_be_there_and_be_a_value(engine: Engine, reference: str, code: str) -> None:
    declare(engine, "secret_ssh", identifier="other", user="web", password=PASSWORD)
    call = {"identifier": "a", "user": "web", "password_ref": reference}
    assert error_of(lambda: declare(engine, "secret_ssh", **call)).code == code
    assert "a" not in kept(engine)


def test_a_part_that_became_a_credential_is_no_value(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="word", value=b"x")
    declare(engine, "secret_ssh", identifier="a", user="web", password_ref="word")
    declare(engine, "secret_text", identifier="word", state="absent", force=True)
    declare(engine, "secret_ssh", identifier="word", user="web", password=PASSWORD)
    assert error_of(lambda: read(engine, "a")).code == "credential_not_value"


def test_another_scheme_replaces_what_the_old_one_needed(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", user="web", port=2222, private_key=KEY)
    result = declare(engine, "secret_ssh", identifier="a", auth_scheme="password", password=PASSWORD)
    assert result.returned["secret"]["options"] == {
        "auth_scheme": "password",
        "user": "web",
        "port": 2222,
        "password_ref": "a_password",
    }
    assert "public_key" not in result.returned["secret"]
    assert kept(engine) == ["a", "a_password"]
    assert result.after["own_secrets"] == {"password": "create", "private_key": "delete"}


def test_a_reference_replaces_what_was_kept(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", user="web", password=PASSWORD)
    declare(engine, "secret_text", identifier="word", value=b"x")
    declare(engine, "secret_ssh", identifier="a", password_ref="word")
    assert kept(engine) == ["a", "word"]
    assert credential(engine, "a")["password"] == "x"


def test_a_key_is_made_once(engine: Engine) -> None:
    wish = {"type": "ed25519", "bits": None, "comment": "us"}
    first = shown(engine, "secret_ssh", identifier="a", user="web", generate=wish)
    assert first["public_key"].endswith(" us")
    again = declare(engine, "secret_ssh", identifier="a", user="web", generate=wish)
    assert (again.changed, again.returned["secret"]) == (False, first)
    assert credential(engine, "a")["public_key"] == first["public_key"]
    sealed = shown(engine, "secret_ssh", identifier="b", user="web", generate=wish, passphrase=PASSWORD)
    assert sealed["options"]["passphrase_ref"] == "b_passphrase"
    assert "ENCRYPTED" not in read(engine, "b_private_key").decode()
    assert ssh_keygen(read(engine, "b_private_key"), "-y", "-P", PASSWORD).split()[1] in sealed["public_key"]


def test_a_file_secret_may_be_a_key_that_is_made_once(engine: Engine) -> None:
    wish = {"type": "ed25519", "bits": None, "comment": "us"}
    view = shown(engine, "secret_file", identifier="key", generate=wish)
    assert not declare(engine, "secret_file", identifier="key", generate=wish).changed
    assert ssh_keygen(read(engine, "key"), "-y") == view["public_key"]
    shown(engine, "secret_ssh", identifier="a", user="web", private_key_ref="key")
    assert credential(engine, "a")["public_key"] == view["public_key"]
    assert "public_key" not in shown(engine, "secret_file", identifier="key", value=KEY.encode())


def test_a_password_is_set_once_where_that_is_wanted(engine: Engine) -> None:
    call = {"identifier": "a", "user": "web", "update_value": "on_create"}
    declare(engine, "secret_ssh", **call, password="first")
    assert not declare(engine, "secret_ssh", **call, password="second").changed
    assert credential(engine, "a")["password"] == "first"


def test_check_mode_tells_and_does_nothing(engine: Engine) -> None:
    told = check(engine, "secret_ssh", identifier="a", user="web", private_key=KEY)
    assert (told.changed, told.returned["secret"]["options"]["user"]) == (True, "web")
    assert kept(engine) == []
    declare(engine, "secret_ssh", identifier="a", user="web", private_key=KEY)
    assert check(engine, "secret_ssh", identifier="a", user="web", private_key=OTHER_KEY).changed
    assert not check(engine, "secret_ssh", identifier="a", user="web", private_key=KEY).changed
    assert check(engine, "secret_ssh", identifier="a", state="absent").changed
    assert read(engine, "a_private_key").decode() == KEY


def test_a_credential_goes_with_what_it_keeps(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="word", value=b"x")
    declare(engine, "secret_ssh", identifier="a", user="web", private_key=KEY, passphrase="needless")
    assert declare(engine, "secret_ssh", identifier="a", state="absent").changed
    assert kept(engine) == ["word"]
    assert not declare(engine, "secret_ssh", identifier="a", state="absent").changed


def test_what_a_credential_keeps_does_not_go_alone_or_as_another_kind(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", user="web", password=PASSWORD)
    gone = {"identifier": "a_password", "state": "absent"}
    assert error_of(lambda: declare(engine, "secret_text", **gone)).code == "secret_in_use"
    assert error_of(lambda: declare(engine, "secret_text", identifier="a", state="absent")).code == "other_kind"
    assert (
        error_of(lambda: declare(engine, "secret_winrm", identifier="a", user="x", password="y")).code == "other_kind"
    )
    assert error_of(lambda: declare(engine, "secret_winrm", identifier="a", state="absent")).code == "other_kind"
    assert credential(engine, "a")["password"] == PASSWORD


def test_a_name_that_is_somebody_elses_is_not_taken(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="a_password", value=b"other")
    call = {"identifier": "a", "user": "web", "password": PASSWORD}
    assert error_of(lambda: declare(engine, "secret_ssh", **call)).code == "credential_name_taken"
    assert read(engine, "a_password") == b"other"


def test_its_own_secrets_go_to_the_default_manager_or_where_it_is_said(
    engine: Engine, settings: Settings, cloud: Cloud
) -> None:
    declare(engine, "scope", org="payments")
    add_connector(settings, "vault")
    declare(engine, "secret_ssh", identifier="a", user="web", password=PASSWORD, secret_manager="vault")
    declare(engine, "default_secret_manager", secret_manager="vault")
    declare(engine, "secret_ssh", identifier="b", user="web", password=PASSWORD)
    managers = {one["identifier"]: one["secret_manager"] for one in shown(engine, "secret_info")}
    assert managers == {"a": "builtin", "a_password": "vault", "b": "builtin", "b_password": "vault"}
    assert credential(engine, "b")["password"] == PASSWORD
    declare(engine, "secret_ssh", identifier="b", state="absent")
    assert kept(engine, secret_manager="vault") == ["a_password"]


def test_kerberos_takes_what_its_ticket_is_got_with(engine: Engine) -> None:
    declare(engine, "secret_file", identifier="tab", value=KEYTAB)
    call = {"identifier": "a", "principal": "web", "realm": "EXAMPLE.COM", "keytab_ref": "tab"}
    view = shown(engine, "secret_ssh", **call)
    assert view["options"] == {
        "auth_scheme": "kerberos",
        "principal": "web",
        "realm": "EXAMPLE.COM",
        "tgt": "keytab",
        "keytab_ref": "tab",
    }
    found = credential(engine, "a")
    assert (found["principal"], found["realm"]) == ("web@EXAMPLE.COM", "EXAMPLE.COM")
    assert base64.b64decode(found["keytab_b64"]) == KEYTAB
    changed = shown(engine, "secret_ssh", identifier="a", tgt="none", keytab_ref="")
    assert changed["options"]["tgt"] == "none"
    declare(engine, "secret_file", identifier="tab", value=b"no keytab")
    assert error_of(lambda: declare(engine, "secret_ssh", **call)).code == "invalid_keytab"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "auth_scheme_missing"),
        ({"user": "web"}, "auth_scheme_missing"),
        ({"private_key": KEY}, "incomplete_credential"),
        ({"auth_scheme": "password", "user": "web"}, "incomplete_credential"),
        ({"auth_scheme": "kerberos", "user": "web"}, "incomplete_credential"),
        ({"principal": "web", "tgt": "keytab"}, "incomplete_credential"),
        ({"principal": "web", "tgt": "password"}, "incomplete_credential"),
        ({"principal": "web", "tgt": "none", "password": "x"}, "foreign_option"),
        ({"user": "web", "auth_scheme": "password", "password": "x", "passphrase": "y"}, "foreign_option"),
        ({"user": "web", "private_key": KEY, "private_key_ref": "k"}, "contradicting_options"),
        ({"user": "web", "generate": {"type": "ed25519"}, "passphrase_ref": "k"}, "contradicting_options"),
        ({"principal": "web@A.ORG", "realm": "B.ORG"}, "contradicting_options"),
        ({"user": "web", "password": "x", "port": 0}, "invalid_option"),
        ({"user": "web", "password": "x", "port": 65536}, "invalid_option"),
        ({"user": "-oProxyCommand=x", "password": "x"}, "invalid_option"),
        ({"user": "we b", "password": "x"}, "invalid_option"),
        ({"user": "web", "password_ref": "a b"}, "invalid_identifier"),
        ({"user": "web", "private_key": "no key"}, "no_private_key"),
        ({"user": "web", "private_key_path": "/nowhere/key"}, "unreadable_private_key_file"),
        ({"user": "web", "generate": {"type": "rsa", "bits": 512}}, "invalid_generate"),
    ],
)
def test_what_makes_no_credential_is_refused(engine: Engine, options: dict[str, Any], code: str) -> None:
    assert error_of(lambda: declare(engine, "secret_ssh", identifier="a", **options)).code == code
    assert kept(engine) == []


def test_windows_by_ntlm(engine: Engine) -> None:
    call = {"identifier": "win", "domain": "CORP", "user": "web", "password": PASSWORD}
    declare(engine, "secret_winrm", **call)
    assert credential(engine, "win") == {
        "auth_scheme": "ntlm",
        "user": "CORP\\web",
        "password": PASSWORD,
        "port": 5986,
        "scheme": "https",
        "transport": "ntlm",
        "server_cert_validation": "validate",
    }
    declare(engine, "secret_winrm", identifier="win", domain="", use_tls=False, skip_cert_check=True)
    found = credential(engine, "win")
    assert (found["user"], found["port"], found["scheme"]) == ("web", 5985, "http")
    assert found["server_cert_validation"] == "ignore"


def test_windows_by_a_ticket_that_is_there(engine: Engine) -> None:
    declare(engine, "secret_winrm", identifier="win", principal="web", realm="EXAMPLE.COM")
    found = credential(engine, "win")
    assert (found["user"], found["transport"], found["kinit_mode"]) == ("web@EXAMPLE.COM", "kerberos", "manual")
    assert found["ticket_cache"] == ""


def test_a_credential_has_no_versions_and_expires(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", user="web", password=PASSWORD)
    assert error_of(lambda: read(engine, "a@1")).code == "invalid_version"
    declare(engine, "secret_ssh", identifier="a", expires="2020-01-01")
    assert error_of(lambda: read(engine, "a")).code == "secret_expired"


def test_a_credential_that_was_edited_in_the_database_is_found(engine: Engine, settings: Settings) -> None:
    declare(engine, "secret_text", identifier="word", value=b"x")
    declare(engine, "secret_ssh", identifier="a", user="web", password_ref="word")
    with rows_of(settings) as tx:
        tx.run("UPDATE secret SET options = replace(options, 'web', 'root') WHERE identifier = 'a'")
    assert error_of(lambda: read(Engine(settings), "a")).code == "damaged_row"
