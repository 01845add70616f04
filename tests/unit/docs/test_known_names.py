# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing names a module, plugin or role that does not exist: no message, hint, page, example or documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
KINDS = ("modules", "lookup", "filter", "connection", "callback", "doc_fragments")
PLUGINS = {path.stem for kind in KINDS for path in (ROOT / "plugins" / kind).glob("[a-z]*")}
ROLES = {path.name for path in (ROOT / "roles").iterdir()}
GROUPS = set(yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"])
NAMES = PLUGINS | ROLES | GROUPS
FOLDERS = ("plugins", "roles", "docs", "examples", "extensions", "meta", "changelogs")
TEXTS = [
    path
    for folder in FOLDERS
    for suffix in ("py", "yml", "yaml", "md", "j2", "rst")
    for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
] + sorted(ROOT.glob("*.md"))

# The name of a thing, but not of a Python module. Before a replacement field or a wildcard stands only a part of it.
_NAME = re.compile(r"(?<!ansible_collections\.)\bscoped\.secrets\.([a-z][a-z0-9_]*)(?P<more>[{*…]?)")


def unknown(text: str) -> Iterator[str]:
    for match in _NAME.finditer(text):
        name = match[1]
        if not (any(known.startswith(name) for known in NAMES) if match["more"] else name in NAMES):
            yield name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Use scoped.secrets.secret_text, the filter scoped.secrets.resolve or the role scoped.secrets.setup.", []),
        ("Move it with scoped.secrets.secret_migration.", ["secret_migration"]),
        ("scoped.secrets.secret_{kind}, scoped.secrets.connector_*, scoped.secrets.lease_{kind}", ["lease_"]),
        ("ansible_collections.scoped.secrets.plugins.module_utils, scoped.secrets.MODULE, scoped.secrets", []),
        ("module_defaults: group/scoped.secrets.all, - scoped.secrets.common.state", []),
    ],
)
def test_what_counts_as_a_name(text: str, names: list[str]) -> None:
    assert list(unknown(text)) == names


def test_every_name_is_that_of_something() -> None:
    assert len(TEXTS) > 300
    places = [f"{path.relative_to(ROOT)}: {name}" for path in TEXTS for name in unknown(path.read_text())]
    assert places == []
