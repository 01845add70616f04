# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The navigation lists every page once, and links on the site lead to the same targets as on GitHub."""

from __future__ import annotations

from pathlib import Path

import pytest
from docsite.navigation import REST, SECTIONS, navigation
from docsite.sources import write_sources

ROOT = Path(__file__).resolve().parents[2]
PAGES = [str(page.relative_to(ROOT / "docs").with_suffix("")) for page in (ROOT / "docs").rglob("*.md")]


def test_every_page_is_in_the_navigation_once() -> None:
    listed = [page for named in navigation(PAGES).values() for page in named]
    assert sorted(listed) == sorted(PAGES)


def test_every_name_in_the_navigation_is_a_page() -> None:
    assert {page for named in SECTIONS.values() for page in named if not page.endswith("*")} <= set(PAGES)


def test_a_new_page_goes_below_the_rest() -> None:
    assert navigation(["ssh", "new"]) == {"Hosts": ["ssh"], REST: ["new"]}


def test_a_new_secret_manager_is_among_the_others() -> None:
    pages = ["managers/new", "managers/custom", "managers/which"]
    assert navigation(pages) == {"Secret managers": ["managers/which", "managers/new", "managers/custom"]}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_sources(folder)
    return folder


def test_the_readme_is_the_front_page(sources: Path) -> None:
    front = (sources / "index.md").read_text()
    assert "(docs/getting_started.md)" in front
    assert "[examples/quickstart.yml](examples/quickstart.md)" in front
    assert "(https://github.com/scoped/secrets/blob/main/LICENSE)" in front
    assert ":caption: Begin" in front


def test_an_example_is_a_page_with_all_of_it(sources: Path) -> None:
    example = (ROOT / "examples" / "quickstart.yml").read_text()
    assert example in (sources / "examples" / "quickstart.md").read_text()
    assert (sources / "examples" / "programs" / "age_folder.md").exists()


def test_links_to_the_front_page_and_the_changelog(sources: Path) -> None:
    assert "(../index.md#what-is-public)" in (sources / "docs" / "architecture.md").read_text()
    assert "(../CHANGELOG.rst)" in (sources / "docs" / "operations.md").read_text()
    assert (sources / "CHANGELOG.rst").read_text() == (ROOT / "CHANGELOG.rst").read_text()


def test_links_from_folders(sources: Path) -> None:
    page = (sources / "docs" / "managers" / "custom.md").read_text()
    assert "(../../examples/programs/age_folder.md)" in page
    assert (
        "(https://github.com/scoped/secrets/blob/main/tests/unit/crypto/independent.py)"
        in (sources / "docs" / "backup.md").read_text()
    )
    assert (sources / "docs" / "postgresql" / "2_roles.sql").exists()
