# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store, worked through the real engine as a run does; whatever comes back is searched for values."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

__all__ = ["Workplace", "canary"]

_CANARY = re.compile(r"canary-[\w-]+", re.ASCII)


def canary() -> str:
    """Return a value that is found again wherever it goes."""
    return f"canary-{secrets.token_hex(12)}"


class Watch:
    """Remembers the canaries that went in, and looks for them in what comes out."""

    def __init__(self) -> None:
        self._forms: set[bytes] = set()

    def note(self, given: Any) -> None:
        """Remember every canary in what is given."""
        if isinstance(given, dict):
            given = " ".join(map(str, given.values()))
        text = given.decode(errors="replace") if isinstance(given, bytes) else str(given)
        for found in _CANARY.findall(text[:2000]):
            self.remember(found.encode())

    def remember(self, value: bytes) -> None:
        """Remember a value in every form in which it might come out."""
        text = value.decode(errors="replace")
        escaped = [quote(text), json.dumps(text)[1:-1]]
        self._forms |= {value, base64.b64encode(value), value.hex().encode(), *(one.encode() for one in escaped)}

    def look(self, thing: object) -> None:
        """Fail if a canary is in what came out."""
        raw = thing if isinstance(thing, bytes) else repr(thing).encode()
        # Not the canary itself, which pytest would print.
        assert [len(form) for form in self._forms if form in raw] == []


class Workplace:
    """One store. `new_run` is what happens when the next playbook runs: nothing in memory is left."""

    def __init__(self, folder: Path) -> None:
        key_file = folder / "root.key"
        key_file.write_bytes(base64.b64encode(os.urandom(32)))
        key_file.chmod(0o600)
        self._file = folder / "store" / "store.db"
        self._settings = Settings(f"sqlite:///{self._file}", str(key_file))
        self._shared = Shared()
        self._engine = Engine(self._settings, shared=self._shared)
        self.watch = Watch()

    def new_run(self) -> None:
        self._shared.close()
        self._shared = Shared()
        self._engine = Engine(self._settings, shared=self._shared)

    def declare(self, resource: str, *, check_mode: bool = False, **params: Any) -> Result:
        """Return what a module gets; raise the error that it would fail with."""
        self.watch.note(_without_places(params))
        try:
            result = self._engine.handle(Request(resource, params, check_mode=check_mode))
        except ScopedSecretsError as error:
            self._look_at(error)
            raise
        self.watch.look(result)
        return result

    def view(self, resource: str, **params: Any) -> Any:
        """Return the one thing that a call returns."""
        return next(iter(self.declare(resource, **params).returned.values()))

    def refused(self, call: Callable[[], object]) -> ScopedSecretsError:
        """Return the error of ours that a call raises, which has a code and a next step."""
        with pytest.raises(ScopedSecretsError) as caught:
            call()
        self._look_at(caught.value)
        assert caught.value.code not in ("", "internal_error")
        assert caught.value.hint
        return caught.value

    def answers(self, queries: Sequence[Query]) -> list[Answer]:
        """Return the answers that lookups get at once."""
        answers = self._engine.resolve(queries)
        for answer in answers:
            self._look_at(answer.error)
        return answers

    def read(self, reference: str, org: str = "", project: str = "", **query: Any) -> bytes:
        """Return a value; raise the error that stands in its way."""
        answer = self.answers([Query(reference, org, project, **query)])[0]
        if answer.error:
            raise answer.error
        return answer.value

    def count(self, what: str) -> int:
        """Return how many `logins`, `requests` … this run made, as it tells itself."""
        return int(self._shared.usage.counts()[what])

    def rows(self, table: str) -> int:
        """Return how many rows a table of the store has; none if there is no store yet."""
        if not self._file.exists():
            return 0
        with closing(sqlite3.connect(self._file)) as database:
            return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def versions_at_provider(self) -> list[str]:
        """Return how the provider names the versions that were written, the oldest first."""
        with closing(sqlite3.connect(self._file)) as database:
            rows = database.execute("SELECT at_provider FROM secret_version ORDER BY version").fetchall()
        return [str(name).partition("~")[0] for (name,) in rows if name]

    def search_store(self) -> None:
        """Fail if a value lies in the store's files as it is."""
        for file in self._file.parent.glob("*"):
            self.watch.look(file.read_bytes())

    def _look_at(self, error: ScopedSecretsError | None) -> None:
        if error:
            self.watch.look((error.to_dict(), str(error), repr(error)))


def _without_places(params: dict[str, Any]) -> dict[str, Any]:
    """Return what may hold a value: names and tags are for people."""
    return {name: value for name, value in params.items() if name not in ("identifier", "reference", "tags")}
