# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a credential before it is saved: that its key can be read, and on request that a host accepts it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ...credentials.check_host import check_host
from ...credentials.host_logins import HostLogins, read_key
from ...model.errors import InvalidInput
from ...model.references import references_among
from ...model.scopes import ScopePath
from ..providers.access import Access
from ..reading.credential_views import read_on_control_node
from .credential_options import WantedCredential
from .generate import public_fields

__all__ = ["CredentialProof"]

# The first two bytes of every keytab: "The keytab file format", MIT Kerberos documentation.
_KEYTAB = b"\x05\x02"


class CredentialProof:
    """Checks one credential as it is about to be saved."""

    def __init__(self, access: Access, path: ScopePath, wanted: WantedCredential, what: str) -> None:
        self._access = access
        self._path = path
        self._wanted = wanted
        self._what = what

    def public(self) -> dict[str, str]:
        """Return the public half of a key that is kept here; raise InvalidInput for an unusable key or keytab."""
        if "keytab" in self._parts and not self._parts["keytab"].startswith(_KEYTAB):
            raise InvalidInput(
                "invalid_keytab",
                f"The secret that 'keytab_ref' of {self._what} names is not a keytab.",
                hint="Keep the unchanged keytab file with scoped.secrets.secret_file and 'src'.",
            )
        if "private_key" not in self._parts:
            return {}
        key = read_key(self._parts["private_key"], self._parts.get("passphrase"), self._what)
        return public_fields(key) if "private_key" in self._wanted.kept else {}

    def check_host(self, host: str, *, check_key: bool) -> None:
        """Log in at a host and log out again; raises ScopedSecretsError if that fails."""
        if not host:
            raise InvalidInput(
                "invalid_option",
                "The option 'check_host' is empty, so there is no host to log in to.",
                hint="Set it to the name of a host, or leave it out.",
            )
        logins = HostLogins()
        try:
            login = logins.open_host_login(self._wanted.options, self._parts, "", self._what)
            check_host(login, host, folder=login.folder, check_host_key=check_key)
        finally:
            logins.close()

    @cached_property
    def _parts(self) -> Mapping[str, bytes]:
        """The credential's values by field: those given now, and those that it refers to."""
        options: Mapping[str, Any] = self._wanted.options
        parts = {name: value.encode() for name, value in self._wanted.inline.items()}
        for name, text in references_among(options).items():
            if name.removesuffix("_ref") not in parts:
                parts[name.removesuffix("_ref")] = self._access.value(text, self._path)
        if "private_key_path" in options:
            parts["private_key"] = read_on_control_node(options["private_key_path"], self._what)
        return parts
