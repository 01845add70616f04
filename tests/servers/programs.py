# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for connector_custom that tests can inspect: plain files in a folder, and a log of its requests.

python programs.py FOLDER [SHA-256 of the credential, in hex]
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
import sys

# Tests start this program thousands of times. It imports as little as it can, since that takes most of its time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

__all__ = ["ALL_VERBS", "LOG", "change", "digest", "entry_at", "file_of", "write"]

NOT_FOUND, DENIED, FOREIGN = 10, 11, 13
LOG = "asked.log"
ALL_VERBS = ["get", "put", "delete", "check"]


def file_of(folder: str | Path, path: str) -> str:
    """Return the file of an entry. Its name is a hash: paths may be `../a`, or differ in case only."""
    return os.path.join(folder, f"{hashlib.sha256(path.encode()).hexdigest()}.json")


def entry_at(folder: str | Path, path: str) -> dict[str, Any] | None:
    """Return the entry at a path, with the value's bytes as `raw`."""
    try:
        with open(file_of(folder, path), encoding="utf-8") as file:
            entry: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    text, encoded = entry.get("value"), entry.get("value_b64")
    return {**entry, "raw": binascii.a2b_base64(encoded) if text is None else text.encode()}


def digest(credential: str) -> str:
    return hashlib.sha256(credential.strip().encode()).hexdigest()


def write(folder: str | Path, path: str, value: str, owner: str = "") -> None:
    _write(folder, {"path": path, "value": value, "owner": owner})


def _write(folder: str | Path, entry: dict[str, Any]) -> None:
    with open(file_of(folder, entry["path"]), "w", encoding="utf-8") as file:
        json.dump(entry, file)


def change(folder: str | Path, path: str, value: str) -> None:
    """Change a value, but not its owner."""
    write(folder, path, value, (entry_at(folder, path) or {}).get("owner", ""))


def answer(folder: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
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
        _write(folder, {name: request[name] for name in ("path", "value", "value_b64", "owner") if name in request})
        return 0, {"version": "1"}
    os.remove(file_of(folder, path))
    return 0, {}


def main() -> int:
    folder = sys.argv[1]
    request = json.load(sys.stdin)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LOG), "a", encoding="utf-8") as log:
        log.write(f"{request['verb']} {request.get('path', '')}\n")
    if sys.argv[2:] and sys.argv[2] != digest(request.get("credential", "")):
        return DENIED
    status, reply = answer(folder, request)
    json.dump(reply, sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
