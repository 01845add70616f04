# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The indexes of a scope, of its secrets and of its children: hash trees that prove what is the newest, or not there.

A place is the SHA-256 of an identifier, in hexadecimal. A leaf has the places that share their first digits, with the
digests of what is there; a page has the digests of the sixteen leaves or pages below it. The scope's signed row has the
digest at the root and the number of levels. Leaves and pages are hashed differently, so that neither passes for the
other (as in RFC 6962, 2.1). A small index is a single leaf without any pages.

What is read is checked against the root; what is written is computed from what was checked and from the change, never
from what the database has by then. So a change of one thing never signs what somebody else changed beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, product
from operator import add
from typing import ClassVar, NamedTuple

from ...model.entities import Scope, Secret
from ...store.database import Transaction
from ...store.indexes import (
    CHILDREN,
    SECRETS,
    Entry,
    IndexTables,
    all_pages,
    delete_pages,
    depths,
    entries_of,
    find_path,
    leaf_of,
    put_pages,
    replace_child,
    secrets_below,
)
from ...store.secrets import place_of
from .integrity import not_as_written
from .proved import Proved

__all__ = ["EMPTY_ROOT", "ChildIndex", "SecretIndex", "build_indexes", "depth_for", "root_of"]

_DIGITS = "0123456789abcdef"
_SIZE = hashlib.sha256().digest_size
_PLACE = 2 * _SIZE
# The most entries of a scope whose index is a single leaf, and of a leaf on average where there are pages.
_SMALL, _MOST = 32, 8
_DEEPEST = 12
# Levels that a list reads at once: a few hundred rows.
_AT_ONCE = 2

Leaf = dict[str, bytes]


def _leaf_digest(entries: Sequence[Entry]) -> bytes:
    """Return the digest of a leaf, empty for entries of another size: one could contain the next one."""
    places, digests = [place.encode() for place, _digest in entries], [digest for _place, digest in entries]
    if {*map(len, places)} - {_PLACE} or {*map(len, digests)} - {_SIZE}:
        return b""
    return hashlib.sha256(b"\0" + b"".join(map(add, places, digests))).digest()


def _page_digest(page: bytes) -> bytes:
    return hashlib.sha256(b"\1" + page).digest()


EMPTY_ROOT = _leaf_digest([])
_EMPTY = [EMPTY_ROOT]
"""The digests of trees without entries, by their height. Pages of such trees are not stored."""
_EMPTY_PAGES: dict[bytes, bytes] = {}
for _height in range(_DEEPEST):
    _EMPTY.append(_page_digest(_EMPTY[-1] * len(_DIGITS)))
    _EMPTY_PAGES[_EMPTY[-1]] = _EMPTY[-2] * len(_DIGITS)


def depth_for(count: int, depth: int) -> int:
    """Return how many levels of pages a tree of `count` entries should have that has `depth` of them now.

    It loses a level only when there is room for four times as many entries in the rest.
    """
    while count > _room(depth):
        depth += 1
    while depth and count * 4 < _room(depth - 1):
        depth -= 1
    return depth


def _room(depth: int) -> int:
    return _MOST * len(_DIGITS) ** depth if depth else _SMALL


class _Tree(NamedTuple):
    """The digest at the top of a tree, its pages by prefix, and how many entries it has."""

    root: bytes
    pages: dict[str, bytes]
    size: int


def _tree(entries: Iterable[Entry], depth: int, top: str = "") -> _Tree:
    """Return the tree over entries in order, whose places all start with `top`."""
    digests: dict[str, bytes] = {}
    pages: dict[str, bytes] = {}
    count = 0
    for prefix, group in groupby(entries, lambda entry: entry[0][:depth]):
        leaf = list(group)
        digests[prefix] = _leaf_digest(leaf)
        count += len(leaf)
    for level in reversed(range(len(top), depth)):
        blank = _EMPTY[depth - level - 1]
        above = {prefix[:level] for prefix in digests}
        made = {prefix: b"".join(digests.get(prefix + digit, blank) for digit in _DIGITS) for prefix in above}
        digests = {prefix: _page_digest(page) for prefix, page in made.items()}
        pages.update(made)
    return _Tree(digests.get(top, _EMPTY[depth - len(top)]), pages, count)


def root_of(entries: Iterable[Entry], depth: int) -> bytes:
    """Return the digest at the root of the tree over entries in order."""
    return _tree(entries, depth).root


def build_indexes(tx: Transaction) -> None:
    """Write the pages of all scopes over the entries that the database has. Needs no key, and proves nothing."""
    for tables in (SECRETS, CHILDREN):
        for scope_id, depth in depths(tx, tables).items():
            _build(tx, tables, scope_id, depth)


def _build(tx: Transaction, tables: IndexTables, scope_id: str, depth: int) -> bytes:
    """Write the pages over the entries that the database has; return the root, for the caller to compare."""
    tree = _tree(entries_of(tx, tables, scope_id), depth)
    delete_pages(tx, tables, scope_id)
    put_pages(tx, tables, scope_id, tree.pages)
    return tree.root


class _Index:
    """An index of one scope in one transaction. Raises Damaged for what is not as it was last written."""

    TABLES: ClassVar[IndexTables]
    NOUN: ClassVar[str]

    def __init__(self, tx: Transaction, scope: Scope, proved: Proved, root: bytes, depth: int, count: int) -> None:
        self._tx = tx
        self._scope = scope
        self._proved = proved
        self._pages: dict[str, bytes] = {}
        self._changed: dict[str, Leaf] = {}
        # The leaf that was read with the pages above it, before these say what it must be.
        self._read: dict[str, list[Entry]] = {}
        # The thing that was asked for last, for messages.
        self._at = ""
        self.root = root
        self.depth = depth
        self.count = count

    def digest(self, identifier: str) -> bytes | None:
        """Return the digest that a thing must have, None if there must be no such thing."""
        self._at = identifier
        place = place_of(identifier)
        return self._leaf(place[: self.depth]).get(place)

    def put(self, identifier: str, old: bytes | None, new: bytes | None) -> None:
        """Replace the digest of a thing; None for no such thing. Called before the entry is written."""
        place = place_of(identifier)
        prefix = place[: self.depth]
        if self._leaf(prefix).get(place) != old:
            raise self._damaged()
        leaf = self._changed.get(prefix) or dict(self._leaf(prefix))
        self._changed[prefix] = leaf
        if new is None:
            leaf.pop(place, None)
        else:
            leaf[place] = new
        self.count += (new is not None) - (old is not None)

    def write(self) -> None:
        """Write the pages above what was changed, from the leaves up. The rows are written already."""
        self._read = {}
        if not self._changed:
            return
        digests = {prefix: self._keep_leaf(leaf) for prefix, leaf in self._changed.items()}
        pages: dict[str, bytes] = {}
        for _level in range(self.depth):
            above = self._pages_above(digests)
            digests = {prefix: self._keep_page(page) for prefix, page in above.items()}
            pages.update(above)
        put_pages(self._tx, self.TABLES, self._scope.id, pages)
        self._pages.update(pages)
        self._changed.clear()
        self.root = digests[""]
        depth = depth_for(self.count, self.depth)
        if depth != self.depth:
            self._rebuild(depth)

    def check_all(self) -> None:
        """Raise Damaged unless all entries and all pages are those that the root commits to."""
        self._at = ""
        tree = _tree(entries_of(self._tx, self.TABLES, self._scope.id), self.depth)
        blank = set(_EMPTY_PAGES.values())
        stored = {
            prefix: page for prefix, page in all_pages(self._tx, self.TABLES, self._scope.id) if page not in blank
        }
        if (tree.root, tree.pages, tree.size) != (self.root, stored, self.count):
            raise self._damaged()

    def _leaf(self, prefix: str) -> Leaf:
        if prefix in self._changed:
            return self._changed[prefix]
        wanted = self._digest_at(prefix)
        leaf: Leaf | None = self._proved.get(wanted)
        if leaf is None:
            read, self._read = self._read, {}
            entries = read[prefix] if prefix in read else leaf_of(self._tx, self.TABLES, self._scope.id, prefix)
            if _leaf_digest(entries) != wanted:
                raise self._damaged()
            leaf = dict(entries)
            self._proved.put(wanted, leaf)
        return leaf

    def _digest_at(self, prefix: str) -> bytes:
        """Return the digest that the leaf or page at a prefix must have."""
        wanted = self.root
        stored: dict[str, bytes] | None = None
        for level, digit in enumerate(prefix):
            page = _EMPTY_PAGES.get(wanted) or self._proved.get(wanted)
            if page is None:
                if stored is None:
                    above = [prefix[:length] for length in range(level, len(prefix))]
                    stored, entries = find_path(self._tx, self.TABLES, self._scope.id, above, prefix)
                    self._read = {prefix: entries}
                page = stored.get(prefix[:level], b"")
                if self._keep_page(page) != wanted:
                    raise self._damaged()
            self._pages[prefix[:level]] = page
            start = _SIZE * int(digit, 16)
            wanted = page[start : start + _SIZE]
        return wanted

    def _pages_above(self, digests: dict[str, bytes]) -> dict[str, bytes]:
        """Return the pages above some leaves or pages, with their digests."""
        above: dict[str, bytearray] = {}
        for prefix, digest in digests.items():
            page = above.setdefault(prefix[:-1], bytearray(self._pages[prefix[:-1]]))
            start = _SIZE * int(prefix[-1], 16)
            page[start : start + _SIZE] = digest
        return {prefix: bytes(page) for prefix, page in above.items()}

    def _keep_leaf(self, leaf: Leaf) -> bytes:
        digest = _leaf_digest(sorted(leaf.items()))
        self._proved.put(digest, leaf)
        return digest

    def _keep_page(self, page: bytes) -> bytes:
        digest = _page_digest(page)
        self._proved.put(digest, page)
        return digest

    def _rebuild(self, depth: int) -> None:
        tree = _tree(entries_of(self._tx, self.TABLES, self._scope.id), self.depth)
        if (tree.root, tree.size) != (self.root, self.count):
            raise self._damaged()
        self.root, self.depth = _build(self._tx, self.TABLES, self._scope.id, depth), depth
        self._pages.clear()

    def _damaged(self) -> Exception:
        return not_as_written(self._scope.path, self.NOUN, self._at)


class SecretIndex(_Index):
    """The index of the secrets of a scope."""

    TABLES = SECRETS
    NOUN = "secrets"

    def __init__(self, tx: Transaction, scope: Scope, proved: Proved) -> None:
        super().__init__(tx, scope, proved, scope.secrets_root, scope.secrets_depth, scope.secrets_count)

    def secrets(self) -> Iterator[Secret]:
        """Yield all secrets, whose digests are proved and none is missing, in no useful order."""
        self.write()
        level = max(0, self.depth - _AT_ONCE)
        for digits in product(_DIGITS, repeat=level):
            prefix = "".join(digits)
            found = secrets_below(self._tx, self._scope.id, prefix)
            entries = [(place_of(secret.identifier), secret.digest) for secret in found]
            if not _in_order(entries, prefix) or _tree(entries, self.depth, prefix).root != self._digest_at(prefix):
                raise self._damaged()
            yield from found


class ChildIndex(_Index):
    """The index of the scopes right below a scope."""

    TABLES = CHILDREN
    NOUN = "scopes below"

    def __init__(self, tx: Transaction, scope: Scope, proved: Proved) -> None:
        super().__init__(tx, scope, proved, scope.children_root, scope.children_depth, scope.children_count)

    def replace(self, identifier: str, digest: bytes | None) -> bool:
        """Write the digest of a child in place of the one that it has, None to remove it; tell if that changed it."""
        old = self.digest(identifier)
        if digest == old:
            return False
        self.put(identifier, old, digest)
        replace_child(self._tx, self._scope.id, place_of(identifier), digest)
        return True


def _in_order(entries: Sequence[Entry], prefix: str) -> bool:
    """Tell whether places ascend and start with a prefix. What the database calls ordered may not be."""
    places = [place for place, _digest in entries]
    return places == sorted(set(places)) and all(place.startswith(prefix) for place in places)
