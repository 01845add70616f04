# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fake AWS servers: moto for KMS and Secrets Manager, ministack for permissions, microburst for faults.

By hand: python -m servers.aws [--ministack | --microburst]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.exceptions import ClientError

from servers.process import answers, by_hand, free_port, running, session

__all__ = ["Aws", "Microburst", "Ministack", "serve_microburst", "serve_ministack", "serve_moto"]

REGION = "eu-central-1"
SERVICES = ("kms", "secretsmanager", "sts", "iam")


@dataclass(frozen=True)
class Aws:
    """A server with AWS protocols at one URL, and an identity there. The default identity may do everything."""

    url: str
    access_key_id: str = "test"
    secret_access_key: str = "test"
    session_token: str = ""
    region: str = REGION

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client for a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            aws_session_token=self.session_token or None,
            **options,
        )

    def variables(self) -> dict[str, str]:
        """Return the environment in which boto3 finds the server and the identity without asking the machine."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            **token,
        }


@dataclass(frozen=True)
class Ministack(Aws):
    """A server that checks signatures and permissions of all identities but the default one, which is root's.

    Its KMS does no real cryptography, and it accepts any JWT for a web identity.
    """

    account: str = "000000000000"

    def add_user(self, name: str, *statements: Mapping[str, Any]) -> Aws:
        """Return the identity of a new user, with the permissions in the policy statements."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="given", PolicyDocument=_policy(statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Aws(self.url, key["AccessKeyId"], key["SecretAccessKey"], region=self.region)

    def add_role(self, name: str, *statements: Mapping[str, Any], trusts: str, external_id: str = "") -> str:
        """Return the ARN of a new role that the user `trusts` can assume if a policy also allows it."""
        condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
        principal = {"AWS": f"arn:aws:iam::{self.account}:user/{trusts}"}
        return self._add_role(name, statements, {"Principal": principal, "Action": "sts:AssumeRole", **condition})

    def add_web_role(self, name: str, *statements: Mapping[str, Any], issuer: str) -> str:
        """Return the ARN of a new role for holders of a token of the issuer at `https://issuer`."""
        principal = {"Federated": f"arn:aws:iam::{self.account}:oidc-provider/{issuer}"}
        return self._add_role(name, statements, {"Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity"})

    def assume(self, role_arn: str, by: Aws, **options: Any) -> Aws:
        """Return the identity of `by` after it assumed a role."""
        made = by.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="tests", **options)["Credentials"]
        key, secret, token = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
        return replace(by, access_key_id=key, secret_access_key=secret, session_token=token)

    def _add_role(self, name: str, statements: Sequence[Mapping[str, Any]], trust: Mapping[str, Any]) -> str:
        iam = self.client("iam")
        document = _policy([{"Effect": "Allow", **trust}])
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=_policy(statements))
        return arn


@dataclass(frozen=True)
class Microburst(Aws):
    """A proxy that answers with faults in AWS format by rules, which are those of microburst."""

    def set_rules(self, *rules: Mapping[str, Any]) -> None:
        """Replace all rules. Example: `{"error": {"code": "ThrottlingException"}, "times": 2}`."""
        self._control("POST", "rules", [{"service": "*", **rule} for rule in rules])
        self._control("DELETE", "fired")

    def clear(self) -> None:
        """Remove all rules and their events."""
        self.set_rules()

    def fired(self) -> list[dict[str, Any]]:
        """Return the events since the rules were set, with `service`, `operation` and `action`."""
        events: list[dict[str, Any]] = self._control("GET", "fired").json()
        return events

    def warm_up(self) -> None:
        """Make the proxy load its data on the services now, which takes longer than some clients wait."""
        self.set_rules({"error": {"code": "AccessDeniedException"}})
        for call in (self.client("kms").list_keys, self.client("secretsmanager").list_secrets):
            with contextlib.suppress(ClientError):
                call()
        self.clear()

    def _control(self, method: str, path: str, body: Any = None) -> requests.Response:
        with session() as client:
            answer = client.request(method, f"{self.url}/_microburst/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer


@contextlib.contextmanager
def serve_moto(folder: Path) -> Iterator[Aws]:
    """Yield KMS and Secrets Manager, as strict as AWS, but without signatures and permissions."""
    port = free_port()
    server = Aws(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-P", "-m", "servers.moto_strict", "-H", "127.0.0.1", "-p", str(port)]
    ready_url = f"{server.url}/moto-api/data.json"
    with running(command, folder=folder, name="moto", is_ready=lambda: answers(ready_url)):
        yield server


@contextlib.contextmanager
def serve_ministack(folder: Path) -> Iterator[Ministack]:
    """Yield IAM and STS, with a KMS and a Secrets Manager that check permissions."""
    port = free_port()
    server = Ministack(f"http://127.0.0.1:{port}")
    environment = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_REGION": server.region,
        "SERVICES": ",".join(SERVICES),
        "STATE_DIR": str(folder / "state"),
    }
    command = [sys.executable, "-P", "-m", "ministack"]
    ready_url = f"{server.url}/_ministack/health"
    with running(
        command, folder=folder, name="ministack", is_ready=lambda: answers(ready_url), environment=environment
    ):
        yield server


@contextlib.contextmanager
def serve_microburst(folder: Path, upstream: Aws) -> Iterator[Microburst]:
    """Yield a proxy in front of a fake AWS server, warmed up and without rules."""
    port = free_port()
    proxy = Microburst(
        f"http://127.0.0.1:{port}",
        upstream.access_key_id,
        upstream.secret_access_key,
        upstream.session_token,
        upstream.region,
    )
    options = ["--upstream", upstream.url, "--port", str(port), "--host", "127.0.0.1", "--no-resign"]
    command = [sys.executable, "-P", "-m", "microburst", *options]
    ready_url = f"{proxy.url}/_microburst/health"
    with running(command, folder=folder, name="microburst", is_ready=lambda: answers(ready_url)):
        proxy.warm_up()
        yield proxy


def _policy(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@contextlib.contextmanager
def _variables() -> Iterator[Mapping[str, str]]:
    parser = argparse.ArgumentParser(description="A fake AWS server: moto by default.")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--ministack", action="store_true", help="with permissions")
    kinds.add_argument("--microburst", action="store_true", help="a fault proxy in front of moto")
    options = parser.parse_args()
    with contextlib.ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        start: Callable[[Path], contextlib.AbstractContextManager[Aws]]
        start = serve_ministack if options.ministack else serve_moto
        server = exits.enter_context(start(folder))
        if options.microburst:
            server = exits.enter_context(serve_microburst(folder, server))
        yield server.variables()


if __name__ == "__main__":
    by_hand(_variables())
