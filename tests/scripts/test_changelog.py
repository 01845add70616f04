# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CHANGELOG.rst is what antsibull-changelog renders from the fragments and the plugins' documentation."""

from __future__ import annotations

import shutil
from pathlib import Path

import changelog
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RELEASED = {"ancestor": None, "releases": {"0.1.0": {"changes": {"release_summary": "The first."}}}}


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A collection without plugins whose version 0.1.0 is released."""
    for name in ("meta", "plugins", "roles", "changelogs/fragments"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "changelogs" / "config.yaml", tmp_path / "changelogs")
    (tmp_path / "changelogs" / "changelog.yaml").write_text(yaml.safe_dump(RELEASED))
    set_version(tmp_path, "0.1.0")
    return tmp_path


def set_version(collection: Path, version: str) -> None:
    galaxy = {"namespace": "scoped", "name": "secrets", "version": version, "authors": ["us"], "readme": "README.md"}
    (collection / "galaxy.yml").write_text(yaml.safe_dump(galaxy))


def add_fragment(collection: Path) -> None:
    (collection / "changelogs" / "fragments" / "one.yml").write_text("bugfixes:\n  - doctor - a fix.\n")


def test_the_changelog_is_up_to_date() -> None:
    pytest.importorskip("antsibull_changelog", reason="needs tests/requirements-dev.txt")
    assert changelog.PAGE.read_text() == changelog.rendered(), "run: make changelog"


def test_a_release_stays_as_it_is(collection: Path) -> None:
    pytest.importorskip("antsibull_changelog", reason="needs tests/requirements-dev.txt")
    assert "v0.1.0\n======\n" in changelog.rendered(collection)


def test_fragments_go_into_the_next_release(collection: Path) -> None:
    pytest.importorskip("antsibull_changelog", reason="needs tests/requirements-dev.txt")
    add_fragment(collection)
    set_version(collection, "0.2.0")
    before, new, rest = changelog.rendered(collection).partition("v0.2.0\n======\n")
    assert new
    assert "- doctor - a fix.\n" in rest.partition("v0.1.0")[0]
    assert "v0.1.0" not in before
    assert (collection / "changelogs" / "fragments" / "one.yml").exists()


def test_a_fragment_needs_a_version_that_is_not_released(collection: Path) -> None:
    add_fragment(collection)
    with pytest.raises(ValueError, match=r"0\.1\.0 is released"):
        changelog.rendered(collection)
