# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The masker of a run: of ansible-playbook itself, which shows everything, fed by all of its workers."""

from __future__ import annotations

import os
import threading
from typing import Any

from .channel import Channel
from .masker import Masker

__all__ = ["RunMasker"]


class RunMasker:
    """Masks with every value that this process, or one forked from it, has revealed so far."""

    def __init__(self) -> None:
        self._masker = Masker()
        self._channel = Channel()
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._has_warned = False
        os.register_at_fork(after_in_child=self._unlock)
        # Workers wait while nobody takes what they send.
        threading.Thread(target=self._listen, daemon=True).start()

    def _unlock(self) -> None:
        # A thread that a fork left behind may have had it.
        self._lock = threading.Lock()

    def _listen(self) -> None:
        while True:
            self._channel.wait()
            self._receive()

    def _receive(self) -> None:
        with self._lock:
            for message in self._channel.receive():
                kind, _end, value = message.partition(b"\0")
                self._masker.add(kind.decode(), value)

    def reveal(self, kind: str, value: bytes) -> None:
        """Take a value; the parent knows it too before a worker goes on."""
        with self._lock:
            is_new = self._masker.add(kind, value)
        if is_new and os.getpid() != self._process:
            self._channel.send(kind.encode() + b"\0" + value)

    def mask(self, data: Any) -> Any:
        """Return text or data with all that is secret replaced; the very same object where there is nothing."""
        if os.getpid() == self._process:
            self._receive()
        return self._masker.data(data)

    def take_warning(self) -> bool:
        """Tell once whether there is a value, or a line of one, that is too short to be masked."""
        is_first = self._masker.has_short and not self._has_warned
        self._has_warned |= is_first
        return is_first
