# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs: the collection is built and installed as users install it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from connector_tasks import Connector, aws_at, google_at, google_kms_at, kms_at, vault_at
from site_of_runs import ROOT, Site

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.google_cloud import GoogleCloud
    from servers.openbao import OpenBao


@pytest.fixture(scope="session")
def venv() -> Path:
    """The virtual environment whose ansible-core is tested, by default the one that runs pytest."""
    return Path(os.environ.get("SCOPED_SECRETS_TEST_VENV", sys.prefix)).resolve()


@pytest.fixture(scope="session")
def installed(venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection installed from its tarball: once, whatever the number of workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "installed"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _install(venv, folder)
            (folder / "done").touch()
    return folder / "collections"


def _install(venv: Path, folder: Path) -> None:
    (folder / ".ansible.cfg").touch()
    galaxy = str(venv / "bin" / "ansible-galaxy")
    environment = {**os.environ, "HOME": str(folder)}
    for command in (
        ["build", "--force", "--output-path", str(folder), str(ROOT)],
        ["install", "--force", "-p", str(folder / "collections"), str(folder / "scoped-secrets-0.1.0.tar.gz")],
    ):
        subprocess.run([galaxy, "collection", *command], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def collections(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worker's own copy, by which its brokers are known."""
    folder = tmp_path_factory.mktemp("collections")
    (folder / ".ansible.cfg").touch()
    return Path(shutil.copytree(installed, folder / "collections"))


@pytest.fixture
def broker() -> str:
    """Whether runs have a broker: "on" or "off". Tests marked `inline` run in both ways."""
    return os.environ.get("SCOPED_SECRETS_TEST_BROKER", "on")


@pytest.fixture
def site(tmp_path: Path, venv: Path, collections: Path, shared_store: str) -> Site:
    return Site(tmp_path, venv, collections, shared_store)


@pytest.fixture
def vault(openbao: OpenBao) -> Connector:
    """A connector that keeps secrets in OpenBao."""
    return vault_at(openbao)


@pytest.fixture
def aws(moto: Aws) -> Connector:
    """A connector that keeps secrets in AWS Secrets Manager."""
    return aws_at(moto)


@pytest.fixture
def kms(moto: Aws) -> Connector:
    """A connector that seals with a key of AWS KMS."""
    return kms_at(moto)


@pytest.fixture
def google(google_cloud: GoogleCloud) -> Connector:
    """A connector that keeps secrets in Google Secret Manager."""
    return google_at(google_cloud)


@pytest.fixture
def google_kms(google_cloud: GoogleCloud) -> Connector:
    """A connector that seals with a key of Google Cloud KMS."""
    return google_kms_at(google_cloud)
