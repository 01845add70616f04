# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors declared in playbooks, at servers: check, apply, again, change, absent; credentials; use and removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import API, SCOPES, Connector, ignored, kept_in_vault, named, of, put_in_vault, read
from site_of_runs import Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.openbao import OpenBao


# What each step of the life of a declared thing changes.
STEPS = {
    "foreseen": True,
    "created": True,
    "again": False,
    "change foreseen": True,
    "unchanged yet": False,
    "changed": True,
    "changed again": False,
    "end foreseen": True,
    "not gone yet": False,
    "gone": True,
    "gone again": False,
}


def steps_of(first: Task, change: Task) -> dict[str, Task]:
    """Return the steps of a life; nothing that is only foreseen may show in the next one."""
    module, options = next(iter(first.items()))
    key = {name: value for name, value in options.items() if name in ("org", "project", "identifier")}
    absent = {module: {**key, "state": "absent", "force": True}}
    tasks = (first, first, first, change, first, change, change, absent, change, absent, absent)
    return dict(zip(STEPS, tasks, strict=True))


def lives(site: Site, noun: str, *pairs: tuple[Task, Task], before: list[Task] | None = None) -> list[dict[str, Any]]:
    """Run the lives of things, each given as its first declaration and a change; return them as they were changed."""
    tasks = [
        named(f"{number} {step}", task, diff=True, check_mode=step.endswith(("foreseen", "yet")))
        for number, (first, change) in enumerate(pairs)
        for step, task in steps_of(first, change).items()
    ]
    run = site.run([*SCOPES, *(before or []), *tasks])
    return [check_life({step: run.result(f"{n} {step}") for step in STEPS}, noun) for n in range(len(pairs))]


def check_life(results: dict[str, dict[str, Any]], noun: str) -> dict[str, Any]:
    assert {step: result["changed"] for step, result in results.items()} == STEPS
    assert results["change foreseen"]["diff"] == results["changed"]["diff"]
    check_foreseen(results["foreseen"][noun], results["created"][noun])
    check_foreseen(results["change foreseen"][noun], results["changed"][noun])
    assert results["gone again"][noun] is None
    return dict(results["changed"][noun])


def check_foreseen(foreseen: dict[str, Any], found: dict[str, Any]) -> None:
    """Fail for anything that a check said and that did not come so. A provider may tell more, a clock goes on."""
    for name, value in foreseen.items():
        if isinstance(value, dict):
            check_foreseen(value, found[name])
        elif not name.endswith("_at"):
            assert value == found[name], name


@pytest.mark.inline
def test_the_lives_of_connectors(site: Site, vault: Connector, aws: Connector, kms: Connector) -> None:
    change = {"tags": {"team": "a"}, "timeout": 20, "use_as_default": True}
    pairs = [(one.task(**API), one.task(**API, **change)) for one in (vault, aws, kms)]
    found = lives(site, "connector", *pairs)
    assert [one["kind"] for one in found] == ["hashicorp_vault", "aws_secrets_manager", "aws_kms"]
    for one in found:
        assert (one["is_default"], one["tags"], one["options"]["timeout"]) == (True, {"team": "a"}, 20)
    assert found[0]["options"]["token_ref"] == "vault_token"
    assert found[1]["options"]["auth_method"] == "access_key"
    assert found[2]["options"]["secret_access_key_ref"] == "kms_secret_access_key"


@pytest.mark.inline
def test_the_lives_of_secrets(site: Site, openbao: OpenBao, vault: Connector, aws: Connector, kms: Connector) -> None:
    names = [one.options["identifier"] for one in (vault, aws, kms)]
    theirs = f"{vault.base}/theirs"
    put_in_vault(openbao, theirs, user="u", password="p")

    def text(**options: Any) -> Task:
        return of("secret_text", identifier="a", **options)

    # Without the manager: a secret stays where it is.
    change = text(value="second value", tags={"k": "v"})
    pairs = [(text(value="first value", secret_manager=name), change) for name in names]
    file = of("secret_file", identifier="f", content="some content", secret_manager="aws")
    pairs.append((file, of("secret_file", identifier="f", content_b64="AAECAwT/")))
    pairs.append((text(reference=f"{theirs}#user", secret_manager="vault"), text(reference=f"{theirs}#password")))
    found = lives(site, "secret", *pairs, before=[vault.task(), aws.task(), kms.task()])
    assert [(one["secret_manager"], one["version"]) for one in found] == [
        *((name, 2) for name in [*names, "aws"]),
        ("vault", 0),
    ]
    assert [one.get("size") for one in found] == [12, 12, 12, 6, None]
    assert found[-1]["reference_to"] == f"{theirs}#password"
    # What a reference names belongs to others.
    assert openbao.request("GET", f"secret/data/{theirs}")["data"]["data"] == {"user": "u", "password": "p"}


def test_inherited_managers_are_a_matter_of_the_account(site: Site) -> None:
    allowed, forbidden = (of("scope", inherited_managers=word) for word in ("allowed", "forbidden"))
    run = site.run(
        [
            named("foreseen", allowed, check_mode=True),
            named("allowed", allowed),
            named("again", allowed),
            named("forbidden", forbidden),
            ignored("of an organization", of("scope", org="payments", inherited_managers="allowed")),
        ]
    )
    steps = ("foreseen", "allowed", "again", "forbidden")
    assert [run.result(name)["changed"] for name in steps] == [True, True, False, True]
    assert run.result("allowed")["scope"]["inherited_managers"] == "allowed"
    assert run.result("of an organization")["code"] == "only_for_account"


def test_an_inline_credential_is_kept_in_the_default_manager(site: Site, openbao: OpenBao, vault: Connector) -> None:
    first, second = openbao.create_token(), openbao.create_token()
    other = vault.at(identifier="other", base_path=f"{vault.base}/other", token=first)
    run = site.run(
        [
            vault.task(use_as_default=True),
            other.task(),
            named("again", other.task()),
            named("rotated", other.task(token=second), diff=True),
            named("secrets", of("secret_info")),
            read("vault_token", "other_token", "other_token@1"),
        ]
    )
    found = {secret["identifier"]: secret for secret in run.result("secrets")["secrets"]}
    # A manager can't keep what it needs to log in.
    assert found["vault_token"]["secret_manager"] == "builtin"
    assert (found["other_token"]["secret_manager"], found["other_token"]["version"]) == ("vault", 2)
    assert found["other_token"]["used_by"] == [{"kind": "connector", "identifier": "other", "field": "token_ref"}]
    assert kept_in_vault(openbao, f"{vault.base}/other_token") == second
    assert not run.result("again")["changed"]
    assert run.result("rotated")["diff"]["after"]["credentials"] == {"token": "update"}
    assert run.result("read")["msg"] == [vault.options["token"], second, first]


def test_a_reference_takes_the_place_of_an_inline_credential(site: Site, openbao: OpenBao, vault: Connector) -> None:
    mine = openbao.create_token()
    by_reference = vault.task(token=None, token_ref="account.mine")
    run = site.run(
        [
            of("secret_text", identifier="mine", value=mine),
            vault.task(),
            named("by reference", by_reference),
            named("again", by_reference),
            ignored("in use", of("secret_text", identifier="mine", state="absent")),
            named("forced", of("secret_text", identifier="mine", state="absent", force=True)),
            named("check", of("connector_check", identifier="vault")),
            named("secrets", of("secret_info")),
        ]
    )
    assert run.result("by reference")["connector"]["options"]["token_ref"] == "account.mine"
    assert not run.result("again")["changed"]
    assert run.result("in use")["code"] == "secret_in_use"
    assert "vault" in run.result("in use")["msg"]
    assert "vault" in run.result("forced")["warnings"][0]
    checked = run.result("check")["connector"]
    assert (checked["status"], checked["code"]) == ("error", "unknown_secret")
    assert run.result("secrets")["secrets"] == []


def test_a_manager_in_use_can_not_go(site: Site, openbao: OpenBao, vault: Connector) -> None:
    absent = of("connector_hashicorp_vault", identifier="vault", state="absent")
    run = site.run(
        [
            vault.task(use_as_default=True),
            ignored("a default", absent),
            of("secret_text", identifier="a", value="of a"),
            ignored("in use", absent),
            ignored("elsewhere", vault.task(base_path="elsewhere")),
            named("forced", of("connector_hashicorp_vault", identifier="vault", state="absent", force=True)),
            named("managers", of("connector_info")),
            ignored("unreadable", read("a")),
            ignored("no update", of("secret_text", identifier="a", value="else")),
            vault.task(),
            named("readable", read("a")),
        ]
    )
    assert run.result("a default")["code"] == "connector_in_use"
    in_use = run.result("in use")
    assert in_use["code"] == "connector_in_use"
    assert in_use["details"]["used_by"] == ["secret 'a'", "default secret manager of the account"]
    assert run.result("elsewhere")["code"] == "location_fixed"
    assert "secret 'a'" in run.result("forced")["warnings"][0]
    assert [one["identifier"] for one in run.result("managers")["connectors"]] == ["builtin"]
    assert run.result("managers")["connectors"][0]["is_default"]
    assert "[connector_removed]" in run.result("unreadable")["msg"]
    assert run.result("no update")["code"] == "connector_removed"
    assert run.result("readable")["msg"] == ["of a"]


def test_a_login_that_needs_itself_is_refused(site: Site, vault: Connector) -> None:
    second = vault.at(identifier="second", base_path=f"{vault.base}/second", token=None)
    run = site.run(
        [
            vault.task(),
            of("secret_text", identifier="for_second", value=vault.options["token"], secret_manager="vault"),
            second.task(token_ref="for_second"),
            of("secret_text", identifier="for_first", value=vault.options["token"], secret_manager="second"),
            ignored("through another", vault.task(token=None, token_ref="for_first")),
            ignored("by a URL", vault.task(token=None, token_ref=f"hashicorpvault://vault/{vault.base}/x#value")),
            ignored("by a URL of the other", vault.task(token=None, token_ref="hashicorpvault://second/x#value")),
            named("still ready", of("connector_check", identifier="second")),
        ]
    )
    for name in ("through another", "by a URL", "by a URL of the other"):
        assert run.result(name)["code"] == "login_loop", name
    loop = "vault (token_ref: for_first) -> second (token_ref: for_second) -> vault"
    assert loop in run.result("through another")["msg"]
    assert run.result("still ready")["connector"]["status"] == "ready"


def test_a_check_of_connectors(site: Site, moto: Aws, openbao: OpenBao, vault: Connector, kms: Connector) -> None:
    openbao.write_policy(vault.base, {"secret/data/elsewhere/*": ["read"]})
    refused = vault.at(identifier="refused", token="wrong", check=False)
    denied = vault.at(identifier="denied", token=openbao.create_token(vault.base, "default"), check=False)
    away = vault.at(identifier="away", url="http://127.0.0.1:1", retries=0, check=False)
    gone = kms.at(identifier="gone", key_arn=kms.options["key_arn"][:-4] + "0000", check=False)
    connectors = (vault, kms, refused, denied, away, gone)
    run = site.run(
        [
            *(connector.task() for connector in connectors),
            *(
                named(f"check {one.options['identifier']}", of("connector_check", identifier=one.options["identifier"]))
                for one in connectors
            ),
            ignored("none", of("connector_check", identifier="none")),
        ]
    )
    names = [one.options["identifier"] for one in connectors]
    found = {name: run.result(f"check {name}")["connector"] for name in names}
    assert {name: (one["status"], one["code"]) for name, one in found.items()} == {
        "vault": ("ready", ""),
        "kms": ("ready", ""),
        "refused": ("error", "login_refused"),
        "denied": ("error", "provider_denied"),
        "away": ("unknown", "provider_unavailable"),
        "gone": ("error", "unknown_master_key"),
    }
    assert all(one["message"] and one["hint"] for name, one in found.items() if name not in ("vault", "kms"))
    assert run.result("none")["code"] == "unknown_connector"


def test_a_check_proves_reading_and_writing_and_says_how(
    site: Site, moto: Aws, openbao: OpenBao, vault: Connector, aws: Connector
) -> None:
    def checked(identifier: str, **params: Any) -> Task:
        return of("connector_check", identifier=identifier, fail=True, **params)

    tasks = [
        named("declared", aws.task(check="yes")),
        vault.task(check="read"),
        aws.task(check="no", identifier="unchecked"),
        named("aws", checked("aws", check="write")),
        named("vault", checked("vault")),
        named("reading", checked("vault", check="read")),
    ]
    run = site.run(tasks)
    proofs = {name: run.result(name)["connector"]["proof"] for name in ("aws", "vault", "reading")}
    assert run.result("declared")["proof"]["write"] == proofs["aws"]["write"]
    assert "scoped-secrets-check-" in proofs["aws"]["write"]
    assert "update on" in proofs["vault"]["write"]
    assert proofs["reading"]["write"] == "not proved: only reading was to be proved"
    foreseen = site.run(tasks[3:4], "--check").result("aws")["connector"]["proof"]
    assert foreseen["write"] == "not proved: check mode writes nothing"
    ours = [{"Key": "name", "Values": [aws.options["prefix"]]}]
    there = moto.client("secretsmanager").list_secrets(IncludePlannedDeletion=True, Filters=ours)
    assert there["SecretList"] == []


def test_what_others_made_is_neither_overwritten_nor_deleted(
    site: Site, moto: Aws, openbao: OpenBao, vault: Connector, aws: Connector
) -> None:
    put_in_vault(openbao, f"{vault.base}/in_vault", value="of others")
    moto.client("secretsmanager").create_secret(Name=f"{aws.base}/in_aws", SecretString="of others")
    tasks: list[Task] = [vault.task(), aws.task()]
    for manager in ("vault", "aws"):
        ours = {"identifier": f"in_{manager}", "value": "ours", "secret_manager": manager}
        tasks += [
            ignored(f"{manager}: in the way", of("secret_text", **ours)),
            named(f"{manager}: adopted", of("secret_text", **ours, adopt=True)),
            named(f"{manager}: again", of("secret_text", **ours)),
        ]
    run = site.run([*tasks, read("in_vault", "in_aws")])
    for manager in ("vault", "aws"):
        assert run.result(f"{manager}: in the way")["code"] == "foreign_secret"
        assert [run.result(f"{manager}: {step}")["changed"] for step in ("adopted", "again")] == [True, False]
    assert run.result("read")["msg"] == ["ours", "ours"]
