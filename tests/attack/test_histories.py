# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that is put back as a whole proves itself: machines that have seen a newer state find it all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit.links import content_of, link_after
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, Unavailable
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import StoredEvent
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, exported, holding

API = {"org": "payments", "project": "api"}
WEB = {"org": "payments", "project": "web"}
OLD, NEW = "old", "new"
SECRET = Query("a", **API)
Machine = Callable[[str], Settings]


@pytest.fixture
def machine(settings: Settings, tmp_path: Path) -> Machine:
    """A function that returns the settings of a machine, which remembers what it has seen."""
    return lambda name: settings._replace(state_folder=str(tmp_path / name))


@pytest.fixture
def attacker(settings: Settings, machine: Machine) -> Attacker:
    """A store, of which the machine `one` has seen the newest state."""
    attacker, engine = Attacker(settings), Engine(machine("one"))
    for scope in ({"org": "payments"}, API, WEB):
        declare(engine, "scope", **scope)
    for scope in (API, WEB):
        declare(engine, "secret_text", **scope, identifier="a", value=b"first")
    attacker.look(OLD)
    declare(engine, "secret_text", **API, identifier="a", value=b"second")
    declare(engine, "secret_text", **API, identifier="b", value=b"b")
    attacker.look(NEW)
    return attacker


def answer_at(settings: Settings, query: Query = SECRET) -> Answer:
    """Return the answer that a new run gets."""
    (answer,) = Engine(settings).resolve([query])
    return answer


def code_at(settings: Settings, query: Query = SECRET) -> str:
    answer = answer_at(settings, query)
    assert answer.value == b"" or answer.error is None
    assert answer.error is None or isinstance(answer.error, Damaged)
    return answer.error.code if answer.error else ""


def history_at(settings: Settings) -> dict[str, str]:
    checks = declare(Engine(settings), "doctor").returned["checks"]
    found: dict[str, str] = next(one for one in checks if one["check"] == "history")
    return found


def scope_put_back(attacker: Attacker) -> None:
    """One project with all that it has and signs; nothing of what is above it."""
    scope_id = attacker.one(NEW, "scope", identifier="api")["id"]
    for secret in attacker.taken(NEW, "secret", scope_id=scope_id):
        attacker.remove("secret_version", secret_id=secret["id"])
        attacker.remove("secret", id=secret["id"])
    attacker.remove("audit_event", scope_id=scope_id)
    attacker.put_back(OLD, "scope", id=scope_id)
    for table in ("scope_key", "secret", "audit_head", "audit_event"):
        attacker.put_back(OLD, table, scope_id=scope_id)
    for secret in attacker.taken(OLD, "secret", scope_id=scope_id):
        attacker.put_back(OLD, "secret_version", secret_id=secret["id"])


PUT_BACK = pytest.mark.parametrize(
    "put_back", [lambda attacker: attacker.put_all_back(OLD), scope_put_back], ids=["the database", "a scope"]
)


@PUT_BACK
def test_what_is_put_back_is_found_by_a_machine_that_has_seen_more(
    machine: Machine, attacker: Attacker, put_back: Callable[[Attacker], None]
) -> None:
    key = exported(machine("one"), **API)
    team = machine("team")._replace(root_key_file="/none", scope_key=key)
    assert code_at(team) == ""
    put_back(attacker)
    for settings in (machine("one"), team):
        assert code_at(settings) == "store_rolled_back"
        with pytest.raises(Damaged) as caught:
            declare(Engine(settings), "secret_text", **API, identifier="a", value=b"mine")
        assert "project 'payments/api' was put back to an older state" in caught.value.message.replace("P", "p", 1)
        assert history_at(settings)["code"] == "store_rolled_back"
        assert not declare(Engine(settings), "doctor").returned["healthy"]
    with pytest.raises(Damaged):
        declare(Engine(machine("one")), "scope_info", recursive=True, verify=True)
    # The limit that security.md names: a machine that never saw more has nothing to compare with.
    assert answer_at(machine("never there")).value == b"first"


def test_a_team_accepts_its_own_scope_and_no_other(machine: Machine, attacker: Attacker) -> None:
    declare(Engine(machine("one")), "secret_text", **WEB, identifier="a", value=b"second")
    key = exported(machine("one"), **API)
    attacker.put_all_back(OLD)
    team = machine("one")._replace(root_key_file="/none", scope_key=key)
    assert code_at(team) == "store_rolled_back"
    assert declare(Engine(team), "doctor", accept_rollback=True).changed
    assert answer_at(team).value == b"first"
    assert code_at(machine("one"), Query("a", **WEB)) == "store_rolled_back"


def test_an_older_store_is_not_backed_up(machine: Machine, attacker: Attacker, tmp_path: Path) -> None:
    attacker.put_all_back(OLD)
    with pytest.raises(Damaged) as caught:
        declare(Engine(machine("one")), "store_backup", dest=str(tmp_path / "backup"))
    assert caught.value.code == "store_rolled_back"
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("epoch", [2**60, 2**63 - 1])
def test_an_epoch_that_a_team_invented_is_in_nobodys_way(
    machine: Machine, attacker: Attacker, new_place: Callable[[], str], tmp_path: Path, epoch: int
) -> None:
    team = holding(machine("team"), **API)

    def work(session: Session) -> None:
        chain = session.chain(ScopePath(**API))
        session.resign_scope([*chain[:-1], chain[-1]._replace(epoch=epoch)])

    team.write(work, ScopePath(**API))
    views = declare(Engine(machine("one")), "scope_info", recursive=True).returned["scopes"]
    assert [one["restored_at"] for one in views if one["project"] == "api"] == ["an impossible time"]
    backup = str(tmp_path / "backup")
    declare(Engine(machine("one")), "store_backup", dest=backup)
    restored = machine("new")._replace(store=new_place())
    declare(Engine(restored), "store_restore", src=backup)
    assert answer_at(restored).value == b"second"


@PUT_BACK
def test_what_was_not_put_back_can_be_used(
    machine: Machine, attacker: Attacker, put_back: Callable[[Attacker], None]
) -> None:
    put_back(attacker)
    assert code_at(machine("one"), Query("a", **WEB)) in ("", "store_rolled_back")
    if put_back is scope_put_back:
        assert answer_at(machine("one"), Query("a", **WEB)).value == b"first"


@PUT_BACK
def test_who_put_it_back_on_purpose_says_so_once(
    machine: Machine, attacker: Attacker, put_back: Callable[[Attacker], None]
) -> None:
    assert code_at(machine("two")) == ""
    put_back(attacker)
    planned = check(Engine(machine("one")), "doctor", accept_rollback=True)
    assert planned.changed
    assert code_at(machine("one")) == "store_rolled_back"
    accepted = declare(Engine(machine("one")), "doctor", accept_rollback=True)
    assert accepted.changed
    assert answer_at(machine("one")).value == b"first"
    assert not declare(Engine(machine("one")), "doctor", accept_rollback=True).changed
    # The other machine accepts what the root key has signed, and says so once.
    told = []
    for _run in range(2):
        engine = Engine(machine("two"))
        (answer,) = engine.resolve([SECRET])
        assert answer.value == b"first"
        told.append([notice for notice in engine.take_notices() if "was restored at" in notice])
    assert (len(told[0]), told[1]) == (1, [])
    declare(Engine(machine("two")), "secret_text", **API, identifier="a", value=b"third")
    assert answer_at(machine("one")).value == b"third"
    # What was accepted can't be undone by putting back the state before.
    attacker.put_all_back(NEW)
    assert code_at(machine("one")) == code_at(machine("two")) == "store_rolled_back"


def test_a_machine_that_saw_less_goes_on_with_less(machine: Machine, attacker: Attacker) -> None:
    attacker.put_all_back(OLD)
    assert answer_at(machine("less")).value == b"first"
    attacker.put_all_back(NEW)
    assert answer_at(machine("less")).value == b"second"
    attacker.put_all_back(OLD)
    assert code_at(machine("less")) == code_at(machine("one")) == "store_rolled_back"


def test_a_restored_backup_is_accepted_everywhere(
    machine: Machine, attacker: Attacker, new_place: Callable[[], str], tmp_path: Path
) -> None:
    backup = str(tmp_path / "backup")
    declare(Engine(machine("one")), "store_backup", dest=backup)
    declare(Engine(machine("one")), "secret_text", **API, identifier="a", value=b"after the backup")
    place = new_place()
    restored = machine("one")._replace(store=place)
    declare(Engine(restored), "store_restore", src=backup)
    assert answer_at(restored).value == b"second"
    assert history_at(restored)["verdict"] == "ok"
    (scope, *_others) = declare(Engine(restored), "scope_info", **API).returned["scopes"]
    assert scope["restored_at"]
    # It lies at another place: the original is as good as before.
    assert answer_at(machine("one")).value == b"after the backup"


def record_added(attacker: Attacker, scope_id: str) -> None:
    """Its hashes need no key."""
    rows = attacker.taken(NEW, "audit_event", scope_id=scope_id)
    last = max(rows, key=lambda row: row["sequence"])
    event = StoredEvent(**last)._replace(sequence=last["sequence"] + 1, identifier="forged", user_name="somebody else")
    event = event._replace(link=link_after(last["link"], content_of(event)))
    attacker.insert("audit_event", event._asdict())
    statement = "UPDATE audit_head SET sequence = :sequence, link = :link WHERE scope_id = :id"
    attacker.run(statement, sequence=event.sequence, link=event.link, id=scope_id)


def head_signed_again(attacker: Attacker, scope_id: str) -> None:
    """Whoever had the key of the removed scope still has it."""
    attacker.put_back(OLD, "audit_head", scope_id=scope_id)
    attacker.remove("audit_event", scope_id=scope_id)
    attacker.put_back(OLD, "audit_event", scope_id=scope_id)


@pytest.mark.parametrize("forge", [record_added, head_signed_again])
@pytest.mark.parametrize("removed", [API, {"org": "payments"}], ids=["project", "organization"])
def test_the_audit_of_a_removed_scope_is_closed(
    machine: Machine, attacker: Attacker, forge: Callable[[Attacker, str], None], removed: dict[str, str]
) -> None:
    engine = Engine(machine("one"))
    declare(engine, "scope", **removed, state="absent", force=True)
    above = {} if removed != API else {"org": "payments"}
    for rotation in range(1, 3):
        (chain,) = declare(engine, "audit_info", **API, verify=True).returned["chains"]
        assert chain["is_current"] is False
        declare(engine, "key_rotation", **above, target="scope")
        declare(engine, "key_rotation", **above, target="scope", destroy_generation=rotation)
    attacker.look(NEW)
    forge(attacker, attacker.one(NEW, "audit_head", scope="account/payments/api")["scope_id"])
    with pytest.raises(Damaged) as caught:
        declare(engine, "audit_info", **API, verify=True)
    assert caught.value.code == "audit_broken"


@pytest.mark.parametrize("is_written", [True, False], ids=["a write came after", "reads only"])
def test_a_cut_off_audit_is_found(machine: Machine, attacker: Attacker, is_written: bool) -> None:
    """After a write by what the scope signs, after reads by what the machine has seen."""
    settings = machine("one" if not is_written else "never there")
    attacker.look("before")
    for _time in range(3):
        answer_at(machine("one"))
    if is_written:
        declare(Engine(machine("one")), "secret_text", **API, identifier="c", value=b"c")
    scope_id = attacker.one(NEW, "scope", identifier="api")["id"]
    attacker.remove("audit_event", scope_id=scope_id)
    for table in ("audit_head", "audit_event"):
        attacker.put_back("before", table, scope_id=scope_id)
    with pytest.raises(Damaged) as caught:
        declare(Engine(settings), "audit_info", **API, verify=True)
    assert caught.value.code == "audit_broken"
    # Without `audit: required` a write goes on, and says that it was not recorded.
    (warning,) = declare(Engine(settings), "secret_text", **API, identifier="d", value=b"d").warnings
    assert "was cut off" in warning
    with pytest.raises(Unavailable):
        declare(Engine(settings._replace(audit="required")), "secret_text", **API, identifier="e", value=b"e")
    with pytest.raises(Damaged):
        declare(Engine(settings), "audit_info", **API, verify=True)
    assert history_at(settings)["code"] == "audit_broken"
    # Nobody can accept that records are gone which the scope has signed.
    if not is_written:
        assert "accept_rollback" in caught.value.hint
        assert declare(Engine(settings), "doctor", accept_rollback=True).changed
        declare(Engine(settings), "audit_info", **API, verify=True)
