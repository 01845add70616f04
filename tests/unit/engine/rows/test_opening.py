# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores and their keys: created where allowed, pretended where nothing may be left, proven to belong together."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import DEFAULT_KDF
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import opening
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_database, open_store
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import KeyRefused
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.places import Place, place_at
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    check,
    declare,
    error_of,
    read,
    rows_of,
    shown,
    store_path,
)

PASSPHRASE = "five random words for tests"


def random_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    """The settings of a plain installation before its first use."""
    return Settings(f"sqlite:///{tmp_path}/data/store.db", f"{tmp_path}/config/root.key", is_local_default=True)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_local_default_creates_its_key_and_says_so_once(local: Settings, tmp_path: Path) -> None:
    engine = Engine(local)
    warnings = declare(engine, "secret_text", identifier="a", value=b"v").warnings
    assert len(warnings) == 2
    assert all(word in warnings[0] for word in (local.root_key_file, "Back it up"))
    assert warnings[1] == f"The store {local.store} was created."
    assert declare(engine, "secret_text", identifier="a", value=b"v").warnings == []
    assert declare(Engine(local), "secret_text", identifier="a", value=b"v").warnings == []
    key_file = Path(local.root_key_file)
    assert len(base64.b64decode(key_file.read_text(), validate=False)) == 32
    assert [stat.S_IMODE(path.stat().st_mode) for path in (key_file, store_path(local))] == [0o600, 0o600]
    assert read(Engine(local), "a") == b"v"
    assert not [name for name in files(tmp_path) if "new" in name]


def test_the_local_default_uses_an_existing_key(local: Settings, settings: Settings) -> None:
    ready = local._replace(root_key_file=settings.root_key_file)
    before = Path(settings.root_key_file).read_bytes()
    assert len(declare(Engine(ready), "secret_text", identifier="a", value=b"v").warnings) == 1
    assert Path(settings.root_key_file).read_bytes() == before


def test_a_lost_key_of_the_local_default_is_not_replaced(local: Settings, tmp_path: Path) -> None:
    declare(Engine(local), "secret_text", identifier="a", value=b"v")
    Path(local.root_key_file).unlink()
    for call in (lambda: read(Engine(local), "a"), lambda: declare(Engine(local), "scope", org="payments")):
        assert error_of(call).code == "missing_key_file"
    assert "config/root.key" not in files(tmp_path)


def test_a_configured_store_without_a_key_creates_nothing(local: Settings, tmp_path: Path) -> None:
    own = local._replace(is_local_default=False)
    for call in (declare, check):
        error = error_of(lambda call=call: call(Engine(own), "secret_text", identifier="a", value=b"v"))
        assert (error.code, local.root_key_file in error.message) == ("missing_key_file", True)
    assert list(tmp_path.iterdir()) == []


def test_a_given_key_is_not_written_anywhere(local: Settings, tmp_path: Path) -> None:
    own = local._replace(root_key=random_key())
    assert len(declare(Engine(own), "secret_text", identifier="a", value=b"v").warnings) == 1
    assert read(Engine(own._replace(is_local_default=False)), "a") == b"v"
    assert [name for name in files(tmp_path) if not name.startswith("data/store.db")] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"root_key": "no base64!"}, "malformed_root_key"),
        ({"root_key": base64.b64encode(bytes(32)).decode()}, "weak_root_key"),
        ({"passphrase": "short"}, "weak_passphrase"),
        ({"store": "mysql://ansible:hunter22@db/secrets"}, "unsupported_store"),
        ({"store": "postgresql://ansible:hunter@22@db/secrets"}, "malformed_store_url"),
        ({"store": "postgresql://ansible:hunter22@127.0.0.1:1/secrets"}, "store_unavailable"),
        ({"store": "sqlite:///relative.db"}, "relative_store_path"),
    ],
)
def test_refused_keys_and_places_create_nothing(
    local: Settings, tmp_path: Path, given: dict[str, str], code: str
) -> None:
    refused = local._replace(**given)
    for call in (declare, check):
        error = error_of(lambda call=call: call(Engine(refused), "scope", org="payments"))
        assert error.code == code
        assert "hunter22" not in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_key_is_refused(settings: Settings) -> None:
    declare(Engine(settings), "secret_text", identifier="a", value=b"v")
    wrong = settings._replace(root_key=random_key())
    for call in (lambda: read(Engine(wrong), "a"), lambda: check(Engine(wrong), "scope", org="payments")):
        error = error_of(call)
        assert (error.code, str(Location.parse(settings.store)) in error.message) == ("wrong_key", True)
        assert "not with the one from SCOPED_SECRETS_ROOT_KEY, key " in error.message
        assert wrong.root_key not in str(error)
    assert read(Engine(settings), "a") == b"v"


def test_a_key_of_another_store_with_a_forged_name_opens_nothing(
    settings: Settings, elsewhere: Callable[[], Settings]
) -> None:
    declare(Engine(settings), "secret_text", identifier="a", value=b"v")
    other = elsewhere()._replace(root_key=random_key())
    declare(Engine(other), "scope", name="Root")
    with rows_of(other) as theirs, rows_of(settings) as ours:
        row = theirs.one("SELECT root_key_id FROM store")
        assert row
        ours.run("UPDATE store SET root_key_id = :key_id", key_id=row["root_key_id"])
    assert error_of(lambda: read(Engine(settings._replace(root_key=other.root_key)), "a")).code == "wrong_key"


def test_a_passphrase_opens_only_its_own_store(settings: Settings) -> None:
    own = settings._replace(passphrase=PASSPHRASE)
    declare(Engine(own), "secret_text", identifier="a", value=b"v")
    with rows_of(settings) as tx:
        kdf = json.loads(tx.all("SELECT kdf FROM store")[0]["kdf"])
    assert (set(kdf), len(bytes.fromhex(kdf["salt"]))) == ({*DEFAULT_KDF, "salt"}, 16)
    assert read(Engine(own._replace(root_key_file="/none")), "a") == b"v"
    for wrong in (own._replace(passphrase=PASSPHRASE + "!"), settings):
        assert error_of(lambda wrong=wrong: read(Engine(wrong), "a")).code == "wrong_key"
    assert error_of(lambda: read(Engine(own._replace(passphrase="short")), "a")).code == "weak_passphrase"


def test_a_store_with_a_key_file_takes_no_passphrase(settings: Settings) -> None:
    declare(Engine(settings), "secret_text", identifier="a", value=b"v")
    error = error_of(lambda: read(Engine(settings._replace(passphrase=PASSPHRASE)), "a"))
    assert (error.code, "not sealed with a passphrase" in error.message) == ("wrong_key", True)


def test_check_mode_and_reads_pretend_a_store_and_leave_nothing(local: Settings, tmp_path: Path) -> None:
    engine = Engine(local)
    made = check(engine, "secret_text", identifier="a", value=b"v")
    assert (made.changed, made.warnings) == (True, [])
    assert check(engine, "scope", org="payments").changed
    assert [view["org"] for view in shown(engine, "scope_info", recursive=True)] == [""]
    assert shown(engine, "secret_info") == []
    assert not declare(engine, "secret_text", identifier="a", state="absent").changed
    answer = engine.resolve([Query("a")])[0]
    assert (answer.error.code if answer.error else None) == "unknown_secret"
    assert list(tmp_path.iterdir()) == []


def test_a_pretended_store_is_followed_by_a_real_one(local: Settings) -> None:
    engine = Engine(local)
    check(engine, "secret_text", identifier="a", value=b"v")
    assert declare(engine, "secret_text", identifier="a", value=b"v").changed
    assert read(engine, "a") == b"v"
    assert not check(engine, "secret_text", identifier="a", value=b"v").changed


def test_a_pretended_store_with_a_passphrase(local: Settings, tmp_path: Path) -> None:
    assert open_store(local._replace(passphrase=PASSPHRASE), create=False).is_pretended
    assert list(tmp_path.iterdir()) == []


def test_two_stores_share_no_id_and_no_key(settings: Settings, elsewhere: Callable[[], Settings]) -> None:
    """Both have one root key, but a row of one opens nothing in the other."""
    other = elsewhere()
    ids = [open_store(one, create=True).store_id for one in (settings, other)]
    assert len(set(ids)) == 2
    for one in (settings, other):
        declare(Engine(one), "secret_text", identifier="a", value=b"v")
    with rows_of(settings) as ours, rows_of(other) as theirs:
        row = theirs.one("SELECT wrapped FROM scope_key")
        assert row
        ours.run("UPDATE scope_key SET wrapped = :wrapped", wrapped=row["wrapped"])
    assert error_of(lambda: read(Engine(settings), "a")).code == "wrong_key"


class Noted:
    """A place that notes what is asked of it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.calls: list[str] = []

    def __str__(self) -> str:
        return str(self._place)

    def __getattr__(self, name: str) -> object:
        self.calls.append(name)
        return getattr(self._place, name)


@pytest.mark.parametrize(
    ("given", "calls"),
    [
        ({}, ["has_store", "open", "hand_over", "close"]),
        ({"root_key": random_key()}, ["has_store", "open", "close"]),
    ],
    ids=["opened", "refused"],
)
def test_a_place_is_closed_unless_its_database_is_handed_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], calls: list[str]
) -> None:
    """With PostgreSQL, the connection would stay open, or be closed while it is used."""
    declare(Engine(settings), "scope", name="Root")
    noted: list[Noted] = []
    monkeypatch.setattr(opening, "place_at", lambda url, **_how: noted.append(Noted(place_at(url))) or noted[-1])
    with suppress(KeyRefused):
        open_store(settings._replace(**given), create=False).database.close()
    assert noted[0].calls == calls
    place = Noted(place_at(settings.store))
    open_database(place, settings).close()  # type: ignore[arg-type]
    assert place.calls == ["open", "hand_over"]


def test_a_foreign_database_is_refused_unread(settings: Settings) -> None:
    path = store_path(settings)
    path.parent.mkdir(mode=0o700)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    path.chmod(0o600)
    content = path.read_bytes()
    assert error_of(lambda: declare(Engine(settings), "scope", org="payments")).code == "foreign_database"
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "kdf",
    [
        "nope",
        "[]",
        '{"salt": "00"}',
        '{"salt": "zz", "memory_kib": 8, "iterations": 1, "lanes": 1}',
        f'{{"salt": "{"00" * 16}", "memory_kib": 32, "iterations": 3, "lanes": 4}}',
        f'{{"salt": "{"00" * 16}", "memory_kib": 104857600, "iterations": 3, "lanes": 4}}',
        f'{{"salt": "{"00" * 16}", "memory_kib": 65536, "iterations": 4000000000, "lanes": 4}}',
        "null",
        '{"salt": 5, "memory_kib": 8, "iterations": 1, "lanes": 1}',
        '{"salt": "00", "memory_kib": [8], "iterations": 1, "lanes": 1}',
    ],
)
def test_altered_key_derivation_settings_are_found(settings: Settings, engine: Engine, kdf: str) -> None:
    declare(engine, "secret_text", identifier="a", value=b"x")
    with rows_of(settings) as tx:
        tx.run("UPDATE store SET kdf = :kdf", kdf=kdf)
    other = settings._replace(passphrase="five random words make one")
    assert error_of(lambda: read(Engine(other), "a")).code == "damaged_kdf"


def test_a_store_is_created_where_a_symbolic_link_leads(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "store.db")
    engine = Engine(settings._replace(store=f"sqlite:///{tmp_path}/link.db"))
    declare(engine, "secret_text", identifier="a", value=b"x")
    assert read(engine, "a") == b"x"
    assert (tmp_path / "real" / "store.db").is_file()


def test_a_path_through_a_file_is_unreachable(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    engine = Engine(settings._replace(store=f"sqlite:///{tmp_path}/file/store.db"))
    assert error_of(lambda: read(engine, "a")).code == "store_unreachable"


def test_a_missing_account_row_is_found(settings: Settings, engine: Engine) -> None:
    declare(engine, "scope", org="payments")
    with rows_of(settings) as tx:
        tx.run("DELETE FROM scope WHERE level = 'account'")
    call = {"org": "payments", "state": "absent"}
    assert error_of(lambda: declare(Engine(settings), "scope", **call)).code == "damaged_row"


# AWX jobs, whose containers are thrown away


@pytest.fixture
def job(local: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The plain installation of a job, in its home folder."""
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", str(tmp_path / "awx_42"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return local


def test_a_store_that_would_vanish_with_its_job_is_refused(job: Settings, tmp_path: Path) -> None:
    for call in (declare, check):
        assert error_of(lambda call=call: call(Engine(job), "scope", org="payments")).code == "store_dies_with_job"
    assert error_of(lambda: read(Engine(job), "a")).code == "store_dies_with_job"
    assert files(tmp_path) == []


def test_a_store_of_one_job_is_created_if_asked_for(job: Settings) -> None:
    asked_for = Engine(job._replace(may_be_ephemeral=True))
    declare(asked_for, "secret_text", identifier="a", value=b"v")
    # A store that exists was put there by somebody.
    assert read(Engine(job), "a") == b"v"


def test_a_restore_that_would_vanish_with_its_job_is_refused(
    job: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWX_PRIVATE_DATA_DIR")
    declare(Engine(job), "secret_text", identifier="a", value=b"v")
    declare(Engine(job), "store_backup", dest=str(tmp_path / "backup"))
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", str(tmp_path / "awx_42"))
    other = job._replace(store=f"sqlite:///{tmp_path}/other/store.db")
    assert error_of(lambda: declare(Engine(other), "store_restore", src=str(tmp_path / "backup"))).code == (
        "store_dies_with_job"
    )
    declare(Engine(other._replace(may_be_ephemeral=True)), "store_restore", src=str(tmp_path / "backup"))
    assert read(Engine(other), "a") == b"v"
