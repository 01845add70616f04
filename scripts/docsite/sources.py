# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources for Sphinx: the README as the front page, docs/ and the changelog unchanged, and a page for each example.

The links in the pages are written for GitHub. Here, links to examples lead to their pages, and links to other files
lead to GitHub.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import yaml

from .navigation import navigation

__all__ = ["write_sources"]

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {".yml": "yaml+jinja", ".yaml": "yaml+jinja", ".py": "python"}
REFERENCE = ["plugins/index", "plugins/environment_variables", "examples/index", "CHANGELOG"]
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")


def write_sources(into: Path) -> None:
    """Write all pages except those of the plugins."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    examples = [path for path in sorted((ROOT / "examples").rglob("*.*")) if path.suffix in LANGUAGES]
    shown = {*pages, *examples, ROOT / "README.md", ROOT / "CHANGELOG.rst", ROOT / "examples"}
    for page in pages:
        _write(into / page.relative_to(ROOT), _page(page, shown))
    for example in examples:
        _write(into / example.relative_to(ROOT).with_suffix(".md"), _example(example))
    names = [str(example.relative_to(ROOT / "examples").with_suffix("")) for example in examples]
    _write(into / "examples" / "index.md", f"# Examples\n\nPlaybooks that run as they stand.\n\n{_tree('', names)}")
    _write(into / "index.md", _page(ROOT / "README.md", shown) + _front([_name(page) for page in pages]))
    shutil.copy(ROOT / "CHANGELOG.rst", into)
    shutil.copytree(ROOT / "docs", into / "docs", ignore=shutil.ignore_patterns("*.md"), dirs_exist_ok=True)


def _front(pages: list[str]) -> str:
    trees = [_tree(title, [f"docs/{page}" for page in named]) for title, named in navigation(pages).items()]
    return "\n".join(
        [
            "",
            *trees,
            _tree("Reference", REFERENCE),
        ]
    )


def _tree(title: str, pages: list[str]) -> str:
    options = [f":caption: {title}", ":hidden:"] if title else []
    return "\n".join(["```{toctree}", *options, "", *pages, "```", ""])


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs").with_suffix(""))


def _page(page: Path, shown: set[Path]) -> str:
    return LINK.sub(lambda found: _target(page.parent, found[1], shown), page.read_text())


def _target(folder: Path, link: str, shown: set[Path]) -> str:
    """Return the target of a link on the site."""
    path = Path(os.path.normpath(folder / link))
    if path == ROOT / "README.md":
        return os.path.relpath(ROOT / "index.md", folder)
    if path == ROOT / "examples":
        return f"{link}/index.md"
    if path in shown or ROOT / "docs" in path.parents:
        return re.sub(r"\.(yml|yaml|py)$", ".md", link)
    return f"{_repository()}/blob/main/{path.relative_to(ROOT)}"


def _repository() -> str:
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"])


def _example(example: Path) -> str:
    name = example.relative_to(ROOT)
    return f"# {example.name}\n\n`{name}`\n\n````{LANGUAGES[example.suffix]}\n{example.read_text()}````\n"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
