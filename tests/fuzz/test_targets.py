# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No input makes a parser fail in a way that is not ours. `make fuzz` does the same for as long as one likes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fuzz.target import Target
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@st.composite
def altered(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Return a seed of which one part was taken out, repeated, or replaced by something else."""
    seed = draw(st.sampled_from(seeds))
    start = draw(st.integers(0, len(seed)))
    end = draw(st.integers(start, min(len(seed), start + 64)))
    return seed[:start] + draw(st.one_of(st.binary(max_size=16), st.just(seed[start:end] * 2))) + seed[end:]


PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
DATA = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=9), inner)), max_leaves=6
)


@st.composite
def other_data(draw: st.DrawFn, seeds: list[Any]) -> bytes:
    """Return the JSON of a seed of which one part, however deep, is something else."""
    return json.dumps(_with_another_part(draw, draw(st.sampled_from(seeds)))).encode()


def _with_another_part(draw: st.DrawFn, data: Any) -> Any:
    if not isinstance(data, (dict, list)) or not data or draw(st.integers(0, 3)) == 0:
        return draw(DATA)
    if isinstance(data, list):
        at = draw(st.integers(0, len(data) - 1))
        return [*data[:at], _with_another_part(draw, data[at]), *data[at + 1 :]]
    name = draw(st.sampled_from(sorted(data)))
    return {**data, name: _with_another_part(draw, data[name])}


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    texts = st.text(st.characters(exclude_categories=[]), max_size=60).map(lambda text: text.encode(errors="replace"))
    ways = [altered(target.seeds()), st.binary(max_size=200), texts]
    seeds = [data for seed in target.seeds() if (data := _json(seed)) is not None]
    return st.one_of(*ways, *([other_data(seeds)] * 3 if seeds else []))


def _json(seed: bytes) -> Any:
    try:
        return json.loads(seed)
    except ValueError:
        return None


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_seeds_are_taken_or_refused_in_our_words(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_whatever_comes_in(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(inputs(target))
    def run(data: bytes) -> None:
        target.run(data)

    run()
