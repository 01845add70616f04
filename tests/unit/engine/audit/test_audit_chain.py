# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any tampering with audit records in the database is found, and the first bad record named."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit import chain as audit_chain
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit.proof import ChainProof
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.audit import OK, Caller, Event, Subject, moment
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.audit import StoredEvent, heads_of
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import keys_of, replace_wrapped, retire_keys
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, in_session, store_path
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once

CALLER = Caller("me", "here", "7", "this run")
PAYMENTS = ScopePath("payments")


def event(identifier: str, path: ScopePath = PAYMENTS) -> Event:
    return Event(path, "read", OK, Subject("secret", path.announced, identifier, "id", "1"), moment())


def add(session: Session, *identifiers: str) -> list[StoredEvent]:
    return audit_chain.append(session, PAYMENTS, [event(one) for one in identifiers], CALLER)


@pytest.fixture
def chained(settings: Settings, engine: Engine) -> Settings:
    """A store whose organization has ten records; the first is of its creation."""
    fill(engine)
    return settings


@made_once
def fill(engine: Engine) -> None:
    declare(engine, "scope", org="payments")
    for number in range(3):
        in_session(engine.settings, lambda session, n=number: add(session, *(f"s{n}{i}" for i in range(3))))


def verify(settings: Settings) -> int:
    def work(session: Session) -> int:
        chain = session.chain(PAYMENTS)
        (head,) = heads_of(session.tx, PAYMENTS.announced)
        return ChainProof(session, chain, head).run().keyless

    return in_session(settings, work)


def edit(settings: Settings, *statements: str) -> None:
    with closing(sqlite3.connect(store_path(settings))) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def bad(settings: Settings) -> int:
    """Return the number of the first record that fails verification."""
    with pytest.raises(Damaged) as caught:
        verify(settings)
    assert caught.value.code == "audit_broken"
    assert "organization 'payments'" in caught.value.message
    return int(caught.value.details["sequence"])


ROW = "scope_id = (SELECT id FROM scope WHERE identifier = 'payments')"


def row(number: int) -> str:
    return f"{ROW} AND sequence = {number}"


def test_an_intact_chain_verifies(chained: Settings) -> None:
    assert verify(chained) == 0


@pytest.mark.parametrize("column", [name for name in StoredEvent._fields if name not in ("scope_id", "sequence")])
@pytest.mark.parametrize("number", [1, 5, 10])
def test_an_edit_is_found(chained: Settings, column: str, number: int) -> None:
    value = "key_generation + 1" if column == "key_generation" else "'edited'"
    edit(chained, f"UPDATE audit_event SET {column} = {value} WHERE {row(number)}")
    assert bad(chained) == number


@pytest.mark.parametrize("number", [1, 5, 9])
def test_a_dropped_record_is_found(chained: Settings, number: int) -> None:
    edit(chained, f"DELETE FROM audit_event WHERE {row(number)}")
    assert bad(chained) == number


def test_a_closed_gap_is_found(chained: Settings) -> None:
    moved = f"UPDATE audit_event SET sequence = sequence - 1 WHERE {ROW} AND sequence > 4"
    edit(chained, f"DELETE FROM audit_event WHERE {row(4)}", moved)
    assert bad(chained) == 4


def test_a_swap_is_found(chained: Settings) -> None:
    steps = [f"UPDATE audit_event SET sequence = {to} WHERE {row(of)}" for of, to in ((3, 99), (6, 3), (99, 6))]
    edit(chained, *steps)
    assert bad(chained) == 3


@pytest.mark.parametrize("last", [0, 1, 7, 9])
def test_a_truncated_chain_is_found(chained: Settings, last: int) -> None:
    edit(chained, f"DELETE FROM audit_event WHERE {ROW} AND sequence > {last}")
    assert bad(chained) == last + 1


@pytest.mark.parametrize("last", [0, 7])
def test_a_truncated_chain_with_an_adjusted_head_is_found(chained: Settings, last: int) -> None:
    link = f"(SELECT link FROM audit_event WHERE {row(last)})" if last else "zeroblob(32)"
    edit(
        chained,
        f"DELETE FROM audit_event WHERE {ROW} AND sequence > {last}",
        f"UPDATE audit_head SET sequence = {last}, link = {link} WHERE {ROW}",
    )
    assert bad(chained) == last
    # The next writer refuses it too.
    with pytest.raises(Damaged, match="head"):
        in_session(chained, lambda session: add(session, "next"))


def test_a_missing_chain_is_found(chained: Settings, engine: Engine) -> None:
    edit(chained, f"DELETE FROM audit_event WHERE {ROW}", f"DELETE FROM audit_head WHERE {ROW}")
    with pytest.raises(Damaged, match="head of its chain is missing"):
        declare(engine, "audit_info", org="payments")
    with pytest.raises(Damaged, match="head of its chain is missing"):
        in_session(chained, lambda session: add(session, "next"))


def test_a_record_of_another_scope_is_found(chained: Settings, engine: Engine) -> None:
    declare(engine, "scope", org="other")
    other = "(SELECT id FROM scope WHERE identifier = 'other')"
    edit(
        chained,
        f"DELETE FROM audit_event WHERE {row(1)}",
        f"UPDATE audit_event SET scope_id = (SELECT id FROM scope WHERE identifier = 'payments') "
        f"WHERE scope_id = {other} AND sequence = 1",
    )
    assert bad(chained) == 1


def test_an_added_record_is_found(chained: Settings) -> None:
    columns = ", ".join(StoredEvent._fields)
    values = columns.replace("sequence", "11")
    edit(chained, f"INSERT INTO audit_event ({columns}) SELECT {values} FROM audit_event WHERE {row(10)}")
    assert bad(chained) == 11


def renew(session: Session) -> None:
    """Replace the scope's key, as a rotation does."""
    from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey

    chain = session.chain(PAYMENTS)
    generation = session.keyring.active(session.tx, chain).generation
    retire_keys(session.tx, chain[-1].id)
    session.keyring.keep(session.tx, chain, ScopeKey.generate(chain[-1].id, generation + 1))
    audit_chain.resign_head(session, chain)


def destroy(session: Session) -> None:
    """Destroy the first generation of the scope's key, whatever needs it."""
    chain = session.chain(PAYMENTS)
    first = next(row for row in keys_of(session.tx, chain[-1].id) if row.generation == 1)
    replace_wrapped(session.tx, first._replace(state="destroyed", wrapped=b""))


def test_older_records_verify_after_a_rotation_and_without_their_key(chained: Settings) -> None:
    in_session(chained, renew)
    assert verify(chained) == 0
    in_session(chained, lambda session: add(session, "newer"))
    assert verify(chained) == 0
    in_session(chained, destroy)
    assert verify(chained) == 10
    edit(chained, f"UPDATE audit_event SET outcome = 'edited' WHERE {row(5)}")
    assert bad(chained) == 5


def test_a_forged_record_can_not_claim_a_destroyed_key(chained: Settings) -> None:
    in_session(chained, renew)
    in_session(chained, lambda session: add(session, "one", "two"))
    in_session(chained, destroy)
    edit(chained, f"UPDATE audit_event SET key_generation = 1, outcome = 'edited' WHERE {row(11)}")
    assert bad(chained) == 11
    edit(chained, f"UPDATE audit_head SET key_generation = 1 WHERE {ROW}")
    assert bad(chained) == 11


def test_the_records_of_a_scope_outlive_it(chained: Settings, engine: Engine) -> None:
    old = shown_chains(engine)[0]
    declare(engine, "scope", org="payments", state="absent")
    (gone,) = shown_chains(engine)
    assert (gone["chain"], gone["last"], gone["key_destroyed"], gone["is_current"]) == (old["chain"], 10, 10, False)
    declare(engine, "scope", org="payments")
    chains = {chain["is_current"]: chain for chain in shown_chains(engine)}
    assert (chains[True]["last"], chains[False]["last"]) == (1, 10)
    account = declare(engine, "audit_info").returned["events"]
    assert (account[-1]["action"], account[-1]["kind"], account[-1]["identifier"]) == ("delete", "scope", "payments")


def shown_chains(engine: Engine) -> list[dict[str, object]]:
    chains: list[dict[str, object]] = declare(engine, "audit_info", org="payments", verify=True).returned["chains"]
    return chains


def test_an_event_of_a_scope_that_does_not_exist_goes_to_the_one_above(chained: Settings) -> None:
    def work(session: Session) -> list[StoredEvent]:
        below = ScopePath("payments", "nothing")
        return audit_chain.append(session, below, [event("a", below)], CALLER)

    (record,) = in_session(chained, work)
    assert (record.scope, record.of_scope, record.sequence) == ("account/payments", "account/payments/nothing", 11)
    assert ACCOUNT.announced == "account"
