# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Conjur works with CyberArk's own client, unmodified."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import requests
from conjur_api import Client
from conjur_api.errors.errors import HttpStatusError
from conjur_api.models import ConjurConnectionInfo, CredentialsData, SslVerificationMode
from conjur_api.providers import (
    AuthnAuthenticationStrategy,
    JWTAuthenticationStrategy,
    SimpleCredentialsProvider,
)

from servers.cyberark_conjur import AUDIENCE, Conjur, Role

POLICY = """
- !policy
  id: shop
  body:
    - !variable password
    - !variable token
    - !host ansible
    - !permit
      role: !host ansible
      privileges: [read, execute]
      resource: !variable password
"""


def client(conjur: Conjur, strategy: Any, *, service_id: str = "", prefix: str = "") -> Client:
    about = ConjurConnectionInfo(
        conjur_url=conjur.url + prefix,
        account=conjur.account,
        cert_file=str(conjur.ca),
        service_id=service_id or None,
    )
    return Client(about, SslVerificationMode.SELF_SIGN, strategy, async_mode=False)


def logged_in(conjur: Conjur, role: Role, *, password: str = "", prefix: str = "") -> Client:
    known = SimpleCredentialsProvider()
    credential = {"password": password} if password else {"api_key": role.api_key}
    known.save(CredentialsData(machine=conjur.url + prefix, username=role.login, **credential))
    return client(conjur, AuthnAuthenticationStrategy(known), prefix=prefix)


def status_of(call: Any, *arguments: Any) -> int:
    with pytest.raises(HttpStatusError) as caught:
        call(*arguments)
    return int(caught.value.status)


@pytest.fixture
def loaded(conjur: Conjur, tmp_path: Path) -> Client:
    """The administrator's client, with the policy above loaded."""
    admin = logged_in(conjur, conjur.admin)
    (tmp_path / "policy.yml").write_text(POLICY)
    admin.load_policy_file("root", str(tmp_path / "policy.yml"))
    return admin


def test_what_policy_declares_can_be_set_and_read(loaded: Client, conjur: Conjur) -> None:
    loaded.set("shop/password", "one")
    loaded.set("shop/password", "two ✓")
    loaded.set("shop/token", "t")
    assert loaded.get("shop/password") == "two ✓".encode()
    newest = conjur.variables["shop/password"].newest
    assert loaded.get("shop/password", str(newest - 1)) == b"one"
    assert loaded.get_many("shop/password", "shop/token") == {"shop/password": "two ✓", "shop/token": "t"}
    shown = loaded.get_resource("variable", "shop/password")
    assert [one["version"] for one in shown["secrets"]][-1] == newest
    assert "tests:variable:shop/token" in loaded.list({"kind": "variable"})


def test_a_host_may_do_what_policy_permits(loaded: Client, conjur: Conjur) -> None:
    loaded.set("shop/password", "one")
    host = logged_in(conjur, conjur.roles["host/shop/ansible"])
    assert host.whoami()["username"] == "host/shop/ansible"
    assert host.get("shop/password") == b"one"
    assert status_of(host.set, "shop/password", "two") == 403
    assert status_of(host.get, "shop/token") == 404
    assert status_of(host.get, "shop/none") == 404
    assert status_of(host.get_many, "shop/password", "shop/none") == 404
    assert status_of(loaded.set, "shop/password", "  ") == 422


def test_a_host_may_ask_for_its_privileges(loaded: Client, conjur: Conjur) -> None:
    host = logged_in(conjur, conjur.roles["host/shop/ansible"])
    asked = [("password", "execute"), ("password", "update"), ("token", "execute"), ("none", "read")]
    held = [host.check_privilege("variable", f"shop/{name}", privilege) for name, privilege in asked]
    assert held == [True, False, False, False]
    assert loaded.check_privilege("variable", "shop/token", "update")


def test_each_login(loaded: Client, conjur: Conjur) -> None:
    loaded.set("shop/password", "one")
    by_password = logged_in(conjur, conjur.admin, password=conjur.admin.password)
    assert by_password.login() == conjur.admin.api_key
    assert by_password.get("shop/password") == b"one"
    token = conjur.issuer.issue("shop/ansible", AUDIENCE)
    by_jwt = client(conjur, JWTAuthenticationStrategy(token), service_id=conjur.service_id)
    assert by_jwt.get("shop/password") == b"one"
    assert status_of(client(conjur, JWTAuthenticationStrategy("x"), service_id="other").whoami) == 401
    assert status_of(logged_in(conjur, Role("nobody")).whoami) == 401


def test_a_token_ends(loaded: Client, conjur: Conjur) -> None:
    conjur.tokens.clear()
    assert status_of(loaded.whoami) == 401


def test_conjur_cloud_has_a_prefix(conjur_cloud: Conjur) -> None:
    assert logged_in(conjur_cloud, conjur_cloud.admin, prefix="/api").whoami()["username"] == "admin"
    assert status_of(logged_in(conjur_cloud, conjur_cloud.admin).whoami) == 404


def test_batches_return_bytes_only_as_base64(loaded: Client, conjur: Conjur) -> None:
    conjur.variables["shop/token"].add(b"\xff\0")
    conjur.variables["shop/password"].add(b"text")
    assert status_of(loaded.get_many, "shop/password", "shop/token") == 406
    header = base64.b64encode(conjur.token(conjur.admin)).decode()
    reply = requests.get(
        f"{conjur.url}/secrets",
        params={"variable_ids": "tests:variable:shop/token"},
        headers={"Authorization": f'Token token="{header}"', "Accept-Encoding": "base64"},
        verify=str(conjur.ca),
        timeout=10,
    )
    assert (reply.headers["Content-Encoding"], base64.b64decode(reply.json()["tests:variable:shop/token"])) == (
        "base64",
        b"\xff\0",
    )
