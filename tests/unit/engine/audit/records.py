# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores with audit records whose times are known, and what audit_info says of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit import chain as audit_chain
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.audit import OK, Caller, Event, Subject
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, in_session, rows_of
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once

__all__ = ["ORG", "PAYMENTS", "RECORDS", "add_days", "chain_of", "fill", "run", "verified"]

ORG = {"org": "payments"}
PAYMENTS = ScopePath("payments")
RECORDS = 10
"""How many records `fill` makes: of the scope's creation, and one for each of the days from the second to the tenth."""


@made_once
def fill(engine: Engine) -> None:
    declare(engine, "scope", **ORG)
    add_days(engine.settings, range(2, RECORDS + 1))


def add_days(settings: Settings, days: range) -> None:
    """Add a record for each of these days of January 2030. The record of a day has its number."""

    def work(session: Any) -> None:
        events = [
            Event(
                PAYMENTS,
                "read",
                OK,
                Subject("secret", PAYMENTS.announced, f"s{day}"),
                f"2030-01-{day:02}T12:00:00.000Z",
            )
            for day in days
        ]
        audit_chain.append(session, PAYMENTS, events, Caller("me", "here", "7", "this run"))

    in_session(settings, work)


def chain_of(engine: Engine, **params: Any) -> dict[str, Any]:
    """Return the only chain of the organization. No record of it is shown."""
    (chain,) = declare(engine, "audit_info", **ORG, after=10**6, **params).returned["chains"]
    found: dict[str, Any] = chain
    return found


def verified(engine: Engine, **params: Any) -> tuple[int, int]:
    """Verify the organization's chain; return the first record of the proof, and how many were read for it."""
    chain = chain_of(engine, **{"verify": True, **params})
    return chain["verified_from"], chain["verified"]


def run(settings: Settings, *statements: str) -> None:
    """Run statements as somebody does who can write to the database; SCOPE is the id of the organization."""
    with rows_of(settings) as tx:
        for statement in statements:
            tx.run(statement.replace("SCOPE", "(SELECT id FROM scope WHERE identifier = 'payments')"))
