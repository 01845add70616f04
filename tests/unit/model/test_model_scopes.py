# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scope paths: higher scopes can be reached, lower ones can't."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden, InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, Level, ScopePath
from hypothesis import given
from hypothesis import strategies as st

IDENTIFIERS = st.from_regex(r"\Aid_[A-Za-z0-9_$]{0,20}\Z")
PATHS = st.one_of(st.just(ACCOUNT), IDENTIFIERS.map(ScopePath), st.builds(ScopePath, IDENTIFIERS, IDENTIFIERS))


@given(PATHS)
def test_path_round_trips_through_options(path: ScopePath) -> None:
    assert ScopePath.of(path.org, path.project) == path


@pytest.mark.parametrize("nothing", ["", None])
def test_empty_and_none_mean_no_part(nothing: str | None) -> None:
    assert ScopePath.of(nothing, nothing) == ACCOUNT
    assert ScopePath.of("payments", nothing) == ScopePath("payments")


@given(PATHS)
def test_from_account_starts_at_the_account_and_ends_at_the_scope(path: ScopePath) -> None:
    way = list(path.from_account)
    assert (way[0], way[-1]) == (ACCOUNT, path)
    assert [step.level for step in way] == list(Level)[: len(way)]
    assert [step.parent for step in way] == [None, *way[:-1]]


@given(PATHS, st.sampled_from(Level))
def test_at_reaches_its_own_level_and_above(path: ScopePath, level: Level) -> None:
    if level.depth <= path.level.depth:
        assert path.at(level) == list(path.from_account)[level.depth]
    else:
        with pytest.raises(Forbidden) as caught:
            path.at(level)
        assert caught.value.code == "reference_downward"
        assert str(path) in caught.value.message


@given(PATHS)
def test_identifier_matches_the_level(path: ScopePath) -> None:
    parts = {Level.ACCOUNT: "account", Level.ORG: path.org, Level.PROJECT: path.project}
    assert path.identifier == parts[path.level]


@pytest.mark.parametrize("org", ["", None])
def test_project_needs_its_organization(org: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        ScopePath.of(org, "api")
    assert caught.value.code == "project_without_org"


@pytest.mark.parametrize(("org", "project"), [("a-b", ""), ("a", "b.c"), ("1", ""), ("a", "b c")])
def test_malformed_parts_are_refused(org: str, project: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ScopePath.of(org, project)
    assert caught.value.code == "invalid_identifier"


@pytest.mark.parametrize("word", ["account", "org", "project"])
def test_level_names_are_reserved(word: str) -> None:
    for options in ((word, ""), ("payments", word)):
        with pytest.raises(InvalidInput) as caught:
            ScopePath.of(*options)
        assert caught.value.code == "reserved_identifier"


def test_paths_as_text() -> None:
    shown = [str(path) for path in (ACCOUNT, ScopePath("Pay"), ScopePath("Pay", "Api"))]
    assert shown == ["the account", "organization 'Pay'", "project 'Pay/Api'"]
