# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the broker of a run is met: a folder of the user's own, and names that only this run makes."""

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
    def own_folder(self) -> str:
        """The folder of what the broker has of its own to log in at hosts with."""
        return f"{self.folder}/{self.name}.d"

    @property
    def lock(self) -> str:
        return f"{self.folder}/{self.name}.lock"


@contextlib.contextmanager
def locked(path: str, *, wait: bool = True) -> Iterator[int]:
    """Hold a lock; yield its descriptor, by which another process may go on holding it.

    Raises OSError: the file can't be made, or with `wait` false another one has the lock.
    """
    # Imported here: who finds a broker needs no lock.
    import fcntl

    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it before may have removed the file: then others lock another one.
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
    """Return the run that this process, a worker or ansible-playbook itself, belongs to."""
    pid = run_process()
    return Run(pid, started(pid))


def meeting_of(run: Run, settings: Settings) -> Meeting:
    """Return where the broker of a run is met for a store and key; raise NoMeeting."""
    # Never the secrets themselves: anybody may read the names of sockets, which must not help to guess a passphrase.
    parts = [
        _shown(settings.store),
        settings.root_key_file,
        bool(settings.root_key),
        bool(settings.passphrase),
        _scope_in(settings.scope_key),
        settings.scope_key_file,
    ]
    name = prefix_of(run) + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    for folder in folders():
        # The longest path of a socket: the agent's, in the broker's own folder.
        if len(os.fsencode(f"{folder}/{name}.d/agent")) <= MAX_PATH and _is_ours(folder):
            return Meeting(folder, name)
    raise NoMeeting("no temp folder can be written, or their paths are too long for a socket")


def prefix_of(run: Run) -> str:
    """Return what the names of all brokers of a run begin with."""
    return f"{run.pid}-{run.started}-{namespace()}-"


def _shown(store: str) -> str:
    """Return a store's URL without what may be secret: a database's user, password and options."""
    kind, _colon, rest = store.partition("://")
    return store if kind == "sqlite" else f"{kind}://{rest.partition('?')[0].rpartition('@')[2]}"


def _scope_in(scope_key: str) -> str:
    """Return what a scope key says in clear: a run may hold those of several scopes, each with a broker of its own."""
    found = re.match(r"sssk1:[0-9a-f-]{36}:[0-9a-f-]{36}:[0-9]+:", scope_key)
    return found[0] if found else str(bool(scope_key))


def proof_of(token: bytes, settings: Settings) -> str:
    """Return what shows a broker that a caller is of its run and means its store and key, without naming them."""
    return hmac.new(token, json.dumps(settings).encode(), "sha256").hexdigest()


def proof_of_run(token: bytes) -> str:
    """Return what shows a broker that a caller is of its run, which is enough to ask for numbers."""
    return hmac.new(token, b"usage", "sha256").hexdigest()


def folders() -> Iterator[str]:
    """Yield where a broker may be met, the best first."""
    user = os.geteuid()
    for base in _bases(user):
        if os.path.isabs(base):
            yield f"{base}/scoped-secrets-{user}"


def _bases(user: int) -> Iterator[str]:
    yield os.environ.get("XDG_RUNTIME_DIR", "")
    yield f"/run/user/{user}"
    yield "/dev/shm"
    # Only now: Python looks for its temp folder by writing a file there, in every worker.
    yield _temp()
    yield "/tmp"


def _temp() -> str:
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        return ""


def _is_ours(folder: str) -> bool:
    """Make the folder if need be; tell whether it is the user's own and nobody else's, now and later."""
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
    """Tell whether nobody else can put another folder in the place of one of ours."""
    is_shared = base.st_mode & 0o022 and not base.st_mode & stat.S_ISVTX
    return base.st_uid in (0, os.geteuid()) and not is_shared


def is_private(folder: str) -> bool:
    """Tell whether a folder is there, the user's own, and closed to others."""
    try:
        info = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077
