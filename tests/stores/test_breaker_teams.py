# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team does to others with no more than the role that runs use, and the key of its organization."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import signed_rows
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Scope
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.tests.stores.test_provisioning import Plan, plan
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, holding

__all__ = ["plan"]

_SECRETS = "(SELECT id FROM secret WHERE scope_id = '{id}')"
_REMOVALS = (
    "SET scoped_secrets.scope = 'account'",
    f"DELETE FROM secret_version WHERE secret_id IN {_SECRETS}",
    *(
        f"DELETE FROM {table} WHERE scope_id = '{{id}}'"
        for table in ("secret", "connector", "scope_key", "secret_share", "secret_index")
    ),
    "DELETE FROM scope WHERE id = '{id}'",
)


def test_a_project_with_the_id_of_another_one_gets_no_new_share(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan.prepare()
    admin = Engine(plan.settings)
    for scope in ({"org": "hr"}, {"org": "hr", "project": "api"}, {"org": "pay"}):
        declare(admin, "scope", **scope)
    declare(admin, "secret_text", identifier="shared", value=b"for hr")
    declare(admin, "secret_share", identifier="shared", to_org="hr", to_project="api")
    declare(admin, "scope_key", org="pay", dest=str(tmp_path / "pay.key"))
    url = plan.settings.store
    hit = plan.server.run(
        "SET scoped_secrets.scope = 'account'", "SELECT id FROM scope WHERE level = 'project'", url=url
    )
    plan.server.run(*(one.replace("{id}", hit[0][0]) for one in _REMOVALS), url=url)
    # The doctored copy of the collection leaves the head of the audit alone, which the role can't remove.
    monkeypatch.setattr(signed_rows, "insert_head", lambda *_: None)
    team, path = holding(plan.settings, org="pay"), ScopePath("pay", "x")

    def work(session: Session) -> None:
        chain = session.chain(ScopePath("pay"))
        session.create_scope(chain, Scope(hit, path, chain[-1].id, "x", revision=1000, created_at=session.now))
        session.written.clear()

    team.write(work)
    declare(Engine(plan.settings), "secret_text", identifier="shared", value=b"new for hr")
    (answer,) = team.resolve([Query("account.shared", "pay", "x")])
    assert (answer.value, answer.error is not None) == (b"", True)
