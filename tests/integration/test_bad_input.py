# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input gets an error of its own, with a next step, and leaves the store as it was."""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from site_of_runs import Run, Site, Task

API = {"org": "payments", "project": "api"}
TEXT = "scoped.secrets.secret_text"
FILE = "scoped.secrets.secret_file"
MADE: list[Task] = [
    {"scoped.secrets.scope": {"org": "payments"}},
    {"scoped.secrets.scope": API},
    {TEXT: {**API, "identifier": "a", "value": "first value"}},
]
VAULT = "scoped.secrets.connector_hashicorp_vault"
AWS = "scoped.secrets.connector_aws_secrets_manager"
KMS = "scoped.secrets.connector_aws_kms"
# Nobody is at these addresses: what is refused here is refused before anybody is asked.
SERVER = {"url": "http://127.0.0.1:1", "check": False}
REGION = {"region": "eu-central-1", "check": False}
CONNECTORS: list[Task] = [
    {VAULT: {**SERVER, "identifier": "hashi", "token": "a token"}},
    {AWS: {**REGION, "identifier": "at_aws"}},
    {KMS: {**REGION, "identifier": "kms", "key_arn": "alias/a"}},
    {VAULT: {**SERVER, "org": "payments", "identifier": "main", "token": "a token", "use_as_default": True}},
    {"scoped.secrets.scope": {"org": "payments", "builtin_manager": "disabled"}},
    {TEXT: {"identifier": "taken_token", "value": "of somebody"}},
]
NEW: Task = {TEXT: {**API, "identifier": "a", "value": "second value"}}

# Code of the error, module, its options.
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("unknown_scope", TEXT, {"org": "nobody", "identifier": "a", "value": "x"}),
    ("unknown_scope", TEXT, {"org": "payments", "project": "nothing", "identifier": "a", "value": "x"}),
    ("project_without_org", TEXT, {"project": "api", "identifier": "a", "value": "x"}),
    ("invalid_identifier", TEXT, {"identifier": "a.b", "value": "x"}),
    ("invalid_identifier", TEXT, {"identifier": "a b", "value": "x"}),
    ("reserved_identifier", TEXT, {"identifier": "status", "value": "x"}),
    ("invalid_identifier", "scoped.secrets.scope", {"org": "a/b"}),
    ("value_too_large", FILE, {"identifier": "a", "src": "large.bin"}),
    ("missing_src", FILE, {"identifier": "a", "src": "nowhere.txt"}),
    ("invalid_options", TEXT, {"identifier": "a", "value": "x", "generate": {"length": 8}}),
    ("invalid_options", FILE, {"identifier": "a", "content": "x", "src": "small.txt"}),
    ("invalid_options", TEXT, {"identifier": "a", "vaule": "x"}),
    ("invalid_base64", FILE, {"identifier": "a", "content_b64": "no base64!"}),
    ("invalid_value", TEXT, {"identifier": "a", "value": True}),
    ("invalid_value", TEXT, {"identifier": "a", "value": 1.1}),
    ("invalid_generate", TEXT, {"identifier": "b", "generate": {"length": 0}}),
    ("invalid_time", TEXT, {"identifier": "b", "value": "x", "expires": "tomorrow"}),
    ("invalid_tags", TEXT, {"identifier": "b", "value": "x", "tags": {"a": ["x"]}}),
    ("value_missing", TEXT, {"identifier": "b"}),
    ("other_kind", FILE, {**API, "identifier": "a", "content": "x"}),
    ("unknown_connector", "scoped.secrets.default_secret_manager", {**API, "secret_manager": "vault"}),
    ("no_other_manager", "scoped.secrets.scope", {**API, "builtin_manager": "disabled"}),
    ("scope_in_use", "scoped.secrets.scope", {"org": "payments", "state": "absent"}),
    ("account_stays", "scoped.secrets.scope", {"state": "absent"}),
    ("unsupported_store", TEXT, {"identifier": "a", "value": "x", "store": "mysql://localhost/x"}),
    ("relative_store_path", TEXT, {"identifier": "a", "value": "x", "store": "sqlite:///store.db"}),
    ("missing_key_file", TEXT, {"identifier": "a", "value": "x", "root_key_file": "/nowhere/root.key"}),
]

# The same for secret managers.
REFUSED += [
    ("incomplete_connector", VAULT, {"identifier": "b", "token": "x", "check": False}),
    ("incomplete_connector", KMS, {**REGION, "identifier": "b"}),
    ("invalid_url", VAULT, {**SERVER, "identifier": "b", "token": "x", "url": "vault.example.com"}),
    ("invalid_url", VAULT, {**SERVER, "identifier": "b", "token": "x", "url": "https://vault.example.com/v1"}),
    ("plain_http", VAULT, {**SERVER, "identifier": "b", "token": "x", "url": "http://vault.example.com"}),
    ("invalid_option", VAULT, {**SERVER, "identifier": "b", "token": "x", "timeout": 0}),
    ("invalid_option", AWS, {**REGION, "identifier": "b", "recovery_window_days": 31}),
    ("invalid_option", AWS, {**REGION, "identifier": "b", "check": "delete"}),
    ("invalid_options", "scoped.secrets.connector_check", {"identifier": "hashi", "check": "true"}),
    ("invalid_options", VAULT, {**SERVER, "identifier": "b", "auth_method": "magic"}),
    ("invalid_options", VAULT, {**SERVER, "identifier": "b", "token": "x", "token_ref": "account.taken_token"}),
    ("unclear_login", VAULT, {**SERVER, "identifier": "b"}),
    ("unclear_login", VAULT, {**SERVER, "identifier": "b", "token": "x", "role_id": "x"}),
    ("unclear_login", VAULT, {**SERVER, "identifier": "b", "auth_method": "token", "role_id": "x"}),
    ("incomplete_login", VAULT, {**SERVER, "identifier": "b", "auth_method": "approle", "secret_id": "x"}),
    ("incomplete_login", AWS, {**REGION, "identifier": "b", "auth_method": "access_key", "access_key_id": "x"}),
    ("invalid_reference", VAULT, {**SERVER, "identifier": "b", "token_ref": "a..b"}),
    ("reference_downward", VAULT, {**SERVER, "identifier": "b", "token_ref": "org.taken_token"}),
    ("unknown_secret", VAULT, {**SERVER, "identifier": "b", "token_ref": "nobody"}),
    ("login_loop", VAULT, {**SERVER, "identifier": "b", "token_ref": "hashicorpvault://b/path#token"}),
    ("login_loop", VAULT, {**SERVER, "identifier": "hashi", "token_ref": "hashicorpvault://hashi/path#token"}),
    ("credential_name_taken", VAULT, {**SERVER, "identifier": "taken", "token": "x"}),
    ("other_connector", KMS, {**REGION, "identifier": "hashi", "key_arn": "alias/a"}),
    ("reserved_identifier", VAULT, {**SERVER, "identifier": "builtin", "token": "x"}),
    ("invalid_identifier", VAULT, {**SERVER, "identifier": "a-b", "token": "x"}),
    ("unknown_scope", VAULT, {**SERVER, "org": "nobody", "identifier": "b", "token": "x"}),
    ("connector_in_use", VAULT, {"org": "payments", "identifier": "main", "state": "absent"}),
    ("builtin_disabled", VAULT, {**SERVER, "org": "payments", "identifier": "main", "use_as_default": False}),
    ("builtin_disabled", TEXT, {"org": "payments", "identifier": "b", "value": "x", "secret_manager": "builtin"}),
    ("builtin_disabled", "scoped.secrets.default_secret_manager", {"org": "payments", "secret_manager": "builtin"}),
    ("only_for_account", "scoped.secrets.scope", {"org": "payments", "inherited_managers": "allowed"}),
    ("unknown_connector", "scoped.secrets.connector_check", {"identifier": "nobody"}),
    ("unknown_connector", "scoped.secrets.connector_check", {"identifier": "builtin"}),
    ("unknown_connector", TEXT, {"identifier": "b", "value": "x", "secret_manager": "nobody"}),
    ("manager_of_other_scope", TEXT, {**API, "identifier": "b", "value": "x", "secret_manager": "account.hashi"}),
    ("manager_of_other_scope", TEXT, {**API, "identifier": "b", "value": "x", "secret_manager": "main"}),
    ("manager_fixed", TEXT, {"identifier": "taken_token", "value": "x", "secret_manager": "hashi"}),
    ("not_supported", TEXT, {"identifier": "b", "reference": "path#key"}),
    ("not_supported", TEXT, {"identifier": "b", "reference": "path#key", "secret_manager": "kms"}),
    ("invalid_reference_path", TEXT, {"identifier": "b", "reference": "path#", "secret_manager": "hashi"}),
    ("invalid_reference_path", TEXT, {"identifier": "b", "reference": "/#key", "secret_manager": "hashi"}),
    ("invalid_reference_path", TEXT, {"identifier": "b", "reference": "me@host.org", "secret_manager": "hashi"}),
    ("invalid_reference_path", TEXT, {"identifier": "b", "reference": "", "secret_manager": "hashi"}),
    ("reference_or_value", TEXT, {"identifier": "taken_token", "reference": "path#key"}),
    ("invalid_options", TEXT, {"identifier": "b", "reference": "path", "value": "x", "secret_manager": "hashi"}),
    ("invalid_options", TEXT, {"identifier": "b", "reference": "path", "adopt": True, "secret_manager": "hashi"}),
    ("name_not_allowed", TEXT, {"identifier": "a$b", "value": "x", "secret_manager": "at_aws"}),
    ("value_too_large_for_manager", FILE, {"identifier": "b", "src": "medium.bin", "secret_manager": "at_aws"}),
]

# Code of the error, the lookup's arguments as written in a template.
UNREADABLE: list[tuple[str, str]] = [
    ("reference_downward", "'org.a'"),
    ("unknown_secret", "'b', org='payments', project='api'"),
    ("unknown_secret", "'account.a', org='payments', project='api'"),
    ("unknown_scope", "'a', org='nobody'"),
    ("project_without_org", "'a', project='api'"),
    ("unknown_version", "'a@7', org='payments', project='api'"),
    ("invalid_version", "'a', version='new', org='payments', project='api'"),
    ("value_not_json", "'a#field', org='payments', project='api'"),
    ("invalid_reference", "'a..b'"),
    ("unknown_connector", "'account.hashicorpvault://vault/path#key', org='payments'"),
    ("unknown_connector", "'hashicorpvault://hashi/path#key', org='payments'"),
    ("other_connector_kind", "'awssecretsmanager://hashi/path#key'"),
    ("other_connector_kind", "'hashicorpvault://kms/path#key'"),
    ("reference_downward", "'org.hashicorpvault://main/path#key'"),
    ("invalid_reference", "'hashicorpvault://hashi'"),
    ("invalid_reference", "'vault://hashi/path'"),
    ("reserved_identifier", "'hashicorpvault://builtin/path'"),
    ("conflicting_reference", "'hashicorpvault://hashi/path#key', key='other'"),
    ("unknown_option", "'a', on_mising='skip'"),
    ("invalid_option", "'a', on_missing='ignore'"),
    ("invalid_option", "'a', cache_ttl='soon'"),
]


def content(site: Site) -> list[str]:
    """Return all that the store holds, as statements; but not the audit, which has what was refused too."""
    with closing(sqlite3.connect(site.store, isolation_level=None)) as database:
        return [line for line in database.iterdump() if not line.startswith('INSERT INTO "audit_')]


def edit(site: Site, statement: str) -> None:
    with closing(sqlite3.connect(site.store, isolation_level=None)) as database:
        database.execute(statement)


def check_error(error: dict[str, Any], code: str) -> None:
    assert error["code"] == code, error
    assert error["msg"]
    assert error["hint"]


@pytest.mark.inline
def test_what_is_asked_for_is_malformed(site: Site) -> None:
    (site.folder / "large.bin").write_bytes(bytes(10 * 1024 * 1024 + 1))
    (site.folder / "medium.bin").write_bytes(bytes(64 * 1024 + 1))
    (site.folder / "small.txt").write_text("x")
    site.declare(*MADE, *CONNECTORS)
    before = content(site)
    tasks = [{"name": f"case {n}", m: options, "ignore_errors": True} for n, (_c, m, options) in enumerate(REFUSED)]
    run = site.run(tasks)
    results = [run.result(f"case {number}") for number in range(len(REFUSED))]
    wanted = [(number, code) for number, (code, _module, _options) in enumerate(REFUSED)]
    assert [(number, result.get("code")) for number, result in enumerate(results)] == wanted
    assert all(result["msg"] and result["hint"] and not result["changed"] for result in results)
    assert content(site) == before


@pytest.mark.inline
def test_what_is_looked_up_is_not_to_be_had(site: Site) -> None:
    site.declare(*MADE, *CONNECTORS)
    tasks = [
        {
            "name": f"case {number}",
            "ansible.builtin.debug": {"msg": f"{{{{ lookup('scoped.secrets.secret', {arguments}) }}}}"},
            "ignore_errors": True,
        }
        for number, (_code, arguments) in enumerate(UNREADABLE)
    ]
    run = site.run(tasks)
    for number, (code, arguments) in enumerate(UNREADABLE):
        result = run.result(f"case {number}")
        assert f"[{code}]" in result["msg"], (arguments, result)


def newer(site: Site) -> None:
    edit(site, "UPDATE store SET schema_version = 99")


def readable_key(site: Site) -> None:
    site.key_file.chmod(0o644)


def other_key(site: Site) -> None:
    site.key_file.write_bytes(base64.b64encode(os.urandom(32)))


def readable_store(site: Site) -> None:
    site.store.chmod(0o640)


def other_database(site: Site) -> None:
    remove_store(site)
    edit(site, "CREATE TABLE customers (id INTEGER)")
    site.store.chmod(0o600)


def no_database(site: Site) -> None:
    remove_store(site)
    site.store.write_text("This is a text file, and long enough to be looked at as a header of a database. " * 9)
    site.store.chmod(0o600)


def lost_key(site: Site) -> None:
    site.key_file.unlink()


def remove_store(site: Site) -> None:
    for path in site.store.parent.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (newer, "store_too_new"),
        (readable_key, "exposed_key_file"),
        (other_key, "wrong_key"),
        (lost_key, "missing_key_file"),
        (readable_store, "exposed_store_file"),
        (other_database, "foreign_database"),
        (no_database, "foreign_database"),
    ],
)
def test_the_store_or_its_key_is_not_as_it_should_be(site: Site, spoil: Callable[[Site], None], code: str) -> None:
    site.declare(*MADE)
    site.quiet_store()
    spoil(site)
    before = site.store.read_bytes()
    read = {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'a', org='payments') }}"}}
    run = site.run([{**NEW, "name": "write", "ignore_errors": True}, {**read, "name": "read"}], fails=True)
    check_error(run.result("write"), code)
    assert f"[{code}]" in run.result("read")["msg"]
    assert site.quiet_store() == before


def test_no_key_is_made_for_a_store_that_is_not_the_default_one(site: Site) -> None:
    assert not site.store.exists()
    run = site.run([{TEXT: {"identifier": "a", "value": "x", "store": f"sqlite:///{site.folder}/else.db"}}], fails=True)
    check_error(run.last, "missing_key_file")
    assert not list(site.folder.glob("else.db*"))
    assert not site.key_file.exists()


def on_disk(site: Site, tasks: list[Task], options: str, before: str = "", **play: Any) -> Run:
    """Run tasks with the store copied to a small disk of its own, mounted for that run only."""
    disk = site.folder / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=600k tmpfs {disk} && cp {site.store} {disk}/store.db && {before or 'true'}"
    script = f'{mount} && mount -o remount,{options} {disk} && "$@"; code=$?; cp {disk}/store.db {disk}.db; exit $code'
    command = ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh")
    return site.run(tasks, environment={"SCOPED_SECRETS_STORE": f"sqlite:///{disk}/store.db"}, under=command, **play)


MOUNTS = pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
    reason="mounting needs root",
)
FULL = "head -c 1M /dev/zero > {disk}/filler || true"


@MOUNTS
@pytest.mark.parametrize(("options", "before", "code"), [("ro", "", "store_read_only"), ("rw", FULL, "store_full")])
def test_the_disk_takes_nothing(site: Site, options: str, before: str, code: str) -> None:
    site.declare(*MADE)
    kept = content(site)
    run = on_disk(site, [NEW], options, before.format(disk=site.folder / "disk"), fails=True)
    check_error(run.last, code)
    shutil.copy(site.folder / "disk.db", site.store)
    assert content(site) == kept
    assert site.run([NEW]).last["changed"]


@MOUNTS
@pytest.mark.parametrize(("options", "before", "why"), [("ro", "", "is read-only"), ("rw", FULL, "is full")])
def test_a_store_on_a_disk_that_takes_nothing_is_read_and_backed_up(
    site: Site, options: str, before: str, why: str
) -> None:
    site.declare(*MADE, NEW)
    value = "{{ lookup('scoped.secrets.secret', 'a', org='payments', project='api') }}"
    backup = {"dest": f"{site.folder}/all.backup", "recovery_passphrase": "five random words for tests"}
    tasks: list[Task] = [
        {"name": "read", "ansible.builtin.debug": {"msg": value}},
        {"name": "backup", "scoped.secrets.store_backup": backup},
    ]
    run = on_disk(site, tasks, options, before.format(disk=site.folder / "disk"))
    assert run.result("read")["msg"]
    assert run.result("backup")["changed"]
    assert f"is read as it is, and nothing can be changed: its disk {why}." in " ".join(run.output.split())
