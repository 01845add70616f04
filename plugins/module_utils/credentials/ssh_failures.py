# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why ssh did not log in, told by its own words in the locale C. No words of the host itself go into an error."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..model.errors import Forbidden, NotFound, ScopedSecretsError, Unavailable
from ..model.host_login import HostLogin
from .agent import not_usable
from .ssh_client import METHODS

__all__ = ["explain", "other_key", "timed_out"]

_Failure = Callable[[HostLogin, str], ScopedSecretsError]


def explain(stderr: str, login: HostLogin, host: str) -> ScopedSecretsError | None:
    """Return the error that ssh's complaint means, None where it is not known. It tells more where ssh ran with -v."""
    for scheme, pattern, failure in _FAILURES:
        if scheme in ("", login.scheme) and re.search(pattern, stderr, re.MULTILINE):
            return failure(login, host)
    # A jump host denies others.
    user = re.escape(f"{login.user}@") if login.user else ""
    denied = re.search(rf"^{user}\S+: Permission denied \(([a-z,-]+)\)\.\s*$", stderr, re.MULTILINE)
    return _denied(login, host, denied[1].split(",")) if denied else None


def timed_out(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_timeout",
        f"The host '{host}' gives no answer in time.",
        hint="Check its address, port, and the firewalls on the way.",
        retryable=True,
    )


def other_key(login: HostLogin, host: str) -> Forbidden:
    """Return the error for a login that only another key of the user has made possible."""
    return _refused_key(login, host, " It let another key in, which your own configuration of ssh names.")


def _denied(login: HostLogin, host: str, offered: list[str]) -> Forbidden:
    if not set(METHODS[login.scheme]).intersection(offered):
        only = " or ".join(offered)
        return Forbidden(
            "login_method_not_offered",
            f"The host '{host}' lets '{login.user}' log in by {only} only, not by {_TITLES[login.scheme]}.",
            hint="Use another credential, or have the host's sshd_config changed.",
        )
    return _REFUSED[login.scheme](login, host, "")


def _refused_key(login: HostLogin, host: str, more: str) -> Forbidden:
    return Forbidden(
        "host_refused_key",
        f"The host '{host}' does not let '{login.user}' in with this key.{more}",
        hint="Check the user, and that the public key is in its authorized_keys; the host's own log has the reason.",
    )


def _refused_password(login: HostLogin, host: str, _more: str) -> Forbidden:
    return Forbidden(
        "host_refused_password",
        f"The host '{host}' does not let '{login.user}' in with this password.",
        hint="Check user and password, and whether the account is locked.",
    )


def _refused_ticket(login: HostLogin, host: str, _more: str) -> Forbidden:
    return Forbidden(
        "host_refused_ticket",
        f"The host '{host}' does not let '{login.user}' in with a ticket{_of(login)}.",
        hint="Check that the principal may use the account (~/.k5login), and the host's keytab and clock.",
    )


def _of(login: HostLogin) -> str:
    return f" of '{login.principal}'" if login.principal else ""


def _unknown_name(_login: HostLogin, host: str) -> NotFound:
    return NotFound(
        "unknown_host_name",
        f"The name of the host '{host}' has no address.",
        hint="Check the name, and DNS where ansible-playbook runs.",
    )


def _not_listening(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_refuses_connections",
        f"Nothing takes connections for SSH at the host '{host}'.",
        hint="Check the port, and that sshd runs there.",
        retryable=True,
    )


def _unreachable(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_unreachable",
        f"There is no way to the host '{host}' in the network.",
        hint="Check its address, routes and VPN.",
        retryable=True,
    )


def _closed(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "host_closes_connection",
        f"The host '{host}' ends the connection before anybody can log in.",
        hint="It may be busy, block this address, or be something else; or a jump host does not let ssh through.",
        retryable=True,
    )


def _unknown_key(_login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "unknown_host_key",
        f"The key of the host '{host}' is not known here.",
        hint="Compare it with the host's own, then add it to known_hosts (ssh-keyscan, or the module known_hosts).",
    )


def _changed_key(_login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "changed_host_key",
        f"The host '{host}' shows another key than the one that is known. Somebody may pretend to be it.",
        hint="If the host was set up anew, remove the old key: ssh-keygen -R",
    )


def _revoked_key(_login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "revoked_host_key",
        f"The key of the host '{host}' is marked as revoked.",
        hint="It must get a new one, and known_hosts with it.",
    )


def _no_algorithm(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "no_common_algorithm",
        f"The host '{host}' and this ssh have no algorithm in common.",
        hint="ssh -v names the kind. Upgrade the older side, or allow its algorithm for this host in ssh_config.",
    )


def _agent(_login: HostLogin, _host: str) -> ScopedSecretsError:
    return not_usable("it does not sign with the key", "It may have ended meanwhile: run it again.")


def _askpass(_login: HostLogin, _host: str) -> ScopedSecretsError:
    return ScopedSecretsError(
        "askpass_not_usable",
        "ssh can't run the program that asks for the password.",
        hint="The folder for temporary files must allow programs (no 'noexec'); TMPDIR names another one.",
    )


def _no_ticket(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "no_ticket",
        f"There is no ticket{_of(login)} to log in at '{host}' with.",
        hint="Log in with kinit, or give the credential a keytab or a password.",
    )


def _expired_ticket(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "ticket_expired",
        f"The ticket{_of(login)} to log in at '{host}' with has expired.",
        hint="Renew it with kinit, or give the credential a keytab or a password.",
    )


def _other_realm(login: HostLogin, host: str) -> Forbidden:
    return Forbidden(
        "host_in_other_realm",
        f"The host '{host}' is thought to be in a realm that gives nothing for a ticket{_of(login)}.",
        hint="Check [domain_realm] in krb5.conf, and the trust between the realms.",
    )


def _no_service(_login: HostLogin, host: str) -> NotFound:
    return NotFound(
        "host_without_principal",
        f"The realm has no principal 'host/{host}'.",
        hint="Use the name by which the realm knows the host, in full; or add it to the realm.",
    )


def _no_kdc(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "kdc_unreachable",
        f"No KDC answers, which is asked for a ticket for the host '{host}'.",
        hint="Check the network, port 88, and the addresses in krb5.conf.",
        retryable=True,
    )


def _no_realm(_login: HostLogin, host: str) -> NotFound:
    return NotFound(
        "unknown_realm",
        f"No KDC is known for the realm of the host '{host}'.",
        hint="Name it under [realms] in krb5.conf, or in DNS.",
    )


def _skew(_login: HostLogin, host: str) -> Unavailable:
    return Unavailable(
        "clock_skew",
        f"The clocks of this machine, of the KDC and of the host '{host}' differ by more than Kerberos allows.",
        hint="Set all of them by NTP; five minutes are allowed.",
    )


_TITLES = {"ssh_key": "key", "password": "password", "kerberos": "Kerberos"}
_REFUSED = {"ssh_key": _refused_key, "password": _refused_password, "kerberos": _refused_ticket}
# Scheme, ssh's words (of Kerberos those of its library, which ssh shows with -v only), and what they mean.
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
    ("", r"^(kex_exchange_identification: |Connection (closed|reset) by )", _closed),
)
