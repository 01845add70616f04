# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret manager for each test: declared in a store of its own, and nothing left of it at the end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.provider import Provider
from conformance.subject import Subject

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder that start servers."""
    for item in items:
        if FOLDER in item.path.parents and "bare" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.servers)


@pytest.fixture
def bare(provider_class: type[Provider], request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """A manager whose connector is not declared yet."""
    subject = Subject(provider_class(request.getfixturevalue, f"t{uuid.uuid4().hex[:12]}"), tmp_path)
    yield subject
    subject.leave()


@pytest.fixture
def subject(bare: Subject) -> Subject:
    """A manager whose connector is declared, in the account."""
    bare.connect()
    bare.provider.forget_requests()
    return bare
