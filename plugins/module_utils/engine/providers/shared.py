# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all engines of a process share: logins, fetched values, counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ...processes.caller import this_caller
from ..audit.recorder import Recorder
from .usage import Usage

if TYPE_CHECKING:
    from ...credentials.host_logins import HostLogins
    from ...model.audit import Caller
    from .fetch_cache import Fetches
    from .providers import Providers

__all__ = ["Shared"]


class Shared:
    """The state that the engines of a process share. Many threads may use it.

    `folder` is the path of a private folder for this process, created when it is needed; empty: a temporary folder.
    `caller` is who runs ansible-playbook, given only in a broker.
    """

    def __init__(self, folder: str = "", caller: Caller | None = None) -> None:
        self.usage = Usage()
        self.is_served = caller is not None
        self.restored = 0
        """How many stores this process has restored. Each engine compares, and opens its store again."""
        self._caller = caller
        self._recorders: list[Recorder] = []
        self._folder = folder
        self._lock = threading.Lock()
        self._host_logins: HostLogins | None = None
        self._providers: Providers | None = None
        self._fetches: Fetches | None = None

    @property
    def caller(self) -> Caller:
        """Who runs ansible-playbook."""
        self._caller = self._caller or this_caller()
        return self._caller

    # Modules that only some runs need are imported on first use. A cached property would not do: all threads must get
    # the same object.
    @property
    def providers(self) -> Providers:
        """The logged-in secret managers."""
        from .providers import Providers

        with self._lock:
            self._providers = self._providers or Providers(self.usage)
            return self._providers

    @property
    def fetches(self) -> Fetches:
        """The values that were fetched from secret managers."""
        from .fetch_cache import Fetches

        with self._lock:
            self._fetches = self._fetches or Fetches()
            return self._fetches

    @property
    def host_logins(self) -> HostLogins:
        """The ssh-agent and the Kerberos tickets."""
        from ...credentials.host_logins import HostLogins

        with self._lock:
            self._host_logins = self._host_logins or HostLogins(self._folder)
            return self._host_logins

    def add_recorder(self, recorder: Recorder) -> None:
        self._recorders.append(recorder)

    def write_out(self) -> None:
        """Write all audit records that are still held back."""
        for recorder in self._recorders:
            recorder.write_out()

    def troubles(self) -> list[str]:
        """Return all warnings about the audit so far."""
        return [trouble for recorder in self._recorders for trouble in recorder.troubles]

    def take_notices(self) -> list[str]:
        """Return new notices about secret managers, each once."""
        return self._providers.take_notices() if self._providers else []

    def close(self) -> None:
        """Log out of secret managers; end the ssh-agent and remove the tickets."""
        if self._providers:
            self._providers.close()
        if self._host_logins:
            self._host_logins.close()
