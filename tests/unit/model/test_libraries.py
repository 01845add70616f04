# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version checks of installed libraries."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import MissingLibrary
from ansible_collections.scoped.secrets.plugins.module_utils.model.libraries import (
    check_version,
    installed_version,
    is_new_enough,
    package_of,
)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    check_version.cache_clear()
    yield
    check_version.cache_clear()


@pytest.mark.parametrize("requirement", ["psycopg>=3.2.1", "psycopg[binary]>=3.2.1"])
def test_package_of_a_requirement(requirement: str) -> None:
    assert package_of(requirement) == "psycopg"


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("2.32.3", "2.32.3", True),
        ("2.32.10", "2.32.3", True),
        ("2.33", "2.32.3", True),
        ("10.0", "2.32.3", True),
        ("3.0.0", "3.0", True),
        ("2.32.2", "2.32.3", False),
        ("2.4", "2.32", False),
        ("", "1", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, wanted: str, *, expected: bool) -> None:
    assert is_new_enough(version, f"library>={wanted}") == expected


def test_installed_version() -> None:
    assert installed_version("pytest") == pytest.__version__
    assert installed_version("no-such-library") == ""


def test_outdated_library_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _package: "2.32.2")
    for _again in range(2):
        with pytest.raises(MissingLibrary) as caught:
            check_version("requests>=2.32.3", "for HashiCorp Vault")
        error = caught.value
        assert (error.code, error.category) == ("outdated_library", "missing_library")
        wanted = "The Python library 'requests>=2.32.3' is needed for HashiCorp Vault, but version 2.32.2 is installed."
        assert error.message == wanted
        assert error.hint.endswith("pip install 'requests>=2.32.3'")


def test_missing_library_is_left_to_its_import() -> None:
    check_version("no-such-library>=1", "for nothing")
    check_version(f"pytest>={pytest.__version__}", "for tests")
