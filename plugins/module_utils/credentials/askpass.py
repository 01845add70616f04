# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers ssh's password prompt without sshpass, and without the secret in a file, an argument or a variable.

ssh starts a helper program, which doesn't know the secret either and asks this process for it over a socket.
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
# Prompts of OpenSSH (sshconnect2.c, ssh-add.c). Multi-line prompts, such as the one about a host key, never match.
_BY_PASSWORD = re.compile(r"(?P<account>.+@.+)'s password: ")
_BY_KEYBOARD = re.compile(r"\((?P<account>[^)]+@[^)]+)\) .*(password|passphrase)[^:]*: *", re.IGNORECASE)
_FOR_KEY = re.compile(r"Enter passphrase for (key )?['\"]?.+: ")
_FOR_NEW_SECRET = re.compile(r"\b(new|retype|again|repeat)\b", re.IGNORECASE)
_LONGEST_PROMPT = 4096
# Seconds that a connected helper has to send its prompt.
_PATIENCE = 10.0


@contextmanager
def answering(folder: str, secret: str, *, account: str = "", wanted: int = 1) -> Iterator[dict[str, str]]:
    """Yield the environment in which ssh gets the secret, at most `wanted` times and only within this context.

    `folder` must be private. `account` is the beginning of the account, `user@host` or `user@`. Prompts for other
    accounts, for example on a jump host, and other questions get no answer. Raises InvalidInput, OSError.
    """
    if "\n" in secret or "\r" in secret:
        raise InvalidInput(
            "secret_of_lines",
            "The password or passphrase for ssh has more than one line.",
            hint="Remove everything after the first line, which is often just a line break from the end of a file.",
        )
    path = os.path.join(folder, f"ask-{os.urandom(4).hex()}")
    desk = _Desk(path, secret, account, wanted)
    try:
        yield {
            "SSH_ASKPASS": _helper(folder),
            "SSH_ASKPASS_REQUIRE": "force",
            # OpenSSH before 8.4 requires this variable; nothing is displayed.
            "DISPLAY": os.environ.get("DISPLAY") or "-",
            SOCKET_VARIABLE: path,
        }
    finally:
        desk.close()


class _Desk:
    """Answers prompts on a socket, in a thread of its own."""

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
        """Stop answering."""
        self._is_open = False
        # Wake the thread by connecting: on some systems, closing the socket does not interrupt accept().
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
    """Return whether a prompt asks for the secret of an account, and not for a new secret or anything else."""
    if _FOR_KEY.fullmatch(prompt):
        return True
    found = _BY_PASSWORD.fullmatch(prompt) or _BY_KEYBOARD.fullmatch(prompt)
    return bool(found and found["account"].startswith(account) and not _FOR_NEW_SECRET.search(prompt))


def _helper(folder: str) -> str:
    """Return the path of the helper program; write it if it doesn't exist yet."""
    path = os.path.join(folder, "askpass")
    if not os.path.exists(path):
        # A shell script, because a `#!` line can't hold every path of a Python interpreter.
        text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(_HELPER)} "$@"\n'
        new = f"{path}-{os.urandom(4).hex()}"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, path)
    return path
