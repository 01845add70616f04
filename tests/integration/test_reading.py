# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates get: the lookup with all its options, and the filter."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from site_of_runs import Site, Task

pytestmark = pytest.mark.each_core

BYTES = bytes(range(256))
IN = "org='payments', project='api'"
OMITTED = ", ".join(
    f"{name}=omit" for name in ("version", "key", "encoding", "on_missing", "org", "project", "cache_ttl")
)
MADE: list[Task] = [
    {"scoped.secrets.scope": {"org": "payments"}},
    {"scoped.secrets.scope": {"org": "payments", "project": "api"}},
    {"scoped.secrets.secret_text": {"identifier": "a", "value": "of the account"}},
    {"scoped.secrets.secret_text": {"org": "payments", "identifier": "a", "value": "of the organization"}},
    {"scoped.secrets.secret_text": {"org": "payments", "project": "api", "identifier": "a", "value": "first"}},
    {"scoped.secrets.secret_text": {"org": "payments", "project": "api", "identifier": "a", "value": "second"}},
    {"scoped.secrets.secret_text": {"identifier": "json", "value": {"user": "u", "deep": {"a/b": [1, "two"]}}}},
    {"scoped.secrets.secret_text": {"identifier": "template", "value": "{% raw %}{{ 1 + 1 }}{% endraw %} <+x>"}},
    {"scoped.secrets.secret_text": {"identifier": "expression", "value": '<+secrets.getValue("a")>'}},
    {"scoped.secrets.secret_text": {"identifier": "empty", "value": ""}},
    {"scoped.secrets.secret_text": {"identifier": "umlaut", "value": "Grüße\n\nzwei Zeilen\n"}},
    {"scoped.secrets.secret_text": {"identifier": "old", "value": "x", "expires": "2020-01-01"}},
    {"scoped.secrets.secret_file": {"identifier": "bytes", "content_b64": base64.b64encode(BYTES).decode()}},
]


def evaluate(site: Site, expressions: Mapping[str, str], **play: Any) -> dict[str, Any]:
    """Return what each expression gives, as it comes out of a rendered file."""
    template = json.dumps({name: f"@{name}@" for name in expressions})
    for name, expression in expressions.items():
        template = template.replace(f'"@{name}@"', f"{{{{ ({expression}) | to_json }}}}")
    (site.folder / "out.j2").write_text(template)
    out = site.folder / "out.json"
    site.run([{"ansible.builtin.template": {"src": "out.j2", "dest": str(out), "mode": "0600"}}], **play)
    return dict(json.loads(out.read_text()))


@pytest.fixture
def made(site: Site) -> Site:
    site.declare(*MADE)
    return site


@pytest.mark.inline
def test_every_option_of_the_lookup(site: Site) -> None:
    # By a run: what YAML and templates make of values belongs to it.
    site.run(MADE)
    wanted: dict[str, tuple[str, Any]] = {
        "own scope": (f"lookup('scoped.secrets.secret', 'a', {IN})", "second"),
        "organization": (f"lookup('scoped.secrets.secret', 'org.a', {IN})", "of the organization"),
        "account": (f"lookup('scoped.secrets.secret', 'account.a', {IN})", "of the account"),
        "account itself": ("lookup('scoped.secrets.secret', 'a')", "of the account"),
        "old version": (f"lookup('scoped.secrets.secret', 'a@1', {IN})", "first"),
        "version option": (f"lookup('scoped.secrets.secret', 'a', version=1, {IN})", "first"),
        "key": ("lookup('scoped.secrets.secret', 'json#user')", "u"),
        "pointer": ("lookup('scoped.secrets.secret', 'json#/deep/a~1b/1')", "two"),
        "key option": ("lookup('scoped.secrets.secret', 'json', key='user')", "u"),
        "whole value of JSON": (
            "lookup('scoped.secrets.secret', 'json') | from_json",
            {"user": "u", "deep": {"a/b": [1, "two"]}},
        ),
        "base64": ("lookup('scoped.secrets.secret', 'bytes', encoding='base64')", base64.b64encode(BYTES).decode()),
        "never a template": ("lookup('scoped.secrets.secret', 'template')", "{{ 1 + 1 }} <+x>"),
        "empty": ("lookup('scoped.secrets.secret', 'empty')", ""),
        "line ends": ("lookup('scoped.secrets.secret', 'umlaut')", "Grüße\n\nzwei Zeilen\n"),
        "many": ("query('scoped.secrets.secret', 'a', 'json#user')", ["of the account", "u"]),
        "a list": ("query('scoped.secrets.secret', ['a', 'empty'])", ["of the account", ""]),
        "none": ("query('scoped.secrets.secret')", []),
        "default": ("lookup('scoped.secrets.secret', 'b', default='else')", "else"),
        "default of another scope": ("lookup('scoped.secrets.secret', 'b', org='x', default='else')", "else"),
        "skip": ("query('scoped.secrets.secret', 'b', 'a', on_missing='skip')", ["of the account"]),
        "warn": ("query('scoped.secrets.secret', 'b', on_missing='warn')", []),
        "skip denied": ("query('scoped.secrets.secret', 'old', on_denied='skip')", []),
        "omit": (f"lookup('scoped.secrets.secret', 'a', {OMITTED})", "of the account"),
        "cache_ttl": ("lookup('scoped.secrets.secret', 'a', cache_ttl=0)", "of the account"),
    }
    found = evaluate(site, {name: expression for name, (expression, _value) in wanted.items()})
    assert found == {name: value for name, (_expression, value) in wanted.items()}


def test_a_default_that_omits_leaves_the_parameter_out(made: Site) -> None:
    missing = "{{ lookup('scoped.secrets.secret', 'b', default=omit) }}"
    task: Task = {
        "name": "made",
        "scoped.secrets.secret_text": {"identifier": "c", "value": "v", "description": missing},
    }
    assert made.run([task]).result("made")["secret"]["description"] == ""


def test_the_scope_of_a_lookup_by_variable_and_environment(made: Site) -> None:
    expression = {"value": "lookup('scoped.secrets.secret', 'a')"}
    scope = {"scoped_secrets_org": "{{ 'pay' ~ 'ments' }}", "scoped_secrets_project": "api"}
    assert evaluate(made, expression, variables=scope) == {"value": "second"}
    environment = {"SCOPED_SECRETS_ORG": "payments"}
    assert evaluate(made, expression, environment=environment) == {"value": "of the organization"}
    nowhere = {"value": "lookup('scoped.secrets.secret', 'a', org='', project='')"}
    assert evaluate(made, nowhere, variables=scope) == {"value": "of the account"}


@pytest.mark.inline
def test_the_filter(made: Site) -> None:
    def of(text: str) -> str:
        return f'<+secrets.getValue("{text}")>'

    data = {"one": f"x {of('a')} y {of('account.json#user')}", "list": [of("org.a"), 7, None], "plain": "nothing here"}
    found = evaluate(
        made,
        {
            "data": "data | scoped.secrets.resolve(org='payments', project='')",
            "by variable": f"'{of('a')}' | scoped.secrets.resolve",
            "not twice": f"'{of('account.expression')}' | scoped.secrets.resolve",
            "single quotes": "\"<+secrets.getValue('account.a')>\" | scoped.secrets.resolve",
        },
        variables={
            "data": data,
            "scoped_secrets_org": "payments",
            "scoped_secrets_project": "api",
        },
    )
    assert found == {
        "data": {
            "one": "x of the organization y u",
            "list": ["of the organization", 7, None],
            "plain": "nothing here",
        },
        "by variable": "second",
        "not twice": of("a"),
        "single quotes": "of the account",
    }


@pytest.mark.inline
@pytest.mark.parametrize(
    ("text", "code"),
    [('<+secrets.getValue("zzz")>', "unknown_secret"), ('<+secrets.getValue("a>', "invalid_expression")],
)
def test_the_filter_refuses(made: Site, text: str, code: str) -> None:
    task = {"ansible.builtin.debug": {"msg": "{{ text | scoped.secrets.resolve }}"}}
    run = made.run([task], variables={"text": text}, fails=True)
    assert f"[{code}]" in run.last["msg"]


def test_bytes_are_no_text(made: Site) -> None:
    task = {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'bytes') }}"}}
    assert "[not_text]" in made.run([task], fails=True).last["msg"]


def test_a_rendered_file_changes_only_with_its_secret(made: Site) -> None:
    (made.folder / "app.ini.j2").write_text(f"password = {{{{ lookup('scoped.secrets.secret', 'a', {IN}) }}}}\n")
    target = made.folder / "app.ini"
    render = [{"ansible.builtin.template": {"src": "app.ini.j2", "dest": str(target), "mode": "0600"}}]
    assert made.run(render).last["changed"]
    assert target.read_text() == "password = second\n"
    assert not made.run(render).last["changed"]
    made.declare(
        {"scoped.secrets.secret_text": {"org": "payments", "project": "api", "identifier": "a", "value": "3rd"}}
    )
    assert made.run(render).last["changed"]
    assert target.read_text() == "password = 3rd\n"
