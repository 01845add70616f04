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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ..model.errors import InvalidInput, MissingLibrary
from ..processes.peer import ancestors, peer_process, peer_user
from .programs import TimedOut, plain_environment, run

__all__ = ["SOCKET_VARIABLE", "accounts_of", "answering"]

# Returns the accounts that a secret is for, in lower case: `user@host` as ssh prints it.
Accounts = Callable[[], frozenset[str]]

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
# Prompts of OpenSSH (sshconnect2.c). Multi-line prompts, such as the one about a host key, never match.
_BY_PASSWORD = re.compile(r"(?P<account>.+@.+)'s password: ")
_BY_KEYBOARD = re.compile(r"\((?P<account>[^)]+@[^)]+)\) .*(password|passphrase)[^:]*: *", re.IGNORECASE)
_FOR_NEW_SECRET = re.compile(r"\b(new|retype|again|repeat)\b", re.IGNORECASE)
_LONGEST_PROMPT = 4096
# Seconds that a connected helper has to send its prompt, and `ssh -G` to end.
_PATIENCE = 10.0


@contextmanager
def answering(folder: str, secret: str, accounts: Accounts, *, wanted: int = 1) -> Iterator[dict[str, str]]:
    """Yield the environment in which ssh gets the secret, at most `wanted` times and only within this context.

    `folder` must be private. `accounts` is called at the first prompt. Prompts for other accounts, those of an ssh that
    another ssh started to reach a jump host, and other questions get no answer. Raises InvalidInput, OSError.
    """
    if "\n" in secret or "\r" in secret:
        raise InvalidInput(
            "secret_of_lines",
            "The password or passphrase for ssh has more than one line.",
            hint="Remove everything after the first line, which is often just a line break from the end of a file.",
        )
    path = os.path.join(folder, f"ask-{os.urandom(4).hex()}")
    desk = _Desk(path, secret, accounts, wanted)
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


def accounts_of(command: Sequence[str | bytes]) -> frozenset[str]:
    """Return the accounts `user@host` that ssh asks a password for, in lower case; none if ssh refuses the command.

    `command` has ssh, its options, and a host. `ssh -G` applies aliases, HostName and the like to them, and connects to
    nothing (ssh(1)). A prompt has HostKeyAlias in place of the host's name if that is set (sshconnect2.c).
    """
    ssh, *options = map(os.fsdecode, command)
    try:
        ended = run(ssh, ["-G", *options], environment=plain_environment(), timeout=_PATIENCE)
    except (OSError, TimedOut, MissingLibrary):
        return frozenset()
    words = [line.split(maxsplit=1) for line in ended.output.splitlines()]
    found = {pair[0]: pair[1] for pair in words if len(pair) == 2}
    hosts = [found[name] for name in ("hostname", "hostkeyalias") if name in found]
    return frozenset(f"{found.get('user', '')}@{host}".lower() for host in hosts)


class _Desk:
    """Answers prompts on a socket, in a thread of its own."""

    def __init__(self, path: str, secret: str, accounts: Accounts, wanted: int) -> None:
        self._path, self._secret, self._accounts, self._left = path, secret, accounts, wanted
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
        account = _account_of(prompt)
        if self._left and account and not _is_of_a_jump(connection) and account in self._accounts():
            self._left -= 1
            connection.sendall(self._secret.encode() + b"\n")


def _account_of(prompt: str) -> str:
    """Return the account whose present secret a prompt asks for; empty if it asks for anything else."""
    found = _BY_PASSWORD.fullmatch(prompt) or _BY_KEYBOARD.fullmatch(prompt)
    return found["account"].lower() if found and not _FOR_NEW_SECRET.search(prompt) else ""


def _is_of_a_jump(connection: socket.socket) -> bool:
    """Return whether one ssh started another one, which asks: a jump host may have the name of the target."""
    return list(ancestors(peer_process(connection))).count("ssh") > 1


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
