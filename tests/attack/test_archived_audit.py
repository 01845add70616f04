# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives and marks in the heads of audit chains give nobody without a key a way to make records vanish, or change."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare

API = {"org": "payments", "project": "api"}
WEB = {"org": "payments", "project": "web"}
NOT_YET, ONCE, TWICE, NEW = "nothing archived", "archived once", "archived twice", "new"
FOREVER = "2999-01-01"
Machine = Callable[[str], Settings]


@pytest.fixture
def machine(settings: Settings, tmp_path: Path) -> Machine:
    """A function that returns the settings of a machine, which remembers what it has seen."""
    return lambda name: settings._replace(state_folder=str(tmp_path / name))


@pytest.fixture
def attacker(settings: Settings, machine: Machine, tmp_path: Path) -> Attacker:
    """Two projects whose audits were archived twice and verified, with records since then."""
    attacker, engine = Attacker(settings), Engine(machine("one"))
    for scope in ({"org": "payments"}, API, WEB):
        declare(engine, "scope", **scope)
    write(engine)
    attacker.look(NOT_YET)
    for moment in (ONCE, TWICE):
        for number, scope in enumerate((API, WEB)):
            declare(engine, "audit_archive", **scope, dest=str(tmp_path / f"{moment} {number}"), before=FOREVER)
        write(engine)
        attacker.look(moment)
    declare(engine, "audit_info", **API, verify=True)
    write(engine)
    attacker.look(NEW)
    return attacker


def write(engine: Engine) -> None:
    for scope in (API, WEB):
        for number in range(3):
            declare(engine, "secret_text", **scope, identifier=f"s{number}", value=os.urandom(8).hex().encode())


def api(attacker: Attacker, identifier: str = "api") -> str:
    found: str = attacker.one(NEW, "scope", identifier=identifier)["id"]
    return found


def delete(attacker: Attacker, *numbers: int) -> None:
    """Remove records by their place among those in the store."""
    sequences = sorted(row["sequence"] for row in attacker.taken(NEW, "audit_event", scope_id=api(attacker)))
    for number in numbers:
        attacker.remove("audit_event", scope_id=api(attacker), sequence=sequences[number])


def begin(attacker: Attacker, record: int) -> None:
    """Let the head say that all up to one of the records in the store are archived, and remove these."""
    rows = sorted(attacker.taken(NEW, "audit_event", scope_id=api(attacker)), key=lambda row: row["sequence"])
    statement = "UPDATE audit_head SET archived = :sequence, archived_link = :link WHERE scope_id = :id"
    attacker.run(statement, id=api(attacker), sequence=rows[record]["sequence"], link=rows[record]["link"])
    for row in rows:
        if row["sequence"] <= rows[record]["sequence"]:
            attacker.remove("audit_event", scope_id=api(attacker), sequence=row["sequence"])


def head_back(attacker: Attacker, moment: str) -> None:
    attacker.put_back(moment, "audit_head", scope_id=api(attacker))


def all_back(attacker: Attacker, moment: str) -> None:
    attacker.remove("audit_event", scope_id=api(attacker))
    attacker.put_back(moment, "audit_event", scope_id=api(attacker))
    head_back(attacker, moment)


def records_back(attacker: Attacker, moment: str) -> None:
    attacker.put_back(moment, "audit_event", scope_id=api(attacker))


def begin_of_before(attacker: Attacker, moment: str) -> None:
    """The begin of an older head in the newest one, with the records in the store that it needs."""
    records_back(attacker, moment)
    old = attacker.one(moment, "audit_head", scope_id=api(attacker))
    statement = "UPDATE audit_head SET archived = :archived, archived_link = :link WHERE scope_id = :id"
    attacker.run(statement, id=api(attacker), archived=old["archived"], link=old["archived_link"])


def begin_of_another(attacker: Attacker) -> None:
    other = attacker.one(NEW, "audit_head", scope_id=api(attacker, "web"))
    statement = "UPDATE audit_head SET archived = :archived, archived_link = :link WHERE scope_id = :id"
    attacker.run(statement, id=api(attacker), archived=other["archived"], link=other["archived_link"])


def head_of_another(attacker: Attacker) -> None:
    other = attacker.one(NEW, "audit_head", scope_id=api(attacker, "web"))
    attacker.remove("audit_head", scope_id=api(attacker))
    attacker.insert("audit_head", other, scope_id=api(attacker), scope="account/payments/api")


def marked(attacker: Attacker) -> None:
    """An edit that a forged mark is to hide."""
    attacker.run("UPDATE audit_event SET user_name = 'x' WHERE scope_id = :id", id=api(attacker))
    statement = "UPDATE audit_head SET verified = sequence, verified_link = link WHERE scope_id = :id"
    attacker.run(statement, id=api(attacker))


TAMPERS: dict[str, Callable[[Attacker], None]] = {
    "the first record removed": lambda attacker: delete(attacker, 0),
    "a record removed that was verified": lambda attacker: delete(attacker, 2),
    "a record removed that is new": lambda attacker: delete(attacker, -2),
    "the last record removed": lambda attacker: delete(attacker, -1),
    "a checkpoint forged that swallows one record": lambda attacker: begin(attacker, 0),
    "a checkpoint forged that swallows some": lambda attacker: begin(attacker, 3),
    "a checkpoint forged that swallows all": lambda attacker: begin(attacker, -1),
    "the head from before all archives": lambda attacker: head_back(attacker, NOT_YET),
    "the head of an older checkpoint": lambda attacker: head_back(attacker, ONCE),
    "the head from before the newest records": lambda attacker: head_back(attacker, TWICE),
    "everything from before all archives": lambda attacker: all_back(attacker, NOT_YET),
    "everything of an older checkpoint": lambda attacker: all_back(attacker, ONCE),
    "everything from before the newest records": lambda attacker: all_back(attacker, TWICE),
    "archived records put back": lambda attacker: records_back(attacker, NOT_YET),
    "some archived records put back": lambda attacker: records_back(attacker, ONCE),
    "an older checkpoint with its records": lambda attacker: begin_of_before(attacker, ONCE),
    "no checkpoint and all records": lambda attacker: begin_of_before(attacker, NOT_YET),
    "the checkpoint of another scope": begin_of_another,
    "the head of another scope": head_of_another,
    "a mark forged that hides an edit": marked,
}


@pytest.mark.parametrize("name", TAMPERS)
@pytest.mark.parametrize("place", ["one", "never there"])
def test_a_tamper_is_found_and_never_signed(
    machine: Machine, attacker: Attacker, tmp_path: Path, name: str, place: str
) -> None:
    settings = machine(place)
    TAMPERS[name](attacker)
    for _time in range(2):
        for verify in ("verify", "verify_all"):
            with pytest.raises(Damaged) as caught:
                declare(Engine(settings), "audit_info", **API, **{verify: True}, after=10**6)
            assert caught.value.code == "audit_broken"
        doctor = declare(Engine(settings), "doctor").returned
        codes = {one["code"] for one in doctor["checks"] if one["verdict"] == "error"}
        assert (doctor["healthy"], codes) == (False, {"audit_broken"})
        # Nobody archives what would hide it.
        with pytest.raises(Damaged):
            declare(Engine(settings), "audit_archive", **API, dest=str(tmp_path / "hidden"), before=FOREVER)
        assert not (tmp_path / "hidden").exists()
        # Nor does a write make it good, whether it adds a record or can't.
        with suppress(ScopedSecretsError):
            declare(Engine(settings), "secret_text", **API, identifier="new", value=os.urandom(8).hex().encode())
    # The other scope's audit is as good as before.
    declare(Engine(settings), "audit_info", **WEB, verify_all=True)


def test_nothing_was_done(machine: Machine, attacker: Attacker) -> None:
    """What the tests above find is what they do."""
    for place in ("one", "never there"):
        assert declare(Engine(machine(place)), "doctor").returned["healthy"]
        declare(Engine(machine(place)), "audit_info", **API, verify_all=True)


@pytest.mark.parametrize("is_written", [True, False], ids=["a write came after", "nothing came after"])
def test_a_head_put_back_that_no_record_has_moved(
    settings: Settings, machine: Machine, tmp_path: Path, is_written: bool
) -> None:
    """Without a record of the archive, both heads end with the same one. The records are gone all the same."""
    attacker, engine = Attacker(settings), Engine(machine("one")._replace(audit="off"))
    for scope in ({"org": "payments"}, API):
        declare(Engine(machine("one")), "scope", **scope)
    attacker.look(NOT_YET)
    declare(engine, "audit_archive", **API, dest=str(tmp_path / "a"), before=FOREVER)
    attacker.look(NEW)
    declare(engine, "audit_info", **API, verify=True)
    head_back(attacker, NOT_YET)
    if is_written:
        declare(Engine(machine("one")), "secret_text", **API, identifier="a", value=b"a")
    with pytest.raises(Damaged) as caught:
        declare(engine, "audit_info", **API, verify=True)
    assert (caught.value.code, caught.value.details["sequence"]) == ("audit_broken", 1)
