# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All logins of HashiCorp Vault, against a real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from checking import check
from servers.identities import Authority, Issuer
from servers.kubernetes import Cluster
from servers.openbao import Agent, OpenBao, OpenBaoError, serve_agent
from vault_connectors import OWNER, POLICY, connector, names, refusal, vault

FIVE_ROUNDS = 5


@pytest.fixture(scope="module")
def policy(openbao: OpenBao) -> str:
    return openbao.write_policy("ours", POLICY)


def use(server: OpenBao, counts: Counter[str] | None = None, **login: object) -> None:
    """Log in, check, write, read, and clean up."""
    counts = counts if counts is not None else Counter()
    manager = connector(server.url, counts, **login)
    manager.login()
    check(manager)
    path = manager.path_of(next(names))
    manager.write(path, b"kept", Writing(OWNER))
    assert manager.value_in(manager.read(path).content) == b"kept"
    manager.close()
    assert counts["logins"] == 1


def is_alive(server: OpenBao, token: str) -> bool:
    try:
        server.look_up(token)
    except OpenBaoError:
        return False
    return True


def token_of(manager: object) -> str:
    return str(manager._client._token.vault.token)  # type: ignore[attr-defined]


def test_a_token(openbao: OpenBao, policy: str) -> None:
    token = openbao.create_token(policy)
    use(openbao, token=token)
    assert is_alive(openbao, token)


def test_a_token_with_white_space_around(openbao: OpenBao, policy: str) -> None:
    use(openbao, token=f"\n{openbao.create_token(policy)}\n")


@pytest.mark.parametrize("token", ["", "  ", "ab\ncd", "tökèn"])
def test_what_is_no_token(openbao: OpenBao, token: str) -> None:
    assert refusal(connector(openbao.url, token=token).login).code == "login_refused"


def test_a_token_that_the_server_does_not_know(openbao: OpenBao) -> None:
    error = refusal(connector(openbao.url, token="s.none-of-this-server").login)
    assert (error.code, error.category) == ("login_refused", "forbidden")
    assert "none-of-this-server" not in str(error)


@pytest.mark.parametrize("kind", ["service", "batch"])
def test_tokens_of_both_types_with_a_limited_life(openbao: OpenBao, policy: str, kind: str) -> None:
    use(openbao, token=openbao.create_token(policy, type=kind, ttl="1h", renewable=False))


def test_a_token_that_may_not_look_itself_up(openbao: OpenBao, policy: str) -> None:
    token = openbao.create_token(policy, no_default_policy=True)
    use(openbao, token=token)
    assert is_alive(openbao, token)


def test_a_token_of_few_uses_has_one_spent_on_its_lookup(openbao: OpenBao, policy: str) -> None:
    with vault(openbao, token=openbao.create_token(policy, num_uses=3)) as manager:
        assert refusal(manager.read, "ours/none").code == "unknown_path"  # Also detects the engine's version.
        assert refusal(manager.read, "ours/none").code == "login_expired"


def test_a_token_of_few_uses_is_not_spent_on_finding_out_why_it_was_refused(openbao: OpenBao, policy: str) -> None:
    counts: Counter[str] = Counter()
    token = openbao.create_token(policy, num_uses=10)
    with vault(openbao, counts, token=token, engine_version="2") as manager:
        assert refusal(manager.read, "others/none").code == "provider_denied"
    assert counts["requests"] == 1
    assert openbao.look_up(token)["num_uses"] == 10 - 2


def test_approle(openbao: OpenBao, policy: str) -> None:
    role = openbao.add_approle(next(names), policy)
    use(openbao, role_id=role.role_id, secret_id=role.secret_id)


def test_approle_at_another_mount_and_without_secret_id(openbao: OpenBao, policy: str) -> None:
    role = openbao.add_approle("open", policy, mount="team/apps", token_bound_cidrs="127.0.0.1/32")
    openbao.request("POST", "auth/team/apps/role/open", {"bind_secret_id": False})
    use(openbao, role_id=role.role_id, mount="/team/apps/")


def test_the_token_of_a_login_is_revoked_in_the_end(openbao: OpenBao, policy: str) -> None:
    role = openbao.add_approle(next(names), policy)
    with vault(openbao, role_id=role.role_id, secret_id=role.secret_id) as manager:
        token = token_of(manager)
        assert is_alive(openbao, token)
    assert not is_alive(openbao, token)
    manager.close()


def test_a_batch_token_of_a_login_is_left_to_expire(openbao: OpenBao, policy: str) -> None:
    counts: Counter[str] = Counter()
    role = openbao.add_approle(next(names), policy, token_type="batch", token_ttl="1h")
    with vault(openbao, counts, role_id=role.role_id, secret_id=role.secret_id):
        pass
    assert counts["requests"] == 0


def test_a_login_whose_tokens_have_few_uses_logs_in_again_when_they_are_spent(openbao: OpenBao, policy: str) -> None:
    counts: Counter[str] = Counter()
    role = openbao.add_approle(next(names), policy, token_num_uses=2)
    with vault(openbao, counts, role_id=role.role_id, secret_id=role.secret_id, engine_version="2") as manager:
        path = manager.path_of(next(names))
        for _round in range(FIVE_ROUNDS):
            manager.write(path, b"kept", Writing(OWNER))
    assert counts["logins"] >= FIVE_ROUNDS
    assert openbao.request("GET", f"secret/data/{path}")["data"]["metadata"]["version"] == FIVE_ROUNDS


@pytest.mark.parametrize(
    "login",
    [
        {"role_id": "none", "secret_id": "canary"},
        {"role_id": "none", "secret_id": "canary", "mount": "not-mounted"},
        {"username": "nobody", "password": "canary"},
        {"role": "none", "jwt": "can.a.ry"},
    ],
)
def test_a_login_that_is_refused(openbao: OpenBao, login: dict[str, str]) -> None:
    openbao.enable_login("approle")
    openbao.enable_login("userpass")
    counts: Counter[str] = Counter()
    error = refusal(connector(openbao.url, counts, **login).login)
    assert error.code == "login_refused"
    assert "canary" not in str(error) + repr(error.details)
    assert counts == {"logins": 1, "requests": 1}


def test_userpass(openbao: OpenBao, policy: str) -> None:
    openbao.add_user("ansible", "a password that ends in a space ", policy)
    use(openbao, username="ansible", password="a password that ends in a space ")


def test_a_user_name_stays_within_the_login(openbao: OpenBao, policy: str) -> None:
    """A name with a path in it is no other user, whose password it would have."""
    openbao.add_user("ansible", "of ansible", policy)
    use(openbao, username="ansible", password="of ansible")
    for name in ("nobody/../ansible", "./ansible", "../../auth/userpass/login/ansible", "ansible?x=y", "ansible#x"):
        manager = connector(openbao.url, username=name, password="of ansible")
        assert refusal(manager.login).code == "login_refused", name


@pytest.fixture(scope="module")
def issuer(openbao: OpenBao, policy: str) -> Issuer:
    issuer = Issuer()
    openbao.add_jwt_role("ansible", policy, public_key=issuer.public_key, audience="vault")
    return issuer


def test_jwt(openbao: OpenBao, issuer: Issuer) -> None:
    use(openbao, role="ansible", jwt=issuer.issue("ansible", "vault"))


def test_jwt_out_of_a_file_that_is_read_at_each_login(openbao: OpenBao, issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    manager = connector(openbao.url, role="ansible", token_file=str(file))
    assert refusal(manager.login).code == "login_refused"
    file.write_text(issuer.issue("ansible", "another audience"))
    assert refusal(manager.login).code == "login_refused"
    file.write_text(issuer.issue("ansible", "vault") + "\n")
    manager.login()
    manager.close()


def test_kubernetes(openbao: OpenBao, policy: str, kubernetes_cluster: Cluster, tmp_path: Path) -> None:
    openbao.add_kubernetes_role("ansible", policy, cluster=kubernetes_cluster.url, ca=kubernetes_cluster.ca)
    token = tmp_path / "token"
    token.write_text(kubernetes_cluster.token("ansible"))
    use(openbao, auth_method="kubernetes", role="ansible", service_account_token_path=str(token))


def test_kubernetes_outside_of_a_pod(openbao: OpenBao) -> None:
    error = refusal(connector(openbao.url, auth_method="kubernetes", role="ansible").login)
    assert error.code == "login_refused"
    assert "/var/run/secrets/kubernetes.io/serviceaccount/token" in error.message


@pytest.fixture(scope="module")
def agent(openbao: OpenBao, policy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    role = openbao.add_approle("agent", policy, token_ttl="1h")
    with serve_agent(tmp_path_factory.mktemp("agent"), openbao, role) as agent:
        yield agent


def test_the_sink_of_an_agent(openbao: OpenBao, agent: Agent) -> None:
    token = agent.sink.read_text()
    use(openbao, sink_path=str(agent.sink))
    assert is_alive(openbao, token)


def test_the_sink_is_read_anew_at_each_login(openbao: OpenBao, policy: str, tmp_path: Path) -> None:
    sink, tokens = tmp_path / "sink", [openbao.create_token(policy) for _number in range(2)]
    sink.write_text(tokens[0])
    with vault(openbao, sink_path=str(sink)) as manager:
        openbao.revoke_token(tokens[0])
        sink.write_text(tokens[1])
        assert refusal(manager.read, "ours/none").code == "login_expired"
        manager.login()
        assert refusal(manager.read, "ours/none").code == "unknown_path"


def test_the_life_of_an_agent_s_token_is_the_agent_s_business(openbao: OpenBao, policy: str, tmp_path: Path) -> None:
    sink = tmp_path / "sink"
    sink.write_text(openbao.create_token(policy, ttl="1h"))
    with vault(openbao, sink_path=str(sink)) as manager:
        assert manager._client._token.due == float("inf")  # type: ignore[union-attr]


def test_a_sink_that_is_not_there(openbao: OpenBao, tmp_path: Path) -> None:
    assert refusal(connector(openbao.url, sink_path=str(tmp_path / "none")).login).code == "login_refused"


def test_the_listener_of_an_agent(agent: Agent) -> None:
    counts: Counter[str] = Counter()
    with vault(agent.url, counts, auth_method="agent") as manager:
        check(manager)
        path = manager.path_of(next(names))
        manager.write(path, b"kept", Writing(OWNER))
        assert manager.value_in(manager.read(path).content) == b"kept"
    assert counts["logins"] == 0


@pytest.mark.parametrize("form", ["paths", "text"])
def test_a_client_certificate(openbao_tls: OpenBao, tmp_path: Path, form: str) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("ansible")
    policy = openbao_tls.write_policy("ours", POLICY)
    openbao_tls.add_certificate_role(f"ansible-{form}", policy, ca=authority.ca)
    certificate, key = (str(file) if form == "paths" else file.read_text() for file in files)
    login = {"client_cert": certificate, "client_key": key, "role": f"ansible-{form}"}
    use(openbao_tls, ca_cert=str(openbao_tls.ca), **login)


def test_a_client_certificate_of_nobody(openbao_tls: OpenBao, tmp_path: Path) -> None:
    certificate, key = (str(file) for file in Authority(tmp_path).issue("ansible"))
    manager = connector(openbao_tls.url, ca_cert=str(openbao_tls.ca), client_cert=certificate, client_key=key)
    assert refusal(manager.login).code == "login_refused"
