# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole fake: a gRPC server with both services, with and without TLS, and the token endpoints."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.api_core.exceptions import AlreadyExists
from google.cloud.kms_v1 import KeyManagementServiceClient
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceGrpcTransport
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from servers.google_cloud.calls import Calls  # Must come before any other import of grpc.
from servers.google_cloud.kms import Kms
from servers.google_cloud.secret_manager import SecretManager
from servers.google_cloud.tokens import EVERYTHING, Tokens, serve_tokens
from servers.identities import Authority

__all__ = ["GoogleCloud", "serve"]

PROJECT = "tests-project"
LOCATION = "europe-west3"
THREADS = 16


@dataclass(frozen=True)
class GoogleCloud:
    """The running fake. `credentials_json` is the key of a service account that may do everything.

    Tests use Google's own clients `kms_client` and `secrets_client` for setup and inspection. `calls` has the faults
    and the counts of all other requests.
    """

    url: str
    plain_url: str
    ca: Path
    tokens: Tokens
    calls: Calls
    credentials_json: str
    kms_client: Any
    secrets_client: Any
    folder: Path
    project: str = PROJECT
    location: str = LOCATION

    def new_key(self, ring: str, key: str, purpose: str = "ENCRYPT_DECRYPT", project: str = "") -> str:
        """Create a key, and its ring if it does not exist; return the full name of the key."""
        parent = f"projects/{project or self.project}/locations/{self.location}"
        with contextlib.suppress(AlreadyExists):
            self.kms_client.create_key_ring(request={"parent": parent, "key_ring_id": ring})
        request = {"parent": f"{parent}/keyRings/{ring}", "crypto_key_id": key, "crypto_key": {"purpose": purpose}}
        name: str = self.kms_client.create_crypto_key(request=request).name
        return name

    def variables(self) -> dict[str, str]:
        """Return the environment in which Google's clients find the identity."""
        file = self.folder / "credentials.json"
        file.write_text(self.credentials_json)
        return {
            "GOOGLE_APPLICATION_CREDENTIALS": str(file),
            "GOOGLE_CLOUD_PROJECT": self.project,
            "GOOGLE_ENDPOINT": self.url.partition("://")[2],
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.ca),
            "REQUESTS_CA_BUNDLE": str(self.ca),
        }


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[GoogleCloud]:
    """Yield both services. The files of their certificate authority are in `folder`."""
    authority, calls = Authority(folder), Calls()
    certificate = authority.issue("google")
    with serve_tokens(PROJECT, certificate, calls.record) as tokens, ThreadPoolExecutor(THREADS) as threads:
        credentials = tokens.service_account("admin", *EVERYTHING)
        services = [Kms(), SecretManager()]
        server = _server(threads, calls, services, tokens)
        quiet = _server(threads, Calls(), services, _Admin())
        pair = [(certificate[1].read_bytes(), certificate[0].read_bytes())]
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
        plain, quiet_port = server.add_insecure_port("127.0.0.1:0"), quiet.add_insecure_port("127.0.0.1:0")
        server.start()
        quiet.start()
        channel = grpc.insecure_channel(f"127.0.0.1:{quiet_port}")
        try:
            yield GoogleCloud(
                f"https://localhost:{port}",
                f"http://127.0.0.1:{plain}",
                authority.ca,
                tokens,
                calls,
                credentials,
                KeyManagementServiceClient(transport=KeyManagementServiceGrpcTransport(channel=channel)),
                SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel)),
                folder,
            )
        finally:
            channel.close()
            for one in (server, quiet):
                one.stop(grace=None).wait()


class _Admin:
    """Allows everything, for the setup of tests."""

    def who(self, _authorization: str) -> str:
        return "admin"

    def may(self, _who: str, _permission: str, _resource: str) -> bool:
        return True


def _server(threads: ThreadPoolExecutor, calls: Calls, services: list[Any], guard: Any) -> Any:
    server = grpc.server(threads)
    server.add_generic_rpc_handlers(tuple(calls.handlers(service, guard) for service in services))
    return server
