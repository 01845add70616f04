# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ssh-agent of a run: it holds a private key in memory only, and ends with the process that started it."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from contextlib import suppress

from ..model.errors import ScopedSecretsError
from .keeper import Keeper
from .programs import TimedOut, path_of, plain_environment, run

__all__ = ["Agent", "not_usable"]

# ssh-agent runs this script once it listens. The script kills the agent when it reads a line, or when its input closes
# because our process was killed. If the script itself is killed, the agent notices within ten seconds and exits.
# SIGKILL, because an agent that ends in its own time removes the path of its socket, which the next agent may use then.
_END_AGENT = 'echo ready; read -r _; kill -9 "$SSH_AGENT_PID"'
# Longest socket path, in bytes, that every system accepts (macOS: 103).
_LONGEST_PATH = 100
_TIMEOUT = 30.0


class Agent:
    """One ssh-agent, started with the first key and restarted if it dies.

    `folder` must be private; `name` tells the agents in it apart. Thread-safe.
    """

    def __init__(self, folder: str, name: str = "agent") -> None:
        self._folder = folder
        self._socket = os.path.join(folder, name)
        self._lock = threading.Lock()
        self._keeper: Keeper | None = None
        self._added: dict[bytes, str] = {}

    def add(self, private_key: bytes, public_line: str) -> tuple[str, str]:
        """Load a private key; return the paths of the agent's socket and of a file with the public key.

        The private key must be in OpenSSH format without a passphrase. Raises ScopedSecretsError.
        """
        name = hashlib.sha256(private_key + b"\0" + public_line.encode()).digest()
        with self._lock:
            self._ensure()
            if name not in self._added:
                self._hand_over(private_key)
                self._added[name] = self._publish(public_line)
            return self._socket, self._added[name]

    def close(self) -> None:
        """Stop the agent."""
        with self._lock:
            self._stop()

    def _ensure(self) -> None:
        """Start the agent unless it answers. A new agent has no keys."""
        if self._keeper is None or not self._answers():
            self._stop()
            self._start()

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(self._socket)
            return True
        return False

    def _start(self) -> None:
        if len(os.fsencode(self._socket)) > _LONGEST_PATH:
            raise not_usable("the path of its socket is too long", "Set TMPDIR to a shorter path.")
        with suppress(FileNotFoundError):
            os.unlink(self._socket)
        self._keeper = Keeper([path_of("ssh-agent"), "-a", self._socket, path_of("sh"), "-c", _END_AGENT])
        # Only the script holds the other end: it says 'ready' once the agent listens, and nothing if that fails.
        if not self._keeper.is_ready():
            self._stop()
            raise not_usable("ssh-agent did not start", "Run 'ssh-agent' by hand to see why.")

    def _stop(self) -> None:
        self._added = {}
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.dismiss()

    def _hand_over(self, private_key: bytes) -> None:
        environment = {**plain_environment(), "SSH_AUTH_SOCK": self._socket, "SSH_ASKPASS_REQUIRE": "never"}
        try:
            ended = run("ssh-add", ["-q", "-"], environment=environment, timeout=_TIMEOUT, given=private_key)
        except TimedOut:
            raise not_usable("ssh-add did not finish in time", "Run the playbook again.") from None
        if ended.status:
            raise not_usable("it rejected the key", "Check that this OpenSSH supports keys of this type and size.")

    def _publish(self, public_line: str) -> str:
        """Write a public key to a new file, which tells ssh which key of the agent to use; return its path."""
        path = os.path.join(self._folder, f"key-{os.urandom(8).hex()}.pub")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{public_line.strip()}\n")
        return path


def not_usable(why: str, hint: str) -> ScopedSecretsError:
    """Return the error for an agent that doesn't work."""
    return ScopedSecretsError("agent_not_usable", f"The ssh-agent of the run can't be used: {why}.", hint=hint)
