# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret managers that say no, or nothing: what a task and a template are told, and what a run survives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import Connector, ignored, named, of, place, put_in_vault, read
from site_of_runs import Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.faults import FaultProxy
    from servers.openbao import OpenBao

BROKER = {"SCOPED_SECRETS_BROKER": "on", "ANSIBLE_CALLBACKS_ENABLED": "record,scoped.secrets.usage"}
UNVERIFIED = "does not verify TLS certificates"


@pytest.mark.inline
def test_each_failure_has_its_code(
    site: Site, openbao: OpenBao, moto: Aws, vault: Connector, aws: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    from servers.faults import Fault

    sealed, slow_down = fault_proxy(openbao.url), fault_proxy(openbao.url)
    sealed.add(Fault.answer(503, {"errors": ["Vault is sealed"]}), times=None)
    slow_down.add(Fault.answer(429), path="/v1/secret/", times=None)
    nothing = openbao.write_policy(vault.base, {"secret/data/elsewhere": ["read"]})
    changes: dict[str, dict[str, Any]] = {
        "vault_sealed": {"url": sealed.url},
        "provider_unavailable": {"url": "http://127.0.0.1:1"},
        "provider_denied": {"token": openbao.create_token(nothing, "default")},
        "login_refused": {"token": "wrong"},
        "unknown_mount": {"engine": "nowhere"},
        "provider_throttled": {"url": slow_down.url},
        "unknown_path": {},
    }
    urls = {code: f"hashicorpvault://{code}/{vault.base}/a#value" for code in changes}
    tasks: list[Task] = [
        vault.task(identifier=code, check=False, retries=0, **options) for code, options in changes.items()
    ]
    for code in changes:
        text = of("secret_text", identifier=f"at_{code}", value="x", secret_manager=code)
        checked = vault.task(identifier=code, tags={"a": "b"}, **changes[code])
        tasks += [
            ignored(f"write {code}", text),
            ignored(f"read {code}", read(urls[code])),
            ignored(f"declare {code}", checked),
        ]
    run = site.run([*tasks, named("secrets", of("secret_info"))])
    for code in changes:
        assert f"[{code}]" in run.result(f"read {code}")["msg"]
        if code != "unknown_path":
            assert run.result(f"write {code}")["code"] == code
        if code not in ("unknown_path", "provider_throttled"):
            declared = run.result(f"declare {code}")
            assert (declared["code"], declared["changed"]) == (code, False)
            assert declared["hint"]
    # Nothing of what failed is left behind.
    kept = {one["identifier"] for one in run.result("secrets")["secrets"]}
    assert kept == {"at_unknown_path", *(f"{code}_token" for code in changes)}


def test_a_read_that_fails_is_tried_again_by_the_next_task(
    site: Site, openbao: OpenBao, vault: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    from servers.faults import Fault

    proxy = fault_proxy(openbao.url)
    put_in_vault(openbao, f"{vault.base}/a", value="of a")
    site.declare(vault.task(url=proxy.url, retries=0))
    proxy.add(Fault.answer(500), path="/a$")
    url = f"hashicorpvault://vault/{vault.base}/a#value"
    # What can't be reached is no reason to go on without it, or with another value.
    first = read(url, default="else", on_missing="skip", on_denied="skip", name="first")
    run = site.run([ignored("first", first), read(url, name="second")], environment=BROKER)
    assert "[provider_unavailable]" in run.result("first")["msg"]
    assert run.result("second")["msg"] == ["of a"]


def test_a_login_that_ends_in_the_middle_of_a_run_is_made_again(site: Site, openbao: OpenBao, vault: Connector) -> None:
    """Tokens that expire, tokens that are revoked, tokens of few uses: nobody notices."""
    policy = openbao.write_policy(vault.base, {"secret/*": ["create", "read", "update", "delete", "list"]})
    short = {"token_ttl": "2s", "token_max_ttl": "2s"}
    lives: dict[str, dict[str, Any]] = {"short": short, "revoked": {}, "few_uses": {"token_num_uses": 3}}
    mounts = {name: place() for name in lives}
    roles = {name: openbao.add_approle("r", policy, mount=mounts[name], **life) for name, life in lives.items()}
    logins = {
        name: {"auth_method": "approle", "mount": mounts[name], "role_id": role.role_id, "secret_id": role.secret_id}
        for name, role in roles.items()
    }
    put_in_vault(openbao, f"{vault.base}/a", value="of a")
    connectors = [vault.task(identifier=name, token=None, base_path=None, **login) for name, login in logins.items()]
    site.declare(*connectors)
    urls = [f"hashicorpvault://{name}/{vault.base}/a#value" for name in lives]
    revoke = {
        "url": f"{openbao.url}/v1/sys/leases/revoke-prefix/auth/{mounts['revoked']}",
        "method": "POST",
        "headers": {"X-Vault-Token": openbao.token},
        "status_code": 204,
    }
    again = [read(*urls, cache_ttl=0, name=f"read {n}") for n in range(3)]
    written = [of("secret_text", identifier=f"in_{n}", value="x", secret_manager=n) for n in lives]
    waits: list[Task] = [{"ansible.builtin.pause": {"seconds": 3}}, {"ansible.builtin.uri": revoke}]
    run = site.run([again[0], *waits, *again[1:], *written], "-vv", environment=BROKER)
    assert [run.result(f"read {n}")["msg"] for n in range(3)] == [["of a"] * 3] * 3
    for name in lives:
        line = next(part for part in run.output.split(";") if part.strip().startswith(f"{name}: "))
        assert int(line.split(" requests, ")[1].split(" logins")[0]) >= 2, line


def test_a_run_warns_once_of_certificates_that_are_not_verified(
    site: Site, openbao_tls: OpenBao, vault: Connector
) -> None:
    tls = vault.at(url=openbao_tls.url, token=openbao_tls.create_token())
    put_in_vault(openbao_tls, f"{vault.base}/a", value="of a")
    refused = site.run([ignored("unknown authority", tls.task()), named("ca", tls.task(ca_cert=str(openbao_tls.ca)))])
    assert refused.result("unknown authority")["code"] == "tls_refused"
    assert "warnings" not in refused.result("ca") or UNVERIFIED not in str(refused.result("ca")["warnings"])
    url = f"hashicorpvault://vault/{vault.base}/a#value"
    unverified = tls.task(ca_cert="", validate_certs=False)
    run = site.run([named("declared", unverified), read(url), read(url, cache_ttl=0)], environment=BROKER)
    warned = [task["task"] for task in run.tasks if UNVERIFIED in str(task["result"].get("warnings"))]
    assert warned == ["declared"]
    assert run.output.count(UNVERIFIED) == 1
    # Each run says so, also one that only reads.
    run = site.run([read(url), read(url, cache_ttl=0)], hosts="all", environment=BROKER)
    assert run.output.count(UNVERIFIED) == 1


def test_plain_http_needs_to_be_asked_for(site: Site) -> None:
    """Except for this machine itself, where the other tests use it."""
    connectors = {
        "hashicorp_vault": {"url": "http://vault.example.com:8200", "token": "a token"},
        "aws_kms": {"key_arn": "alias/a", "endpoint_url": "http://kms.example.com", "region": "eu-central-1"},
        "aws_secrets_manager": {"endpoint_url": "http://aws.example.com", "region": "eu-central-1"},
    }
    tasks = []
    for kind, options in connectors.items():
        plain = {**options, "identifier": kind, "check": False}
        tasks += [
            ignored(f"{kind} refused", of(f"connector_{kind}", **plain)),
            named(f"{kind} allowed", of(f"connector_{kind}", **plain, allow_plain_http=True)),
        ]
    run = site.run(tasks)
    for kind in connectors:
        assert run.result(f"{kind} refused")["code"] == "plain_http"
        assert run.result(f"{kind} allowed")["connector"]["options"]["allow_plain_http"]
