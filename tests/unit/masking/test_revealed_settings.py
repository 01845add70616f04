# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key and the password among the settings of a run are reported, if anybody listens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import Client
from ansible_collections.scoped.secrets.plugins.module_utils.masking.revealed_settings import (
    reveal_key_file,
    reveal_settings,
)
from ansible_collections.scoped.secrets.plugins.module_utils.masking.revealing import is_masked, reveal_to
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

PLAIN = Settings("sqlite:////srv/store.db", "/none")


@pytest.fixture
def heard() -> Iterator[list[bytes]]:
    found: list[bytes] = []
    reveal_to(lambda _kind, value: found.append(value))
    yield found
    reveal_to(None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "root.key"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"root_key": "a"}, {b"a"}),
        ({"passphrase": "a", "scope_key": "b"}, {b"a", b"b"}),
        ({"store": "postgresql://u:p%40@h/d"}, {b"p%40", b"p@"}),
    ],
)
def test_secrets_in_the_settings(heard: list[bytes], changes: dict[str, str], expected: set[bytes]) -> None:
    reveal_settings(PLAIN._replace(**changes))
    assert (set(heard), len(heard)) == (expected, len(expected))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"abcd=\n", [b"abcd="]),
        (b"root:x:0\nuser:x:1\n", []),
        (b"two words\n", []),
        (b"", []),
        (b"x" * 4095, [b"x" * 4095]),
        (b"x" * 4096, []),
    ],
)
def test_only_what_can_be_a_key_is_reported(
    heard: list[bytes], file: Path, content: bytes, expected: list[bytes]
) -> None:
    file.write_bytes(content)
    assert reveal_key_file(PLAIN._replace(root_key_file=str(file)))
    assert heard == expected


@pytest.mark.parametrize("option", ["root_key", "passphrase", "scope_key"])
def test_a_file_that_is_not_used_is_not_read(heard: list[bytes], file: Path, option: str) -> None:
    file.write_text("abcd")
    assert reveal_key_file(PLAIN._replace(root_key_file=str(file), **{option: "x"}))
    assert heard == []


def test_the_file_of_a_scope_key_comes_before_that_of_the_root_key(heard: list[bytes], file: Path) -> None:
    file.write_text("abcd")
    file.with_name("scope.key").write_text("efgh")
    settings = PLAIN._replace(root_key_file=str(file), scope_key_file=str(file.with_name("scope.key")))
    assert reveal_key_file(settings)
    assert heard == [b"efgh"]


def test_a_file_that_is_not_there_yet_is_looked_for_again(heard: list[bytes], file: Path) -> None:
    settings = PLAIN._replace(root_key_file=str(file))
    assert not reveal_key_file(settings)
    file.write_text("abcd")
    assert reveal_key_file(settings)
    assert heard == [b"abcd"]


def test_a_pipe_blocks_nothing(heard: list[bytes], file: Path) -> None:
    os.mkfifo(file)
    reveal_key_file(PLAIN._replace(root_key_file=str(file)))
    assert heard == []


def test_without_a_listener_nothing_is_read(file: Path) -> None:
    assert not is_masked()
    os.mkfifo(file)
    reveal_settings(PLAIN._replace(root_key="a"))
    assert reveal_key_file(PLAIN._replace(root_key_file=str(file)))


def test_a_client_reports_the_key_that_its_first_call_makes(heard: list[bytes], tmp_path: Path, file: Path) -> None:
    settings = Settings(f"sqlite:///{tmp_path}/store.db", str(file), is_local_default=True, through_broker=False)
    client = Client(settings)
    client.handle(Request("scope_info", {}))
    assert heard == []
    client.handle(Request("secret_text", {"identifier": "a", "value": b"v"}))
    assert heard == [b"v", file.read_bytes().strip()]
    client.handle(Request("scope_info", {}))
    assert len(heard) == 2
