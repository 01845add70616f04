# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HashiCorp Vault over TLS: trusted authorities, and the influence of the environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from checking import check
from servers.faults import Fault, FaultProxy
from servers.identities import Authority
from servers.openbao import OpenBao
from vault_connectors import WHAT, connector, refusal, vault

Proxy = Callable[..., FaultProxy]


@pytest.fixture(autouse=True)
def _no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def other_ca(tmp_path: Path) -> Path:
    return Authority(tmp_path).ca


@pytest.mark.parametrize("form", ["path", "text", "text with words around"])
def test_an_authority_of_one_s_own(openbao_tls: OpenBao, form: str) -> None:
    ca = str(openbao_tls.ca)
    if form != "path":
        ca = Path(ca).read_text()
    if form == "text with words around":
        ca = f"# the CA of the test\n{ca}\n"
    with vault(openbao_tls, ca_cert=ca) as manager:
        check(manager)
        assert manager.notices == []


@pytest.mark.parametrize("is_other", [True, False])
def test_an_authority_that_is_not_trusted(openbao_tls: OpenBao, other_ca: Path, is_other: bool) -> None:
    counts: Counter[str] = Counter()
    error = refusal(connector(openbao_tls.url, counts, **({"ca_cert": str(other_ca)} if is_other else {})).login)
    assert (error.code, error.category, error.retryable) == ("tls_refused", "unavailable", False)
    assert WHAT in error.message
    assert counts == {"logins": 1, "requests": 1}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_s_authority_counts_only_where_there_is_none_of_one_s_own(
    openbao_tls: OpenBao, other_ca: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(openbao_tls.ca))
    assert refusal(connector(openbao_tls.url, ca_cert=str(other_ca)).login).code == "tls_refused"
    with vault(openbao_tls):
        pass
    monkeypatch.setenv(variable, str(other_ca))
    assert refusal(connector(openbao_tls.url).login).code == "tls_refused"
    with vault(openbao_tls, ca_cert=str(openbao_tls.ca)):
        pass
    monkeypatch.setenv(variable, "/none/there")
    assert refusal(connector(openbao_tls.url).login).code == "invalid_certificate"
    with vault(openbao_tls, ca_cert=str(openbao_tls.ca)):
        pass


def test_variables_of_vault_s_own_client_do_not_count(
    openbao_tls: OpenBao, other_ca: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://127.0.0.1:9")
    monkeypatch.setenv("VAULT_TOKEN", "root")
    monkeypatch.setenv("VAULT_CACERT", str(openbao_tls.ca))
    monkeypatch.setenv("VAULT_CLIENT_CERT", "/none/there")
    monkeypatch.setenv("VAULT_NAMESPACE", "none")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".vault-token").write_text("root")
    assert refusal(connector(openbao_tls.url, ca_cert=str(other_ca)).login).code == "tls_refused"
    assert refusal(connector(openbao_tls.url).login).code == "tls_refused"
    trusting = {"ca_cert": str(openbao_tls.ca)}
    assert refusal(connector(openbao_tls.url, token="s.none", **trusting).login).code == "login_refused"
    with vault(openbao_tls, **trusting) as manager:
        check(manager)


def test_without_verification_there_is_a_notice(openbao_tls: OpenBao) -> None:
    with vault(openbao_tls, validate_certs=False) as manager:
        check(manager)
        (notice,) = manager.notices
        assert WHAT in notice
        assert "validate_certs" in notice


def test_an_expired_certificate(openbao: OpenBao, fault_proxy: Proxy, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    proxy = fault_proxy(openbao.url, certificate=authority.issue("expired", days=-1))
    error = refusal(connector(proxy.url, ca_cert=str(authority.ca)).login)
    assert (error.code, "expired" in error.message) == ("tls_refused", True)
    assert proxy.seen == []


def test_a_certificate_for_another_name(openbao: OpenBao, fault_proxy: Proxy, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    proxy = fault_proxy(openbao.url, certificate=authority.issue("server"))
    # The same address, but another name for TLS.
    url = proxy.url.replace("127.0.0.1", "127.1")
    assert refusal(connector(url, ca_cert=str(authority.ca)).login).code == "tls_refused"
    assert proxy.seen == []


def test_a_server_without_tls_at_an_https_address(openbao: OpenBao) -> None:
    counts: Counter[str] = Counter()
    error = refusal(connector(openbao.url.replace("http:", "https:"), counts).login)
    assert error.code == "tls_refused"
    assert counts["requests"] == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_out_of_tls(openbao: OpenBao, fault_proxy: Proxy, tmp_path: Path, status: int) -> None:
    authority = Authority(tmp_path)
    target = fault_proxy(openbao.url)
    proxy = fault_proxy(openbao.url, certificate=authority.issue("server"))
    location = f"{target.url}/v1/auth/token/lookup-self"
    proxy.add(Fault.answer(status, b"", {"Location": location}), times=None)
    assert refusal(connector(proxy.url, ca_cert=str(authority.ca)).login).code == "malformed_reply"
    assert target.seen == []
    assert len(proxy.seen) == 1


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(
    openbao_tls: OpenBao, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, key_file = Authority(tmp_path).issue("ansible")
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    sealed = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    login = {"client_cert": str(certificate), "client_key": sealed.decode()}
    error = refusal(connector(openbao_tls.url, ca_cert=str(openbao_tls.ca), **login).login)
    assert error.code == "invalid_certificate"
    assert capfd.readouterr() == ("", "")


def test_the_key_of_another_certificate(openbao_tls: OpenBao, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (certificate, _key), (_certificate, key) = authority.issue("one"), authority.issue("two")
    login = {"client_cert": str(certificate), "client_key": key.read_text()}
    error = refusal(connector(openbao_tls.url, ca_cert=str(openbao_tls.ca), **login).login)
    assert error.code == "invalid_certificate"
    assert "PRIVATE KEY" not in str(error)
