# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where faces and the broker of a run meet: in a private folder of the user, under names unique to the run."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from ..model.settings import Settings
from ..processes.identity import namespace, run_process, started

__all__ = [
    "Meeting",
    "NoMeeting",
    "Run",
    "folders",
    "is_private",
    "locked",
    "meeting_of",
    "namespace",
    "prefix_of",
    "proof_of",
    "proof_of_run",
    "started",
    "this_run",
]

# Longest socket path that we use: sun_path has 108 bytes on Linux, 104 on macOS and the BSDs (unix(7), unix(4)).
MAX_PATH = 100
_HIGHEST_PID = 4194304  # proc(5), pid_max
_MOST_AGENTS = 999
# What a broker's files need: bytes, and how many files.
_ROOM, _FILES = 64 * 1024, 16


class NoMeeting(Exception):
    """No folder is suitable for a broker's files. The message says why."""


class Run(NamedTuple):
    """The ansible-playbook process: its id, and its start time because ids are reused."""

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
        """The file with the broker's token: 32 random bytes from which callers derive their proof."""
        return f"{self.folder}/{self.name}.token"

    def own_folder(self, pid: int) -> str:
        """Return the folder of the broker with this process id, for the socket of its ssh-agent and for its tickets.

        The next broker of the run has another one: what is left of this one is removed at the same time.
        """
        return f"{self.folder}/{self.name}.{pid}.d"

    @property
    def lock(self) -> str:
        return f"{self.folder}/{self.name}.lock"


@contextlib.contextmanager
def locked(path: str, *, wait: bool = True) -> Iterator[int]:
    """Hold a file lock; yield its descriptor. A process that inherits the descriptor keeps the lock.

    Raises OSError if the file can't be created, or with `wait=False` if the lock is taken.
    """
    # Imported late: faces that find a running broker need no lock.
    import fcntl

    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The previous holder may have removed the file; then a newer file carries the lock, so try again.
            if _is_at(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def this_run() -> Run:
    """Return the run of this process, which is a worker or ansible-playbook itself."""
    pid = run_process()
    return Run(pid, started(pid))


def meeting_of(run: Run, settings: Settings) -> Meeting:
    """Return where the broker of a run for one store and key is reached; raise NoMeeting."""
    # Secrets stay out of the hash: socket names are visible to anybody and must not help to guess a passphrase.
    parts = [
        _without_secrets(settings.store),
        settings.root_key_file,
        bool(settings.root_key),
        bool(settings.passphrase),
        _public_part(settings.scope_key),
        settings.scope_key_file,
    ]
    name = prefix_of(run) + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    full = []
    for meeting in _usable(name):
        # Where the broker is already, it stays, however full its folder gets.
        if os.path.exists(meeting.token) or _has_room(meeting.folder):
            return meeting
        full.append(meeting)
    if full:
        return full[0]
    raise NoMeeting("no temporary folder is private, writable and has a path short enough for a socket")


def _usable(name: str) -> Iterator[Meeting]:
    for folder in folders():
        meeting = Meeting(folder, name)
        # The socket of an agent, in the broker's own folder, has the longest path.
        if len(os.fsencode(f"{meeting.own_folder(_HIGHEST_PID)}/agent{_MOST_AGENTS}")) <= MAX_PATH and _is_ours(folder):
            yield meeting


def _has_room(folder: str) -> bool:
    """Return whether the files of a broker fit: one with less could not even write its token."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    # Some file systems count no inodes.
    return found.f_bavail * found.f_frsize >= _ROOM and (found.f_favail > _FILES or not found.f_files)


def prefix_of(run: Run) -> str:
    """Return the prefix of the file names of all brokers of a run."""
    return f"{run.pid}-{run.started}-{namespace()}-"


def _without_secrets(store: str) -> str:
    """Return a store's URL without the parts that may be secret: a database's user, password and options."""
    kind, _colon, rest = store.partition("://")
    return store if kind == "sqlite" else f"{kind}://{rest.partition('?')[0].rpartition('@')[2]}"


def _public_part(scope_key: str) -> str:
    """Return the readable prefix of a scope key, which names its scope: each scope key gets its own broker."""
    found = re.match(r"sssk1:[0-9a-f-]{36}:[0-9a-f-]{36}:[0-9]+:", scope_key)
    return found[0] if found else str(bool(scope_key))


def proof_of(token: bytes, settings: Settings) -> str:
    """Return the HMAC that proves to a broker that a caller knows its token and uses the same settings."""
    return hmac.new(token, json.dumps(settings).encode(), "sha256").hexdigest()


def proof_of_run(token: bytes) -> str:
    """Return the HMAC that proves that a caller knows the token, which is enough to ask for usage counts."""
    return hmac.new(token, b"usage", "sha256").hexdigest()


def folders() -> Iterator[str]:
    """Yield the folders where a broker may put its files, the best first."""
    user = os.geteuid()
    for base in _bases(user):
        if os.path.isabs(base):
            yield f"{base}/scoped-secrets-{user}"


def _bases(user: int) -> Iterator[str]:
    yield os.environ.get("XDG_RUNTIME_DIR", "")
    yield f"/run/user/{user}"
    yield "/dev/shm"
    # Yielded late: Python finds its temporary folder by writing a file there, which every worker would do.
    yield _temp()
    yield "/tmp"


def _temp() -> str:
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        return ""


def _is_ours(folder: str) -> bool:
    """Create the folder if it is missing; return whether it is private, writable and can't be swapped by others."""
    try:
        if not _is_safe(os.stat(os.path.dirname(folder))):
            return False
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    return is_private(folder) and os.access(folder, os.W_OK | os.X_OK)


def _is_safe(base: os.stat_result) -> bool:
    """Return whether no other user (except root) can replace a folder of ours in `base`."""
    is_shared = base.st_mode & 0o022 and not base.st_mode & stat.S_ISVTX
    return base.st_uid in (0, os.geteuid()) and not is_shared


def is_private(folder: str) -> bool:
    """Return whether a folder exists, belongs to this user, and is closed to others."""
    try:
        info = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077
