# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of this machine (syslog or journald), in the facility authpriv. That may hand it on to others."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Sequence
from logging.handlers import SysLogHandler

from .base import Sink, not_written

__all__ = ["Syslog", "make"]

_SOCKETS = {"darwin": "/var/run/syslog"}


class _Handler(SysLogHandler):
    def handleError(self, _record: logging.LogRecord) -> None:
        # Called where it was caught: otherwise it would be printed, and forgotten.
        raise sys.exc_info()[1] or OSError()


class Syslog(Sink):
    def __init__(self, where: str) -> None:
        super().__init__(where or _SOCKETS.get(sys.platform, "/dev/log"))
        self._handler: _Handler | None = None

    def write(self, lines: Sequence[str]) -> None:
        try:
            if not lines:
                self._probe()
            handler = self._connected()
            for line in lines:
                handler.emit(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))
        except OSError as error:
            self._handler = None
            raise not_written(f"the log at {self.where}", error) from None

    def _probe(self) -> None:
        """Raise OSError where nothing listens: the handler tells of that only when it is to send."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_UNIX, kind) as connection:
                if connection.connect_ex(self.where) == 0:
                    return
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _connected(self) -> _Handler:
        if self._handler is None:
            self._handler = _Handler(self.where, facility=SysLogHandler.LOG_AUTHPRIV)
            self._handler.ident = "scoped_secrets: "
        return self._handler


def make(where: str) -> Syslog:
    return Syslog(where)
