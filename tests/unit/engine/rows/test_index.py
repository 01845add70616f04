# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of a scope's secrets: what it proves, against a second implementation, on real stores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import index
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.index import (
    EMPTY_ROOT,
    SecretIndex,
    build_indexes,
    depth_for,
    root_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.proved import Proved
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Scope, Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Transaction
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import place_of
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    declare,
    error_of,
    in_session,
    read,
    rows_of,
)
from hypothesis import given
from hypothesis import strategies as st

ENTRIES = st.dictionaries(st.integers(0, 500).map(lambda n: place_of(str(n))), st.binary(min_size=32, max_size=32))


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root(entries: list[tuple[str, bytes]], depth: int) -> bytes:
    """The second implementation: from the root down."""
    if depth == 0:
        return sha(b"\0" + b"".join(place.encode() + digest for place, digest in entries))

    def below(prefix: str) -> bytes:
        found = [entry for entry in entries if entry[0].startswith(prefix)]
        if len(prefix) == depth:
            return sha(b"\0" + b"".join(place.encode() + digest for place, digest in found))
        return sha(b"\1" + b"".join(below(prefix + digit) for digit in "0123456789abcdef"))

    return below("")


@given(ENTRIES, st.integers(0, 2))
def test_the_root_is_that_of_the_second_implementation(entries: dict[str, bytes], depth: int) -> None:
    """Stores outlive the version that wrote them."""
    assert root_of(sorted(entries.items()), depth) == root(sorted(entries.items()), depth)


def test_an_empty_tree() -> None:
    assert sha(b"\0") == EMPTY_ROOT == root_of([], 0)
    assert root_of([], 2) == root([], 2)


@pytest.mark.parametrize(
    ("count", "depth", "wanted"),
    [
        (0, 0, 0),
        (32, 0, 0),
        (33, 0, 1),
        (128, 0, 1),
        (129, 1, 2),
        (1_000, 0, 2),
        (100_000, 0, 4),
        (1_000_000, 3, 5),
        (8, 1, 1),
        (7, 1, 0),
        (32, 2, 2),
        (31, 2, 1),
        (0, 4, 0),
    ],
)
def test_a_leaf_has_some_entries_and_not_many(count: int, depth: int, wanted: int) -> None:
    assert depth_for(count, depth) == wanted


def test_a_tree_that_has_grown_does_not_shrink_at_once() -> None:
    for depth, grown in enumerate((33, 129, 2049, 32769)):
        assert depth_for(grown, depth) == depth + 1
        assert depth_for(grown // 2, depth + 1) == depth + 1


# In a store


@pytest.fixture(params=[1, 32], ids=["deep", "as it is"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many entries deepen a tree: few, so that small stores have a tree of several levels, or as many as always."""
    monkeypatch.setattr(index, "_MOST", min(request.param, 8))
    monkeypatch.setattr(index, "_SMALL", request.param)
    return int(request.param)


def fill(engine: Engine, numbers: range, **params: Any) -> None:
    items = tuple(Request("secret_text", {"identifier": f"s{n}", "value": b"%d" % n, **params}) for n in numbers)
    result = engine.handle(Request("manifest", {}, False, items))
    assert not [one for one in result.returned["results"] if one.get("failed")]  # type: ignore[attr-defined]


def account(settings: Settings) -> Scope:
    return in_session(settings, lambda session: session.chain(ACCOUNT)[-1])


def is_whole(settings: Settings) -> None:
    """Fail unless the signed root is that of the second implementation, and all pages are right."""
    scope = account(settings)
    with rows_of(settings) as tx:
        rows = tx.all("SELECT place, digest FROM secret ORDER BY place")
    assert scope.secrets_count == len(rows)
    assert scope.secrets_root == root([(row["place"], bytes(row["digest"])) for row in rows], scope.secrets_depth)
    declare(Engine(settings), "scope_info", verify=True)


def test_a_store_grows_and_shrinks(settings: Settings, size: int) -> None:
    engine = Engine(settings)
    depths = []
    for numbers in (range(3), range(3, 20), range(20, 60)):
        fill(engine, numbers)
        is_whole(settings)
        depths.append(account(settings).secrets_depth)
        assert [read(Engine(settings), f"s{n}") for n in (0, numbers[-1])] == [b"0", b"%d" % numbers[-1]]
        assert error_of(lambda: read(Engine(settings), "none")).code == "unknown_secret"
    assert depths == ([1, 2, 2] if size == 1 else [0, 0, 1])
    fill(engine, range(1, 60), state="absent")
    is_whole(settings)
    assert account(settings).secrets_depth < depths[-1]
    assert read(Engine(settings), "s0") == b"0"


def test_what_one_transaction_changed_is_proved_within_it(settings: Settings, size: int) -> None:
    fill(Engine(settings), range(40))

    def work(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        one, other = session.secret(chain, "s1"), session.secret(chain, "s2")
        assert one
        session.replace_secret(chain, one, one._replace(description="new"))
        session.replace_secret(chain, other, None)
        blank = Secret("id", chain[-1].id, "s99", "text", "n")
        session.replace_secret(chain, None, blank)
        found = [session.secret(chain, name) for name in ("s1", "s2", "s99")]
        assert [secret and secret.description for secret in found] == ["new", None, ""]
        assert session.count_secrets(chain[-1]) == 40
        names = sorted(secret.identifier for secret in session.secrets(chain))
        assert names == sorted({f"s{n}" for n in range(40)} - {"s2"} | {"s99"})

    in_session(settings, work)
    is_whole(settings)


def test_a_transaction_that_fails_changes_no_proof(settings: Settings, size: int) -> None:
    engine = Engine(settings)
    fill(engine, range(40))

    def fail(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        secret = session.secret(chain, "s1")
        assert secret
        session.replace_secret(chain, secret, secret._replace(description="lost"))
        session.sign_heads()
        raise KeyError

    with pytest.raises(KeyError):
        engine.write(fail)
    assert read(engine, "s1") == b"1"
    fill(engine, range(3), description="kept")
    is_whole(settings)


Tampering = Callable[[Transaction], object]


def swapped(tx: Transaction) -> None:
    tx.run("UPDATE secret SET identifier = 'x' WHERE identifier = 's1'")
    tx.run("UPDATE secret SET identifier = 's1' WHERE identifier = 's2'")
    tx.run("UPDATE secret SET identifier = 's2' WHERE identifier = 'x'")


def replaced(tx: Transaction) -> None:
    (row,) = tx.all("SELECT * FROM secret WHERE identifier = 's1'")
    tx.insert("secret", **{**dict(row), "id": "another", "identifier": "s100"})


@pytest.mark.parametrize(
    ("tamper", "of_others"),
    [
        (lambda tx: tx.run("UPDATE secret SET digest = :d WHERE identifier = 's1'", d=bytes(32)), False),
        (lambda tx: tx.run("UPDATE secret SET place = :p WHERE identifier = 's1'", p="0" * 64), False),
        (lambda tx: tx.run("UPDATE secret SET place = 'zz' WHERE identifier = 's1'"), False),
        (lambda tx: tx.run("DELETE FROM secret WHERE identifier = 's1'"), False),
        (lambda tx: tx.run("UPDATE scope SET secrets_depth = secrets_depth + 1"), True),
        (lambda tx: tx.run("UPDATE scope SET secrets_count = 1"), True),
        (lambda tx: tx.run("UPDATE secret SET name = 'x' WHERE identifier = 's1'"), False),
        (swapped, False),
        (replaced, False),
    ],
    ids=["digest", "place", "no place", "removed", "depth", "count", "edited", "swapped", "copied"],
)
def test_a_store_that_was_tampered_with(
    settings: Settings, size: int, tmp_path: Path, tamper: Tampering, of_others: bool
) -> None:
    fill(Engine(settings), range(40))
    with rows_of(settings) as tx:
        tamper(tx)
    codes = {"damaged_row", "rolled_back"}
    assert error_of(lambda: read(Engine(settings), "s1")).code in codes
    for call in (
        lambda: declare(Engine(settings), "secret_text", identifier="s1", value=b"new"),
        lambda: declare(Engine(settings), "secret_text", identifier="s1", state="absent"),
        lambda: declare(Engine(settings), "secret_info"),
        lambda: declare(Engine(settings), "scope_info", verify=True),
        lambda: declare(Engine(settings), "store_backup", dest=str(tmp_path / "backup")),
    ):
        assert error_of(call).code in codes
    if of_others:
        assert error_of(lambda: read(Engine(settings), "s30")).code in codes


@pytest.mark.parametrize("change", ["UPDATE secret_index SET digests = :page", "DELETE FROM secret_index"])
def test_pages_that_were_changed(settings: Settings, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(index, "_MOST", 1)
    fill(Engine(settings), range(40))
    with rows_of(settings) as tx:
        assert tx.run(change, page=bytes(512)) > 1
    for call in (
        lambda: read(Engine(settings), "s1"),
        lambda: read(Engine(settings), "none"),
        lambda: declare(Engine(settings), "secret_text", identifier="fresh", value=b"v"),
        lambda: declare(Engine(settings), "scope_info", verify=True),
    ):
        assert error_of(call).code == "rolled_back"
    in_session(settings, lambda session: build_indexes(session.tx))
    is_whole(settings)


def test_a_row_that_others_put_beside_is_not_signed_with_a_change(settings: Settings, size: int) -> None:
    """An older row put back in the same leaf is never signed by who changes another one."""
    engine = Engine(settings)
    fill(engine, range(40))
    with rows_of(settings) as tx:
        old = [dict(row) for row in tx.all("SELECT * FROM secret")]
    fill(engine, range(20), description="newer")
    with rows_of(settings) as tx:
        for row in old[:5]:
            tx.run("DELETE FROM secret WHERE id = :id", id=row["id"])
            tx.insert("secret", **row)
    for number in range(20, 40):
        with suppress(Damaged):
            declare(Engine(settings), "secret_text", identifier=f"s{number}", value=b"changed")
    for row in old[:5]:
        assert error_of(lambda row=row: read(Engine(settings), row["identifier"])).code == "rolled_back"


def test_what_is_proved_is_forgotten_when_it_is_too_much() -> None:
    proved = Proved(most=2)
    for name in (b"a", b"b", b"c"):
        proved.put(name, name * 2)
    assert [proved.get(name) for name in (b"a", b"b", b"c")] == [None, None, b"cc"]


def test_a_wrong_change_is_refused(settings: Settings) -> None:
    fill(Engine(settings), range(2))

    def work(session: Session) -> None:
        found = SecretIndex(session.tx, session.chain(ACCOUNT)[-1], Proved())
        for name, old in (("s0", None), ("s0", b"other"), ("none", b"digest")):
            assert error_of(lambda name=name, old=old: found.put(name, old, b"new")).code == "rolled_back"

    in_session(settings, work)
