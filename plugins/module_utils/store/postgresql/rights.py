# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role of a store on PostgreSQL, or others, may do that they should not. Any role can look for it."""

from __future__ import annotations

from ..database import Transaction

__all__ = ["may_archive", "weaknesses"]

_ROLE = """
SELECT rolname, rolsuper, rolbypassrls, EXISTS (SELECT FROM pg_auth_members WHERE member = oid) AS has_others
FROM pg_roles WHERE rolname = current_user"""
_DATABASE = """
SELECT has_database_privilege('public', current_database(), 'TEMPORARY') AS temporary,
    has_database_privilege('public', current_database(), 'CONNECT') AS connects,
    (SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
        AND relname <> 'store' AND NOT relrowsecurity) AS open,
    (SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'store') AS owner"""
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
_GRANTEES = """
SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS name
FROM (
    SELECT nspowner AS owner, (aclexplode(nspacl)).grantee AS grantee
    FROM pg_namespace WHERE oid = current_schema()::regnamespace
    UNION
    SELECT relowner, (aclexplode(relacl)).grantee FROM pg_class WHERE relnamespace = current_schema()::regnamespace
    UNION
    SELECT relowner, (aclexplode(attacl)).grantee FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace
) AS granted
WHERE grantee <> owner AND grantee <> current_user::regrole
ORDER BY 1"""
_PATH = """
SELECT EXISTS (
    SELECT FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setrole = current_user::regrole AND setting LIKE 'search_path=%'
        AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS is_set"""


def weaknesses(tx: Transaction) -> list[str]:
    """Return what a store's connection may do, or others may, that they should not. Runs on any PostgreSQL database."""
    role, found, path = tx.one(_ROLE), tx.one(_DATABASE), tx.one(_PATH)
    if not (role and found and path):
        return []
    name = role["rolname"]
    checks = {
        f"{name} is a superuser": role["rolsuper"],
        f"{name} bypasses row-level security": role["rolbypassrls"],
        f"{name} is a member of other roles": role["has_others"],
        f"{name} owns the tables, so row-level security does not apply to it": found["owner"] == name,
        f"{name} has a search path of its own in this database": path["is_set"],
        f"{found['open']} tables have no row-level security": found["open"],
        "all roles of the server may connect to the database": found["connects"],
        "all roles of the server may make temporary tables": found["temporary"],
    }
    others = [f"{row['member']} is a member of {row['role']}" for row in tx.all(_MEMBERS, owner=found["owner"])]
    # To the owner, the running role is one of the others.
    grantees = [] if found["owner"] == name else tx.all(_GRANTEES)
    others += [f"{row['name']} has rights on the schema or its tables" for row in grantees]
    return [what for what, is_so in checks.items() if is_so] + others


def may_archive(tx: Transaction) -> bool:
    """Tell whether a connection's role can remove audit records. The owner of the tables can."""
    row = tx.one(
        "SELECT has_table_privilege('audit_event', 'DELETE')"
        " AND has_column_privilege('audit_head', 'archived', 'UPDATE') AS found"
    )
    return bool(row and row["found"])
