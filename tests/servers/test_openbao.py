# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenBao starts, answers, and leaves no process behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.openbao import OpenBao, OpenBaoError, serve, serve_tls
from servers.process import processes_in, session


def test_it_ends(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        assert len(processes_in(tmp_path)) == 1
        assert "secret/" in server.request("GET", "sys/mounts")["data"]
    assert processes_in(tmp_path) == []


def test_it_ends_when_the_test_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), serve(tmp_path):
        raise ZeroDivisionError
    assert processes_in(tmp_path) == []


def test_tls(tmp_path: Path) -> None:
    with serve_tls(tmp_path) as server:
        assert server.request("GET", "sys/health")["sealed"] is False
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            session().get(f"{server.url}/v1/sys/health")
    assert processes_in(tmp_path) == []


@pytest.mark.parametrize(("version", "path"), [(1, "a"), (2, "data/a")])
def test_kv(openbao: OpenBao, version: int, path: str) -> None:
    mount = f"kv-{version}"
    openbao.enable_kv(mount, version)
    body = {"value": "x"} if version == 1 else {"data": {"value": "x"}}
    openbao.request("POST", f"{mount}/{path}", body)
    data = openbao.request("GET", f"{mount}/{path}")["data"]
    assert (data if version == 1 else data["data"]) == {"value": "x"}


def test_a_token_reaches_what_its_policy_says(openbao: OpenBao) -> None:
    token = openbao.create_token(openbao.write_policy("reads-a", {"secret/data/a": ["read"]}))
    openbao.request("POST", "secret/data/a", {"data": {"value": "x"}})
    assert openbao.request("GET", "secret/data/a", token=token)["data"]["data"] == {"value": "x"}
    with pytest.raises(OpenBaoError, match="403"):
        openbao.request("GET", "secret/data/b", token=token)


def test_a_token_can_be_used_up(openbao: OpenBao) -> None:
    token = openbao.create_token("default", num_uses=1, ttl="1h")
    openbao.request("GET", "auth/token/lookup-self", token=token)
    with pytest.raises(OpenBaoError, match="403"):
        openbao.request("GET", "auth/token/lookup-self", token=token)


def test_tokens_of_every_kind(openbao: OpenBao) -> None:
    fixed = openbao.look_up(openbao.create_token("default", ttl="1h", renewable=False))
    periodic = openbao.look_up(openbao.create_token("default", period="2h"))
    assert (fixed["renewable"], fixed["ttl"] <= 3600, fixed["orphan"]) == (False, True, True)
    assert (periodic["renewable"], periodic["period"]) == (True, 7200)


def test_a_revoked_token(openbao: OpenBao) -> None:
    token = openbao.create_token("default")
    openbao.revoke_token(token)
    with pytest.raises(OpenBaoError, match="403"):
        openbao.look_up(token)


def test_approle(openbao: OpenBao) -> None:
    role = openbao.add_approle("app", "default", token_ttl="10m")
    body = {"role_id": role.role_id, "secret_id": role.secret_id}
    auth = openbao.request("POST", "auth/approle/login", body, token="")["auth"]
    assert (auth["policies"], auth["lease_duration"]) == (["default"], 600)


def test_userpass(openbao: OpenBao) -> None:
    openbao.add_user("ann", "pass-word", "default")
    auth = openbao.request("POST", "auth/userpass/login/ann", {"password": "pass-word"}, token="")["auth"]
    assert auth["metadata"] == {"username": "ann"}


def test_namespace(openbao: OpenBao) -> None:
    namespace = openbao.create_namespace("team")
    openbao.enable_kv("kv", namespace=namespace)
    openbao.request("POST", "kv/data/a", {"data": {"value": "x"}}, namespace=namespace)
    assert openbao.request("GET", "kv/data/a", namespace=namespace)["data"]["data"] == {"value": "x"}
    with pytest.raises(OpenBaoError, match="404"):
        openbao.request("GET", "kv/data/a")
