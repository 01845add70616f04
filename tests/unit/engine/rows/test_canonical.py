# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What digests and tags cover, and that a later version of the collection can cover more without changing old ones."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.envelope import rewrap, seal
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.canonical import canonical, digest_of
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.integrity import sign
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import (
    Connector,
    Intent,
    Scope,
    Secret,
    SecretVersion,
    Share,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from hypothesis import given
from hypothesis import strategies as st

KEY = ScopeKey("scope-id", 7, bytes(range(32)))
SCOPE = Scope("id", ScopePath("payments"), "parent", "name", secrets_root=b"root")
CONNECTOR = Connector("id", "scope", "custom", "a", "name", options={"url": "https://one"}, kept=("token",))
SECRET = Secret("id", "scope", "a", "text", "name", current_version=1)
VERSION = SecretVersion("id", 1, 7, b"fingerprint", 7, 3, b"", "now", at_provider="1")
SHARE = Share("secret", "scope", 1, 7, b"wrapped", b"digest", "", "now", b"tag", "owner", "a", "text", "")
INTENT = Intent("id", "scope", "connector", "app/a", "present", "process", "now", b"tag")
ROWS: tuple[Any, ...] = (SCOPE, CONNECTOR, SECRET, VERSION, SHARE, INTENT)
OTHER: dict[type, Any] = {str: "other", int: 99, bytes: b"other", bool: True, dict: {"x": "y"}, tuple: ("x",)}
LEFT_OUT = {"digest", "tag"}
LEFT_OUT_OF = {
    "Connector": {"revision"},
    "Secret": {"revision"},
    "SecretVersion": {"key_generation"},
    "Share": {"key_generation", "wrapped"},
    "Intent": {"process", "created_at"},
}
TEXT = st.text(max_size=8)


def changed(row: Any, name: str) -> Any:
    value = getattr(row, name)
    if isinstance(value, ScopePath):
        return row._replace(path=ScopePath("x", "payments"))
    other = "other" if value is None else not value if isinstance(value, bool) else OTHER[type(value)]
    return row._replace(**{name: other})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_every_field_counts_unless_it_is_left_out_by_rule(row: Any) -> None:
    left_out = LEFT_OUT | LEFT_OUT_OF.get(type(row).__name__, set())
    for name in row._fields:
        assert (digest_of(changed(row, name)) == digest_of(row)) is (name in left_out), name


def test_a_row_is_named_by_its_table_and_says_what_it_has() -> None:
    """Read by the second implementation: stores outlive the version that wrote them."""
    fields = ("current_version", 1, "id", "id", "identifier", "a", "kind", "text", "name", "name", "scope_id", "scope")
    assert canonical(SECRET) == independent.fields("secret", *fields)
    assert digest_of(SECRET) == hashlib.sha256(canonical(SECRET)).digest()
    assert canonical(SCOPE._replace(tags={"b": "ü", "a": "1"}, builtin_enabled=False)) == independent.fields(
        *("scope", "builtin_enabled", False, "id", "id", "name", "name", "parent_id", "parent"),
        *("path", independent.fields("org", "payments"), "secrets_root", b"root"),
        *("tags", '{"a": "1", "b": "\\u00fc"}'),
    )


def test_none_and_empty_differ() -> None:
    rows = [SCOPE._replace(parent_id=None), SCOPE._replace(parent_id=""), SECRET._replace(connector_id="")]
    assert len({digest_of(row) for row in rows}) == 3


def test_the_same_fields_of_another_table_differ() -> None:
    assert len({canonical(row)[:20] for row in ROWS}) == len(ROWS)


# What keys rewrite


def test_a_value_keeps_its_digest_when_its_data_key_is_wrapped_anew() -> None:
    context = Context("store", "org", "scope", "id", "text", "value", 1)
    newer = ScopeKey("scope-id", 8, bytes(32))
    sealed = VERSION._replace(envelope=seal(b"value", context, wrapper=KEY), at_provider="")
    rewrapped = rewrap(sealed.envelope, context, old=KEY, new=newer)
    assert rewrapped != sealed.envelope
    moved = sealed._replace(envelope=rewrapped, key_generation=8, at_provider="key version 2")
    assert digest_of(moved) == digest_of(sealed)


@given(st.integers(min_value=0, max_value=7), st.data())
def test_every_other_byte_of_an_envelope_counts(bit: int, data: Any) -> None:
    context = Context("store", "org", "scope", "id", "text", "value", 1)
    sealed = VERSION._replace(envelope=seal(b"value", context, wrapper=KEY, connector_id=uuid.UUID(int=7)))
    # After magic, format, suite and flags come four bytes of the generation; the wrapped data key follows its length.
    start = 62
    wrapped = range(start, start + int.from_bytes(sealed.envelope[start - 2 : start], "big"))
    place = data.draw(st.integers(min_value=0, max_value=len(sealed.envelope) - 1))
    flipped = bytearray(sealed.envelope)
    flipped[place] ^= 1 << bit
    is_same = digest_of(sealed._replace(envelope=bytes(flipped))) == digest_of(sealed)
    assert is_same is (place in range(8, 12) or place in wrapped)


@given(st.binary(max_size=80))
def test_bytes_that_are_no_envelope_have_a_digest_too(envelope: bytes) -> None:
    assert len(digest_of(VERSION._replace(envelope=envelope))) == 32


# What later versions add


class Later(NamedTuple):
    """Stands for an entity in a later version, with a new column in the middle and one at the end."""

    id: str
    scope_id: str
    identifier: str
    kind: str
    name: str
    policy: str = "open"
    description: str = ""
    tags: Mapping[str, str] = {}
    current_version: int = 0
    seals: tuple[str, ...] = ()


class LaterScope(NamedTuple):
    """Stands for a scope that commits to one more table, and is signed in another way too."""

    id: str
    path: ScopePath
    parent_id: str | None
    name: str
    grants_digest: bytes = b""
    epoch: int = 0
    description: str = ""
    secrets_root: bytes = b""
    tag: bytes = b""


Later.__name__, LaterScope.__name__ = "Secret", "Scope"


@given(identifier=TEXT, kind=TEXT, description=TEXT, tags=st.dictionaries(TEXT, TEXT), version=st.integers(0, 9))
def test_a_column_that_a_later_version_adds_leaves_old_digests_valid(
    identifier: str, kind: str, description: str, tags: dict[str, str], version: int
) -> None:
    """A kind that only a later version knows is a text like any other."""
    values: dict[str, Any] = {"description": description, "tags": tags, "current_version": version}
    now = Secret("id", "scope", identifier, kind, "name", **values)
    later: Any = Later("id", "scope", identifier, kind, "name", **values)
    assert digest_of(later) == digest_of(now)
    assert digest_of(later._replace(policy="closed")) != digest_of(now)
    assert digest_of(later._replace(seals=("a",))) != digest_of(now)


@given(name=TEXT, root=st.binary(max_size=32))
def test_a_table_that_a_later_version_commits_to_leaves_old_scopes_valid(name: str, root: bytes) -> None:
    """Also for somebody who has only the scope's key, and so can sign no scope above it anew."""
    now = Scope("id", ScopePath("payments"), "parent", name, secrets_root=root)
    later: Any = LaterScope("id", ScopePath("payments"), "parent", name, secrets_root=root)
    tag = sign(KEY, now)
    assert sign(KEY, later) == tag
    assert sign(KEY, later._replace(grants_digest=b"x")) != tag
    assert sign(KEY, later._replace(epoch=1)) != tag
