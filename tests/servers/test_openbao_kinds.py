# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other kinds of OpenBao servers, and logins that need more than a password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from servers import kubernetes
from servers.identities import Authority, Issuer
from servers.openbao import OpenBao, OpenBaoError, serve_agent, serve_raft
from servers.process import processes_in, session, until


def test_raft_is_sealed_until_it_is_opened(tmp_path: Path) -> None:
    with serve_raft(tmp_path) as server:
        assert server.is_sealed
        server.initialise()
        with pytest.raises(OpenBaoError, match="503"):
            server.client.enable_kv("kv")
        server.unseal().enable_kv("kv")
        server.seal()
        with pytest.raises(OpenBaoError, match="503"):
            server.client.request("GET", "kv/config")
        server.unseal().request("POST", "kv/data/a", {"data": {"value": "x"}})
    assert processes_in(tmp_path) == []


def test_an_agent_writes_its_token_and_needs_none(openbao: OpenBao, tmp_path: Path) -> None:
    role = openbao.add_approle("agent", openbao.write_policy("agent", {"secret/data/agent": ["read"]}))
    openbao.request("POST", "secret/data/agent", {"data": {"value": "x"}})
    with serve_agent(tmp_path, openbao, role) as agent:
        assert openbao.look_up(agent.sink.read_text(encoding="utf-8"))["policies"] == ["agent", "default"]
        answer = session().get(f"{agent.url}/v1/secret/data/agent")
        assert answer.json()["data"]["data"] == {"value": "x"}
        assert session().get(f"{agent.url}/v1/sys/mounts").status_code == 403
    assert processes_in(tmp_path) == []


def test_an_agent_logs_in_again(openbao: OpenBao, tmp_path: Path) -> None:
    role = openbao.add_approle("short", "default", token_ttl="2s", token_max_ttl="2s")
    with serve_agent(tmp_path, openbao, role) as agent:
        first = agent.sink.read_text(encoding="utf-8")
        until(lambda: agent.sink.read_text(encoding="utf-8") not in ("", first))


def login(server: OpenBao, mount: str, body: object, cert: tuple[Path, Path] | None = None) -> list[str]:
    """Log in and return the policies."""
    answer = server.request("POST", f"auth/{mount}/login", body, token="", cert=cert)
    policies: list[str] = answer["auth"]["policies"]
    return policies


def test_jwt(openbao: OpenBao) -> None:
    issuer = Issuer()
    openbao.add_jwt_role("app", "reads", public_key=issuer.public_key, audience="vault")
    assert login(openbao, "jwt", {"role": "app", "jwt": issuer.issue("ann", "vault")}) == ["default", "reads"]
    strangers = [
        issuer.issue("ann", "other"),
        issuer.issue("ann", "vault", seconds=-600),
        Issuer().issue("ann", "vault"),
    ]
    for token in strangers:
        with pytest.raises(OpenBaoError, match="400"):
            login(openbao, "jwt", {"role": "app", "jwt": token})


def test_kubernetes(openbao: OpenBao, tmp_path: Path) -> None:
    with kubernetes.serve(tmp_path) as cluster:
        openbao.add_kubernetes_role("app", "reads", cluster=cluster.url, ca=cluster.ca, audience=kubernetes.AUDIENCE)
        token = cluster.token("web", "shop")
        assert login(openbao, "kubernetes", {"role": "app", "jwt": token}) == ["default", "reads"]
        assert cluster.reviews[0]["user"]["username"] == "system:serviceaccount:shop:web"
        other = kubernetes.Cluster(cluster.url, cluster.ca)
        for stranger in (other.token("web"), cluster.token("web", seconds=-600), cluster.token("web", audience="x")):
            with pytest.raises(OpenBaoError, match="403"):
                login(openbao, "kubernetes", {"role": "app", "jwt": stranger})
        # OpenBao refuses the other two without a review.
        assert [review["authenticated"] for review in cluster.reviews] == [True, False]


def test_a_review_says_what_is_wrong(tmp_path: Path) -> None:
    cluster = kubernetes.Cluster("", tmp_path)
    specs: list[dict[str, Any]] = [
        {"token": "not.a.token"},
        {"token": cluster.token("web", seconds=-1)},
        {"token": cluster.token("web"), "audiences": ["other"]},
    ]
    errors = [cluster.review(spec)["error"] for spec in specs]
    assert [error.split()[-1] for error in errors] == ["cluster", "expired", "audience"]


def test_certificate(openbao_tls: OpenBao, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    openbao_tls.add_certificate_role("app", "reads", ca=authority.ca)
    assert login(openbao_tls, "cert", {"name": "app"}, authority.issue("web")) == ["default", "reads"]
    (tmp_path / "other").mkdir()
    for pair in (None, Authority(tmp_path / "other").issue("web")):
        with pytest.raises(OpenBaoError, match="400"):
            login(openbao_tls, "cert", {"name": "app"}, pair)
    with pytest.raises(OpenBaoError, match=r"500.*certificate has expired"):  # OpenBao answers 500, not 400 or 403.
        login(openbao_tls, "cert", {"name": "app"}, authority.issue("late", days=-1))


def test_a_secret_id_that_can_be_used_once(openbao: OpenBao) -> None:
    role = openbao.add_approle("once", "default", secret_id_num_uses=1)
    body = {"role_id": role.role_id, "secret_id": role.secret_id}
    assert login(openbao, "approle", body) == ["default"]
    with pytest.raises(OpenBaoError, match="400"):
        login(openbao, "approle", body)
