# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All Google logins, against a server that checks signatures, tokens and permissions."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from google_connectors import OWNER, refusal, secret_manager
from servers.faults import Fault, FaultProxy
from servers.google_cloud import GoogleCloud
from servers.identities import Authority, Issuer

POOL = {"pool": "pipelines", "provider": "gitlab"}
ROOT = Path(__file__).resolve().parents[2]
VARIABLES = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCE_METADATA_HOST")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the test's credentials, and no search for those of an instance."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def path(google_cloud: GoogleCloud) -> str:
    path = f"logins-{uuid.uuid4().hex}"
    secret_manager(google_cloud).write(path, b"a value", Writing(OWNER))
    google_cloud.calls.clear()
    return path


@pytest.fixture
def lifetime(google_cloud: GoogleCloud) -> Iterator[Callable[[int], None]]:
    """A function that sets the lifetime of tokens in seconds."""
    usual = google_cloud.tokens.lifetime
    yield lambda seconds: setattr(google_cloud.tokens, "lifetime", seconds)
    google_cloud.tokens.lifetime = usual


def key(server: GoogleCloud, *rights: str, **options: Any) -> str:
    return server.tokens.service_account(f"a-{uuid.uuid4().hex[:12]}", *(rights or ("*",)), **options)


def federation(server: GoogleCloud, token_file: Path, **options: Any) -> dict[str, Any]:
    addresses = {"sts_endpoint": server.tokens.url, "iam_endpoint": server.tokens.url}
    given = {"project_number": server.tokens.number, **POOL, "token_file": str(token_file), **addresses}
    return {**given, **options}


def token(server: GoogleCloud, subject: str, issuer: Issuer | None = None, **claims: Any) -> str:
    audience = f"https:{server.tokens.audience(POOL['pool'], POOL['provider'])}"
    return (issuer or server.tokens.issuer).issue(subject, claims.pop("audience", audience), **claims)


def test_the_key_of_a_service_account(google_cloud: GoogleCloud, path: str) -> None:
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts, credentials_json=key(google_cloud))
    for _twice in range(2):
        assert keeper.read(path).content == b"a value"
    assert counts == {"logins": 1, "requests": 3}


@pytest.mark.parametrize(("before", "after"), [("\n", "\n"), ("\ufeff", "\r\n")])
def test_a_key_with_space_or_a_byte_order_mark_around_it(
    google_cloud: GoogleCloud, path: str, before: str, after: str
) -> None:
    assert secret_manager(google_cloud, credentials_json=f"{before}{key(google_cloud)}{after}").read(path)


def _changed(**fields: Any) -> Callable[[str], str]:
    return lambda given: json.dumps({**json.loads(given), **fields})


@pytest.mark.parametrize(
    "change",
    [
        lambda _given: "no json",
        lambda _given: "[" * 100_000,
        lambda _given: "[]",
        lambda _given: "{}",
        lambda given: given[:-20],
        _changed(type="authorized_user"),
        _changed(type="external_account", credential_source={"executable": {"command": "/bin/true"}}),
        _changed(private_key="no key"),
        _changed(private_key=7),
        _changed(private_key=None),
        _changed(client_email=None),
        _changed(private_key_id="other"),
        _changed(client_email="other@tests-project.iam.gserviceaccount.com"),
    ],
)
def test_what_is_no_key_of_a_service_account(google_cloud: GoogleCloud, change: Callable[[str], str]) -> None:
    given = change(key(google_cloud))
    error = refusal(lambda: secret_manager(google_cloud, credentials_json=given))
    assert error.code == "login_refused"
    assert not any(word in str(error) for word in re.findall(r"[A-Za-z0-9+/]{40,}", given))


def test_a_key_that_google_knows_no_more(google_cloud: GoogleCloud) -> None:
    given = key(google_cloud)
    google_cloud.tokens.disable(given)
    error = refusal(lambda: secret_manager(google_cloud, credentials_json=given))
    assert (error.code, "invalid_grant" in error.message) == ("login_refused", True)
    assert google_cloud.calls.count("token") == 1


@pytest.mark.parametrize("uri", ["http://token.example.com/token", "ftp://x", "", "https://u:p@host/"])
def test_a_key_is_not_shown_to_the_network(google_cloud: GoogleCloud, uri: str) -> None:
    given = _changed(token_uri=uri)(key(google_cloud))
    assert refusal(lambda: secret_manager(google_cloud, credentials_json=given)).code in ("plain_http", "invalid_url")


def test_a_token_is_renewed_before_it_ends(
    google_cloud: GoogleCloud, path: str, lifetime: Callable[[int], None]
) -> None:
    # google-auth treats a token as expired in its last minutes.
    lifetime(1)
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts)
    keeper.read(path)
    lifetime(3600)
    keeper.read(path)
    keeper.read(path)
    assert counts == {"logins": 1, "renewals": 2, "requests": 6}


def test_many_threads_renew_once(google_cloud: GoogleCloud, path: str, lifetime: Callable[[int], None]) -> None:
    lifetime(1)
    keeper = secret_manager(google_cloud)
    lifetime(3600)
    threads = [threading.Thread(target=keeper.read, args=[path]) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (google_cloud.calls.count("token"), google_cloud.calls.count("AccessSecretVersion")) == (2, 8)


def test_a_token_that_is_revoked_ends_the_login(google_cloud: GoogleCloud, path: str) -> None:
    keeper = secret_manager(google_cloud)
    keeper.read(path)
    google_cloud.tokens.revoke_all()
    assert refusal(keeper.read, path).code == "login_expired"
    fresh = secret_manager(google_cloud)
    google_cloud.tokens.revoke_all()
    assert refusal(fresh.read, path).code == "login_refused"


def test_workload_identity_acts_as_a_service_account(google_cloud: GoogleCloud, path: str, tmp_path: Path) -> None:
    counts = Counter[str]()
    file = tmp_path / "token"
    file.write_text(token(google_cloud, "job-1"))
    email = google_cloud.tokens.account("pipeline", "secretmanager.versions.access")
    google_cloud.tokens.let_impersonate("job-1", email)
    options = federation(google_cloud, file, service_account_email=email)
    keeper = secret_manager(google_cloud, counts, **options)
    assert keeper.read(path).content == b"a value"
    assert counts == {"logins": 1, "requests": 3}
    assert refusal(keeper.remove, path, OWNER).code == "provider_denied"


def test_workload_identity_acts_for_itself(google_cloud: GoogleCloud, path: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token(google_cloud, "job-2"))
    google_cloud.tokens.let_impersonate("job-2", "", "secretmanager.versions.access")
    assert secret_manager(google_cloud, **federation(google_cloud, file)).read(path).content == b"a value"


def test_the_token_file_is_read_again(
    google_cloud: GoogleCloud, path: str, tmp_path: Path, lifetime: Callable[[int], None]
) -> None:
    file = tmp_path / "token"
    file.write_text(token(google_cloud, "job-3"))
    for subject in ("job-3", "job-4"):
        google_cloud.tokens.let_impersonate(subject, "", "secretmanager.versions.access")
    lifetime(1)
    keeper = secret_manager(google_cloud, **federation(google_cloud, file))
    keeper.read(path)
    file.write_text("spoiled")
    assert refusal(keeper.read, path).code == "login_refused"
    file.write_text(token(google_cloud, "job-4"))
    assert keeper.read(path).content == b"a value"
    file.unlink()
    assert refusal(keeper.read, path).code == "login_refused"


def test_tokens_that_the_pool_does_not_take(google_cloud: GoogleCloud, tmp_path: Path) -> None:
    file = tmp_path / "token"
    tokens = [
        "",
        "no token",
        token(google_cloud, "job", Issuer()),
        token(google_cloud, "job", seconds=-10),
        token(google_cloud, "job", audience="elsewhere"),
    ]
    for given in tokens:
        file.write_text(given)
        error = refusal(lambda: secret_manager(google_cloud, **federation(google_cloud, file)))
        assert error.code == "login_refused"
        assert not given or given not in str(error)


def test_a_pool_that_does_not_exist(google_cloud: GoogleCloud, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token(google_cloud, "job"))
    options = federation(google_cloud, file, project_number="999999999999")
    error = refusal(lambda: secret_manager(google_cloud, **options))
    assert (error.code, "pool" in error.message) == ("login_refused", True)


def test_a_service_account_that_may_not_be_used(google_cloud: GoogleCloud, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token(google_cloud, "job-5"))
    google_cloud.tokens.let_impersonate("job-5", "")
    options = federation(google_cloud, file, service_account_email=google_cloud.tokens.account("guarded"))
    error = refusal(lambda: secret_manager(google_cloud, **options))
    assert (error.code, "workloadIdentityUser" in error.message) == ("login_refused", True)


def test_a_token_file_that_is_not_there(google_cloud: GoogleCloud, tmp_path: Path) -> None:
    options = federation(google_cloud, tmp_path / "none")
    error = refusal(lambda: secret_manager(google_cloud, **options))
    assert (error.code, str(tmp_path) in error.message) == ("login_refused", True)


def test_the_default_is_the_file_that_the_environment_names(
    google_cloud: GoogleCloud, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key.json"
    file.write_text(key(google_cloud))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    counts = Counter[str]()
    keeper = secret_manager(google_cloud, counts, auth_method="default", gcp_project="")
    assert keeper.read(path).content == b"a value"
    assert keeper.settled() == {"pinned_project": google_cloud.project}
    assert counts == {"logins": 1, "requests": 2}


def test_the_project_of_the_environment_goes_first(
    google_cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key.json"
    file.write_text(key(google_cloud))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another-project")
    keeper = secret_manager(google_cloud, auth_method="default", gcp_project="")
    assert keeper.settled() == {"pinned_project": "another-project"}


def test_the_default_may_be_that_of_the_instance(
    google_cloud: GoogleCloud, path: str, monkeypatch: pytest.MonkeyPatch, fault_proxy: Callable[..., FaultProxy]
) -> None:
    google_cloud.tokens.account("instance", "secretmanager.versions.access")
    metadata = fault_proxy(google_cloud.tokens.url, ca=google_cloud.ca)
    address = metadata.url.removeprefix("http://")
    monkeypatch.setenv("GCE_METADATA_HOST", address)
    monkeypatch.setenv("GCE_METADATA_IP", address)
    monkeypatch.delenv("NO_GCE_CHECK")
    keeper = secret_manager(google_cloud, auth_method="default", gcp_project="")
    assert keeper.read(path).content == b"a value"
    assert keeper.settled() == {"pinned_project": google_cloud.project}


@pytest.mark.parametrize("content", [None, "", "no json", "{}", '{"type": "service_account"}'])
def test_no_usable_default(
    google_cloud: GoogleCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "key.json").write_text(content)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    error = refusal(lambda: secret_manager(google_cloud, auth_method="default"))
    assert (error.code, "default credentials" in error.message) == ("login_refused", True)


def test_other_logins_look_for_nothing_in_the_environment(
    google_cloud: GoogleCloud, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent")
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/nonexistent")
    assert secret_manager(google_cloud).read(path).content == b"a value"


# The answer of the token endpoint to every request, the error's code, and the number of requests.
FAULTS = {
    "429": (Fault.retry_after(0), "provider_throttled", 3),
    "500": (Fault.answer(500), "provider_unavailable", 3),
    "503": (Fault.answer(503, b""), "provider_unavailable", 3),
    "reset": (Fault.reset(), "provider_unavailable", 3),
    "truncated": (Fault.truncated(), "provider_unavailable", 3),
    "401": (Fault.answer(401, {"error": "invalid_client"}), "login_refused", 1),
    "403 of a proxy": (Fault.answer(403, b"<html>Forbidden</html>"), "login_refused", 1),
    "malformed": (Fault.malformed(), "malformed_reply", 1),
    "no token": (Fault.answer(200, {}), "malformed_reply", 1),
    "empty token": (Fault.answer(200, {"access_token": ""}), "malformed_reply", 1),
    "number": (Fault.answer(200, {"access_token": 7}), "malformed_reply", 1),
    "two lines": (Fault.answer(200, {"access_token": "a\nb"}), "malformed_reply", 1),
    "array": (Fault.answer(200, []), "malformed_reply", 1),
    "odd expiry": (Fault.answer(200, {"access_token": "a", "expires_in": "soon"}), "malformed_reply", 1),
    "login page": (Fault.answer(200, b"<html>log in here</html>"), "malformed_reply", 1),
    "huge": (Fault.huge(40), "malformed_reply", 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_token_endpoint_that_fails(
    google_cloud: GoogleCloud, fault_proxy: Callable[..., FaultProxy], name: str
) -> None:
    fault, code, tries = FAULTS[name]
    proxy = fault_proxy(google_cloud.tokens.url, ca=google_cloud.ca)
    proxy.add(fault, times=None)
    given = key(google_cloud, token_uri=f"{proxy.url}/token")
    counts = Counter[str]()
    error = refusal(lambda: secret_manager(google_cloud, counts, credentials_json=given, retries=2))
    assert (error.code, proxy.count()) == (code, tries)
    assert counts == {"logins": 1, "requests": tries}


def test_nothing_that_the_token_endpoint_repeats_gets_into_an_error(
    google_cloud: GoogleCloud, fault_proxy: Callable[..., FaultProxy]
) -> None:
    proxy = fault_proxy(google_cloud.tokens.url, ca=google_cloud.ca)
    answer = {"error": "C4n4ry", "error_description": "C4n4ry"}
    for fault in (Fault.echo("C4n4ry"), Fault.answer(400, answer), Fault.answer(401, b"C4n4ry")):
        proxy.add(fault)
        given = key(google_cloud, token_uri=f"{proxy.url}/token")
        error = refusal(lambda: secret_manager(google_cloud, credentials_json=given))  # noqa: B023 -- called at once
        assert error.code == "login_refused"
        assert "C4n4ry" not in json.dumps(error.to_dict()) + repr(error.__cause__)


def test_an_authority_as_text_or_as_a_file(google_cloud: GoogleCloud, path: str) -> None:
    for ca_cert in (str(google_cloud.ca), google_cloud.ca.read_text()):
        assert secret_manager(google_cloud, ca_cert=ca_cert).read(path)


def test_another_authority_is_not_trusted(
    google_cloud: GoogleCloud, tmp_path: Path, fault_proxy: Callable[..., FaultProxy]
) -> None:
    other = str(Authority(tmp_path).ca)
    assert refusal(lambda: secret_manager(google_cloud, ca_cert=other)).code == "tls_refused"
    proxy = fault_proxy(google_cloud.tokens.url, ca=google_cloud.ca)
    given = key(google_cloud, token_uri=f"{proxy.url}/token")
    for ca_cert in (other, ""):
        keeper = secret_manager(google_cloud, ca_cert=ca_cert, credentials_json=given)
        assert refusal(keeper.read, "any").code == "tls_refused"


@pytest.mark.parametrize("ca_cert", ["relative.pem", "/nonexistent", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_an_authority_that_is_none(google_cloud: GoogleCloud, ca_cert: str) -> None:
    assert refusal(lambda: secret_manager(google_cloud, ca_cert=ca_cert)).code == "invalid_certificate"


def test_a_name_that_is_not_in_the_certificate(google_cloud: GoogleCloud) -> None:
    port = google_cloud.url.rpartition(":")[2]
    keeper = secret_manager(google_cloud, endpoint=f"https://127.0.0.2:{port}")
    assert refusal(keeper.read, "any").code in ("tls_refused", "provider_unavailable")


def test_plain_http_on_the_loopback_interface(google_cloud: GoogleCloud, path: str) -> None:
    assert secret_manager(google_cloud, endpoint=google_cloud.plain_url).read(path).content == b"a value"


def test_a_host_and_port_alone_are_https(google_cloud: GoogleCloud, path: str) -> None:
    address = google_cloud.url.removeprefix("https://")
    assert secret_manager(google_cloud, endpoint=address).read(path).content == b"a value"
