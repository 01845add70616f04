# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a key keeper wraps data keys: each with a call to the provider, or many under one branch key.

The first byte of a wrapped data key is its form:

1 | data key wrapped by the provider
2 | len u16 | branch key wrapped by the provider | nonce, data key and tag under the branch key
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from weakref import WeakKeyDictionary, proxy

from ..crypto.context import Context
from ..crypto.envelope import damaged_value
from ..crypto.primitives import AuthenticationFailed
from ..crypto.scopekey import MAX_WRAPS, unwrap_key, wrap_key
from .base import KeyKeeper

__all__ = ["DataKeyWrapping", "data_keys_of"]

_DIRECT, _UNDER_BRANCH = b"\x01", b"\x02"


class DataKeys:
    """The data keys of one logged-in key keeper. Branch keys stay in memory for the run."""

    def __init__(self, keeper: KeyKeeper, *, version: str = "") -> None:
        """`version` is the version of the provider's key to wrap with; empty lets the provider choose."""
        reuse = str(keeper.options.get("data_key_reuse") or "none")
        # A weak reference avoids a cycle: `_known` maps the keeper to this object.
        self.keeper: KeyKeeper = proxy(keeper)
        self._version = version
        self._max_uses = int({"none": "0", "run": str(MAX_WRAPS)}.get(reuse, reuse))
        self._lock = threading.Lock()
        self._branch: tuple[bytes, bytes] | None = None
        self._uses = 0
        self._unwrapped: dict[bytes, bytes] = {}

    @property
    def reuses(self) -> bool:
        return self._max_uses > 0

    def branch(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Return a branch key with room for one more data key, plain and as the provider wrapped it."""
        with self._lock:
            if self._branch is None or self._uses >= self._max_uses:
                key = os.urandom(32)
                self._branch, self._uses = (key, self.wrap(key, context)), 0
            self._uses += 1
            return self._branch

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """Return a key wrapped by the provider."""
        return self.keeper.wrap(key, context, version=self._version)

    def open_branch(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return a branch key. Only the first call for it asks the provider."""
        with self._lock:
            if wrapped not in self._unwrapped:
                self._unwrapped[wrapped] = self.keeper.unwrap(wrapped, context)
            return self._unwrapped[wrapped]


class DataKeyWrapping:
    """Wraps the data key of one value's envelope. The provider sees ids, never names."""

    generation = 0

    def __init__(self, keys: DataKeys, context: Context) -> None:
        self._keys = keys
        self._store = {"store_id": context.store_id}
        self._value = {**self._store, "scope_id": context.scope_id, "secret_id": context.secret_id}
        self._value["version"] = str(context.version)

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Return the data key, wrapped and bound to the value's context."""
        if not self._keys.reuses:
            return _DIRECT + self._keys.wrap(data_key, self._value)
        branch, wrapped = self._keys.branch(self._store)
        return _UNDER_BRANCH + len(wrapped).to_bytes(2, "big") + wrapped + wrap_key(branch, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the data key. Raises Damaged for one that was wrapped for another context."""
        if wrapped[:1] == _DIRECT:
            return self._keys.keeper.unwrap(wrapped[1:], self._value)
        if wrapped[:1] != _UNDER_BRANCH:
            raise damaged_value()
        end = 3 + int.from_bytes(wrapped[1:3], "big")
        try:
            return unwrap_key(self._keys.open_branch(wrapped[3:end], self._store), wrapped[end:], context)
        except AuthenticationFailed:
            raise damaged_value() from None


_known: WeakKeyDictionary[KeyKeeper, DataKeys] = WeakKeyDictionary()
_lock = threading.Lock()


def data_keys_of(keeper: KeyKeeper) -> DataKeys:
    """Return the data keys of a logged-in key keeper, always the same object."""
    with _lock:
        if keeper not in _known:
            _known[keeper] = DataKeys(keeper)
        return _known[keeper]
