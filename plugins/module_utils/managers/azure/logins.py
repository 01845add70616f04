# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log in to Microsoft Entra ID, which issues the tokens for Azure Key Vault."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from .. import failures
from ..base import ArgumentSpec, Login, is_blank
from ..http import pem_text

__all__ = ["LOGINS", "AzureLogin", "validate_login"]

_APPLICATION: ArgumentSpec = {"tenant_id": {"type": "str"}, "client_id": {"type": "str"}}
_VARIABLES = "AZURE_TENANT_ID, AZURE_CLIENT_ID or AZURE_FEDERATED_TOKEN_FILE"
_ID = re.compile(r"[0-9A-Za-z.-]{1,200}")


def validate_login(options: Mapping[str, Any]) -> None:
    """Raise InvalidInput for invalid ids. A tenant can also be named by its domain."""
    for name in _APPLICATION:
        if options.get(name) and not _ID.fullmatch(options[name]):
            rule = "Set it to the id that the portal shows, like 6f1c2f0e-1b7d-4a53-9a27-0c2f3ce0b1d4."
            raise failures.invalid_option(name, "is not valid", rule)


class AzureLogin(Login):
    """Creates a credential of azure-identity."""

    @abstractmethod
    def credential(self, what: str, network: Mapping[str, Any], authority: Mapping[str, Any]) -> Any:
        """Return an unused credential. Raises login_refused, InvalidInput.

        `network` has the arguments for sending requests, `authority` those for credentials that ask Entra ID directly.
        """

    def _text(self, name: str) -> str:
        return str(self.options.get(name) or "").strip()

    def _application(self) -> dict[str, str]:
        return {name: self._text(name) for name in _APPLICATION}


class ClientSecret(AzureLogin):
    """An application with a client secret."""

    NAME = "client_secret"
    OPTIONS: ClassVar[ArgumentSpec] = {**_APPLICATION, "client_secret": {"type": "str", "no_log": True}}
    REQUIRED = ("tenant_id", "client_id", "client_secret")

    def credential(self, what: str, network: Mapping[str, Any], authority: Mapping[str, Any]) -> Any:
        from azure.identity import ClientSecretCredential

        return ClientSecretCredential(
            **self._application(), client_secret=self._text("client_secret"), **network, **authority
        )


class ClientCertificate(AzureLogin):
    """An application with a certificate, whose RSA key signs the login. The key is never written to a disk."""

    NAME = "client_certificate"
    OPTIONS: ClassVar[ArgumentSpec] = {**_APPLICATION, "client_certificate": {"type": "str", "no_log": True}}
    REQUIRED = ("tenant_id", "client_id", "client_certificate")

    def credential(self, what: str, network: Mapping[str, Any], authority: Mapping[str, Any]) -> Any:
        from azure.identity import CertificateCredential

        pem = pem_text("client_certificate", self._text("client_certificate"))
        try:
            return CertificateCredential(**self._application(), certificate_data=pem.encode(), **network, **authority)
        except (TypeError, ValueError):
            raise failures.login_refused(
                what, "'client_certificate' is not a PEM certificate with its RSA key and without a passphrase"
            ) from None


class ManagedIdentity(AzureLogin):
    """The identity of the machine that ansible-playbook runs on: its own, or one assigned to it."""

    NAME = "managed_identity"
    OPTIONS: ClassVar[ArgumentSpec] = {"client_id": _APPLICATION["client_id"]}
    REQUIRED = ("client_id",)

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return True

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        """Accept it without `client_id`, which means the machine's own identity."""

    def credential(self, what: str, network: Mapping[str, Any], authority: Mapping[str, Any]) -> Any:
        from azure.identity import ManagedIdentityCredential

        return ManagedIdentityCredential(client_id=self._text("client_id") or None, **network)


class AzureWorkloadIdentity(AzureLogin):
    """An application that trusts the token in a file, which another program keeps fresh."""

    NAME = "workload_identity"
    OPTIONS: ClassVar[ArgumentSpec] = {**_APPLICATION, "token_file": {"type": "path", "no_log": False}}
    REQUIRED = ("tenant_id", "client_id", "token_file")
    FILES = ("token_file",)

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return is_blank(options, "token_file")

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        """Accept it with fewer options: Azure Kubernetes Service sets all three in a pod's environment."""

    def credential(self, what: str, network: Mapping[str, Any], authority: Mapping[str, Any]) -> Any:
        from azure.identity import WorkloadIdentityCredential

        file = os.path.expanduser(self._text("token_file"))
        given = {name: one for name, one in {**self._application(), "token_file_path": file}.items() if one}
        try:
            return WorkloadIdentityCredential(**given, **network, **authority)
        except ValueError:
            raise failures.login_refused(what, f"the environment of ansible-playbook lacks {_VARIABLES}") from None


class AzureDefault(AzureLogin):
    """The credentials that the Azure libraries find: environment, workload identity, command lines.

    Managed identities are left out: trying one takes minutes on machines without one, and on others it could be an
    identity that the user didn't mean.
    """

    NAME = "default"

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return True

    def credential(self, what: str, network: Mapping[str, Any], authority: Mapping[str, Any]) -> Any:
        from azure.identity import DefaultAzureCredential

        left_out = ("managed_identity", "shared_token_cache", "visual_studio_code", "interactive_browser", "broker")
        excluded = {f"exclude_{one}_credential": True for one in left_out}
        return DefaultAzureCredential(**excluded, **network, **authority)


LOGINS: tuple[type[AzureLogin], ...] = (
    ClientSecret,
    ClientCertificate,
    ManagedIdentity,
    AzureWorkloadIdentity,
    AzureDefault,
)
