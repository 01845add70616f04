# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Odd values, shown in every way that docs/masking.md lists, are seen in nothing that a run writes."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from canaries import check_output
from site_of_runs import Run, Site, Task

MASK = {"ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.mask,junit,tree"}


class Canary:
    """Odd values that are made of words nobody may see."""

    def __init__(self) -> None:
        self.words: list[str] = []
        word, digits = self._word, self._digits
        self.texts = {
            "quotes": f"'{word()}' \"{word()}\" '''{word()}",
            "one_quote": f"{word()}'{word()}",
            "shell": f"{word()} $({word()}) `{word()}` \\{word()}; #{word()}!",
            "html": f"<b>{word()}</b> & \"{word()}\" &amp; '{word()}'",
            "long": " ".join(word() for _count in range(30)),
            "long_and_odd": " ".join(f"{word()}: '{word()}'" for _count in range(15)),
            "lines": "\n".join(f'  {word()}: "{word()}"' for _count in range(5)),
            "emoji": f"\U0001f600{word()}\U0001f601 {word()}\n\U0001f602{word()}",
            "long_emoji": " ".join(f"\U0001f600{word()}\u00fc" for _count in range(12)) + "\n",
            "umlauts": f"\u00e4{word()}\u00f6\u00df {word()}\u20ac",
            "regular": f"^{word()}.*[{word()}]+(?:{word()})$",
            "path": f"/{word()}/{word()}?{word()}={word()}%20&+{word()}",
        }
        self.numbers = {
            "pin": digits(),
            "padded": f"00{digits()}",
            "amount": f"{digits()}.25",
            "lines_of_numbers": f"{digits()}\n{digits()}",
        }
        fields = {"pin": int(digits()), "rates": [float(f"{digits()}.5"), {"deep": int(digits())}], "name": word()}
        self.fields = json.dumps(fields)

    def _word(self) -> str:
        # No hexadecimal digits: they are everywhere.
        word = "".join(secrets.choice("ghijklmopqrsvwyz") for _count in range(10))
        self.words.append(word)
        return word

    def _digits(self) -> str:
        digits = str(1_000_000_000 + secrets.randbelow(8_000_000_000))
        self.words.append(digits)
        return digits

    @property
    def values(self) -> dict[str, str]:
        return {**self.texts, **self.numbers, "fields": self.fields}

    @property
    def wanted(self) -> set[bytes]:
        """Return the words, also as they are within base64."""
        found = {word.encode() for word in self.words}
        for word in self.words:
            for offset in range(3):
                found.add(base64.b64encode(bytes(offset) + word.encode())[4:12])
        return found


TEXTS = {
    "plain": "value",
    "HTML": "value | e",
    "HTML twice": "value | e | forceescape",
    "regular expression": "value | regex_escape",
    "POSIX regular expression": "value | regex_escape('posix_basic')",
    "quoted": "value | quote",
    "quoted twice": "value | quote | quote",
    "quoted three times": "value | quote | quote | quote",
    "base64": "value | b64encode",
    "base64 within a text": "('user:' ~ value) | b64encode",
    "base64 in a URL": "value | b64encode | urlencode",
    "URL": "value | urlencode",
    "URL twice": "value | urlencode | urlencode",
    "JSON": "[value] | to_json",
    "JSON twice": "value | to_json | to_json",
    "JSON three times": "value | to_json | to_json | to_json",
    "JSON for HTML": "value | tojson",
    "JSON in HTML": "value | to_json | e",
    "JSON in a URL": "value | to_json | urlencode",
    "YAML": "{'a': value} | to_yaml",
    "nice YAML": "{'a': {'b': [value]}} | to_nice_yaml",
    "narrow YAML": "{'a': {'b': [value]}} | to_nice_yaml(width=30, indent=8)",
    "nice YAML in JSON": "{'a': value} | to_nice_yaml | to_json",
    "Python": "[value] | string",
    "indented": "value | indent(6)",
    "lines": "value.splitlines()",
}
NUMBERS = {
    "int": "value.split() | map('int') | list",
    "float": "value.split() | map('float') | list",
    "number in a text": "'it is ' ~ (value.split() | first | float) ~ '.'",
    "JSON": "value.split() | map('int') | list | to_json",
    "key": "{(value.split() | first | int): 'x'}",
}
FIELDS = {
    "from_json": "value | from_json",
    "one": "(value | from_json).pin",
    "keys": "dict((value | from_json).items() | map('reverse') | map('map', 'string'))",
    "YAML": "value | from_json | to_nice_yaml",
    "pairs": "value | from_json | dict2items",
}


def showing(canary: Canary) -> list[Task]:
    """Return tasks that show all values in all ways."""
    ways = {**dict.fromkeys(canary.texts, TEXTS), **dict.fromkeys(canary.numbers, NUMBERS), "fields": FIELDS}
    lookups = {name: f"{{{{ lookup('scoped.secrets.secret', '{name}') }}}}" for name in ways}
    disguised: list[Task] = [
        {
            "name": f"shown {name}",
            "ansible.builtin.debug": {"msg": {way: f"{{{{ {how} }}}}" for way, how in ways[name].items()}},
            "vars": {"value": lookups[name]},
        }
        for name in ways
    ]
    environment = {f"V_{name}": value for name, value in lookups.items()}
    say = 'printf \'%s %s\' "$V_pin" "$V_quotes" "$V_shell"'
    return [
        *disguised,
        {"name": "environment", "ansible.builtin.shell": say, "environment": environment},
        {
            "name": "arguments of a shell",
            "ansible.builtin.shell": "printf %s {{ value | quote | quote }}",
            "vars": {"value": lookups["quotes"]},
        },
        {
            "name": "number in a loop",
            "ansible.builtin.debug": {"msg": "{{ item }}"},
            "loop": "{{ pins }}",
            "vars": {"pins": f"{{{{ [({lookups['pin'][3:-3]} | int)] }}}}"},
        },
    ]


@pytest.fixture
def canary(site: Site) -> Canary:
    canary = Canary()
    site.declare(
        *({"scoped.secrets.secret_text": {"identifier": name, "value": value}} for name, value in canary.values.items())
    )
    return canary


def logs(site: Site) -> dict[str, str]:
    return {
        "ANSIBLE_LOG_PATH": str(site.folder / "ansible.log"),
        "JUNIT_OUTPUT_DIR": str(site.folder / "junit"),
        "ANSIBLE_CALLBACK_TREE_DIR": str(site.folder / "tree"),
    }


@pytest.mark.each_core
def test_no_odd_value_is_seen(site: Site, canary: Canary) -> None:
    """On the terminal, in the log file, in the files of junit and tree, and in what another callback is given."""
    done = site.run(showing(canary), "-vvvvv", environment={**MASK, **logs(site)})
    check_output(site, done, canary.wanted)
    assert all(list((site.folder / name).iterdir()) for name in ("junit", "tree"))
    shown = [task["result"]["msg"] for task in done.tasks if task["task"].startswith("shown ")]
    ways = [text if isinstance(text, str) else json.dumps(text) for one in shown for text in one.values()]
    assert len(ways) == len(canary.texts) * len(TEXTS) + len(canary.numbers) * len(NUMBERS) + len(FIELDS)
    assert [way for way in ways if "********" not in way] == []


@pytest.mark.each_core
def test_no_odd_value_is_seen_in_events_of_ansible_runner(site: Site, canary: Canary) -> None:
    project = site.folder / "runner" / "project"
    project.mkdir(parents=True)
    play = {"hosts": "localhost", "gather_facts": False, "tasks": showing(canary)}
    (project / "play.yml").write_text(json.dumps([play]))
    command = [str(site.venv / "bin" / "ansible-runner"), "run", str(project.parent), "-p", "play.yml", "-vvv"]
    environment = site.environment({**MASK, **logs(site), "ANSIBLE_CALLBACK_PLUGINS": ""})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(project.parent.glob("artifacts/*/job_events/*.json"))
    check_output(site, Run(0, done.stdout + done.stderr), canary.wanted)


def test_without_the_callback_they_would_be_seen(site: Site, canary: Canary) -> None:
    done = site.run(showing(canary), environment=logs(site))
    assert [word for word in canary.words if word not in done.output] == []


@pytest.mark.each_core
def test_what_callbacks_calculate_with_stays(site: Site) -> None:
    """With secrets that are the number of retries, the year, a status, and a number in other results."""
    year = time.strftime("%Y")
    values = {"retries": "4712", "year": year, "word": "changed", "code": "1234"}
    site.declare(
        *({"scoped.secrets.secret_text": {"identifier": name, "value": value}} for name, value in values.items())
    )
    counted = "[ -e {{ playbook_dir }}/twice ] || { touch {{ playbook_dir }}/twice; exit 1; }"
    tasks: list[Task] = [
        {
            "name": "read",
            "ansible.builtin.debug": {"msg": f"{{{{ query('scoped.secrets.secret', *{list(values)}) }}}}"},
        },
        {
            "name": "again",
            "ansible.builtin.shell": counted,
            "register": "one",
            "until": "one.rc == 0",
            "retries": 4711,
            "delay": 0,
        },
        {"name": "in a loop", "ansible.builtin.command": "true", "loop": [1234, 5678]},
        {"name": "number", "ansible.builtin.debug": {"msg": {"start": 1234, "rc": 1234}}},
    ]
    done = site.run(tasks, "-vv", environment={**MASK, **logs(site)})
    # A callback that fails is only warned about.
    assert not re.search("Callback dispatch .* failed|Failure using method", done.output)
    # ansible-core 2.21 counts the next attempt.
    assert re.search(r"\(471[01] retries left\)", done.output)
    looped = done.result("in a loop")
    for result in (done.result("again"), *looped["results"]):
        assert (result["changed"], result["rc"]) == (True, 0)
        assert re.fullmatch(rf"{year}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", result["start"])
        assert re.fullmatch(r"\d+:\d\d:\d\d\.\d+", result["delta"])
    assert done.result("number")["msg"] == {"start": "********", "rc": "********"}
    assert [item["item"] for item in looped["results"]] == ["********", 5678]


READ: Task = {
    "name": "read",
    "ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'a', **given) | length }}"},
    "ignore_errors": True,
}


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def shown_of(site: Site, shown: str, settings: dict[str, str], config: str = "", **variables: Any) -> Any:
    """Return what a run shows that only has lookups and then shows something of its settings."""
    config_file = site.folder / "ansible.cfg"
    config_file.write_text(config)
    environment = {**MASK, "ANSIBLE_CONFIG": str(config_file), **settings}
    show: Task = {"name": "shown", "ansible.builtin.debug": {"msg": f"{{{{ {shown} }}}}"}}
    run = site.run([READ, show], variables={"given": {}, **variables}, environment=environment)
    return run.result("shown")["msg"]


URL = "postgresql://u:canary%2Fof%20a%20url@127.0.0.1:1/x"
PASSWORDS = "['canary%2Fof%20a%20url', 'canary/of a url']"


PASS = "canary of a passphrase"
# By where it is set: what shows it, environment variables, ansible.cfg, variables.
SETTINGS: dict[str, tuple[str, dict[str, str], str, dict[str, Any]]] = {
    "passphrase in the environment": (
        "lookup('env', 'SCOPED_SECRETS_PASSPHRASE')",
        {"SCOPED_SECRETS_PASSPHRASE": PASS},
        "",
        {},
    ),
    "root key in the environment": (
        "lookup('env', 'SCOPED_SECRETS_ROOT_KEY')",
        {"SCOPED_SECRETS_ROOT_KEY": key()},
        "",
        {},
    ),
    "scope key in the environment": (
        "lookup('env', 'SCOPED_SECRETS_SCOPE_KEY')",
        {"SCOPED_SECRETS_SCOPE_KEY": "sssk1canary"},
        "",
        {},
    ),
    "passphrase of the lookup": ("given.passphrase", {}, "", {"given": {"passphrase": PASS}}),
    "root key of the lookup": ("given.root_key", {}, "", {"given": {"root_key": key()}}),
    "scope key of the lookup": ("given.scope_key", {}, "", {"given": {"scope_key": "sssk1canary"}}),
    "URL in the environment": (PASSWORDS, {"SCOPED_SECRETS_STORE": URL}, "", {}),
    "URL in ansible.cfg": (PASSWORDS, {}, f"[scoped_secrets]\nstore = {URL}\n", {}),
    "URL in a variable": (PASSWORDS, {}, "", {"scoped_secrets_store": URL}),
    "URL of the lookup": (PASSWORDS, {}, "", {"given": {"store": URL}}),
}


@pytest.mark.inline
@pytest.mark.parametrize("where", SETTINGS)
def test_the_key_and_the_password_of_a_store_are_hidden_where_only_lookups_run(site: Site, where: str) -> None:
    shown, settings, config, variables = SETTINGS[where]
    assert shown_of(site, shown, settings, config, **variables) in ("********", ["********", "********"])


@pytest.mark.inline
@pytest.mark.parametrize("way", ["default", "environment", "ini", "variable", "scope key"])
def test_the_key_in_a_file_is_hidden_where_only_lookups_run(site: Site, way: str) -> None:
    if not site.key_file.exists():
        site.make_key()
    file = site.key_file if way == "default" else site.key_file.rename(site.folder / "other.key")
    settings = {"environment": "SCOPED_SECRETS_ROOT_KEY_FILE", "scope key": "SCOPED_SECRETS_SCOPE_KEY_FILE"}
    got = shown_of(
        site,
        f"lookup('file', '{file}')",
        {settings[way]: str(file)} if way in settings else {},
        f"[scoped_secrets]\nroot_key_file = {file}\n" if way == "ini" else "",
        **({"scoped_secrets_root_key_file": str(file)} if way == "variable" else {}),
    )
    assert got == "********"


@pytest.mark.inline
def test_a_key_that_the_run_makes_is_hidden(site: Site) -> None:
    file = Path(site.key_file)
    file.unlink(missing_ok=True)
    made: Task = {"scoped.secrets.secret_text": {"identifier": "a", "value": "canary of a text"}}
    show: Task = {"name": "shown", "ansible.builtin.debug": {"msg": f"{{{{ lookup('file', '{file}') }}}}"}}
    if site.shared_store:
        pytest.skip("the key of a shared store is not made by a run")
    assert site.run([made, show], environment=MASK).result("shown")["msg"] == "********"
