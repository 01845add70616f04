# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proof reads what is new and what is shown; what the head says of the rest is believed while nothing is missing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit import proof as audit_proof
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit.links import content_of, link_after
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, StoreRefused
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import events_after
from ansible_collections.scoped.secrets.tests.unit.engine.audit.records import (
    ORG,
    PAYMENTS,
    RECORDS,
    add_days,
    chain_of,
    fill,
    run,
    verified,
)
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, holding, in_session


@pytest.fixture
def engine(engine: Engine) -> Engine:
    fill(engine)
    return engine


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The contents of the records that proofs hash."""
    contents: list[bytes] = []
    link_after = audit_proof.link_after

    def counting(before: bytes, content: bytes) -> bytes:
        contents.append(content)
        return link_after(before, content)

    monkeypatch.setattr(audit_proof, "link_after", counting)
    return contents


def counted(hashed: list[bytes], engine: Engine, **params: Any) -> tuple[int, int]:
    """Verify; return the first record of the proof, and how many were read, which is how many were hashed."""
    hashed.clear()
    first, read = verified(engine, **params)
    assert len(hashed) == read
    return first, read


def bad(engine: Engine, **params: Any) -> int:
    with pytest.raises(Damaged) as caught:
        declare(engine, "audit_info", **ORG, **{"verify": True, "after": 10**6, **params})
    assert caught.value.code == "audit_broken"
    return int(caught.value.details["sequence"])


def test_only_what_is_new_is_read(engine: Engine, hashed: list[bytes]) -> None:
    assert counted(hashed, engine) == (1, RECORDS)
    assert counted(hashed, engine) == (RECORDS + 1, 0)
    add_days(engine.settings, range(11, 14))
    assert counted(hashed, engine) == (RECORDS + 1, 3)
    # Whoever comes next, from whichever machine, begins there.
    assert counted(hashed, Engine(engine.settings)) == (14, 0)
    assert counted(hashed, holding(engine.settings, "payments")) == (14, 0)
    assert counted(hashed, engine, verify_all=True) == (1, 13)


def test_what_is_shown_is_read(engine: Engine) -> None:
    assert verified(engine) == (1, RECORDS)
    for shown, read in (
        ({"limit": 3}, 3),
        ({"after": 4, "limit": 2}, 2),
        ({"secret": "s7"}, 1),
        ({"secret": "none"}, 0),
    ):
        (chain,) = declare(engine, "audit_info", **ORG, verify=True, **shown).returned["chains"]
        assert (chain["verified_from"], chain["verified"]) == (RECORDS + 1, read), shown
    # What is both is read once.
    add_days(engine.settings, range(11, 14))
    (chain,) = declare(engine, "audit_info", **ORG, verify=True, after=8).returned["chains"]
    assert chain["verified"] == 5


def test_an_older_record_that_was_edited_is_found_when_it_is_shown_or_all_are_read(engine: Engine) -> None:
    verified(engine)
    run(engine.settings, "UPDATE audit_event SET identifier = 'x' WHERE scope_id = SCOPE AND sequence = 5")
    assert verified(engine) == (RECORDS + 1, 0)
    assert bad(engine, after=0) == 5
    assert bad(engine, after=0, outcome="ok", limit=5) == 5
    assert bad(engine, verify_all=True) == 5


@pytest.mark.parametrize("number", [1, 5, RECORDS])
def test_an_older_record_that_is_missing_is_found(engine: Engine, number: int) -> None:
    verified(engine)
    add_days(engine.settings, range(11, 14))
    run(engine.settings, f"DELETE FROM audit_event WHERE scope_id = SCOPE AND sequence = {number}")
    assert bad(engine) == number


def test_a_gap_that_a_record_from_before_the_first_fills_is_found(engine: Engine) -> None:
    verified(engine)
    run(engine.settings, "UPDATE audit_event SET sequence = 0 WHERE scope_id = SCOPE AND sequence = 5")
    assert bad(engine) == 5


@pytest.mark.parametrize("number", [0, -3])
def test_a_record_from_before_the_first_is_found(engine: Engine, number: int) -> None:
    verified(engine)
    columns = ", ".join(audit_proof.StoredEvent._fields)
    values = columns.replace("sequence", str(number))
    statement = f"INSERT INTO audit_event ({columns}) SELECT {values} FROM audit_event"
    run(engine.settings, f"{statement} WHERE scope_id = SCOPE AND sequence = 5")
    assert bad(engine) == number


@pytest.mark.parametrize(
    "forged",
    [
        "verified = 10, verified_link = link",
        "archived = 10, archived_link = link",
        "verified = 4",
        "verified_link = tag",
    ],
)
def test_a_mark_that_nobody_signed_is_not_believed(engine: Engine, forged: str) -> None:
    run(
        engine.settings,
        f"UPDATE audit_head SET {forged} WHERE scope_id = SCOPE",
        "UPDATE audit_event SET identifier = 'x' WHERE scope_id = SCOPE AND sequence = 5",
    )
    assert bad(engine) in (5, 11, RECORDS)
    assert bad(engine, verify_all=True) in (5, 11, RECORDS)
    # Nor does anybody sign it.
    with pytest.raises(Damaged, match="head"):
        add_days(engine.settings, range(11, 12))


def test_a_mark_of_other_records_is_not_used(engine: Engine) -> None:
    verified(engine)
    run(engine.settings, f"UPDATE audit_event SET link = mac WHERE scope_id = SCOPE AND sequence = {RECORDS}")
    assert bad(engine) == RECORDS


def test_check_mode_remembers_nothing(engine: Engine) -> None:
    for _time in range(2):
        (chain,) = check(engine, "audit_info", **ORG, verify=True).returned["chains"]
        assert chain["verified"] == RECORDS
    assert verified(engine) == (1, RECORDS)


def test_who_can_not_write_is_told_and_verifies_all_the_same(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_given: object) -> None:
        raise StoreRefused("store_read_only", "The disk is read-only.", hint="Make it writable.")

    monkeypatch.setattr(Engine, "append", refused)
    result = declare(Engine(settings._replace(audit="off")), "audit_info", **ORG, verify=True)
    assert result.returned["chains"][0]["verified"] == RECORDS
    assert ["can't be remembered" in warning for warning in result.warnings] == [True]


def test_marks_outlive_rotations_and_the_scope(engine: Engine) -> None:
    verified(engine)
    declare(engine, "key_rotation", **ORG, target="scope")
    declare(engine, "key_rotation", **ORG, target="scope", destroy_generation=1)
    first, read = verified(engine)
    assert first == RECORDS + 1
    assert verified(engine) == (first + read, 0)
    declare(engine, "scope", **ORG, state="absent")
    assert verified(engine)[0] == first + read
    last = chain_of(engine)["last"]
    assert verified(engine) == (last + 1, 0)
    assert verified(engine, verify_all=True) == (1, last)


def test_a_shown_record_without_a_key_is_proved_by_those_after_it(engine: Engine) -> None:
    """Its hashes need no key: whoever edits it can make those of the next ones fit, up to where they are proved."""
    declare(engine, "key_rotation", **ORG, target="scope")
    declare(engine, "key_rotation", **ORG, target="scope", destroy_generation=1)
    verified(engine)
    page = {"verify": True, "after": 4, "limit": 2}
    (chain,) = declare(engine, "audit_info", **ORG, **page).returned["chains"]
    assert (chain["verified"], chain["key_destroyed"]) == (chain["last"] - 4, RECORDS - 4)

    def forge(session: Session) -> None:
        before, *records = events_after(session.tx, session.chain(PAYMENTS)[-1].id, 4, limit=4)
        link = before.link
        for record in records:
            forged = record._replace(user_name="somebody else")
            link = link_after(link, content_of(forged))
            statement = "UPDATE audit_event SET user_name = :name, link = :link WHERE scope_id = :id AND sequence = :at"
            session.tx.run(statement, name=forged.user_name, link=link, id=record.scope_id, at=record.sequence)

    in_session(engine.settings, forge)
    assert bad(engine, after=5, limit=2) == 9
    assert bad(engine, verify_all=True) == 9


def test_who_can_not_open_the_scope_above_reads_all_of_a_closed_chain(engine: Engine) -> None:
    """Its head may say what it likes: nothing that this key opens has signed it."""
    declare(engine, "scope", **ORG, state="absent")
    declare(engine, "scope", **ORG)
    assert len(declare(engine, "audit_info", **ORG, verify=True).returned["chains"]) == 2
    team = holding(engine.settings, "payments")
    chains = declare(team, "audit_info", **ORG, verify=True, after=10**6).returned["chains"]
    old, new = sorted(chains, key=lambda chain: bool(chain["is_current"]))
    assert (old["verified_from"], old["verified"]) == (1, old["last"])
    assert (new["verified_from"], new["verified"]) == (2, 0)


def test_the_doctor_reads_what_is_new_in_all_chains(engine: Engine, settings: Settings, hashed: list[bytes]) -> None:
    declare(engine, "doctor")
    assert len(hashed) >= RECORDS
    hashed.clear()
    check(engine, "doctor")
    assert hashed == []
    run(settings, "DELETE FROM audit_event WHERE scope_id = SCOPE AND sequence = 5")
    checks = {one["check"]: one for one in declare(engine, "doctor").returned["checks"]}
    assert checks["audit"]["code"] == "audit_broken"
    assert "audit" not in {one["check"] for one in declare(engine, "doctor", verify=False).returned["checks"]}
