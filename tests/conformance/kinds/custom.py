# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An external program: the one in tests/servers that keeps plain files and lists its requests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from servers import programs

from conformance.provider import Options, Provider

__all__ = ["PROVIDERS"]


class Custom(Provider):
    KIND = "custom"
    TITLE = "External program"
    CELLS: ClassVar = {"writes": "if the program can", "delete": "if the program can"}
    FORESEES = False
    CREDENTIAL = "credential"

    def __init__(self, fixture: Callable[[str], Any], place: str) -> None:
        super().__init__(fixture, place)
        self.root = Path(fixture("tmp_path")) / f"programs-{place}"
        self.root.mkdir()
        self.credential = f"canary-of-{place}"

    def options(self, place: str = "") -> Options:
        # Without site-packages, the interpreter starts three times as fast.
        program = [sys.executable, "-I", "-S", programs.__file__]
        command = [*program, str(self._folder(place)), programs.digest(self.credential)]
        return {"command": command, "credential": self.credential}

    def _folder(self, place: str = "") -> Path:
        folder = self.root / (place or self.place)
        folder.mkdir(exist_ok=True)
        return folder

    def wrong_login(self) -> Options:
        return {"credential": "canary-of-nobody"}

    @property
    def requests(self) -> Sequence[Any]:
        lines = [line for log in sorted(self.root.glob(f"*/{programs.LOG}")) for line in log.read_text().splitlines()]
        return [SimpleNamespace(verb=line.partition(" ")[0]) for line in lines]

    def forget_requests(self) -> None:
        for log in self.root.glob(f"*/{programs.LOG}"):
            log.unlink()

    def is_login(self, seen: Any) -> bool:
        return bool(seen.verb == "capabilities")

    def is_read(self, seen: Any) -> bool:
        return bool(seen.verb == "get")

    def is_write(self, seen: Any) -> bool:
        return seen.verb in ("put", "delete")

    def path(self, identifier: str, place: str = "") -> str:
        return identifier

    def present(self) -> set[str]:
        return {json.loads(file.read_text())["path"] for file in self.root.glob("*/*.json")}

    def value_at(self, path: str) -> bytes | None:
        entry = programs.entry_at(self._folder(), path)
        return entry["raw"] if entry else None

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.value_at(path) or b"")
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        programs.write(self._folder(), path, json.dumps(fields))
        self.foreign.add(path)

    def change(self, path: str, value: str) -> None:
        programs.change(self._folder(), path, value)

    def remove(self, path: str) -> None:
        Path(programs.file_of(self._folder(), path)).unlink(missing_ok=True)


PROVIDERS = [Custom]
