# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store whose file was put back is refused in playbooks until somebody accepts it."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_of_runs import Site, Task

READ: Task = {
    "name": "read",
    "ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'a', default='x') }}"},
}
TOLERANT: Task = {**READ, "ignore_errors": True}


def written(value: str) -> Task:
    return {"name": "write", "scoped.secrets.secret_text": {"identifier": "a", "value": value}}


def doctor(**options: bool) -> Task:
    return {"name": "doctor", "scoped.secrets.doctor": options}


def files(site: Site) -> dict[Path, bytes]:
    """Return the files of the store: without a broker, a run leaves some beside the one."""
    site.quiet_store()
    return {path: path.read_bytes() for path in site.store.parent.glob(f"{site.store.name}*")}


@pytest.mark.inline
def test_a_file_that_was_put_back(site: Site) -> None:
    site.run([written("former")])
    old = files(site)
    site.run([written("new"), READ])
    for path in files(site):
        path.unlink()
    for path, content in old.items():
        path.write_bytes(content)
        path.chmod(0o600)
    run = site.run([TOLERANT, {**written("mine"), "ignore_errors": True}, doctor()])
    assert "store_rolled_back" in str(run.result("read"))
    assert "former" not in str(run.result("read"))
    assert run.result("write")["code"] == "store_rolled_back"
    (check,) = [one for one in run.result("doctor")["checks"] if one["check"] == "history"]
    assert (check["code"], run.result("doctor")["healthy"]) == ("store_rolled_back", False)
    assert "accept_rollback" in check["hint"]
    planned = site.run([doctor(accept_rollback=True)], "--check")
    assert planned.last["changed"]
    run = site.run([doctor(accept_rollback=True), READ, written("later"), doctor(accept_rollback=True)])
    assert run.result("read")["msg"] == "former"
    assert not run.last["changed"]
    events = site.run([{"scoped.secrets.audit_info": {"actions": ["accept_rollback"], "verify": True}}]).last["events"]
    assert [event["kind"] for event in events] == ["store"]


def test_a_machine_without_a_folder_says_so(site: Site) -> None:
    site.run([written("former")])
    (site.folder / "state").mkdir(exist_ok=True)
    for folder, verdict in (("none", "ok"), (str(site.folder / "inventory.ini"), "warning")):
        run = site.run([READ, doctor()], environment={"SCOPED_SECRETS_STATE_FOLDER": folder})
        (check,) = [one for one in run.last["checks"] if one["check"] == "history"]
        assert (check["verdict"], run.last["healthy"]) == (verdict, True)
        assert "does not notice" in check["message"]
