# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up a PostgreSQL database for a store: its two roles, their passwords and rights, as in docs/postgresql.md.

It runs the SQL files in docs/postgresql, so that code and documentation can't differ.
"""

from __future__ import annotations

import random
import time
from typing import Any, NamedTuple

from ...model.errors import Conflict, InvalidInput, StoreRefused
from ..location import Location
from .dialect import PostgresqlDialect, driver, plain_connection
from .failures import WRONG_PASSWORD
from .files import text_of

__all__ = ["APP", "OWNER", "Logins", "give_rights", "make_database"]

OWNER, APP = "scoped_secrets_owner", "scoped_secrets_app"
_ROLES = f"('{OWNER}', '{APP}')"
# Reads everything that the files can change, by what to call it. What differs afterwards was changed.
_STATE = {
    "roles": "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
    f" FROM pg_roles WHERE rolname IN {_ROLES} ORDER BY 1",
    "settings of the roles": "SELECT setrole::regrole::text, setdatabase, setconfig FROM pg_db_role_setting"
    f" WHERE setrole IN (SELECT oid FROM pg_roles WHERE rolname IN {_ROLES}) ORDER BY 1, 2",
    "memberships of the roles": "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members, pg_roles"
    f" WHERE pg_roles.oid IN (member, roleid) AND rolname IN {_ROLES} ORDER BY 1, 2",
    "access to the database": "SELECT datacl::text FROM pg_database WHERE datname = current_database()",
    "schemas": "SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace"
    " WHERE nspname IN ('public', 'scoped_secrets') ORDER BY 1",
    "owners": "SELECT relname, relowner::regrole::text AS owner FROM pg_class"
    f" WHERE relnamespace = to_regnamespace('scoped_secrets') AND pg_get_userbyid(relowner) <> '{OWNER}'"
    " UNION ALL SELECT proname, proowner::regrole::text FROM pg_proc"
    f" WHERE pronamespace = to_regnamespace('scoped_secrets') AND pg_get_userbyid(proowner) <> '{OWNER}' ORDER BY 1, 2",
    "row-level security": "SELECT oid, relrowsecurity, relforcerowsecurity FROM pg_class"
    " WHERE relnamespace = to_regnamespace('scoped_secrets') ORDER BY 1",
    "rights on tables": "SELECT oid, relacl::text FROM pg_class"
    " WHERE relnamespace = to_regnamespace('scoped_secrets') ORDER BY 1",
    "rights on columns": "SELECT attrelid, attnum, attacl::text FROM pg_attribute"
    " WHERE attacl IS NOT NULL ORDER BY 1, 2",
    "rights on tables to come": "SELECT defaclrole::regrole::text, defaclnamespace, defaclobjtype, defaclacl::text"
    f" FROM pg_default_acl WHERE defaclrole IN (SELECT oid FROM pg_roles WHERE rolname IN {_ROLES}) ORDER BY 1, 2, 3",
    "policies": "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check"
    " FROM pg_policies ORDER BY 1, 2",
    "functions": "SELECT proname, proargnames::text, prosrc, prosecdef, proconfig FROM pg_proc"
    " WHERE pronamespace = to_regnamespace('scoped_secrets') ORDER BY 1",
}
# Databases where a role has rights or owns something, or that it may connect to.
_SERVED = f"""SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database
    ON pg_database.oid = CASE WHEN classid = 'pg_database'::regclass THEN objid ELSE dbid END
    WHERE refclassid = 'pg_authid'::regclass AND refobjid IN (SELECT oid FROM pg_roles WHERE rolname IN {_ROLES})
    AND datname <> %s ORDER BY 1"""

# Deadlock detected, and "tuple concurrently updated" (PostgreSQL, Appendix A).
_DISTURBED = frozenset({"40P01", "XX000"})
_TRIES = 8
# Seconds between two tries.
_PAUSE = (0.05, 0.3)


class Logins(NamedTuple):
    """The URLs of an administrator, of the role that owns the tables, and of the role that runs use."""

    admin: Location
    owner: Location
    app: Location

    @classmethod
    def parse(cls, admin: str, owner: str, app: str, *, allows_plain: bool = False) -> Logins:
        """Parse the URLs; raise InvalidInput if they differ in the database or have other roles."""
        logins = cls(*(Location.parse(url, allows_plain=allows_plain) for url in (admin, owner, app)))
        if any(one.engine != "postgresql" for one in logins):
            raise _mismatch("all three URLs start with postgresql://")
        if [_option(one, "user") for one in logins[1:]] != [OWNER, APP]:
            raise _mismatch(f"'owner_url' has the user {OWNER}, and 'store' the user {APP}")
        if not logins.database or _option(logins.owner, "dbname") != logins.database:
            raise _mismatch("'owner_url' and 'store' name the same database")
        return logins

    @property
    def database(self) -> str:
        return _option(self.app, "dbname")


def _mismatch(rule: str) -> InvalidInput:
    return InvalidInput(
        "invalid_option",
        "The URLs of the administrator, the owner and the store don't fit together.",
        hint=f"Check that {rule}. See docs/postgresql.md for the names of the roles.",
    )


def _option(location: Location, name: str) -> str:
    return str(PostgresqlDialect(location).options().get(name) or "")


def make_database(logins: Logins, *, check_mode: bool) -> list[str]:
    """Create or correct the database and its roles; return what that changed. Raises StoreRefused, Conflict."""
    from psycopg.sql import SQL, Identifier

    with plain_connection(logins.admin, autocommit=True) as connection:
        _check_free(connection, logins)
        query = "SELECT FROM pg_database WHERE datname = %s"
        is_new = connection.execute(query, [logins.database]).fetchone() is None
        if is_new and not check_mode:
            make = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
            connection.execute(make.format(Identifier(logins.database)))
    changed = ["database"] if is_new else []
    if is_new and check_mode:
        return changed
    with plain_connection(logins.admin, dbname=logins.database) as connection:
        changed += _run_file(connection, "1_database.sql", check_mode=check_mode)
    if changed and check_mode:
        return changed
    passwords = [_option(one, "user") for one in logins[1:] if _let_log_in(logins, one, check_mode=check_mode)]
    return changed + [f"password of {user}" for user in passwords]


def _check_free(connection: Any, logins: Logins) -> None:
    """Raise Conflict if the roles serve another database: they and their passwords belong to the whole server."""
    served = [row[0] for row in connection.execute(_SERVED, [logins.database]).fetchall()]
    if served:
        raise Conflict(
            "role_in_use",
            f"The roles {OWNER} and {APP} of this server already serve the database '{served[0]}', so "
            f"'{logins.database}' can't have them: whoever runs one store could log in to the other.",
            hint="Keep both in one store, with an organization for each, or use another server. If that database is no "
            "longer needed, drop it first.",
        )


def give_rights(logins: Logins, *, check_mode: bool) -> list[str]:
    """Give the running role the rights it should have; return what that changed. Raises StoreRefused."""
    with plain_connection(logins.owner) as connection:
        return _run_file(connection, "2_roles.sql", check_mode=check_mode)


def _run_file(connection: Any, name: str, *, check_mode: bool) -> list[str]:
    """Run a file's statements and return what they change. In check mode roll them back.

    They lock what runs use too. Where both wait for each other, or change a row of the catalog at once, they run again.
    """
    for _try in range(_TRIES - 1):
        try:
            return _run_once(connection, name, check_mode=check_mode)
        except driver().Error as error:
            if getattr(error, "sqlstate", None) not in _DISTURBED:
                raise
            connection.rollback()
            time.sleep(random.uniform(*_PAUSE))
    return _run_once(connection, name, check_mode=check_mode)


def _run_once(connection: Any, name: str, *, check_mode: bool) -> list[str]:
    statements, before = _statements(name), _state(connection)
    connection.execute(statements)
    after = _state(connection)
    if check_mode:
        connection.rollback()
    return [what for what in _STATE if before[what] != after[what]]


def _statements(name: str) -> str:
    """Return a file's statements without BEGIN and COMMIT, to run in an open transaction."""
    text = text_of(name)
    if not text:
        raise InvalidInput(
            "not_supported",
            f"The file docs/postgresql/{name} of the collection can't be read here.",
            hint="Run it on the control node, without 'delegate_to'.",
        )
    return text.replace("\nBEGIN;\n", "\n").replace("\nCOMMIT;\n", "\n")


def _state(connection: Any) -> dict[str, list[Any]]:
    return {what: connection.execute(query).fetchall() for what, query in _STATE.items()}


def _let_log_in(logins: Logins, role: Location, *, check_mode: bool) -> bool:
    """Let a role log in with the password of its URL; return whether that took a change. Raises StoreRefused."""
    user, password = _option(role, "user"), _option(role, "password")
    if not password or _logs_in(role):
        return False
    if check_mode:
        return True
    from psycopg.sql import SQL, Identifier, Literal

    with plain_connection(logins.admin) as connection:
        # The server gets the hash that it stores, never the password.
        hashed = connection.pgconn.encrypt_password(password.encode(), user.encode()).decode()
        connection.execute(SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(user), Literal(hashed)))
    with plain_connection(role):
        return True


def _logs_in(role: Location) -> bool:
    """Return whether a password is the right one. Raises StoreRefused for whatever a new password would not help."""
    try:
        with plain_connection(role):
            return True
    except StoreRefused as error:
        if WRONG_PASSWORD not in error.message:
            raise
        return False
