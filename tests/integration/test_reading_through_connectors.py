# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates get of secret managers: by name, by reference, by URL, kept for the run or read again."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from connector_tasks import API, SCOPES, Connector, ignored, kept_in_vault, named, of, put_in_vault, read
from site_of_runs import Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.openbao import OpenBao

PAYMENTS = {"org": "payments"}
BYTES = bytes(range(256))
# What is counted or kept for a run here, one process must have.
BROKER = {"SCOPED_SECRETS_BROKER": "on"}


@pytest.mark.inline
def test_references_by_url(site: Site, openbao: OpenBao, moto: Aws, vault: Connector, aws: Connector) -> None:
    theirs = f"{vault.base}/theirs"
    put_in_vault(openbao, theirs, user="first", deep={"a/b": [1, "two"]})
    put_in_vault(openbao, theirs, user="u", deep={"a/b": [1, "two"]})
    client = moto.client("secretsmanager")
    client.create_secret(Name=f"{aws.base}/json", SecretString=json.dumps({"user": "of aws"}))
    client.create_secret(Name=f"{aws.base}/bytes", SecretBinary=BYTES)
    url = f"hashicorpvault://vault/{theirs}"
    run = site.run(
        [
            *SCOPES,
            vault.task(),
            vault.task(identifier="of_org", **PAYMENTS),
            aws.task(**API),
            read(
                f"account.{url}#user",
                f"account.{url}#/deep/a~1b/1",
                f"org.hashicorpvault://of_org/{theirs}#user",
                f"awssecretsmanager://aws/{aws.base}/json#user",
                f"awssecretsmanager://aws/{aws.base}/json",
                **API,
            ),
            read(f"{url}#user", name="of the account"),
            read(url, name="all of it"),
            read(url, key="user", version="1", name="options"),
            read(f"awssecretsmanager://aws/{aws.base}/bytes", encoding="base64", name="bytes", **API),
            read(f"{url}/none", "account.none", on_missing="skip", name="skipped"),
            read(f"{url}/none#field", default="else", name="default"),
            named("filter", {"ansible.builtin.debug": {"msg": "{{ text | scoped.secrets.resolve(**api) }}"}}),
        ],
        variables={"api": API, "text": f'user=<+secrets.getValue("account.{url}#user")>;'},
    )
    assert run.result("read")["msg"] == ["u", "two", "u", "of aws", '{"user": "of aws"}']
    assert run.result("of the account")["msg"] == ["u"]
    # A value that looks like JSON stays text; what a template makes of it is another matter.
    assert _parsed(run.result("all of it")["msg"]) == [{"user": "u", "deep": {"a/b": [1, "two"]}}]
    assert run.result("options")["msg"] == ["first"]
    assert run.result("bytes")["msg"] == [base64.b64encode(BYTES).decode()]
    assert run.result("skipped")["msg"] == []
    assert run.result("default")["msg"] == ["else"]
    assert run.result("filter")["msg"] == "user=u;"


def _parsed(texts: list[Any]) -> list[Any]:
    return [json.loads(text) if isinstance(text, str) else text for text in texts]


def test_a_reference_by_url_says_why_it_leads_nowhere(site: Site, vault: Connector, kms: Connector) -> None:
    put = f"hashicorpvault://vault/{vault.base}"
    cases = {
        "unknown_path": f"{put}/none",
        "unknown_connector": f"hashicorpvault://nobody/{vault.base}",
        "other_connector_kind": f"awssecretsmanager://vault/{vault.base}",
        "name_not_allowed": f"{put}/../up",
        "invalid_reference": "hashicorpvault://vault",
    }
    run = site.run(
        [
            *SCOPES,
            vault.task(),
            kms.task(),
            *(ignored(code, read(reference)) for code, reference in cases.items()),
            ignored("a KMS", read("hashicorpvault://kms/a")),
            ignored("of a project", read(put, **API)),
        ]
    )
    for code in cases:
        assert f"[{code}]" in run.result(code)["msg"]
    assert "[other_connector_kind]" in run.result("a KMS")["msg"]
    assert "[unknown_connector]" in run.result("of a project")["msg"]


def test_credentials_by_url(site: Site, openbao: OpenBao, moto: Aws, vault: Connector, aws: Connector) -> None:
    """One manager has what another needs to log in."""
    put_in_vault(openbao, f"{vault.base}/aws", secret=moto.secret_access_key)
    reference = f"account.hashicorpvault://vault/{vault.base}/aws#secret"
    run = site.run(
        [
            *SCOPES,
            vault.task(),
            named("declared", aws.task(**API, secret_access_key=None, secret_access_key_ref=reference)),
            of("secret_text", **API, identifier="a", value="of a", secret_manager="aws"),
            ignored("no such field", aws.task(**API, secret_access_key=None, secret_access_key_ref=f"{reference}x")),
            named("secrets", of("secret_info", **API)),
        ]
    )
    again = site.run([read("a", **API), named("check", of("connector_check", **API, identifier="aws"))])
    assert run.result("declared")["connector"]["options"]["secret_access_key_ref"] == reference
    assert run.result("no such field")["code"] == "unknown_key"
    assert [one["identifier"] for one in run.result("secrets")["secrets"]] == ["a"]
    assert again.result("read")["msg"] == ["of a"]
    assert again.result("check")["connector"]["status"] == "ready"


def test_a_file_is_what_it_was(site: Site, vault: Connector, aws: Connector, kms: Connector) -> None:
    managers = [one.options["identifier"] for one in (vault, aws, kms)]
    content = base64.b64encode(BYTES).decode()
    run = site.run(
        [
            *(one.task() for one in (vault, aws, kms)),
            *(
                of("secret_file", identifier=f"in_{name}", content_b64=content, secret_manager=name)
                for name in managers
            ),
            read(*(f"in_{name}" for name in managers), encoding="base64"),
            ignored("as text", read("in_vault")),
        ]
    )
    assert run.result("read")["msg"] == [content] * 3
    assert "[not_text]" in run.result("as text")["msg"]


def put_by_others(vault: Connector, url: str, path: str, value: str) -> Task:
    """Return a task by which somebody else writes to the server in the middle of a run."""
    body = {"data": {"value": value}}
    headers = {"X-Vault-Token": vault.options["token"]}
    request = {"url": f"{url}/v1/secret/data/{path}", "method": "POST", "body": body, "headers": headers}
    return {"ansible.builtin.uri": {**request, "body_format": "json"}}


def test_what_is_kept_for_the_run(site: Site, openbao: OpenBao, vault: Connector) -> None:
    """What others change is seen when it is asked for again; what this collection writes, at once."""
    theirs, ours = f"{vault.base}/theirs", f"{vault.base}/ours"
    url = f"hashicorpvault://vault/{theirs}#value"
    put_in_vault(openbao, theirs, value="1st")
    run = site.run(
        [
            vault.task(),
            of("secret_text", identifier="ours", value="1st", secret_manager="vault"),
            of("secret_text", identifier="named", reference=f"{theirs}#value", secret_manager="vault"),
            read(url, "ours", "named", name="at first"),
            put_by_others(vault, openbao.url, theirs, "2nd"),
            put_by_others(vault, openbao.url, ours, "2nd"),
            read(url, "ours", "named", name="kept"),
            read(url, "ours", "named", cache_ttl=3600, name="young enough"),
            read("ours", cache_ttl=0, name="ours again"),
            read(url, cache_ttl=0, name="theirs again"),
            read(url, "ours", "named", name="kept anew"),
            of("secret_text", identifier="ours", value="3rd"),
            read("ours", name="written by us"),
        ],
        environment=BROKER,
    )
    assert run.result("at first")["msg"] == ["1st", "1st", "1st"]
    assert run.result("kept")["msg"] == ["1st", "1st", "1st"]
    assert run.result("young enough")["msg"] == ["1st", "1st", "1st"]
    assert run.result("ours again")["msg"] == ["2nd"]
    assert run.result("theirs again")["msg"] == ["2nd"]
    assert run.result("kept anew")["msg"] == ["2nd", "2nd", "2nd"]
    assert run.result("written by us")["msg"] == ["3rd"]
    assert kept_in_vault(openbao, ours) == "3rd"


def test_what_others_changed_is_declared_anew(site: Site, openbao: OpenBao, vault: Connector) -> None:
    """A declared value is compared with the one at the provider, not with what was written last."""
    text = of("secret_text", identifier="a", value="ours", secret_manager="vault")
    site.declare(vault.task(), text)
    put_in_vault(openbao, f"{vault.base}/a", value="of others")
    run = site.run([named("foreseen", text, check_mode=True), named("again", text), named("and again", text)])
    assert [run.result(name)["changed"] for name in ("foreseen", "again", "and again")] == [True, True, False]
    assert kept_in_vault(openbao, f"{vault.base}/a") == "ours"
    openbao.request("DELETE", f"secret/metadata/{vault.base}/a")
    run = site.run([ignored("gone", read("a")), named("declared", text), read("a")])
    assert "[unknown_path]" in run.result("gone")["msg"]
    assert run.result("declared")["changed"]
    assert run.result("read")["msg"] == ["ours"]


@pytest.mark.inline
def test_versions_of_a_manager(site: Site, vault: Connector, aws: Connector, kms: Connector) -> None:
    names = [one.options["identifier"] for one in (vault, aws, kms)]
    run = site.run(
        [
            *(one.task() for one in (vault, aws, kms)),
            *(
                of("secret_text", identifier=f"in_{name}", value=value, secret_manager=name)
                for name in names
                for value in ("1st", "2nd", "3rd")
            ),
            *(read(f"in_{name}@1", f"in_{name}@2", f"in_{name}", name=f"of {name}") for name in ("vault", "kms")),
            # AWS keeps the current version and the one before; older ones without a label go when it likes.
            read("in_aws@2", "in_aws", name="of aws"),
            ignored("none", read("in_vault@4")),
        ]
    )
    assert [run.result(f"of {name}")["msg"] for name in ("vault", "kms")] == [["1st", "2nd", "3rd"]] * 2
    assert run.result("of aws")["msg"] == ["2nd", "3rd"]
    assert "[unknown_version]" in run.result("none")["msg"]
