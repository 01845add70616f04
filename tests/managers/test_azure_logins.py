# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All Azure logins, with Azure's own libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from azure_connectors import front, key_vault, refusal
from checking import check
from servers.azure_key_vault import Azure
from servers.faults import FaultProxy
from servers.identities import Authority, Issuer, self_signed

TOKEN = "/token$"
VARIABLES = [
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TENANT_ID",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
]


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    # No command line tool with a login.
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_client_secret(azure: Azure) -> None:
    counts = Counter[str]()
    check(key_vault(azure, counts=counts))
    assert counts["logins"] == 1
    assert azure.logins[-1] == azure.client_id


@pytest.mark.parametrize(
    ("change", "entra"),
    [
        ({"client_secret": "wrong"}, "AADSTS7000215"),
        ({"client_id": "nobody"}, "AADSTS700016"),
        ({"tenant_id": "nowhere"}, ""),
    ],
)
def test_a_client_secret_that_is_refused(azure: Azure, change: dict[str, str], entra: str) -> None:
    login = {"tenant_id": azure.tenant, "client_id": azure.client_id, "client_secret": azure.client_secret, **change}
    error = refusal(key_vault(azure, **login).login)
    assert (error.code, entra in error.message) == ("login_refused", True)


def test_one_login_for_many_requests(azure: Azure, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = front(azure, azure.url, fault_proxy)
    keeper = key_vault(azure, proxy.url)
    keeper.login()
    for _again in range(3):
        check(keeper)
    assert proxy.count(path=TOKEN) == 1


def test_a_certificate(azure: Azure) -> None:
    certificate = self_signed("ansible")
    application = azure.add(certificate_key=certificate.public_key)
    login = {"tenant_id": azure.tenant, "client_id": application.client_id}
    check(key_vault(azure, **login, client_certificate=certificate.pem))
    assert azure.logins[-1] == application.client_id
    other = self_signed("ansible").pem
    assert refusal(key_vault(azure, **login, client_certificate=other).login).code == "login_refused"


def test_a_certificate_that_can_not_be_used(azure: Azure, tmp_path: Path) -> None:
    login = {"tenant_id": azure.tenant, "client_id": "x"}
    elliptic = "".join(path.read_text() for path in Authority(tmp_path).issue("elliptic"))
    certificate = self_signed("ansible")
    no_key = certificate.pem[: certificate.pem.index("-----BEGIN PRIVATE")]
    codes = {
        "no PEM": "invalid_certificate",
        elliptic: "login_refused",
        no_key: "login_refused",
        certificate.encrypted(b"a passphrase"): "login_refused",
    }
    found = [refusal(key_vault(azure, **login, client_certificate=pem).login).code for pem in codes]
    assert found == list(codes.values())


def test_a_workload_identity(azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    application = azure.add(federated_key=issuer.public_key)
    file = tmp_path / "token"
    file.write_text(issuer.issue("system:serviceaccount:default:ansible", "api://AzureADTokenExchange"))
    login = {"tenant_id": azure.tenant, "client_id": application.client_id}
    check(key_vault(azure, **login, token_file=str(file)))
    missing = refusal(key_vault(azure, **login, token_file=str(tmp_path / "none")).login)
    assert (missing.code, "can't be read" in missing.message) == ("login_refused", True)
    without = refusal(key_vault(azure, auth_method="workload_identity").login)
    assert (without.code, "AZURE_TENANT_ID" in without.message) == ("login_refused", True)
    for name, value in {"AZURE_TENANT_ID": azure.tenant, "AZURE_CLIENT_ID": application.client_id}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    check(key_vault(azure, auth_method="workload_identity"))
    assert azure.logins[-2:] == [application.client_id] * 2
    file.write_text(Issuer().issue("system:serviceaccount:default:ansible", "api://AzureADTokenExchange"))
    assert refusal(key_vault(azure, auth_method="workload_identity").login).code == "login_refused"


def test_a_managed_identity(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", azure.identity_header)
    check(key_vault(azure, auth_method="managed_identity"))
    assert azure.logins[-1] == azure.machine.client_id
    assigned = azure.add()
    check(key_vault(azure, client_id=assigned.client_id))
    assert azure.logins[-1] == assigned.client_id
    assert refusal(key_vault(azure, client_id="nobody").login).code == "login_refused"


def test_the_default_takes_the_environment(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("client_id", "client_secret"):
        monkeypatch.setenv(f"AZURE_{name.upper()}", getattr(azure, name))
    monkeypatch.setenv("AZURE_TENANT_ID", azure.tenant)
    check(key_vault(azure, auth_method="default"))
    assert azure.logins[-1] == azure.client_id
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    error = refusal(key_vault(azure, auth_method="default").login)
    assert (error.code, "AADSTS7000215" in error.message) == ("login_refused", True)


def test_the_default_asks_for_no_managed_identity(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", azure.identity_header)
    logins = len(azure.logins)
    counts = Counter[str]()
    assert refusal(key_vault(azure, counts=counts, auth_method="default").login).code == "login_refused"
    assert (counts, len(azure.logins)) == ({"logins": 1}, logins)


def test_the_default_says_that_entra_is_not_reached(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"AZURE_{name}", "x")
    keeper = key_vault(azure, auth_method="default", authority="https://127.0.0.1:1", retries=0)
    assert refusal(keeper.login).code == "provider_unavailable"


def test_no_credential_lies_on_a_disk(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed("ansible")
    application = azure.add(certificate_key=certificate.public_key)
    opened: list[str] = []
    monkeypatch.setattr("builtins.open", _spy(opened))
    login = {"tenant_id": azure.tenant, "client_id": application.client_id, "client_certificate": certificate.pem}
    check(key_vault(azure, **login))
    assert [mode for mode in opened if set(mode) & set("wax+")] == []


def _spy(opened: list[str]) -> Callable[..., object]:
    real = open

    def spy(file: object, mode: str = "r", *arguments: object, **named: object) -> object:
        opened.append(mode)
        return real(file, mode, *arguments, **named)  # type: ignore[call-overload]

    return spy
