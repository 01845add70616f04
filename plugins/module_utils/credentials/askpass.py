# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answering the question of ssh for a password or a passphrase: no sshpass, no file, no argument, no variable with it.

ssh starts a helper program, which has no secret either and asks us on a socket.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..model.errors import InvalidInput
from ..processes.peer import peer_user

__all__ = ["SOCKET_VARIABLE", "answering"]

SOCKET_VARIABLE = "SCOPED_SECRETS_ASKPASS"
_HELPER = """\
import os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(os.environ["SCOPED_SECRETS_ASKPASS"])
    connection.sendall(os.fsencode(sys.argv[1]))
    connection.shutdown(socket.SHUT_WR)
    answer = connection.makefile("rb").read()
sys.stdout.buffer.write(answer)
sys.exit(not answer)
"""
# What OpenSSH asks (sshconnect2.c, ssh-add.c). Nothing of several lines, as the question about a host key is.
_BY_PASSWORD = re.compile(r"(?P<account>.+@.+)'s password: ")
_BY_KEYBOARD = re.compile(r"\((?P<account>[^)]+@[^)]+)\) .*(password|passphrase)[^:]*: *", re.IGNORECASE)
_FOR_KEY = re.compile(r"Enter passphrase for (key )?['\"]?.+: ")
_FOR_ANOTHER = re.compile(r"\b(new|retype|again|repeat)\b", re.IGNORECASE)
_LONGEST_PROMPT = 4096
# Seconds for a helper that has connected to say what it wants.
_PATIENCE = 10.0


@contextmanager
def answering(folder: str, secret: str, *, account: str = "", wanted: int = 1) -> Iterator[dict[str, str]]:
    """Give the environment with which an ssh gets the secret, `wanted` times and as long as this lasts.

    `folder` is private. `account` is how the account begins, `user@host` or `user@`: another one, on a jump host say,
    gets nothing. Nor does any other question. Raises InvalidInput, OSError.
    """
    if "\n" in secret or "\r" in secret:
        raise InvalidInput(
            "secret_of_lines",
            "A password or passphrase for ssh has more than one line.",
            hint="Remove what follows the first line; it is often a line's end that a file brought along.",
        )
    path = os.path.join(folder, f"ask-{os.urandom(4).hex()}")
    desk = _Desk(path, secret, account, wanted)
    try:
        yield {
            "SSH_ASKPASS": _helper(folder),
            "SSH_ASKPASS_REQUIRE": "force",
            # What OpenSSH before 8.4 looks for; nothing is shown.
            "DISPLAY": os.environ.get("DISPLAY") or "-",
            SOCKET_VARIABLE: path,
        }
    finally:
        desk.close()


class _Desk:
    """A thread that answers on a socket."""

    def __init__(self, path: str, secret: str, account: str, wanted: int) -> None:
        self._path, self._secret, self._account, self._left = path, secret, account, wanted
        self._is_open = True
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(path)
            os.chmod(path, 0o600)
            self._listener.listen()
        except BaseException:
            self._listener.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="askpass", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._is_open = False
        # Not every system wakes who waits at a socket that is closed.
        with suppress(OSError), socket.socket(socket.AF_UNIX) as waking:
            waking.connect(self._path)
        self._thread.join()
        self._listener.close()
        self._secret = ""
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def _serve(self) -> None:
        while self._is_open:
            with suppress(OSError), self._listener.accept()[0] as connection:
                connection.settimeout(_PATIENCE)
                if self._is_open and peer_user(connection) == os.geteuid():
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as asked:
            prompt = asked.read(_LONGEST_PROMPT).decode("utf-8", "replace")
        if self._left and _is_for_us(prompt, self._account):
            self._left -= 1
            connection.sendall(self._secret.encode() + b"\n")


def _is_for_us(prompt: str, account: str) -> bool:
    """Tell whether a question is one for the secret of an account, not for a new one, nor anything else."""
    if _FOR_KEY.fullmatch(prompt):
        return True
    found = _BY_PASSWORD.fullmatch(prompt) or _BY_KEYBOARD.fullmatch(prompt)
    return bool(found and found["account"].startswith(account) and not _FOR_ANOTHER.search(prompt))


def _helper(folder: str) -> str:
    """Return the helper program, which is written when it is not there yet."""
    path = os.path.join(folder, "askpass")
    if not os.path.exists(path):
        # A line `#!` can't have every path of a Python.
        text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(_HELPER)} "$@"\n'
        new = f"{path}-{os.urandom(4).hex()}"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, path)
    return path
