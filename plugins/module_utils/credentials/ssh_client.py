# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and environment that make the system's ssh log in with one credential and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model.host_login import HostLogin

__all__ = ["METHODS", "last_ssh_options", "ssh_environment", "ssh_options", "without_forwarding"]

# Flags of scp and sftp without a value, which can stand together, and before one with a value, as in -qAP22.
_FLAGS = re.compile(rb"-[346ABCOTNafpqRrsv]*")

# The authentication methods of each scheme, under ssh's names.
METHODS = {
    "ssh_key": ("publickey",),
    "password": ("password", "keyboard-interactive"),
    "kerberos": ("gssapi-with-mic",),
}


def ssh_options(login: HostLogin) -> list[str]:
    """Return options for an ssh command line. Put them first: ssh uses the first value of each option."""
    options = {
        "PreferredAuthentications": ",".join(METHODS[login.scheme]),
        "PubkeyAuthentication": _yes(login.scheme == "ssh_key"),
        "PasswordAuthentication": _yes(login.scheme == "password"),
        "KbdInteractiveAuthentication": _yes(login.scheme == "password"),
        "GSSAPIAuthentication": _yes(login.scheme == "kerberos"),
        **({"GSSAPIDelegateCredentials": "no"} if login.scheme == "kerberos" else {}),
        "HostbasedAuthentication": "no",
        "IdentitiesOnly": "yes",
        **_key_options(login),
        **({"NumberOfPasswordPrompts": "1"} if login.scheme == "password" else {}),
        **({"User": f'"{login.user}"'} if login.user else {}),
        **({"Port": str(login.port)} if login.port else {}),
    }
    return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]


def last_ssh_options(login: HostLogin, control_path: str) -> list[str]:
    """Return options for the end of a command line of ssh: these flags override the option of the same meaning."""
    flags = {"ssh_key": ["-a"], "kerberos": ["-k"]}.get(login.scheme, [])
    return [*flags, "-S", control_path]


def without_forwarding(words: Sequence[bytes], login: HostLogin) -> list[bytes]:
    """Return options of scp or sftp without -A, which would forward the agent of the run: these have no flag for no."""
    if login.scheme != "ssh_key":
        return list(words)
    return [_without_a(word) for word in words if word != b"-A"]


def _without_a(word: bytes) -> bytes:
    flags = _FLAGS.match(word)
    return flags[0].replace(b"A", b"") + word[flags.end() :] if flags else word


def ssh_environment(login: HostLogin) -> dict[str, str]:
    """Return the variables to add to ssh's environment: the C locale for English messages, and the Kerberos ticket."""
    ticket = {"KRB5CCNAME": login.ticket_cache} if login.ticket_cache else {}
    config = {"KRB5_CONFIG": login.krb5_config} if login.krb5_config else {}
    return {"LC_ALL": "C", **ticket, **config}


def _key_options(login: HostLogin) -> dict[str, str]:
    """Return the options that select the key. Its agent stays here: a host could use it for other hosts."""
    if login.scheme != "ssh_key":
        return {}
    key, agent = _path(login.public_key_file), _path(login.agent)
    return {"IdentityFile": key, "IdentityAgent": agent, "ForwardAgent": "no", "AddKeysToAgent": "no"}


def _path(path: str) -> str:
    """Return a path as ssh_config(5) expects it: quoted, with special characters escaped."""
    return '"{}"'.format(path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"))


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
