# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team can do to others with the key of its scope, the database and a copy of the collection without checks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import integrity
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.managers import builtin
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Share
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import insert_version
from ansible_collections.scoped.secrets.plugins.module_utils.store.shares import share_of
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, holding

ORG = {"org": "payments"}
API = {"org": "payments", "project": "api"}
PATH = ScopePath("payments", "api")
NOW = "now"


@pytest.fixture
def attacker(settings: Settings, engine: Engine) -> Attacker:
    """A store with a secret of the account, which the organization and its project have a share of."""
    for scope in (ORG, API):
        declare(engine, "scope", **scope)
    declare(engine, "secret_text", identifier="shared", value=b"true")
    declare(engine, "secret_share", identifier="shared", to_org="payments", to_project="api")
    attacker = Attacker(settings)
    attacker.look(NOW)
    return attacker


def forged(settings: Settings, change: Callable[[Session, Share], Share]) -> None:
    """Write a changed share as the project, which signs what it has."""
    team = holding(settings, **API)

    def work(session: Session) -> None:
        chain = session.chain(PATH)
        secret_id = next(iter(session.share_tags(chain)))
        old = share_of(session.tx, secret_id, chain[-1].id)
        assert old
        new = change(session, old)
        session.replace_share(chain, old, integrity.tag_share(new, session.keyring.active(session.tx, chain)))

    team.write(work, PATH)


def another_value(session: Session, share: Share) -> Share:
    """Seal another value as the next version, for the project's own key."""
    chain = session.chain(PATH)
    key = session.keyring.active(session.tx, chain)
    row = session.tx.one("SELECT * FROM secret_version WHERE secret_id = :id", id=share.secret_id)
    assert row
    from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.canonical import digest_of
    from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import secret_of, version_of

    secret = session.tx.one("SELECT * FROM secret WHERE id = :id", id=share.secret_id)
    assert secret
    context = session.context(chain[:1], secret_of(secret), 2)
    version = version_of(row)._replace(version=2, envelope=builtin.keep(b"forged", context, key))
    version = version._replace(digest=digest_of(version))
    insert_version(session.tx, version)
    return share._replace(version=2, version_digest=version.digest)


@pytest.mark.parametrize("reader", [ORG, API], ids=["the organization", "the project"])
@pytest.mark.parametrize(
    "change",
    [another_value, lambda _session, share: share._replace(expires_at=""), lambda _session, share: share],
    ids=["another value", "the same", "signed again"],
)
def test_a_share_counts_by_the_key_of_the_scope_that_gives(
    settings: Settings, attacker: Attacker, reader: dict[str, str], change: Callable[[Session, Share], Share]
) -> None:
    query = Query("account.shared", **API)
    (before,) = holding(settings, **reader).resolve([query])
    assert before.value == b"true"
    forged(settings, change)
    (answer,) = holding(settings, **reader).resolve([query])
    assert answer.value == b""
    assert isinstance(answer.error, Damaged)
    # Who has the key of the secret's scope reads the secret itself, and finds what was forged.
    assert Engine(settings).resolve([query])[0].value == b"true"
    with pytest.raises(Damaged):
        declare(Engine(settings), "scope_info", **API, verify=True)


def test_a_public_key_in_the_database_is_found_by_those_above(settings: Settings, attacker: Attacker) -> None:
    """The limit that security.md names: with the project's key alone, nobody can tell."""
    forged(settings, another_value)
    project = attacker.one(NOW, "scope_key", scope_id=attacker.one(NOW, "scope", level="project")["id"])
    account = attacker.one(NOW, "scope", level="account")["id"]
    attacker.run("UPDATE scope_key SET public_key = :key WHERE scope_id = :id", key=project["public_key"], id=account)
    (answer,) = Engine(settings).resolve([Query("shared")])
    assert isinstance(answer.error, Damaged)


def test_the_highest_share_counts(settings: Settings, engine: Engine, attacker: Attacker) -> None:
    """Holders of a lower key can't have written it."""
    declare(engine, "secret_share", identifier="shared", to_org="payments")
    forged(settings, another_value)
    (answer,) = holding(settings, **ORG).resolve([Query("account.shared", **API)])
    assert answer.value == b"true"
