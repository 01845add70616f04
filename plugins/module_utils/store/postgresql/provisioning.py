# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up a PostgreSQL database for a store: its two roles, their passwords and rights, as in docs/postgresql.md.

It runs the SQL files in docs/postgresql, so that code and documentation can't differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from ...model.errors import InvalidInput, StoreRefused
from ..location import Location
from .dialect import PostgresqlDialect, plain_connection

__all__ = ["APP", "OWNER", "Logins", "give_rights", "make_database"]

OWNER, APP = "scoped_secrets_owner", "scoped_secrets_app"
_FILES = Path(__file__).parents[4] / "docs" / "postgresql"
# Reads everything that the files can change. They changed something if the result differs afterwards.
_STATE = (
    f"SELECT rolname, rolcanlogin, rolconfig FROM pg_roles WHERE rolname IN ('{OWNER}', '{APP}') ORDER BY 1",
    "SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname IN ('public', 'scoped_secrets') ORDER BY 1",
    "SELECT oid, relrowsecurity, relacl::text FROM pg_class WHERE relnamespace = to_regnamespace('scoped_secrets')"
    " ORDER BY 1",
    "SELECT attrelid, attnum, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL ORDER BY 1, 2",
    "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2",
    "SELECT proname, prosrc, prosecdef FROM pg_proc WHERE pronamespace = to_regnamespace('scoped_secrets') ORDER BY 1",
)


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


def make_database(logins: Logins, *, check_mode: bool) -> bool:
    """Create or correct the database and its roles; return whether that changed anything. Raises StoreRefused."""
    from psycopg.sql import SQL, Identifier

    with plain_connection(logins.admin, autocommit=True) as connection:
        query = "SELECT FROM pg_database WHERE datname = %s"
        is_new = connection.execute(query, [logins.database]).fetchone() is None
        if is_new and check_mode:
            return True
        if is_new:
            make = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
            connection.execute(make.format(Identifier(logins.database)))
    with plain_connection(logins.admin, dbname=logins.database) as connection:
        changed = _run_file(connection, "1_database.sql", check_mode=check_mode) or is_new
    if changed and check_mode:
        return True
    return any([changed, *(_let_log_in(logins, one, check_mode=check_mode) for one in logins[1:])])


def give_rights(logins: Logins, *, check_mode: bool) -> bool:
    """Give the running role the rights it should have; return whether that changed any. Raises StoreRefused."""
    with plain_connection(logins.owner) as connection:
        return _run_file(connection, "2_roles.sql", check_mode=check_mode)


def _run_file(connection: Any, name: str, *, check_mode: bool) -> bool:
    """Run a file's statements and return whether they change anything. In check mode roll them back."""
    statements, before = _statements(name), _state(connection)
    connection.execute(statements)
    changed = _state(connection) != before
    if check_mode:
        connection.rollback()
    return changed


def _statements(name: str) -> str:
    """Return a file's statements without BEGIN and COMMIT, to run in an open transaction."""
    try:
        text = (_FILES / name).read_text(encoding="utf-8")
    except OSError:
        raise InvalidInput(
            "not_supported",
            f"The file docs/postgresql/{name} of the collection can't be read here.",
            hint="Run it on the control node, without 'delegate_to'.",
        ) from None
    return text.replace("\nBEGIN;\n", "\n").replace("\nCOMMIT;\n", "\n")


def _state(connection: Any) -> list[Any]:
    return [connection.execute(query).fetchall() for query in _STATE]


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
    try:
        with plain_connection(role):
            return True
    except StoreRefused:
        return False
