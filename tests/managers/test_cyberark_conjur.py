# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conjur: writing, reading, permissions, and the policy they need."""

from __future__ import annotations

import base64
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Found, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark.conjur import CyberarkConjur
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from checking import check
from conformance.workplace import Workplace
from cyberark_connectors import OWNER, conjur_keeper, refusal
from servers.cyberark_conjur import AUDIENCE, Conjur, Role
from servers.faults import Fault, FaultProxy

Proxy = Callable[..., FaultProxy]
NEW = Writing(OWNER)


@pytest.fixture
def branch() -> str:
    return f"b{uuid.uuid4().hex[:12]}"


@pytest.fixture
def host(conjur: Conjur, branch: str) -> Role:
    return conjur.add_host(f"{branch}/ansible")


@pytest.fixture
def keeper(conjur: Conjur, host: Role, branch: str) -> CyberarkConjur:
    """A connector of a host with permissions on one variable, `a`, in its branch."""
    conjur.declare(f"{branch}/a", host)
    return conjur_keeper(conjur, host, branch=branch)


def contents(found: dict[str, Found | ScopedSecretsError]) -> dict[str, bytes | str]:
    return {path: one.content if isinstance(one, Found) else one.code for path, one in found.items()}


@pytest.mark.parametrize("value", [b"text", "ключ ✓".encode(), bytes(range(256)), b"\0", b"x" * 64 * 1024])
def test_what_is_written_is_read(keeper: CyberarkConjur, branch: str, value: bytes) -> None:
    path = keeper.path_of("a")
    version = keeper.write(path, value, NEW)
    assert version.startswith("1~")
    assert (path, keeper.read(path).content, keeper.read(path, version).content) == (f"{branch}/a", value, value)


@pytest.mark.parametrize("value", [b"", b" \t\r\n\v\f"])
def test_what_conjur_takes_for_empty_is_refused_before_it_is_sent(keeper: CyberarkConjur, value: bytes) -> None:
    error = refusal(keeper.write, keeper.path_of("a"), value, NEW)
    assert (error.code, "white space" in error.message) == ("empty_value_not_allowed", True)


def test_versions_are_numbers(keeper: CyberarkConjur, branch: str) -> None:
    path, previous = keeper.path_of("a"), ""
    for number in range(1, 23):
        previous = keeper.write(path, f"value {number}".encode(), Writing(OWNER, previous=previous))
    assert previous.startswith("22~")
    assert [keeper.read(path, version).content for version in ("3", "22", previous)] == [
        b"value 3",
        b"value 22",
        b"value 22",
    ]
    for gone in ("2", "23", "0", "latest", "-1", "²"):
        assert refusal(keeper.read, path, gone).code == "unknown_path"


def test_versions_of_a_variable_that_was_declared_anew_are_others(
    conjur: Conjur, keeper: CyberarkConjur, host: Role, branch: str
) -> None:
    path = keeper.path_of("a")
    version = keeper.write(path, b"ours", NEW)
    conjur.variables.pop(path)
    conjur.declare(path, host).add(b"theirs")
    assert refusal(keeper.read, path, version).code == "unknown_path"
    assert refusal(keeper.write, path, b"ours", Writing(OWNER, previous=version)).code == "foreign_secret"
    assert keeper.read(path).content == b"theirs"
    adopted = keeper.write(path, b"ours", Writing(OWNER, previous=version, adopt=True))
    assert keeper.write(path, b"ours 2", Writing(OWNER, previous=adopted)).startswith("3~")


def test_what_a_run_wrote_that_was_killed_is_taken_for_ours(
    conjur: Conjur, keeper: CyberarkConjur, branch: str
) -> None:
    path = keeper.path_of("a")
    version = keeper.write(path, b"value", NEW)
    assert keeper.write(path, b"value", NEW) == version
    assert conjur.variables[path].newest == 1
    # Nothing at Conjur shows it.
    assert refusal(keeper.check_owner, path, OWNER).code == "foreign_secret"
    assert refusal(keeper.write, path, b"another", NEW).code == "foreign_secret"


def test_others_write_at_the_same_time(
    conjur: Conjur, host: Role, branch: str, fault_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = conjur.declare(f"{branch}/a", host)
    keeper = conjur_keeper(conjur, host, branch=branch)
    written = keeper._written

    def late(path: str, value: bytes, before: object) -> str:
        variable.add(b"of others")
        return str(written(path, value, before))

    monkeypatch.setattr(keeper, "_written", late)
    assert keeper.write(f"{branch}/a", b"ours", NEW).startswith("1~")
    assert keeper.read(f"{branch}/a", "1").content == b"ours"


def test_a_variable_that_policy_lacks_is_told_with_the_policy_that_makes_it(
    conjur: Conjur, host: Role, branch: str
) -> None:
    keeper = conjur_keeper(conjur, host, branch=branch)
    conjur.policies.add(branch)
    error = refusal(keeper.write, keeper.path_of("db_password"), b"value", NEW)
    assert (error.code, error.category) == ("policy_not_loaded", "not_found")
    assert f"variable '{branch}/db_password'" in error.message
    assert f"-b {branch} " in error.hint
    assert error.details["policy"] in error.hint
    conjur.load(error.details["branch"], error.details["policy"])
    assert keeper.write(keeper.path_of("db_password"), b"value", NEW).startswith("1~")


def test_a_branch_that_policy_lacks_is_told_when_the_connector_is_checked(
    conjur: Conjur, host: Role, branch: str
) -> None:
    keeper = conjur_keeper(conjur, host, branch=f"{branch}/below")
    conjur.policies.add(branch)
    error = refusal(check, keeper)
    assert (error.code, error.details["branch"]) == ("policy_not_loaded", branch)
    conjur.load(branch, error.details["policy"])
    check(keeper)
    assert conjur.permits[host.login, f"{branch}/below/NAME"] == {"read", "execute", "update"}


def test_a_check_sees_variables_of_later_pages(
    conjur: Conjur, host: Role, branch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark import conjur as cyberark_conjur

    monkeypatch.setattr(cyberark_conjur, "_PAGE", 2)
    for number in range(5):
        conjur.declare(f"{branch}-before/{number}", host)
    conjur.declare(f"{branch}/a", host)
    check(conjur_keeper(conjur, host, branch=branch))
    assert refusal(check, conjur_keeper(conjur, host, branch=f"{branch}x")).code == "policy_not_loaded"


@pytest.mark.parametrize(
    ("privileges", "doing", "privilege"),
    [(("read", "update"), "read", "execute"), (("read", "execute"), "write", "update")],
)
def test_a_right_that_is_missing_is_named(
    conjur: Conjur, host: Role, branch: str, privileges: tuple[str, ...], doing: str, privilege: str
) -> None:
    path = f"{branch}/a"
    keeper = conjur_keeper(conjur, host)
    conjur.declare(path, host, frozenset(privileges)).add(b"there")
    call = (
        (lambda: keeper.read(path))
        if doing == "read"
        else (lambda: keeper.write(path, b"x", Writing(OWNER, adopt=True)))
    )
    error = refusal(call)
    assert (error.code, f"{doing} '{path}'" in error.message) == ("provider_denied", True)
    assert f"'{privilege}'" in error.hint


def test_a_variable_without_a_right_or_a_value_is_not_there(
    conjur: Conjur, keeper: CyberarkConjur, host: Role, branch: str
) -> None:
    conjur.declare(f"{branch}/of_others").add(b"x")
    conjur.declare(f"{branch}/empty", host)
    for path in (f"{branch}/of_others", f"{branch}/empty", f"{branch}/none"):
        assert refusal(keeper.read, path).code == "unknown_path"


def test_many_are_read_at_once(conjur: Conjur, host: Role, branch: str, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(conjur.url, ca=conjur.ca, certificate=conjur.certificate)
    keeper = conjur_keeper(conjur, host, url=proxy.url)
    values = {f"{branch}/v{number} ü/$": bytes([255, number]) for number in range(30)}
    for path, value in values.items():
        conjur.declare(path, host).add(value)
    assert contents(keeper.read_many(list(values))) == values
    assert proxy.count(method="GET", path="^/secrets") == 1
    proxy.clear()
    conjur.declare(f"{branch}/empty", host)
    conjur.declare(f"{branch}/denied", host, frozenset({"read"})).add(b"x")
    odd = {f"{branch}/none": "unknown_path", f"{branch}/empty": "unknown_path", f"{branch}/denied": "provider_denied"}
    paths = [*odd, *values]
    assert contents(keeper.read_many(paths)) == {**odd, **values}
    assert proxy.count(method="GET", path="^/secrets") < len(paths)


def test_what_a_batch_can_not_ask_for_is_asked_for_alone(conjur: Conjur, host: Role, branch: str) -> None:
    keeper = conjur_keeper(conjur, host)
    values = {f"{branch}/a,b": b"1", f"{branch}/c": b"2", **{f"{branch}/{n}{'x' * 900}": b"3" for n in range(8)}}
    for path, value in values.items():
        conjur.declare(path, host).add(value)
    twice = f"/{branch}/c"
    assert contents(keeper.read_many([*values, twice])) == {**values, twice: b"2"}


def test_a_password(conjur: Conjur) -> None:
    options = {"login": "admin", "password": conjur.admin.password}
    check(conjur_keeper(conjur, **options))
    assert refusal(conjur_keeper(conjur, **{**options, "password": "wrong"}).login).code == "login_refused"
    conjur.roles["ün:named"] = Role("ün:named", password="pä:ss")
    assert refusal(conjur_keeper(conjur, login="ün:named", password="pä:ss").login).code == "login_refused"


@pytest.mark.parametrize("form", ["jwt", "file", "host_id"])
def test_a_json_web_token(conjur: Conjur, host: Role, branch: str, tmp_path: Path, form: str) -> None:
    subject = "somebody" if form == "host_id" else host.login.removeprefix("host/")
    token = conjur.issuer.issue(subject, AUDIENCE)
    (tmp_path / "token").write_text(f"{token}\n")
    given = {"token_file": str(tmp_path / "token")} if form == "file" else {"jwt": token}
    given |= {"host_id": host.login} if form == "host_id" else {}
    conjur.declare(f"{branch}/a", host).add(b"value")
    keeper = conjur_keeper(conjur, service_id=conjur.service_id, **given)
    assert keeper.read(f"{branch}/a").content == b"value"


def test_a_json_web_token_that_is_none(conjur: Conjur, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    files = [str(tmp_path / name) for name in ("empty", "none")]
    for given in ({"jwt": "x"}, *({"token_file": file} for file in files)):
        assert refusal(conjur_keeper(conjur, service_id=conjur.service_id, **given).login).code == "login_refused"
    old = conjur.issuer.issue("a", AUDIENCE, seconds=-60)
    assert refusal(conjur_keeper(conjur, service_id=conjur.service_id, jwt=old).login).code == "login_refused"


def test_conjur_cloud_is_found_below_its_prefix(conjur_cloud: Conjur, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(conjur_cloud.url, ca=conjur_cloud.ca, certificate=conjur_cloud.certificate)
    keeper = conjur_keeper(conjur_cloud, url=f"{proxy.url}/")
    conjur_cloud.declare("data/a").add(b"value")
    assert [keeper.read("data/a").content for _again in range(3)] == [b"value"] * 3
    assert [one.status for one in proxy.seen] == [404, 200, 200, 200, 200]
    check(conjur_keeper(conjur_cloud, url=f"{proxy.url}/api"))
    error = refusal(conjur_keeper(conjur_cloud, url=f"{proxy.url}/elsewhere").login)
    assert (error.code, "no Conjur at its address" in error.message) == ("login_refused", True)


def test_a_new_token_comes_before_the_old_one_ends(
    conjur: Conjur, keeper: CyberarkConjur, branch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.scoped.secrets.plugins.module_utils.managers.cyberark import (
        conjur_client as cyberark_conjur_client,
    )

    now = 1000.0
    monkeypatch.setattr(cyberark_conjur_client, "monotonic", lambda: now)
    counts: Counter[str] = Counter()
    keeper = conjur_keeper(conjur, conjur.admin, counts)
    conjur.variables[f"{branch}/a"].add(b"value")
    for passed, logins in ((0, 1), (300, 1), (419, 1), (421, 2), (700, 2)):
        now = 1000.0 + passed
        assert keeper.read(f"{branch}/a").content == b"value"
        assert (passed, counts["logins"]) == (passed, logins)


def test_a_token_that_died_is_told(conjur: Conjur, keeper: CyberarkConjur, branch: str) -> None:
    keeper.login()
    conjur.tokens.clear()
    assert refusal(keeper.read, f"{branch}/a").code == "login_expired"


def test_a_run_whose_token_died_logs_in_again_once(
    conjur: Conjur, keeper: CyberarkConjur, host: Role, branch: str, tmp_path: Path
) -> None:
    work = Workplace(tmp_path)
    given = {name: keeper.options[name] for name in ("url", "account", "branch", "ca_cert", "login", "api_key")}
    work.declare("connector_cyberark_conjur", identifier="conjur", **given)
    work.declare("secret_text", identifier="a", secret_manager="conjur", value=b"value")
    work.new_run()
    assert (work.read("a"), work.count("logins")) == (b"value", 1)
    conjur.tokens.clear()
    assert (work.read("a", cache_ttl=0), work.count("logins")) == (b"value", 2)
    conjur.roles.pop(host.login)
    assert work.refused(lambda: work.read("a", cache_ttl=0)).code == "login_refused"


def test_an_older_conjur_does_not_say_when_a_token_ends(conjur: Conjur, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(conjur.url, ca=conjur.ca, certificate=conjur.certificate)
    claims = base64.b64encode(b'{"sub": "admin", "iat": 1}').decode()
    proxy.add(Fault.answer(200, {"payload": claims}), path="/authenticate$")
    conjur_keeper(conjur, url=proxy.url).login()


def test_an_authority_that_is_not_trusted(conjur: Conjur, conjur_cloud: Conjur) -> None:
    assert refusal(conjur_keeper(conjur, ca_cert=conjur_cloud.ca.read_text()).login).code == "tls_refused"
    careless = conjur_keeper(conjur, ca_cert="", validate_certs=False)
    check(careless)
    assert "validate_certs" in careless.notices[0]
