# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each process has one client per settings."""

from __future__ import annotations

import base64
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client, connect
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings


def random_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def settings_in(folder: Path) -> Settings:
    return Settings(f"sqlite:///{folder}/store.db", "/none", root_key=random_key(), through_broker=False)


def test_the_same_settings_have_the_same_client(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    client = connect(settings)
    assert isinstance(client, Client)
    assert connect(settings._replace()) is client


def test_other_settings_have_another_client(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    others = [
        settings,
        settings._replace(store="sqlite:////x"),
        settings._replace(root_key="x"),
        settings._replace(through_broker=True),
    ]
    assert len({id(connect(one)) for one in others}) == 4


def test_turning_the_broker_off_gives_no_notice(tmp_path: Path) -> None:
    client = connect(settings_in(tmp_path))
    client.handle(Request("secret_text", {"identifier": "a", "value": b"v"}))
    assert client.resolve([Query("a")])[0].value == b"v"
    assert client.take_notices() == []


def _child(settings: Settings, parents: Client, answer: Connection) -> None:
    client = connect(settings)
    value = client.resolve([Query("a")])[0].value
    answer.send((client is parents, connect(settings) is client, value))


def test_a_forked_child_has_a_client_of_its_own(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    parents = connect(settings)
    parents.handle(Request("secret_text", {"identifier": "a", "value": b"v"}))
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_child, args=(settings, parents, theirs))
    child.start()
    child.join()
    assert ours.poll()
    assert ours.recv() == (False, True, b"v")
    assert connect(settings) is parents
    assert parents.resolve([Query("a")])[0].value == b"v"
