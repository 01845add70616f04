#!/usr/bin/env python3
# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for connector_custom: keeps secrets as files in a folder, encrypted with age (https://age-encryption.org).

    command: [/opt/ansible/age_folder.py, /srv/secrets/payments]
    credential: an age identity, as `age-keygen` writes it (AGE-SECRET-KEY-1...)

The folder must exist and can be a git repository. A file holds the value and its owner, encrypted for the identity
itself, so the same credential encrypts and decrypts. The program needs only Python 3.9 and the commands `age` and
`age-keygen`. Copy it and adapt it to your needs. docs/managers/custom.md describes the protocol.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOT_FOUND, DENIED, UNAVAILABLE, FOREIGN = 10, 11, 12, 13
SUFFIX = ".age"
PATH = re.compile(r"[A-Za-z0-9_$-][A-Za-z0-9_$.-]*(/[A-Za-z0-9_$-][A-Za-z0-9_$.-]*)*")


class Refused(Exception):
    """Ends the program with an exit status that says why."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def age(command: list[str], content: bytes, secret: str = "") -> bytes:
    """Run age. A pipe passes the identity, which stays out of files and arguments."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(secret)
    command = [f"/dev/fd/{reading}" if part == "IDENTITY" else part for part in command]
    try:
        done = subprocess.run(command, input=content, stdout=subprocess.PIPE, pass_fds=(reading,), check=False)
    except FileNotFoundError:
        raise Refused(UNAVAILABLE) from None
    finally:
        os.close(reading)
    if done.returncode:
        raise Refused(DENIED)
    return done.stdout


class Folder:
    """The files, and the identity that opens them."""

    def __init__(self, folder: str, identity: str) -> None:
        self.path = Path(folder)
        if not self.path.is_dir():
            raise Refused(UNAVAILABLE)
        self.identity = identity.strip() + "\n"
        self.recipient = age(["age-keygen", "-y"], self.identity.encode()).decode().strip()

    def file(self, path: str) -> Path:
        if not PATH.fullmatch(path):
            raise Refused(NOT_FOUND)
        return self.path / (path + SUFFIX)

    def read(self, path: str) -> dict[str, Any]:
        try:
            sealed = self.file(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise Refused(NOT_FOUND) from None
        entry: dict[str, Any] = json.loads(age(["age", "--decrypt", "--identity", "IDENTITY"], sealed, self.identity))
        return entry

    def write(self, path: str, entry: dict[str, Any]) -> None:
        """Replace a file atomically. Concurrent readers get the old value or the new one."""
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_bytes(age(["age", "--encrypt", "--recipient", self.recipient], json.dumps(entry).encode()))
        os.replace(draft, file)

    def check_owner(self, path: str, owner: str) -> None:
        if self.file(path).exists() and self.read(path).get("owner") != owner:
            raise Refused(FOREIGN)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let one program write at a time."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def names(self) -> list[str]:
        return sorted(str(file.relative_to(self.path))[: -len(SUFFIX)] for file in self.path.rglob(f"*{SUFFIX}"))


def answer(folder: Folder, request: dict[str, Any]) -> dict[str, Any]:
    verb, path = request["verb"], request.get("path", "")
    if verb == "capabilities":
        return {"verbs": ["get", "put", "delete", "list", "check"]}
    if verb == "check":
        return {}
    if verb == "list":
        return {"names": folder.names()}
    if verb == "get":
        return {name: value for name, value in folder.read(path).items() if name in ("value", "value_b64")}
    with folder.locked():
        if not request.get("adopt"):
            folder.check_owner(path, request["owner"])
        if verb == "put":
            fields = ("value", "value_b64", "owner", "description", "tags")
            folder.write(path, {name: request[name] for name in fields if name in request})
            return {}
        if verb == "delete":
            folder.file(path).unlink(missing_ok=True)
            return {}
    raise ValueError(verb)


def main() -> int:
    request = json.load(sys.stdin)
    try:
        reply = answer(Folder(sys.argv[1], request.get("credential", "")), request)
    except Refused as refused:
        return refused.status
    json.dump(reply, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
