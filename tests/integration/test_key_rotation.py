# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys are rotated by playbooks: with progress, and while the play goes on."""

from __future__ import annotations

import stat

import pytest
from site_of_runs import Site, Task

pytestmark = pytest.mark.each_store

API = {"org": "payments", "project": "api"}
DECLARED: list[Task] = [
    {"scoped.secrets.scope": {"org": "payments"}},
    {"scoped.secrets.scope": API},
    *({"scoped.secrets.secret_text": {**API, "identifier": f"s{n}", "value": f"value {n}"}} for n in range(3)),
]
READ: Task = {
    "ansible.builtin.assert": {
        "that": ["lookup('scoped.secrets.secret', 's2', org='payments', project='api') == 'value 2'"]
    }
}


def rotation(**options: object) -> Task:
    return {"scoped.secrets.key_rotation": options}


@pytest.mark.inline
def test_a_project_key(site: Site) -> None:
    planned = site.run([*DECLARED, rotation(**API, target="scope")], "--check")
    assert planned.last["changed"]
    run = site.run([*DECLARED, rotation(**API, target="scope", batch_size=1), READ], "--diff")
    result = next(task["result"] for task in run.tasks if "rotation" in task["result"])
    assert (result["changed"], result["rotation"]["left_total"], result["rotation"]["generation"]) == (True, 0, 2)
    for line in (
        "key_rotation: Rotating to generation 2 of the key of project 'payments/api', 3 versions",
        *(f"key_rotation: Moved {done} of 3 versions" for done in (1, 2, 3)),
    ):
        assert run.output.count(line) == 1, run.output
    again = site.run([*DECLARED, rotation(**API, target="scope", destroy_generation=1), READ])
    assert [task["result"]["changed"] for task in again.tasks] == [False] * 5 + [True, False]


def test_the_root_key(site: Site) -> None:
    site.declare(*DECLARED)
    old = site.key_file.read_bytes()
    run = site.run([READ, rotation(target="root", new_root_key_file="new.key")])
    assert run.last["rotation"]["left_total"] == 0
    made = site.folder / "new.key"
    assert (stat.S_IMODE(made.stat().st_mode), site.key_file.read_bytes()) == (0o600, old)
    site.run([READ], environment={"SCOPED_SECRETS_ROOT_KEY_FILE": str(made)})
    refused = site.run([{**rotation(target="scope"), "ignore_errors": True}])
    assert (refused.last["code"], "rotated" in refused.last["hint"]) == ("wrong_key", True)
