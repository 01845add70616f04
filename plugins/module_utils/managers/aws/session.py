# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A logged-in AWS session and its clients: one deadline per call, requests counted, errors translated."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ...model.errors import ScopedSecretsError
from ...model.version import VERSION
from ...processes.files import read_file
from .. import failures
from ..base import ConnectorContext, ExpectedError, Login
from ..http import tls_context
from ..network import PEM
from .failures import AwsAttempt, OwnErrors, code_of, error_for_code, translate
from .options import AWS_NETWORK, check_endpoint

__all__ = ["REQUIREMENT", "AwsClient", "AwsSession"]

REQUIREMENT = "boto3>=1.34"
# A few more than the engine's concurrent requests.
_CONNECTIONS = 16


class _Deadline(threading.local):
    """The latest time at which this thread's call may send a request."""

    last_start = float("inf")


class AwsSession:
    """Credentials and a region. After `log_in`, the session and its clients are thread-safe."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext, region: str = "") -> None:
        """Take a connector's options. Reads only a CA file. Raises MissingLibrary, InvalidInput."""
        try:
            import botocore.session
            import urllib3
        except ImportError:
            raise failures.missing_library(REQUIREMENT, "AWS") from None
        # botocore logs whole requests with their values, and the provider's answers to refused logins.
        logging.getLogger("botocore").setLevel(logging.CRITICAL)
        self._new = botocore.session.Session
        self.connector = connector
        self._options = {
            **AWS_NETWORK.defaults,
            **{name: value for name, value in options.items() if value is not None},
        }
        self._region = region
        self._try_seconds = float(self._options["timeout"])
        self._seconds = 3 * self._try_seconds
        self._deadline = _Deadline()
        self._ca_file: Any = None
        self._verify = self._verify_argument(str(self._options.get("ca_cert") or ""))
        if self._verify is False:
            # A notice of the connector says so once per run.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._logins = 0
        self._session: Any = None
        self._clients: list[Any] = []

    def log_in(self, login: Login) -> None:
        """Get credentials; botocore refreshes them from then on. Raises login_refused or an Unavailable."""
        self._session = self._new_session(str(self._options.get("profile") or ""))
        before = self._logins
        with self.translated("sts:AssumeRole", str(self._options.get("role_arn") or login.NAME)):
            credentials = login.credentials(self)  # type: ignore[attr-defined]  # every login of this folder has it
            # Resolves credentials now, so that a refusal surfaces here.
            credentials.get_frozen_credentials()
        if self._logins == before:
            self._count_login()
        self._use_only(credentials)

    @property
    def region(self) -> str:
        """Return the given region, or the one from the environment or profile. Raises InvalidInput if there is none."""
        region = self._region or self._options.get("region") or os.environ.get("AWS_REGION")
        with self.translated("sts:GetCallerIdentity", "region"):
            region = region or self._session.get_config_variable("region")
        if not region:
            raise failures.missing_region(self.connector.what)
        return str(region)

    def client(self, service: str, own: OwnErrors | None = None) -> AwsClient:
        """Return a client of an AWS service (`kms`, …). Its `own` error codes take precedence over the common ones."""
        with self.translated(f"{service}:*", self._options.get("endpoint_url") or service):
            client = self._session.create_client(
                service, **self._network(self.region), endpoint_url=self._options.get("endpoint_url") or None
            )
        return AwsClient(self._checked(client), self, own or {})

    def close(self) -> None:
        """Close all connections and delete the certificate file."""
        for client in self._clients:
            client.close()
        if self._ca_file:
            self._ca_file.close()

    # Building blocks of logins.

    def static(self, access_key_id: str, secret_access_key: str, session_token: str) -> Any:
        """Return an access key as botocore credentials."""
        from botocore.credentials import Credentials

        return Credentials(access_key_id, secret_access_key, session_token or None, method="scoped-secrets")

    def chain(self, profile: str) -> Any:
        """Return the credentials that the AWS libraries find. Raises NoCredentialsError if there are none."""
        from botocore.exceptions import NoCredentialsError

        credentials = self._new_session(profile).get_credentials()
        if credentials is None:
            raise NoCredentialsError
        return credentials

    def assumed(self, source: Any, role: Mapping[str, Any]) -> Any:
        """Return credentials of a role (parameters of STS), assumed with the `source` credentials."""
        from botocore.credentials import AssumeRoleCredentialFetcher

        extra, window = _extra_arguments(role), _refresh_window(role)
        return self._refreshed(
            AssumeRoleCredentialFetcher(
                self._sts, source, role["RoleArn"], extra_args=extra, expiry_window_seconds=window
            ),
            window,
            "assume-role",
        )

    def federated(self, token_file: str, role: Mapping[str, Any]) -> Any:
        """Return credentials of a role, assumed with the token in a file."""
        from botocore.credentials import AssumeRoleWithWebIdentityCredentialFetcher

        extra, window = _extra_arguments(role), _refresh_window(role)
        return self._refreshed(
            AssumeRoleWithWebIdentityCredentialFetcher(
                self._sts,
                lambda: _read_token(token_file, self.connector),
                role["RoleArn"],
                extra_args=extra,
                expiry_window_seconds=window,
            ),
            window,
            "assume-role-with-web-identity",
        )

    def _refreshed(self, fetcher: Any, window: int, method: str) -> Any:
        from botocore.credentials import RefreshableCredentials

        return RefreshableCredentials.create_from_metadata(
            metadata=fetcher.fetch_credentials(),
            refresh_using=fetcher.fetch_credentials,
            method=method,
            advisory_timeout=window,
        )

    def _sts(self, service: str, **parameters: Any) -> Any:
        """Create an STS client. AWS_ENDPOINT_URL_STS can set its address."""
        network = self._network(self.region)
        if "config" in parameters:
            network["config"] = network["config"].merge(parameters.pop("config"))
        return self._checked(self._session.create_client(service, **network, **parameters))

    def _checked(self, client: Any) -> Any:
        # The environment and the profile can set addresses, too.
        check_endpoint(client.meta.endpoint_url, self._options, self.connector.what)
        self._clients.append(client)
        return client

    # Shared by all clients.

    def _verify_argument(self, ca_cert: str) -> str | bool | None:
        """Return botocore's `verify` argument. None leaves the choice to AWS_CA_BUNDLE and the profile."""
        if not self._options["validate_certs"]:
            return False
        if not ca_cert:
            return None
        tls_context(ca_cert=ca_cert)
        if PEM not in ca_cert:
            return os.path.expanduser(ca_cert.strip())
        self._ca_file = _file_of(ca_cert)
        return str(self._ca_file.name)

    def _new_session(self, profile: str = "") -> Any:
        session = self._new(profile=profile or None)
        session.user_agent_extra = f"scoped.secrets/{VERSION}"
        session.lazy_register_component("data_loader", lambda: _loader(session.get_config_variable("data_path")))
        events = session.get_component("event_emitter")
        events.register("before-send", self._before_send)
        events.register("before-call.sts", self._before_sts)
        events.register_first("needs-retry", self._check_deadline)
        return session

    def _use_only(self, credentials: Any) -> None:
        """Make the session use only these credentials and never search for others, such as instance metadata."""
        from botocore.credentials import CredentialResolver

        self._session.register_component("credential_provider", CredentialResolver([_Fixed(credentials)]))

    def _network(self, region: str) -> dict[str, Any]:
        from botocore.config import Config

        # No try starts after two thirds of the total time, and each takes at most a third: the total holds.
        config = Config(
            connect_timeout=self._try_seconds / 4,
            read_timeout=self._try_seconds * 3 / 4,
            retries={"mode": "standard", "total_max_attempts": self._options["retries"] + 1},
            max_pool_connections=_CONNECTIONS,
            defaults_mode="standard",
        )
        return {"region_name": region, "config": config, "verify": self._verify}

    def _before_send(self, **_event: Any) -> None:
        self._check_deadline()
        self.connector.meter("requests")

    def _before_sts(self, model: Any, **_event: Any) -> None:
        if model.name.startswith("AssumeRole"):
            self._count_login()

    def _count_login(self) -> None:
        self._logins += 1
        self.connector.meter("logins")

    def _check_deadline(self, **_event: Any) -> None:
        if time.monotonic() > self._deadline.last_start:
            raise failures.timed_out(self.connector.what, self._seconds)

    @contextlib.contextmanager
    def translated(
        self, action: str, resource: str, own: OwnErrors | None = None, known: frozenset[str] = frozenset()
    ) -> Iterator[AwsAttempt]:
        """Put all requests within one deadline, and translate exceptions of the AWS libraries into our errors."""
        attempt = AwsAttempt(self.connector.what, action, resource, self._seconds, own or {}, known)
        outer = self._deadline.last_start
        self._deadline.last_start = min(outer, time.monotonic() + 2 * self._try_seconds)
        try:
            yield attempt
        except (ScopedSecretsError, ExpectedError):
            raise
        except Exception as error:
            ours = translate(error, attempt)
            if ours is None:
                raise
            raise ours from None
        finally:
            self._deadline.last_start = outer


class AwsClient:
    """A client of one service."""

    def __init__(self, client: Any, session: AwsSession, own: OwnErrors) -> None:
        self._client = client
        self._session = session
        self._own = own
        self._service = client.meta.service_model.endpoint_prefix
        self._known = frozenset(shape.name for shape in client.meta.service_model.error_shapes)

    def call(
        self, operation: str, resource: str, *, expecting: frozenset[str] = frozenset(), **parameters: Any
    ) -> dict[str, Any]:
        """Return the answer of an operation (`get_secret_value`, …) on `resource`.

        Raises ExpectedError for an error code (see `code_of`) in `expecting`, otherwise one of our errors.
        """
        with self._translated(operation, resource) as attempt:
            try:
                reply: dict[str, Any] = getattr(self._client, operation)(**parameters)
            except self._client.exceptions.ClientError as error:
                details = error.response.get("Error", {})
                code = code_of(str(details.get("Code", "")), str(details.get("Message", "")))
                if code in expecting:
                    raise ExpectedError(code) from None
                raise
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                # botocore's parsers assume that JSON values have the types of the service's model.
                raise translate(error, attempt) or failures.malformed_reply(
                    attempt.what, "its values have unexpected types"
                ) from None
        return reply

    def error_of(self, operation: str, resource: str, code: str, text: str) -> ScopedSecretsError:
        """Return our error for one inside an answer."""
        attempt = AwsAttempt(self._session.connector.what, self._action(operation), resource, 0, self._own, self._known)
        return error_for_code(code_of(code, text), attempt)

    def _translated(self, operation: str, resource: str) -> contextlib.AbstractContextManager[AwsAttempt]:
        return self._session.translated(self._action(operation), resource, self._own, self._known)

    def _action(self, operation: str) -> str:
        return f"{self._service}:{self._client.meta.method_to_api_mapping[operation]}"


class _Fixed:
    """A credential provider for botocore's resolver that always returns the same credentials."""

    METHOD = CANONICAL_NAME = "scoped-secrets"

    def __init__(self, credentials: Any) -> None:
        self.load: Callable[[], Any] = lambda: credentials


@lru_cache(maxsize=4)
def _loader(data_path: str | None) -> Any:
    """Return the shared loader of service descriptions. Loading them takes longer than a login."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def _extra_arguments(role: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in role.items() if name != "RoleArn"}


def _refresh_window(role: Mapping[str, Any]) -> int:
    """Return how many seconds before expiry to refresh. botocore's 900 would refresh short-lived ones constantly."""
    return min(900, int(role.get("DurationSeconds", 3600)) // 4)


def _read_token(path: str, connector: ConnectorContext) -> str:
    try:
        return read_file(path).decode().strip()
    except (OSError, UnicodeDecodeError):
        raise failures.login_refused(connector.what, f"the token file '{path}' can't be read") from None


def _file_of(pem: str) -> Any:
    """Return a file with certificates. urllib3 takes only a path, and reads it for every connection."""
    file = tempfile.NamedTemporaryFile("w", prefix="scoped-secrets-ca-", suffix=".pem")  # noqa: SIM115 -- closed in `close`
    file.write(pem)
    file.flush()
    return file
