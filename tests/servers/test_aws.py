# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake AWS servers start, check signatures and permissions, and leave no process behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from servers.aws import Aws, Microburst, Ministack, serve_microburst, serve_ministack, serve_moto
from servers.process import processes_in

READS = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
ASSUMES = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def refused(call: Any, **arguments: Any) -> str:
    """Return the error code of a call that AWS refuses."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_moto_ends(tmp_path: Path) -> None:
    with serve_moto(tmp_path) as server:
        client = server.client("secretsmanager")
        client.create_secret(Name="a", SecretString="x")
        assert client.get_secret_value(SecretId="a")["SecretString"] == "x"
        assert len(processes_in(tmp_path)) == 1
    assert processes_in(tmp_path) == []


def test_ministack_ends(tmp_path: Path) -> None:
    with serve_ministack(tmp_path) as server:
        assert server.client("sts").get_caller_identity()["Arn"].endswith(":root")
        assert len(processes_in(tmp_path)) == 1
    assert processes_in(tmp_path) == []


def test_ministack_checks_permissions_and_signatures(ministack: Ministack) -> None:
    ministack.client("secretsmanager").create_secret(Name="permissions", SecretString="x")
    ann = ministack.add_user("ann", READS)
    assert ann.client("secretsmanager").get_secret_value(SecretId="permissions")["SecretString"] == "x"
    assert refused(ann.client("secretsmanager").list_secrets) == "AccessDeniedException"
    stranger = Aws(ann.url, ann.access_key_id, "wrong")
    assert refused(stranger.client("sts").get_caller_identity) == "SignatureDoesNotMatch"
    assert refused(stranger.client("kms").list_keys) == "InvalidSignatureException"


def test_ministack_lets_assume_roles(ministack: Ministack) -> None:
    ministack.client("secretsmanager").create_secret(Name="roles", SecretString="x")
    bob = ministack.add_user("bob", ASSUMES)
    role = ministack.add_role("reader", READS, trusts="bob", external_id="e-1")
    assert refused(bob.client("secretsmanager").get_secret_value, SecretId="roles") == "AccessDeniedException"
    session = ministack.assume(role, bob, ExternalId="e-1")
    assert session.client("secretsmanager").get_secret_value(SecretId="roles")["SecretString"] == "x"
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/reader/tests")
    with pytest.raises(ClientError, match="AccessDenied"):
        ministack.assume(role, bob, ExternalId="wrong")
    with pytest.raises(ClientError, match="AccessDenied"):
        ministack.assume(role, ministack.add_user("carl", ASSUMES), ExternalId="e-1")


def test_microburst_ends(moto: Aws, tmp_path: Path) -> None:
    with serve_microburst(tmp_path, moto):
        assert len(processes_in(tmp_path)) == 1
    assert processes_in(tmp_path) == []


def test_microburst(moto: Aws, microburst: Microburst) -> None:
    moto.client("secretsmanager").create_secret(Name="faults", SecretString="x" * 200)
    client = microburst.client("secretsmanager", config=Config(retries={"total_max_attempts": 1}))
    assert client.get_secret_value(SecretId="faults")["SecretString"] == "x" * 200
    microburst.set_rules({"error": {"code": "ThrottlingException"}, "operation": "GetSecretValue", "times": 1})
    assert refused(client.get_secret_value, SecretId="faults") == "ThrottlingException"
    assert [event["operation"] for event in microburst.fired()] == ["GetSecretValue"]
    microburst.set_rules({"response": {"truncate_frac": 0.5}})
    assert "SecretString" not in client.get_secret_value(SecretId="faults")
    microburst.clear()
    assert client.get_secret_value(SecretId="faults")["SecretString"] == "x" * 200
    assert microburst.fired() == []
