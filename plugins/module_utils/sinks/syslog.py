# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sink that writes to this machine's log (syslog or journald), facility authpriv. The log may forward records."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Sequence
from logging.handlers import SysLogHandler

from .base import Sink, check_way, not_written

__all__ = ["Syslog", "make"]

_SOCKETS = {"darwin": "/var/run/syslog"}


class _Handler(SysLogHandler):
    def handleError(self, _record: logging.LogRecord) -> None:
        # Called while the exception is handled. The base class would only print it, so raise it again.
        raise sys.exc_info()[1] or OSError()


class Syslog(Sink):
    def __init__(self, where: str) -> None:
        super().__init__(where or _SOCKETS.get(sys.platform, "/dev/log"))
        self._handler: _Handler | None = None

    def write(self, lines: Sequence[str]) -> None:
        try:
            check_way(self.where)
            if not lines:
                self._probe()
            handler = self._connected()
            for line in lines:
                handler.emit(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))
        except OSError as error:
            self._handler = None
            raise not_written(f"the log at {self.where}", error) from None

    def _probe(self) -> None:
        """Raise OSError if nothing listens, which the handler would notice only when it sends."""
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
