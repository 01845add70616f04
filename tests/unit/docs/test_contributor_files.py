# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What contributors look for is there, and names only files, headings, targets and classes that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = [
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    ".github/CODEOWNERS",
    ".github/PULL_REQUEST_TEMPLATE.md",
    ".pre-commit-config.yaml",
]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = [
    *sorted(ROOT.glob("*.md")),
    *(ROOT / "docs" / f"{name}.md" for name in ("architecture", "contributing", "testing")),
]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MAKE = re.compile(r"(?:`|^ {4})make ([a-z-]+)", re.MULTILINE)
# Paths in backticks, from one of BASES: below certain folders, or Python files. Placeholders are in capitals.
PATH = re.compile(r"`((?:\.ci|docs|examples|plugins|scripts|tests)/[\w./-]+|\w+/[\w/]+\.py)`")
BASES = (ROOT, ROOT / "plugins", ROOT / "plugins" / "module_utils")
PLACEHOLDER = re.compile(r"[A-Z]{4}")
CODE = (
    "plugins/module_utils/managers/base.py",
    "plugins/module_utils/managers/registry.py",
    "plugins/module_utils/model/references.py",
    "tests/conformance/provider.py",
    "tests/servers/fixtures.py",
)
# The command of `make lint` that each hook runs.
HOOKS = {
    "ruff-check": "ruff check",
    "ruff-format": "ruff format --check",
    "mypy": "mypy --config-file",
    "ansible-lint": "python scripts/lint_ansible.py --offline",
    "antsibull-changelog": "antsibull-changelog lint",
}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def contributing() -> str:
    return (ROOT / "CONTRIBUTING.md").read_text()


def yaml_of(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def slugs(page: Path) -> Iterator[str]:
    """Yield the anchors that GitHub makes of a page's headings."""
    for heading in HEADING.findall(page.read_text()):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("file", FILES)
def test_it_is_there(file: str) -> None:
    assert (ROOT / file).stat().st_size > 0


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or file.suffix != ".md" or anchor in slugs(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_paths_exist(page: Path) -> None:
    named = [path for path in PATH.findall(page.read_text()) if not PLACEHOLDER.search(path)]
    assert [path for path in named if not any((base / path).exists() for base in BASES)] == []


def targets() -> set[str]:
    """Return the targets of the Makefile that are commands."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    return set(phony[1].split())


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md"], ids=name)
def test_targets_exist(page: Path) -> None:
    assert set(MAKE.findall(page.read_text())) <= targets()


def test_every_target_is_documented() -> None:
    table = (ROOT / "docs" / "testing.md").read_text().partition("## Make targets")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `make ([a-z-]+)`", table, re.MULTILINE)) == targets()


def test_the_first_change_is_possible() -> None:
    """The file, the message before or after the change, and the tests that fail."""
    page = contributing()
    (file, function) = re.findall(r"`(plugins/\S+)` has the errors .* In `(\w+)`", page.replace("\n", " "))[0]
    messages = re.findall(r"^    (The login .*)$", page, re.MULTILINE)
    body = (ROOT / file).read_text().partition(f"def {function}(")[2].partition("\ndef ")[0]
    assert [message in body for message in messages] in ([True, False], [False, True])
    failing = re.findall(r"FAILED (\S+)::(\w+)\[", page)
    assert len(failing) == 2
    assert all(f"def {test}(" in (ROOT / file).read_text() for file, test in failing)


def test_the_walk_through_names_classes_and_attributes_that_exist() -> None:
    code = "\n".join((ROOT / file).read_text() for file in CODE)
    walk_through = contributing().partition("## A new secret manager")[2]
    named = set(re.findall(r"`([A-Z]\w+|_[A-Z]\w+)`", walk_through)) - {"SPEC", "TYPE_CHECKING"}
    assert {"ValueKeeper", "Provider", "SCHEMES", "KINDS"} <= named
    assert {word for word in named if not re.search(rf"\b{word}\b", code)} == set()


def test_the_repository_is_the_one_of_galaxy_yml() -> None:
    repository = yaml_of(ROOT / "galaxy.yml")["repository"]
    for file in [*GUIDES, *FORMS]:
        for address in re.findall(r"https://github\.com/[\w.-]+/[\w.-]+", file.read_text()):
            assert address == repository, name(file)


@pytest.mark.parametrize("form", [form for form in FORMS if form.stem != "config"], ids=name)
def test_issue_forms(form: Path) -> None:
    """They follow GitHub's "Syntax for issue forms"."""
    content = yaml_of(form)
    assert {"name", "description", "body"} <= set(content)
    fields = [one for one in content["body"] if one["type"] != "markdown"]
    assert {one["type"] for one in fields} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert len({one["id"] for one in fields}) == len(fields)
    assert all(one["attributes"]["label"] for one in fields)


def test_hooks_are_those_of_make_lint() -> None:
    """None is downloaded, and each runs a tool that `make lint` runs."""
    (repository,) = yaml_of(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    recipe = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    assert {hook["id"] for hook in repository["hooks"]} == set(HOOKS)
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert HOOKS[hook["id"]] in hook["entry"]
        assert HOOKS[hook["id"]] in recipe
    assert recipe.count("\n\t") - recipe.count("\\\n") == len(HOOKS)
