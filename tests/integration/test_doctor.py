# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells about itself: the doctor, and the line of the callback."""

from __future__ import annotations

from typing import Any

import pytest
from site_of_runs import BROKER, Run, Site, Task

MASK = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask"}
DOCTOR: Task = {"scoped.secrets.doctor": {}}
MADE: Task = {"scoped.secrets.secret_text": {"identifier": "a", "value": "of a"}}


def verdicts(run: Run) -> dict[str, str]:
    return {check["check"]: check["verdict"] for check in run.last["checks"]}


def found(run: Run, name: str) -> dict[str, Any]:
    return dict(next(check for check in run.last["checks"] if check["check"] == name))


@pytest.mark.inline
def test_a_fresh_installation(site: Site) -> None:
    run = site.run([DOCTOR])
    assert run.last["healthy"]
    found_verdicts = verdicts(run)
    libraries = {name for name in found_verdicts if name.startswith("library for ")}
    # Only who uses the other kinds needs theirs.
    assert {"library for builtin", "library for hashicorp_vault", "library for aws_kms"} <= libraries
    assert {found_verdicts.pop(name) for name in libraries} == {"ok"}
    assert found_verdicts.pop("unfinished changes") == "ok"
    assert found_verdicts.pop("commands") == "ok"
    expected = {"versions": "ok", "engine": "ok", "store": "warning", "root key": "ok", "masking": "warning"}
    assert found_verdicts == expected
    assert next(iter(run.last["checks"][0])) == "check"
    assert run.last["summary"].startswith("2 warnings in ")
    assert not site.store.exists()
    assert not site.key_file.exists()


def test_a_store_and_its_key(site: Site) -> None:
    run = site.run([MADE, DOCTOR], environment={**BROKER, **MASK})
    assert set(verdicts(run).values()) == {"ok"}
    assert str(site.store) in found(run, "store")["message"]
    assert str(site.key_file) in found(run, "root key")["message"]
    assert run.last["usage"]["calls"] == 2


@pytest.mark.inline
@pytest.mark.each_core
def test_whether_the_run_is_masked(site: Site) -> None:
    off, on = (found(site.run([DOCTOR], environment=enabled), "masking") for enabled in ({}, MASK))
    assert (off["verdict"], on["verdict"], on["hint"]) == ("warning", "ok", "")
    assert "callbacks_enabled = scoped.secrets.mask" in off["hint"]


def test_what_is_wrong_gets_a_code_and_a_next_step(site: Site) -> None:
    site.declare(MADE)
    site.key_file.chmod(0o644)
    key = found(site.run([DOCTOR]), "root key")
    assert (key["verdict"], key["code"]) == ("error", "exposed_key_file")
    assert "chmod" in key["hint"]
    site.key_file.chmod(0o600)
    site.store.chmod(0o666)
    store = found(site.run([DOCTOR]), "store")
    assert (store["verdict"], store["code"]) == ("error", "exposed_store_file")


def test_the_line_of_the_callback(site: Site) -> None:
    lookup = {"ansible.builtin.debug": {"msg": "{{ query('scoped.secrets.secret', 'a', 'a', 'a') | length }}"}}
    enabled = {**BROKER, "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"}
    run = site.run([MADE, lookup, lookup], "-vv", environment=enabled)
    assert "scoped.secrets: 3 calls, 6 secrets read, 5 of them from the cache, 1 opened" in run.output
    assert "secrets read" not in site.run([MADE, lookup], environment=enabled).output


@pytest.mark.inline
@pytest.mark.each_core
def test_it_fails_where_it_is_asked_to(site: Site) -> None:
    site.declare(MADE)
    tasks: list[Task] = [
        {"name": fail_on, "scoped.secrets.doctor": {"fail_on": fail_on}, "ignore_errors": True}
        for fail_on in ("never", "error", "warning")
    ]
    run = site.run(tasks)
    # Only the masking of this run is missing, which the control node adds to the checks of the engine.
    assert ["msg" in run.result(name) for name in ("never", "error", "warning")] == [False, False, True]
    assert "...ignoring" in run.output
    assert run.result("warning")["msg"] == run.result("warning")["summary"]
    assert "masking" in run.result("warning")["summary"]
    assert run.result("warning")["checks"]
