# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values are found however templates, programs and shells escape them, also within one another."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from itertools import product
from urllib.parse import quote, quote_plus

import markupsafe
import pytest
import yaml
from ansible_collections.scoped.secrets.plugins.module_utils.masking.escapes import heads_of
from ansible_collections.scoped.secrets.plugins.module_utils.masking.masker import Masker
from ansible_collections.scoped.secrets.plugins.module_utils.model.censored import CENSORED
from hypothesis import given, settings
from hypothesis import strategies as st

Escape = Callable[[str], str]
# Those of YAML: with and without libyaml, which fold in different ways.
DUMPERS = {"": yaml.SafeDumper, " of libyaml": yaml.CSafeDumper}


def _as_yaml(dumper: type, **options: object) -> Escape:
    def escape(text: str) -> str:
        return str(yaml.dump({"0": {"0": [text]}}, Dumper=dumper, **options))  # type: ignore[call-overload]

    return escape


def _folded(style: str | None) -> dict[str, Escape]:
    nice = {"indent": 4, "default_flow_style": False, "allow_unicode": True, "default_style": style}
    return {f"nice YAML {style or ''}{name}": _as_yaml(dumper, **nice) for name, dumper in DUMPERS.items()}


# What none of them changes, and what marks a value in what is left: letters that no escape has.
ESCAPES: dict[str, Escape] = {
    "nothing": str,
    "JSON": json.dumps,
    "JSON with umlauts": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON for HTML": lambda text: re.sub("[<>&']", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text)),
    "Python": repr,
    "Python's bytes": lambda text: repr(text.encode()),
    "URL": quote,
    "URL whole": lambda text: quote(text, safe=""),
    "URL with plus": quote_plus,
    "URL in lower case": lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text)),
    "HTML": html.escape,
    "HTML of Jinja": lambda text: str(markupsafe.escape(text)),
    "regular expression": re.escape,
    "POSIX regular expression": lambda text: re.sub(r"([\].\[^$*\\])", r"\\\1", text),
    "shell": shlex.quote,
    "bash": lambda text: text.replace("'", r"'\''"),
    "double quotes of a shell": lambda text: re.sub(r'(["$`\\])', r"\\\1", text),
    "SQL": lambda text: text.replace("'", "''"),
    "collapsed": lambda text: " ".join(text.split()),
    **{f"YAML{name}": _as_yaml(dumper) for name, dumper in DUMPERS.items()},
    **{name: escape for style in (None, "'", '"', "|", ">") for name, escape in _folded(style).items()},
}
SIMPLE = ("JSON", "URL whole", "HTML of Jinja", "regular expression", "shell")
VALUES = [
    "qwwz",
    "qw'zq",
    "''q'''w'q''",
    'qw"zq',
    "q\\w\\\\z\\nq",
    "q$w{z}|^q",
    "qäüz",
    "äöüq",
    "üüüü",
    "q\U0001f600wz",
    "\U0001f600" * 40 + "z",
    "q w z",
    "q\nw\tz\r\nq",
    "q&amp;lt;w<z>",
    "q%25w%q",
    "qwz " * 60 + "q",
    "qwz's " * 60 + "q",
    "qwz \U0001f600 \"w\" 'z' " * 20 + "q",
    "- q: [w, \"z\"] # 'q' \\",
    "\x1bq\x00w\x07z",
    "q.w.z+w/z=?&w",
    "!\"§$%&/()=?`*+~#'-_.:,;<>|^°q",
]
# What no escape adds: those letters, what is not ASCII, and how that is escaped.
LEFT = re.compile(r"[qwz]|[^\x00-\x7f]|\\+[Uux]|%(25)*[89A-Fa-f][0-9A-Fa-f]|&#\d{3,}")


def assert_hidden(value: str, escape: Escape) -> None:
    masker = Masker()
    masker.add("text", value.encode())
    after = masker.text(escape(value))
    assert CENSORED in after, f"{value!r} is shown as {after!r}"
    assert not LEFT.search(after), f"{value!r} as {escape(value)!r} is shown as {after!r}"


@pytest.mark.parametrize("name", ESCAPES)
def test_an_escaped_value_is_hidden(name: str) -> None:
    for value in VALUES:
        assert_hidden(value, ESCAPES[name])


@pytest.mark.parametrize("names", [*product(SIMPLE, SIMPLE)], ids=" in ".join)
def test_a_value_that_is_escaped_twice_is_hidden(names: tuple[str, str]) -> None:
    first, second = (ESCAPES[name] for name in names)
    for value in VALUES:
        assert_hidden(value, lambda text: second(first(text)))


@pytest.mark.parametrize("levels", [3, 4, 5])
def test_quotes_of_shells_within_shells(levels: int) -> None:
    """As with become over ssh: the environment of a command in a shell's argument, twice, on ssh's command line."""

    def quoted(text: str) -> str:
        for _level in range(levels):
            text = f"sh -c {shlex.quote(text)}"
        return text

    for value in ("q'w z", "q'w'z'", "'qwz", 'q"\'w"z'):
        assert_hidden(value, quoted)
        assert_hidden(value, lambda text: json.dumps(quoted(text)))


@settings(derandomize=True, max_examples=300)
@given(
    st.text("qwz'\"\\ \n&%+ü\U0001f600<.$", min_size=4, max_size=12).filter(
        lambda text: len(" ".join(text.split())) > 3
    ),
    st.sampled_from(sorted(ESCAPES)),
)
def test_any_escaped_value_is_hidden(value: str, name: str) -> None:
    assert_hidden(value.strip(), ESCAPES[name])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("qw'z", "qw\\\\z"),
        ("qw z", "qwz"),
        ("a.b.c.", "a-b-c-"),
        ("qwäz", "qw\\u00e5z"),
        ("qw&z", "qw&amp;lt;z"),
        ("q/wz", "q%2Ewz"),
    ],
)
def test_other_texts_are_shown(value: str, text: str) -> None:
    masker = Masker()
    masker.add("text", value.encode())
    assert masker.text(f" {text} ") == f" {text} "


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (r"\\x12", "\\" * 2000),
        ("\\" * 8 + "x", "\\" * 2000),
        ("'" * 8 + "x", "'" * 2000),
        ("'\\" * 8 + "x", "'\\" * 1000),
        ("+ + + + x", "+" * 2000),
        ("' ' ' ' x", "' " * 1000),
        ("&&&&&&&&x", "&amp;" * 500),
    ],
)
def test_what_resembles_a_value_is_compared_without_end_never(value: str, content: str) -> None:
    """Patterns that try what they took in other ways would take hours."""
    masker = Masker()
    masker.add("text", value.encode())
    assert masker.text(content) == content


@pytest.mark.parametrize("sign", ["'", '"', "\\", "%", "&", "$"])
def test_signs_in_a_row_are_hidden(sign: str) -> None:
    for count in range(1, 17):
        assert_hidden(f"ab{sign * count}Z", json.dumps)
        assert_hidden(f"ab{sign * count}Z", re.escape)


def test_a_word_is_found_by_its_first_bytes_only() -> None:
    assert heads_of("hunter22") == {b"hunt"}
    assert b"abc\\" in heads_of("abc'd")
    assert len(heads_of("- [ ")) < 500
