# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team can reach at a manager that it inherits: the places of its own secrets, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import settle_left
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import integrity
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import insert_intent
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, holding, read

SCOPES: dict[str, dict[str, str]] = {
    "account": {},
    "pay": {"org": "pay"},
    "pay/api": {"org": "pay", "project": "api"},
    "pay/web": {"org": "pay", "project": "web"},
    "hr": {"org": "hr"},
    "hr/api": {"org": "hr", "project": "api"},
}
PLACES = {
    "account": "app/db",
    "pay": "app/pay/db",
    "pay/api": "app/pay/api/db",
    "pay/web": "app/pay/web/db",
    "hr": "app/hr/db",
    "hr/api": "app/hr/api/db",
}
MANAGER = {name: "vault" if name == "account" else "account.vault" for name in SCOPES}


@pytest.fixture
def admin(engine: Engine) -> Engine:
    """A store whose scopes all keep `db` in the account's `vault`."""
    for scope in SCOPES.values():
        if scope:
            declare(engine, "scope", **scope)
    declare(engine, "scope", inherited_managers="allowed")
    declare(engine, "secret_text", identifier="t", value=b"good")
    declare(engine, "connector_memory_vault", identifier="vault", token_ref="t")
    for name in SCOPES:
        keep(engine, name, f"of {name}".encode())
    return engine


def keep(engine: Engine, name: str, value: bytes, **params: Any) -> bool:
    place = {**SCOPES[name], "identifier": "db", "secret_manager": MANAGER[name]}
    return declare(engine, "secret_text", value=value, **place, **params).changed


def hand_out(engine: Engine, scope: dict[str, str], tmp_path: Path) -> None:
    declare(engine, "scope_key", **scope, dest=str(tmp_path / "scope.key"))


def written(team: Engine, scope: dict[str, str], **changes: Any) -> None:
    """Change the row of `db`, signed with the key of its scope."""
    path = ScopePath.of(scope.get("org"), scope.get("project"))

    def work(session: Session) -> None:
        chain = session.chain(path)
        secret = session.secret(chain, "db")
        assert secret
        session.replace_secret(chain, secret, secret._replace(**changes))

    team.write(work, path)


def test_each_scope_has_its_own_place(cloud: Cloud, admin: Engine) -> None:
    assert cloud.paths() == sorted(PLACES.values())
    owners = {cloud.values["main", place][-1].owner for place in PLACES.values()}
    assert len(owners) == len(SCOPES)
    for name in SCOPES:
        assert read(Engine(admin.settings), "db", **SCOPES[name]) == f"of {name}".encode()


@pytest.mark.parametrize("name", SCOPES)
def test_what_one_scope_does_to_its_secret_touches_no_other(cloud: Cloud, admin: Engine, name: str) -> None:
    others = {place: cloud.values["main", place] for one, place in PLACES.items() if one != name}
    assert keep(admin, name, b"new", adopt=True)
    declare(admin, "secret_text", **SCOPES[name], identifier="db", state="absent")
    assert {place: cloud.values.get(("main", place)) for place in others} == others
    assert cloud.paths() == sorted(others)


@pytest.mark.parametrize("victim", SCOPES)
@pytest.mark.parametrize("thief", [name for name in SCOPES if name != "account"])
def test_a_row_with_the_place_of_another_secret_is_refused(
    settings: Settings, cloud: Cloud, admin: Engine, thief: str, victim: str
) -> None:
    if thief == victim:
        return
    before = dict(cloud.values)
    written(holding(settings, **SCOPES[thief]), SCOPES[thief], path=PLACES[victim])
    for engine in (Engine(settings), holding(settings, **SCOPES[thief])):
        (answer,) = engine.resolve([Query("db", **SCOPES[thief])])
        assert (answer.value, answer.error is not None) == (b"", True)
    place = {**SCOPES[thief], "identifier": "db"}
    for call in (
        lambda: read(Engine(settings), "db", **SCOPES[thief]),
        lambda: keep(admin, thief, b"mine", adopt=True),
        lambda: declare(admin, "secret_text", **place, state="absent"),
    ):
        assert error_of(call).code == "foreign_place"
    removed = declare(admin, "secret_text", **place, state="absent", force=True)
    assert (len(removed.warnings), cloud.values) == (1, before)
    # What was left there is its own, by its mark: declaring it again takes it up.
    assert keep(admin, thief, b"mine")
    assert read(Engine(settings), "db", **SCOPES[victim]) == f"of {victim}".encode()


@pytest.mark.parametrize("goal", ["absent", "present"])
@pytest.mark.parametrize("victim", ["account", "pay/web", "hr/api"])
def test_an_intent_reaches_no_other_secret(
    settings: Settings, cloud: Cloud, admin: Engine, goal: str, victim: str
) -> None:
    before, scope = dict(cloud.values), SCOPES["pay/api"]

    def work(session: Session) -> None:
        chain = session.chain(ScopePath("pay", "api"))
        secret = session.secret(chain, "db")
        assert secret
        assert secret.connector_id
        place = secret.connector_id, PLACES[victim], goal
        session.record(chain, Intent("forged", chain[-1].id, *place, "", session.now))

    holding(settings, **scope).write(work)
    settle_left(admin)
    assert cloud.values == before


@pytest.mark.parametrize("is_handed_out", [True, False], ids=["handed out", "not handed out"])
@pytest.mark.parametrize("name", [name for name in SCOPES if name != "account"])
def test_references_to_what_a_higher_manager_can_read_need_its_key(
    settings: Settings, cloud: Cloud, admin: Engine, tmp_path: Path, name: str, is_handed_out: bool
) -> None:
    cloud.values["main", "of_the_owner"] = cloud.values["main", PLACES["account"]]
    scope = {**SCOPES[name], "identifier": "found", "secret_manager": "account.vault"}
    declare(admin, "secret_text", **scope, reference="of_the_owner")
    assert read(Engine(settings), "found", **SCOPES[name]) == OURS + b"of account"
    if is_handed_out:
        hand_out(admin, SCOPES[name], tmp_path)
        for call in (
            lambda: read(Engine(settings), "found", **SCOPES[name]),
            lambda: declare(admin, "secret_text", **{**scope, "identifier": "more"}, reference="of_the_owner"),
        ):
            error = error_of(call)
            assert (error.code, "handed out" in error.message) == ("not_shared", True)
        assert declare(admin, "secret_text", **scope, reference="of_the_owner", state="absent").changed
    else:
        assert not declare(admin, "secret_text", **scope, reference="of_the_owner").changed
    # What the playbook itself names is its own choice.
    assert read(Engine(settings), "account.memory://vault/of_the_owner", **SCOPES[name]) == OURS + b"of account"


@pytest.mark.parametrize("victim", ["pay/web", "hr/api"])
def test_an_intent_of_a_scope_that_rows_make_look_like_ones_own_is_refused(
    settings: Settings, cloud: Cloud, admin: Engine, victim: str
) -> None:
    """Signed with the project's key for the victim's id, while the victim's row has the name of the project."""
    attacker, before = Attacker(settings), dict(cloud.values)
    attacker.look("before")
    org = attacker.one("before", "scope", level="org", identifier=SCOPES[victim]["org"])
    hit = attacker.one("before", "scope", identifier=SCOPES[victim]["project"], parent_id=org["id"])["id"]
    connector = attacker.one("before", "connector", identifier="vault")["id"]

    def work(session: Session) -> None:
        key = session.keyring.active(session.tx, session.chain(ScopePath("pay", "api")))
        intent = Intent("forged", hit, connector, PLACES[victim], "absent", "", session.now)
        insert_intent(session.tx, intent._replace(tag=integrity.sign(key, intent)))

    holding(settings, **SCOPES["pay/api"]).write(work)
    pay = attacker.one("before", "scope", level="org", identifier="pay")
    attacker.insert("scope", pay, id="F", parent_id="nowhere")
    attacker.run("UPDATE scope SET parent_id = 'F', identifier = 'api' WHERE id = :id", id=hit)
    attacker.run("UPDATE secret SET path = 'x' WHERE scope_id = :id", id=hit)
    settled = settle_left(Engine(settings))
    assert (settled.settled, settled.pending, len(settled.warnings)) == (0, 1, 1)
    assert cloud.values == before
