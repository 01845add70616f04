# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values and credentials that go to secret managers and come from them: seen nowhere, whatever a provider answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from canaries import LOUD, Watch, canaries, check_output, spellings
from connector_tasks import Connector, azure_at, ccp_at, conjur_at, of, place, plugin_at, program_at, put_in_vault
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
    from servers.azure_key_vault import Azure
    from servers.cyberark_ccp import Ccp
    from servers.cyberark_conjur import Conjur
    from servers.faults import FaultProxy
    from servers.google_cloud import GoogleCloud
    from servers.openbao import OpenBao


def meant(reference: str, name: str) -> Task:
    """Return a task that writes a value where it may be."""
    content = f"{{{{ lookup('scoped.secrets.secret', '{reference}') }}}}"
    copy = {"content": content, "dest": f"meant/{name}", "mode": "0600"}
    return {"ansible.builtin.copy": copy, "diff": False}


def debugged(reference: str) -> Task:
    return {"ansible.builtin.debug": {"msg": f"{{{{ lookup('scoped.secrets.secret', '{reference}') }}}}"}}


class Watched:
    """Runs playbooks at the highest verbosity and looks for canaries afterwards; tasks find them in `canary`."""

    def __init__(self, site: Site, canary: dict[str, Any]) -> None:
        self._site = site
        self._wanted = spellings(canary)
        (site.folder / "meant").mkdir(exist_ok=True)
        (site.folder / "meant" / "vars.json").write_text(json.dumps({"canary": canary}))

    def run(self, good: list[Task], bad: list[Task]) -> Run:
        """Run tasks that succeed, and tasks that must all fail."""
        failing = [{**task, "name": f"bad {number}", "ignore_errors": True} for number, task in enumerate(bad)]
        folder = self._site.folder
        environment = {
            **LOUD,
            "ANSIBLE_DEBUG": "1",
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "JUNIT_OUTPUT_DIR": str(folder / "junit"),
            "ANSIBLE_CALLBACK_TREE_DIR": str(folder / "tree"),
        }
        with Watch(self._wanted) as watch:
            run = self._site.run(
                [*good, *failing], "-vvvvv", "--diff", environment=environment, vars_files=["meant/vars.json"]
            )
        check_output(self._site, run, self._wanted)
        assert not watch.seen
        assert watch.looks > 10
        assert [one["task"] for one in run.tasks if one["status"] == "failed"] == [one["name"] for one in failing]
        return run


def test_nothing_shows_of_what_vault_gets_and_gives(
    site: Site, openbao: OpenBao, vault: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    from servers.faults import Fault

    proxy, echo = fault_proxy(openbao.url), fault_proxy(openbao.url)
    canary = {**canaries(), "token": f"to-{secrets.token_hex(12)}", "secret_id": f"si-{secrets.token_hex(12)}"}
    policy = openbao.write_policy(vault.base, {"secret/*": ["create", "read", "update", "delete", "list"]})
    openbao.request("POST", "auth/token/create-orphan", {"id": canary["token"], "policies": ["default", policy]})
    role, mount = place(), place()
    role_id = openbao.add_approle(role, policy, mount=mount).role_id
    openbao.request("POST", f"auth/{mount}/role/{role}/custom-secret-id", {"secret_id": canary["secret_id"]})
    put_in_vault(openbao, f"{vault.base}/theirs", value=canary["password"])
    for value in (canary["text"], canary["changed"], canary["password"], canary["token"], canary["secret_id"]):
        echo.add(Fault.echo(value), method="POST", path="/v1/secret/", times=2)
        echo.add(Fault.echo(value, 500), method="GET", path="/v1/secret/data", times=1)
    refusing = fault_proxy(openbao.url)
    refusing.add(Fault.echo(canary["token"], 403), times=None)
    inline = vault.at(url=proxy.url, token="{{ canary.token }}")
    approle = {"token": None, "mount": mount, "role_id": role_id}
    text = {"identifier": "text", "secret_manager": "vault"}
    good = [
        inline.task(),
        of("secret_text", **text, value="{{ canary.text }}"),
        of("secret_text", **text, value="{{ canary.changed }}"),
        of("secret_file", identifier="key", content="{{ canary.key }}", secret_manager="vault"),
        vault.task(**approle, identifier="second", secret_id="{{ canary.secret_id }}"),
        vault.task(**approle, identifier="third", secret_id_ref="second_secret_id"),
        of("connector_check", identifier="second"),
        of("connector_info"),
        of("secret_info"),
        meant("text", "text"),
        meant(f"hashicorpvault://third/{vault.base}/theirs#value", "password"),
        inline.task(identifier="echo", url=echo.url, check=False, retries=0),
        inline.task(identifier="refusing", url=refusing.url, check=False, retries=0),
        of("connector_check", identifier="refusing"),
    ]
    bad = [
        *(
            of("secret_text", identifier="a", value=f"{{{{ canary.{name} }}}}", secret_manager="echo")
            for name in ("text", "changed", "password", "text", "changed")
        ),
        *(debugged(f"hashicorpvault://echo/{vault.base}/theirs") for _number in range(5)),
        debugged(f"hashicorpvault://refusing/{vault.base}/theirs"),
        inline.task(identifier="refusing", url=refusing.url, retries=0, tags={"now": "checked"}),
        inline.task(token="{{ canary.password }}"),
        vault.task(**approle, identifier="second", secret_id="{{ canary.text }}"),
        debugged("key#field"),
    ]
    Watched(site, canary).run(good, bad)
    assert (site.folder / "meant" / "text").read_text() == canary["changed"]
    assert (site.folder / "meant" / "password").read_text() == canary["password"]
    assert {one.status for one in echo.seen} >= {400, 500}


def test_nothing_shows_of_what_aws_gets_and_gives(
    site: Site, moto: Aws, aws: Connector, kms: Connector, fault_proxy: Callable[..., FaultProxy]
) -> None:
    from servers.faults import Fault

    echo = fault_proxy(moto.url)
    canary = {**canaries(), "access": f"sk-{secrets.token_hex(12)}", "session": f"st-{secrets.token_hex(12)}"}
    keys = {"secret_access_key": "{{ canary.access }}", "session_token": "{{ canary.session }}"}
    kinds = ("ValidationException", "AccessDeniedException", "InvalidRequestException", "SomethingElse")
    for number, value in enumerate((canary["text"], canary["key"], canary["access"], canary["session"])):
        body = {"__type": kinds[number], "message": f"cannot use {value}", "Message": f"cannot use {value}"}
        headers = {"X-Echo": value.splitlines()[0], "x-amzn-ErrorType": kinds[number]}
        for target in ("CreateSecret", "GetSecretValue", "Encrypt", "GenerateDataKey"):
            echo.add(Fault.answer(400, body, headers), target=target)
    echoing = {"endpoint_url": echo.url, "check": False, "retries": 0}
    good = [
        aws.task(**keys),
        kms.task(**keys, data_key_reuse="run"),
        of("secret_text", identifier="in_aws", value="{{ canary.text }}", secret_manager="aws"),
        of("secret_text", identifier="in_aws", value="{{ canary.changed }}"),
        of("secret_file", identifier="in_kms", content="{{ canary.key }}", secret_manager="kms"),
        meant("in_aws", "in_aws"),
        meant("in_kms", "in_kms"),
        aws.task(identifier="aws_echo", **keys, **echoing),
        kms.task(identifier="kms_echo", **keys, **echoing),
    ]
    bad = [
        *(
            of("secret_text", identifier="a", value="{{ canary.text }}", secret_manager=manager)
            for manager in ("aws_echo", "kms_echo")
            for _number in range(4)
        ),
        *(debugged(f"awssecretsmanager://aws_echo/{aws.base}/in_aws") for _number in range(4)),
        debugged("in_aws#field"),
    ]
    Watched(site, canary).run(good, bad)
    assert (site.folder / "meant" / "in_aws").read_text() == canary["changed"]
    assert (site.folder / "meant" / "in_kms").read_text() == canary["key"]
    assert {one.status for one in echo.seen} == {400}


def test_nothing_shows_of_what_google_gets_and_gives(
    site: Site, google_cloud: GoogleCloud, google: Connector, google_kms: Connector
) -> None:
    import grpc
    from servers.google_cloud import GrpcFault

    key = google_cloud.tokens.service_account(place(), "*")
    private = json.loads(key)["private_key"]
    canary = {**canaries(), "google": key, "private": private}
    login = {"credentials_json": "{{ canary.google }}"}
    good = [
        google.task(**login),
        google_kms.task(**login),
        of("secret_text", identifier="in_google", value="{{ canary.text }}", secret_manager="google"),
        of("secret_text", identifier="in_google", value="{{ canary.changed }}"),
        of("secret_file", identifier="in_kms", content="{{ canary.key }}", secret_manager="google_kms"),
        meant("in_google", "in_google"),
        meant("in_kms", "in_kms"),
    ]
    codes = ("INVALID_ARGUMENT", "PERMISSION_DENIED", "FAILED_PRECONDITION", "INTERNAL")
    bad = [
        *(
            of("secret_text", identifier="a", value="{{ canary.text }}", secret_manager=manager)
            for manager in ("google", "google_kms")
            for _code in codes
        ),
        debugged("in_google#field"),
    ]
    for code in codes:
        text = f"cannot use {canary['text']} nor {canary['key']}"
        fault = GrpcFault(getattr(grpc.StatusCode, code), text, reason=canary["short"])
        # What succeeds makes one secret, changes it once, and seals one key, each after the check of the connector.
        google_cloud.calls.add(fault, target="CreateSecret", skip=3)
        google_cloud.calls.add(fault, target="Encrypt", skip=2)
    Watched(site, canary).run(good, bad)
    assert (site.folder / "meant" / "in_google").read_text() == canary["changed"]
    assert (site.folder / "meant" / "in_kms").read_text() == canary["key"]
    assert google_cloud.calls.count("CreateSecret") >= 3 + len(codes)


@pytest.mark.inline
def test_nothing_shows_of_what_cyberark_gets_and_gives(
    site: Site, conjur: Conjur, ccp: Ccp, fault_proxy: Callable[..., FaultProxy]
) -> None:
    from servers.faults import Fault

    keeper, reader = conjur_at(conjur, "text", "key", "theirs", "b"), ccp_at(ccp)
    canary = {**canaries(), "api_key": f"ak-{secrets.token_hex(12)}", "own_key": reader.options["client_key"]}
    canary["short"] = f"APPAP{secrets.token_hex(4)}"
    conjur.roles[keeper.options["login"]].api_key = canary["api_key"]
    conjur.variables[f"{keeper.base}/theirs"].add(canary["password"].encode())
    ccp.add_account(reader.base, "db", canary["password"], UserName=canary["fields"]["user"])
    files = {"ca": conjur.ca, "certificate": conjur.certificate}
    echoes = [fault_proxy(conjur.url, **files), fault_proxy(ccp.url, **{**files, "ca": ccp.ca})]
    echoes[0].add(Fault.echo(canary["api_key"], 401), path="/authenticate$")
    for name, status in (("text", 400), ("changed", 403), ("key", 422), ("password", 500)):
        echoes[0].add(Fault.echo(canary[name], status), path="^/secrets")
        body = {"ErrorCode": canary["short"], "ErrorMsg": f"cannot use {canary[name]}"}
        echoes[1].add(Fault.answer(status, body, {"X-Echo": canary["short"]}))
    for echo in echoes:
        echo.add(Fault.echo(canary["password"], 404), path="^/(secrets|AIM)", times=None)
    at_echo = {"check": False, "ca_cert": str(conjur.ca)}
    conjur_login, ccp_login = {"api_key": "{{ canary.api_key }}"}, {"client_key": "{{ canary.own_key }}"}
    no_certificate = {"client_cert": None, "client_key": None}
    good = [
        keeper.task(**conjur_login),
        reader.task(**ccp_login),
        of("secret_text", identifier="text", value="{{ canary.text }}", secret_manager="conjur"),
        of("secret_text", identifier="text", value="{{ canary.changed }}"),
        of("secret_file", identifier="key", content="{{ canary.key }}", secret_manager="conjur"),
        of("secret_text", identifier="user", reference="Object=db#UserName", secret_manager="ccp"),
        of("connector_info"),
        of("secret_info"),
        meant("text", "text"),
        meant(f"conjur://conjur/{keeper.base}/theirs", "theirs"),
        meant("cyberark://ccp/Object=db", "db"),
        meant("user", "user"),
        keeper.task(**conjur_login, identifier="conjur_echo", url=echoes[0].url, **at_echo),
        reader.task(**no_certificate, identifier="ccp_echo", url=echoes[1].url, **at_echo),
    ]
    bad = [
        of("secret_text", identifier="a", value="{{ canary.text }}", secret_manager="conjur"),
        *(
            of("secret_text", identifier="b", value=f"{{{{ canary.{name} }}}}", secret_manager="conjur_echo")
            for name in ("api_key", "text", "changed")
        ),
        *(debugged(f"conjur://conjur_echo/{keeper.base}/theirs") for _number in range(4)),
        *(debugged("cyberark://ccp_echo/Object=db") for _number in range(5)),
        keeper.task(api_key="{{ canary.password }}"),
        reader.task(client_key="{{ canary.key }}"),
        of("secret_text", identifier="user", value="{{ canary.text }}"),
        debugged("text#field"),
    ]
    Watched(site, canary).run(good, bad)
    meant_for = {name: (site.folder / "meant" / name).read_text() for name in ("text", "theirs", "db", "user")}
    expected = {"text": canary["changed"], "theirs": canary["password"], "db": canary["password"]}
    assert meant_for == {**expected, "user": canary["fields"]["user"]}
    assert [len(echo.seen) > 4 for echo in echoes] == [True, True]


@pytest.mark.inline
def test_nothing_shows_of_what_azure_a_program_and_a_plugin_get_and_give(
    site: Site, azure: Azure, fault_proxy: Callable[..., FaultProxy]
) -> None:
    from servers.faults import Fault

    program = program_at(site.folder / "meant" / "kept")
    canary = {**canaries(), "client_secret": f"cs-{secrets.token_hex(12)}", "credential": program.options["credential"]}
    plugin = plugin_at(site.folder / "meant" / "values.ini", field=canary["text"])
    vault = azure_at(azure).at(client_id=azure.add(client_secret=canary["client_secret"]).client_id)
    login = {"client_secret": "{{ canary.client_secret }}"}
    echo = fault_proxy(vault.base, ca=azure.ca, certificate=azure.certificate)
    for name, status in (("text", 400), ("changed", 403), ("password", 404), ("key", 409)):
        content = {"error": {"code": canary["short"], "message": f"cannot use {canary[name]}"}}
        echo.add(Fault.answer(status, content, {"X-Echo": canary["short"]}), path="^/secrets", times=2)
    kept = {"azure": "text", "program": "password"}
    good = [
        vault.task(**login),
        program.task(credential="{{ canary.credential }}"),
        plugin.task(),
        *(of("secret_text", identifier=f"in_{one}", value="x", secret_manager=one) for one in kept),
        *(of("secret_text", identifier=f"in_{one}", value=f"{{{{ canary.{name} }}}}") for one, name in kept.items()),
        of("secret_file", identifier="key", content="{{ canary.key }}", secret_manager="azure"),
        of("secret_info"),
        *(meant(f"in_{one}", one) for one in kept),
        meant("lookup://plugin/field", "plugin"),
        vault.task(**login, identifier="azure_echo", vault_url=echo.url, check=False),
    ]
    bad = [
        *(
            of("secret_text", identifier="a", value="{{ canary.text }}", secret_manager="azure_echo")
            for _number in range(4)
        ),
        *(debugged("azurevault://azure_echo/a") for _number in range(4)),
        vault.task(client_secret="{{ canary.password }}"),
        program.task(credential="{{ canary.password }}"),
        plugin.task(options={"file": "/nowhere"}, credential="{{ canary.text }}", credential_option="file"),
        debugged("custom://program/none"),
        debugged("lookup://plugin/none"),
        debugged("in_azure#field"),
    ]
    Watched(site, canary).run(good, bad)
    given = {name: (site.folder / "meant" / name).read_text() for name in (*kept, "plugin")}
    assert given == {**{one: canary[name] for one, name in kept.items()}, "plugin": canary["text"]}
    assert len(echo.seen) >= 8
