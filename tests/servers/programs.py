# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for connector_custom that tests can inspect: plain files in a folder, and a log of its requests.

python programs.py FOLDER [SHA-256 of the credential, in hex]
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["ALL_VERBS", "LOG", "change", "digest", "entry_at", "file_of", "write"]

NOT_FOUND, DENIED, FOREIGN = 10, 11, 13
LOG = "asked.log"
ALL_VERBS = ["get", "put", "delete", "check"]


def file_of(folder: Path, path: str) -> Path:
    """Return the file of an entry. Its name is a hash: paths may be `../a`, or differ in case only."""
    return folder / f"{hashlib.sha256(path.encode()).hexdigest()}.json"


def entry_at(folder: Path, path: str) -> dict[str, Any] | None:
    """Return the entry at a path, with the value's bytes as `raw`."""
    try:
        entry: dict[str, Any] = json.loads(file_of(folder, path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    text, encoded = entry.get("value"), entry.get("value_b64")
    return {**entry, "raw": base64.b64decode(encoded) if text is None else text.encode()}


def digest(credential: str) -> str:
    return hashlib.sha256(credential.strip().encode()).hexdigest()


def write(folder: Path, path: str, value: str, owner: str = "") -> None:
    file_of(folder, path).write_text(json.dumps({"path": path, "value": value, "owner": owner}), encoding="utf-8")


def change(folder: Path, path: str, value: str) -> None:
    """Change a value, but not its owner."""
    write(folder, path, value, (entry_at(folder, path) or {}).get("owner", ""))


def answer(folder: Path, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    verb, path = request["verb"], request.get("path", "")
    entry = entry_at(folder, path)
    if verb == "capabilities":
        return 0, {"verbs": ALL_VERBS}
    if verb == "check":
        return 0, {}
    if entry is None and verb != "put":
        return NOT_FOUND, {}
    if verb == "get":
        return 0, {name: entry[name] for name in ("value", "value_b64") if entry and name in entry}
    if entry and entry["owner"] != request["owner"] and not request.get("adopt"):
        return FOREIGN, {}
    if verb == "put":
        kept = {name: request[name] for name in ("path", "value", "value_b64", "owner") if name in request}
        file_of(folder, path).write_text(json.dumps(kept), encoding="utf-8")
        return 0, {"version": "1"}
    file_of(folder, path).unlink()
    return 0, {}


def main() -> int:
    folder = Path(sys.argv[1])
    request = json.load(sys.stdin)
    folder.mkdir(exist_ok=True)
    with open(folder / LOG, "a", encoding="utf-8") as log:
        log.write(f"{request['verb']} {request.get('path', '')}\n")
    if sys.argv[2:] and sys.argv[2] != digest(request.get("credential", "")):
        return DENIED
    status, reply = answer(folder, request)
    json.dump(reply, sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
