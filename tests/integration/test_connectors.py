# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors declared in playbooks, against servers: check, apply, again, change, absent; credentials; use and removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import API, SCOPES, Connector, ignored, kept_in_vault, named, of, put_in_vault, read
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.openbao import OpenBao


def life_of(first: Task, change: Task, absent: Task) -> list[Task]:
    """Return the life of one declared thing. Whatever a check foresees, a listing after it must not show."""
    shown = {"diff": True}
    foreseen = {"check_mode": True, **shown}
    return [
        named("foreseen", first, **foreseen),
        named("created", first, **shown),
        named("again", first, **shown),
        named("change foreseen", change, **foreseen),
        named("unchanged yet", first, **foreseen),
        named("changed", change, **shown),
        named("changed again", change, **shown),
        named("end foreseen", absent, **foreseen),
        named("not gone yet", change, **foreseen),
        named("gone", absent, **shown),
        named("gone again", absent, **shown),
    ]


def check_life(run: Run, noun: str) -> dict[str, Any]:
    """Fail unless each step of a life did what it had to; return the thing after its change."""
    expected = {
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
    assert {name: run.result(name)["changed"] for name in expected} == expected
    assert run.result("change foreseen")["diff"] == run.result("changed")["diff"]
    foreseen, created = run.result("foreseen")[noun], run.result("created")[noun]
    assert {name: foreseen[name] for name in foreseen if name in created}.items() <= created.items()
    assert run.result("gone again")[noun] is None
    return dict(run.result("changed")[noun])


def life(site: Site, noun: str, first: Task, change: Task, before: list[Task] | None = None) -> dict[str, Any]:
    """Run the life of a thing and return it as it was after its change."""
    module, options = next(iter(first.items()))
    key = {name: value for name, value in options.items() if name in ("org", "project", "identifier")}
    run = site.run([*SCOPES, *(before or []), *life_of(first, change, {module: {**key, "state": "absent"}})])
    return check_life(run, noun)


def test_the_life_of_a_vault_connector(site: Site, vault: Connector) -> None:
    change = vault.task(**API, tags={"team": "a"}, timeout=20, use_as_default=True)
    found = life(site, "connector", vault.task(**API), change)
    assert (found["kind"], found["is_default"], found["tags"]) == ("hashicorp_vault", True, {"team": "a"})
    assert found["options"]["timeout"] == 20
    assert found["options"]["token_ref"] == "vault_token"


def test_the_life_of_connectors_at_aws(site: Site, aws: Connector, kms: Connector) -> None:
    for connector in (aws, kms):
        change = connector.task(description="why", retries=1)
        found = life(site, "connector", connector.task(), change)
        assert (found["description"], found["options"]["retries"]) == ("why", 1)
        assert found["options"]["auth_method"] == "access_key"
        assert found["options"]["secret_access_key_ref"] == f"{found['identifier']}_secret_access_key"


def test_the_life_of_secrets_at_connectors(site: Site, vault: Connector, aws: Connector, kms: Connector) -> None:
    for connector in (vault, aws, kms):
        name = connector.options["identifier"]
        first = of("secret_text", identifier="a", value="first value", secret_manager=name)
        # Without the manager: a secret stays where it is.
        change = of("secret_text", identifier="a", value="second value", tags={"k": "v"})
        found = life(site, "secret", first, change, [connector.task()])
        assert (found["secret_manager"], found["version"], found["size"]) == (name, 2, 12)


def test_the_life_of_a_file_and_of_a_reference(site: Site, openbao: OpenBao, vault: Connector, aws: Connector) -> None:
    first = of("secret_file", identifier="f", content="some content", secret_manager="aws")
    change = of("secret_file", identifier="f", content_b64="AAECAwT/")
    found = life(site, "secret", first, change, [aws.task()])
    assert (found["secret_manager"], found["size"]) == ("aws", 6)
    put_in_vault(openbao, f"{vault.base}/theirs", user="u", password="p")
    first = of("secret_text", identifier="r", reference=f"{vault.base}/theirs#user", secret_manager="vault")
    change = of("secret_text", identifier="r", reference=f"{vault.base}/theirs#password")
    found = life(site, "secret", first, change, [vault.task()])
    assert (found["reference_to"], found["version"]) == (f"{vault.base}/theirs#password", 0)
    # What a reference names belongs to others.
    assert openbao.request("GET", f"secret/data/{vault.base}/theirs")["data"]["data"] == {"user": "u", "password": "p"}


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
    assert in_use["details"]["used_by"] == ["secret 'a'", "default secret manager of 'account'"]
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
    found = {one: run.result(f"check {one}")["connector"] for one in ("vault", "kms", "refused", "denied", "away", "gone")}
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


@pytest.mark.parametrize("manager", ["vault", "aws"])
def test_what_others_made_is_neither_overwritten_nor_deleted(
    site: Site, moto: Aws, openbao: OpenBao, vault: Connector, aws: Connector, manager: str
) -> None:
    connector = vault if manager == "vault" else aws
    put_in_vault(openbao, f"{vault.base}/theirs", value="of others")
    moto.client("secretsmanager").create_secret(Name=f"{aws.base}/theirs", SecretString="of others")
    ours = of("secret_text", identifier="theirs", value="ours", secret_manager=manager)
    run = site.run(
        [
            connector.task(),
            ignored("in the way", ours),
            named("adopted", of("secret_text", identifier="theirs", value="ours", secret_manager=manager, adopt=True)),
            named("again", ours),
            read("theirs"),
        ]
    )
    assert run.result("in the way")["code"] == "foreign_secret"
    assert [run.result(name)["changed"] for name in ("adopted", "again")] == [True, False]
    assert run.result("read")["msg"] == ["ours"]
