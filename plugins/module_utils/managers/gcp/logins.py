# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log in to Google Cloud."""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from .. import failures
from ..base import ArgumentSpec, Login
from ..network import check_url
from .options import endpoint_url
from .session import GcpSession

__all__ = ["LOGINS", "GcpLogin"]


class GcpLogin(Login):
    """Gets credentials for Google Cloud."""

    @abstractmethod
    def credentials(self, session: GcpSession) -> Any:
        """Return google-auth credentials that have no token yet. Raises login_refused."""

    def _text(self, name: str) -> str:
        return str(self.options.get(name) or "").strip()


class ServiceAccount(GcpLogin):
    """The key of a service account, as the JSON that Google issues."""

    NAME = "service_account"
    OPTIONS: ClassVar[ArgumentSpec] = {"credentials_json": {"type": "json", "no_log": True}}
    REQUIRED = ("credentials_json",)

    def credentials(self, session: GcpSession) -> Any:
        try:
            # Windows programs start such a file with a byte order mark.
            key = json.loads(self._text("credentials_json").removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            key = None
        # Other types of JSON credentials can name a program to run or an address to send a token to.
        if not isinstance(key, dict) or key.get("type") != "service_account":
            raise failures.login_refused(
                session.connector.what, "'credentials_json' is not the key of a service account"
            )
        check_url(
            session.connector.what,
            "token_uri",
            str(key.get("token_uri", "")),
            allow_plain_http=bool(self.options.get("allow_plain_http")),
        )
        return session.service_account(key)


class GcpWorkloadIdentity(GcpLogin):
    """A token in a file that another program keeps fresh, exchanged at a workload identity pool."""

    NAME = "workload_identity"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "project_number": {"type": "str"},
        "pool": {"type": "str"},
        "provider": {"type": "str"},
        "service_account_email": {"type": "str"},
        "token_file": {"type": "path", "no_log": False},
        "sts_endpoint": {"type": "str"},
        "iam_endpoint": {"type": "str"},
    }
    REQUIRED = ("project_number", "pool", "provider", "token_file")
    FILES = ("token_file",)

    def credentials(self, session: GcpSession) -> Any:
        return session.external_account(self._configuration())

    def _configuration(self) -> dict[str, Any]:
        """Return the configuration that Google's console would generate."""
        sts, iam = (self._address(name) for name in ("sts", "iam"))
        pool = f"projects/{self._text('project_number')}/locations/global/workloadIdentityPools/{self._text('pool')}"
        email = self._text("service_account_email")
        account = f"{iam}/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        return {
            "type": "external_account",
            "audience": f"//iam.googleapis.com/{pool}/providers/{self._text('provider')}",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{sts}/v1/token",
            "credential_source": {"file": os.path.expanduser(self._text("token_file"))},
            **({"service_account_impersonation_url": account} if email else {}),
        }

    def _address(self, which: str) -> str:
        usual = {"sts": "sts.googleapis.com", "iam": "iamcredentials.googleapis.com"}[which]
        return endpoint_url(self._text(f"{which}_endpoint") or usual).rstrip("/")


class ApplicationDefault(GcpLogin):
    """The credentials that the Google libraries find: a file named by the environment, gcloud, the instance."""

    NAME = "default"

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        return True

    def credentials(self, session: GcpSession) -> Any:
        return session.application_default()


LOGINS: tuple[type[GcpLogin], ...] = (ServiceAccount, GcpWorkloadIdentity, ApplicationDefault)
