# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup: values in order, policies for what is missing or denied."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins import loader
from ansible.template import Templar
from ansible_collections.scoped.secrets.plugins.lookup.secret import LookupModule
from ansible_collections.scoped.secrets.plugins.module_utils.client.connect import connect
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import resolve_options, settings_of
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A store with a document in two versions, a file, and an expired secret."""
    monkeypatch.setenv("SCOPED_SECRETS_BROKER", "off")
    key = base64.b64encode(os.urandom(32)).decode()
    options = {"store": f"sqlite:///{tmp_path}/s/store.db", "root_key": key, "org": "", "project": ""}
    client = connect(settings_of(resolve_options(options)))
    for secret in (
        {"identifier": "doc", "value": b'{"user": "one"}'},
        {"identifier": "doc", "value": b'{"user": "two"}'},
        {"identifier": "old", "value": b"v", "expires": "2020-01-01"},
        {"identifier": "bytes", "value": b"\xff"},
        {"identifier": "list", "value": b'["zero", "one"]'},
    ):
        client.handle(Request("secret_text", secret))
    return options


def look_up(options: dict[str, str], *terms: Any, **given: Any) -> list[Any]:
    lookup = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables={}))
    found: list[Any] = lookup.run(list(terms), {}, **options, **given)
    return found


OMIT = "__omit_place_holder__1f"


@pytest.mark.parametrize(
    ("terms", "given", "expected"),
    [
        (["doc"], {}, ['{"user": "two"}']),
        (["doc#user", "doc@1#user"], {}, ["two", "one"]),
        ([["doc#user"], "doc@1#user"], {}, ["two", "one"]),
        (["doc"], {"key": "user", "version": 1}, ["one"]),
        (["list"], {"key": 0}, ["zero"]),
        (["list"], {"key": "0"}, ["zero"]),
        (["list"], {"key": 1, "version": "1"}, ["one"]),
        (["list#0"], {}, ["zero"]),
        (["list"], {"key": None, "version": None, "encoding": None, "on_missing": None}, ['["zero", "one"]']),
        (["doc#user"], {"preload": None, "cache_ttl": None}, ["two"]),
        (
            ["doc#user"],
            dict.fromkeys(("key", "version", "preload", "cache_ttl", "on_missing"), OMIT),
            ["two"],
        ),
        (["none"], {"default": OMIT}, [OMIT]),
        (["bytes"], {"encoding": "base64"}, ["/w=="]),
        (["doc#user"], {"cache_ttl": 0}, ["two"]),
        ([], {}, []),
        ([], {"preload": True}, []),
        (["doc#user"], {"preload": "yes"}, ["two"]),
        (["none", "doc#user"], {"default": None}, [None, "two"]),
        (["doc#none", "doc@9"], {"default": "d"}, ["d", "d"]),
        (["none", "doc#user"], {"on_missing": "skip"}, ["two"]),
        (["none", "doc#user"], {"on_missing": "warn"}, ["two"]),
        (["old", "doc#user"], {"on_denied": "skip"}, ["two"]),
        (["old", "none"], {"on_denied": "warn", "on_missing": "skip"}, []),
    ],
)
def test_values_in_order(options: dict[str, str], terms: list[Any], given: dict[str, Any], expected: list[Any]) -> None:
    assert look_up(options, *terms, **given) == expected


@pytest.mark.parametrize(
    ("terms", "given", "code"),
    [
        (["none"], {}, "unknown_secret"),
        (["none"], {"on_missing": "error"}, "unknown_secret"),
        (["none"], {"on_denied": "skip"}, "unknown_secret"),
        (["old"], {}, "secret_expired"),
        (["old"], {"on_missing": "skip", "default": "d"}, "secret_expired"),
        (["org.doc"], {"default": "d"}, "reference_downward"),
        (["a b"], {"on_missing": "skip", "on_denied": "skip", "default": "d"}, "invalid_identifier"),
        ([None], {"default": "d"}, "invalid_reference"),
        ([["doc", None]], {"on_missing": "skip"}, "invalid_reference"),
        ([True], {"default": "d"}, "invalid_reference"),
        ([{"doc": 1}], {"default": "d"}, "invalid_reference"),
        ([""], {"default": "d"}, "invalid_reference"),
        (["__omit_place_holder__1f"], {"default": "d"}, "invalid_reference"),
        (["doc"], {"version": 0, "default": "d"}, "invalid_version"),
        (["doc"], {"version": "0"}, "invalid_version"),
        (["doc"], {"version": "", "default": "d"}, "invalid_option"),
        (["doc"], {"version": 1.0}, "invalid_option"),
        (["doc"], {"version": False}, "invalid_option"),
        (["doc"], {"key": "", "default": "d"}, "invalid_option"),
        (["doc"], {"key": False, "default": "d"}, "invalid_option"),
        (["doc"], {"key": 1.10, "default": "d"}, "invalid_option"),
        (["doc"], {"key": ["user"], "default": "d"}, "invalid_option"),
        (["bytes"], {"on_missing": "skip"}, "not_text"),
        (["doc"], {"verzion": 1}, "unknown_option"),
        (["doc"], {"encoding": "hex"}, "invalid_option"),
        (["doc"], {"on_missing": "ignore"}, "invalid_option"),
        (["doc"], {"cache_ttl": "soon"}, "invalid_option"),
        (["doc"], {"cache_ttl": -1}, "invalid_option"),
        (["doc"], {"preload": "maybe"}, "invalid_option"),
    ],
)
def test_errors_with_their_codes(options: dict[str, str], terms: list[str], given: dict[str, Any], code: str) -> None:
    with pytest.raises(AnsibleLookupError, match=rf"\[{code}\]"):
        look_up(options, *terms, **given)


def test_a_call_parses_no_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_given: object) -> None:
        pytest.fail("ansible-core looks for options")

    monkeypatch.setattr(loader, "AnsibleLoader", parse)
    module = sys.modules[LookupModule.__module__]
    loader.lookup_loader._load_config_defs(LookupModule.__module__, module, str(module.__file__))
