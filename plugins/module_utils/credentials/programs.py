# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a system program to its end within a time limit, with input from a pipe and captured output."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..model.errors import MissingLibrary
from ..processes.programs import Process

__all__ = ["Ended", "TimedOut", "path_of", "plain_environment", "run"]

_KERBEROS = "krb5-user (Debian) or krb5-workstation (Red Hat)"
_OPENSSH = "openssh-client (Debian) or openssh-clients (Red Hat)"


class TimedOut(Exception):
    """The program took too long; it was killed with all processes that it had started."""


class Ended(NamedTuple):
    """How a program ended: its exit status (a negative signal number if killed), its stdout and its stderr."""

    status: int
    output: str
    complaint: str

    def __repr__(self) -> str:
        return f"Ended(status={self.status})"


def path_of(name: str) -> str:
    """Return the path of a program; raise MissingLibrary with the package to install."""
    found = shutil.which(name)
    if not found:
        raise MissingLibrary(
            "missing_program",
            f"The program '{name}' is needed but not installed.",
            hint=f"Install it where ansible-playbook runs: {_KERBEROS if name in ('kinit', 'klist') else _OPENSSH}.",
        )
    return found


def plain_environment() -> dict[str, str]:
    """Return a minimal environment without our own variables, in the C locale."""
    kept = {name: os.environ[name] for name in ("HOME", "KRB5_CONFIG") if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **kept}


def run(
    name: str,
    options: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,
    given: bytes = b"",
    inherited: Sequence[int] = (),
) -> Ended:
    """Run a program with `given` as its input; return how it ended. Raises TimedOut, MissingLibrary, OSError."""
    process = Process(
        [path_of(name), *options],
        environment=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        inherited=inherited,
    )
    with process:
        try:
            output, complaint = process.communicate(given, timeout)
        except subprocess.TimeoutExpired:
            raise TimedOut from None
        finally:
            process.kill_all()
    return Ended(process.returncode, _text(output), _text(complaint))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
