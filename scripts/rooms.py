# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of the code, from the top down. A room imports itself and the rooms below it, nothing else.

A unit test holds every import to this table. Run this file to write the table into the architecture page.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGE", "ROOMS", "Import", "Room", "imports", "page_with_rooms", "room_of"]

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "plugins"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: begin -->", "<!-- rooms: end -->"


class Room(NamedTuple):
    """A folder or a single file below plugins/. Rooms on one `floor` don't import each other."""

    place: str
    purpose: str
    floor: int


def _floors(*floors: tuple[tuple[str, str], ...]) -> tuple[Room, ...]:
    return tuple(Room(place, purpose, number) for number, floor in enumerate(floors) for place, purpose in floor)


ROOMS = _floors(
    (
        ("action", "four lines for each module: its SPEC, run by the router on the control node"),
        ("callback", "output masking, usage of a run"),
        ("connection", "the SSH connection with a stored credential"),
        ("filter", "expressions in text, items of a manifest"),
        ("lookup", "values in templates"),
    ),
    (("plugin_utils", "the router, the manifest's router, and what reaches into ansible-core's output"),),
    (("modules", "documentation, one SPEC and a two-line main() for each module"),),
    (("doc_fragments", "documentation that several modules share"),),
    (("module_utils/face", "what faces share: Spec, option resolution, censoring"),),
    (("module_utils/client", "how a face reaches the engine: inline, or through the broker"),),
    (("module_utils/broker", "the process that a run shares: socket, life cycle, streaming"),),
    (("module_utils/engine", "the engine, and which of its code handles a module's call"),),
    (("module_utils/engine/manifest", "many things declared in one task, in the order of their references"),),
    (("module_utils/engine/keys", "rotation of root, scope and provider keys; exported keys"),),
    (("module_utils/engine/backup", "backup, restore, and the proof that a copy is whole"),),
    (("module_utils/engine/reports", "doctor, what a store holds"),),
    (("module_utils/engine/things", "one file for each noun that modules declare, with its views and options"),),
    (("module_utils/engine/changes", "the write road: load, observe, plan, prepare, commit"),),
    (("module_utils/engine/reading", "the road to a value: resolve, fetch, compose"),),
    (("module_utils/engine/providers", "the logins and calls of a run, and the open store they belong to"),),
    (("module_utils/engine/audit", "audit records and their chains"),),
    (("module_utils/engine/rows", "rows that are verified when read and signed when written; keyring, shares"),),
    (("module_utils/managers/registry.py", "which kinds of secret managers there are"),),
    (
        ("module_utils/managers/aws", "AWS KMS, AWS Secrets Manager"),
        ("module_utils/managers/azure", "Azure Key Vault"),
        ("module_utils/managers/custom", "an external program"),
        ("module_utils/managers/cyberark", "CyberArk Conjur, Central Credential Provider"),
        ("module_utils/managers/gcp", "Google Cloud KMS, Google Secret Manager"),
        ("module_utils/managers/hashicorp_vault", "HashiCorp Vault, OpenBao"),
        ("module_utils/managers/lookup", "any Ansible lookup plugin"),
    ),
    (("module_utils/managers", "what kinds share: base classes, HTTP, failures, data keys"),),
    (("module_utils/sinks", "where audit records go besides the store"),),
    (("module_utils/masking", "values masked in output"),),
    (("module_utils/credentials", "what connects to hosts: the ssh-agent, tickets, keys, the check of a host"),),
    (("module_utils/store/places.py", "where a store is, and whether there is one"),),
    (("module_utils/store/postgresql", "PostgreSQL: connections, TLS, roles and their rights"),),
    (("module_utils/store", "tables, statements, transactions, migrations, SQLite"),),
    (("module_utils/crypto", "envelopes, keys, the format of backups"),),
    (("module_utils/processes", "programs, identities of processes, folders, bytecode"),),
    (("module_utils/model", "plain values, references, errors: no I/O"),),
)


class Import(NamedTuple):
    """An import of one file of the collection by another, lazy or for type checking only too. Paths below plugins/."""

    importer: str
    imported: str


def imports() -> Iterator[Import]:
    """Yield all imports between files of the collection."""
    for file in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                for alias in node.names:
                    imported = next((p for p in _candidates(folder, alias.name) if p.is_file()), None)
                    if imported:
                        yield Import(str(file.relative_to(PLUGINS)), str(imported.relative_to(PLUGINS)))


def _candidates(folder: Path, name: str) -> tuple[Path, ...]:
    return folder / f"{name}.py", folder / name / "__init__.py", folder.with_suffix(".py"), folder / "__init__.py"


def room_of(file: str) -> Room | None:
    """Return the room of a file, None for one that is in no room."""
    places = file, file.rpartition("/")[0]
    return next((room for room in ROOMS if room.place in places), None)


def _listed() -> str:
    width = max(len(room.place) for room in ROOMS) + 3
    names = [room.place if room.place.endswith(".py") else f"{room.place}/" for room in ROOMS]
    return "\n".join(f"    {name:{width}}{room.purpose}" for name, room in zip(names, ROOMS, strict=True))


def page_with_rooms(text: str) -> str:
    """Return the text of the architecture page with the table between its marks."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{_listed()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_rooms(PAGE.read_text()))
