# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a secret refers to: path, version and field, in any characters."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.model.reference_targets import Target

SECRET = Secret("id", "scope", "a", "text", "A", connector_id="c", is_reference=True)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("a", Target("a")),
        ("a/b#c", Target("a/b", "c")),
        ("a#/x/0", Target("a", "/x/0")),
        ("a#b#c", Target("a", "b#c")),
        ("/a", Target("/a")),
        ("a/b@3#c", Target("a/b", "c", "3")),
        ("a@AWSPREVIOUS", Target("a", version="AWSPREVIOUS")),
        ("a#b@c", Target("a", "b@c")),
        ("me@host.example/a", Target("me@host.example/a")),
        ("item %233 %40 50%2525%20", Target("item #3 @ 50%25%20")),
    ],
)
def test_a_reference_is_a_path_with_an_optional_version_and_field(text: str, target: Target) -> None:
    assert Target.parse(text) == target
    assert Target.parse(str(target)) == target
    assert Target.of(SECRET._replace(path=target.path, reference_key=target.key)) == target._replace(version="")


@pytest.mark.parametrize("text", ["", "#a", "a#", "/", "//#a", "/#", "@1", "/@1", "a@", "a@0", "me@host.org", "a@b c"])
def test_invalid_references_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Target.parse(text)
    assert caught.value.code == "invalid_reference_path"


def test_a_target_is_stored_with_its_secret() -> None:
    pinned = SECRET._replace(path="p #1", reference_key="f", options={"version": "3"})
    assert Target.of(pinned) == Target("p #1", "f", "3")
    assert str(Target.of(pinned)) == "p %231@3#f"
