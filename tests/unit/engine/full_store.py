# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store with something of everything, and what users read from it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secrets import SecretResource
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, read, shown
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once

__all__ = ["API", "PASSPHRASE", "all_of", "back_up", "fill", "many", "restore"]

API: dict[str, Any] = {"org": "pay", "project": "api"}
PASSPHRASE = "five words that nobody guesses"
LARGE = os.urandom(200_000)
REFERENCES = (
    ("text", API),
    ("text@1", API),
    ("empty", API),
    ("large", API),
    ("org.sealed", API),
    ("kept", API),
    ("theirs", API),
    ("host", API),
    ("account.text", API),
    ("fields#password", {}),
)


@made_once
def fill(engine: Engine) -> None:
    declare(engine, "scope", org="pay", description="Zahlungen", tags={"team": "ü"})
    declare(engine, "scope", **API, builtin_manager="enabled")
    declare(engine, "scope", org="empty_one")
    declare(engine, "secret_text", identifier="text", value=b"of the account")
    declare(engine, "secret_share", identifier="text", to_org="pay")
    declare(engine, "secret_share", identifier="text", to_org="pay", to_project="api")
    declare(engine, "secret_text", identifier="fields", value=b'{"password": "p"}', expires="2099-01-01")
    for value in (b"one", b"two", "drei \u20ac".encode()):
        declare(engine, "secret_text", **API, identifier="text", value=value, tags={"a": "b"})
    declare(engine, "secret_text", **API, identifier="empty", value=b"")
    declare(engine, "secret_file", **API, identifier="large", value=LARGE)
    declare(engine, "connector_memory_kms", org="pay", identifier="kms")
    declare(engine, "secret_text", org="pay", identifier="sealed", value=b"by a kms", secret_manager="kms")
    declare(engine, "connector_memory_vault", **API, identifier="vault", token="good", use_as_default=True)
    declare(engine, "secret_text", **API, identifier="kept", value=b"elsewhere")
    declare(engine, "secret_text", **API, identifier="theirs", reference="app/kept", secret_manager="vault")
    declare(engine, "secret_ssh", **API, identifier="host", user="web", password="by hand")


def all_of(engine: Engine) -> dict[str, Any]:
    """Return what users see of a full store: its values, and everything that is listed."""
    scopes = shown(engine, "scope_info", recursive=True, verify=True)
    for scope in scopes:
        # What a restore and a rotation change.
        del scope["revision"], scope["restored_at"]
    return {
        "values": {f"{name} of {scope}": read(engine, name, **scope) for name, scope in REFERENCES},
        "scopes": scopes,
        **{
            f"{what} of {one['org']}/{one['project']}": shown(engine, what, org=one["org"], project=one["project"])
            for what in ("secret_info", "connector_info")
            for one in scopes
        },
    }


def back_up(engine: Engine, dest: Path, **params: Any) -> dict[str, Any]:
    """Back up a store, and return the view of the backup."""
    result = declare(engine, "store_backup", dest=str(dest), **params)
    assert result.changed
    return dict(result.returned["backup"])


def restore(engine: Engine, src: Path, **params: Any) -> dict[str, Any]:
    """Restore a store, and return the view of the backup."""
    result = declare(engine, "store_restore", src=str(src), **params)
    assert result.changed
    return dict(result.returned["backup"])


def many(engine: Engine, number: int, batch: int = 2_500) -> None:
    """Declare this many secrets, in transactions of `batch` each."""
    declare(engine, "scope", org="pay")
    declare(engine, "scope", **API)
    for start in range(0, number, batch):
        engine.write(partial(_declare, range(start, min(start + batch, number))))


def _declare(numbers: range, session: Session) -> None:
    for number in numbers:
        resource = SecretResource({**API, "identifier": f"item_{number}", "value": b"of %d" % number}, kind="text")
        state = resource.load(session)
        resource.apply(session, state, resource.plan(state), None)
