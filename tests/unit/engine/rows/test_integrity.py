# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags, the digests of what a scope commits to as a whole, and the history of versions."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.canonical import canonical
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.integrity import (
    check_signature,
    check_tag,
    digest_of_keys,
    digest_of_set,
    history_of,
    identity_of,
    next_history,
    not_as_written,
    sign,
    signed_generation,
    tag_scope,
    tag_share,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Intent, Scope, Share
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.scopes import WrappedKey
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from hypothesis import given
from hypothesis import strategies as st

KEY = ScopeKey("scope-id", 7, bytes(range(32)))
SCOPE = Scope("id", ScopePath("payments"), "parent", "name", secrets_root=b"root")
SHARE = Share("secret", "scope", 1, 7, b"wrapped", b"digest", "", "now", b"tag", "owner", "a", "text", "")
INTENT = Intent("id", "scope", "connector", "app/a", "present", "process", "now", b"tag")
KEYS = [WrappedKey("s", 2, "active", "b", b"B", 1, b"w"), WrappedKey("s", 1, "decrypt_only", "a", b"A", 1, b"w")]
DIGESTS = st.lists(st.binary(min_size=1, max_size=8), max_size=6, unique=True)


def test_a_tag_names_its_generation_and_fits_one_key_and_table() -> None:
    tag = tag_scope(SCOPE, KEY).tag
    assert signed_generation(tag) == 7
    check_signature(KEY.public_key, SCOPE._replace(tag=tag), "it")
    assert tag[4:] == KEY.sign(canonical(SCOPE))
    keys = [
        ScopeKey("scope-id", 7, bytes(32)),
        ScopeKey("other-id", 7, bytes(range(32))),
        ScopeKey("scope-id", 8, bytes(range(32))),
    ]
    assert len({one[4:] for one in [sign(KEY, INTENT), *(sign(key, INTENT) for key in keys)]}) == 4
    check_tag(KEY, INTENT._replace(tag=sign(KEY, INTENT)), "it")
    for key in keys:
        with pytest.raises(Damaged):
            check_signature(key.public_key, SCOPE._replace(tag=tag), "it")
        with pytest.raises(Damaged):
            check_tag(key, INTENT._replace(tag=sign(KEY, INTENT)), "it")


@pytest.mark.parametrize(
    "scope",
    [
        tag_scope(SCOPE, KEY)._replace(description="edited"),
        tag_scope(SCOPE, KEY)._replace(keys_digest=b"edited"),
        SCOPE._replace(tag=b"\0\0\0\7" + bytes(32)),
        SCOPE._replace(tag=b""),
    ],
)
def test_a_row_that_was_changed_is_named(scope: Scope) -> None:
    with pytest.raises(Damaged) as caught:
        check_signature(KEY.public_key, scope, "The row of it")
    assert caught.value.code == "damaged_row"
    assert caught.value.message.startswith("The row of it was changed outside scoped.secrets")
    assert caught.value.hint


def test_a_share_is_signed_as_it_is_read() -> None:
    share = tag_share(SHARE, KEY)
    check_signature(KEY.public_key, share, "it")
    assert share.tag == b"\0\0\0\7" + KEY.sign(canonical(SHARE))
    # The scope that has it wraps its data key again, and nothing else.
    check_signature(KEY.public_key, share._replace(key_generation=9, wrapped=b"again"), "it")
    for other in (share._replace(version=2), share._replace(version_digest=b"x"), share._replace(owner_id="x")):
        with pytest.raises(Damaged):
            check_signature(KEY.public_key, other, "it")


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.binary(max_size=4), max_size=6), st.randoms())
def test_the_digest_over_a_set_depends_on_its_rows_only(rows: dict[str, bytes], random: object) -> None:
    again = dict(reversed(rows.items()))
    assert digest_of_set(again) == digest_of_set(rows)
    fields = [part for row in sorted(rows.items()) for part in row]
    assert digest_of_set(rows) == (hashlib.sha256(independent.fields(*fields)).digest() if rows else b"")
    for name in rows:
        less = {other: digest for other, digest in rows.items() if other != name}
        other = {**rows, name: rows[name] + b"x"}
        assert len({digest_of_set(found) for found in (rows, less, other)}) == 3


@pytest.mark.parametrize(
    "other",
    [
        KEYS[:1],
        KEYS[1:],
        KEYS[::-1],
        [*KEYS, KEYS[1]],
        [KEYS[0], KEYS[1]._replace(state="destroyed")],
        [KEYS[0]._replace(generation=3), KEYS[1]],
        [KEYS[0]._replace(key_id="x"), KEYS[1]],
        [KEYS[0]._replace(public_key=b"x"), KEYS[1]],
        [KEYS[0], KEYS[1]._replace(is_handed_out=True)],
    ],
)
def test_the_digest_over_keys_shows_each_generation_and_its_state(other: list[WrappedKey]) -> None:
    assert digest_of_keys(other) != digest_of_keys(KEYS)


def test_how_keys_are_wrapped_leaves_their_digest() -> None:
    """A rotation above rewraps them, and signs no scope below anew."""
    rewrapped = [key._replace(wrapped=b"x", parent_generation=9, wraps=5, under_active=b"y") for key in KEYS]
    assert digest_of_keys(rewrapped) == digest_of_keys(KEYS)
    fields = (2, "active", "b", b"B", 1, "decrypt_only", "a", b"A")
    assert digest_of_keys(KEYS) == hashlib.sha256(independent.fields(*fields)).digest()


@pytest.mark.parametrize(
    ("scope", "keys"),
    [
        (SCOPE._replace(id="other"), KEYS),
        (SCOPE, [KEYS[0]._replace(public_key=b"x"), KEYS[1]]),
        (SCOPE, [KEYS[1]._replace(state="active"), KEYS[0]._replace(state="decrypt_only")]),
        (SCOPE, [KEYS[0], KEYS[1]._replace(is_handed_out=True)]),
    ],
)
def test_a_parent_commits_to_who_signs_for_a_scope(scope: Scope, keys: list[WrappedKey]) -> None:
    assert identity_of(scope, keys) != identity_of(SCOPE, KEYS)


def test_what_a_scope_and_a_rotation_above_change_leaves_its_identity() -> None:
    """Its parent need not be signed anew."""
    changed = SCOPE._replace(name="other", secrets_root=b"x", revision=9, epoch=3)
    rewrapped = [key._replace(wrapped=b"x", parent_generation=9, wraps=5, under_active=b"y") for key in KEYS]
    gone = [rewrapped[0], rewrapped[1]._replace(state="destroyed")]
    assert identity_of(SCOPE, KEYS) == identity_of(changed, rewrapped) == identity_of(changed, gone)
    fields = ("scope", "id", b"B", 0)
    assert identity_of(SCOPE, KEYS) == hashlib.sha256(independent.fields(*fields)).digest()


@given(DIGESTS)
def test_a_history_shows_each_version_and_their_order(digests: list[bytes]) -> None:
    history = history_of(digests)
    assert next_history(history, b"new") == history_of([*digests, b"new"])
    for number in range(len(digests)):
        assert history_of(digests[:number] + digests[number + 1 :]) != history
    if len(digests) > 1:
        assert history_of(digests[::-1]) != history


def test_a_history_has_the_described_format() -> None:
    first = hashlib.sha256(independent.fields(b"", b"one")).digest()
    assert history_of([b"one", b"two"]) == hashlib.sha256(independent.fields(first, b"two")).digest()
    assert history_of([]) == b""


def test_the_error_names_the_scope_and_the_kind_of_row() -> None:
    error = not_as_written(ScopePath("payments", "api"), "connectors")
    assert (error.code, error.message[:44]) == ("rolled_back", "The connectors of project 'payments/api' are")
    assert error.hint
