# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a credential can log in to a host: ssh logs in and only runs `exit`."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from ..model.errors import ScopedSecretsError
from ..model.host_login import HostLogin
from .asked import NO_ANSWERS, Answers, Asked
from .askpass import accounts_of, answering
from .programs import Ended, TimedOut, run
from .ssh_client import ssh_environment, ssh_options
from .ssh_failures import EXPIRED, expired_password, explain, other_key, timed_out

__all__ = ["check_host"]

# ssh's exit status when ssh itself failed; otherwise it returns the status of the remote command (ssh(1)).
_SSH_FAILED = 255
_ENDED_BY_US = -signal.SIGTERM
# Seconds for the login, in addition to those for the connection.
_LOGIN_TIMEOUT = 30.0


def check_host(
    login: HostLogin,
    host: str,
    *,
    folder: str,
    check_host_key: bool = True,
    timeout: float = 30.0,
    options: Sequence[str] = (),
) -> None:
    """Log in to a host and leave again; raise ScopedSecretsError if that fails.

    `folder` must be private; `options` are additional options of ssh. The user's own ssh configuration applies (jump
    hosts, host names), but its keys, agents, tickets and open connections can't replace the credential.
    """
    command = [*ssh_options(login), *_isolated(login, timeout), *_host_key(check_host_key), *options]
    try:
        with _answers(login, folder, [*command, host]) as answers:
            environment = {**_inherited(), **ssh_environment(login), **answers.environment}
            command += ["-vT", "--", host, "exit"]
            ended = run("ssh", command, environment=environment, timeout=timeout + _LOGIN_TIMEOUT)
    except TimedOut:
        raise timed_out(login, host) from None
    failure = _failure(ended, login, host, answers.asked())
    if failure:
        raise failure


def _isolated(login: HostLogin, timeout: float) -> list[str]:
    """Return the options that keep ssh from sharing connections, forwarding ports and asking anybody but us."""
    options = {
        "ControlMaster": "no",
        "ControlPath": "none",
        "ControlPersist": "no",
        "ConnectTimeout": str(max(1, round(timeout))),
        "ClearAllForwardings": "yes",
        "BatchMode": "no" if login.scheme == "password" else "yes",
    }
    return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]


def _host_key(is_checked: bool) -> list[str]:
    if is_checked:
        return ["-o", "StrictHostKeyChecking=yes"]
    return ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]


@contextmanager
def _answers(login: HostLogin, folder: str, options: Sequence[str]) -> Iterator[Answers]:
    if login.scheme != "password":
        yield NO_ANSWERS._replace(environment={"SSH_ASKPASS_REQUIRE": "never"})
        return
    with answering(folder, login.password, partial(accounts_of, ["ssh", *options])) as answers:
        yield answers


def _inherited() -> dict[str, str]:
    """Return our environment, which a ProxyCommand may need, without SCOPED_SECRETS_* variables: some are secret."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCOPED_SECRETS_")}


def _failure(ended: Ended, login: HostLogin, host: str, asked: Asked) -> ScopedSecretsError | None:
    if ended.status not in (_SSH_FAILED, _ENDED_BY_US):
        if EXPIRED.search(ended.complaint):
            return expired_password(login, host)
        return other_key(login, host) if login.scheme == "ssh_key" and not _is_ours(ended, login) else None
    return explain(ended.complaint, login, host, asked) or ScopedSecretsError(
        "host_login_failed",
        f"ssh can't log in to the host '{host}' for an unknown reason.",
        hint="Run ssh -v by hand to find the reason.",
    )


def _is_ours(ended: Ended, login: HostLogin) -> bool:
    """Return whether the host accepted the credential's key; ssh also tries keys from the user's configuration."""
    accepted = re.findall(r"^debug1: Server accepts key: (.*)$", ended.complaint, re.MULTILINE)
    return bool(accepted) and accepted[-1].startswith(f"{login.public_key_file} ")
