# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers ssh's password prompt without sshpass, and without the secret in a file, an argument or a variable.

ssh starts a helper program, which doesn't know the secret either and asks this process for it over a socket. A question
of a host that we don't answer ends ssh: it would send an empty answer, which counts as a failed login.
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
from .asked import Answers, Asked
from .programs import TimedOut, plain_environment, run

__all__ = ["SOCKET_VARIABLE", "accounts_of", "answering"]

# Returns the accounts that a secret is for, in lower case: `user@host` as ssh prints it.
Accounts = Callable[[], frozenset[str]]

SOCKET_VARIABLE = "SCOPED_SECRETS_ASKPASS"
_HELPER = """\
import os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(os.environ["SCOPED_SECRETS_ASKPASS"])
    connection.sendall(os.fsencode(sys.argv[1]))
    connection.shutdown(socket.SHUT_WR)
    answer = connection.makefile("rb").read()
if answer == b"\\0":
    os.kill(os.getppid(), signal.SIGTERM)
    sys.exit(1)
sys.stdout.buffer.write(answer)
sys.exit(not answer)
"""
_NO_ANSWER, _END = b"", b"\0"
# Prompts of OpenSSH (sshconnect2.c): its own, and one that the host wrote, perhaps after some lines of text.
_BY_PASSWORD = re.compile(r"(Enter )?(?P<account>.+@.+)'s (?P<text>((old|new) )?password: )")
_BY_KEYBOARD = re.compile(r"\((?P<account>[^)\n]+@[^)\n]+)\) (?P<text>.*)", re.DOTALL)
# Questions about a host key, and about the user's own keys: no host gets the answer, so ssh may go on without one.
_OF_THIS_MACHINE = re.compile(r"yes/no|'yes', 'no'|\bfor (\S+ )?key\b")
# What hosts call it, in the languages that PAM speaks. A code that changes each time is none of these.
_SECRET = re.compile(
    "password|passphrase|passcode|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|lösenord|passord|"
    "adgangskode|salasana|hasło|heslo|jelszó|parola|geslo|lozinka|пароль|密码|密碼|口令|パスワード|암호|비밀번호",
    re.IGNORECASE,
)
_FOR_NEW_SECRET = re.compile(r"\b(new|retype|again|repeat|current|old|neue[sn]?|nouveau)\b", re.IGNORECASE)
_LONGEST_PROMPT = 4096
# Seconds that a connected helper has to send its prompt, and `ssh -G` to end.
_PATIENCE = 10.0


@contextmanager
def answering(folder: str, secret: str, accounts: Accounts, *, prompt: str = "") -> Iterator[Answers]:
    """Yield the environment in which ssh gets the secret, once and only within this context.

    `folder` must be private. `accounts` is called at the first prompt. Prompts for other accounts, those of an ssh that
    another ssh started to reach a jump host, and other questions get no answer. `prompt` is a part of the host's prompt
    for the secret, if it has none of the usual words. Raises InvalidInput, OSError.
    """
    if "\n" in secret or "\r" in secret:
        raise InvalidInput(
            "secret_of_lines",
            "The password or passphrase for ssh has more than one line.",
            hint="Remove everything after the first line, which is often just a line break from the end of a file.",
        )
    path = os.path.join(folder, f"ask-{os.urandom(4).hex()}")
    desk = _Desk(path, secret, accounts, prompt)
    environment = {
        "SSH_ASKPASS": _helper(folder),
        "SSH_ASKPASS_REQUIRE": "force",
        # OpenSSH before 8.4 requires this variable; nothing is displayed.
        "DISPLAY": os.environ.get("DISPLAY") or "-",
        SOCKET_VARIABLE: path,
    }
    try:
        yield Answers(environment, lambda: desk.asked)
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

    def __init__(self, path: str, secret: str, accounts: Accounts, prompt: str) -> None:
        self._path, self._secret, self._accounts, self._prompt = path, secret, accounts, prompt
        self.asked, self._is_given = Asked.NOTHING, False
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
        found = _BY_KEYBOARD.fullmatch(prompt) or _BY_PASSWORD.fullmatch(prompt)
        if found is None and _OF_THIS_MACHINE.search(prompt):
            connection.sendall(_NO_ANSWER)
            return
        self.asked = self._understood(found, connection) if found else Asked.OTHER_QUESTION
        connection.sendall(self._secret.encode() + b"\n" if self.asked is Asked.SECRET else _END)

    def _understood(self, found: re.Match[str], connection: socket.socket) -> Asked:
        if _is_of_a_jump(connection) or found["account"].lower() not in self._accounts():
            return Asked.OTHER_ACCOUNT
        line = found["text"].strip().rpartition("\n")[2]
        if _FOR_NEW_SECRET.search(line):
            return Asked.NEW_SECRET if self._is_given else Asked.OTHER_QUESTION
        is_for_secret = (
            self._prompt in found["text"] if self._prompt and found.re is _BY_KEYBOARD else _SECRET.search(line)
        )
        if not is_for_secret:
            return Asked.OTHER_QUESTION
        if self._is_given:
            return Asked.SECRET_AGAIN
        self._is_given = True
        return Asked.SECRET


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
