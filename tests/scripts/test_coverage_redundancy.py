# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test is named as redundant if enough others cover all that it covers."""

from __future__ import annotations

import pytest
from coverage_redundancy import lines_in_functions, redundant

COVERED = {"common": {1, 2}, "twin": {1, 2}, "more": {1, 2, 3}, "nothing": set[int]()}
SOURCE = '''\
LIMIT = 3

class One:
    size = 1

    def method(self):
        """Text."""
        return [
            1,
        ]

async def other(): pass
'''


@pytest.mark.parametrize(("others", "names"), [(1, ["common", "twin"]), (2, ["common", "twin"]), (3, [])])
def test_so_many_others_cover_the_same(others: int, names: list[str]) -> None:
    assert redundant(COVERED, others) == names


def test_only_bodies_of_functions_count() -> None:
    assert sorted(lines_in_functions(SOURCE)) == [7, 8, 9, 10, 12]
