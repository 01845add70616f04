# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure failures cause only safe retries and one clear error without Azure's text."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure.key_vault import AzureKeyVault
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from azure_connectors import OWNER, front, key_vault, refusal
from servers.azure_key_vault import Azure, Vault
from servers.faults import Fault, FaultProxy

CANARY = "canary-in-azure-5d1f"
SECRET = "^/secrets/a"
TOKEN = "/token$"
ALL = 3  # tries, with 2 retries
HTML = Fault.answer(200, b"<html>Log in to the network</html>", {"Content-Type": "text/html"})


def error(status: int, code: str, inner: str = "", text: str = "") -> Fault:
    """Return an answer in Key Vault's format."""
    content: dict[str, object] = {"code": code, "message": text, **({"innererror": {"code": inner}} if inner else {})}
    return Fault.answer(status, {"error": content})


@pytest.fixture
def vault(azure: Azure) -> Vault:
    vault = azure.open_vault()
    vault.add("a", "a value" * 30)
    return vault


@pytest.fixture
def proxy(azure: Azure, vault: Vault, fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    return front(azure, vault.url, fault_proxy)


@pytest.fixture
def keeper(azure: Azure, proxy: FaultProxy) -> AzureKeyVault:
    """A connector that has read once, so that it is logged in."""
    keeper = key_vault(azure, proxy.url)
    assert keeper.read("a").content
    proxy.clear()
    return keeper


FAULTS = {
    "401": (error(401, "Unauthorized"), "login_expired", 1),
    "403": (error(403, "Forbidden", "AccessDenied"), "provider_denied", 1),
    "firewall": (error(403, "Forbidden", "ForbiddenByFirewall"), "provider_refused", 1),
    "404": (error(404, "SecretNotFound"), "unknown_path", 1),
    "404 of others": (Fault.answer(404, b"not found"), "malformed_reply", 1),
    "400": (error(400, "BadParameter"), "provider_refused", 1),
    "409": (error(409, "Conflict"), "provider_refused", 1),
    "429": (Fault.retry_after(0), "provider_throttled", ALL),
    "500": (error(500, "InternalServerError"), "provider_unavailable", ALL),
    "503": (Fault.retry_after(0, 503), "provider_unavailable", ALL),
    "reset": (Fault.reset(), "provider_unavailable", ALL),
    "truncated": (Fault.truncated(), "provider_unavailable", ALL),
    "huge": (Fault.huge(33), "malformed_reply", 1),
    "cut JSON": (Fault.answer(200, b'{"value": "x'), "malformed_reply", 1),
    "no object": (Fault.answer(200, ["x"]), "malformed_reply", 1),
    "no value": (Fault.answer(200, {"id": f"https://v.vault.azure.net/secrets/a/{'0' * 32}"}), "incomplete_reply", 1),
    "no id": (Fault.answer(200, {"value": "x"}), "incomplete_reply", 1),
    "nothing": (Fault.answer(200, {}), "incomplete_reply", 1),
    "a number": (Fault.answer(200, {"value": 5, "id": 5}), "malformed_reply", 1),
    "HTML": (HTML, "malformed_reply", 1),
    "redirect": (Fault.answer(307, b"", {"Location": "https://example.com/"}), "malformed_reply", 1),
}


@pytest.mark.parametrize(("fault", "code", "tries"), FAULTS.values(), ids=FAULTS)
def test_reading(keeper: AzureKeyVault, proxy: FaultProxy, fault: Fault, code: str, tries: int) -> None:
    proxy.add(fault, path=SECRET, times=None)
    assert (refusal(keeper.read, "a").code, proxy.count(path=SECRET)) == (code, tries)
    proxy.clear()
    assert keeper.read("a").content == b"a value" * 30


@pytest.mark.parametrize(
    ("fault", "tries"), [(error(503, "x"), 1), (Fault.reset(is_applied=True), 1), (Fault.retry_after(0), ALL)]
)
def test_a_write_is_sent_again_only_if_it_was_not_carried_out(
    keeper: AzureKeyVault, vault: Vault, proxy: FaultProxy, fault: Fault, tries: int
) -> None:
    proxy.add(fault, method="PUT", times=None)
    assert refusal(keeper.write, "new", b"x", Writing(OWNER)).retryable
    assert proxy.count(method="PUT") == tries
    assert len(vault.live["new"].versions if "new" in vault.live else []) == int(fault.is_applied)


def test_a_lost_answer_to_a_deletion_is_no_error(azure: Azure, vault: Vault, proxy: FaultProxy) -> None:
    keeper = key_vault(azure, proxy.url)
    keeper.write("b", b"x", Writing(OWNER))
    proxy.add(Fault.reset(is_applied=True), method="DELETE")
    keeper.remove("b", OWNER)
    assert ("b" in vault.live, "b" in vault.deleted) == (False, True)


def test_throttling_is_waited_out(keeper: AzureKeyVault, proxy: FaultProxy) -> None:
    proxy.add(Fault.retry_after(1), path=SECRET, times=2)
    assert keeper.read("a").content
    assert proxy.count(path=SECRET) == ALL


def test_time_runs_out(azure: Azure, proxy: FaultProxy) -> None:
    keeper = key_vault(azure, proxy.url, timeout=1, retries=10)
    keeper.read("a")
    proxy.clear()
    proxy.add(Fault.late(1.5), path=SECRET, times=None)
    assert refusal(keeper.read, "a").code == "provider_timeout"
    assert 1 <= proxy.count(path=SECRET) <= 4


def test_a_token_that_dies_is_replaced_by_a_new_login(azure: Azure, keeper: AzureKeyVault, proxy: FaultProxy) -> None:
    azure.tokens.clear()
    assert refusal(keeper.read, "a").code == "login_expired"
    keeper.login()
    assert keeper.read("a").content
    assert proxy.count(path=TOKEN) == 1


def test_a_token_for_a_vault_of_another_tenant(azure: Azure, vault: Vault) -> None:
    vault.tenant = "0c2f3ce0-1b7d-4a53-9a27-6f1c2f0eb1d4"
    error = refusal(key_vault(azure, vault.url).read, "a")
    assert (error.code, "another tenant" in error.message) == ("login_refused", True)


LOGIN_FAULTS = {
    "429": (Fault.retry_after(0), "provider_throttled", ALL),
    "503": (Fault.answer(503, {"error": "temporarily_unavailable"}), "login_refused", ALL),
    "reset": (Fault.reset(), "provider_unavailable", ALL),
    "400": (Fault.answer(400, {"error": "x", "error_description": "AADSTS7000222: expired"}), "login_refused", 1),
    "HTML": (HTML, "login_refused", 1),
    "cut JSON": (Fault.malformed(), "login_refused", 1),
    "no token": (Fault.answer(200, {"token_type": "Bearer"}), "login_refused", 1),
}


@pytest.mark.parametrize(("fault", "code", "tries"), LOGIN_FAULTS.values(), ids=LOGIN_FAULTS)
def test_logging_in(azure: Azure, proxy: FaultProxy, fault: Fault, code: str, tries: int) -> None:
    proxy.add(fault, path=TOKEN, times=None)
    error = refusal(key_vault(azure, proxy.url).login)
    assert (error.code, proxy.count(path=TOKEN)) == (code, tries)
    assert ("AADSTS7000222" in error.message) == (b"7000222" in fault.body)


def test_nobody_listens(azure: Azure) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = refusal(key_vault(azure, f"https://127.0.0.1:{taken.getsockname()[1]}", retries=0).login)
    assert (error.code, error.retryable) == ("provider_unavailable", True)


def test_certificates(azure: Azure, vault: Vault) -> None:
    assert refusal(key_vault(azure, vault.url, ca_cert="").login).code == "tls_refused"
    keeper = key_vault(azure, vault.url, ca_cert="", validate_certs=False)
    assert keeper.read("a").content
    assert len(keeper.notices) == 1
    assert key_vault(azure, vault.url, ca_cert=str(azure.ca)).read("a").content
    assert refusal(key_vault(azure, vault.url, ca_cert="nonsense").login).code == "invalid_certificate"


ECHOES = [
    Fault.echo(CANARY),
    Fault.echo(CANARY, 500),
    error(400, CANARY, CANARY, CANARY),
    error(403, "Forbidden", CANARY, CANARY),
    error(403, "Forbidden", "SecretDisabled", CANARY),
    error(409, CANARY, "", CANARY),
    Fault.answer(401, {"error": {"message": CANARY}}, {"WWW-Authenticate": f'Bearer authorization="{CANARY}"'}),
    Fault.answer(400, {"error": CANARY, "error_description": f"AADSTS70002: {CANARY}"}),
    Fault.answer(200, {CANARY: CANARY}),
    Fault.answer(200, f'{{"value": ["{CANARY}"'.encode()),
]


@pytest.mark.parametrize("fault", ECHOES)
@pytest.mark.parametrize("verb", ["read", "write", "login"])
def test_nothing_that_azure_repeats_gets_out(
    azure: Azure,
    proxy: FaultProxy,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: Fault,
    verb: str,
) -> None:
    keeper = key_vault(azure, proxy.url, retries=0)
    if verb != "login":
        keeper.login()
    proxy.add(fault, times=None)
    verbs: dict[str, Callable[[], object]] = {
        "read": lambda: keeper.read("a"),
        "write": lambda: keeper.write("a", CANARY.encode(), Writing(OWNER, adopt=True)),
        "login": keeper.login,
    }
    with caplog.at_level(logging.DEBUG):
        error = refusal(verbs[verb])
    shown = [str(error), repr(error), json.dumps(error.to_dict()), repr(error.__cause__), caplog.text]
    shown += capfd.readouterr()
    assert CANARY not in "".join(shown)
    assert error.code not in ("", "internal_error")


def deleted(azure: Azure, proxy: FaultProxy, **options: object) -> AzureKeyVault:
    """Return a connector that has deleted its secret `b`."""
    keeper = key_vault(azure, proxy.url, **options)
    keeper.write("b", b"x", Writing(OWNER))
    keeper.remove("b", OWNER)
    return keeper


def test_a_deleted_secret_that_others_purge_before_it_is_recovered(
    azure: Azure, vault: Vault, proxy: FaultProxy
) -> None:
    keeper = deleted(azure, proxy)
    proxy.add(error(404, "SecretNotFound"), method="POST", path="/recover")
    keeper.write("b", b"y", Writing(OWNER))
    assert keeper.read("b").content == b"y"


def test_waiting_for_a_recovery_or_a_deletion_has_an_end(
    azure: Azure, vault: Vault, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = deleted(azure, proxy)
    purging = key_vault(azure, proxy.url, purge=True)
    purging.write("c", b"x", Writing(OWNER))
    monkeypatch.setattr(AzureKeyVault, "_tries", lambda _keeper: iter([None]))
    proxy.add(error(404, "SecretNotFound"), method="GET", path="^/secrets/b", times=None)
    assert "still being recovered" in refusal(keeper.write, "b", b"y", Writing(OWNER)).message
    proxy.add(error(404, "SecretNotFound"), method="GET", path="^/deletedsecrets/c", times=None)
    assert "was not purged" in refusal(purging.remove, "c", OWNER).message


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (error(401, "Unauthorized"), "login_expired"),
        (error(403, "Forbidden", "AccessDenied"), "foreign_secret"),
        (error(404, "SecretNotFound"), "unknown_path"),
    ],
)
def test_whose_a_secret_is_can_not_always_be_told(
    keeper: AzureKeyVault, proxy: FaultProxy, fault: Fault, code: str
) -> None:
    proxy.add(fault, path="^/secrets/a/versions", times=None)
    assert refusal(keeper.write, "a", b"x", Writing(OWNER)).code == code


def test_a_fault_of_our_own_is_not_blamed_on_azure(keeper: AzureKeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: object, **_more: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(keeper._client._client, "get_secret", fail)  # type: ignore[union-attr]
    with pytest.raises(NotImplementedError):
        keeper.read("a")
