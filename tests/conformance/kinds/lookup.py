# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup plugins: ansible.builtin.csvfile, which reports a missing row without an error."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.managers.lookup.plugins import find

from conformance.provider import Options, Provider

__all__ = ["PROVIDERS"]

PLUGIN = "ansible.builtin.csvfile"


class Lookup(Provider):
    KIND = "lookup"
    TITLE = "Ansible lookup plugin"

    def __init__(self, fixture: Callable[[str], Any], place: str) -> None:
        super().__init__(fixture, place)
        self._file = Path(fixture("tmp_path")) / f"values-{place}.csv"
        self._file.touch()
        self._asked: list[Any] = []
        self._listen(fixture("monkeypatch"))

        # The collection was imported without Ansible's loader. Plugins load it, and it requires this.
        vars(sys.modules["ansible_collections.scoped.secrets"]).setdefault("_collection_meta", {})

    def _listen(self, monkeypatch: Any) -> None:
        plugin = type(find(PLUGIN)[0])
        read = plugin.read_csv

        def listened(reader: Any, *arguments: Any, **options: Any) -> Any:
            self._asked.append(arguments)
            return read(reader, *arguments, **options)

        monkeypatch.setattr(plugin, "read_csv", listened)

    def options(self, place: str = "") -> Options:
        return {"plugin": PLUGIN, "options": {"file": str(self._file), "delimiter": ","}}

    @property
    def requests(self) -> Sequence[Any]:
        return self._asked

    def forget_requests(self) -> None:
        self._asked.clear()

    def is_read(self, seen: Any) -> bool:
        return True

    def is_write(self, seen: Any) -> bool:
        return False

    def _rows(self) -> dict[str, str]:
        with self._file.open(newline="", encoding="utf-8") as file:
            return {row[0]: row[1] for row in csv.reader(file)}

    def _write(self, rows: Mapping[str, str]) -> None:
        with self._file.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows.items())

    def present(self) -> set[str]:
        return set(self._rows())

    def fields_at(self, path: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self._rows()[path])
        return fields

    def write_foreign(self, path: str, fields: Mapping[str, Any]) -> None:
        self._write({**self._rows(), path: json.dumps(fields)})
        self.foreign.add(path)

    def remove(self, path: str) -> None:
        self._write({name: value for name, value in self._rows().items() if name != path})


PROVIDERS = [Lookup]
