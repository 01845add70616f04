# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store on another machine: never without TLS unless that is allowed, and a warning where nothing proves the server.

The address 0.0.0.0 leads to the server of the tests, and is none of this machine as far as the collection can tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import plain_connection
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.tls import notice_of, tls_options
from ansible_collections.scoped.secrets.tests.stores.conftest import settings_at

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

UNPROVED, PLAIN = "Nothing proves that the server of the store", "is reached without TLS"


def elsewhere(server: Postgresql, mode: str = "", port: int = 0, **options: str) -> Settings:
    """Return the settings of a new store that seems to be on another machine."""
    url = server.new_store(**options)
    url = url.replace("sslmode=disable", f"sslmode={mode}" if mode else "application_name=x")
    return settings_at(url.replace(f"127.0.0.1:{server.port}", f"0.0.0.0:{port or server.port}"))


def used(settings: Settings) -> tuple[bool, list[str]]:
    """Return whether a store's connection has TLS, and the warnings of a run about that."""
    engine = Engine(settings)
    warnings = [
        warning
        for _task in range(2)
        for warning in engine.handle(Request("secret_text", {"identifier": "a", "value": b"v"})).warnings
        if "store at" in warning
    ]
    connection = engine.store(create=False).database._connection
    found = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    return bool(found["ssl"]), warnings


def code_of(settings: Settings) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        Engine(settings).handle(Request("scope", {"name": "x"}))
    return caught.value.code


@pytest.mark.parametrize("mode", ["", "allow", "prefer", "require", "verify-ca"])
def test_another_machine_is_reached_with_tls_and_a_warning_once(postgresql: Postgresql, mode: str) -> None:
    options = {"sslrootcert": str(postgresql.authority)} if mode == "verify-ca" else {}
    has_tls, warnings = used(elsewhere(postgresql, mode, **options))
    assert has_tls
    (warning,) = warnings
    assert warning.startswith(UNPROVED)
    assert "0.0.0.0" in warning


@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_what_is_allowed_to_be_plain_warns_too(postgresql: Postgresql, mode: str) -> None:
    has_tls, (warning,) = used(elsewhere(postgresql, mode)._replace(allow_plain_postgresql=True))
    assert (has_tls, (PLAIN if mode == "disable" else UNPROVED) in warning) == (mode != "disable", True)


def test_this_machine_needs_no_tls(postgresql: Postgresql) -> None:
    assert used(settings_at(postgresql.new_store())) == (False, [])


def test_a_url_without_tls_is_refused_before_anything_is_sent(postgresql: Postgresql) -> None:
    silent = elsewhere(postgresql, "disable", port=1)
    assert code_of(silent) == "plain_postgresql"
    with pytest.raises(ScopedSecretsError) as caught, plain_connection(Location.parse(silent.store)):
        pass
    assert caught.value.code == "plain_postgresql"


def test_a_server_without_tls_is_refused(postgresql: Postgresql, pgbouncer: int) -> None:
    from servers.postgresql import url_of

    url = url_of(pgbouncer, postgresql.new_database()).replace("sslmode=disable", "application_name=x")
    with pytest.raises(ScopedSecretsError) as caught:
        Engine(settings_at(url.replace("127.0.0.1", "0.0.0.0"))).handle(Request("scope", {"name": "x"}))
    assert caught.value.code == "store_denied"
    assert "it does not support TLS" in caught.value.message
    assert "allow_plain_postgresql" in caught.value.hint


@pytest.mark.parametrize("hosts", [["host=0.0.0.0"], ["host=localhost", "hostaddr=0.0.0.0"]], ids=" ".join)
@pytest.mark.parametrize(("mode", "code"), [("disable", "plain_postgresql"), ("require", "")])
def test_where_a_service_leads_is_looked_at_once_it_is_known(
    postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, code: str, hosts: list[str]
) -> None:
    from servers.postgresql import PASSWORD, USER

    lines = ["[secrets]", *hosts, f"port={postgresql.port}", f"user={USER}", f"password={PASSWORD}"]
    (tmp_path / "services.conf").write_text(
        "\n".join([*lines, f"dbname={postgresql.new_database()}", f"sslmode={mode}"])
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services.conf"))
    settings = settings_at("postgresql://?service=secrets")
    if code:
        assert code_of(settings) == code
    else:
        has_tls, (warning,) = used(settings)
        assert (has_tls, UNPROVED in warning) == (True, True)


@pytest.mark.parametrize(("version", "is_known"), [(150018, False), (160000, True)])
@pytest.mark.parametrize("place", ["url", "environment"])
def test_certificates_of_the_system_prove_a_server_since_libpq_16(
    monkeypatch: pytest.MonkeyPatch, version: int, is_known: bool, place: str
) -> None:
    from psycopg import pq

    monkeypatch.setattr(pq, "version", lambda: version)
    given = {"host": "db.example.com", **({"sslrootcert": "system"} if place == "url" else {})}
    if place == "environment":
        monkeypatch.setenv("PGSSLROOTCERT", "system")
    location = Location.parse("postgresql://db.example.com/secrets")
    assert tls_options(location, given) == ({} if is_known else {"sslmode": "require"})
    assert (notice_of(given, "192.0.2.1", has_tls=True) == "") == is_known


def test_messages_name_the_host_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    with pytest.raises(ScopedSecretsError) as caught, plain_connection(Location.parse("postgresql:///secrets")):
        pass
    assert "The store postgresql:///secrets at 127.0.0.1 does not answer" in caught.value.message
