# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A path stays where the template of a lookup plugin's term puts it."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.lookup.lookup import Lookup
from ansible_collections.scoped.secrets.plugins.module_utils.managers.lookup.terms import (
    BadPath,
    BadTemplate,
    check_template,
    term_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

FILE, ENV, PIPE, LINES, URL = (f"ansible.builtin.{name}" for name in ("file", "env", "pipe", "lines", "url"))
OTHER = "some.collection.plugin"
ALL = (FILE, ENV, PIPE, LINES, OTHER)

# Paths that no plugin gets, as soon as a template narrows them.
OUTSIDE = [
    "",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    ".",
    "..",
    "../private.txt",
    "a/../../private.txt",
    "a/..",
    "a/./b",
    "./a",
    "a//b",
    "a/",
    "a\n/etc/passwd",
    "a\0b",
    "a\x1b[2Jb",
    "a\x7f",
    "a\u2028b",
    "a\u202eb",
    "a\x85b",
]


@pytest.mark.parametrize("plugin", ALL)
@pytest.mark.parametrize("path", OUTSIDE, ids=map(ascii, OUTSIDE))
def test_what_leads_out_of_a_template_is_refused(plugin: str, path: str) -> None:
    with pytest.raises(BadPath):
        term_of("/pub/{path}", path, plugin)


@pytest.mark.parametrize("plugin", [*ALL, URL])
@pytest.mark.parametrize("path", [*OUTSIDE, "; id", "x file=/etc/passwd"])
def test_without_a_template_the_path_is_the_term(plugin: str, path: str) -> None:
    assert term_of("{path}", path, plugin) == path


@pytest.mark.parametrize(
    ("plugin", "template", "path", "term"),
    [
        (FILE, "/pub/{path}", "a/b c.txt", "/pub/a/b c.txt"),
        (FILE, "/pub/{path}.txt", "..a", "/pub/..a.txt"),
        (FILE, "/pub/{path}", "a=b; c", "/pub/a=b; c"),
        (ENV, "APP_{path}", "TOKEN", "APP_TOKEN"),
        (OTHER, "in/{path}", "production database", "in/production database"),
        (OTHER, "in/{path}", "a=b", "in/a=b"),
        (OTHER, "in/{path}/{path}", "p {path}", "in/p {path}/p {path}"),
        (OTHER, "secret={path} url=https://vault", "a/b", "secret=a/b url=https://vault"),
        (PIPE, "cat /pub/{path}", "a", "cat /pub/a"),
        (PIPE, "cat /pub/{path}", "; id", "cat /pub/'; id'"),
        (PIPE, "cat /pub/{path}", "it's", """cat /pub/'it'"'"'s'"""),
        (LINES, "grep ^{path}: /pub/users", "$(id)", "grep ^'$(id)': /pub/users"),
        (URL, "https://pub.example.com/{path}", "a/b c?d#e&f%2e", "https://pub.example.com/a/b%20c%3Fd%23e%26f%252e"),
        (URL, "https://pub.example.com/get?name={path}", "a&admin=1", "https://pub.example.com/get?name=a%26admin%3D1"),
    ],
)
def test_what_a_path_becomes(plugin: str, template: str, path: str, term: str) -> None:
    assert term_of(template, path, plugin) == term


@pytest.mark.parametrize(
    ("plugin", "template", "path"),
    [
        (PIPE, "cat {path}", "-rf"),
        (LINES, "cat {path}", "--help"),
        (FILE, "/pub/{path}", "$HOME"),
        (FILE, "{path}.txt", "~/x"),
        (FILE, "/pub/{path}", "a/${HOME}"),
        ("ansible.builtin.unvault", "/pub/{path}", "$HOME"),
        ("ansible.builtin.csvfile", "{path} file=/pub/users.csv delimiter=,", "x file=/private.csv"),
        ("ansible.builtin.csvfile", "{path} file=/pub/users.csv", "file=/private.csv"),
        ("ansible.builtin.ini", "{path} section=pub file=/pub/x.ini", "'x"),
        ("ansible.builtin.ini", "{path} section=pub file=/pub/x.ini", "a b"),
        ("ansible.builtin.password", "/pub/{path}", "x length=1"),
        (OTHER, "secret/{path}", "x url=https://evil.example.com"),
        (OTHER, "secret/{path}", "x token = y"),
        (OTHER, "{path} user", "other user"),
    ],
)
def test_a_path_adds_no_option(plugin: str, template: str, path: str) -> None:
    with pytest.raises(BadPath):
        term_of(template, path, plugin)


SHELL_TEMPLATES = [
    "cat /pub/{path}",
    "{path}/x",
    "echo 'a' \"b\" {path}",
    "x=\\'{path} y",
    "a $(b {path})",
    "a # {path}",
]
QUOTED = [
    "cat '/pub/{path}'",
    'cat "/pub/{path}"',
    'sh -c "cat {path}"',
    "echo 'a {path}",
    'echo "a {path}',
    'echo "\\"{path}"',
    "echo \\{path}",
    "echo `cat {path}`",
    'echo "$(cat {path})"',
    "echo $'it\\'s {path}'",
    "cat <<EOF {path}",
    "cat\n{path}",
    "echo $(( {path} ))",
    "cat {path} '{path}'",
]


@pytest.mark.parametrize("plugin", [PIPE, LINES, "ansible.legacy.pipe"])
def test_a_command_must_not_quote_the_path(plugin: str) -> None:
    for template in SHELL_TEMPLATES:
        check_template(template, plugin)
    for template in QUOTED:
        with pytest.raises(BadTemplate):
            check_template(template, plugin)
        check_template(template, OTHER)


@pytest.mark.parametrize(
    "path", ["; id", "$(id)", "`id`", "a b", "*", "it's", '"', "\\", "& id", "| id", "~", "#", "{a,b}"]
)
@pytest.mark.parametrize("template", ["printf %s {path}", 'x={path}; printf %s "$x"', "echo $(:) {path} | tr -d '\\n'"])
def test_a_shell_takes_any_path_as_it_is(template: str, path: str) -> None:
    command = term_of(template.replace("echo", "printf %s"), path, PIPE)
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == path


@pytest.mark.parametrize(
    "template",
    ["https://{path}", "https://example{path}", "https://{path}.example.com/x", "{path}/x", "//example/{path}"],
)
def test_an_address_must_name_its_server(template: str) -> None:
    with pytest.raises(BadTemplate):
        check_template(template, URL)


@pytest.mark.parametrize(("plugin", "template"), [(PIPE, "cat '{path}'"), (URL, "https://{path}/x")])
def test_a_bad_template_is_refused_when_it_is_declared_and_when_it_is_used(plugin: str, template: str) -> None:
    options = {"plugin": plugin, "term_template": template}
    manager = Lookup({**options, "auth_method": "none"}, ConnectorContext("connector 'l'"))
    for call in (lambda: Lookup.validate(options), lambda: manager.read("a")):
        with pytest.raises(ScopedSecretsError) as caught:
            call()
        assert (caught.value.code, "'term_template'" in caught.value.message) == ("invalid_option", True)


def test_a_refused_path_is_a_name_that_is_not_allowed() -> None:
    options = {"plugin": FILE, "term_template": "/pub/{path}", "auth_method": "none"}
    with pytest.raises(ScopedSecretsError) as caught:
        Lookup(options, ConnectorContext("connector 'l'")).read("../private.txt")
    assert (caught.value.code, "'../private.txt'" in caught.value.message) == ("name_not_allowed", True)
    assert "none of them empty, '.' or '..'" in caught.value.hint
