# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Google Cloud works with Google's own clients, unmodified."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from google.api_core import exceptions

from servers.google_cloud import GoogleCloud, GrpcFault

# A program without any code of ours. It takes its credentials from the environment.
PROGRAM = """
import os
from google.cloud import kms, secretmanager
options = {"api_endpoint": os.environ["GOOGLE_ENDPOINT"]}
secrets = secretmanager.SecretManagerServiceClient(client_options=options)
parent = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}"
made = secrets.create_secret(parent=parent, secret_id="program", secret={"replication": {"automatic": {}}})
version = secrets.add_secret_version(parent=made.name, payload={"data": b"value"})
print(secrets.access_secret_version(name=version.name).payload.data)
keys = kms.KeyManagementServiceClient(client_options=options)
ring = keys.create_key_ring(parent=f"{parent}/locations/global", key_ring_id="program", key_ring={})
key = keys.create_crypto_key(parent=ring.name, crypto_key_id="k", crypto_key={"purpose": "ENCRYPT_DECRYPT"})
sealed = keys.encrypt(name=key.name, plaintext=b"plain").ciphertext
print(keys.decrypt(name=key.name, ciphertext=sealed).plaintext)
"""


def test_the_clients_run_as_they_come(google_cloud: GoogleCloud) -> None:
    # The client signs its own token, so it does not request one.
    variables = {**google_cloud.variables(), "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["b'value'", "b'plain'"], done.stderr
    assert google_cloud.calls.count("AccessSecretVersion") == 1


@pytest.fixture
def secret(google_cloud: GoogleCloud, request: pytest.FixtureRequest) -> str:
    parent = f"projects/{google_cloud.project}"
    name = request.node.name.replace("[", "-").rstrip("]")
    made = google_cloud.secrets_client.create_secret(
        parent=parent, secret_id=name, secret={"replication": {"automatic": {}}, "labels": {"of": "tests"}}
    )
    return str(made.name)


def test_an_old_etag_is_refused(google_cloud: GoogleCloud, secret: str) -> None:
    client = google_cloud.secrets_client
    old = client.get_secret(name=secret).etag
    client.update_secret(secret={"name": secret, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]})
    with pytest.raises(exceptions.FailedPrecondition):
        client.delete_secret(request={"name": secret, "etag": old})
    client.delete_secret(request={"name": secret, "etag": client.get_secret(name=secret).etag})


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_id": "a/b"},
        {"secret": {}},
        {"secret": {"replication": {"automatic": {}}, "labels": {"Team": "a"}}},
        {"secret": {"replication": {"automatic": {}}, "annotations": {"-": "a"}}},
        {"secret": {"replication": {"user_managed": {"replicas": []}}}},
    ],
)
def test_invalid_secrets(google_cloud: GoogleCloud, wrong: dict[str, Any]) -> None:
    usual = {"parent": "projects/x", "secret_id": "wrong", "secret": {"replication": {"automatic": {}}}}
    with pytest.raises(exceptions.InvalidArgument):
        google_cloud.secrets_client.create_secret(request={**usual, **wrong})


@pytest.mark.parametrize("payload", [{"data": b""}, {"data": b"x" * 65_537}, {"data": b"x", "data_crc32c": 1}])
def test_invalid_values(google_cloud: GoogleCloud, secret: str, payload: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        google_cloud.secrets_client.add_secret_version(parent=secret, payload=payload)


def test_versions_are_numbered_and_have_states(google_cloud: GoogleCloud, secret: str) -> None:
    client = google_cloud.secrets_client
    for value in (b"one", b"two"):
        client.add_secret_version(parent=secret, payload={"data": value})
    assert client.access_secret_version(name=f"{secret}/versions/latest").payload.data == b"two"
    client.disable_secret_version(name=f"{secret}/versions/2")
    with pytest.raises(exceptions.FailedPrecondition, match="DISABLED"):
        client.access_secret_version(name=f"{secret}/versions/latest")
    client.enable_secret_version(name=f"{secret}/versions/2")
    client.destroy_secret_version(name=f"{secret}/versions/2")
    with pytest.raises(exceptions.FailedPrecondition, match="DESTROYED"):
        client.enable_secret_version(name=f"{secret}/versions/2")
    assert [version.name[-1] for version in client.list_secret_versions(parent=secret)] == ["2", "1"]


def test_secrets_are_listed_in_pages_and_by_label(google_cloud: GoogleCloud, secret: str) -> None:
    client, parent = google_cloud.secrets_client, secret.partition("/secrets/")[0]
    for number in range(3):
        replication = {"automatic": {}}
        client.create_secret(parent=parent, secret_id=f"page-{number}", secret={"replication": replication})
    listed = [one.name for one in client.list_secrets(request={"parent": parent, "page_size": 2})]
    assert {f"{parent}/secrets/page-{number}" for number in range(3)} < set(listed)
    found = client.list_secrets(request={"parent": parent, "filter": "labels.of=tests"})
    assert secret in [one.name for one in found]


def test_a_fault_has_its_details(google_cloud: GoogleCloud) -> None:
    import grpc
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    fault = GrpcFault(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after=1.5, reason="RATE_LIMIT_EXCEEDED")
    google_cloud.calls.add(fault, target="GetSecret")
    with grpc.insecure_channel(google_cloud.plain_url.removeprefix("http://")) as channel:
        client = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
        with pytest.raises(exceptions.ResourceExhausted) as caught:
            client.get_secret(name="projects/p/secrets/s", retry=None)
        with pytest.raises(exceptions.Unauthenticated):
            client.get_secret(name="projects/p/secrets/s", retry=None)
    assert caught.value.reason == "RATE_LIMIT_EXCEEDED"
    assert [detail.retry_delay.seconds for detail in caught.value.details if hasattr(detail, "retry_delay")] == [1]
    assert google_cloud.calls.count("GetSecret") == 2
