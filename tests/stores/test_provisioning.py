# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database is prepared by its administrator's login: once, again, in check mode, and after somebody changed it."""

from __future__ import annotations

import os
import re
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
def plan(postgresql: Postgresql) -> Plan:
    return Plan(postgresql, f"prepared-{os.getpid()}")


def test_a_database_is_prepared_once(plan: Plan) -> None:
    assert plan.prepare(check_mode=True).changed
    assert plan.server.run(f"SELECT FROM pg_database WHERE datname = '{plan.database}'") == []
    assert plan.prepare(tables=False).changed
    assert not plan.prepare(tables=False).changed
    assert plan.prepare(check_mode=True).changed
    made = plan.prepare()
    assert (made.changed, made.returned["database"]["name"]) == (True, plan.database)
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
