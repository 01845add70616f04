# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example program with the real age command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.custom.custom import Custom
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from checking import check

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "programs" / "age_folder.py"


OWNER, OTHERS = "store/connector/scope", "store/connector/another"


def new_identity() -> str:
    done = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    return done.stdout


def connector(folder: Path, credential: str) -> Custom:
    options = {"command": [str(PROGRAM), str(folder)], "auth_method": "credential", "credential": credential}
    custom = Custom(options, ConnectorContext("connector 'age'"))
    custom.login()
    return custom


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        call()
    return caught.value.code


def test_values_go_in_and_come_out_and_lie_there_sealed(tmp_path: Path) -> None:
    identity = new_identity()
    ours, theirs = connector(tmp_path, identity), connector(tmp_path, identity)
    check(ours)
    for path, value in (("text", "canary ключ".encode()), ("sub/raw", b"\xffcanary"), ("empty", b"")):
        ours.write(path, value, Writing(OWNER, description="d"))
        assert theirs.read(path).content == value
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
    assert files == ["empty.age", "sub/raw.age", "text.age"]
    assert all(b"canary" not in (tmp_path / file).read_bytes() for file in files)
    assert code_of(lambda: theirs.write("text", b"x", Writing(OTHERS))) == "foreign_secret"
    assert code_of(lambda: theirs.remove("text", OTHERS)) == "foreign_secret"
    theirs.write("text", b"x", Writing(OTHERS, adopt=True))
    theirs.remove("text", OTHERS)
    assert code_of(lambda: ours.read("text")) == "unknown_path"
    ours.remove("text", OWNER)


def test_what_is_refused(tmp_path: Path) -> None:
    ours = connector(tmp_path, new_identity())
    ours.write("a", b"x", Writing(OWNER))
    other = connector(tmp_path, new_identity())
    assert code_of(lambda: other.read("a")) == "provider_denied"
    assert code_of(lambda: connector(tmp_path, "no identity")) == "login_refused"
    assert code_of(lambda: connector(tmp_path / "none", new_identity())) == "provider_unavailable"
    for path in ("../a", "/etc/passwd", "sub/../../a", ".hidden", "a/b"):
        assert code_of(lambda path=path: ours.read(path)) == "unknown_path"  # type: ignore[misc]
