# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store URLs, and the errors for those that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.tests.unit.store.rows import error_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////srv/secrets/store.db", "/srv/secrets/store.db"),
        ("sqlite:////srv/a b/ü?#%20.db", "/srv/a b/ü?#%20.db"),
        ("sqlite:///~/store.db", "/home/ansible/store.db"),
    ],
)
def test_absolute_path(url: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ansible")
    location = Location.parse(url)
    assert (location.engine, location.path) == ("sqlite", Path(path))
    assert str(location) == f"sqlite:///{path}"
    assert Location.parse(str(location)) == location == ("sqlite", Path(path), "", False)


@pytest.mark.parametrize(
    "url", ["sqlite:///store.db", "sqlite:///./store.db", "sqlite:///", "sqlite:///~nobody-such/x"]
)
def test_relative_path_is_refused_and_the_hint_corrects_it(url: str) -> None:
    error = error_of(lambda: Location.parse(url))
    assert error.code == "relative_store_path"
    assert url.replace(":///", ":////") in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ansible:hunter22@db.example.com/secrets",
        "mysql:///hunter22",
        "SQLITE:////srv/hunter22.db",
        "sqlite://hunter22/srv/store.db",
        "",
    ],
)
def test_other_engines_are_refused_without_showing_the_url(url: str) -> None:
    error = error_of(lambda: Location.parse(url))
    assert error.code == "unsupported_store"
    assert "hunter22" not in error.message


@pytest.mark.parametrize("url", ["postgresql:/u:hunter22@h/db", "hunter22", "u:hunter22://x", "p" * 30 + "://hunter22"])
def test_errors_show_no_part_of_a_url_that_may_be_secret(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Location.parse(url)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ansible:hunter22@db.example.com:5433/secrets", "postgresql://db.example.com:5433/secrets"),
        (
            "postgresql://ansible@a,b:5433/secrets?sslmode=verify-full&sslpassword=hunter22",
            "postgresql://a,b:5433/secrets",
        ),
        ("postgresql:///secrets?host=/run/postgresql&password=hunter22", "postgresql:///secrets"),
        ("postgresql://u:hunter22%40%2F%3A%23@[::1]/secrets", "postgresql://[::1]/secrets"),
        ("postgresql://?service=secrets", "postgresql://"),
    ],
)
def test_database_is_shown_without_secrets(url: str, shown: str) -> None:
    location = Location.parse(url)
    assert (location.engine, location.url, str(location)) == ("postgresql", url, shown)
    assert "hunter22" not in repr(location)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@hunter22@host/db",
        "postgresql://u:hunter/22@host/db",
        "postgresql://u:1/2hunter22@host/db",
        "postgresql://u:hunter?22@host/db",
        "postgresql://u:hunter#22@host/db",
        "postgresql://u:hunter 22@host/db",
        "postgresql://u:hunter22:more@host:port/db",
    ],
)
def test_unencoded_password_is_not_mistaken_for_a_host(url: str) -> None:
    error = error_of(lambda: Location.parse(url))
    assert error.code == "malformed_store_url"
    assert "hunter" not in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter22@host/db?hostaddr=192.0.2.1",
        "postgresql://u:hunter22@host/db?sslmode=require&host=elsewhere",
        "postgresql://u:hunter22@host/db?host%61ddr=192.0.2.1",
        "postgresql://u:hunter22@:5432/db?hostaddr=192.0.2.1",
        "postgresql:///db?host=host&hostaddr=192.0.2.1&password=hunter22",
    ],
)
def test_a_url_names_its_host_once(url: str) -> None:
    error = error_of(lambda: Location.parse(url))
    assert (error.code, "names its host twice" in error.message) == ("malformed_store_url", True)
    assert "hunter" not in str(error)


@pytest.mark.parametrize("option", ["host=/run/postgresql", "hostaddr=192.0.2.1", "application_name=host"])
def test_the_host_may_be_an_option(option: str) -> None:
    assert Location.parse(f"postgresql://u@/db?{option}").engine == "postgresql"


@pytest.mark.parametrize(
    ("url", "shown"), [("mysql://u:hunter22@h/db", "'mysql://…'"), ("hunter22", "a URL without a scheme")]
)
def test_the_scheme_of_another_engine_is_shown(url: str, shown: str) -> None:
    assert error_of(lambda: Location.parse(url)).message == f"This version can't open a store at {shown}."


@pytest.mark.parametrize("path", ["/srv/\0", "~\0", "/srv/\ud800"])
def test_invalid_characters_in_a_path_are_refused(path: str) -> None:
    assert error_of(lambda: Location.parse(f"sqlite:///{path}")).code == "malformed_store_url"


def test_the_identity_tells_places_apart_and_has_no_password() -> None:
    base = "postgresql://me:canary@db.example.com/secrets?password=canary&sslmode=require"
    same = "postgresql://you@db.example.com/secrets"
    assert Location.parse(base).identity == Location.parse(same).identity
    others = [f"{same}?options=-c%20search_path%3Dother", f"{same}?port=6432", "sqlite:////srv/store.db", f"{same}2"]
    found = {Location.parse(url).identity for url in [same, *others]}
    assert len(found) == 5
    assert "canary" not in Location.parse(base).identity
