# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check proves reading and writing, names the right that is missing, and leaves nothing at the provider."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import azure_connectors
import grpc
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.aws import secrets_manager as aws_module
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ValueKeeper, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import PROBE, AccessProof, Aim, probe_name
from ansible_collections.scoped.secrets.plugins.module_utils.managers.probe import VALUE
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from aws_connectors import secrets_manager
from azure_connectors import key_vault, refusal
from checking import check
from cyberark_connectors import conjur_keeper
from google_connectors import secret_manager
from servers.aws import Aws, Ministack
from servers.azure_key_vault import ALL, Azure
from servers.cyberark_conjur import Conjur
from servers.faults import Fault, FaultProxy
from servers.google_cloud import GoogleCloud, GrpcFault

OTHERS = "somebody-else"


class Place(ABC):
    """A manager where a check writes, with a prefix or vault of its own."""

    RIGHT = "write"
    """What a check must be asked for to write."""
    RIGHTS: tuple[str, ...]
    """What a connector that reads and writes needs."""
    NAMES: ClassVar[Mapping[str, str]] = {}
    """What an error calls a right, where that is not its name."""
    OPTIONS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Options with which the connector needs a right."""

    def __init__(self, fixture: Callable[[str], Any]) -> None:
        self.fixture = fixture
        self.prefix = f"p{uuid.uuid4().hex[:12]}"

    @abstractmethod
    def keeper(self, *lacks: str, **options: Any) -> ValueKeeper:
        """Return a connector whose login lacks these rights."""

    @abstractmethod
    def remains(self) -> list[str]:
        """Return the names of all that is there, even if it is deleted and can be restored."""

    @abstractmethod
    def break_removal(self, keeper: ValueKeeper, times: int | None = None) -> None:
        """Make the provider refuse to remove what exists."""

    @abstractmethod
    def mend(self) -> None: ...


class AtAws(Place):
    RIGHTS = (
        "secretsmanager:CreateSecret",
        "secretsmanager:DeleteSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:RestoreSecret",
        "secretsmanager:UpdateSecret",
    )
    OPTIONS: ClassVar = {"secretsmanager:PutSecretValue": {"use_put_secret_value": True}}

    def __init__(self, fixture: Callable[[str], Any]) -> None:
        super().__init__(fixture)
        self.server: Ministack = fixture("ministack")
        self.proxy: FaultProxy = fixture("fault_proxy")(self.server.url)

    def keeper(self, *lacks: str, **options: Any) -> ValueKeeper:
        allowed = [*(right for right in self.RIGHTS if right not in lacks), "secretsmanager:TagResource"]
        place = f"arn:aws:secretsmanager:{self.server.region}:{self.server.account}:secret:{self.prefix}/*"
        statement = {"Effect": "Allow", "Action": allowed, "Resource": place}
        user = self.server.add_user(f"u{uuid.uuid4().hex[:12]}", statement)
        return secrets_manager(user, prefix=self.prefix, endpoint_url=self.proxy.url, retries=0, **options)

    def remains(self) -> list[str]:
        pages = self.server.client("secretsmanager").get_paginator("list_secrets")
        found = (one["Name"] for page in pages.paginate(IncludePlannedDeletion=True) for one in page["SecretList"])
        return [name for name in found if name.startswith(self.prefix)]

    def break_removal(self, keeper: ValueKeeper, times: int | None = None) -> None:
        answer = {"__type": "AccessDeniedException", "message": "not now"}
        self.proxy.add(Fault.answer(400, answer), target="DeleteSecret", skip=1, times=times)

    def mend(self) -> None:
        self.proxy.clear()


class AtGoogle(Place):
    RIGHTS = (
        "secretmanager.secrets.create",
        "secretmanager.secrets.delete",
        "secretmanager.secrets.get",
        "secretmanager.secrets.update",
        "secretmanager.versions.access",
        "secretmanager.versions.add",
    )

    def __init__(self, fixture: Callable[[str], Any]) -> None:
        super().__init__(fixture)
        self.server: GoogleCloud = fixture("google_cloud")

    def keeper(self, *lacks: str, **options: Any) -> ValueKeeper:
        project = f"projects/{self.server.project}"
        places = {"secretmanager.secrets.create": project}
        begin = f"{project}/secrets/{self.prefix}-"
        granted = (f"{right}@{places.get(right, begin)}" for right in self.RIGHTS if right not in lacks)
        login = self.server.tokens.service_account(f"a{uuid.uuid4().hex[:12]}", *granted)
        return secret_manager(self.server, prefix=self.prefix, credentials_json=login, retries=0, **options)

    def remains(self) -> list[str]:
        parent = f"projects/{self.server.project}"
        found = [one.name.rpartition("/")[2] for one in self.server.secrets_client.list_secrets(parent=parent)]
        return [name for name in found if name.startswith(self.prefix)]

    def break_removal(self, keeper: ValueKeeper, times: int | None = None) -> None:
        self.server.calls.add(GrpcFault(grpc.StatusCode.PERMISSION_DENIED), target="DeleteSecret", skip=1, times=times)

    def mend(self) -> None:
        self.server.calls.clear()


class AtAzure(Place):
    RIGHTS = ("delete", "get", "purge", "recover", "set")
    NAMES: ClassVar = {right: f"'{right}'" for right in RIGHTS}
    OPTIONS: ClassVar = {"purge": {"purge": True}}

    def __init__(self, fixture: Callable[[str], Any]) -> None:
        super().__init__(fixture)
        self.server: Azure = fixture("azure")
        self.vault = self.server.open_vault()
        self.proxy = azure_connectors.front(self.server, self.vault.url, fixture("fault_proxy"))

    def keeper(self, *lacks: str, **options: Any) -> ValueKeeper:
        application = self.server.add(client_secret="x", permissions=ALL - {"list", *lacks})
        login = {"tenant_id": self.server.tenant, "client_id": application.client_id, "client_secret": "x"}
        return key_vault(self.server, self.proxy.url, **login, **{"retries": 0, **options})

    def remains(self) -> list[str]:
        return [*self.vault.live, *self.vault.deleted]

    def break_removal(self, keeper: ValueKeeper, times: int | None = None) -> None:
        answer = Fault.answer(403, {"error": {"code": "Forbidden", "message": "protected"}})
        self.proxy.add(answer, method="DELETE", path="^/deletedsecrets", skip=1, times=times)

    def mend(self) -> None:
        self.proxy.clear()


PLACES: tuple[type[Place], ...] = (AtAws, AtGoogle, AtAzure)


@pytest.fixture(params=PLACES, ids=lambda kind: kind.__name__)
def place(request: pytest.FixtureRequest) -> Place:
    kind: type[Place] = request.param
    return kind(request.getfixturevalue)


def left_by_a_killed_check(place: Place, verb: str) -> None:
    """Run a check that ends in the middle of a verb, as a kill ends it."""

    def die(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    keeper = place.keeper()
    setattr(keeper, verb, die)
    with pytest.raises(KeyboardInterrupt):
        check(keeper, place.RIGHT)


CASES = [(kind, right) for kind in PLACES for right in kind.RIGHTS]


@pytest.mark.parametrize(("kind", "right"), CASES, ids=[f"{kind.__name__}-{right}" for kind, right in CASES])
def test_a_right_that_is_missing_is_named(request: pytest.FixtureRequest, kind: type[Place], right: str) -> None:
    place = kind(request.getfixturevalue)
    error = refusal(check, place.keeper(right, **place.OPTIONS.get(right, {})), place.RIGHT)
    assert (error.code, place.NAMES.get(right, right) in error.hint) == ("provider_denied", True)
    assert place.remains() == []


def test_both_rights_are_proved_and_nothing_is_left(place: Place) -> None:
    for _twice in range(2):
        keeper = place.keeper()
        proof = check(keeper, place.RIGHT)
        assert (proof.has_writing, proof.read.startswith("not proved")) == (True, False)
        assert probe_name(keeper.connector.what) in proof.write
        assert place.remains() == []


def test_a_reader_proves_reading_only(place: Place) -> None:
    writing = {right for right in place.RIGHTS if "get" not in right.lower() and "access" not in right}
    proof = check(place.keeper(*writing), "read")
    assert (proof.has_writing, proof.write) == (False, "not proved: only reading was to be proved")
    error = refusal(check, place.keeper(*writing))
    assert (error.code, error.hint.endswith("If the connector only reads, set 'check: read'.")) == (
        "provider_denied",
        True,
    )


def test_check_mode_writes_nothing(place: Place) -> None:
    keeper = place.keeper()
    keeper.write = keeper.remove = None  # type: ignore[method-assign, assignment]
    for right in ("", "write"):
        assert check(keeper, right, may_write=False).write == "not proved: check mode writes nothing"


@pytest.mark.parametrize("verb", ["relabel", "read"])
def test_what_a_killed_check_left_is_removed_by_the_next(place: Place, verb: str) -> None:
    left_by_a_killed_check(place, verb)
    assert [PROBE in name for name in place.remains()] == [True]
    assert check(place.keeper(), place.RIGHT).has_writing
    assert place.remains() == []


def test_what_can_not_be_removed_is_told_and_removed_by_the_next(place: Place) -> None:
    keeper = place.keeper()
    place.break_removal(keeper)
    error = refusal(check, keeper, place.RIGHT)
    (name,) = place.remains()
    assert (error.code, f"'{name}'" in error.message, name in error.hint) == ("probe_left", True, True)
    assert "delete" in error.hint
    place.mend()
    assert check(place.keeper(), place.RIGHT).has_writing
    assert place.remains() == []


@pytest.mark.parametrize("verb", ["relabel", "read"])
def test_a_failure_in_between_leaves_nothing(place: Place, verb: str) -> None:
    def fail(*_arguments: object) -> None:
        raise failure

    keeper = place.keeper()
    failure = ScopedSecretsError("provider_denied", "It may not.", hint="Let it.")
    setattr(keeper, verb, fail)
    assert refusal(check, keeper, place.RIGHT).code == "provider_denied"
    assert place.remains() == []


def test_a_failure_in_between_and_one_of_the_removal_are_both_told(place: Place) -> None:
    def fail(*_arguments: object) -> None:
        raise ScopedSecretsError("provider_denied", "It may not.", hint="Let it.")

    keeper = place.keeper()
    keeper.relabel = fail  # type: ignore[method-assign]
    place.break_removal(keeper)
    error = refusal(check, keeper, place.RIGHT)
    (name,) = place.remains()
    assert error.code == "provider_denied"
    assert error.message.startswith(f"It may not. The check may have left '{name}' there")
    assert name in error.hint


def test_a_secret_of_others_in_the_way_is_left_alone(place: Place) -> None:
    others = place.keeper()
    name = probe_name(others.connector.what)
    path = name if isinstance(place, AtAzure) else others.path_of(name)
    others.write(path, b"theirs", Writing(OTHERS))
    assert refusal(check, place.keeper(), place.RIGHT).code == "foreign_secret"
    assert others.read(path).content == b"theirs"


def test_a_run_writes_once_for_a_connector(place: Place) -> None:
    aim = Aim(place.RIGHT)
    proofs = [AccessProof() for _twice in range(2)]
    writes = 0

    def counted(*arguments: Any) -> str:
        nonlocal writes
        writes += 1
        return write(*arguments)

    for proof in proofs:
        keeper = place.keeper()
        write = keeper.write
        keeper.write = counted  # type: ignore[method-assign]
        keeper.check(aim, proof)
    assert (writes, proofs[0].write == proofs[1].write, place.remains()) == (1, True, [])


# Requests.


def test_the_requests_to_aws(request: pytest.FixtureRequest) -> None:
    place = AtAws(request.getfixturevalue)
    keeper = place.keeper()
    place.proxy.clear()
    check(keeper)
    assert [seen.target for seen in place.proxy.seen] == [
        "GetSecretValue",
        "DescribeSecret",
        "DeleteSecret",
        "RestoreSecret",
        *("CreateSecret", "DescribeSecret", "UpdateSecret", "GetSecretValue"),
        *("DescribeSecret", "DeleteSecret"),
    ]


def test_the_requests_to_google(request: pytest.FixtureRequest) -> None:
    place = AtGoogle(request.getfixturevalue)
    check(place.keeper())
    assert [seen.target for seen in place.server.calls.seen] == [
        "token",
        "AccessSecretVersion",
        *("GetSecret", "DeleteSecret"),
        *("CreateSecret", "AddSecretVersion", "GetSecret", "UpdateSecret", "AccessSecretVersion"),
        *("GetSecret", "DeleteSecret"),
    ]


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("", ["GET secrets", "DELETE secrets", "POST deletedsecrets"]),
        (
            "write",
            [
                *("GET secrets", "DELETE secrets", "POST deletedsecrets", "DELETE deletedsecrets"),
                *("GET deletedsecrets", "GET secrets", "PUT secrets", "GET secrets", "GET secrets"),
                *("GET secrets", "DELETE secrets", "GET deletedsecrets", "DELETE deletedsecrets"),
            ],
        ),
    ],
)
def test_the_requests_to_azure(request: pytest.FixtureRequest, right: str, expected: list[str]) -> None:
    place = AtAzure(request.getfixturevalue)
    check(place.keeper(), right)
    seen = [one for one in place.proxy.seen if one.status != 401 and not one.path.endswith("/token")]
    asked = [f"{one.method} {one.path.split('/')[1]}" for one in seen]
    assert [one for one in asked if one.split()[1] in ("secrets", "deletedsecrets")] == expected


# AWS.


def test_a_login_that_may_not_delete_at_once_writes_nothing(request: pytest.FixtureRequest) -> None:
    place = AtAws(request.getfixturevalue)
    denied = Fault.answer(400, {"__type": "AccessDeniedException", "message": "explicit deny"})
    place.proxy.add(denied, target="DeleteSecret")
    proof = check(place.keeper(), "write")
    assert proof.write.startswith("not proved: it may not delete at once (ForceDeleteWithoutRecovery)")
    assert [seen.target for seen in place.proxy.seen if seen.target == "CreateSecret"] == []


@pytest.mark.parametrize("taken", [2, 100])
def test_a_name_that_aws_still_deletes_is_waited_for(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    monkeypatch.setattr(aws_module, "_PAUSES", (0.0,) * 4)
    place = AtAws(request.getfixturevalue)
    text = "You can't create this secret because a secret with this name is already scheduled for deletion."
    marked = Fault.answer(400, {"__type": "InvalidRequestException", "message": text})
    place.proxy.add(marked, target="CreateSecret", times=taken)
    proof = check(place.keeper())
    assert (proof.has_writing, place.proxy.count(target="CreateSecret")) == ((True, 3) if taken == 2 else (False, 4))
    assert ("still deleting" in proof.write, place.remains()) == (taken == 100, [])


def test_a_secret_of_the_check_is_not_replicated(moto: Aws, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(moto.url)
    prefix = f"p{uuid.uuid4().hex[:12]}"
    assert check(secrets_manager(moto, endpoint_url=proxy.url, prefix=prefix, replicas=["eu-west-1"])).has_writing
    assert proxy.count(target="ReplicateSecretToRegions") == proxy.count(target="RemoveRegionsFromReplication") == 0
    for region in (moto.region, "eu-west-1"):
        pages = replace(moto, region=region).client("secretsmanager").get_paginator("list_secrets").paginate()
        assert [one["Name"] for page in pages for one in page["SecretList"] if one["Name"].startswith(prefix)] == []


# Azure.


@pytest.mark.parametrize("right", ["", "write"])
def test_azure_sets_nothing_that_would_stay(request: pytest.FixtureRequest, right: str) -> None:
    place = AtAzure(request.getfixturevalue)
    proof = check(place.keeper("purge"), right)
    assert proof.write.startswith("not proved: delete and recover are allowed")
    assert (place.proxy.count(method="PUT"), place.remains()) == (0, [])


def test_a_vault_that_is_protected_from_purging_gets_no_second_secret(request: pytest.FixtureRequest) -> None:
    place = AtAzure(request.getfixturevalue)
    place.break_removal(place.keeper())
    assert refusal(check, place.keeper(), "write").code == "probe_left"
    place.mend()
    place.break_removal(place.keeper())
    proof = check(place.keeper(), "write")
    assert (proof.has_writing, place.proxy.count(method="PUT")) == (False, 0)
    assert "lets nobody purge it yet" in proof.write


# CyberArk Conjur.


@pytest.mark.parametrize(
    ("privileges", "right", "missing"),
    [
        ({"read", "execute", "update"}, "", ""),
        ({"execute"}, "read", ""),
        ({"read", "update"}, "read", "execute"),
        ({"read", "execute"}, "", "update"),
        ({"read", "execute"}, "write", "update"),
    ],
)
def test_conjur_is_asked_for_privileges(conjur: Conjur, privileges: set[str], right: str, missing: str) -> None:
    branch = f"b{uuid.uuid4().hex[:12]}"
    host = conjur.add_host(f"{branch}/ansible")
    variable = conjur.declare(f"{branch}/a", host, frozenset(privileges))
    keeper = conjur_keeper(conjur, host, branch=branch)
    if missing:
        error = refusal(check, keeper, right)
        assert error.code == "provider_denied"
        assert f"the privilege '{missing}' on variable '{branch}/a'" in error.hint
    else:
        proof = check(keeper, right, may_write=False)
        assert (proof.read, proof.has_writing) == (f"Conjur permits execute on '{branch}/a'", right == "")
    assert variable.values == {}


def test_one_variable_of_a_branch_is_enough_for_each_right(conjur: Conjur) -> None:
    branch = f"b{uuid.uuid4().hex[:12]}"
    host = conjur.add_host(f"{branch}/ansible")
    conjur.declare(f"{branch}/a", host, frozenset({"execute"}))
    conjur.declare(f"{branch}/b", host, frozenset({"update"}))
    proof = check(conjur_keeper(conjur, host, branch=branch))
    assert (proof.read, proof.write) == (
        f"Conjur permits execute on '{branch}/a'",
        f"Conjur permits update on '{branch}/b'",
    )


def test_a_branch_without_variables_proves_nothing(conjur: Conjur) -> None:
    branch = f"b{uuid.uuid4().hex[:12]}"
    conjur.policies.add(branch)
    proof = check(conjur_keeper(conjur, branch=branch))
    assert proof.read == proof.write == f"not proved: its login sees no variable in branch '{branch}' yet"


def test_the_value_that_a_check_writes_is_no_secret() -> None:
    assert b"Not a secret" in VALUE
