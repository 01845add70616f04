# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the broker of a run is met: a folder of the user's own, and names that only this run makes."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from ..model.settings import Settings

__all__ = ["Meeting", "NoMeeting", "Run", "folders", "meeting_of", "proof_of", "proof_of_run", "started", "this_run"]

# sun_path has 108 bytes on Linux, 104 on macOS and the BSDs (unix(7), unix(4)).
MAX_PATH = 100


class NoMeeting(Exception):
    """There is no folder where a broker could be met."""


class Run(NamedTuple):
    """The ansible-playbook process: its id, and when it started, because ids come again."""

    pid: int
    started: str


class Meeting(NamedTuple):
    """The files of one broker."""

    folder: str
    name: str

    @property
    def socket(self) -> str:
        return f"{self.folder}/{self.name}.sock"

    @property
    def token(self) -> str:
        """The file with the secret that whoever asks must know: 32 random bytes."""
        return f"{self.folder}/{self.name}.token"

    @property
    def lock(self) -> str:
        return f"{self.folder}/{self.name}.lock"


def this_run() -> Run:
    """Return the run that this process, a worker or ansible-playbook itself, belongs to."""
    # Imported here: a worker has it already, and the broker never asks.
    from multiprocessing import parent_process

    parent = parent_process()
    pid = (parent.pid if parent else None) or os.getpid()
    return Run(pid, started(pid))


def started(pid: int) -> str:
    """Return when a process started, in ticks since boot; empty where it has ended, or /proc can't tell."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # proc(5): the name in field 2 may hold anything, a parenthesis too; 3 is the state, 22 the time.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()


def meeting_of(run: Run, settings: Settings) -> Meeting:
    """Return where the broker of a run is met for a store and key; raise NoMeeting."""
    # Never the secrets themselves: a name must not help to guess a passphrase.
    shown = re.sub(r"//[^/@]*@", "//", settings.store.partition("?")[0])
    parts = [shown, settings.root_key_file, str(bool(settings.root_key)), str(bool(settings.passphrase)), _namespace()]
    name = f"{run.pid}-{run.started}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"
    for folder in folders():
        if len(os.fsencode(f"{folder}/{name}.token")) <= MAX_PATH and _is_ours(folder):
            return Meeting(folder, name)
    raise NoMeeting("no temp folder can be written, or their paths are too long for a socket")


def proof_of(token: bytes, settings: Settings) -> str:
    """Return what shows a broker that a caller is of its run and means its store and key, without naming them."""
    return hmac.new(token, json.dumps(settings).encode(), "sha256").hexdigest()


def proof_of_run(token: bytes) -> str:
    """Return what shows a broker that a caller is of its run, which is enough to ask for numbers."""
    return hmac.new(token, b"usage", "sha256").hexdigest()


def folders() -> Iterator[str]:
    """Yield where a broker may be met, the best first."""
    user = os.geteuid()
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{user}", "/dev/shm", tempfile.gettempdir(), "/tmp"):
        if base and os.path.isabs(base):
            yield f"{base}/scoped-secrets-{user}"


def _is_ours(folder: str) -> bool:
    """Make the folder if need be; tell whether it is the user's own and nobody else's."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    info = os.lstat(folder)
    is_private = stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077
    return is_private and os.access(folder, os.W_OK | os.X_OK)


def _namespace() -> str:
    """Return what tells process ids of one container from those of another."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""
