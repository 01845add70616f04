# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook shows what it should not, on purpose and in every way, and the callback `mask` hides it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from canaries import canaries, check_output, spellings
from running_examples import run_documentation
from site_of_runs import ROOT, Run, Site, Task

API = {"org": "payments", "project": "api"}
MASK = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask,junit,tree,profile_tasks"}
NAMES = ("text", "changed", "password", "short", "key", "file", "bytes")


def read(name: str, more: str = "") -> str:
    return f"lookup('scoped.secrets.secret', '{name}'{more}, **scope)"


# Values in every disguise that is masked.
DISGUISES = {
    "plain": "value",
    "in a sentence": "'before ' ~ value ~ ' after'",
    "base64": "value | b64encode",
    "base64 after one": "('u' ~ value ~ 'v') | b64encode",
    "base64 after two": "('us' ~ value ~ 'vw') | b64encode",
    "base64 after three": "('usr' ~ value ~ 'v') | b64encode",
    "base64 for URLs": "value | b64encode | replace('+', '-') | replace('/', '_')",
    "for URLs": "value | urlencode",
    "for URLs whole": "value | urlencode | replace('/', '%2F')",
    "JSON": "value | to_json",
    "JSON twice": "{'a': value} | to_json | to_json",
    "JSON with umlauts": "value | to_json(ensure_ascii=false)",
    "lines": "value.splitlines()",
    "indented": "value | indent(8)",
    "shell": "value | quote",
    "key": "{value: 1}",
    "key of a key": "{'a': {value: {value: [value]}}}",
    "Python": "[value] | string",
}


TEXTS = ("text", "changed", "password", "short", "fields", "key")
# What a run makes the values of.
TEMPLATES = {
    **{name: f"{{{{ canary.{name} }}}}" for name in (*TEXTS, "ssh_key")},
    "encoded": "{{ canary.text | b64encode }}",
}


def made(values: Mapping[str, Any] = TEMPLATES, folder: str = "meant") -> list[Task]:
    """Return tasks that write one secret of each sort."""
    text = [{"scoped.secrets.secret_text": {**API, "identifier": name, "value": values[name]}} for name in TEXTS]
    files = [
        {"scoped.secrets.secret_file": {**API, "identifier": "file", "src": f"{folder}/key.pem"}},
        {"scoped.secrets.secret_file": {**API, "identifier": "bytes", "content_b64": values["encoded"]}},
        {
            "scoped.secrets.secret_ssh": {
                **API,
                "identifier": "deploy",
                "user": "web",
                "private_key": values["ssh_key"],
            }
        },
        {"scoped.secrets.secret_ssh": {**API, "identifier": "door", "user": "web", "password": values["text"]}},
    ]
    return [{"scoped.secrets.scope": {"org": "payments"}}, {"scoped.secrets.scope": API}, *text, *files]


def debug(name: str, message: Any, **more: Any) -> Task:
    return {"name": name, "ansible.builtin.debug": {"msg": message}, **more}


def shown(names: Sequence[str] = NAMES) -> list[Task]:
    """Return tasks that show all of it, in all disguises those of the names."""
    disguises = {disguise: f"{{{{ {expression} }}}}" for disguise, expression in DISGUISES.items()}
    disguised = [debug(name, disguises, vars={"value": f"{{{{ {read(name)} }}}}"}) for name in names]
    value = f"{{{{ {read('changed')} }}}}"
    return [
        *disguised,
        debug("as base64", "{{ " + read("file", ", encoding='base64'") + " }}"),
        debug("fields", f"{{{{ {read('fields')} }}}}"),
        debug("a field", f"{{{{ {read('fields#password')} }}}}"),
        debug("a field of JSON", f"{{{{ ({read('fields')} | from_json).password }}}}"),
        debug("a credential", f"{{{{ {read('deploy')} }}}}"),
        debug("a password", f"{{{{ {read('door')}.password }}}}"),
        debug("resolved", "{{ template | scoped.secrets.resolve(**scope) }}"),
        debug("a loop", "{{ item }}", loop=[value, value]),
        debug("labels", "x", loop=[value], loop_control={"label": "{{ item | b64encode }}"}),
        {"name": "a fact", "ansible.builtin.set_fact": {"fact": value}},
        {"name": "a fact shown", "ansible.builtin.debug": {"var": "fact"}},
        {"name": "said", "ansible.builtin.command": {"argv": ["printf", "%s\n", value]}, "register": "said"},
        {"name": "said again", "ansible.builtin.debug": {"var": "said"}},
        {
            "name": "variables keep it",
            "ansible.builtin.assert": {"that": ["fact == canary.changed", "said.stdout == canary.changed"]},
            "when": "not ansible_check_mode",
        },
        {"name": f"named {value}", "ansible.builtin.debug": {"msg": "x"}},
        {"name": "a file", "ansible.builtin.copy": {"content": value, "dest": "meant/out.txt", "mode": "0600"}},
        {"name": "base64 of a file", "ansible.builtin.command": "base64 meant/key.pem"},
        {"name": "statistics", "ansible.builtin.set_stats": {"data": {"said": value}}},
        {"name": "included", "ansible.builtin.include_tasks": "included.yml", "vars": {"included": value}},
        {"name": "hidden", "ansible.builtin.command": {"argv": ["printf", value]}, "no_log": True},
        {"name": "notified", "ansible.builtin.command": {"argv": ["printf", value]}, "notify": f"handle {value}"},
    ]


def failing() -> list[Task]:
    value = f"{{{{ {read('changed')} }}}}"
    tasks: list[Task] = [
        {"ansible.builtin.fail": {"msg": f"it is {value}"}},
        {"ansible.builtin.assert": {"that": "1 == 2", "fail_msg": f"not {value}"}},
        {"ansible.builtin.assert": {"that": f"{read('text')} == 'other'"}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", 'echo "$0" >&2; exit 3', value]}},
        {"ansible.builtin.command": {"argv": [value]}},
        {"ansible.builtin.copy": {"src": value, "dest": "/nowhere/none"}},
        {"ansible.builtin.stat": {"pth": value}},
        {"ansible.builtin.debug": {"msg": f"{{{{ {read('text')} | from_json }}}}"}},
        {"ansible.builtin.debug": {"msg": f"{{{{ {read('text')} | mandatory | int(base={read('text')}) }}}}"}},
        {"ansible.builtin.debug": {"msg": f"{{{{ lookup('ansible.builtin.file', {read('text')}) }}}}"}},
        {"ansible.builtin.debug": {"msg": f"{{{{ {{}}[{read('text')}] }}}}"}},
        {"ansible.builtin.command": {"argv": ["printf", value]}, "failed_when": True},
        {"ansible.builtin.raw": f"echo {value}", "vars": {"ansible_connection": value}},
        {"scoped.secrets.secret_text": {"identifier": "a b", "value": "{{ canary.changed }}"}},
    ]
    return [{"name": f"fails {number}", **task, "ignore_errors": True} for number, task in enumerate(tasks)]


VARIABLES = {"scope": API, "template": 'x <+secrets.getValue("text")> y'}
HANDLERS = [{"name": f"handle {{{{ {read('changed')} }}}}", "ansible.builtin.debug": {"msg": "handled"}}]
COLOURS = {"ANSIBLE_NOCOLOR": "0", "ANSIBLE_FORCE_COLOR": "1"}
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "plain": ([], {}),
    "yaml in colours": (["-v", "--diff"], {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", **COLOURS}),
    "everything": (["-vvvvv", "--diff"], {"ANSIBLE_DEBUG": "1", "ANSIBLE_LOG_VERBOSITY": "5"}),
    "check": (["-vvv", "--diff", "--check"], {}),
    "minimal": (["-vvv"], {"ANSIBLE_STDOUT_CALLBACK": "minimal"}),
    "oneline": (["-vvv"], {"ANSIBLE_STDOUT_CALLBACK": "oneline"}),
    "free": (["-v"], {"ANSIBLE_STRATEGY": "free", "ANSIBLE_FORKS": "1"}),
    "pinned": (["-v"], {"ANSIBLE_STRATEGY": "host_pinned"}),
}
# The others differ from these in callbacks and strategies only.
MARKS = {
    "plain": [pytest.mark.each_core],
    "free": [pytest.mark.inline],
}


@pytest.fixture
def canary(site: Site) -> dict[str, Any]:
    """Values that nobody may see, in a file of the site that may have them."""
    values = canaries()
    meant = site.folder / "meant"
    meant.mkdir()
    (meant / "key.pem").write_text(values["key"])
    (meant / "vars.json").write_text(json.dumps({"canary": values}))
    (site.folder / "included.yml").write_text('[{"ansible.builtin.debug": {"var": "included"}}]')
    return values


def declare(site: Site, canary: dict[str, Any]) -> None:
    """Write one secret of each sort without a run."""
    encoded = base64.b64encode(canary["text"].encode()).decode()
    site.declare(*made({**canary, "encoded": encoded}, str(site.folder / "meant")))


def logs(site: Site) -> dict[str, str]:
    return {
        "ANSIBLE_LOG_PATH": str(site.folder / "ansible.log"),
        "JUNIT_OUTPUT_DIR": str(site.folder / "junit"),
        "ANSIBLE_CALLBACK_TREE_DIR": str(site.folder / "tree"),
        "ANSIBLE_SHOW_CUSTOM_STATS": "1",
    }


def run(site: Site, tasks: list[Task], *arguments: str, **environment: str) -> Run:
    return site.run(
        tasks,
        *arguments,
        variables=VARIABLES,
        environment={**MASK, **logs(site), **environment},
        vars_files=["meant/vars.json"],
        handlers=HANDLERS,
    )


@pytest.mark.parametrize("way", [pytest.param(way, marks=MARKS.get(way, [])) for way in WAYS])
def test_nothing_is_seen_of_what_is_shown(site: Site, canary: dict[str, Any], way: str) -> None:
    arguments, environment = WAYS[way]
    if way == "check":
        declare(site, canary)
    # What is masked in a text is the same in every way; where texts go to is not.
    names = NAMES if way == "plain" else ("changed", "key")
    done = run(site, [*made(), *shown(names), *failing()], *arguments, **environment)
    check_output(site, done, spellings(canary))
    assert done.output.count("********") >= len(names) * len(DISGUISES)
    assert "********" in (site.folder / "ansible.log").read_text()
    assert any("********" in file.read_text() for file in (site.folder / "junit").iterdir())
    if way != "check":
        assert (site.folder / "meant" / "out.txt").read_text() == canary["changed"]
        assert done.result("said again")["said"]["stdout"] == "********"
        assert done.result("said again")["said"]["rc"] == 0
        assert done.result("a fact shown")["fact"] == "********"
        assert "censored" in done.result("hidden")


def test_without_the_callback_it_would_be_seen(site: Site, canary: dict[str, Any]) -> None:
    declare(site, canary)
    # In a run of its own: from ansible-core 2.22 on, what a module is given is hidden anyway.
    plain = run(site, shown()[:1], ANSIBLE_CALLBACKS_ENABLED="record")
    assert canary["text"] in plain.output
    assert canary["text"] in (site.folder / "ansible.log").read_text()


@pytest.mark.each_core
def test_events_of_ansible_runner(site: Site, canary: dict[str, Any]) -> None:
    """What AWX shows: the events, with the data of results, and the output."""
    project = site.folder / "runner" / "project"
    (site.folder / "meant").rename(site.folder / "meant-before")
    project.mkdir(parents=True)
    (site.folder / "meant-before").rename(project / "meant")
    (site.folder / "included.yml").rename(project / "included.yml")
    play = {"hosts": "localhost", "gather_facts": False, "vars": VARIABLES, "vars_files": ["meant/vars.json"]}
    tasks = [*made(), *shown(), *failing()]
    (project / "play.yml").write_text(json.dumps([{**play, "tasks": tasks, "handlers": HANDLERS}]))
    command = [str(site.venv / "bin" / "ansible-runner"), "run", str(project.parent), "-p", "play.yml", "-vvv"]
    environment = site.environment({**MASK, "ANSIBLE_CALLBACK_PLUGINS": ""})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    check_output(site, Run(0, done.stdout + done.stderr), spellings(canary))
    events = [json.loads(file.read_text()) for file in project.parent.glob("artifacts/*/job_events/*.json")]
    said = [event for event in events if event.get("event_data", {}).get("task") == "said again"]
    # ansible-core 2.22 hides what modules were given, by a mark of its own.
    hidden = ("********", "$REDACTED$")
    assert any(event["event_data"].get("res", {}).get("said", {}).get("stdout") in hidden for event in said)
    assert any(mark in event["stdout"] for event in said for mark in hidden)


def test_the_example_of_the_documentation(site: Site) -> None:
    shown = run_documentation(site, {"callback/mask"}, MASK).last["msg"]
    assert shown[0] == "********"
    assert f'"{shown[1]}"' in (ROOT / "plugins" / "callback" / "mask.py").read_text()


BREAKS = """
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.plugins.callback import CallbackBase
del TaskQueueManager.send_callback
class CallbackModule(CallbackBase):
    CALLBACK_NAME = "breaks"
    CALLBACK_NEEDS_ENABLED = True
"""


def test_nothing_runs_where_it_can_not_mask(site: Site, canary: dict[str, Any]) -> None:
    """As in a later ansible-core, whose events go another way."""
    (site.folder / "callbacks").mkdir()
    (site.folder / "callbacks" / "breaks.py").write_text(BREAKS)
    environment = {**MASK, "ANSIBLE_CALLBACK_PLUGINS": str(site.folder / "callbacks")}
    done = site.run([debug("shown", "{{ 'sho' ~ 'wn' }}")], environment=environment, fails=True)
    assert "scoped.secrets.mask can't mask the output of this version of ansible-core" in done.output
    assert "PLAY" not in done.output


@pytest.mark.inline
def test_what_a_connection_logs_in_with(site: Site, canary: dict[str, Any]) -> None:
    declare(site, canary)
    host = {"ansible_connection": "scoped.secrets.ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    scope = {f"scoped_secrets_{name}": value for name, value in API.items()}
    login = {
        "ansible.builtin.raw": "true",
        "vars": {**host, **scope, "ansible_ssh_credential": "door"},
        "ignore_unreachable": True,
    }
    shown = debug("shown", "{{ canary.text }}")
    assert run(site, [{**shown, "name": "before"}, login, shown]).result("shown")["msg"] == "********"


@pytest.mark.inline
def test_what_a_manifest_declares(site: Site, canary: dict[str, Any]) -> None:
    resources = [
        {"secret_text": {"identifier": "a", "value": "{{ canary.text }}"}},
        {"secret_file": {"identifier": "b", "src": "meant/key.pem"}},
    ]
    shown = debug("shown", "{{ [canary.text, canary.key] }}")
    done = run(site, [{"scoped.secrets.manifest": {"resources": resources}}, shown], "-vvv", "--diff")
    check_output(site, done, spellings({"fields": {}, **{name: canary[name] for name in ("text", "key", "url")}}))


@pytest.mark.inline
def test_short_values_are_shown_and_warned_about_once(site: Site, canary: dict[str, Any]) -> None:
    secret = {"identifier": "pin", "value": "123"}
    written: list[Task] = [
        {"scoped.secrets.secret_text": secret},
        {"scoped.secrets.secret_text": {**secret, "value": "456"}},
    ]
    reading = [debug("read", "{{ lookup('scoped.secrets.secret', 'pin') }}")] * 2
    # In runs of their own: from ansible-core 2.22 on, what a module is given is hidden anyway.
    runs = [run(site, written), run(site, reading)]
    assert str(runs[1].last["msg"]) == "456"
    warning = "of fewer than 4 characters. scoped.secrets.mask does not hide it"
    assert [" ".join(done.output.split()).count(warning) for done in runs] == [1, 1]


def test_lines_of_a_large_file(site: Site, canary: dict[str, Any]) -> None:
    lines = [f"{number}-{canary['text']}" for number in range(30_000)]
    (site.folder / "meant" / "large.txt").write_text("\n".join(lines))
    tasks: list[Task] = [
        {"scoped.secrets.secret_file": {"identifier": "large", "src": "meant/large.txt"}},
        debug("read", "{{ lookup('scoped.secrets.secret', 'large').splitlines()[29000:29010] }}"),
    ]
    assert run(site, tasks).last["msg"] == ["********"] * 10


DECLARED: list[Task] = [
    {
        "scoped.secrets.connector_custom": {
            **API,
            "identifier": "program",
            "command": ["cat"],
            "credential": "{{ canary.password }}",
            "check": False,
        }
    },
    {"scoped.secrets.secret_ssh": {**API, "identifier": "door", "user": "web-user", "password": "{{ canary.text }}"}},
    {"scoped.secrets.store_backup": {"dest": "store.backup", "recovery_passphrase": "{{ canary.changed }}"}},
    {"scoped.secrets.secret_text": {**API, "identifier": "made", "generate": {"length": 30}}},
    {"scoped.secrets.scope_info": {"store": "{{ canary.url }}"}, "ignore_errors": True},
]


@pytest.mark.inline
def test_what_modules_are_given(site: Site, canary: dict[str, Any]) -> None:
    """Of a credential not the user, unless it is read by itself; of what is generated, the value once it is read."""
    password = "canary.url.split('@')[0].split(':')[-1]"
    shown = [
        debug("given", f"{{{{ [canary.password, canary.text, canary.changed, {password}] }}}}"),
        debug("user", "web-user"),
        debug("made", f"{{{{ {read('made')} }}}}"),
        debug("a field", f"{{{{ {read('door#user')} }}}}"),
    ]
    done = run(site, [*made()[:2], *DECLARED, *shown])
    assert done.result("given")["msg"] == ["********"] * 4
    assert done.result("user")["msg"] == "web-user"
    assert [done.result(name)["msg"] for name in ("made", "a field")] == ["********"] * 2


def test_caches_of_facts_have_values(site: Site, canary: dict[str, Any]) -> None:
    declare(site, canary)
    fact = {"fact": f"{{{{ {read('text')} }}}}", "cacheable": True}
    folder = site.folder / "meant" / "cache"
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder)}
    done = run(site, [{"name": "fact", "ansible.builtin.set_fact": fact}], "-v", **cache)
    assert canary["text"] not in done.output
    # Newer cores put the number of a format before the host's name.
    (file,) = folder.glob("*localhost")
    assert canary["text"] in file.read_text()


@pytest.mark.inline
@pytest.mark.parametrize("loads", ["1", "0"])
@pytest.mark.parametrize("program", ["ansible", "ansible-console"])
def test_ad_hoc_commands_if_they_load_callbacks(site: Site, canary: dict[str, Any], program: str, loads: str) -> None:
    declare(site, canary)
    message = "msg={{lookup('scoped.secrets.secret','text',org='payments',project='api')}}"
    arguments = ["-m", "ansible.builtin.debug", "-a", message] if program == "ansible" else []
    command = [str(site.venv / "bin" / program), "localhost", *arguments]
    environment = site.environment({**MASK, "ANSIBLE_LOAD_CALLBACK_PLUGINS": loads})
    given = f"debug {message}\nexit\n"
    done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=True)
    assert ("********" if loads == "1" else canary["text"]) in done.stdout
    assert (canary["text"] if loads == "1" else "********") not in done.stdout


@pytest.mark.inline
def test_only_what_a_run_read_is_hidden(site: Site, canary: dict[str, Any]) -> None:
    """Only from the time when it reads it, and not what a template computes of it."""
    declare(site, canary)
    reading = debug("read", f"{{{{ {read('text')} | length }}}}")
    computed = "{{ [canary.text | upper, canary.text | reverse, canary.text[4:], canary.text | hash('sha256')] }}"
    tasks = [debug("before", "{{ canary.text }}"), reading, debug("after", "{{ canary.text }}"), debug("new", computed)]
    done = run(site, tasks)
    assert done.result("before")["msg"] == canary["text"]
    assert done.result("after")["msg"] == "********"
    assert "********" not in done.result("new")["msg"]
