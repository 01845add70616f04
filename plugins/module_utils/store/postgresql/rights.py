# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role of a store on PostgreSQL, or others, may do that they should not. Any role can look for it."""

from __future__ import annotations

from collections.abc import Iterator

from ..database import Row, Transaction
from .files import functions

__all__ = ["may_archive", "weaknesses"]

# By id, since the names of roles and schemas may need quotes.
_ME = "(SELECT oid FROM pg_roles WHERE rolname = current_user)"
_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
_DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())"
_FOUND = f"""
SELECT rolname AS name, rolsuper, rolbypassrls,
    EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) AS has_others,
    (SELECT datdba = pg_roles.oid FROM pg_database WHERE oid = {_DATABASE}) AS has_database,
    has_database_privilege(current_database(), 'CREATE') AS makes_schemas,
    has_schema_privilege({_SCHEMA}, 'CREATE') AS makes_tables,
    has_database_privilege('public', current_database(), 'TEMPORARY') AS temporary,
    has_database_privilege('public', current_database(), 'CONNECT') AS connects,
    (SELECT count(*) FROM pg_class WHERE relnamespace = {_SCHEMA} AND relkind = 'r'
        AND relname <> 'store' AND NOT relrowsecurity) AS open,
    (SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'store') AS owner,
    EXISTS (
        SELECT FROM pg_db_role_setting, unnest(setconfig) AS setting
        WHERE setrole = pg_roles.oid AND setdatabase IN (0, {_DATABASE})
            AND (setting LIKE 'row_security=%' OR setting LIKE 'search_path=%' AND setdatabase <> 0)
    ) AS is_set
FROM pg_roles WHERE rolname = current_user"""
# Who could do all this anyway does not count: administrators. From PostgreSQL 16 on, a membership may give nothing.
_MEMBERS = """
SELECT member.rolname AS member, role.rolname AS role
FROM pg_auth_members
JOIN pg_roles AS role ON role.oid = roleid
JOIN pg_roles AS member ON member.oid = pg_auth_members.member
WHERE role.rolname IN (current_user, :owner)
    AND NOT (member.rolsuper OR member.rolcreaterole OR member.rolname = current_user)
    AND CASE WHEN current_setting('server_version_num')::int < 160000 THEN true
        ELSE pg_has_role(member.oid, role.oid, 'USAGE') OR pg_has_role(member.oid, role.oid, 'SET') END
ORDER BY 1, 2"""
_GRANTEES = f"""
SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS name
FROM (
    SELECT nspowner AS owner, (aclexplode(nspacl)).grantee AS grantee FROM pg_namespace WHERE oid = {_SCHEMA}
    UNION
    SELECT relowner, (aclexplode(relacl)).grantee FROM pg_class WHERE relnamespace = {_SCHEMA}
    UNION
    SELECT relowner, (aclexplode(attacl)).grantee FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = {_SCHEMA}
) AS granted
WHERE grantee <> owner AND grantee <> {_ME}
ORDER BY 1"""
_OWNERS = f"""
SELECT DISTINCT pg_get_userbyid(owner) AS name
FROM (
    SELECT relowner AS owner FROM pg_class WHERE relnamespace = {_SCHEMA}
    UNION
    SELECT proowner FROM pg_proc WHERE pronamespace = {_SCHEMA}
    UNION
    SELECT nspowner FROM pg_namespace WHERE oid = {_SCHEMA}
) AS owned
WHERE pg_get_userbyid(owner) <> :owner
ORDER BY 1"""
_RIGHTS = f"""
SELECT relname AS name, privilege
FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
WHERE relnamespace = {_SCHEMA} AND relkind IN ('r', 'p') AND has_table_privilege(pg_class.oid, privilege)
ORDER BY 1, 2"""
# As in 2_roles.sql; of some columns, the role may update more.
_EXPECTED = {"store": frozenset[str](), "audit_event": frozenset({"INSERT"}), "audit_head": frozenset({"INSERT"})}
_OF_ROWS = frozenset({"INSERT", "UPDATE", "DELETE"})
_POLICIES = """
SELECT DISTINCT tablename AS name FROM pg_policies
WHERE schemaname = current_schema() AND (policyname <> 'by_scope' OR permissive <> 'PERMISSIVE' OR cmd <> 'ALL'
    OR coalesce(qual, '') !~ 'scope_is_|EXISTS' OR with_check IS NOT NULL)
ORDER BY 1"""
_FUNCTIONS = f"SELECT proname AS name, prosrc FROM pg_proc WHERE pronamespace = {_SCHEMA} ORDER BY 1"


def weaknesses(tx: Transaction) -> list[str]:
    """Return what a store's connection may do, or others may, that they should not. Runs on any PostgreSQL database."""
    found = tx.one(_FOUND)
    if not found:
        return []
    name = found["name"]
    checks = {
        f"{name} is a superuser": found["rolsuper"],
        f"{name} bypasses row-level security": found["rolbypassrls"],
        f"{name} is a member of other roles": found["has_others"],
        f"{name} owns the tables, so row-level security does not apply to it": found["owner"] == name,
        f"{name} has a search path or a setting of row-level security in this database": found["is_set"],
        f"{found['open']} tables have no row-level security": found["open"],
        "all roles of the server may connect to the database": found["connects"],
        "all roles of the server may make temporary tables": found["temporary"],
    }
    members = [f"{row['member']} is a member of {row['role']}" for row in tx.all(_MEMBERS, owner=found["owner"])]
    # To the owner, the running role is one of the others.
    more = [] if found["owner"] == name else [*_of_running_role(tx, found), *_of_others(tx, found)]
    return [what for what, is_so in checks.items() if is_so] + members + more


def _of_running_role(tx: Transaction, found: Row) -> Iterator[str]:
    name = found["name"]
    if found["rolsuper"]:
        return
    if found["has_database"]:
        yield f"{name} owns the database"
    if found["makes_schemas"] or found["makes_tables"]:
        yield f"{name} may create schemas, or tables in the schema of the store"
    for row in tx.all(_RIGHTS):
        if row["privilege"] not in _EXPECTED.get(row["name"], _OF_ROWS):
            yield f"{name} has the right {row['privilege']} on {row['name']}"


def _of_others(tx: Transaction, found: Row) -> Iterator[str]:
    """Yield what others may do, and what was put in the place of the policies and their functions."""
    for row in tx.all(_GRANTEES):
        yield f"{row['name']} has rights on the schema or its tables"
    for row in tx.all(_OWNERS, owner=found["owner"]):
        yield f"{row['name']} owns a part of the schema"
    for row in tx.all(_POLICIES):
        yield f"the policies of {row['name']} are not those of the guide"
    bodies = functions()
    for row in tx.all(_FUNCTIONS) if bodies else []:
        if bodies.get(row["name"]) != row["prosrc"]:
            yield f"the function {row['name']} is not that of the guide"


def may_archive(tx: Transaction) -> bool:
    """Tell whether a connection's role can remove audit records. The owner of the tables can."""
    row = tx.one(
        "SELECT has_table_privilege('audit_event', 'DELETE')"
        " AND has_column_privilege('audit_head', 'archived', 'UPDATE') AS found"
    )
    return bool(row and row["found"])
