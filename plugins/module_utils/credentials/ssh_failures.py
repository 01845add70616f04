# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains from ssh's messages (C locale) why a login failed. Errors never quote what the host sends."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..model.errors import Forbidden, NotFound, ScopedSecretsError, Unavailable
from ..model.host_login import HostLogin
from .agent import not_usable
from .asked import Asked
from .ssh_client import METHODS

__all__ = ["EXPIRED", "expired_password", "explain", "other_key", "timed_out"]

_Failure = Callable[[HostLogin, str], ScopedSecretsError]


def explain(stderr: str, login: HostLogin, host: str, asked: Asked = Asked.NOTHING) -> ScopedSecretsError | None:
    """Return the error that matches ssh's stderr, None if it is unknown. More is recognized if ssh ran with -v.

    `asked` is what ssh asked us. A host that ends the login after it got a password has counted a failed one, so that
    error is not one to try again after.
    """
    if asked.is_refused:
        return _BY_QUESTION[asked](login, host)
    if asked is Asked.SECRET and re.search(_CLOSED, stderr, re.MULTILINE):
        return _refused_password(login, host, "")
    for scheme, pattern, failure in _FAILURES:
        if scheme in ("", login.scheme) and re.search(pattern, stderr, re.MULTILINE):
            return failure(login, host)
    # Only a denial of the credential's own user counts: a jump host would deny another one.
    user = re.escape(f"{login.user}@") if login.user else ""
    denied = re.search(rf"^{user}\S+: Permission denied \(([a-z,-]+)\)\.\s*$", stderr, re.MULTILINE)
    return _denied(login, host, denied[1].split(",")) if denied else None


def timed_out(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_timeout",
        f"The host '{host}' did not answer in time.",
        hint="Check its address and port, and the firewalls in between.",
        retryable=True,
    )


def other_key(login: HostLogin, host: str) -> Forbidden:
    """Return the error for a login that succeeded only with another key of the user."""
    return _refused_key(login, host, " It accepted another key, which your own ssh configuration names.")


def _denied(login: HostLogin, host: str, offered: list[str]) -> Forbidden:
    if not set(METHODS[login.scheme]).intersection(offered):
        only = " or ".join(offered)
        return Forbidden(
            "login_method_not_offered",
            f"The host '{host}' only lets '{login.user}' log in by {only}, not by {_TITLES[login.scheme]}.",
            hint="Use another credential, or change the host's sshd_config.",
        )
    return _REFUSED[login.scheme](login, host, "")


def _refused_key(login: HostLogin, host: str, more: str) -> Forbidden:
    return Forbidden(
        "host_refused_key",
        f"The host '{host}' does not accept this key for '{login.user}'.{more}",
        hint="Check the user, and that the public key is in its authorized_keys. The host's own log has the reason.",
    )


def _refused_password(login: HostLogin, host: str, _more: str) -> Forbidden:
    return Forbidden(
        "host_refused_password",
        f"The host '{host}' does not accept this password for '{login.user}'.",
        hint="Check the user and the password, and whether the account is locked.",
    )


def _refused_again(login: HostLogin, host: str) -> Forbidden:
    return _refused_password(login, host, "")


def expired_password(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "host_password_expired",
        f"The host '{host}' lets '{login.user}' in, but wants a new password first, because the old one has expired.",
        hint="Change it on the host, then declare the credential with the new one.",
    )


def _another_account(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "other_account_asked",
        f"On the way to the host '{host}', ssh asks for the password of another account than '{login.user}', for "
        "example that of a jump host. It got none.",
        hint="Let ssh log in there by a key or a ticket, or correct the user of the credential.",
    )


def _not_understood(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "prompt_not_understood",
        f"The host '{host}' asks '{login.user}' for something that does not look like the password. It got no answer.",
        hint="Log in with ssh by hand to see the prompt. If it is for the password, set ansible_sshpass_prompt to a "
        "part of it. A second factor can't be answered.",
    )


def _refused_method(login: HostLogin, host: str) -> Forbidden:
    return _REFUSED[login.scheme](login, host, "")


def _refused_ticket(login: HostLogin, host: str, _more: str) -> Forbidden:
    return Forbidden(
        "host_refused_ticket",
        f"The host '{host}' does not accept a ticket{_of(login)} for '{login.user}'.",
        hint="Check that the principal may use the account (~/.k5login), and check the host's keytab and clock.",
    )


def _of(login: HostLogin) -> str:
    return f" of '{login.principal}'" if login.principal else ""


def _unknown_name(_login: HostLogin, host: str) -> NotFound:
    return NotFound(
        "unknown_host_name",
        f"The host name '{host}' can't be resolved.",
        hint="Check the name, and DNS on the machine that runs ansible-playbook.",
    )


def _not_listening(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_refuses_connections",
        f"The host '{host}' refuses SSH connections.",
        hint="Check the port, and that sshd is running.",
        retryable=True,
    )


def _unreachable(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_unreachable",
        f"There is no route to the host '{host}'.",
        hint="Check its address, the routes and the VPN.",
        retryable=True,
    )


def _closed(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_closes_connection",
        f"The host '{host}' closes the connection before the login.",
        hint="Check whether it is overloaded, blocks this address or runs no SSH server on this port, and whether a "
        "jump host allows the connection.",
        retryable=True,
    )


def _unknown_key(_login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "unknown_host_key",
        f"The host key of '{host}' is unknown.",
        hint="Compare it with the host's own key, then add it to known_hosts (ssh-keyscan or the module known_hosts).",
    )


def _changed_key(_login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "changed_host_key",
        f"The host key of '{host}' differs from the known one. Somebody may be impersonating the host.",
        hint="If the host was reinstalled, remove the old key: ssh-keygen -R HOST",
    )


def _revoked_key(_login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "revoked_host_key",
        f"The host key of '{host}' is marked as revoked.",
        hint="Give the host a new key, and update known_hosts.",
    )


def _no_algorithm(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "no_common_algorithm",
        f"The host '{host}' and this ssh have no algorithm in common.",
        hint="Run ssh -v to see the kind. Upgrade the older side, or allow its algorithm for this host in ssh_config.",
    )


def _agent(_login: HostLogin, _host: str) -> ScopedSecretsError:
    return not_usable("it did not sign with the key", "Run the playbook again; the agent may have ended meanwhile.")


def _askpass(_login: HostLogin, _host: str) -> ScopedSecretsError:
    return ScopedSecretsError(
        "askpass_not_usable",
        "ssh can't run the program that passes it the password.",
        hint="Set TMPDIR to a folder for temporary files that allows programs (not mounted with 'noexec').",
    )


def _no_ticket(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "no_ticket",
        f"There is no ticket{_of(login)} for the login to '{host}'.",
        hint="Get one with kinit, or add a keytab or a password to the credential.",
    )


def _expired_ticket(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "ticket_expired",
        f"The ticket{_of(login)} for the login to '{host}' has expired.",
        hint="Renew it with kinit, or add a keytab or a password to the credential.",
    )


def _other_realm(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "host_in_other_realm",
        f"Kerberos places the host '{host}' in a realm that does not accept a ticket{_of(login)}.",
        hint="Check [domain_realm] in krb5.conf, and the trust between the realms.",
    )


def _no_service(_login: HostLogin, host: str) -> NotFound:
    return NotFound(
        "host_without_principal",
        f"The realm has no principal 'host/{host}'.",
        hint="Use the full name by which the realm knows the host, or add the principal to the realm.",
    )


def _no_kdc(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "kdc_unreachable",
        f"No KDC answers the request for a ticket for the host '{host}'.",
        hint="Check the network, port 88, and the addresses in krb5.conf.",
        retryable=True,
    )


def _no_realm(_login: HostLogin, host: str) -> NotFound:
    return NotFound(
        "unknown_realm",
        f"No KDC is known for the realm of the host '{host}'.",
        hint="Add it to [realms] in krb5.conf or to DNS.",
    )


def _skew(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "clock_skew",
        f"The clocks of this machine, of the KDC and of the host '{host}' differ by more than Kerberos allows.",
        hint="Synchronize all clocks with NTP; five minutes of difference are allowed.",
    )


_TITLES = {"ssh_key": "key", "password": "password", "kerberos": "Kerberos"}
_BY_QUESTION = {
    Asked.SECRET_AGAIN: _refused_again,
    Asked.NEW_SECRET: expired_password,
    Asked.OTHER_ACCOUNT: _another_account,
    Asked.OTHER_QUESTION: _not_understood,
}
# What sshd says in place of the command (session.c), whatever the method of the login.
EXPIRED = re.compile(r"^Password change required but no TTY available", re.MULTILINE)
_CLOSED = r"^(kex_exchange_identification: |Connection (closed|reset) by )"
_REFUSED = {"ssh_key": _refused_key, "password": _refused_password, "kerberos": _refused_ticket}
# Scheme (empty: any), pattern of ssh's output, and the error. ssh prints Kerberos messages only with -v.
_FAILURES: tuple[tuple[str, str, _Failure], ...] = (
    ("", r"^@ +WARNING: REVOKED HOST KEY DETECTED!", _revoked_key),
    ("", r"(^@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!|^Host key for .* has changed)", _changed_key),
    ("", r"^(No \S+ host key is known for .*|Host key verification failed\.)\s*$", _unknown_key),
    ("", r"^ssh: Could not resolve hostname ", _unknown_name),
    ("", r"^ssh: connect to host .*: Connection refused", _not_listening),
    ("", r"^ssh: connect to host .*: (No route to host|Network is (unreachable|down)|Host is down)", _unreachable),
    ("", r"^(ssh: connect to host .*: (Connection|Operation) timed out|Connection timed out during )", timed_out),
    ("", r"^Unable to negotiate with .*: no matching ", _no_algorithm),
    ("ssh_key", r"^sign_and_send_pubkey: no mutual signature ", _no_algorithm),
    ("ssh_key", r'^(sign_and_send_pubkey: signing failed |Load key ".*\.pub": )', _agent),
    ("password", r"^ssh_askpass: exec\(", _askpass),
    ("kerberos", r"^(debug1: )?(No Kerberos credentials available|Can't find client principal)", _no_ticket),
    ("kerberos", r"^(debug1: )?(No credentials cache found|Matching credential not found)", _no_ticket),
    ("kerberos", r"^(debug1: )?Ticket expired", _expired_ticket),
    ("kerberos", r"^(debug1: )?Server krbtgt/\S+ not found in Kerberos database", _other_realm),
    ("kerberos", r"^(debug1: )?Server \S+ not found in Kerberos database", _no_service),
    ("kerberos", r"^(debug1: )?Cannot contact any KDC", _no_kdc),
    ("kerberos", r"^(debug1: )?Cannot find KDC for realm", _no_realm),
    ("kerberos", r"^(debug1: )?Clock skew too great", _skew),
    # After MaxAuthTries failed ones, of which other keys of the user may be some.
    ("", r"^Received disconnect from \S+ port \d+:2: Too many authentication failures", _refused_method),
    ("", _CLOSED, _closed),
)
