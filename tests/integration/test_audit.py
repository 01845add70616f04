# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs leave records, however they end, and do nothing where none can be made and one is required."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from live_runs import Live, live_in, wait_for
from site_of_runs import Site, Task

MADE: Task = {"scoped.secrets.secret_text": {"identifier": "a", "value": "value of a"}}
READ: Task = {"ansible.builtin.assert": {"that": "lookup('scoped.secrets.secret', 'a') is match('value')"}}
REFUSED: Task = {
    "ansible.builtin.debug": {"msg": "{{ query('scoped.secrets.secret', 'org.a.b', on_denied='skip') }}"},
}
STRICT = {"SCOPED_SECRETS_AUDIT": "required"}


def events(site: Site, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.run([{"scoped.secrets.audit_info": {"verify": True, **filters}}]).last["events"]
    return found


@pytest.fixture
def live(site: Site) -> Iterator[Live]:
    with live_in(site) as live:
        yield live


@pytest.mark.inline
@pytest.mark.each_store
def test_all_that_a_run_does_has_its_name(site: Site) -> None:
    job = {"AWX_JOB_ID": "42"}
    site.run([MADE, READ, REFUSED], environment=job)
    site.run([READ])
    found = events(site)
    assert [(one["action"], one["outcome"], one["job"]) for one in found] == [
        ("create", "ok", "42"),
        ("read", "ok", "42"),
        ("read", "reference_downward", "42"),
        ("read", "ok", ""),
    ]
    assert len({one["run"] for one in found[:3]}) == 1
    assert found[3]["run"] != found[0]["run"]
    assert [one["action"] for one in events(site, run=found[3]["run"])] == ["read"]


def test_a_broker_that_is_told_to_end_writes_what_it_gathered(live: Live) -> None:
    live.site.declare(MADE)
    running = live.begin([READ, live.pause()])
    with live.paused(1, running):
        os.kill(live.broker(), signal.SIGTERM)
        wait_for(lambda: not live.brokers())
        assert [one["action"] for one in events(live.site)] == ["create", "read"]
    running.result()


@pytest.mark.inline
def test_nothing_is_done_where_no_record_can_be_made(site: Site) -> None:
    site.declare(MADE)
    strict = {**STRICT, "SCOPED_SECRETS_AUDIT_SINK": "store,file:///none/audit.jsonl"}
    for task in (READ, {"scoped.secrets.secret_text": {"identifier": "b", "value": "x"}}):
        run = site.run([task], environment=strict, fails=True)
        assert "audit_not_written" in run.output + json.dumps(run.last)
        assert "value of a" not in run.output
    assert [one["identifier"] for one in site.run([{"scoped.secrets.secret_info": {}}]).last["secrets"]] == ["a"]


def test_a_file_and_the_store_say_the_same(site: Site) -> None:
    path = site.folder / "audit.jsonl"
    (site.folder / "ansible.cfg").write_text(f"[scoped_secrets]\naudit = required\naudit_sink = store, file://{path}\n")
    site.run([MADE, READ])
    (site.folder / "ansible.cfg").unlink()
    assert [json.loads(line) for line in path.read_text().splitlines()] == events(site)


@pytest.mark.each_store
def test_what_is_archived_joins_what_is_left(site: Site) -> None:
    site.declare(MADE)
    archived = {"scoped.secrets.audit_archive": {"dest": "old.jsonl", "before": "2999-01-01"}}
    planned = site.run([archived], "--check", "--diff").last
    assert (planned["changed"], (site.folder / "old.jsonl").exists()) == (True, False)
    done = site.run([archived], "--diff").last
    assert (done["archived"], done["diff"]["after"]["in_archives"]) == (planned["archived"], planned["archived"])
    assert done["diff"] == planned["diff"]
    lines = [json.loads(line) for line in (site.folder / "old.jsonl").read_text().splitlines()]
    assert [one["action"] for one in lines[1:]] == ["create"]
    joined = {"scoped.secrets.audit_info": {"archives": ["old.jsonl"]}}
    (chain,) = site.run([READ, joined]).last["chains"]
    assert (chain["verified_from"], chain["archived"], chain["verified"]) == (1, 1, chain["last"])
    assert [one["action"] for one in events(site)] == ["archive", "read"]
    again = {"scoped.secrets.audit_archive": {"dest": "old.jsonl", "before": "2001-01-01"}}
    assert not site.run([again]).last["changed"]
    (site.folder / "old.jsonl").write_text("mine")
    run = site.run([archived], fails=True)
    assert (run.last["code"], (site.folder / "old.jsonl").read_text()) == ("dest_taken", "mine")
