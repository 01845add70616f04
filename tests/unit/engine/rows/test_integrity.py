# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Row tags and heads: every field that matters is signed, and a head knows exactly its rows."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.integrity import (
    EMPTY_HEAD,
    check_head,
    connector_fields,
    intent_fields,
    move_head,
    scope_fields,
    secret_fields,
    share_fields,
    sign,
    signed_generation,
    tag_connector,
    tag_scope,
    tag_secret,
    tag_version,
    version_fields,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import (
    Connector,
    Intent,
    Scope,
    Secret,
    SecretVersion,
    Share,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from hypothesis import given
from hypothesis import strategies as st

KEY = ScopeKey("scope-id", 7, bytes(range(32)))
SCOPE = Scope("id", ScopePath("payments"), "parent", "name", head=b"head")
CONNECTOR = Connector("id", "scope", "custom", "a", "name", options={"url": "https://one"}, kept=("token",))
SECRET = Secret("id", "scope", "a", "text", "name", current_version=1)
VERSION = SecretVersion("id", 1, 7, b"fingerprint", 7, 3, b"envelope", "now")
SHARE = Share("secret", "scope", 1, 7, b"wrapped", "", "now", b"tag", "owner", "a", "text", "")
INTENT = Intent("id", "scope", "connector", "app/a", "present", "process", "now", b"tag")
TAGS = st.lists(st.binary(min_size=1, max_size=8), max_size=8, unique=True)


def secrets_of(tags: list[bytes]) -> list[Secret]:
    return [SECRET._replace(tag=tag) for tag in tags]


def code_of(scope: Scope, secrets: list[Secret]) -> str:
    with pytest.raises(Damaged) as caught:
        check_head(scope, secrets)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"parent_id": None},
        {"path": ScopePath("other")},
        {"path": ScopePath("x", "payments")},
        {"builtin_enabled": False},
        {"default_connector_id": "c"},
        {"inherits_managers": True},
        {"head": b""},
    ],
)
def test_every_deciding_field_of_a_scope_is_signed(change: dict[str, Any]) -> None:
    assert tag_scope(SCOPE._replace(**change), KEY).tag != tag_scope(SCOPE, KEY).tag


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"scope_id": "x"},
        {"identifier": "x"},
        {"kind": "file"},
        {"connector_id": "c"},
        {"path": "x"},
        {"reference_key": "x"},
        {"is_reference": True},
        {"current_version": 2},
        {"expires_at": "2099-01-01T00:00:00Z"},
    ],
)
def test_every_deciding_field_of_a_secret_is_signed(change: dict[str, Any]) -> None:
    assert tag_secret(SECRET._replace(**change), KEY).tag != tag_secret(SECRET, KEY).tag


@pytest.mark.parametrize(
    "change",
    [
        {"secret_id": "x"},
        {"version": 2},
        {"state": "deleted"},
        {"key_generation": 8},
        {"fingerprint": b"x"},
        {"size": 4},
        {"envelope": b"x"},
        {"at_provider": "2"},
    ],
)
def test_every_deciding_field_of_a_version_is_signed(change: dict[str, Any]) -> None:
    assert tag_version(VERSION._replace(**change), KEY).tag != tag_version(VERSION, KEY).tag


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"scope_id": "x"},
        {"identifier": "x"},
        {"kind": "x"},
        {"options": {"url": "https://other"}},
        {"options": {}},
        {"kept": ()},
        {"kept": ("token", "password")},
        {"is_removed": True},
    ],
)
def test_every_deciding_field_of_a_connector_is_signed(change: dict[str, Any]) -> None:
    assert tag_connector(CONNECTOR._replace(**change), KEY).tag != tag_connector(CONNECTOR, KEY).tag


@pytest.mark.parametrize(
    "change",
    [
        {"secret_id": "x"},
        {"scope_id": "x"},
        {"version": 2},
        {"key_generation": 8},
        {"wrapped": b"x"},
        {"owner_id": "x"},
        {"identifier": "x"},
        {"kind": "file"},
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"made_by": "manifest"},
    ],
)
def test_every_deciding_field_of_a_share_is_signed(change: dict[str, Any]) -> None:
    assert sign(KEY, "t", *share_fields(SHARE._replace(**change))) != sign(KEY, "t", *share_fields(SHARE))


@pytest.mark.parametrize(
    "change", [{"id": "x"}, {"scope_id": "x"}, {"connector_id": "x"}, {"path": "x"}, {"goal": "absent"}]
)
def test_every_deciding_field_of_an_intent_is_signed(change: dict[str, Any]) -> None:
    assert sign(KEY, "t", *intent_fields(INTENT._replace(**change))) != sign(KEY, "t", *intent_fields(INTENT))


def test_equal_options_are_signed_alike() -> None:
    one, other = ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1})
    assert connector_fields(CONNECTOR._replace(options=one)) == connector_fields(CONNECTOR._replace(options=other))
    assert secret_fields(SECRET._replace(options=one)) == secret_fields(SECRET._replace(options=other))
    assert connector_fields(CONNECTOR._replace(options={"a": "1"})) != connector_fields(CONNECTOR._replace(options=one))


def test_descriptive_fields_are_not_signed() -> None:
    words = {"name": "x", "description": "x", "tags": {"x": "y"}, "revision": 9, "created_at": "x", "updated_at": "x"}
    assert tag_secret(SECRET._replace(**words), KEY).tag == tag_secret(SECRET, KEY).tag
    assert tag_scope(SCOPE._replace(**words), KEY).tag == tag_scope(SCOPE, KEY).tag
    assert tag_connector(CONNECTOR._replace(**words), KEY).tag == tag_connector(CONNECTOR, KEY).tag


def test_every_field_is_either_signed_or_descriptive() -> None:
    """Decide for each new field of an entity which of the two it is."""
    words = {"name", "description", "tags", "revision", "created_at", "updated_at", "tag"}
    counts = [
        # The path of a scope is signed as level and identifier.
        (SCOPE, len(scope_fields(SCOPE)) - 1),
        (CONNECTOR, len(connector_fields(CONNECTOR))),
        (SECRET, len(secret_fields(SECRET))),
        (VERSION, len(version_fields(VERSION))),
        (SHARE, len(share_fields(SHARE))),
        # Whoever takes an intent over becomes its process, without the key that signed it.
        (INTENT, len(intent_fields(INTENT)) + 1),
    ]
    for entity, signed in counts:
        assert len(set(entity._fields) - words) == signed


def test_a_tag_names_its_generation_and_fits_one_key_and_table() -> None:
    tag = tag_secret(SECRET, KEY).tag
    assert signed_generation(tag) == 7
    KEY.check_row_tag(tag[4:], "it", "secret", *secret_fields(SECRET))
    others = [
        sign(KEY, "secret_version", *secret_fields(SECRET)),
        sign(ScopeKey("scope-id", 7, bytes(32)), "secret", *secret_fields(SECRET)),
        sign(ScopeKey("other-id", 7, bytes(range(32))), "secret", *secret_fields(SECRET)),
        sign(ScopeKey("scope-id", 8, bytes(range(32))), "secret", *secret_fields(SECRET)),
    ]
    assert len({tag[4:], *(other[4:] for other in others)}) == 5


def test_none_and_empty_are_signed_differently() -> None:
    assert sign(KEY, "t", None) != sign(KEY, "t", "")
    assert sign(KEY, "t", "ab", "c") != sign(KEY, "t", "a", "bc")
    assert scope_fields(SCOPE._replace(parent_id=None)) != scope_fields(SCOPE._replace(parent_id=""))


@given(TAGS, st.randoms())
def test_a_head_does_not_depend_on_the_order_of_changes(tags: list[bytes], random: Any) -> None:
    secrets = secrets_of(tags)
    head = move_head(EMPTY_HEAD, add=secrets)
    one_by_one = EMPTY_HEAD
    for secret in random.sample(secrets, len(secrets)):
        one_by_one = move_head(one_by_one, add=[secret])
    assert one_by_one == head
    assert move_head(head, remove=secrets) == EMPTY_HEAD
    check_head(SCOPE._replace(head=head), reversed(secrets))
    for secret in secrets:
        head = move_head(head, remove=[secret])
    assert head == EMPTY_HEAD


@given(TAGS.filter(bool), st.binary(min_size=9, max_size=9))
def test_a_head_notices_missing_added_and_replaced_rows(tags: list[bytes], other: bytes) -> None:
    secrets, (stranger,) = secrets_of(tags), secrets_of([other])
    scope = SCOPE._replace(head=move_head(EMPTY_HEAD, add=secrets))
    for found in (secrets[1:], [*secrets, stranger], [stranger, *secrets[1:]], [*secrets, secrets[0]]):
        assert code_of(scope, found) == "rolled_back"


def test_a_head_is_a_sum_of_2048_bits() -> None:
    """Stores outlive the version that wrote them."""
    tags = [b"one", b"two", b"three"]
    numbers = [int.from_bytes(hashlib.shake_256(tag).digest(256), "big") for tag in tags]
    assert move_head(bytes(256), add=secrets_of(tags)) == (sum(numbers) % 2**2048).to_bytes(256, "big")
    assert move_head(bytes(256), remove=secrets_of(tags[:1])) == (2**2048 - numbers[0]).to_bytes(256, "big")


def test_an_empty_head() -> None:
    assert bytes(256) == EMPTY_HEAD
    check_head(SCOPE._replace(head=EMPTY_HEAD), [])
    assert code_of(SCOPE._replace(head=EMPTY_HEAD), [SECRET]) == "rolled_back"
    assert code_of(SCOPE._replace(head=EMPTY_HEAD), [CONNECTOR]) == "rolled_back"
    assert code_of(SCOPE._replace(head=b""), []) == "rolled_back"
