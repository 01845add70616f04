# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements for rotations: counts, pages, and updates that detect concurrent changes."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent, SecretVersion
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store import rotation
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import StaleRow
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import find_version
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, install
from ansible_collections.scoped.secrets.tests.unit.engine.stores import add_connector, declare, in_session

NAMES = [f"s{number}" for number in range(5)]


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return install(monkeypatch)


@pytest.fixture
def filled(tmp_path: Path, shared_store: str) -> Settings:
    """A store with a few secrets in the account."""
    key = base64.b64encode(os.urandom(32)).decode()
    settings = Settings(shared_store or f"sqlite:///{tmp_path}/store/store.db", "/none", root_key=key)
    engine = Engine(settings)
    for name in NAMES:
        declare(engine, "secret_text", identifier=name, value=name.encode())
    return settings


def test_pages_continue_after_the_last_and_skip_finished_rows(filled: Settings) -> None:
    def work(session: Session) -> None:
        account = session.chain(ACCOUNT)[-1].id
        page = rotation.secrets_left(session.tx, account, 2, after="", limit=2)
        assert [one.identifier for one in page] == NAMES[:2]
        page = rotation.secrets_left(session.tx, account, 2, after="s1", limit=9)
        assert [one.identifier for one in page] == NAMES[2:]
        assert rotation.secrets_left(session.tx, account, 1, after="", limit=9) == []
        assert rotation.versions_left(session.tx, page[0].id, 2) == [(1, 2)]
        assert rotation.versions_left(session.tx, page[0].id, 1) == []

    in_session(filled, work)


def test_secret_with_one_version_on_another_generation_is_left(filled: Settings) -> None:

    def work(session: Session) -> None:
        account = session.chain(ACCOUNT)[-1].id
        (found,) = session.tx.all("SELECT id FROM secret WHERE identifier = 's3'")
        session.tx.run("UPDATE secret_version SET key_generation = 2 WHERE secret_id = :id", id=found["id"])
        left = rotation.secrets_left(session.tx, account, 1, after="", limit=9)
        assert [one.identifier for one in left] == ["s3"]
        assert rotation.count_left(session.tx, account, 1)["versions"] == 1
        assert rotation.count_on(session.tx, account, 2)["versions"] == 1

    in_session(filled, work)


def test_generation_zero_counts_all_rows(filled: Settings) -> None:
    def work(session: Session) -> tuple[dict[str, int], dict[str, int]]:
        account = session.chain(ACCOUNT)[-1].id
        return rotation.count_left(session.tx, account, 0), rotation.count_on(session.tx, account, 1)

    all_rows, on_first = in_session(filled, work)
    assert all_rows == on_first
    none = dict.fromkeys(("scope_keys", "fingerprint_keys", "shares", "unfinished_changes"), 0)
    assert all_rows == {**none, "versions": 5}


@pytest.fixture
def kept(filled: Settings) -> Settings:
    """The same with a connector that keeps three of the secrets, and an intent of it."""
    connector = add_connector(filled, "kms", kind="memory_kms")

    def work(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        session.tx.run("UPDATE secret SET connector_id = :id WHERE identifier < 's3'", id=connector.id)
        session.record(chain, Intent("i", chain[-1].id, connector.id, "p", "present", "process", session.now))

    in_session(filled, work)
    return filled


def connector_id(session: Session) -> str:
    return session.connectors(session.chain(ACCOUNT))[0].id


def test_each_kind_of_row_is_counted(kept: Settings) -> None:
    engine = Engine(kept)
    for scope in ({"org": "pay"}, {"org": "pay", "project": "api"}):
        declare(engine, "scope", **scope)
    declare(engine, "secret_text", org="pay", identifier="shared", value=b"v")
    declare(engine, "secret_share", org="pay", identifier="shared", to_project="api")

    def counts(session: Session, path: ScopePath) -> list[dict[str, int]]:
        scope_id = session.chain(path)[-1].id
        found = rotation.count_on(session.tx, scope_id, 1), rotation.count_left(session.tx, scope_id, 2)
        return [{name: number for name, number in one.items() if number} for one in found]

    account = {"scope_keys": 1, "versions": 5, "unfinished_changes": 1}
    for path, expected in ((ACCOUNT, account), (ScopePath("pay", "api"), {"shares": 1})):
        assert in_session(kept, lambda session, path=path: counts(session, path)) == [expected, expected]


def test_secrets_of_a_connector_come_page_by_page(kept: Settings) -> None:
    def work(session: Session) -> None:
        pages: list[list[str]] = []
        after = ""
        while page := rotation.kept_after(session.tx, connector_id(session), after=after, limit=2):
            pages.append([secret.identifier for secret in page])
            after = page[-1].id
        assert [len(page) for page in pages] == [2, 1]
        assert sorted(identifier for page in pages for identifier in page) == NAMES[:3]
        assert rotation.kept_after(session.tx, "none", after="", limit=2) == []

    in_session(kept, work)


def test_data_keys_under_another_key_version_are_counted(kept: Settings) -> None:
    def work(session: Session) -> None:
        one = "(SELECT id FROM secret WHERE identifier = 's0')"
        session.tx.run(f"UPDATE secret_version SET at_provider = 'v2' WHERE secret_id = {one}")
        counts = [rotation.count_wrapped_elsewhere(session.tx, connector_id(session), mark) for mark in ("", "v2")]
        assert counts == [1, 2]
        assert rotation.count_wrapped_elsewhere(session.tx, "none", "v2") == 0

    in_session(kept, work)


def test_intents_get_a_new_tag(kept: Settings) -> None:
    def work(session: Session) -> None:
        account = session.chain(ACCOUNT)[-1].id
        (intent,) = rotation.intents_of(session.tx, account)
        assert (intent.id, intent.path, intent.scope_id) == ("i", "p", account)
        session.check_intent(session.chain(ACCOUNT), intent)
        rotation.move_intent(session.tx, "i", b"new")
        assert rotation.intents_of(session.tx, account) == [intent._replace(tag=b"new")]
        assert rotation.intents_of(session.tx, "none") == []

    in_session(kept, work)


def test_the_root_key_of_a_store_is_set(filled: Settings) -> None:
    def work(session: Session) -> dict[str, str]:
        rotation.set_root_key(session.tx, "key", '{"a": 1}')
        return dict(session.tx.one("SELECT root_key_id, kdf FROM store") or {})

    assert in_session(filled, work) == {"root_key_id": "key", "kdf": '{"a": 1}'}


def test_version_changed_meanwhile_is_not_overwritten(filled: Settings) -> None:
    def work(session: Session) -> None:
        (found,) = session.tx.all("SELECT id FROM secret WHERE identifier = 's0'")
        version = find_version(session.tx, found["id"], 1)
        assert version
        moved: SecretVersion = version._replace(key_generation=7)
        rotation.update_version(session.tx, version, moved)
        assert find_version(session.tx, found["id"], 1) == moved
        for other in (version, moved._replace(envelope=b""), moved._replace(at_provider="v2")):
            with pytest.raises(StaleRow, match=r"^secret_version$"):
                rotation.update_version(session.tx, other, moved)

    in_session(filled, work)
