# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection needs to log in to a host. Every worker loads this, so it is a NamedTuple, which is cheap."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HostLogin"]


class HostLogin(NamedTuple):
    """How to log in to a host. A private key stays in an agent and a ticket in its cache, so neither is in here.

    `scheme` is ssh_key, password or kerberos. `port` is 0 if the credential names none. `mark` differs for any two
    logins that differ, and reveals nothing about them.
    """

    scheme: str
    user: str
    mark: str
    port: int = 0
    password: str = ""
    agent: str = ""  # path of the socket
    public_key_file: str = ""
    ticket_cache: str = ""  # in the form of KRB5CCNAME; empty for the user's own cache
    krb5_config: str = ""  # path; empty for the system's file
    principal: str = ""
    folder: str = ""  # private to the run and its user, for sockets; never for secrets

    def __repr__(self) -> str:
        return f"HostLogin(scheme={self.scheme!r}, user={self.user!r}, port={self.port!r})"
