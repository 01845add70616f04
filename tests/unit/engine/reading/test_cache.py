# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers are cached until the store changes."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.cache import AnswerCache
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.resolver import Composed, Located
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Damaged,
    Forbidden,
    NotFound,
    ScopedSecretsError,
    Unavailable,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT

A, B = Query("a"), Query("b")
AT_KMS = ScopedConnector(Connector("id", "s", "memory_kms", "kms", "n"), ACCOUNT)

LOCATED = Located(AT_KMS, "it", "text", "p", "")


def failed(kind: type[ScopedSecretsError]) -> Answer:
    return Answer(error=kind("code", "message", hint="hint"))


def test_an_answer_is_cached_for_exactly_its_query() -> None:
    cache = AnswerCache().at(1)
    cache.put(A, Answer("text", b"v"))
    assert cache.at(1).get(A) == Answer("text", b"v")
    for other in (B, A._replace(org="o"), A._replace(version="1"), A._replace(key="k")):
        assert cache.get(other) is None


@pytest.mark.parametrize("state", [2, None, "1"])
def test_a_changed_store_empties_the_cache(state: object) -> None:
    cache = AnswerCache().at(1)
    cache.put(A, Answer("text", b"v"))
    assert cache.at(state).get(A) is None
    assert cache.at(1).get(A) is None


def test_nothing_is_cached_if_changes_can_not_be_detected() -> None:
    cache = AnswerCache()
    cache.put(A, Answer("text", b"v"))
    assert cache.get(A) is None
    cache.at(None).put(A, Answer("text", b"v"))
    assert cache.at(None).get(A) is None


def test_a_missing_secret_is_cached_too() -> None:
    cache = AnswerCache().at(1)
    cache.put(A, failed(NotFound))
    kept = cache.get(A)
    assert kept is not None
    assert isinstance(kept.error, NotFound)


@pytest.mark.parametrize("kind", [Forbidden, Unavailable, Damaged, ScopedSecretsError])
def test_other_failures_are_not_cached(kind: type[ScopedSecretsError]) -> None:
    cache = AnswerCache().at(1)
    cache.put(A, failed(kind))
    assert cache.get(A) is None


@pytest.mark.parametrize("found", [Answer("text", b"v"), LOCATED], ids=["answer", "located"])
def test_expiring_secrets_are_not_cached(found: Answer | Located) -> None:
    """Answers carry the expiry of their secret: see test_resolver.py."""
    cache = AnswerCache().at(1)
    cache.put(A, found._replace(expires_at="2999-01-01T00:00:00Z"))
    assert cache.get(A) is None
    cache.put(A, found)
    assert cache.get(A) is found


def test_the_cache_is_bounded() -> None:
    cache = AnswerCache(max_bytes=100).at(1)
    queries = [Query(str(number)) for number in range(50)]
    for query in queries:
        cache.put(query, Answer("text", bytes(20)))
        kept = [found.value for one in queries if isinstance(found := cache.get(one), Answer)]
        assert 0 < sum(map(len, kept)) <= 100
        assert cache.get(query)


def test_the_cache_may_be_full() -> None:
    cache = AnswerCache(max_bytes=100).at(1)
    for number in range(4):
        cache.put(Query(str(number)), Answer("text", bytes(25)))
    assert all(cache.get(Query(str(number))) for number in range(4))
    cache = AnswerCache().at(1)
    cache.put(A, Answer("text", bytes(1024 * 1024)))
    assert cache.get(A)


def test_what_has_no_value_takes_no_room() -> None:
    cache = AnswerCache(max_bytes=0).at(1)
    composed = Composed("it", "ssh", "id", {}, {}, ScopeKey("scope", 1, bytes(32)))
    for found in (composed, LOCATED):
        cache.put(A, found)
        assert cache.get(A) is found


def test_one_large_value_does_not_evict_all_others() -> None:
    cache = AnswerCache(max_bytes=100).at(1)
    cache.put(A, Answer("text", bytes(20)))
    cache.put(B, Answer("text", bytes(26)))
    assert cache.get(A)
    assert cache.get(B) is None
    cache.put(B, Answer("text", bytes(25)))
    assert cache.get(B)


def test_envelopes_count_like_values() -> None:
    cache = AnswerCache(max_bytes=100).at(1)
    for number in range(50):
        cache.put(Query(str(number)), LOCATED._replace(envelope=bytes(25)))
    assert sum(cache.get(Query(str(number))) is not None for number in range(50)) <= 4
    cache.put(A, LOCATED._replace(envelope=bytes(26)))
    assert cache.get(A) is None
    cache.put(B, LOCATED)
    assert cache.get(B)


def test_clearing_forgets_and_makes_room() -> None:
    cache = AnswerCache(max_bytes=100).at(1)
    for number in range(4):
        cache.put(Query(str(number)), Answer("text", bytes(25)))
    cache.clear()
    assert cache.get(Query("0")) is None
    for number in range(4):
        cache.put(Query(str(number)), Answer("text", bytes(25)))
    assert all(cache.get(Query(str(number))) for number in range(4))
