# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done at secret managers: credentials, marks, proofs, sealing, and no store held meanwhile."""

from __future__ import annotations

import threading
import uuid

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.envelope import read_header
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.access import Access
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import OURS, Cloud, waiting_for
from ansible_collections.scoped.secrets.tests.unit.engine.stores import add_connector, declare, error_of, in_time, read

SCOPE = "a-scope"


@pytest.fixture
def access(engine: Engine) -> Access:
    declare(engine, "scope", org="pay")
    declare(engine, "secret_text", identifier="t", value=b"good")
    return engine.access()


@pytest.fixture
def connector(settings: Settings, access: Access) -> ScopedConnector:
    return ScopedConnector(add_connector(settings, "vault", auth_method="token", token_ref="t"), ACCOUNT)


def test_credentials_come_by_reference(
    settings: Settings, cloud: Cloud, access: Access, connector: ScopedConnector
) -> None:
    connector = add_connector(
        settings, "v", ScopePath("pay"), auth_method="token", token_ref="account.t", ca_cert_ref="ca"
    )
    declare(Engine(settings), "secret_text", org="pay", identifier="ca", value=b"pem")
    manager = access.call(ScopedConnector(connector, ScopePath("pay")), lambda manager: manager)
    assert (manager.options["token"], manager.options["ca_cert"]) == ("good", "pem")


def test_a_credential_that_is_missing_or_no_text_is_told(settings: Settings, cloud: Cloud, access: Access) -> None:
    declare(Engine(settings), "secret_file", identifier="bytes", value=b"\xffcanary")
    for reference, code in (("none", "unknown_secret"), ("bytes", "credential_not_text"), ("t#x", "value_not_json")):
        connector = add_connector(settings, f"c_{code}", auth_method="token", token_ref=reference)
        error = error_of(lambda connector=connector: access.call(ScopedConnector(connector, ACCOUNT), lambda m: m))
        assert (error.code, "canary" in str(error)) == (code, False)
    assert (
        "'token' of connector 'c_credential_not_text'"
        in error_of(lambda: read(Engine(settings), "memory://c_credential_not_text/p")).message
    )
    assert cloud.counts["login"] == 0


def test_the_mark_of_a_connector_names_its_store_itself_and_the_scope(
    settings: Settings, access: Access, connector: ScopedConnector
) -> None:
    other = ScopedConnector(add_connector(settings, "other"), ACCOUNT)
    store_id, *rest = access.owner(connector, SCOPE).split("/")
    assert (uuid.UUID(store_id).version, rest) == (4, [connector.row.id, SCOPE])
    assert access.owner(other, SCOPE) == f"{store_id}/{other.row.id}/{SCOPE}"


def test_what_is_written_bears_the_mark(cloud: Cloud, access: Access, connector: ScopedConnector) -> None:
    assert access.write(connector, "p", b"value", Writing(access.owner(connector, SCOPE))) == "1"
    (kept,) = cloud.values["main", "p"]
    assert (kept.content, kept.owner) == (OURS + b"value", access.owner(connector, SCOPE))
    assert access.kept_value(connector, "p") == b"value"
    assert access.kept_value(connector, "none") is None


@pytest.mark.parametrize("verb", ["write", "remove"])
def test_what_was_fetched_of_a_path_is_forgotten_even_if_the_call_fails(
    cloud: Cloud, engine: Engine, access: Access, connector: ScopedConnector, verb: str
) -> None:
    def call(path: str) -> object:
        if verb == "remove":
            return access.remove(connector, path, SCOPE)
        return access.write(connector, path, b"new", writing)

    writing = Writing(access.owner(connector, SCOPE))

    for path in ("p", "q"):
        access.write(connector, path, b"old", writing)
        assert read(engine, f"memory://vault/{path}") == OURS + b"old"

    def fail(_path: str) -> None:
        raise failures.timed_out("it", 1)

    cloud.before[verb] = fail
    assert error_of(lambda: call("p")).code == "provider_timeout"
    reads = cloud.counts["read"]
    for path in ("p", "q"):
        read(engine, f"memory://vault/{path}")
    assert cloud.counts["read"] == reads + 1


def test_a_proof_is_a_login_of_its_own_that_is_given_back(
    cloud: Cloud, access: Access, connector: ScopedConnector
) -> None:
    access.call(connector, lambda manager: manager)
    assert access.prove(connector, {}, AccessProof()) == {"found_by_login": 2}
    assert (cloud.counts["login"], cloud.counts["check"], cloud.counts["close"]) == (2, 1, 1)
    access.call(connector, lambda manager: manager)
    assert cloud.counts["login"] == 2


def test_a_proof_takes_what_is_given_before_what_is_stored(
    cloud: Cloud, access: Access, connector: ScopedConnector
) -> None:
    assert error_of(lambda: access.prove(connector, {"token": "bad"}, AccessProof())).code == "login_refused"
    cloud.credentials = {"fresh"}
    assert access.prove(connector, {"token": "fresh"}, AccessProof())
    assert error_of(lambda: access.prove(connector, {}, AccessProof())).code == "login_refused"


def test_a_proof_that_fails_gives_its_login_back(cloud: Cloud, access: Access, connector: ScopedConnector) -> None:
    def deny(_path: str) -> None:
        raise failures.denied("it", "check")

    cloud.before["check"] = deny
    assert error_of(lambda: access.prove(connector, {}, AccessProof())).code == "provider_denied"
    assert cloud.counts["close"] == 1


def test_what_is_sealed_is_opened_by_the_same_connector_for_the_same_place_only(
    settings: Settings, cloud: Cloud, access: Access
) -> None:
    kms, twin = (ScopedConnector(add_connector(settings, name, kind="memory_kms"), ACCOUNT) for name in ("kms", "twin"))
    scope = access.in_store(lambda session: session.chain(ACCOUNT)[-1])
    context = access.context(scope, "secret-id", "text", 1)
    envelope = access.seal(kms, b"canary", context)
    assert (read_header(envelope).connector_id, b"canary" in envelope) == (uuid.UUID(kms.row.id), False)
    assert access.unseal(kms, envelope, context) == b"canary"
    wrong: list[tuple[ScopedConnector, Context]] = [
        (twin, context),
        (kms, access.context(scope, "secret-id", "text", 2)),
        (kms, access.context(scope, "other-id", "text", 1)),
    ]
    for one, place in wrong:
        error = error_of(lambda one=one, place=place: access.unseal(one, envelope, place))
        assert error.category == "damaged"
    assert cloud.counts["wrap"] == 1


def test_a_field_is_proven_to_be_there(cloud: Cloud, access: Access, connector: ScopedConnector) -> None:
    cloud.put("p", b'{"a": "x"}')
    cloud.put("plain", b"text")
    for path, key in (("p", ""), ("p", "a"), ("p", "/a"), ("plain", "")):
        access.check_field(connector, path, key, "It")
    codes = [
        error_of(lambda path=path, key=key: access.check_field(connector, path, key, "It")).code
        for path, key in (("p", "b"), ("plain", "a"), ("none", ""))
    ]
    assert codes == ["unknown_key", "value_not_json", "unknown_path"]


def test_nobody_waits_for_the_store_while_a_provider_is_slow(
    settings: Settings, cloud: Cloud, engine: Engine, connector: ScopedConnector
) -> None:
    """Neither in this engine nor in another process: no transaction is open while a provider is asked."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(_path: str) -> None:
        asked.set()
        waiting_for(go_on.is_set)

    for verb in ("login", "read", "write", "check"):
        cloud.before[verb] = slow
    cloud.put("p", b"v")
    calls = [
        lambda: read(engine, "memory://vault/p"),
        lambda: declare(engine, "secret_text", identifier="a", value=b"v", secret_manager="vault"),
        lambda: declare(engine, "connector_memory_vault", identifier="vault", timeout=9),
    ]
    for number, call in enumerate(calls):
        asked.clear(), go_on.clear()
        thread = threading.Thread(target=call)
        thread.start()
        assert asked.wait(30)
        for other in (engine, Engine(settings)):
            value = b"%d" % number
            in_time(lambda other=other, value=value: declare(other, "secret_text", identifier="free", value=value))
            assert in_time(lambda other=other: read(other, "free")) == value
        go_on.set()
        thread.join()


def test_a_login_that_expires_amid_many_reads_is_renewed(settings: Settings, cloud: Cloud, access: Access) -> None:
    connector = ScopedConnector(add_connector(settings, "batch", kind="memory_batch"), ACCOUNT)
    cloud.put("p", b"one")
    cloud.put("q", b"two")

    def expire(path: str) -> None:
        if path == "q":
            cloud.before.clear()
            raise failures.login_expired("it")

    cloud.before["read_of_many"] = expire
    found = access.read_many(connector, ["p", "q", "p"])
    assert {path: one.content for path, one in found.items()} == {"p": b"one", "q": b"two"}  # type: ignore[union-attr]
    assert (cloud.counts["login"], cloud.counts["read_many"]) == (2, 2)
