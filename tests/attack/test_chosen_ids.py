# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team makes of ids that it chooses itself: those of scopes, connectors and secrets of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import settle_left
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import signed_rows
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import NewValue, Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector, Intent, Scope, Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.attack.attacker import Attacker
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, MemoryVault
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, holding, read, rows_of

HR_API = {"org": "hr", "project": "api"}
PAY = {"org": "pay"}
PAY_API = {"org": "pay", "project": "api"}
PAY_X = ScopePath("pay", "x")
OF_SCOPE = ("secret", "connector", "scope_key", "secret_share", "secret_index", "audit_head", "audit_event")


@pytest.fixture
def admin(engine: Engine, tmp_path: Path) -> Engine:
    """A store in which `hr/api` has values by all ways, and the key of the organization `pay` was handed out."""
    for scope in ({"org": "hr"}, HR_API, PAY, PAY_API):
        declare(engine, "scope", **scope)
    declare(engine, "scope", inherited_managers="allowed")
    declare(engine, "secret_text", identifier="t", value=b"good")
    declare(engine, "connector_memory_vault", identifier="vault", token_ref="t")
    declare(engine, "connector_memory_kms", identifier="kms", token_ref="t")
    for manager in ("vault", "kms"):
        of_hr = {**HR_API, "identifier": f"at_{manager}", "secret_manager": f"account.{manager}"}
        declare(engine, "secret_text", value=f"of hr at {manager}".encode(), **of_hr)
    declare(engine, "secret_text", identifier="shared", value=b"for hr")
    declare(engine, "secret_share", identifier="shared", to_org="hr", to_project="api")
    declare(engine, "scope_key", **PAY, dest=str(tmp_path / "pay.key"))
    return engine


@pytest.fixture
def attacker(settings: Settings, admin: Engine) -> Attacker:
    attacker = Attacker(settings)
    attacker.look("before")
    return attacker


def take_id(settings: Settings, attacker: Attacker, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Make the project `pay/x`, signed by the organization `pay`, with the id that `hr/api` has. Return the team."""
    hr = attacker.one("before", "scope", level="org", identifier="hr")
    hit = attacker.one("before", "scope", identifier="api", parent_id=hr["id"])["id"]
    attacker.run("DELETE FROM secret_version WHERE secret_id IN (SELECT id FROM secret WHERE scope_id = :id)", id=hit)
    for table in OF_SCOPE:
        attacker.run(f"DELETE FROM {table} WHERE scope_id = :id", id=hit)
    attacker.run("DELETE FROM scope WHERE id = :id", id=hit)
    team = holding(settings, **PAY)

    def work(session: Session) -> None:
        chain = session.chain(ScopePath("pay"))
        session.create_scope(
            chain, Scope(hit, PAY_X, chain[-1].id, "x", revision=1000, created_at=session.now, updated_at=session.now)
        )

    with unchecked(monkeypatch):
        team.write(work)
    return team


@contextmanager
def unchecked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the copy of the team does, which lets any id be that of any scope."""
    with monkeypatch.context() as patch:
        patch.setattr(signed_rows, "fits_below", lambda *_ids: True)
        yield


def test_a_project_with_the_id_of_another_one_is_not_given_its_shares(
    settings: Settings, attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_id(settings, attacker, monkeypatch)
    (answer,) = Engine(settings).resolve([Query("account.shared", "pay", "x", is_stored=True)])
    assert (answer.value, answer.error is not None) == (b"", True)


def test_a_project_with_the_id_of_another_one_gets_no_new_share(
    settings: Settings, attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = take_id(settings, attacker, monkeypatch)
    error = error_of(lambda: declare(Engine(settings), "secret_text", identifier="shared", value=b"new for hr"))
    assert error.code == "damaged_row"
    with unchecked(monkeypatch):
        (answer,) = team.resolve([Query("account.shared", "pay", "x")])
    assert (answer.value, answer.error is not None) == (b"", True)


@pytest.mark.parametrize("level", ["org", "project"])
def test_the_id_of_a_scope_that_was_removed_has_no_shares(
    settings: Settings, admin: Engine, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """Nothing is destroyed for this: the secret keeps the ids of the scopes that it was shared with."""
    declare(admin, "secret_share", identifier="shared", to_org="hr")
    attacker = Attacker(settings)
    attacker.look("before")
    declare(admin, "scope", org="hr", state="absent", force=True)
    hr = attacker.one("before", "scope", level="org", identifier="hr")["id"]
    hit = hr if level == "org" else attacker.one("before", "scope", identifier="api", parent_id=hr)["id"]
    team = holding(settings, **PAY)

    def work(session: Session) -> None:
        chain = session.chain(ScopePath("pay"))
        session.create_scope(chain, Scope(hit, PAY_X, chain[-1].id, "x", revision=1000, created_at=session.now))
        session.written.clear()

    # The audit of the removed scope stays: the doctored copy of the collection begins no other one.
    with monkeypatch.context() as patch, unchecked(monkeypatch):
        patch.setattr(signed_rows, "insert_head", lambda *_: None)
        team.write(work)
    error = error_of(lambda: declare(Engine(settings), "secret_text", identifier="shared", value=b"new for hr"))
    assert error.code == "damaged_row"
    with unchecked(monkeypatch):
        (answer,) = team.resolve([Query("account.shared", "pay", "x")])
    assert (answer.value, answer.error is not None) == (b"", True)


def test_a_project_with_the_id_of_another_one_opens_nothing_by_a_kms(
    settings: Settings, attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = take_id(settings, attacker, monkeypatch)
    old = attacker.one("before", "secret", identifier="at_kms")
    version = attacker.one("before", "secret_version", secret_id=old["id"])

    def work(session: Session) -> None:
        chain = session.chain(PAY_X)
        secret = Secret(old["id"], chain[-1].id, "k", "text", "k", connector_id=old["connector_id"], current_version=1)
        session.replace_secret(chain, None, secret, NewValue(b"", version["envelope"]))

    with unchecked(monkeypatch):
        team.write(work)
    (answer,) = Engine(settings).resolve([Query("k", "pay", "x")])
    assert (answer.value, answer.error is not None) == (b"", True)


def test_a_project_with_the_id_of_another_one_removes_nothing_at_a_manager(
    settings: Settings, attacker: Attacker, monkeypatch: pytest.MonkeyPatch, cloud: Cloud
) -> None:
    team = take_id(settings, attacker, monkeypatch)
    vault = attacker.one("before", "connector", identifier="vault")["id"]
    before = cloud.paths()
    assert before == ["app/hr/api/at_vault"]

    def work(session: Session) -> None:
        chain = session.chain(PAY_X)
        session.record(chain, Intent("forged", chain[-1].id, vault, before[0], "absent", "", session.now))

    with unchecked(monkeypatch):
        team.write(work)
    settle_left(Engine(settings))
    assert cloud.paths() == before


@pytest.mark.parametrize("asks", ["fetched", "another"])
def test_a_connector_with_the_id_of_another_one_has_not_its_login(
    settings: Settings, admin: Engine, cloud: Cloud, asks: str
) -> None:
    """In a run that has used a connector of `hr`, a project swaps in one of its own with the same id and revision."""
    declare(admin, "secret_text", org="hr", identifier="t", value=b"good")
    declare(admin, "connector_memory_vault", org="hr", identifier="own", token_ref="t", vault="of hr")
    cloud.put("fetched", b"of hr", vault="of hr")
    cloud.put("another", b"of hr too", vault="of hr")
    run, attacker = Engine(settings), Attacker(settings)
    assert read(run, "memory://own/fetched", "hr") == b"of hr"
    attacker.look("in the run")
    row = attacker.one("in the run", "connector", identifier="own")
    attacker.run("DELETE FROM connector WHERE id = :id", id=row["id"])
    path = ScopePath("pay", "api")
    options = {**MemoryVault.DEFAULTS, "auth_method": "anonymous", "vault": "nothing"}

    def work(session: Session) -> None:
        chain = session.chain(path)
        connector = Connector(row["id"], chain[-1].id, "memory_vault", "mine", "mine", options=options)
        session.replace_connector(chain, None, connector._replace(revision=row["revision"]))

    holding(settings, **PAY_API).write(work)
    attacker.run("UPDATE connector SET revision = :revision WHERE id = :id", revision=row["revision"], id=row["id"])
    (answer,) = run.resolve([Query(f"memory://mine/{asks}", "pay", "api")])
    assert (answer.value, answer.error is not None) == (b"", True)


def test_a_secret_with_the_id_of_another_one_is_not_answered_from_what_was_fetched(
    settings: Settings, admin: Engine, attacker: Attacker
) -> None:
    """In a run that has read a value by a KMS of the account, a project swaps in a row with its id and envelope."""
    run = Engine(settings)
    assert read(run, "at_kms", **HR_API) == b"of hr at kms"
    old = attacker.one("before", "secret", identifier="at_kms")
    version = attacker.one("before", "secret_version", secret_id=old["id"])
    attacker.run("DELETE FROM secret_version WHERE secret_id = :id", id=old["id"])
    attacker.run("DELETE FROM secret WHERE id = :id", id=old["id"])
    path = ScopePath("pay", "api")

    def work(session: Session) -> None:
        chain = session.chain(path)
        secret = Secret(old["id"], chain[-1].id, "k", "text", "k", connector_id=old["connector_id"], current_version=1)
        session.replace_secret(chain, None, secret, NewValue(b"", version["envelope"]))

    holding(settings, **PAY_API).write(work)
    (answer,) = run.resolve([Query("k", **PAY_API)])
    assert (answer.value, answer.error is not None) == (b"", True)


# What a project refers to upward.


@pytest.mark.parametrize("writer", ["the project", "both"])
def test_what_is_shared_with_an_organization_is_not_sent_for_its_projects(
    settings: Settings, engine: Engine, tmp_path: Path, writer: str
) -> None:
    """With the project's key it is `scope_locked`, and docs/scopes_and_references.md says `not_shared` for its rows."""
    for scope in (PAY, PAY_API):
        declare(engine, "scope", **scope)
    declare(engine, "secret_text", identifier="wide", value=b"for the organization")
    declare(engine, "secret_share", identifier="wide", to_org="pay")
    for number, scope in enumerate([PAY_API, PAY] if writer == "both" else [PAY_API]):
        declare(engine, "scope_key", **scope, dest=str(tmp_path / f"{number}.key"))
    team = holding(settings, **PAY_API)
    (answer,) = team.resolve([Query("account.wide", **PAY_API)])
    assert answer.error
    assert answer.error.code == "scope_locked"
    team.write(lambda session: plant_connector(session, ScopePath("pay", "api"), token_ref="account.wide"))
    # As it is, the value goes to the server of the team, which refuses it.
    check = {**PAY_API, "identifier": "mine", "fail": True}
    assert error_of(lambda: declare(Engine(settings), "connector_check", **check)).code == "not_shared"


def test_older_versions_of_what_is_shared_are_not_sent(settings: Settings, admin: Engine, tmp_path: Path) -> None:
    """Only the newest version is shared: `version_not_shared` with the project's key."""
    declare(admin, "secret_text", identifier="shared", value=b"second for hr")
    declare(admin, "scope_key", **HR_API, dest=str(tmp_path / "hr.key"))
    (answer,) = holding(settings, **HR_API).resolve([Query("account.shared@1", **HR_API)])
    assert answer.error
    assert answer.error.code == "version_not_shared"
    (answer,) = Engine(settings).resolve([Query("account.shared@1", **HR_API, is_stored=True)])
    assert (answer.value, answer.error is not None) == (b"", True)


def plant_connector(session: Session, path: ScopePath, **options: str) -> None:
    """Write a connector that the team chose, without a check of its login."""
    chain = session.chain(path)
    options = {**MemoryVault.DEFAULTS, "auth_method": "token", **options}
    session.replace_connector(
        chain, None, Connector(str(uuid4()), chain[-1].id, "memory_vault", "mine", "mine", options=options)
    )


# Intents.


def test_an_intent_of_the_past_takes_no_secret_away(settings: Settings, admin: Engine, cloud: Cloud) -> None:
    """Without any key: an intent is signed, but nothing commits to it, and nothing in it says of which secret it was.

    Somebody removed the value at the manager, so the secret is to be made again when it is declared, as its version 2.
    """
    place = {**HR_API, "identifier": "at_vault"}
    pocket: list[dict[str, Any]] = []

    def look(_path: str) -> None:
        with rows_of(settings) as tx:
            pocket.extend(dict(row) for row in tx.all("SELECT * FROM intent"))

    cloud.before["remove"] = look
    declare(admin, "secret_text", **place, state="absent")
    (intent,) = pocket
    declare(admin, "secret_text", **place, value=b"new", secret_manager="account.vault", description="kept with care")
    del cloud.values["main", intent["path"]]
    Attacker(settings).insert("intent", intent, process="")
    settle_left(Engine(settings))
    secrets = declare(Engine(settings), "secret_info", **HR_API).returned["secrets"]
    assert "at_vault" in [secret["identifier"] for secret in secrets]


@pytest.mark.parametrize(
    ("connector", "changes"),
    [("kms", "process = ''"), ("vault", "process = 'elsewhere/x/1/2', created_at = 'once'")],
    ids=["at a KMS", "at no time"],
)
def test_an_intent_of_one_team_does_not_stop_the_others(
    settings: Settings, attacker: Attacker, connector: str, changes: str
) -> None:
    """Each run settles what others left before its first change. One row that can't be settled is a warning there.

    The key of the project signs an intent for a connector without paths; the time and process of one are not signed.
    """
    place = attacker.one("before", "connector", identifier=connector)["id"], "x", "absent"

    def work(session: Session) -> None:
        chain = session.chain(ScopePath("pay", "api"))
        session.record(chain, Intent("forged", chain[-1].id, *place, "", session.now))

    holding(settings, **PAY_API).write(work)
    attacker.run(f"UPDATE intent SET {changes}")
    assert declare(Engine(settings), "secret_text", **HR_API, identifier="more", value=b"v").changed
    assert declare(Engine(settings), "doctor").returned["checks"]


def test_an_intent_of_another_run_ends_some_day(settings: Settings, admin: Engine, attacker: Attacker) -> None:
    """Without any key: a run of another machine began in the future, so that the value can't be changed any more."""
    row = attacker.one("before", "secret", identifier="at_vault")
    intent = {"id": "forged", "scope_id": row["scope_id"], "connector_id": row["connector_id"], "path": row["path"]}
    begun = {
        "goal": "absent",
        "process": "elsewhere/x/1/2",
        "created_at": "2999-01-01T00:00:00Z",
        "tag": b"",
        "about": "",
    }
    attacker.insert("intent", {**intent, **begun})
    assert declare(Engine(settings), "secret_text", **HR_API, identifier="at_vault", value=b"v").changed


# Shares.


def test_an_older_share_is_found(settings: Settings, admin: Engine, attacker: Attacker) -> None:
    """The project signs that it has the share of version 1 again; the signature of the account on that is a true one.

    Who has the organization's key uses the older value. A proof of the whole store with the root key finds it.
    """
    declare(admin, "secret_text", identifier="shared", value=b"second for hr")
    old = attacker.one("before", "secret_share")
    path = ScopePath("hr", "api")

    def work(session: Session) -> None:
        chain = session.chain(path)
        (now,) = session.shares(chain)
        names = {name: old[name] for name in ("version", "wrapped", "version_digest", "tag", "key_generation")}
        session.replace_share(chain, now, now._replace(**names))

    holding(settings, **HR_API).write(work)
    found = error_of(lambda: declare(Engine(settings), "scope_info", recursive=True, verify=True))
    assert found.code == "rolled_back"
