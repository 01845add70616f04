# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values and credentials that go to secret managers and come from them: seen nowhere, whatever a provider answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from canaries import LOUD, Watch, canaries, check_output, spellings
from connector_tasks import Connector, of, place, put_in_vault
from site_of_runs import Run, Site, Task

if TYPE_CHECKING:
    from servers.aws import Aws
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
        (site.folder / "meant").mkdir()
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
        # What succeeds makes one secret, changes it once, and seals one key after the check of the connector.
        google_cloud.calls.add(fault, target="CreateSecret", skip=2)
        google_cloud.calls.add(fault, target="Encrypt", skip=2)
    Watched(site, canary).run(good, bad)
    assert (site.folder / "meant" / "in_google").read_text() == canary["changed"]
    assert (site.folder / "meant" / "in_kms").read_text() == canary["key"]
    assert google_cloud.calls.count("CreateSecret") >= 2 + len(codes)
