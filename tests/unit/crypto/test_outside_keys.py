# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys from outside the store: messages name the kind of key and its option. See also test_rootkey.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.outside_keys import (
    MAX_FILE,
    KeyFile,
    read_guarded,
    weakness,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import KeyRefused

KIND = KeyFile("odd key", "odd_key_file", "one odd line", "Look under the mat.")


def refusal(path: Path) -> KeyRefused:
    with pytest.raises(KeyRefused) as caught:
        read_guarded(str(path), KIND)
    assert f"odd key file {path}" in caught.value.message
    return caught.value


def test_random_bytes_are_accepted() -> None:
    assert weakness(os.urandom(32)) == ""
    assert weakness(bytes(32)) == "its bytes repeat"


DISTINCT = bytes(range(128, 144))


@pytest.mark.parametrize(
    ("material", "reason"),
    [
        (DISTINCT + DISTINCT[::-1], ""),
        (DISTINCT[:15] * 2 + DISTINCT[:2], "its bytes repeat"),
        (DISTINCT + DISTINCT, "its bytes repeat"),
        (bytes(range(32, 64)), "it is printable text, not random bytes"),
        (bytes(range(95, 127)), "it is printable text, not random bytes"),
        (bytes(range(31, 63)), ""),
        (bytes(range(96, 128)), ""),
        (DISTINCT, "it has 16 bytes, not 32"),
    ],
)
def test_bytes_that_can_not_be_random_are_told(material: bytes, reason: str) -> None:
    assert weakness(material) == reason


def test_odd_bytes_are_replaced_and_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"\xff" * MAX_FILE)
    path.chmod(0o600)
    before = os.listdir("/proc/self/fd")
    assert read_guarded(str(path), KIND) == "\ufffd" * MAX_FILE
    assert os.listdir("/proc/self/fd") == before


def test_reads_a_file_with_safe_permissions(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text("content\n")
    path.chmod(0o600)
    assert read_guarded(str(path), KIND) == "content\n"


def test_hints_name_the_option_and_origin(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").hint == KIND.origin
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "k")
    assert "odd_key_file" in refusal(link).hint
    large = tmp_path / "large"
    large.write_bytes(bytes(4097))
    large.chmod(0o600)
    assert refusal(large).hint == "Set 'odd_key_file' to a file with one odd line."
