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
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import SecretVersion
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store import rotation
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import StaleRow
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import find_version
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, in_session

NAMES = [f"s{number}" for number in range(5)]


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
    """Both the generation of the row tag and that of the wrapped data key count."""
    for column in ("key_generation = 2", "tag = :tag"):

        def work(session: Session, column: str = column) -> None:
            account = session.chain(ACCOUNT)[-1].id
            (found,) = session.tx.all("SELECT id FROM secret WHERE identifier = 's3'")
            tag = {"tag": b"\0\0\0\2" + bytes(32)} if ":tag" in column else {}
            session.tx.run(f"UPDATE secret_version SET {column} WHERE secret_id = :id", id=found["id"], **tag)
            left = rotation.secrets_left(session.tx, account, 1, after="", limit=9)
            assert [one.identifier for one in left] == ["s3"]
            assert rotation.count_left(session.tx, account, 1)["versions"] == 1
            assert rotation.count_on(session.tx, account, 2)["versions"] == 1
            raise StopHere

        with pytest.raises(StopHere):
            in_session(filled, work)


class StopHere(Exception):
    """Rolls a transaction back."""


def test_generation_zero_counts_all_rows(filled: Settings) -> None:
    def work(session: Session) -> tuple[dict[str, int], dict[str, int]]:
        account = session.chain(ACCOUNT)[-1].id
        return rotation.count_left(session.tx, account, 0), rotation.count_on(session.tx, account, 1)

    all_rows, on_first = in_session(filled, work)
    assert all_rows == on_first
    assert (all_rows["scopes"], all_rows["secrets"], all_rows["versions"]) == (1, 5, 5)


def test_version_changed_meanwhile_is_not_overwritten(filled: Settings) -> None:
    def work(session: Session) -> None:
        (found,) = session.tx.all("SELECT id FROM secret WHERE identifier = 's0'")
        version = find_version(session.tx, found["id"], 1)
        assert version
        moved: SecretVersion = version._replace(tag=b"new tag", key_generation=7)
        rotation.update_version(session.tx, moved, version.tag)
        assert find_version(session.tx, found["id"], 1) == moved
        with pytest.raises(StaleRow):
            rotation.update_version(session.tx, moved, version.tag)

    in_session(filled, work)
