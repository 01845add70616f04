# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs ansible-playbook, for audit records."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import socket

from ..model.audit import Caller, plain
from .identity import process_text, run_process

__all__ = ["passed_on", "this_caller"]

# AWX sets JOB_ID for each job (awx/main/tasks/jobs.py, build_env).
_JOBS = ("AWX_JOB_ID", "TOWER_JOB_ID", "JOB_ID")
# Tells a module on another host which run it belongs to.
_RUN = "SCOPED_SECRETS_RUN"


def this_caller() -> Caller:
    """Return who runs ansible-playbook, from that process itself or one of its workers."""
    job = next((os.environ[name] for name in _JOBS if os.environ.get(name)), "")
    run = os.environ.get(_RUN, "")
    if not re.fullmatch("[0-9a-f]{16}", run):
        run = hashlib.sha256(process_text(run_process()).encode()).hexdigest()[:16]
    return Caller(plain(_user()), plain(socket.gethostname()), plain(job), run)


def passed_on() -> dict[str, str]:
    """Return environment variables that make a module on another host report this run and its job."""
    caller = this_caller()
    return {_RUN: caller.run, **({_JOBS[0]: caller.job} if caller.job else {})}


def _user() -> str:
    user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        # Containers may run under a user id without an account.
        return str(user)
