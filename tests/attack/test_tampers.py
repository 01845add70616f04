# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody does with the database and without a key is found at the first read, and never used or signed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from ansible_collections.scoped.secrets.plugins.lookup.secret import _value
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, holding

ORG = {"org": "payments"}
API = {"org": "payments", "project": "api"}
FIRST, LAST = "first", "last"


class Reading(NamedTuple):
    """A secret to read, and with which key: the root key, or that of the project."""

    name: str
    by_project: bool = False
    project: str = "api"

    def code(self, settings: Settings) -> str:
        """Read in a new run, and return the code of the error. Nothing of a value may come with it."""
        engine = holding(settings, **API) if self.by_project else Engine(settings)
        (answer,) = engine.resolve([Query(self.name, **ORG, project=self.project)])
        assert answer.value == b""
        assert isinstance(answer.error, Damaged), answer.error
        return answer.error.code


class Tamper(NamedTuple):
    """What is done, what is read then, and the errors that may tell so."""

    name: str
    work: Callable[[Attacker], object]
    reading: Reading
    codes: tuple[str, ...] = ("rolled_back",)


def secrets(attacker: Attacker, *identifiers: str) -> list[str]:
    return [attacker.one(FIRST, "secret", identifier=one, scope_id=api(attacker))["id"] for one in identifiers]


def api(attacker: Attacker) -> str:
    found: str = attacker.one(LAST, "scope", level="project", identifier="api")["id"]
    return found


def rows_back(attacker: Attacker, *identifiers: str, versions: bool = False, pages: bool = False) -> None:
    for secret_id in secrets(attacker, *identifiers):
        attacker.put_back(FIRST, "secret", id=secret_id)
        if versions:
            attacker.remove("secret_version", secret_id=secret_id)
            attacker.put_back(FIRST, "secret_version", secret_id=secret_id)
    if pages:
        attacker.put_back(FIRST, "secret_index", scope_id=api(attacker))


def all_back(attacker: Attacker) -> None:
    names = [row["identifier"] for row in attacker.taken(FIRST, "secret", scope_id=api(attacker))]
    rows_back(attacker, *names, versions=True, pages=True)


def version_back(attacker: Attacker, number: int, into: int) -> None:
    (secret_id,) = secrets(attacker, "a1")
    row = attacker.one(LAST, "secret_version", secret_id=secret_id, version=number)
    attacker.remove("secret_version", secret_id=secret_id, version=into)
    attacker.insert("secret_version", row, version=into)


def swallowed(attacker: Attacker, *, by_place: bool) -> None:
    """Let the entry of one secret in a leaf contain that of the next, `a2`, which is removed."""
    entries = attacker.taken(LAST, "secret", scope_id=api(attacker))
    (swallowing, second) = next(
        (one, two) for one, two in pairwise(sorted(entries, key=lambda row: row["place"])) if two["identifier"] == "a2"
    )
    removed_again(attacker)
    if by_place:
        place = swallowing["place"] + swallowing["digest"].decode("latin-1") + second["place"]
        attacker.run("UPDATE secret SET place = :p WHERE id = :id", p=place.replace("\0", "x"), id=swallowing["id"])
    else:
        digest = swallowing["digest"] + second["place"].encode() + second["digest"]
        attacker.run("UPDATE secret SET digest = :d WHERE id = :id", d=digest, id=swallowing["id"])


def twice(attacker: Attacker) -> None:
    """An older row beside the newest one, with the same id: who owns the tables drops what forbids it."""
    attacker.run("ALTER TABLE connector RENAME TO whole")
    attacker.run("CREATE TABLE connector AS SELECT * FROM whole WHERE 1 = 0")
    attacker.insert("connector", attacker.one(FIRST, "connector"))
    attacker.insert("connector", attacker.one(LAST, "connector"))


def copied(attacker: Attacker, **other: str) -> None:
    attacker.insert("secret", attacker.one(LAST, "secret", identifier="a1"), id="copy", **other)


def removed_again(attacker: Attacker) -> None:
    (secret_id,) = secrets(attacker, "a2")
    attacker.remove("secret_version", secret_id=secret_id)
    attacker.remove("secret", id=secret_id)


def key_back(attacker: Attacker, generation: int, **other: str) -> None:
    row = attacker.one(FIRST, "scope_key", scope_id=api(attacker), generation=generation)
    attacker.remove("scope_key", scope_id=api(attacker), generation=generation)
    attacker.insert("scope_key", row, **other)


def share_back(attacker: Attacker, identifier: str) -> None:
    secret_id = attacker.one(LAST, "secret", identifier=identifier)["id"]
    attacker.put_back(FIRST, "secret_share", secret_id=secret_id)


def team(attacker: Attacker, moment: str = LAST, project: str = "team") -> str:
    found: str = attacker.one(moment, "scope", level="project", identifier=project)["id"]
    return found


def hidden(attacker: Attacker, level: str, identifier: str) -> None:
    attacker.run(f"UPDATE scope SET identifier = 'x' WHERE level = '{level}' AND identifier = '{identifier}'")


def scope_back(attacker: Attacker, project: str) -> None:
    """Put a removed project back with all that it had."""
    scope_id = team(attacker, FIRST, project)
    attacker.put_back(FIRST, "scope", id=scope_id)
    for table in ("scope_key", "secret"):
        attacker.put_back(FIRST, table, scope_id=scope_id)
    for secret in attacker.taken(FIRST, "secret", scope_id=scope_id):
        attacker.put_back(FIRST, "secret_version", secret_id=secret["id"])


def mark_cleared(attacker: Attacker) -> None:
    """What the holder of a scope's key can do: its row and key are as they were before the key was handed out."""
    attacker.put_back(FIRST, "scope", id=team(attacker))
    attacker.run("UPDATE scope_key SET is_handed_out = 0 WHERE scope_id = :id", id=team(attacker))
    row = attacker.one(FIRST, "scope_key", scope_id=team(attacker))
    attacker.run("UPDATE scope_key SET wrapped = :w WHERE scope_id = :id", w=row["wrapped"], id=team(attacker))


def child_back(attacker: Attacker) -> None:
    org = attacker.one(LAST, "scope", level="org")["id"]
    attacker.put_back(FIRST, "scope_child", scope_id=org)


def state_of(attacker: Attacker, generation: int, state: str) -> None:
    statement = "UPDATE scope_key SET state = :state WHERE scope_id = :id AND generation = :number"
    attacker.run(statement, state=state, id=api(attacker), number=generation)


A1, KEPT = Reading("a1"), Reading("kept")
EITHER = ("damaged_row", "rolled_back")
KEY = ("rolled_back", "damaged_scope_key", "damaged_row")
TAMPERS = (
    Tamper("a row is put back", lambda a: rows_back(a, "a1"), A1),
    Tamper("a row is put back with its versions", lambda a: rows_back(a, "a1", versions=True), A1),
    Tamper("several are put back", lambda a: rows_back(a, "a1", "a3", "a4", versions=True), A1),
    Tamper("a row is put back with all pages", lambda a: rows_back(a, "a1", versions=True, pages=True), A1),
    Tamper("all secrets are put back with all pages", all_back, A1),
    Tamper("pages are put back alone", lambda a: rows_back(a, "a5", pages=True), A1),
    Tamper("an old version takes the place of the new one", lambda a: version_back(a, 1, 3), A1, EITHER),
    Tamper("an old version takes the place of another", lambda a: version_back(a, 1, 2), Reading("a1@2"), EITHER),
    Tamper(
        "an old version is removed", lambda a: a.run("DELETE FROM secret_version WHERE version = 2"), Reading("a1@1")
    ),
    Tamper("a row is removed", removed_again, Reading("a2")),
    Tamper("a row is removed and another has its entry", lambda a: swallowed(a, by_place=False), Reading("a2")),
    Tamper("a row is removed and another has its place", lambda a: swallowed(a, by_place=True), Reading("a2")),
    Tamper("a removed row is put back", lambda a: rows_back(a, "gone", versions=True), Reading("gone")),
    Tamper("a row is copied", lambda a: copied(a, identifier="copy"), Reading("copy"), EITHER),
    Tamper(
        "a row is copied as it is",
        lambda a: copied(a, scope_id=api(a), identifier="x", place="x"),
        Reading("x"),
        EITHER,
    ),
    Tamper(
        "a row is moved here",
        lambda a: a.run("UPDATE secret SET scope_id = :id WHERE identifier = 'of_org'", id=api(a)),
        Reading("of_org"),
    ),
    Tamper("a connector is put back", lambda a: a.put_back(FIRST, "connector"), KEPT),
    Tamper("a connector is there twice", twice, KEPT),
    Tamper("a row is no row at all", lambda a: a.run("UPDATE secret SET tags = '{', options = ''"), A1, EITHER),
    Tamper("a connector is removed", lambda a: a.run("DELETE FROM connector WHERE identifier = 'vault'"), KEPT),
    Tamper("a connector is edited", lambda a: a.run("UPDATE connector SET options = '{}'"), KEPT, EITHER),
    Tamper("the default manager is put back", lambda a: a.put_back(FIRST, "default_manager"), A1, EITHER),
    Tamper("a share that was taken back", lambda a: share_back(a, "lent"), Reading("org.lent", by_project=True)),
    Tamper("a share of an older version", lambda a: share_back(a, "shared"), Reading("org.shared", by_project=True)),
    Tamper(
        "a share is removed",
        lambda a: a.run("DELETE FROM secret_share"),
        Reading("org.shared", by_project=True),
    ),
    Tamper("a destroyed key is put back", lambda a: key_back(a, 1, state="decrypt_only"), A1, KEY),
    Tamper("a destroyed key is put back as the active one", lambda a: key_back(a, 1), A1, KEY),
    Tamper("a key is said to be destroyed", lambda a: state_of(a, 2, "destroyed"), A1, KEY),
    Tamper("an old key is said to be active", lambda a: state_of(a, 1, "active"), A1, KEY),
    Tamper("a destroyed key is removed", lambda a: a.remove("scope_key", scope_id=api(a), generation=1), A1, KEY),
    Tamper("a project is hidden", lambda a: hidden(a, "project", "api"), A1),
    Tamper("an organization is hidden", lambda a: hidden(a, "org", "payments"), A1),
    Tamper("a removed project is put back", lambda a: scope_back(a, "old"), Reading("b", project="old")),
    Tamper("the mark of a key that was handed out is cleared", mark_cleared, Reading("b", project="team")),
    Tamper("what an organization has of its projects is put back", child_back, A1),
    Tamper("a project is unknown to its organization", lambda a: a.run("DELETE FROM scope_child"), A1),
    Tamper("a public key is exchanged", lambda a: a.run("UPDATE scope_key SET public_key = :k", k=bytes(32)), A1),
    Tamper("the active key is removed", lambda a: a.remove("scope_key", scope_id=api(a), generation=2), A1, KEY),
)


@pytest.fixture
def attacker(settings: Settings, engine: Engine, tmp_path: Path) -> Attacker:
    """A store with a history, which an attacker has watched."""
    attacker = Attacker(settings)
    for scope in (ORG, API):
        declare(engine, "scope", **scope)
    vault = {**API, "identifier": "vault", "token": "good"}
    declare(engine, "connector_memory_vault", **vault, timeout=9, use_as_default=True)
    items = [
        {**API, "identifier": f"a{number}", "value": b"first", "secret_manager": "builtin"} for number in range(40)
    ]
    engine.handle(Request("manifest", {}, False, tuple(Request("secret_text", item) for item in items)))
    declare(engine, "secret_text", **API, identifier="kept", value=b"kept", secret_manager="vault")
    declare(engine, "secret_text", **API, identifier="gone", value=b"gone", secret_manager="builtin")
    for project in ("old", "team"):
        declare(engine, "scope", **ORG, project=project)
        declare(engine, "secret_text", **ORG, project=project, identifier="b", value=b"first", secret_manager="builtin")
    for name in ("shared", "lent", "of_org"):
        declare(engine, "secret_text", **ORG, identifier=name, value=b"first")
    for name in ("shared", "lent"):
        declare(engine, "secret_share", **ORG, identifier=name, to_project="api")
    attacker.look(FIRST)
    for value in (b"second", b"third"):
        for name in ("a1", "a3", "a4", "a5"):
            declare(engine, "secret_text", **API, identifier=name, value=value)
    declare(engine, "secret_text", **ORG, identifier="shared", value=b"second")
    declare(engine, "secret_share", **ORG, identifier="lent", to_project="api", state="absent")
    declare(engine, "connector_memory_vault", **vault, timeout=30)
    declare(engine, "default_secret_manager", **API, secret_manager="builtin")
    declare(engine, "secret_text", **API, identifier="gone", state="absent")
    declare(engine, "key_rotation", **API, target="scope")
    declare(engine, "key_rotation", **API, target="scope", destroy_generation=1)
    declare(engine, "scope", **ORG, project="old", state="absent", force=True)
    declare(engine, "scope_key", **ORG, project="team", dest=str(tmp_path / "team.key"))
    declare(engine, "scope_info", recursive=True, verify=True)
    attacker.look(LAST)
    return attacker


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.name)
def test_a_tamper_is_found_at_the_first_read(
    settings: Settings, attacker: Attacker, cloud: Cloud, tamper: Tamper
) -> None:
    tamper.work(attacker)
    asked = len(cloud.asked)
    assert tamper.reading.code(settings) in tamper.codes
    assert len(cloud.asked) == asked
    with pytest.raises(Damaged):
        declare(Engine(settings), "scope_info", recursive=True, verify=True)


@pytest.mark.parametrize(
    "tamper", [one for one in TAMPERS if not one.reading.by_project], ids=lambda tamper: tamper.name
)
def test_no_write_signs_a_tamper(settings: Settings, attacker: Attacker, tamper: Tamper) -> None:
    """A write to what was touched is refused. One beside it may succeed, and the tamper is found all the same."""
    tamper.work(attacker)
    name, where = tamper.reading.name.partition("@")[0], {**ORG, "project": tamper.reading.project}
    if "version" not in tamper.name:
        with pytest.raises(Damaged):
            declare(Engine(settings), "secret_text", **where, identifier=name, value=b"mine")
        with pytest.raises(Damaged):
            declare(Engine(settings), "secret_text", **where, identifier=name, state="absent", force=True)
    for number in range(20):
        with suppress(ScopedSecretsError):
            declare(Engine(settings), "secret_text", **where, identifier=f"b{number}", value=b"beside")
    assert tamper.reading.code(settings) in tamper.codes


@pytest.mark.parametrize("tamper", TAMPERS[:2], ids=lambda tamper: tamper.name)
def test_the_error_names_the_secret_and_its_scope(settings: Settings, attacker: Attacker, tamper: Tamper) -> None:
    tamper.work(attacker)
    (answer,) = Engine(settings).resolve([Query("a1", **API)])
    assert answer.error
    message = answer.error.message
    assert message.startswith("The secrets of project 'payments/api' are not those that scoped.secrets wrote last")
    assert message.endswith("Found at 'a1'.")


@pytest.mark.parametrize("given", [{"default": "mine"}, {"on_missing": "skip"}, {"on_missing": "warn"}], ids=str)
def test_a_removed_row_is_an_error_and_never_the_default(
    settings: Settings, attacker: Attacker, given: dict[str, str]
) -> None:
    (answer,) = Engine(settings).resolve([Query("none", **API)])
    assert _value("none", answer, given) == ([given["default"]] if "default" in given else [])
    removed_again(attacker)
    (answer,) = Engine(settings).resolve([Query("a2", **API)])
    with pytest.raises(Damaged):
        _value("a2", answer, given)
