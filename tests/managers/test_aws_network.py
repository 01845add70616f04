# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the AWS kinds reach AWS: TLS, addresses from the environment, threads."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from aws_connectors import OWNER, kms, kms_key, refusal, secrets_manager
from servers.aws import Aws
from servers.faults import FaultProxy
from servers.identities import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def path(moto: Aws) -> str:
    """An existing secret."""
    path = f"network/{uuid.uuid4().hex}"
    secrets_manager(moto).write(path, b"a value", Writing(OWNER))
    return path


@pytest.fixture
def tls(moto: Aws, authority: Authority, fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    return fault_proxy(moto.url, certificate=authority.issue("server"))


def test_a_certificate_authority_of_ones_own(moto: Aws, path: str, authority: Authority, tls: FaultProxy) -> None:
    for ca_cert in (str(authority.ca), authority.ca.read_text()):
        keeper = secrets_manager(moto, endpoint_url=tls.url, ca_cert=ca_cert)
        assert keeper.notices == []
        assert keeper.read(path).content == b"a value"
        keeper.close()


def test_the_certificate_authority_of_the_environment(
    moto: Aws, path: str, authority: Authority, tls: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.ca))
    assert secrets_manager(moto, endpoint_url=tls.url).read(path).content == b"a value"


def test_an_unknown_authority_is_refused(moto: Aws, path: str, tls: FaultProxy, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    for options in ({}, {"ca_cert": str(other.ca)}):
        error = refusal(secrets_manager(moto, endpoint_url=tls.url, retries=0, **options).read, path)
        assert (error.code, "ca_cert" in error.hint) == ("tls_refused", True)
    assert tls.seen == []


def test_a_certificate_that_has_expired_is_refused(
    moto: Aws, path: str, authority: Authority, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(moto.url, certificate=authority.issue("expired", days=-1))
    keeper = secrets_manager(moto, endpoint_url=proxy.url, ca_cert=str(authority.ca), retries=0)
    assert refusal(keeper.read, path).code == "tls_refused"


@pytest.mark.filterwarnings("error::urllib3.exceptions.InsecureRequestWarning")
def test_without_verification(moto: Aws, path: str, tls: FaultProxy) -> None:
    keeper = secrets_manager(moto, endpoint_url=tls.url, validate_certs=False)
    assert keeper.read(path).content == b"a value"
    assert len(keeper.notices) == 1


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_STS"])
def test_plain_http_out_of_the_environment_is_refused_too(
    moto: Aws, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://stand-in.example")
    role: dict[str, Any] = {"role_arn": "arn:aws:iam::123456789012:role/x"} if variable.endswith("STS") else {}
    given = {"access_key_id": "x", "secret_access_key": "x", "endpoint_url": "", **role}
    assert refusal(lambda: secrets_manager(moto, **given)).code == "plain_http"


def test_the_address_of_the_environment(
    moto: Aws, path: str, fault_proxy: Callable[..., FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = fault_proxy(moto.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", proxy.url)
    assert secrets_manager(moto, endpoint_url="").read(path).content == b"a value"
    assert proxy.count(target="GetSecretValue") == 1


def test_many_threads_use_one_connector(moto: Aws, path: str) -> None:
    counts = Counter[str]()
    keeper = secrets_manager(moto, counts)
    sealer = kms(moto, kms_key(moto))

    def work(number: int) -> bool:
        key = number.to_bytes(32, "big")
        context = {"number": str(number)}
        return sealer.unwrap(sealer.wrap(key, context), context) == key and keeper.read(path).content == b"a value"

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(40)))
    assert counts["logins"] == 1
