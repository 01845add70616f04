# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets a Kerberos ticket with the system's kinit, and explains why it fails."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from ..model.errors import Forbidden, InvalidInput, NotFound, ScopedSecretsError, Unavailable
from .programs import TimedOut, plain_environment, run

__all__ = ["TicketRequest", "environment_of", "failure_of", "fetch", "life_of"]

_TIMEOUT = 60.0
_EXPIRES = re.compile(r"^\S+ \S+ +(\S+ \S+) +krbtgt/", re.MULTILINE)
# Time formats of MIT's klist in the C locale, by version.
_TIMES = ("%m/%d/%y %H:%M:%S", "%m/%d/%Y %H:%M:%S")


class TicketRequest(NamedTuple):
    """The `principal` (with its realm) that needs a ticket, and its proof: a keytab, a keytab's path, or a password.

    `krb5_config` is the path of a Kerberos configuration; empty means the system's.
    """

    principal: str
    krb5_config: str = ""
    keytab: bytes = b""
    keytab_path: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"TicketRequest(principal={self.principal!r})"


def environment_of(request: TicketRequest) -> dict[str, str]:
    config = {"KRB5_CONFIG": request.krb5_config} if request.krb5_config else {}
    return {**plain_environment(), "TZ": "UTC", **config}


def fetch(request: TicketRequest, path: str) -> None:
    """Write a new ticket to a cache at `path` that only this user can read; raise ScopedSecretsError."""
    if "\n" in request.password:
        raise InvalidInput(
            "password_of_lines",
            f"The password of '{request.principal}' has more than one line.",
            hint="Remove everything after the first line, or use a keytab.",
        )
    with _keytab(request) as keytab:
        options = ["-c", f"FILE:{path}", *(("-k", "-t", keytab[0]) if keytab[0] else ()), "--", request.principal]
        given = b"" if keytab[0] else request.password.encode() + b"\n"
        try:
            ended = run(
                "kinit",
                options,
                environment=environment_of(request),
                timeout=_TIMEOUT,
                given=given,
                inherited=keytab[1],
            )
        except TimedOut:
            raise _no_answer(request) from None
    if ended.status:
        raise failure_of(request, ended.output + ended.complaint)


def life_of(request: TicketRequest, path: str) -> float:
    """Return when the ticket in a cache expires, in seconds since 1970 (UTC); raise ScopedSecretsError."""
    with contextlib.suppress(TimedOut):
        ended = run("klist", ["-c", f"FILE:{path}"], environment=environment_of(request), timeout=_TIMEOUT)
        found = _EXPIRES.search(ended.output)
        for form in _TIMES if found else ():
            with contextlib.suppress(ValueError):
                return datetime.strptime(found[1], form).replace(tzinfo=timezone.utc).timestamp()  # type: ignore[index]
    raise ScopedSecretsError(
        "ticket_unreadable",
        f"Can't find out how long the ticket of '{request.principal}' is valid.",
        hint="Check that MIT's klist is installed and lists the ticket: klist -c FILE:…",
    )


@contextlib.contextmanager
def _keytab(request: TicketRequest) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name of a keytab and the descriptors that kinit must inherit; a keytab in bytes stays in memory."""
    if not request.keytab:
        yield request.keytab_path and f"FILE:{request.keytab_path}", ()
        return
    if not hasattr(os, "memfd_create"):
        raise InvalidInput(
            "keytab_needs_file",
            f"The keytab of '{request.principal}' must be in a file, because this system has no in-memory files.",
            hint="Keep it in a file with mode 0600 and set 'keytab_path' to its path.",
        )
    descriptor = os.memfd_create("keytab")
    with open(descriptor, "wb", buffering=0) as file:
        file.write(request.keytab)
        yield f"FILE:/proc/self/fd/{descriptor}", (descriptor,)


def failure_of(request: TicketRequest, said: str) -> ScopedSecretsError:
    """Return the error that matches kinit's output, which holds no secret: only prompts, names and reasons."""
    for pattern, error in _FAILURES:
        if re.search(pattern, said):
            return error(request)
    reason = said.strip().rpartition("\n")[2].removeprefix("kinit: ").removesuffix(" while getting initial credentials")
    return ScopedSecretsError(
        "ticket_failed",
        f"kinit can't get a ticket for '{request.principal}': {reason or 'it gives no reason'}.",
        hint="Run kinit by hand, and look into the KDC's log.",
    )


def _realm(request: TicketRequest) -> str:
    return request.principal.rpartition("@")[2]


def _config(request: TicketRequest) -> str:
    return request.krb5_config or "the system's krb5.conf"


def _refused(request: TicketRequest) -> Forbidden:
    what = "keytab" if request.keytab or request.keytab_path else "password"
    return Forbidden(
        "principal_refused",
        f"The KDC rejects the {what} of '{request.principal}'.",
        hint="Check whether it was changed or belongs to another principal. It is not tried again in this run.",
    )


def _expired(request: TicketRequest) -> Forbidden:
    return Forbidden(
        "principal_expired",
        f"The password of '{request.principal}' has expired and must be changed.",
        hint="Change it with kpasswd, then update the secret that holds it.",
    )


def _locked(request: TicketRequest) -> Forbidden:
    return Forbidden(
        "principal_locked",
        f"'{request.principal}' is locked, disabled or expired.",
        hint="Ask the administrators of the realm to unlock it.",
    )


def _unknown(request: TicketRequest) -> NotFound:
    return NotFound(
        "unknown_principal",
        f"The realm '{_realm(request)}' has no principal '{request.principal}'.",
        hint="Check the name, including upper and lower case.",
    )


def _unknown_realm(request: TicketRequest) -> NotFound:
    return NotFound(
        "unknown_realm",
        f"No KDC is known for the realm '{_realm(request)}' of '{request.principal}'.",
        hint=f"Add it to [realms] in {_config(request)} or to DNS. Realm names are usually upper case.",
    )


def _no_answer(request: TicketRequest) -> Unavailable:
    return Unavailable(
        "kdc_unreachable",
        f"No KDC of the realm '{_realm(request)}' answers the request for a ticket of '{request.principal}'.",
        hint=f"Check the network, port 88, and the addresses in {_config(request)}.",
        retryable=True,
    )


def _skew(request: TicketRequest) -> Unavailable:
    return Unavailable(
        "clock_skew",
        f"The clocks of this machine and of the KDC of '{_realm(request)}' differ by more than Kerberos allows.",
        hint="Synchronize both clocks with NTP; five minutes of difference are allowed.",
    )


def _not_in_keytab(request: TicketRequest) -> NotFound:
    return NotFound(
        "not_in_keytab",
        f"The keytab has no key of '{request.principal}' that the KDC accepts.",
        hint="List its keys: klist -k -e -t FILE",
    )


def _unreadable(request: TicketRequest) -> InvalidInput:
    return InvalidInput(
        "unreadable_keytab",
        f"The keytab of '{request.principal}' can't be read or is not a valid keytab.",
        hint=f"Check {request.keytab_path or 'that the secret holds the unchanged bytes of the file'}.",
    )


def _unreadable_config(request: TicketRequest) -> InvalidInput:
    return InvalidInput(
        "unreadable_krb5_config",
        f"The Kerberos configuration for '{request.principal}' can't be read: {_config(request)}.",
        hint="Check its path, permissions and content.",
    )


_FAILURES = (
    (r"Password (has )?expired", _expired),
    (r"(Password incorrect|Preauthentication failed|Decrypt integrity check failed)", _refused),
    (r"Clock skew too great", _skew),
    (r"not found in Kerberos database", _unknown),
    (r"(Cannot find KDC|Cannot resolve servers for KDC|Unknown realm)", _unknown_realm),
    (r"Cannot contact any KDC", _no_answer),
    (r"(credentials have been revoked|entry in database has expired)", _locked),
    (r"(Keytab contains no suitable keys|Key table entry not found|No supported encryption types)", _not_in_keytab),
    (r"(Key table file .* not found|Unsupported key table format|Bad format in keytab)", _unreadable),
    (r"(Permission denied|End of file|Is a directory|No such file).*getting initial credentials", _unreadable),
    (r"(initializing Kerberos|profile)", _unreadable_config),
)
