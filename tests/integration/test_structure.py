# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are words of a task's result, in real runs: failures fail, changes notify, and names stay."""

from __future__ import annotations

import pytest
from connector_tasks import named, of
from site_of_runs import Site, Task

pytestmark = pytest.mark.each_core

DEMO = {"org": "demo"}
NO_ORG = {"org": "nosuchorg", "identifier": "x"}
MASK = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask"}


def checks() -> list[Task]:
    """Return tasks whose values are words of their own results. None is part of a name here, which the mask hides."""
    item = {"secret_text": {**DEMO, "identifier": "status_word", "value": "fail"}}
    missing = {"secret_text": {**NO_ORG, "value": "correct horse"}}
    made = of("secret_text", **DEMO, identifier="postgres_password", value="postgres")
    user = of("secret_ssh", **DEMO, identifier="db", user="postgres", password_ref="{{ made.secret.reference }}")
    return [
        named("first", of("secret_text", **NO_ORG, value="failed"), ignore_errors=True),
        named("by a line", of("secret_file", **NO_ORG, content="queued\nfailed\n"), ignore_errors=True),
        named("one item", of("manifest", resources=[item, missing]), ignore_errors=True),
        named("notice", of("secret_text", **DEMO, identifier="door", value="hang"), notify="handler"),
        named("kept", made, register="made"),
        named("used", user),
        named("kept too", of("secret_text", **DEMO, identifier="p", value="secret"), register="made"),
        named("shown", {"ansible.builtin.debug": {"msg": "{{ made.secret.version }}"}}),
        named("when", of("secret_text", **DEMO, identifier="year", value="20261201"), register="made"),
    ]


@pytest.mark.parametrize("environment", [{}, MASK], ids=["plain", "mask"])
def test_no_value_changes_what_a_result_says(site: Site, environment: dict[str, str]) -> None:
    if environment and list(site.venv.glob("lib/python*/site-packages/ansible/module_utils/secrets.py")):
        pytest.skip("ansible-core 2.22 itself hides values in the keys of what callbacks get")
    site.declare(of("scope", **DEMO))
    handlers = [named("handler", {"ansible.builtin.debug": {"msg": "ran"}})]
    run = site.run(checks(), handlers=handlers, environment=environment)
    statuses = {task["task"]: task["status"] for task in run.tasks}
    for name in ("first", "by a line", "one item"):
        assert (statuses[name], run.result(name)["code"]) == ("failed", "unknown_scope"), name
    assert run.result("notice")["changed"] is True
    assert run.result("handler")["msg"] == "ran"
    assert run.result("kept")["secret"]["reference"] == "org.postgres_password"
    assert run.result("used")["changed"] is True
    assert run.result("shown")["msg"] in (1, "1")


def test_a_loop_over_names_shows_no_value(site: Site) -> None:
    """An item that fails is printed whole, whatever its label."""
    values = {"first": "canary of the first", "second": "canary of the second"}
    task = of("secret_text", **NO_ORG | {"identifier": "{{ item }}"}, value="{{ passwords[item] }}")
    (site.folder / "passwords.yml").write_text(f"passwords: {values}\n")
    loop = {**task, "loop": "{{ passwords | list }}"}
    run = site.run([loop], "-vvv", vars_files=["passwords.yml"], fails=True)
    assert "canary" not in run.output
    assert [run.tasks[number]["result"]["item"] for number in (0, 1)] == ["first", "second"]
