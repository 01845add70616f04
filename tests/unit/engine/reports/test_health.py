# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor tries out what a task needs, leaves nothing, and says in one line what it found."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.checks import with_summary
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    content_of,
    declare,
    error_of,
    rows_of,
    store_path,
)

TRIED = ("database", "writing", "rows", "audit", "clock")


def found(settings: Settings, **params: Any) -> dict[str, dict[str, Any]]:
    """Return the checks of the doctor by their names."""
    return {check["check"]: check for check in declare(Engine(settings), "doctor", **params).returned["checks"]}


@pytest.fixture
def filled(settings: Settings, engine: Engine) -> Settings:
    for number in range(200):
        declare(engine, "secret_text", identifier=f"a{number}", value=b"v" * 200)
    return settings


def test_a_healthy_store_is_tried_out_and_left_alone(filled: Settings) -> None:
    before = content_of(filled)
    checks = found(filled)
    assert {name: checks[name]["verdict"] for name in TRIED} == dict.fromkeys(TRIED, "ok")
    assert "rows" not in found(filled, verify=False)
    assert content_of(filled) == before


def test_no_draft_is_left_beside_the_store(filled: Settings) -> None:
    path = store_path(filled)
    found(filled)
    assert sorted(file.name for file in path.parent.iterdir() if file.name.endswith(".new")) == []


def test_without_a_store_nothing_is_tried(settings: Settings) -> None:
    assert not set(TRIED) & set(found(settings))


def test_a_damaged_database(filled: Settings) -> None:
    path = store_path(filled)
    Engine(filled).close(5)
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    content = bytearray(path.read_bytes())
    # The middle of the file: pages of rows and indexes, not the schema.
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = os.urandom(8192)
    path.write_bytes(content)
    returned = declare(Engine(filled), "doctor").returned
    bad = {check["check"] for check in returned["checks"] if check["verdict"] == "error"}
    assert bad & {"database", "rows", "store"}
    assert not returned["healthy"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "store_full"),
        (errno.EDQUOT, "store_full"),
        (errno.EROFS, "store_read_only"),
        (errno.EIO, "store_unreachable"),
    ],
)
def test_no_room_to_write(filled: Settings, monkeypatch: pytest.MonkeyPatch, number: int, code: str) -> None:
    path, real = store_path(filled), os.fsync

    def full(descriptor: int) -> None:
        if ".new" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    check = found(filled)["writing"]
    assert (check["verdict"], check["code"]) == ("error", code)
    assert [file.name for file in path.parent.iterdir() if ".new" in file.name] == []


def test_a_row_that_somebody_edited(filled: Settings) -> None:
    with rows_of(filled) as tx:
        tx.run("UPDATE secret SET description = 'edited' WHERE identifier = 'a7'")
    check = found(filled)["rows"]
    assert (check["verdict"], check["code"], "a7" in check["message"]) == ("error", "damaged_row", True)


def test_a_clock_that_is_behind_what_is_recorded(filled: Settings) -> None:
    with rows_of(filled) as tx:
        tx.run("UPDATE scope SET updated_at = '2099-01-01T00:00:00Z'")
    check = found(filled, verify=False)["clock"]
    assert (check["verdict"], "2099-01-01" in check["message"]) == ("warning", True)


@pytest.mark.parametrize("audit", ["on", "off"])
def test_a_sink_that_can_not_be_written(filled: Settings, tmp_path: Path, audit: str) -> None:
    sinks = f"store,file://{tmp_path}/audit.json,file://{tmp_path}/none/audit.json"
    checks = declare(Engine(filled._replace(audit_sink=sinks, audit=audit)), "doctor").returned["checks"]
    verdicts = [check["verdict"] for check in checks if check["check"] == "audit sink"]
    assert verdicts == (["ok", "error"] if audit == "on" else [])


def test_the_key_of_a_scope_verifies_what_it_opens(filled: Settings) -> None:
    from ansible_collections.scoped.secrets.tests.unit.engine.stores import holding

    engine = Engine(filled)
    declare(engine, "scope", org="pay")
    declare(engine, "scope", org="pay", project="api")
    declare(engine, "scope", org="hr")
    checks = declare(holding(filled, org="pay"), "doctor").returned["checks"]
    (check,) = (one for one in checks if one["check"] == "rows")
    assert check["message"] == "All rows of 2 scopes are as they were written."


def _check(verdict: str, name: str = "x") -> dict[str, Any]:
    return {"check": name, "verdict": verdict, "message": f"It is {verdict}.", "hint": ""}


@pytest.mark.parametrize(
    ("verdicts", "summary", "failing"),
    [
        (["ok"], "1 check, all ok.", []),
        (["ok", "ok"], "2 checks, all ok.", []),
        (["ok", "warning"], "1 warning in 2 checks. First x1: It is warning.", ["warning"]),
        (
            ["warning", "error", "error"],
            "2 errors and 1 warning in 3 checks. First x1: It is error.",
            ["error", "warning"],
        ),
    ],
)
def test_the_summary_and_what_fails(verdicts: list[str], summary: str, failing: list[str]) -> None:
    checks = [_check(verdict, f"x{number}") for number, verdict in enumerate(verdicts)]
    for fail_on in ("never", "error", "warning"):
        returned = with_summary(checks, fail_on)
        assert next(iter(returned)) == "summary"
        assert (returned["summary"], returned["healthy"]) == (summary, "error" not in verdicts)
        assert (returned.get("failed", False), returned.get("msg")) == (
            (True, summary) if fail_on in failing else (False, None)
        )


def test_a_doctor_that_fails_returns_all_the_same(filled: Settings) -> None:
    with rows_of(filled) as tx:
        tx.run("UPDATE secret SET description = 'edited' WHERE identifier = 'a7'")
    returned = declare(Engine(filled), "doctor", fail_on="error").returned
    assert (returned["failed"], returned["healthy"]) == (True, False)
    assert "a7" in returned["msg"]
    assert error_of(lambda: declare(Engine(filled), "scope_info", verify=True)).code == "damaged_row"
