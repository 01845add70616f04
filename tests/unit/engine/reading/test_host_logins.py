# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection logs in with: out of a credential, with its key in the run's agent."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.model.host_login import HostLogin
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.credentials.key_files import PASSPHRASE, made, ssh_keygen
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import add_connector, declare, error_of

KEY = made("-t", "ed25519", "-N", "")
SEALED = made("-t", "ed25519", "-N", PASSPHRASE.decode())


@pytest.fixture
def engine(settings: Settings, cloud: Cloud, folder: Path) -> Iterator[Engine]:
    shared = Shared(f"{folder}/d")
    yield Engine(settings, shared=shared)
    shared.close()
    assert not Path(f"{folder}/d").exists()


def open_host_login(engine: Engine, reference: str, **scope: Any) -> HostLogin:
    return engine.open_host_login(Query(reference, **scope))


def public(key: bytes) -> str:
    """Return the public key of a private one as ssh-keygen does, without its comment."""
    return " ".join(ssh_keygen(key, "-y", "-P", PASSPHRASE.decode()).split()[:2])


def keys_in(login: HostLogin) -> list[str]:
    """Return the public keys that the agent of a login has."""
    environment = {**os.environ, "SSH_AUTH_SOCK": login.agent}
    listed = subprocess.run(["ssh-add", "-L"], env=environment, capture_output=True, text=True, check=True).stdout
    return [" ".join(line.split()[:2]) for line in listed.splitlines()]


def test_the_key_is_in_the_agent_and_nowhere_else(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", user="web", port=2222, private_key=KEY.decode())
    login = open_host_login(engine, "a")
    assert (login.scheme, login.user, login.port, login.password) == ("ssh_key", "web", 2222, "")
    assert keys_in(login) == [public(KEY)]
    assert Path(login.public_key_file).read_text(encoding="utf-8").startswith(public(KEY))
    assert Path(login.folder).stat().st_mode & 0o777 == 0o700
    assert "PRIVATE" not in repr(login)


def test_a_run_has_one_agent_for_each_key_and_asks_a_provider_once(
    engine: Engine, settings: Settings, cloud: Cloud
) -> None:
    declare(engine, "scope", org="payments")
    add_connector(settings, "vault")
    cloud.put("key", KEY)
    reference = "account.memory://vault/key"
    declare(engine, "secret_ssh", org="payments", identifier="a", user="web", private_key_ref=reference)
    sealed = {"private_key": SEALED.decode(), "passphrase": PASSPHRASE.decode()}
    declare(engine, "secret_ssh", identifier="b", user="web", **sealed)
    before = cloud.counts["read"]
    with ThreadPoolExecutor(20) as pool:
        asked = [("a", {"org": "payments"}), ("b", {})] * 20
        logins = list(pool.map(lambda one: open_host_login(engine, one[0], **one[1]), asked))
    assert cloud.counts["read"] - before <= 1
    assert len({login.agent for login in logins}) == len({login.mark for login in logins}) == 2
    assert [keys_in(login) for login in logins[:2]] == [[public(KEY)], [public(SEALED)]]


def test_the_mark_changes_with_whatever_the_credential_is_made_of(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="word", value=b"first")
    declare(engine, "secret_ssh", identifier="a", user="web", password_ref="word")
    declare(engine, "secret_ssh", identifier="b", user="web", password_ref="word")
    first = open_host_login(engine, "a")
    assert (first.password, open_host_login(engine, "a").mark) == ("first", first.mark)
    marks = [first.mark, open_host_login(engine, "b").mark]
    declare(engine, "secret_text", identifier="word", value=b"second")
    marks.append(open_host_login(engine, "a").mark)
    declare(engine, "secret_ssh", identifier="a", port=2222)
    marks.append(open_host_login(engine, "a").mark)
    assert len(set(marks)) == 4
    assert not [mark for mark in marks if "first" in mark or len(mark) != 64]


def test_a_ticket_of_the_users_own_is_left_where_it_is(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", principal="web", realm="EXAMPLE.COM", krb5_config="/etc/krb5.conf")
    login = open_host_login(engine, "a")
    assert (login.scheme, login.user, login.principal) == ("kerberos", "web", "web@EXAMPLE.COM")
    assert (login.ticket_cache, login.krb5_config) == ("", "/etc/krb5.conf")


def test_who_logs_out_leaves_nothing_and_may_log_in_again(engine: Engine) -> None:
    declare(engine, "secret_ssh", identifier="a", user="web", private_key=KEY.decode())
    first = open_host_login(engine, "a")
    engine.close_host_logins()
    assert not Path(first.folder).exists()
    engine.close_host_logins()
    assert keys_in(open_host_login(engine, "a")) == [public(KEY)]


def test_only_a_credential_for_ssh_logs_in(engine: Engine) -> None:
    declare(engine, "secret_text", identifier="word", value=b"x")
    declare(engine, "secret_winrm", identifier="win", user="web", password="x")
    assert error_of(lambda: open_host_login(engine, "word")).code == "not_for_ssh"
    assert error_of(lambda: open_host_login(engine, "win")).code == "not_for_ssh"
    assert error_of(lambda: open_host_login(engine, "nothing")).code == "unknown_secret"


def test_scopes_stay_apart(engine: Engine) -> None:
    for org in ("payments", "sales"):
        declare(engine, "scope", org=org)
    declare(engine, "secret_ssh", org="payments", identifier="a", user="web", password="x")
    for query in ({"org": "sales"}, {}):
        assert error_of(lambda query=query: open_host_login(engine, "a", **query)).code == "unknown_secret"
    assert error_of(lambda: open_host_login(engine, "org.a")).code == "reference_downward"
    assert error_of(lambda: open_host_login(engine, "org.a", org="sales")).code == "unknown_secret"
