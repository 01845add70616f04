# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples that need a secret manager, as they stand: servers and credentials come by the usual variables."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import kept_in_vault
from entry_points import at_hosts, served
from guides import run_guides
from running_examples import EXAMPLES, NEED_HOSTS, NEED_SERVERS, run_documentation, run_twice
from site_of_runs import Site

if TYPE_CHECKING:
    from pathlib import Path

    from servers.aws import Aws
    from servers.azure_key_vault import Azure, Vault
    from servers.cyberark_ccp import Ccp
    from servers.cyberark_conjur import Conjur
    from servers.google_cloud import GoogleCloud
    from servers.openbao import OpenBao
    from servers.postgresql import Postgresql
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


@pytest.fixture(scope="module")
def conjur_variables(conjur: Conjur) -> dict[str, str]:
    """The variables of a host, as Conjur's clients take them, with the policies that the examples expect."""
    conjur.load("root", (EXAMPLES / "files" / "conjur.policy").read_text())
    host = conjur.roles["host/shop/web/ansible"]
    conjur.declare("apps/payments/db_password", host)
    return {
        "CONJUR_APPLIANCE_URL": conjur.url,
        "CONJUR_ACCOUNT": conjur.account,
        "CONJUR_CERT_FILE": str(conjur.ca),
        "CONJUR_AUTHN_LOGIN": host.login,
        "CONJUR_AUTHN_API_KEY": host.api_key,
    }


@pytest.fixture(scope="module")
def ccp_variables(ccp: Ccp) -> dict[str, str]:
    """The variables of an application with a client certificate, with the accounts that the examples expect."""
    ccp.add_application("ansible", "Payments", "Shop", certificate="ansible")
    ccp.add_account("Payments", "db-prod-root", "a password of root", UserName="root")
    ccp.add_account("Shop", "db-prod", "a password of the shop", UserName="shop")
    certificate, key = ccp.authority.issue("ansible")
    files = {"CCP_CA": ccp.ca, "CCP_CLIENT_CERT": certificate, "CCP_CLIENT_KEY": key}
    return {"CCP_URL": ccp.url, "CCP_APP_ID": "ansible", **{name: str(file) for name, file in files.items()}}


@pytest.fixture(scope="module")
def database_variables(postgresql: Postgresql) -> Iterator[dict[str, str]]:
    """The URLs of an administrator, and of the two roles in a database that is not there yet."""
    with postgresql.prepared("examples") as place:
        yield {
            "SECRETS_ADMIN_URL": postgresql.url("postgres"),
            "SECRETS_OWNER_URL": f"postgresql://scoped_secrets_owner:owner@{place}?sslmode=disable",
            "SECRETS_URL": f"postgresql://scoped_secrets_app:app@{place}?sslmode=disable",
        }


@pytest.fixture(scope="module")
def variables(
    vault_variables: dict[str, str],
    aws_variables: dict[str, str],
    azure_variables: dict[str, str],
    google_variables: dict[str, str],
    conjur_variables: dict[str, str],
    ccp_variables: dict[str, str],
    database_variables: dict[str, str],
) -> dict[str, str]:
    """All of them."""
    return {
        **vault_variables,
        **aws_variables,
        **azure_variables,
        **google_variables,
        **conjur_variables,
        **ccp_variables,
        **database_variables,
    }


def lines_of(site: Site, name: str = "shop.ini") -> list[str]:
    return (site.folder / name).read_text().splitlines()


def check_vault(site: Site, server: OpenBao) -> None:
    password = kept_in_vault(server, "shop/web/db_password")
    lines = lines_of(site, "web.ini")
    assert lines == [f"password = {password}", f"the same = {password}", f"as a URL = {password}"]


def check_aws(site: Site, server: Aws) -> None:
    token = server.client("secretsmanager").get_secret_value(SecretId="shop/api_token")["SecretString"]
    assert lines_of(site)[1:] == [f"api_token = {token}", f"the_same = {token}"]


def check_default(site: Site, server: OpenBao) -> None:
    assert len(kept_in_vault(server, "moving/made_after")) == 32


def check_azure(site: Site, server: Azure) -> None:
    password = server.vault.newest("shop-db-password")["value"]
    assert (len(password), lines_of(site)) == (32, [f"password = {password}", f"as a URL = {password}"])


def check_google(site: Site, server: GoogleCloud) -> None:
    name = "projects/payments-prod/secrets/shop-api_token/versions/latest"
    token = server.secrets_client.access_secret_version(name=name).payload.data.decode()
    assert lines_of(site)[1:] == [f"api_token = {token}", f"the_same = {token}"]


def check_conjur(site: Site, server: Conjur) -> None:
    (password,) = server.variables["shop/web/db_password"].values.values()
    assert lines_of(site, "web.ini") == [f"password = {password.decode()}", f"as a URL = {password.decode()}"]


def check_ccp(site: Site, server: Ccp) -> None:
    assert lines_of(site) == ["user = shop", "password = a password of the shop"]


def check_custom(site: Site, _server: object) -> None:
    first, second = lines_of(site)
    assert (len(first), first.partition(" = ")[2]) == (len("password = ") + 32, second.partition(" = ")[2])
    assert (site.folder / "age-secrets" / "db_password.age").read_bytes().startswith(b"age-encryption.org")


def check_lookup(site: Site, _server: object) -> None:
    assert lines_of(site) == ["user = shop", "password = correct horse battery staple"]


# By playbook: the fixture of the server that has what it makes, if any, and the check.
CHECKS: dict[str, tuple[str, Callable[[Site, Any], None]]] = {
    "aws.yml": ("moto", check_aws),
    "azure.yml": ("azure", check_azure),
    "custom.yml": ("", check_custom),
    "cyberark_ccp.yml": ("ccp", check_ccp),
    "cyberark_conjur.yml": ("conjur", check_conjur),
    "default_secret_manager.yml": ("openbao", check_default),
    "google.yml": ("google_cloud_server", check_google),
    "hashicorp_vault.yml": ("openbao", check_vault),
    "lookup.yml": ("", check_lookup),
}


@pytest.mark.parametrize("example", sorted(NEED_SERVERS))
def test_playbook(site: Site, variables: dict[str, str], request: pytest.FixtureRequest, example: str) -> None:
    if example == "custom.yml" and not shutil.which("age-keygen"):
        pytest.skip("needs the command age")
    run_twice(site, example, variables)
    fixture, check = CHECKS[example]
    check(site, request.getfixturevalue(fixture) if fixture else None)


def test_examples_of_the_documentation(site: Site, variables: dict[str, str]) -> None:
    run_documentation(site, served(), variables)


@pytest.mark.parametrize("example", sorted(NEED_HOSTS))
def test_playbook_at_a_host(site: Site, sshd: Sshd, host_variables: dict[str, str], example: str) -> None:
    run_twice(site, example, host_variables)
    assert (sshd.key.home / "scoped-secrets-example.txt").exists()


def test_examples_of_the_documentation_at_a_host(site: Site, host_variables: dict[str, str]) -> None:
    run_documentation(site, at_hosts(), host_variables)


# What others keep at secret managers, in the guides.
OF_OTHERS = json.dumps({name: f"the {name} that others keep" for name in ("token", "user", "password")})


@pytest.fixture
def azure_vault(azure: Azure) -> Vault:
    """A vault without what other tests have made."""
    return azure.open_vault()


@pytest.fixture
def places(
    openbao: OpenBao, moto: Aws, azure_vault: Vault, google_cloud_server: GoogleCloud, conjur: Conjur, ccp: Ccp
) -> None:
    """Secrets of others, and keys, where the guides expect them."""
    for path in ("shared/api", "shared/smtp", "apps/db", "apps/smtp"):
        openbao.request("POST", f"secret/data/{path}", {"data": json.loads(OF_OTHERS)})
    moto.client("secretsmanager").create_secret(Name="shared/api", SecretString=OF_OTHERS)
    azure_vault.add("shared-api", OF_OTHERS)
    google = google_cloud_server.secrets_client
    secret = {"replication": {"automatic": {}}}
    google.create_secret(request={"parent": "projects/payments-prod", "secret_id": "shared-api", "secret": secret})
    google.add_secret_version(parent="projects/payments-prod/secrets/shared-api", payload={"data": OF_OTHERS.encode()})
    host = conjur.roles["host/shop/web/ansible"]
    conjur.declare("apps/guides/db_password", host)
    conjur.declare("apps/shared/api", host).add(OF_OTHERS.encode())


@pytest.fixture
def at_guides(
    variables: dict[str, str], azure: Azure, azure_vault: Vault, conjur: Conjur, ccp: Ccp, tmp_path: Path
) -> dict[str, str]:
    """The variables of all servers, and what stands in the guides for places that examples of modules use too."""
    authorities = tmp_path / "authorities.pem"
    authorities.write_text("".join(authority.read_text() for authority in (azure.ca, conjur.ca, ccp.ca)))
    identity = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    return {
        **variables,
        "AGE_IDENTITY": identity,
        "SOPS_AGE_KEY": identity,
        "AZURE_PLACE": f"vault_url: {azure_vault.url}",
        "CONJUR_PLACE": f"account: {conjur.account}",
        "CONJUR_BRANCH": "branch: apps/guides",
        "EXAMPLES": str(EXAMPLES),
        "GUIDES_PREFIX": "prefix: guides",
        "REQUESTS_CA_BUNDLE": str(authorities),
    }


@pytest.mark.skipif(not shutil.which("age-keygen"), reason="needs the command age")
@pytest.mark.usefixtures("places")
def test_guides(site: Site, at_guides: dict[str, str]) -> None:
    run_guides(site, servers=True, environment=at_guides)
