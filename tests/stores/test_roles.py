# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up of docs/postgresql.md: one role owns the tables, one runs, and each transaction sees its own scope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS
from ansible_collections.scoped.secrets.tests.stores.conftest import settings_at

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

STEPS_OF_THE_GUIDE = Path(__file__).resolve().parents[2] / "docs" / "postgresql"
OWNER, APP = "scoped_secrets_owner", "scoped_secrets_app"
PASSWORD = "canary-of-a-role"
TABLES = (
    "scope",
    "scope_key",
    "connector",
    "default_manager",
    "secret",
    "secret_version",
    "secret_index",
    "scope_child",
    "scope_index",
    "secret_share",
    "secret_reference",
    "intent",
    "audit_head",
    "audit_event",
)


@dataclass(frozen=True)
class SetUp:
    """A database as the guide makes it, and the settings of its two roles."""

    server: Postgresql
    owner: Settings
    app: Settings

    def seen(self, scope: str, statement: str) -> list[Any]:
        """Return the rows that the running role gets when a transaction announces `scope`."""
        announce = f"SET scoped_secrets.scope = '{scope}'"
        return self.server.run(announce, statement, url=self.app.store)


def step(server: Postgresql, name: str, url: str) -> None:
    """Run a file of the guide as psql would."""
    server.run((STEPS_OF_THE_GUIDE / name).read_text(), url=url)


@pytest.fixture(scope="module")
def made(postgresql: Postgresql) -> Iterator[SetUp]:
    name = postgresql.new_database()
    admin = postgresql.url(name)
    step(postgresql, "1_database.sql", admin)
    for role in (OWNER, APP):
        postgresql.run(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'", url=admin)
    own = [re.sub(r"//.*@", f"//{role}:{PASSWORD}@", admin) for role in (OWNER, APP)]
    owner = settings_at(own[0])
    open_store(owner, create=True).database.close()
    step(postgresql, "2_roles.sql", owner.store)
    step(postgresql, "2_roles.sql", owner.store)
    yield SetUp(postgresql, owner, owner._replace(store=own[1]))
    # The roles serve one database of a server.
    postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def tree(made: SetUp) -> Engine:
    """The engine of the running role, which has made two projects side by side, and one in another organization."""
    engine = Engine(made.app)
    for org, project in (("payments", "api"), ("payments", "web"), ("sales", "api")):
        engine.handle(Request("scope", {"org": org}))
        engine.handle(Request("scope", {"org": org, "project": project}))
        declare(engine, org, project)
    declare(engine, "payments", "")
    declare(engine, "", "")
    for project in ("api", "web"):
        engine.handle(Request("secret_share", {"identifier": "a", "to_org": "payments", "to_project": project}))
    return engine


def declare(engine: Engine, org: str, project: str, **params: Any) -> None:
    """Declare a secret, and a credential that uses it."""
    scope = {"org": org, "project": project}
    value = f"of {org}/{project}".encode()
    engine.handle(Request("secret_text", {"identifier": "a", "value": value, **scope, **params}))
    engine.handle(Request("secret_ssh", {"identifier": "login", "user": "u", "password_ref": "a", **scope}))


def test_every_table_is_guarded(made: SetUp) -> None:
    """A new table joins 2_roles.sql."""
    statements = "\n".join(statement for one in STEPS for statement in one.statements)
    assert set(re.findall(r"CREATE TABLE (\w+)", statements)) == {"store", *TABLES}
    query = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'scoped_secrets'::regnamespace"
    assert {row[0] for row in made.server.run(query, url=made.owner.store)} == set(TABLES)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE secret",
        "ALTER TABLE secret ADD COLUMN more TEXT",
        "ALTER TABLE secret DISABLE ROW LEVEL SECURITY",
        "DROP POLICY by_scope ON secret",
        "TRUNCATE secret CASCADE",
        "CREATE TABLE scoped_secrets.own (id TEXT)",
        "CREATE TABLE public.own (id TEXT)",
        "UPDATE store SET schema_version = 9",
        "DELETE FROM store",
        "SET ROLE scoped_secrets_owner",
        "DROP FUNCTION scope_is_seen",
        "UPDATE audit_event SET outcome = 'ok'",
        "DELETE FROM audit_event",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET scope_id = 'x'",
        "UPDATE audit_head SET archived = 1",
        "UPDATE audit_head SET archived_link = ''",
    ],
)
def test_the_running_role_can_not_change_the_schema(made: SetUp, tree: Engine, statement: str) -> None:
    import psycopg

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        made.server.run(statement, url=made.app.store)


def counts(made: SetUp, scope: str) -> dict[str, int]:
    return {table: made.seen(scope, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def test_a_session_sees_its_own_scope_and_what_is_above_and_below(made: SetUp, tree: Engine) -> None:
    paths = {
        scope: {row[0] for row in made.seen(scope, "SELECT scope_path(level, identifier, parent_id) FROM scope")}
        for scope in ("account", "account/payments", "account/payments/api", "account/pay", "account/payments/ap", "")
    }
    everything = {"account", "account/payments", "account/payments/api", "account/payments/web", "account/sales"}
    assert paths == {
        "account": everything | {"account/sales/api"},
        "account/payments": everything - {"account/sales"},
        "account/payments/api": {"account", "account/payments", "account/payments/api"},
        "account/pay": {"account"},
        "account/payments/ap": {"account", "account/payments"},
        "": set(),
    }
    # Scopes as small as these have no pages.
    indexes = ("secret_index", "scope_index")
    for table in indexes:
        made.server.run(f"INSERT INTO {table} SELECT id, '', '' FROM scope", url=made.owner.store)
    assert counts(made, "account/payments/api") == {
        **dict.fromkeys(("scope", "scope_key", "secret_version", "secret_reference", *indexes), 3),
        # The places of its neighbours, without their names.
        "scope_child": 4,
        "secret": 6,
        "secret_share": 1,
        "connector": 0,
        "default_manager": 0,
        "intent": 0,
        # What was recorded above is not for who works below.
        "audit_head": 1,
        "audit_event": 4,
    }
    assert set(counts(made, "").values()) == {0}
    assert made.server.run("SELECT count(*) FROM secret", url=made.app.store) == [(0,)]
    for table in indexes:
        made.server.run(f"DELETE FROM {table}", url=made.owner.store)


def test_a_session_can_not_write_where_it_sees_nothing(made: SetUp, tree: Engine) -> None:
    import psycopg

    (other,) = made.seen(
        "account",
        "SELECT id FROM secret WHERE scope_id = (SELECT id FROM scope WHERE name = 'web') AND identifier = 'a'",
    )[0]
    (web,) = made.seen("account", "SELECT id FROM scope WHERE identifier = 'web'")[0]
    announced = "account/payments/api"
    gone = f"DELETE FROM secret_version WHERE secret_id = '{other}' RETURNING 1"
    assert made.seen(announced, gone) == []
    assert made.seen(announced, f"UPDATE secret SET name = 'x' WHERE id = '{other}' RETURNING 1") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        made.seen(announced, f"UPDATE secret SET scope_id = '{web}' WHERE identifier = 'a'")


def test_the_owner_archives_what_others_recorded(made: SetUp, tree: Engine, tmp_path: Path) -> None:
    """For the running role, nothing is written that it could not finish."""
    params = {"org": "sales", "dest": str(tmp_path / "a"), "before": "2999-01-01"}
    for check_mode in (True, False):
        with pytest.raises(ScopedSecretsError) as caught:
            Engine(made.app).handle(Request("audit_archive", params, check_mode))
        assert caught.value.code == "owner_needed"
    assert list(tmp_path.iterdir()) == []
    assert Engine(made.owner).handle(Request("audit_archive", params)).returned["archived"] > 1
    for read in (True, False):
        # What was verified, the running role remembers.
        result = Engine(made.app).handle(Request("audit_info", {"org": "sales", "verify": True, "after": 10**6}))
        (chain,) = result.returned["chains"]
        assert (chain["verified"] > 0, result.warnings) == (read, [])
    proof = Request("audit_info", {"org": "sales", "archives": [str(tmp_path / "a")]})
    (chain,) = Engine(made.app).handle(proof).returned["chains"]
    assert chain["verified"] == chain["last"]


def test_all_that_the_collection_does_works_so(made: SetUp, tree: Engine) -> None:
    for org, project in (("", ""), ("payments", ""), ("payments", "api"), ("sales", "api")):
        answer = tree.resolve([Query("a", org, project)])[0]
        assert answer.value == f"of {org}/{project}".encode()
    assert tree.resolve([Query("account.a", "payments", "api")])[0].value == b"of /"
    assert tree.resolve([Query("org.login#password", "payments", "api")])[0].value == b"of payments/"
    with pytest.raises(ScopedSecretsError, match="used"):
        tree.handle(Request("secret_text", {"identifier": "a", "org": "payments", "state": "absent"}))
    listed = tree.handle(Request("scope_info", {"recursive": True, "verify": True})).returned["scopes"]
    assert len(listed) == 6
    gone = {"org": "sales", "state": "absent", "force": True}
    assert tree.handle(Request("scope", gone)).changed
    assert counts(made, "account")["scope"] == 4


def test_the_key_of_a_project_is_enough_there(made: SetUp, tree: Engine, tmp_path: Path) -> None:
    dest = tmp_path / "api.key"
    tree.handle(Request("scope_key", {"org": "payments", "project": "api", "dest": str(dest)}))
    team = Engine(made.app._replace(root_key="", scope_key_file=str(dest)))
    read = ("a", "account.a", "org.a", "login#password")
    answers = team.resolve([Query(reference, "payments", "api") for reference in read])
    assert [answer.value for answer in answers] == [b"of payments/api", b"of /", b"", b"of payments/api"]
    assert [answer.error and answer.error.code for answer in answers] == [None, None, "scope_locked", None]
    declare(team, "payments", "api", description="by the team")


def test_an_engine_that_asks_for_a_neighbour_finds_nothing(made: SetUp, tree: Engine) -> None:
    """What a slip in the resolver would come to: the announcement is the caller's, not of what is asked for."""
    from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
    from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath

    def slip(session: Session) -> object:
        return session.chain(ScopePath("payments", "web"))

    assert tree.read(slip, ScopePath("payments", "web"))
    with pytest.raises(ScopedSecretsError) as caught:
        tree.read(slip, ScopePath("payments", "api"))
    # The organization says that there is such a project.
    assert caught.value.code == "rolled_back"
    hostile = "x'; DROP TABLE secret; --"
    assert tree.resolve([Query("a", hostile, hostile)])[0].error.code == "invalid_identifier"
