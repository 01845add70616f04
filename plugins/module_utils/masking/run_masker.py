# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The masker of a run: it belongs to ansible-playbook, which shows all output, and its workers feed it."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import Any

from .channel import Channel
from .masker import Masker

__all__ = ["RunMasker"]


class RunMasker:
    """Masks every value that this process, or one forked from it, has revealed so far."""

    def __init__(self) -> None:
        self._masker = Masker()
        self._known: set[tuple[str, bytes]] = set()
        # Known values that the masker does not have yet. Each worker reveals what it reads, and few mask anything.
        self._new: deque[tuple[str, bytes]] = deque()
        self._channel = Channel()
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._has_warned = False
        os.register_at_fork(after_in_child=self._unlock)
        # Received at once, because workers block while the channel is full.
        threading.Thread(target=self._listen, daemon=True).start()

    def _unlock(self) -> None:
        # A thread lost at the fork may have held the lock.
        self._lock = threading.Lock()

    def _listen(self) -> None:
        while True:
            self._channel.wait()
            self._receive()

    def _receive(self) -> None:
        with self._lock:
            for message in self._channel.receive():
                kind, _end, value = message.partition(b"\0")
                self._add(kind.decode(), value)

    def _add(self, kind: str, value: bytes) -> bool:
        if (kind, value) in self._known:
            return False
        self._known.add((kind, value))
        self._new.append((kind, value))
        return True

    def _learn(self) -> Masker:
        """Return the masker with all values that are known."""
        with self._lock:
            while self._new:
                self._masker.add(*self._new[0])
                # A process that is forked before this line adds the value again.
                self._new.popleft()
        return self._masker

    def reveal(self, kind: str, value: bytes) -> None:
        """Add a value. In a worker, returns once the parent can receive it too."""
        with self._lock:
            is_new = self._add(kind, value)
        if is_new and os.getpid() != self._process:
            self._channel.send(kind.encode() + b"\0" + value)

    def mask(self, data: Any) -> Any:
        """Return text or data with every secret masked; the same object if there is none."""
        if os.getpid() == self._process:
            self._receive()
        return self._learn().data(data)

    def take_warning(self) -> bool:
        """Return whether a value, or a line of one, is too short to be masked. Returns true only once."""
        is_first = self._learn().has_short and not self._has_warned
        self._has_warned |= is_first
        return is_first
