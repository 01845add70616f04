# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps every file that is made in some folders open, so that what stood in it can be read even when it is gone."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterable
from pathlib import Path

from inotify_simple import INotify, flags

_WATCHED = flags.CREATE | flags.MOVED_TO | flags.CLOSE_WRITE


class FileWatch:
    """Watches folders and all below them while it lasts. `made` counts the files, `seen` has what held a word."""

    def __init__(self, folders: Iterable[Path], words: Iterable[bytes]) -> None:
        self._words = list(words)
        self._inotify = INotify()
        self._paths: dict[int, Path] = {}
        self._files: dict[tuple[int, int], tuple[int, Path]] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[str] = []
        self.made = 0
        for folder in folders:
            self._watch(folder)
        self._is_new = True

    def __enter__(self) -> FileWatch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()
        for descriptor, path in self._files.values():
            content = b"".join(iter(lambda descriptor=descriptor: os.read(descriptor, 1 << 20), b""))
            self.seen += [f"{path}: {word!r}" for word in self._words if word in content]
            os.close(descriptor)
        self.made = len(self._files)
        self._inotify.close()

    _is_new = False

    def _watch(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            self._paths[self._inotify.add_watch(folder, _WATCHED)] = folder
            for path in folder.iterdir():
                self._take(path)

    def _take(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                self._watch(path)
            elif stat.S_ISREG(mode) and self._is_new:
                self._keep(path)

    def _keep(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) in self._files:
            os.close(descriptor)
        else:
            self._files[status.st_dev, status.st_ino] = descriptor, path

    def _look(self) -> None:
        while True:
            is_last = self._done.is_set()
            for event in self._inotify.read(timeout=50):
                folder = self._paths.get(event.wd)
                if folder and event.name:
                    self._take(folder / event.name)
            if is_last:
                return
