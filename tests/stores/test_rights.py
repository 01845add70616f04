# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights in the database that nobody tells of, and states of it that are never put right."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.tests.stores.test_provisioning import APP, OWNER, Plan, plan
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import at_once

__all__ = ["plan"]

SCHEMA = "scoped_secrets"
# docs/postgresql.md: the running role "can't drop or alter anything", row-level security keeps it to its scope, it
# can't change or remove records of the audit, and "the doctor warns of rights that are too many".
TOO_MANY = {
    "it owns the database, and can drop it": f"ALTER DATABASE {{database}} OWNER TO {APP}",
    "it owns the audit": f"ALTER TABLE {SCHEMA}.audit_event OWNER TO {APP}",
    "it may change the audit": f"GRANT UPDATE, DELETE ON {SCHEMA}.audit_event TO {APP}",
    "it may empty a table, whatever the policies": f"GRANT TRUNCATE ON {SCHEMA}.secret TO {APP}",
    "it may create tables before ours": f"GRANT CREATE ON SCHEMA {SCHEMA} TO {APP}",
    "it may create schemas": f"GRANT CREATE ON DATABASE {{database}} TO {APP}",
    "a policy lets it see all": f"CREATE POLICY more ON {SCHEMA}.secret TO {APP} USING (true)",
    "a function lets it see all": f"CREATE OR REPLACE FUNCTION {SCHEMA}.scope_is_seen(path text) RETURNS boolean"
    " LANGUAGE sql AS 'SELECT true'",
    "another role owns a table": f"ALTER TABLE {SCHEMA}.secret OWNER TO somebody",
    "it owns a function that runs as the owner": f"ALTER FUNCTION {SCHEMA}.scope_path OWNER TO {APP}",
}
# docs/postgresql.md: both roles have exactly the rights in the files, and what others were granted is taken back.
LEFT = {
    "a table of another role": f"ALTER TABLE {SCHEMA}.secret OWNER TO somebody",
    "a table of the running role": f"ALTER TABLE {SCHEMA}.audit_event OWNER TO {APP}",
    "a function of another role": f"ALTER FUNCTION {SCHEMA}.scope_is_seen OWNER TO somebody",
    "a function with another argument": f"DROP FUNCTION {SCHEMA}.scope_is_within CASCADE;"
    f" CREATE FUNCTION {SCHEMA}.scope_is_within(other text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "a view of the administrator that others may read": f"CREATE VIEW {SCHEMA}.counts AS SELECT count(*) FROM"
    f" {SCHEMA}.secret; GRANT SELECT ON {SCHEMA}.counts TO somebody",
    "policies for the owner too, which hide all projects": f"ALTER TABLE {SCHEMA}.scope FORCE ROW LEVEL SECURITY",
    "a policy that only restricts": f"DROP POLICY by_scope ON {SCHEMA}.scope; CREATE POLICY by_scope ON {SCHEMA}.scope"
    f" AS RESTRICTIVE TO {APP} USING ({SCHEMA}.scope_is_seen({SCHEMA}.scope_path(level, identifier, parent_id)))",
    "rights on tables to come": f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA {SCHEMA} GRANT ALL ON TABLES TO"
    " somebody",
    "a setting that makes policies an error": f"ALTER ROLE {APP} IN DATABASE {{database}} SET row_security = off",
}


@pytest.fixture
def made(plan: Plan) -> Plan:
    plan.prepare()
    Engine(plan.settings).handle(Request("scope", {"org": "pay"}))
    return plan


def change(plan: Plan, statement: str) -> None:
    plan.server.run(statement.replace("{database}", f'"{plan.database}"'), url=plan.server.url(plan.database))


@pytest.mark.parametrize("what", TOO_MANY)
def test_the_doctor_tells_of_what_the_running_role_may_do(made: Plan, what: str) -> None:
    change(made, TOO_MANY[what])
    checks = Engine(made.settings).handle(Request("doctor", {})).returned["checks"]
    (check,) = (one for one in checks if one["check"] == "rights in the database")
    assert check["verdict"] == "warning"


@pytest.mark.parametrize("what", LEFT)
def test_what_differs_is_mended_and_named(made: Plan, what: str) -> None:
    change(made, LEFT[what])
    assert [made.prepare(check_mode=mode).changed for mode in (True, False, False)] == [True, True, False]
    assert Engine(made.settings).handle(Request("scope", {"org": "pay", "project": "api"})).changed


def test_several_control_nodes_prepare_it_at_once(made: Plan) -> None:
    """Nothing is to be changed: both files change it all the same, and fail with XX000 and 40P01."""
    for _round in range(3):
        assert at_once(4, lambda _number: made.prepare().changed) == [False] * 4


@pytest.mark.parametrize("name", ["Payments", "pay.api", "pay api", 'pay"api'])
def test_the_doctor_looks_whatever_a_role_is_called(made: Plan, name: str) -> None:
    """docs/scope_keys.md has a store at `postgresql://payments@…`: the role of a store may have any name."""
    quoted = '"' + name.replace('"', '""') + '"'
    made.server.run(f"CREATE ROLE {quoted} LOGIN SUPERUSER PASSWORD 'p'")
    try:
        url = made.url(quote(name, safe=""), "p")
        checks = Engine(made.settings._replace(store=url)).handle(Request("doctor", {})).returned["checks"]
        (check,) = (one for one in checks if one["check"] == "rights in the database")
        assert f"{name} is a superuser" in check["message"]
    finally:
        made.server.run(f"DROP ROLE {quoted}")


def test_the_doctor_looks_whatever_a_schema_is_called(made: Plan) -> None:
    change(made, 'CREATE SCHEMA "Payments"')
    url = f"{made.server.url(made.database)}&options=-csearch_path%3D%22Payments%22"
    engine = Engine(made.settings._replace(store=url))
    assert engine.handle(Request("scope", {"org": "pay"})).changed
    checks = engine.handle(Request("doctor", {})).returned["checks"]
    (check,) = (one for one in checks if one["check"] == "rights in the database")
    assert check["verdict"] == "warning"
