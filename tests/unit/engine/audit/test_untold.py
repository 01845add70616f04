# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can't be recorded is told: in this run, or in the next one if it came out when nobody asked any more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker.engines import Engines
from ansible_collections.scoped.secrets.plugins.module_utils.engine.audit.untold import Untold
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.audit import Caller
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare

CALLER = Caller("ann", "here", "", "1")
WARNING = "What this run does can't be recorded"


@pytest.fixture
def place(settings: Settings, engine: Engine, tmp_path: Path) -> Settings:
    """The settings of a machine with a folder for what it remembers, and a store with a secret."""
    declare(engine, "secret_text", identifier="a", value=b"v")
    return settings._replace(state_folder=str(tmp_path / "state"))


def run_of(settings: Settings, tmp_path: Path) -> Any:
    return Engines(settings, str(tmp_path / "run"), CALLER)


def test_a_sink_that_fails_is_told_with_the_first_answer(place: Settings, tmp_path: Path) -> None:
    engines = run_of(place._replace(audit_sink=f"store,file://{tmp_path}/none/audit.json"), tmp_path)
    assert engines.reading.resolve([Query("a")])[0].value == b"v"
    (warning,) = engines.reading.take_notices()
    assert warning.startswith(WARNING)
    engines.close(5)
    # It was told, so that no later run repeats it.
    assert Untold(place).take() == []


def test_what_fails_after_the_last_answer_is_told_by_the_next_run(place: Settings, tmp_path: Path) -> None:
    sink = tmp_path / "logs" / "audit.json"
    sink.parent.mkdir()
    failing = place._replace(audit_sink=f"store,file://{sink}")
    engines = run_of(failing, tmp_path)
    engines.reading.resolve([Query("a")])
    assert engines.reading.take_notices() == []
    sink.unlink(missing_ok=True)
    sink.parent.rmdir()
    engines.close(5)
    sink.parent.mkdir()
    for expected in (1, 0):
        engines = run_of(failing, tmp_path)
        engines.reading.resolve([Query("a")])
        notices = engines.reading.take_notices()
        assert len(notices) == expected
        assert all(
            WARNING in notice and notice.startswith("An earlier run on this machine, at 20") for notice in notices
        )
        engines.close(5)


def test_the_doctor_has_it_too(place: Settings, tmp_path: Path) -> None:
    Untold(place).keep([f"{WARNING}: because."])
    engines = run_of(place, tmp_path)
    engines.reading.resolve([Query("a")])
    checks = declare(engines.declaring, "doctor").returned["checks"]
    (check,) = (one for one in checks if one["check"] == "audit records")
    assert (check["verdict"], WARNING in check["message"]) == ("warning", True)
    engines.close(5)


@pytest.mark.parametrize(
    "content", [b"", b"no json\n", b"\xff\xfe\n", b"[]\n", b'["at"]\n', b"{}\n", b"[" * 100_000, b"1\n"]
)
def test_a_file_that_somebody_spoiled_is_passed_over(place: Settings, content: bytes) -> None:
    untold = Untold(place)
    untold.keep(["x"])
    (file,) = (Path(place.state_folder) / "untold").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(content)
    assert untold.take() == []
    assert untold.take() == []


def test_what_is_told_is_bounded(place: Settings) -> None:
    untold = Untold(place)
    untold.keep(["x" * 10_000] * 30)
    told = untold.take()
    assert len(told) == 10
    assert max(map(len, told)) < 2200


def test_without_a_folder_nothing_is_kept(settings: Settings) -> None:
    Untold(settings._replace(state_folder="")).keep(["x"])
    blocked = settings._replace(state_folder=os.devnull)
    Untold(blocked).keep(["x"])
    assert Untold(blocked).take() == []
