# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage for each test, where one secret manager goes through the scenarios of a topic."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.provider import Provider
from conformance.stage import Stage
from conformance.subject import Subject

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder that start servers."""
    for item in items:
        if FOLDER in item.path.parents and "stage" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.servers)


@pytest.fixture
def stage(
    provider_class: type[Provider],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Stage:
    """Where each subject has a store of its own, and a place of its own at the server."""

    def new_subject() -> Subject:
        place = f"t{uuid.uuid4().hex[:12]}"
        folder = tmp_path / place
        folder.mkdir()
        return Subject(provider_class(request.getfixturevalue, place), folder)

    return Stage(provider_class, new_subject, record_property)
