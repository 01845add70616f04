# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of its own that seeds a store with what the engine makes, times reads, backs it up or restores it.

Usage: store_of_many.py seed SIZE | copy | resolve SIZE TIMES | backup | restore

The store is the one that SCOPED_SECRETS_STORE names, or the default one of XDG_DATA_HOME; a backup lies beside it.
`copy` fills the first with the rows of the second.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.canonical import digest_of
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.index import (
    build_indexes,
    depth_for,
    root_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import (
    default_store,
    resolve_options,
    settings_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers import builtin
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Scope, Secret, SecretVersion
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Database
from ansible_collections.scoped.secrets.plugins.module_utils.store.indexes import SECRETS, entries_of
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import PostgresqlDialect
from ansible_collections.scoped.secrets.plugins.module_utils.store.schema import STEPS, run_steps
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import insert_secret, insert_version

SCOPE = {"org": "bench", "project": "many"}
SETTINGS = settings_of(resolve_options({}))
BACKUP = f"{SETTINGS.store.removeprefix('sqlite:///')}.backup"


def seed(size: int) -> None:
    """Make the rows that the engine would, with its own keys and envelopes, but many at once."""
    engine = Engine(SETTINGS)
    engine.handle(Request("scope", {"org": SCOPE["org"]}))
    engine.handle(Request("scope", SCOPE))
    engine.write(partial(_fill, size))
    _check(engine, size)


def _fill(size: int, session: Session) -> None:
    # In KiB: all of it at once, because every index is written to everywhere.
    session.tx.run(f"PRAGMA cache_size = -{size + 2000}")
    chain = session.chain(ScopePath(**SCOPE))
    key = session.keyring.for_wrapping(session.tx, chain, size)
    for number in range(size):
        _insert(session, chain, key, _secret(chain[-1].id, number, session.now))
    depth = depth_for(size, 0)
    root = root_of(entries_of(session.tx, SECRETS, chain[-1].id), depth)
    session.write_scope([*chain[:-1], chain[-1]._replace(secrets_root=root, secrets_depth=depth, secrets_count=size)])
    build_indexes(session.tx)


def _insert(session: Session, chain: list[Scope], key: ScopeKey, secret: Secret) -> None:
    blank = _version(secret, session.context(chain, secret, 1), key, session.now)
    version = blank._replace(digest=digest_of(blank))
    proving = secret._replace(version_digest=version.digest)
    insert_secret(session.tx, proving._replace(digest=digest_of(proving)))
    insert_version(session.tx, version)


def _secret(scope_id: str, number: int, now: str) -> Secret:
    name, moments = f"item_{number}", {"created_at": now, "updated_at": now}
    return Secret(str(uuid.uuid4()), scope_id, name, "text", name, current_version=1, **moments)


def _version(secret: Secret, context: Context, key: ScopeKey, now: str) -> SecretVersion:
    value = _value(secret.identifier)
    return SecretVersion(
        secret_id=secret.id,
        version=1,
        key_generation=key.generation,
        fingerprint=key.fingerprint(secret.id, secret.kind, value),
        fingerprint_generation=key.generation,
        size=len(value),
        envelope=builtin.keep(value, context, key),
        created_at=now,
    )


def _check(engine: Engine, size: int) -> None:
    """Fail unless a module finds the last secret as if it had been declared."""
    identifier = f"item_{size - 1}"
    request = Request("secret_text", {**SCOPE, "identifier": identifier, "value": _value(identifier)})
    if engine.handle(request).changed:
        raise SystemExit(f"{identifier} is not what was seeded")


def copy() -> None:
    """Make the tables of a store on PostgreSQL and put all rows there."""
    import psycopg

    location = Location.parse(SETTINGS.store)
    database = Database(PostgresqlDialect(location, is_new=True))
    database.write(lambda tx: run_steps(database, tx, STEPS))
    database.close()
    with sqlite3.connect(Location.parse(default_store()).path) as source, psycopg.connect(location.url) as target:
        for (table,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"):
            _copy_table(table, source, target)
        target.commit()
        target.autocommit = True
        target.execute("ANALYZE")


def _copy_table(table: str, source: sqlite3.Connection, target: Any) -> None:
    rows = source.execute(f"SELECT * FROM {table} ORDER BY rowid")
    names = ", ".join(column[0] for column in rows.description)
    with target.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as writer:
        for row in rows:
            writer.write_row(row)


def _value(identifier: str) -> bytes:
    return f"value of {identifier}".encode()


def resolve(size: int, times: int) -> None:
    """Print the median of the seconds that a fresh engine takes for one secret."""
    print(statistics.median(_seconds(f"item_{size * turn // times}") for turn in range(times)))


def _seconds(identifier: str) -> float:
    started = time.perf_counter()
    engine = Engine(SETTINGS)
    answer = engine.resolve([Query(identifier, **SCOPE)])[0]
    taken = time.perf_counter() - started
    if answer.value != _value(identifier):
        raise SystemExit(f"{identifier} is not what was declared: {answer.error}")
    return taken


def backup() -> None:
    """Print how long a backup takes, and the most MiB in RAM."""
    _timed(Engine(SETTINGS), Request("store_backup", {"dest": BACKUP, "force": True, "recovery_passphrase": "x" * 12}))


def restore() -> None:
    """Print the same of a restore."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(BACKUP)) as folder:
        settings = SETTINGS._replace(store=f"sqlite:///{folder}/s/store.db")
        _timed(Engine(settings), Request("store_restore", {"src": BACKUP}))


def _timed(engine: Engine, request: Request) -> None:
    started = time.perf_counter()
    result = engine.handle(request)
    taken = time.perf_counter() - started
    if not result.changed and request.resource == "store_restore":
        raise SystemExit("nothing was restored")
    print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


COMMANDS: dict[str, Callable[..., None]] = {
    "seed": seed,
    "copy": copy,
    "resolve": resolve,
    "backup": backup,
    "restore": restore,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*map(int, sys.argv[2:]))
