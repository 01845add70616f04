# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a PostgreSQL database for a store that several control nodes share: roles, tables, rights."""

from __future__ import annotations

from typing import Any

from ..model.messages import Result
from ..model.settings import Settings
from ..store.places import place_at
from ..store.postgresql.provisioning import Logins, give_rights, make_database
from .rows.opening import open_store, refuse_scope_key

__all__ = ["prepare_database"]


def prepare_database(settings: Settings, params: dict[str, Any], *, check_mode: bool) -> Result:
    """Create what the store's database lacks and return the result.

    Raises StoreRefused, KeyRefused, InvalidInput, Unavailable.
    """
    refuse_scope_key(settings)
    logins = Logins.parse(
        params["admin_url"], params["owner_url"], settings.store, allows_plain=settings.allow_plain_postgresql
    )
    changes = make_database(logins, check_mode=check_mode)
    # Check mode can't look into a database that does not exist yet.
    if params.get("tables", True) and not (changes and check_mode):
        changes += _make_tables(settings, params["owner_url"], logins, check_mode=check_mode)
    return Result(bool(changes), {"database": {"name": logins.database, "store": str(logins.app), "changes": changes}})


def _make_tables(settings: Settings, owner_url: str, logins: Logins, *, check_mode: bool) -> list[str]:
    """Create missing tables and rights; return what was missing."""
    place = place_at(owner_url, allows_plain=settings.allow_plain_postgresql)
    try:
        is_new = not place.has_store()
    finally:
        place.close()
    made = ["tables"] if is_new else []
    if is_new and check_mode:
        return made
    open_store(settings._replace(store=owner_url), create=True).database.close()
    return made + give_rights(logins, check_mode=check_mode)
