# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team can reach at a manager that it inherits: the places of its own secrets, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import settle_left
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import integrity
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import NewValue, Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.intents import insert_intent
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud, Kept
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


def planted(settings: Settings, scope: dict[str, str], identifier: str) -> None:
    """Write the row of a secret whose value the team never wrote, signed with the key of its scope."""
    team, path = holding(settings, **scope), ScopePath.of(scope.get("org"), scope.get("project"))

    def work(session: Session) -> None:
        chain = session.chain(path)
        model = session.secret(chain, "db")
        assert model
        row = model._replace(id=str(uuid4()), identifier=identifier, path=model.path[: -len("db")] + identifier)
        session.replace_secret(chain, None, row, NewValue(b"a guess", b"", "1"))

    team.write(work, path)


def by_hand(admin: Engine, cloud: Cloud, place: str) -> None:
    cloud.put(place, OURS + b"of others")


def by_a_removed_project(admin: Engine, cloud: Cloud, place: str) -> None:
    cloud.values["main", place] = [Kept(OURS + b"of others", owner="store/connector/the removed scope")]


def by_another_connector(admin: Engine, cloud: Cloud, place: str) -> None:
    folder, _slash, name = place.rpartition("/")
    declare(admin, "connector_memory_vault", identifier="other", token_ref="t", base=folder)
    declare(admin, "secret_text", identifier=name, value=b"of others", secret_manager="other")


@pytest.mark.parametrize("version", ["", "1"])
@pytest.mark.parametrize("rule", ["allowed", "forbidden"])
@pytest.mark.parametrize("put", [by_hand, by_a_removed_project, by_another_connector], ids=lambda put: put.__name__)
@pytest.mark.parametrize("name", [name for name in SCOPES if name != "account"])
def test_a_planted_row_reads_nothing_that_others_put_at_its_place(
    settings: Settings,
    cloud: Cloud,
    admin: Engine,
    tmp_path: Path,
    name: str,
    put: Callable[[Engine, Cloud, str], None],
    rule: str,
    version: str,
) -> None:
    hand_out(admin, SCOPES[name], tmp_path)
    put(admin, cloud, PLACES[name][: -len("db")] + "planted")
    planted(settings, SCOPES[name], "planted")
    declare(admin, "scope", inherited_managers=rule)
    (answer,) = Engine(settings).resolve([Query("planted", **SCOPES[name], version=version)])
    assert (answer.value, answer.error and answer.error.code) == (
        b"",
        "version_changed" if version else "unproved_value",
    )


@pytest.mark.parametrize("kind", ["connector_memory_vault", "connector_memory_batch"])
def test_a_value_that_was_changed_at_the_manager_is_known_by_its_mark(
    settings: Settings, cloud: Cloud, admin: Engine, tmp_path: Path, kind: str
) -> None:
    scope, names = SCOPES["pay/api"], ("one", "two")
    declare(admin, kind, identifier="keeper", token_ref="t", base="kept")
    for name in names:
        declare(admin, "secret_text", **scope, identifier=name, value=name.encode(), secret_manager="account.keeper")
    hand_out(admin, scope, tmp_path)

    def values() -> list[bytes | str]:
        answers = Engine(settings).resolve([Query(name, **scope) for name in names])
        return [answer.error.code if answer.error else answer.value for answer in answers]

    assert (values(), cloud.counts["check_owner"]) == ([b"one", b"two"], 0)
    cloud.overwrite("kept/pay/api/one", OURS + b"rotated there")
    assert (values(), cloud.counts["check_owner"]) == ([b"rotated there", b"two"], 1)
    cloud.values["main", "kept/pay/api/one"].append(Kept(OURS + b"of others"))
    assert values() == ["unproved_value", b"two"]


@pytest.mark.parametrize("is_marked", [True, False], ids=["its own", "of others"])
def test_an_intent_takes_over_only_what_is_marked(
    settings: Settings, cloud: Cloud, admin: Engine, tmp_path: Path, is_marked: bool
) -> None:
    scope = SCOPES["pay/api"]
    hand_out(admin, scope, tmp_path)
    owner = cloud.values["main", PLACES["pay/api"]][-1].owner if is_marked else ""
    cloud.values["main", PLACES["pay/api"]].append(Kept(OURS + b"found", owner))

    def work(session: Session) -> None:
        chain = session.chain(ScopePath("pay", "api"))
        secret = session.secret(chain, "db")
        assert secret
        assert secret.connector_id
        place = secret.connector_id, secret.path, "present"
        session.record(chain, Intent("forged", chain[-1].id, *place, "", session.now))

    holding(settings, **scope).write(work)
    settled = settle_left(admin)
    assert (settled.settled, len(settled.warnings)) == (1, 0 if is_marked else 1)
    (answer,) = Engine(settings).resolve([Query("db", **scope)])
    assert (answer.value, answer.error is None) == ((b"found", True) if is_marked else (b"", False))
