# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener hears each revealed value; without one nothing happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.masking.revealing import reveal, reveal_to


@pytest.fixture(autouse=True)
def no_listener() -> Iterator[None]:
    yield
    reveal_to(None)


def test_without_a_listener_nothing_happens() -> None:
    reveal("secret")


@pytest.mark.parametrize(
    ("value", "expected"), [("sécret", "sécret".encode()), (b"\xff", b"\xff"), ("\udcff", b"\xff"), ("", b"")]
)
def test_listener_gets_kind_and_bytes(value: bytes | str, expected: bytes) -> None:
    heard: list[tuple[str, bytes]] = []
    reveal_to(lambda kind, content: heard.append((kind, content)))
    reveal(value)
    reveal(value, "ssh")
    assert heard == [("text", expected), ("ssh", expected)]
