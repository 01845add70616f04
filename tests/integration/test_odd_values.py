# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that look like something else come out byte for byte, and none is ever a template."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from connector_tasks import of
from site_of_runs import Run, Site, Task

pytestmark = pytest.mark.each_core

VALUES = [
    "{{ 1 + 1 }}",
    "{{ lookup('ansible.builtin.pipe', 'id') }}",
    "{% raw %}x{% endraw %}",
    "{# comment #}",
    "a {{ b",
    "}} {{",
    "{{",
    "{%",
    "[1, 2,3]",
    "[1,2,{'a':1}]",
    '{"a":1,  "b":[1.10]}',
    "{'a': 1}",
    "{}",
    "[]",
    "['x']",
    "()",
    "(1,  2)",
    "{1, 2}",
    "True",
    "false",
    "yes",
    "None",
    "null",
    "~",
    "0123",
    "1.10",
    "1e400",
    "0x1F",
    "-1",
    "12:30:45",
    "2026-12-01",
    " leading and trailing ",
    "\ttab\t",
    "\n",
    "line\n",
    "CR LF\r\nends\r\n",
    "\ufeffwith a byte order mark",
    "control \x01 \x1b[31m \x7f",
    "'single' and \"double\"",
    "back\\slash \\n",
    "!unsafe x",
    "!vault |",
    "&anchor *alias",
    "# no comment",
    "%s %(a)s $HOME ${HOME}",
    '<+secrets.getValue("v0")>',
    "emoji \N{GRINNING FACE} and Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e",
    "\u2028 and \u2029",
]
WITH_NUL = "NUL \0 within"
# In ansible-core 2.18, set_fact itself makes booleans of these.
BOOLEANS = ("True", "false", "yes")
# Modules take time: these go through copy, template and an environment, too.
SOME = [0, 2, 8, 10, 18, 22, 25, 31, 35]


def lookup(number: int) -> str:
    return f"{{{{ lookup('scoped.secrets.secret', 'v{number}') }}}}"


def resolved(number: int) -> str:
    return f"{{{{ '<+secrets.getValue(\"v{number}\")>' | scoped.secrets.resolve }}}}"


@pytest.fixture
def kept(site: Site) -> list[str]:
    """Return the values that a store has, which are named by their number."""
    values = [*VALUES, WITH_NUL]
    site.declare(
        *(
            of("secret_file", identifier=f"v{number}", content_b64=base64.b64encode(value.encode()).decode())
            for number, value in enumerate(values)
        )
    )
    return values


def debug(name: str, message: Any, **more: Any) -> Task:
    return {"name": name, "ansible.builtin.debug": {"msg": message}, **more}


def each(expression: str, count: int) -> dict[str, str]:
    return {f"v{number}": expression.replace("N", str(number)) for number in range(count)}


def test_templates_take_each_value_as_it_is(site: Site, kept: list[str]) -> None:
    count = len(kept)
    looked_up = {f"v{number}": lookup(number) for number in range(count)}
    filtered = {f"v{number}": resolved(number) for number in range(count)}
    tasks: list[Task] = [
        debug("lookup", looked_up),
        debug("filter", filtered),
        {"ansible.builtin.set_fact": {f"a{name}": value for name, value in looked_up.items()}},
        {"ansible.builtin.set_fact": {f"b{name}": value for name, value in filtered.items()}},
        debug("fact", each("{{ avN }}", count)),
        debug("fact of the filter", each("{{ bvN }}", count)),
        debug("hostvars", each("{{ hostvars['localhost'].avN }}", count)),
        debug("loop", "{{ item }}", loop=list(looked_up.values())),
        debug("loop of the filter", "{{ item }}", loop=list(filtered.values())),
        debug("in a text", {name: f"<{value}>" for name, value in looked_up.items()}),
    ]
    run = site.run(tasks)
    expected = {f"v{number}": value for number, value in enumerate(kept)}
    for name in ("lookup", "filter"):
        assert run.result(name)["msg"] == expected, name
    for name in ("fact", "fact of the filter", "hostvars"):
        facts = {one: value for one, value in run.result(name)["msg"].items() if expected[one] not in BOOLEANS}
        assert facts == {one: value for one, value in expected.items() if value not in BOOLEANS}, name
    for name in ("loop", "loop of the filter"):
        assert items(run, name) == kept, name
    assert run.result("in a text")["msg"] == {name: f"<{value}>" for name, value in expected.items()}
    assert "uid=" not in run.output


def items(run: Run, name: str) -> list[Any]:
    return [task["result"]["msg"] for task in run.tasks if task["task"] == name and task["status"] == "item ok"]


def test_modules_get_each_value_as_it_is(site: Site, kept: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for number in SOME:
        (site.folder / f"v{number}.j2").write_text(lookup(number), newline="")
    dump = "import json, os; print(json.dumps({n: v for n, v in os.environ.items() if n.startswith('PW_')}))"
    loop: dict[str, Any] = {"loop": [{"name": f"v{number}", "value": lookup(number)} for number in SOME]}
    copied = {"content": "{{ item.value }}", "dest": f"{out}/copy_{{{{ item.name }}}}", "mode": "0600"}
    rendered = {"src": "{{ item.name }}.j2", "dest": f"{out}/template_{{{{ item.name }}}}", "mode": "0600"}
    tasks: list[Task] = [
        {"ansible.builtin.copy": copied, **loop},
        {"ansible.builtin.template": rendered, **loop},
        {
            "name": "environment",
            "ansible.builtin.command": {"argv": ["python3", "-c", dump]},
            "environment": {f"PW_v{number}": lookup(number) for number in SOME},
        },
    ]
    run = site.run(tasks)
    for number in SOME:
        for module in ("copy", "template"):
            assert (out / f"{module}_v{number}").read_bytes() == kept[number].encode(), (module, kept[number])
    environment = json.loads(run.result("environment")["stdout"])
    assert environment == {f"PW_v{number}": kept[number] for number in SOME}
