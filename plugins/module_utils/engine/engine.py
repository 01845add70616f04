# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: what faces ask of a store. It runs inline in a face, or in the broker's process.

The rooms below it are loaded when a call needs them: most runs only read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.errors import ScopedSecretsError
from ..model.scopes import ScopePath
from ..model.settings import Settings
from .providers.shared import Shared
from .reading.reader import Reader

if TYPE_CHECKING:
    from ..model.messages import Request, Result, Tell

__all__ = ["Engine", "Shared"]


class Engine(Reader):
    """One store with all that can be asked of it. Many threads may call it."""

    def __init__(
        self, settings: Settings, *, place: str = "in the process of the task", shared: Shared | None = None
    ) -> None:
        super().__init__(settings, place=place, shared=shared)
        self._preloaded: set[ScopePath] = set()

    def handle(self, request: Request, tell: Tell | None = None) -> Result:
        """Return the result of a module's call; raise a ScopedSecretsError."""
        from ..model.messages import tell_nobody
        from .dispatch import handle

        self.shared.usage.add("calls")
        try:
            result = handle(self, request, tell or tell_nobody)
        except ScopedSecretsError as error:
            found = self.explained(error)
            found.warnings = [*self.take_notices(), *error.warnings]
            raise found from None
        result.warnings = [*self.take_notices(), *result.warnings]
        return result

    def preload(self, org: str, project: str) -> None:
        """Fetch everything that secret managers have for a scope, once in a run; raise a ScopedSecretsError.

        Does nothing in the process of a task, whose cache would end with it.
        """
        if not self.shared.is_served:
            return
        from .reading.preloading import preload

        self.shared.usage.add("calls")
        path = ScopePath.of(org, project)
        # Other callers wait here, so that they don't fetch values one by one meanwhile.
        with self.turn(("preload", path)):
            if path not in self._preloaded:
                self.audit.take(preload(self, path))
                self._preloaded.add(path)
