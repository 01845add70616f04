# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where new secrets go, and who may use which secret manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector_tasks import API, SCOPES, Connector, ignored, kept_in_vault, named, of, read
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.openbao import OpenBao

PAYMENTS = {"org": "payments"}


def text(identifier: str, value: str, **options: str) -> Task:
    return of("secret_text", identifier=identifier, value=value, **options)


def managers_of(run: Run, name: str) -> dict[str, str]:
    """Return which manager keeps which secret, by the result of a secret_info task."""
    return {secret["identifier"]: secret["secret_manager"] for secret in run.result(name)["secrets"]}


def test_a_new_default_takes_new_secrets_only(
    site: Site, openbao: OpenBao, moto: Aws, vault: Connector, aws: Connector, kms: Connector
) -> None:
    default = "default_secret_manager"
    run = site.run(
        [
            *SCOPES,
            *(one.task(**API) for one in (vault, aws, kms)),
            text("in_builtin", "1st", **API),
            named("vault is default", of(default, **API, secret_manager="vault")),
            text("in_vault", "1st", **API),
            named("aws is default", aws.task(**API, use_as_default=True)),
            text("in_aws", "1st", **API),
            named("kms is default", of(default, **API, secret_manager="kms")),
            named("kms already", of(default, **API, secret_manager="kms")),
            text("in_kms", "1st", **API),
            # Those that exist stay where they are.
            *(text(f"in_{name}", "2nd", **API) for name in ("builtin", "vault", "aws")),
            named("builtin foreseen", of(default, **API, secret_manager="builtin"), check_mode=True),
            named("builtin is default", of(default, **API, secret_manager="builtin")),
            text("in_builtin_too", "1st", **API),
            text("in_vault", "3rd", **API),
            ignored("moved", text("in_aws", "3rd", **API, secret_manager="vault")),
            named("secrets", of("secret_info", **API)),
            named("managers", of("connector_info", **API)),
            named("of the organization", of("connector_info", **PAYMENTS)),
            read("in_builtin", "in_vault", "in_aws", "in_kms", "in_vault@1", **API),
        ]
    )
    assert managers_of(run, "secrets") == {
        "in_builtin": "builtin",
        "in_builtin_too": "builtin",
        "in_vault": "vault",
        "in_aws": "aws",
        "in_kms": "kms",
        # Credentials given inline, before any of these was the default.
        "vault_token": "builtin",
        "aws_secret_access_key": "builtin",
        "kms_secret_access_key": "builtin",
    }
    changes = ("vault is default", "aws is default", "kms is default", "kms already")
    assert [run.result(name)["changed"] for name in changes] == [True, True, True, False]
    for name in ("builtin foreseen", "builtin is default"):
        assert (run.result(name)["changed"], run.result(name)["connector"]["is_default"]) == (True, True)
    assert run.result("moved")["code"] == "manager_fixed"
    found = run.result("managers")["connectors"]
    assert [(one["identifier"], one["secrets"], one["is_default"]) for one in found] == [
        ("builtin", 5, True),
        ("aws", 1, False),
        ("kms", 1, False),
        ("vault", 1, False),
    ]
    assert [one["identifier"] for one in run.result("of the organization")["connectors"]] == ["builtin"]
    assert run.result("read")["msg"] == ["2nd", "3rd", "2nd", "1st", "1st"]
    assert kept_in_vault(openbao, f"{vault.base}/in_vault") == "3rd"
    client = moto.client("secretsmanager")
    assert client.get_secret_value(SecretId=f"{aws.base}/in_aws")["SecretString"] == "2nd"


def test_the_manager_of_another_scope_is_out_of_reach(site: Site, vault: Connector) -> None:
    own = vault.at(identifier="own", base_path=f"{vault.base}/own")
    names = ("vault", "account.vault", "above", "org.above")
    refused = [ignored(f"secret at {name}", text("a", "x", **API, secret_manager=name)) for name in names]
    defaults = [ignored(f"default {n}", of("default_secret_manager", **API, secret_manager=n)) for n in names]
    run = site.run(
        [
            *SCOPES,
            vault.task(),
            vault.task(identifier="above", **PAYMENTS),
            own.task(**API),
            *refused,
            *defaults,
            ignored("of a project", text("a", "x", **PAYMENTS, secret_manager="own")),
            ignored("of nobody", text("a", "x", **API, secret_manager="nobody")),
            named("secrets", of("secret_info", **API, kind="text")),
        ]
    )
    for name in names:
        for task in (f"secret at {name}", f"default {name}"):
            result = run.result(task)
            assert result["code"] == "manager_of_other_scope", task
            assert "The secret managers of project 'payments/api' are: builtin, own." in result["hint"]
    for name, has in (("of a project", "builtin, above"), ("of nobody", "builtin, own")):
        assert run.result(name)["code"] == "unknown_connector"
        assert f"Its secret managers are: {has}." in run.result(name)["hint"]
    assert managers_of(run, "secrets") == {"own_token": "builtin"}


def test_managers_are_inherited_where_the_account_allows_it(site: Site, openbao: OpenBao, vault: Connector) -> None:
    default = of("default_secret_manager", **API, secret_manager="account.vault")
    forced = of("connector_hashicorp_vault", identifier="vault", state="absent", force=True)
    run = site.run(
        [
            *SCOPES,
            of("scope", inherited_managers="allowed"),
            vault.task(),
            vault.task(identifier="above", base_path=f"{vault.base}/above", **PAYMENTS),
            text("named", "of named", **API, secret_manager="org.above"),
            named("default", default),
            named("default again", default),
            text("by_default", "of by_default", **API),
            ignored("not by its bare name", text("bare", "x", **API, secret_manager="vault")),
            ignored("in use", of("connector_hashicorp_vault", identifier="vault", state="absent")),
            of("scope", inherited_managers="forbidden"),
            # Those that exist stay, and are read and updated; no new one goes there.
            text("named", "2nd of named", **API),
            ignored("no new one", text("fresh", "x", **API)),
            ignored("nor by name", text("fresh", "x", **API, secret_manager="account.vault")),
            named("elsewhere", text("fresh", "x", **API, secret_manager="builtin")),
            named("secrets", of("secret_info", **API)),
            read("named", "by_default", **API),
            named("forced", forced),
            named("scope", of("scope_info", **API, verify=True)),
            text("after", "of after", **API),
            named("left", of("secret_info", **API)),
        ]
    )
    assert [run.result(name)["changed"] for name in ("default", "default again")] == [True, False]
    assert run.result("default")["connector"]["identifier"] == "account.vault"
    assert run.result("not by its bare name")["code"] == "unknown_connector"
    assert run.result("in use")["details"]["used_by"] == [
        "secret 'by_default'",
        "default secret manager of project 'payments/api'",
    ]
    for name in ("no new one", "nor by name"):
        assert run.result(name)["code"] == "manager_of_other_scope", name
    assert managers_of(run, "secrets") == {"named": "org.above", "by_default": "account.vault", "fresh": "builtin"}
    assert run.result("read")["msg"] == ["2nd of named", "of by_default"]
    assert kept_in_vault(openbao, f"{vault.base}/payments/api/by_default") == "of by_default"
    # The default went by force, so the built-in manager is the default again, in every scope.
    assert run.result("scope")["scopes"][0]["default_secret_manager"] == "builtin"
    assert managers_of(run, "left")["after"] == "builtin"


def test_a_default_that_goes_leaves_the_built_in_manager(site: Site, vault: Connector) -> None:
    """Also where it was the default of a scope below, and keeps nothing."""
    run = site.run(
        [
            *SCOPES,
            of("scope", inherited_managers="allowed"),
            vault.task(use_as_default=True),
            of("default_secret_manager", **API, secret_manager="account.vault"),
            named("not any longer", vault.task(use_as_default=False)),
            named("own", of("scope_info")),
            named("forced", of("connector_hashicorp_vault", identifier="vault", state="absent", force=True)),
            named("all", of("scope_info", recursive=True, verify=True)),
            text("a", "of a", **API),
            read("a", **API),
        ]
    )
    assert run.result("own")["scopes"][0]["default_secret_manager"] == "builtin"
    assert "default secret manager of project 'payments/api'" in run.result("forced")["warnings"][0]
    assert {one["default_secret_manager"] for one in run.result("all")["scopes"]} == {"builtin"}
    assert run.result("read")["msg"] == ["of a"]


def test_a_built_in_manager_that_is_switched_off_opens_what_it_has(site: Site, vault: Connector) -> None:
    off = of("scope", **API, builtin_manager="disabled")
    run = site.run(
        [
            *SCOPES,
            text("old", "1st", **API),
            ignored("too early", off),
            vault.task(**API, use_as_default=True),
            named("off", off),
            ignored("no new one", text("fresh", "x", **API, secret_manager="builtin")),
            ignored("no default", of("default_secret_manager", **API, secret_manager="builtin")),
            ignored("no end of the default", vault.task(**API, use_as_default=False)),
            text("old", "2nd", **API),
            text("fresh", "of fresh", **API),
            named("secrets", of("secret_info", **API)),
            named("managers", of("connector_info", **API)),
            read("old", "old@1", "fresh", **API),
        ]
    )
    assert run.result("too early")["code"] == "no_other_manager"
    assert run.result("off")["scope"]["builtin_manager"] == "disabled"
    for name in ("no new one", "no default"):
        assert run.result(name)["code"] == "builtin_disabled", name
    assert run.result("no end of the default")["code"] == "builtin_disabled"
    assert managers_of(run, "secrets") == {"old": "builtin", "fresh": "vault", "vault_token": "builtin"}
    assert [one["enabled"] for one in run.result("managers")["connectors"]] == [False, True]
    assert run.result("read")["msg"] == ["2nd", "1st", "of fresh"]
