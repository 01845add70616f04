# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of PostgreSQL that is hostile can't have its own words shown, which may be the password that it was sent."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import (
    PostgresqlDialect,
    plain_connection,
)
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.failures import (
    denial_of,
    reason_of,
    shown_state,
)
from servers.postgresql_hostile import hostile_server

PASSWORD = "hunter22 of a passfile"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('FATAL:  password authentication failed for user "ansible"', "authentication failed"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "its pg_hba.conf allows no such login"),
        ("fe_sendauth: no password supplied", "it wants a password, and none is set"),
        ('FATAL:  permission denied for database "secrets"', "permission denied"),
        ('FATAL:  database "secrets" does not exist', "there is no such database"),
        ('FATAL:  role "ansible" does not exist', "there is no such user"),
        ("SSL error: certificate verify failed", "certificate verify failed"),
        ("FATAL:  connection requires a valid client certificate", "a certificate is missing"),
        ("server does not support SSL, but SSL was required", "it does not support TLS"),
        ('connection is bad: definition of service "db" not found', "its service is not defined"),
        ('connection is bad: service file "/nowhere" not found', "the file of services is missing"),
        (
            'private key file "/k" has group or world access; file must have',
            "others may read the file of its client key",
        ),
        ("failed: channel binding required, but server authenticated client without", "it offers no channel binding"),
        (
            'authentication method requirement "scram-sha-256" failed: server requested',
            "it wants another way to log in",
        ),
        ("failed: FATAL:  unsupported startup parameter: options", "its pooler takes no such option"),
        ("failed: FATAL:  Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", "it refuses the login in words"),
        ("failed: ВАЖНО:  пользователь не прошёл проверку", "it refuses the login in words"),
        ("failed: FATAL:  the database system is in recovery mode", ""),
        ("failed: FATAL:  no more connections allowed (max_client_conn)", ""),
        ("failed: Connection refused", ""),
        (PASSWORD, ""),
    ],
)
def test_a_denial_is_told_from_other_failures(message: str, expected: str) -> None:
    denial = denial_of(message)
    assert (denial.reason if denial else "").startswith(expected)
    assert bool(denial) == bool(expected)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('connection to server at "127.0.0.1", port 1 failed: Connection refused', "connection refused"),
        ("timeout expired", "timed out"),
        ('could not translate host name "db" to address', "its host name can't be resolved"),
        ("failed: No such file or directory", "there is no such socket"),
        ("Network is unreachable", "its network can't be reached"),
        ("FATAL:  sorry, too many clients already", "it has too many connections"),
        ("FATAL:  the database system is starting up", "it is starting or stopping"),
        ("session is read-only", "none of its hosts takes writes"),
        ("server closed the connection unexpectedly", "the connection broke"),
        (PASSWORD, "the client library gives no reason"),
    ],
)
def test_a_reason_is_one_of_ours(message: str, expected: str) -> None:
    assert reason_of(message).startswith(expected)
    assert reason_of(f"{message} {PASSWORD}") == reason_of(message)


@pytest.mark.parametrize(("state", "expected"), [("28P01", "28P01"), ("hunter22", "unknown"), ("28p01", "unknown")])
def test_only_a_well_formed_state_is_shown(state: str, expected: str) -> None:
    assert shown_state(state) == expected


@pytest.mark.parametrize("fields", [b"SFATAL \0C28P01\0M-D-H", b"SFATAL \0C-M", b"M", b"C28P01\0Mcertificate -D"])
def test_a_server_that_repeats_the_password_of_a_passfile(
    fields: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passfile").write_text(f"*:*:*:*:{PASSWORD}\n")
    (tmp_path / "passfile").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "passfile"))
    url = f"postgresql://ansible@127.0.0.1:{hostile_server(fields)}/secrets?sslmode=disable&gssencmode=disable"
    with pytest.raises(ScopedSecretsError) as caught, plain_connection(Location.parse(url)):
        pass
    assert caught.value.code in ("store_denied", "store_unavailable", "store_failed")
    assert PASSWORD not in str(caught.value.to_dict())
    assert PASSWORD not in repr(caught.value.__cause__)


def test_a_server_that_speaks_another_language_is_asked_once() -> None:
    heard: list[bytes] = []
    said = b"SFATAL\0C28P01\0MPasswort.Authentifizierung fehlgeschlagen: "
    port = hostile_server(said, heard=heard)
    url = f"postgresql://u:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/secrets?sslmode=disable&gssencmode=disable"
    with pytest.raises(ScopedSecretsError) as caught:
        Database(PostgresqlDialect(Location.parse(url))).table_names()
    assert (caught.value.code, caught.value.retryable, len(heard)) == ("store_denied", False, 1)


def server_elsewhere(heard: list[bytes]) -> tuple[int, socket.socket]:
    """Return the port of a server at 127.0.0.2, and a socket that keeps others from listening there at 127.0.0.1."""
    while True:
        port, taken = hostile_server(b"M", "127.0.0.2", heard), socket.socket()
        try:
            taken.bind(("127.0.0.1", port))
            return port, taken
        except OSError:
            taken.close()


@pytest.mark.parametrize(
    ("login", "host", "more"),
    [
        (f"ansible:{PASSWORD.replace(' ', '%20')}@", "127.0.0.1", ""),
        (f"ansible:{PASSWORD.replace(' ', '%20')}@", "localhost", ""),
        ("ansible@", "127.0.0.1", "&passfile={folder}/passfile"),
        ("ansible@", "127.0.0.1", "&password=" + PASSWORD.replace(" ", "%20")),
        ("", "", "&host=127.0.0.1&passfile={folder}/passfile"),
    ],
)
@pytest.mark.parametrize("variable", ["PGHOSTADDR", "PGSERVICE"])
def test_the_environment_leads_no_password_to_another_host(
    login: str, host: str, more: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    port, _taken = server_elsewhere(heard)
    (tmp_path / "passfile").write_text(f"{host or '127.0.0.1'}:{port}:secrets:*:{PASSWORD}\n")
    (tmp_path / "passfile").chmod(0o600)
    (tmp_path / "services").write_text("[elsewhere]\nhostaddr=127.0.0.2\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv(variable, {"PGHOSTADDR": "127.0.0.2", "PGSERVICE": "elsewhere"}[variable])
    options = f"sslmode=disable&gssencmode=disable&port={port}{more.format(folder=tmp_path)}"
    with (
        pytest.raises(ScopedSecretsError) as caught,
        plain_connection(Location.parse(f"postgresql://{login}{host}/secrets?{options}")),
    ):
        pass
    assert (caught.value.code, heard) == ("store_unavailable", [])
