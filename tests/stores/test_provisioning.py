# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database is prepared by its administrator's login: once, again, in check mode, and after somebody changed it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.stores.conftest import settings_at

if TYPE_CHECKING:
    from servers.postgresql import Postgresql

OWNER, APP = "scoped_secrets_owner", "scoped_secrets_app"


class Plan:
    """A database that is to be, by its three URLs."""

    def __init__(self, server: Postgresql, database: str) -> None:
        self.server, self.database = server, database
        self.admin = server.url("postgres")
        self.settings: Settings = settings_at(self.url(APP))

    def url(self, user: str, password: str = "canary of a role") -> str:
        return re.sub(r"//.*@", f"//{user}:{password.replace(' ', '%20')}@", self.server.url(self.database))

    def prepare(self, *, check_mode: bool = False, **given: Any) -> Result:
        params = {"org": "", "project": "", "admin_url": self.admin, "owner_url": self.url(OWNER), **given}
        return Engine(self.settings).handle(Request("store_database", params, check_mode))

    def refusal(self, **given: Any) -> str:
        with pytest.raises(ScopedSecretsError) as caught:
            self.prepare(**given)
        assert "canary" not in f"{caught.value} {caught.value.hint}"
        return caught.value.code


@pytest.fixture
def plan(postgresql: Postgresql) -> Iterator[Plan]:
    """The roles serve one database of a server, so that each test drops its own."""
    plan = Plan(postgresql, f"prepared-{os.getpid()}")
    postgresql.run("CREATE ROLE somebody", "CREATE ROLE another")
    with postgresql.prepared(plan.database):
        yield plan
    postgresql.run("DROP ROLE somebody", "DROP ROLE another")


def test_a_database_is_prepared_once(plan: Plan) -> None:
    assert plan.prepare(check_mode=True).changed
    assert plan.server.run(f"SELECT FROM pg_database WHERE datname = '{plan.database}'") == []
    assert plan.prepare(tables=False).changed
    assert not plan.prepare(tables=False).changed
    assert plan.prepare(check_mode=True).changed
    made = plan.prepare()
    assert (made.changed, made.returned["database"]["name"]) == (True, plan.database)
    wanted = ["tables", "row-level security", "rights on tables", "rights on columns", "policies", "functions"]
    assert made.returned["database"]["changes"] == wanted
    assert [plan.prepare(check_mode=mode).changed for mode in (True, False)] == [False, False]
    # The running role works, and is held to what the guide says.
    assert Engine(plan.settings).handle(Request("scope", {"org": "payments", "project": ""})).changed
    import psycopg

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        plan.server.run("DROP TABLE secret", url=plan.settings.store)
    assert plan.server.run("SELECT count(*) FROM scope", url=plan.settings.store) == [(0,)]
    # What somebody changed by hand is mended.
    plan.server.run("GRANT CREATE ON SCHEMA public TO PUBLIC", url=plan.server.url(plan.database))
    assert [plan.prepare(check_mode=mode).changed for mode in (True, False, False)] == [True, True, False]
    plan.server.run("ALTER TABLE secret DISABLE ROW LEVEL SECURITY", url=plan.url(OWNER))
    plan.server.run(f"ALTER ROLE {APP} PASSWORD 'another'", url=plan.admin)
    assert [plan.prepare(check_mode=mode).changed for mode in (True, False, False)] == [True, True, False]
    for user in (OWNER, APP):
        plan.server.run("SELECT 1", url=plan.url(user))


def test_what_does_not_fit_is_refused_before_anything_is_done(plan: Plan) -> None:
    assert plan.refusal(owner_url=plan.url("somebody")) == "invalid_option"
    assert plan.refusal(owner_url=plan.url(OWNER).replace(plan.database, "other")) == "invalid_option"
    assert plan.refusal(admin_url="sqlite:////tmp/store.db") == "invalid_option"
    assert plan.refusal(admin_url=plan.server.url("postgres", password="canary")) == "store_denied"
    assert plan.refusal(admin_url="postgresql://u:canary@127.0.0.1:1/postgres") == "store_unavailable"


MENDED = {
    "roles": [
        f"ALTER ROLE {APP} SUPERUSER",
        f"ALTER ROLE {APP} BYPASSRLS",
        f"ALTER ROLE {OWNER} CREATEROLE CREATEDB REPLICATION",
        f"ALTER ROLE {APP} NOLOGIN",
    ],
    "settings of the roles": [
        f"ALTER ROLE {APP} SET search_path = public",
        f"ALTER ROLE {APP} IN DATABASE {{database}} SET search_path = public",
        f"ALTER ROLE {OWNER} IN DATABASE {{database}} SET search_path = public",
    ],
    "memberships of the roles": [
        f"GRANT {OWNER} TO {APP}",
        f"GRANT pg_read_all_data TO {APP}",
        f"GRANT {APP} TO somebody",
        f"GRANT {OWNER} TO somebody WITH ADMIN OPTION; SET ROLE somebody; GRANT {OWNER} TO another",
    ],
    "access to the database": [
        "GRANT TEMPORARY ON DATABASE {database} TO PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
        f"GRANT CREATE ON DATABASE {{database}} TO {APP}",
        f"GRANT CONNECT ON DATABASE {{database}} TO {APP} WITH GRANT OPTION; SET ROLE {APP};"
        " GRANT CONNECT ON DATABASE {database} TO somebody",
    ],
    "schemas": [
        f"GRANT CREATE ON SCHEMA scoped_secrets TO {APP}",
        "GRANT USAGE ON SCHEMA scoped_secrets TO PUBLIC",
        "GRANT CREATE, USAGE ON SCHEMA scoped_secrets TO somebody WITH GRANT OPTION; SET ROLE somebody;"
        " GRANT USAGE ON SCHEMA scoped_secrets TO another",
        "ALTER SCHEMA scoped_secrets OWNER TO somebody",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
    ],
    "row-level security": ["ALTER TABLE scoped_secrets.secret DISABLE ROW LEVEL SECURITY"],
    "rights on tables": [
        f"GRANT DELETE ON scoped_secrets.audit_event TO {APP}",
        "GRANT SELECT ON scoped_secrets.secret TO PUBLIC",
        "GRANT ALL ON scoped_secrets.scope TO pg_monitor",
        "GRANT SELECT ON scoped_secrets.secret TO somebody WITH GRANT OPTION; GRANT USAGE ON SCHEMA scoped_secrets TO"
        " somebody; SET ROLE somebody; GRANT SELECT ON scoped_secrets.secret TO another; RESET ROLE;"
        " REVOKE USAGE ON SCHEMA scoped_secrets FROM somebody",
    ],
    "rights on columns": ["GRANT SELECT (identifier) ON scoped_secrets.secret TO PUBLIC"],
    "policies": [
        "CREATE POLICY all_of_it ON scoped_secrets.secret USING (true)",
        "ALTER POLICY by_scope ON scoped_secrets.secret USING (true)",
    ],
    "functions": [
        "CREATE OR REPLACE FUNCTION scoped_secrets.scope_is_seen(path text) RETURNS boolean LANGUAGE sql"
        " AS 'SELECT true'"
    ],
}


def test_whatever_somebody_changed_by_hand_is_mended_and_named(plan: Plan) -> None:
    plan.prepare()
    for what, statements in MENDED.items():
        for statement in statements:
            quoted = statement.replace("{database}", f'"{plan.database}"')
            plan.server.run(quoted, url=plan.server.url(plan.database))
            for mode, changes in ((True, [what]), (False, [what]), (False, [])):
                found = plan.prepare(check_mode=mode)
                assert found.returned["database"]["changes"] == changes, statement
                assert found.changed == bool(changes), statement


def test_the_doctor_says_what_a_role_may_do(plan: Plan) -> None:
    plan.prepare()

    def found() -> tuple[str, str]:
        checks = Engine(plan.settings).handle(Request("doctor", {})).returned["checks"]
        (check,) = (one for one in checks if one["check"] == "rights in the database")
        return check["verdict"], check["message"]

    Engine(plan.settings).handle(Request("scope", {"name": "x"}))
    assert found()[0] == "ok"
    for statement, words in {
        f"ALTER ROLE {APP} BYPASSRLS": "bypasses row-level security",
        f"ALTER ROLE {APP} SUPERUSER": "is a superuser",
        f"GRANT pg_monitor TO {APP}": "is a member of other roles",
        f'GRANT TEMPORARY ON DATABASE "{plan.database}" TO PUBLIC': "may make temporary tables",
        f'GRANT CONNECT ON DATABASE "{plan.database}" TO PUBLIC': "may connect to the database",
        "ALTER TABLE scoped_secrets.secret DISABLE ROW LEVEL SECURITY": "1 tables have no row-level security",
        f"GRANT {OWNER} TO somebody": f"somebody is a member of {OWNER}",
        f"GRANT {APP} TO somebody": f"somebody is a member of {APP}",
        "GRANT CREATE ON SCHEMA scoped_secrets TO somebody": "somebody has rights on the schema or its tables",
        "GRANT SELECT ON scoped_secrets.secret TO another": "another has rights on the schema or its tables",
        "GRANT SELECT (path) ON scoped_secrets.secret TO PUBLIC": "PUBLIC has rights on the schema or its tables",
        f'ALTER ROLE {APP} IN DATABASE "{plan.database}" SET search_path = public': "has a search path or a setting",
    }.items():
        plan.server.run(statement, url=plan.server.url(plan.database))
        verdict, message = found()
        assert (verdict, words in message) == ("warning", True), statement
        plan.prepare()
        assert found()[0] == "ok"


def test_the_roles_serve_one_database_of_a_server(plan: Plan) -> None:
    plan.prepare()
    before = plan.server.run("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1", url=plan.admin)
    second = Plan(plan.server, f"second-{os.getpid()}")
    owner = second.url(OWNER, "canary of another")
    for check_mode in (True, False):
        assert second.refusal(owner_url=owner, check_mode=check_mode) == "role_in_use"
    assert plan.server.run("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1", url=plan.admin) == before
    assert plan.server.run(f"SELECT FROM pg_database WHERE datname = '{second.database}'") == []
    plan.server.run(f'DROP DATABASE "{plan.database}" WITH (FORCE)')
    assert second.prepare().changed
    plan.server.run(f'DROP DATABASE "{second.database}" WITH (FORCE)')


def test_a_password_is_not_replaced_where_another_reason_keeps_a_role_out(plan: Plan) -> None:
    plan.prepare()
    before = plan.server.run("SELECT rolpassword FROM pg_authid ORDER BY 1", url=plan.admin)
    plan.server.run(f"ALTER ROLE {APP} CONNECTION LIMIT 0", url=plan.admin)
    try:
        assert plan.refusal() in ("store_unavailable", "store_denied")
    finally:
        plan.server.run(f"ALTER ROLE {APP} CONNECTION LIMIT -1", url=plan.admin)
    assert plan.server.run("SELECT rolpassword FROM pg_authid ORDER BY 1", url=plan.admin) == before


@pytest.mark.parametrize("path", ["pg_temp", "pg_temp, public", "public"])
def test_a_session_that_others_prepared_can_not_swallow_what_is_written(plan: Plan, path: str) -> None:
    """With a pooler, our transaction may come into a session where somebody made temporary tables of our names."""
    plan.prepare()
    engine = Engine(plan.settings)
    engine.handle(Request("scope", {"name": "x"}))
    raw = engine.store(create=False).database._connection._raw
    plan.server.run(f'GRANT TEMPORARY ON DATABASE "{plan.database}" TO {APP}', url=plan.server.url(plan.database))
    for table in ("scope", "secret", "secret_version", "audit_event"):
        raw.execute(f"CREATE TEMPORARY TABLE {table} (LIKE scoped_secrets.{table} INCLUDING ALL)")
    raw.execute(f"SET search_path = {path}")
    engine.handle(Request("secret_text", {"identifier": "a", "value": b"v"}))
    assert plan.server.run("SELECT identifier FROM scoped_secrets.secret", url=plan.url(OWNER)) == [("a",)]


@pytest.mark.parametrize("path", ["pg_temp", "pg_temp, public", "public"])
def test_what_is_asked_outside_of_transactions_is_asked_of_our_tables(plan: Plan, path: str) -> None:
    plan.prepare()
    engine = Engine(plan.settings)
    engine.handle(Request("scope", {"name": "x"}))
    database = engine.store(create=False).database
    tables, state = database.table_names(), database.state()
    raw = database._connection._raw
    plan.server.run(f'GRANT TEMPORARY ON DATABASE "{plan.database}" TO {APP}', url=plan.server.url(plan.database))
    raw.execute("CREATE TEMPORARY TABLE store AS SELECT id, revision + 1 AS revision FROM scoped_secrets.store")
    raw.execute(f"SET search_path = {path}")
    assert (database.table_names(), database.state()) == (tables, state)
    Engine(plan.settings).handle(Request("scope", {"name": "y"}))
    assert database.state() != state


def test_an_administrator_need_not_be_a_superuser(plan: Plan) -> None:
    plan.server.run(
        f"DROP ROLE IF EXISTS {OWNER}",
        f"DROP ROLE IF EXISTS {APP}",
        "CREATE ROLE dba LOGIN CREATEROLE CREATEDB PASSWORD 'p'",
    )
    try:
        admin = re.sub(r"//.*@", "//dba:p@", plan.admin)
        plan.prepare(admin_url=admin)
        assert not plan.prepare(admin_url=admin).changed
        plan.server.run(f"GRANT {OWNER} TO somebody", url=plan.admin)
        assert plan.prepare(admin_url=admin).returned["database"]["changes"] == ["memberships of the roles"]
    finally:
        plan.server.run(
            f'DROP DATABASE IF EXISTS "{plan.database}" WITH (FORCE)',
            f"DROP ROLE {APP}",
            f"DROP ROLE {OWNER}",
            "DROP ROLE dba",
        )
