# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection needs to log in at a host with a credential. Workers load this: tuples."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HostLogin"]


class HostLogin(NamedTuple):
    """How to log in. The private key is in an agent and a ticket in its cache, so neither is here.

    `scheme` is ssh_key, password or kerberos; `port` is 0 where the credential names none. `mark` differs for whatever
    differs about the login, and tells nothing else about it.
    """

    scheme: str
    user: str
    mark: str
    port: int = 0
    password: str = ""
    agent: str = ""  # path of the socket
    public_key_file: str = ""
    ticket_cache: str = ""  # as KRB5CCNAME takes it; empty for the one that the user has
    krb5_config: str = ""  # path, empty for the system's
    principal: str = ""
    folder: str = ""  # of the run and its user only, for what needs a path: a socket, never a secret

    def __repr__(self) -> str:
        return f"HostLogin(scheme={self.scheme!r}, user={self.user!r}, port={self.port!r})"
