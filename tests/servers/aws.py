# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for AWS.

By hand: python -m servers.aws
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from servers.process import answers, by_hand, free_port, running

__all__ = ["Aws", "serve_moto"]

REGION = "eu-central-1"


@dataclass(frozen=True)
class Aws:
    """A server that speaks AWS' protocols at one URL, and an identity that may do everything there."""

    url: str
    access_key_id: str = "test"
    secret_access_key: str = "test-secret"
    region: str = REGION

    def client(self, service: str) -> Any:
        """Return boto3's client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
        )

    def variables(self) -> dict[str, str]:
        """Return the environment in which boto3 finds the server and the identity by itself."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextlib.contextmanager
def serve_moto(folder: Path) -> Iterator[Aws]:
    """Give KMS and Secrets Manager, as strict as AWS; signatures and permissions are not looked at."""
    port = free_port()
    server = Aws(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-P", "-m", "servers.moto_strict", "-H", "127.0.0.1", "-p", str(port)]
    ready_url = f"{server.url}/moto-api/data.json"
    with running(command, folder=folder, name="moto", is_ready=lambda: answers(ready_url)):
        yield server


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, serve_moto(Path(folder)) as server:
        yield server.variables()


if __name__ == "__main__":
    by_hand(_variables())
