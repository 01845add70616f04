# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWS Secrets Manager: the server of moto, which keeps all in memory."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests

__all__ = ["StandIn", "serve"]

START_SECONDS = 30


@dataclass(frozen=True)
class StandIn:
    """A server that takes any credentials."""

    url: str
    region: str = "us-east-1"

    def environment(self) -> dict[str, str]:
        """Return what tells an SDK who it is, and keeps it from looking elsewhere."""
        return {
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def secrets_manager(self) -> Any:
        return boto3.client(
            "secretsmanager",
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[StandIn]:
    """Give a server on a free port of the loopback interface; it is killed in the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(Path(sys.prefix) / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "HOME": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        stand_in = StandIn(f"http://127.0.0.1:{port}")
        _wait(stand_in, process)
        yield stand_in
    finally:
        process.kill()
        process.wait()


def _wait(stand_in: StandIn, process: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{stand_in.url}/moto-api/", timeout=START_SECONDS)
            return
        time.sleep(0.1)
    raise SystemExit("The stand-in for AWS did not start.")
