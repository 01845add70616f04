# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples that need a secret manager, as they stand: servers and credentials come by the usual variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from connector_tasks import kept_in_vault
from entry_points import at_hosts, served
from running_examples import NEED_HOSTS, NEED_SERVERS, run_documentation, run_twice
from site_of_runs import Site

if TYPE_CHECKING:
    from pathlib import Path

    from servers.aws import Aws
    from servers.azure_key_vault import Azure
    from servers.google_cloud import GoogleCloud
    from servers.openbao import OpenBao
    from servers.sshd import Sshd

EVERYTHING = ["create", "read", "update", "delete", "list"]


@pytest.fixture(scope="module")
def vault_variables(openbao: OpenBao) -> dict[str, str]:
    """The variables of a server, as the command `vault` takes them, with all that the examples expect there."""
    policy = openbao.write_policy("examples", {"secret/*": EVERYTHING})
    role = openbao.add_approle("examples", policy)
    openbao.request("POST", "sys/namespaces/payments", {}, namespace=openbao.create_namespace("platform"))
    openbao.enable_kv("kv", 1, namespace="platform/payments")
    return {
        "VAULT_ADDR": openbao.url,
        "VAULT_TOKEN": openbao.create_token(),
        "VAULT_ROLE_ID": role.role_id,
        "VAULT_SECRET_ID": role.secret_id,
    }


@pytest.fixture(scope="module")
def aws_variables(moto: Aws) -> dict[str, str]:
    """The variables of an account, as the AWS libraries take them, with the keys that the examples expect there."""
    kms = moto.client("kms")
    for name in ("scoped-secrets-example", "payments", "payments-api"):
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    return {**moto.variables(), "AWS_REGION": moto.region, "PAYMENTS_AWS_KEY": "a secret access key"}


@pytest.fixture(scope="module")
def azure_variables(azure: Azure) -> dict[str, str]:
    """The variables of an application, as the Azure libraries take them."""
    return {
        "AZURE_VAULT_URL": azure.url,
        "AZURE_AUTHORITY_HOST": azure.url,
        "AZURE_CA": str(azure.ca),
        "AZURE_TENANT_ID": azure.tenant,
        "AZURE_CLIENT_ID": azure.client_id,
        "AZURE_CLIENT_SECRET": azure.client_secret,
    }


@pytest.fixture(scope="module")
def google_variables(google_cloud_server: GoogleCloud) -> dict[str, str]:
    """The variables of a service account, as the Google libraries take them, with the key that the examples expect."""
    google_cloud_server.new_key("payments", "api", project="payments-prod")
    return {**google_cloud_server.variables(), "PAYMENTS_GOOGLE_KEY": google_cloud_server.credentials_json}


@pytest.fixture
def host_variables(sshd: Sshd, tmp_path: Path) -> dict[str, str]:
    """The variables of a host, and how its key is known."""
    from ssh_hosts import key_pair

    (tmp_path / "deploy").write_text(key_pair(tmp_path, sshd.key))
    return {
        "SSH_HOST": "localhost",
        "SSH_PORT": str(sshd.port),
        "SSH_USER": sshd.key.name,
        "SSH_KEY_FILE": str(tmp_path / "deploy"),
        "ANSIBLE_SSH_COMMON_ARGS": f"-o UserKnownHostsFile={sshd.known_hosts}",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
    }


def check_vault(site: Site, openbao: OpenBao, moto: Aws) -> None:
    password = kept_in_vault(openbao, "shop/web/db_password")
    lines = (site.folder / "web.ini").read_text().splitlines()
    assert lines == [f"password = {password}", f"the same = {password}", f"as a URL = {password}"]


def check_aws(site: Site, openbao: OpenBao, moto: Aws) -> None:
    token = moto.client("secretsmanager").get_secret_value(SecretId="shop/api_token")["SecretString"]
    lines = (site.folder / "shop.ini").read_text().splitlines()
    assert lines[1:] == [f"api_token = {token}", f"the_same = {token}"]


def check_default(site: Site, openbao: OpenBao, moto: Aws) -> None:
    assert len(kept_in_vault(openbao, "moving/made_after")) == 32


CHECKS: dict[str, Callable[[Site, OpenBao, Aws], None]] = {
    "aws.yml": check_aws,
    "default_secret_manager.yml": check_default,
    "hashicorp_vault.yml": check_vault,
}


@pytest.mark.parametrize("example", sorted(NEED_SERVERS))
def test_playbook(
    site: Site,
    openbao: OpenBao,
    moto: Aws,
    vault_variables: dict[str, str],
    aws_variables: dict[str, str],
    example: str,
) -> None:
    run_twice(site, example, {**vault_variables, **aws_variables})
    CHECKS[example](site, openbao, moto)


@pytest.mark.parametrize("entry", sorted(served()))
def test_examples_of_the_documentation(
    site: Site,
    vault_variables: dict[str, str],
    aws_variables: dict[str, str],
    azure_variables: dict[str, str],
    google_variables: dict[str, str],
    entry: str,
) -> None:
    run_documentation(site, entry, {**vault_variables, **aws_variables, **azure_variables, **google_variables})


@pytest.mark.parametrize("example", sorted(NEED_HOSTS))
def test_playbook_at_a_host(site: Site, sshd: Sshd, host_variables: dict[str, str], example: str) -> None:
    run_twice(site, example, host_variables)
    assert (sshd.key.home / "scoped-secrets-example.txt").exists()


@pytest.mark.parametrize("entry", sorted(at_hosts()))
def test_examples_of_the_documentation_at_a_host(site: Site, host_variables: dict[str, str], entry: str) -> None:
    run_documentation(site, entry, host_variables)
