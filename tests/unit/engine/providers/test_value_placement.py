# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where managers keep values: paths, references, and envelopes under a provider's keys."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.value_placement import (
    Placement,
    check_referable,
    is_kept_there,
    path_for,
)
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.scoped_connectors import ScopedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Connector, Secret
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.secrets import find_version
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    check,
    content_of,
    declare,
    error_of,
    in_session,
    read,
    replace_version,
    rows_of,
    shown,
)


def connector(kind: str, *, is_removed: bool = False, **options: Any) -> ScopedConnector:
    connector = Connector("id", "s", kind, "c", "n", options={"auth_method": "anonymous", **options})
    return ScopedConnector(connector._replace(is_removed=is_removed), ACCOUNT)


VAULT, READER, KMS = connector("memory_vault"), connector("memory_reader"), connector("memory_kms")
SECRET = Secret("id", "s", "a", "text", "a", connector_id="id", path="app/a")


def keep(engine: Engine, identifier: str, value: bytes = b"v", **params: Any) -> bool:
    return declare(engine, "secret_text", identifier=identifier, value=value, **params).changed


@pytest.mark.parametrize(
    ("at", "path"), [(None, ""), (KMS, ""), (VAULT, "app/a"), (connector("memory_vault", base="b"), "b/a")]
)
def test_a_value_keeper_decides_the_path(at: ScopedConnector | None, path: str) -> None:
    assert path_for(at, ACCOUNT, "a", "text", b"v") == path_for(at, ACCOUNT, "a", "file", None) == path


@pytest.mark.parametrize(
    ("at", "identifier", "value", "code"),
    [
        (READER, "a", b"v", "not_supported"),
        (READER, "a", None, "not_supported"),
        (VAULT, "a$", b"v", "name_not_allowed"),
        (VAULT, "a", b"x" * 1001, "value_too_large_for_manager"),
        (KMS, "a", b"x" * (10 * 1024 * 1024 + 1), "value_too_large_for_manager"),
    ],
)
def test_names_and_values_that_a_manager_refuses(
    at: ScopedConnector, identifier: str, value: bytes | None, code: str
) -> None:
    error = error_of(lambda: path_for(at, ACCOUNT, identifier, "text", value))
    assert (error.code, "x" * 20 in str(error)) == (code, False)


def test_the_largest_value_is_accepted(cloud: Cloud) -> None:
    path_for(VAULT, ACCOUNT, "a", "text", b"x" * 1000)
    path_for(None, ACCOUNT, "a$", "file", b"x" * 5000)
    assert cloud.asked == []


def test_only_managers_with_secrets_of_others_can_be_referred_to() -> None:
    for at in (VAULT, READER):
        check_referable(at)
    for at, words in ((None, "the built-in secret manager"), (KMS, "connector 'c' of the account")):
        error = error_of(lambda at=at: check_referable(at))
        assert (error.code, words in error.message) == ("not_supported", True)


def test_only_values_written_there_are_removed_there() -> None:
    assert is_kept_there(VAULT, SECRET)
    assert not is_kept_there(VAULT, SECRET._replace(is_reference=True))
    assert not is_kept_there(connector("memory_vault", is_removed=True), SECRET)
    assert not is_kept_there(KMS, SECRET)


@pytest.fixture
def plain(settings: Settings, engine: Engine) -> Engine:
    """Connectors `plain`, which can do little, and `vault`."""
    declare(engine, "scope", name="Root")
    add_connector(settings, "plain", kind="memory_plain")
    add_connector(settings, "vault")
    return Engine(settings)


def test_a_file_needs_a_manager_that_keeps_files(settings: Settings, cloud: Cloud, plain: Engine) -> None:
    before = content_of(settings)
    call = {"identifier": "f", "value": b"v", "secret_manager": "plain"}
    error = error_of(lambda: declare(plain, "secret_file", **call))
    assert (error.code, "keep files" in error.message) == ("not_supported", True)
    assert (content_of(settings), cloud.asked) == (before, [])
    assert declare(plain, "secret_file", **{**call, "secret_manager": "vault"}).changed


def test_an_older_version_needs_a_manager_that_keeps_versions(cloud: Cloud, plain: Engine) -> None:
    for value in (b"one", b"two"):
        keep(plain, "a", value, secret_manager="plain")
    assert read(plain, "a") == b"two"
    reads = cloud.counts["read"]
    for name in ("a@1", "a@2"):
        error = error_of(lambda name=name: read(plain, name))
        assert (error.code, "only the newest value" in error.hint) == ("not_supported", True)
    assert (error_of(lambda: read(plain, "a@3")).code, cloud.counts["read"]) == ("unknown_version", reads)


def test_a_value_that_can_not_be_removed_stays_or_is_left_there_by_force(
    settings: Settings, cloud: Cloud, plain: Engine
) -> None:
    keep(plain, "a", secret_manager="plain")
    before, gone = content_of(settings), {"identifier": "a", "state": "absent"}
    for call in (declare, check):
        error = error_of(lambda call=call: call(plain, "secret_text", **gone))
        assert (error.code, "delete secrets" in error.message) == ("not_supported", True)
    assert content_of(settings) == before
    result = declare(plain, "secret_text", **gone, force=True)
    assert [warning.startswith("'app/a' was left at connector 'plain'") for warning in result.warnings] == [True]
    assert (shown(plain, "secret_info"), cloud.paths(), cloud.counts["remove"]) == ([], ["app/a"], 0)


def test_a_value_that_others_took_over_stays_or_is_left_there_by_force(cloud: Cloud, plain: Engine) -> None:
    keep(plain, "a", secret_manager="vault")
    cloud.put("app/a", b"theirs")
    gone = {"identifier": "a", "state": "absent"}
    assert error_of(lambda: declare(plain, "secret_text", **gone)).code == "foreign_secret"
    result = declare(plain, "secret_text", **gone, force=True)
    assert [warning.startswith("'app/a' was left at connector 'vault'") for warning in result.warnings] == [True]
    assert (shown(plain, "secret_info"), cloud.newest("app/a")) == ([], b"theirs")


@pytest.mark.parametrize("force", [False, True])
def test_force_does_not_skip_a_provider_that_does_not_answer(
    settings: Settings, cloud: Cloud, plain: Engine, force: bool
) -> None:
    keep(plain, "a", secret_manager="vault")

    def fail(_path: str) -> None:
        raise failures.timed_out("it", 1)

    cloud.before["remove"] = fail
    before, gone = content_of(settings), {"identifier": "a", "state": "absent", "force": force}
    assert error_of(lambda: declare(plain, "secret_text", **gone)).code == "provider_timeout"
    assert content_of(settings) == before


def test_an_envelope_is_not_shown() -> None:
    assert "canary" not in repr(Placement("p", "1", b"canary"))


# --- values that the store keeps under a provider's keys


@pytest.fixture
def sealed(settings: Settings, engine: Engine) -> Engine:
    """Connectors `kms`, `run` and `ten`, which reuse a data key never, for a run, and for ten values."""
    declare(engine, "scope", org="pay")
    for name, reuse in (("kms", "none"), ("run", "run"), ("ten", "10")):
        add_connector(settings, name, kind="memory_kms", data_key_reuse=reuse)
    return Engine(settings)


@pytest.mark.parametrize(("manager", "wraps"), [("kms", 25), ("run", 1), ("ten", 3)])
def test_data_keys_are_reused_as_often_as_configured(
    settings: Settings, cloud: Cloud, sealed: Engine, manager: str, wraps: int
) -> None:
    for number in range(25):
        keep(sealed, f"s{number}", b"%d" % number, secret_manager=manager)
    assert (cloud.counts["login"], cloud.counts["wrap"], cloud.counts["unwrap"]) == (1, wraps, 0)
    for _round in range(2):
        reader = Engine(settings)
        for _again in range(2):
            answers = reader.resolve([Query(f"s{number}") for number in range(25)])
            assert [answer.value for answer in answers] == [b"%d" % number for number in range(25)]
    assert (cloud.counts["wrap"], cloud.counts["unwrap"]) == (wraps, 2 * wraps)
    assert cloud.most_at_once <= 8


def test_declaring_the_same_value_again_makes_no_request(settings: Settings, cloud: Cloud, sealed: Engine) -> None:
    keep(sealed, "a", secret_manager="kms")
    asked = list(cloud.asked)
    assert not keep(Engine(settings), "a")
    assert cloud.asked == asked


def test_no_value_and_no_data_key_is_in_the_file(settings: Settings, cloud: Cloud, sealed: Engine) -> None:
    for manager in ("kms", "run"):
        keep(sealed, manager, b"canary-value", secret_manager=manager)
    content = "\n".join(content_of(settings)).upper()
    keys = [key for key, _name, _context in cloud.wrapped.values()]
    assert len(keys) == 2
    assert not [one for one in (b"canary-value", *keys) if one.hex().upper() in content]


def envelope_of(session: Session, identifier: str, version: int = 1) -> bytes:
    secret = session.secret(session.chain(ACCOUNT), identifier)
    assert secret
    found = find_version(session.tx, secret.id, version)
    assert found
    return found.envelope


def put_envelope(session: Session, identifier: str, envelope: bytes, version: int = 1) -> None:
    """Replace an envelope, as somebody with the scope's key could."""
    chain = session.chain(ACCOUNT)
    secret = session.secret(chain, identifier)
    assert secret
    found = find_version(session.tx, secret.id, version)
    assert found
    replace_version(session, chain, secret, found._replace(envelope=envelope))


@pytest.mark.parametrize("manager", ["kms", "run"])
@pytest.mark.parametrize(("source", "target"), [(("a", 1), ("b", 1)), (("a", 1), ("a", 2)), (("a", 2), ("a", 1))])
def test_a_moved_envelope_is_found(
    settings: Settings, sealed: Engine, manager: str, source: tuple[str, int], target: tuple[str, int]
) -> None:
    for identifier, value in (("a", b"1"), ("a", b"2"), ("b", b"3")):
        keep(sealed, identifier, value, secret_manager=manager)
    name = f"{target[0]}@{target[1]}"
    with rows_of(settings) as tx:
        tx.run("CREATE TABLE saved AS SELECT * FROM secret_version")
        ids = {row["identifier"]: row["id"] for row in tx.all("SELECT identifier, id FROM secret")}
        tx.run(
            "UPDATE secret_version SET envelope = (SELECT envelope FROM saved WHERE secret_id = :source "
            "AND version = :source_version) WHERE secret_id = :target AND version = :target_version",
            source=ids[source[0]],
            source_version=source[1],
            target=ids[target[0]],
            target_version=target[1],
        )
    assert error_of(lambda: read(Engine(settings), name)).code == "damaged_row"
    in_session(
        settings, lambda session: put_envelope(session, target[0], saved(session, ids[source[0]], source[1]), target[1])
    )
    assert error_of(lambda: read(Engine(settings), name)).code in ("damaged_value", "damaged_data_key")
    in_session(
        settings, lambda session: put_envelope(session, target[0], saved(session, ids[target[0]], target[1]), target[1])
    )
    assert read(Engine(settings), name)


def saved(session: Session, secret_id: str, version: int) -> bytes:
    row = session.tx.one(
        "SELECT envelope FROM saved WHERE secret_id = :id AND version = :version", id=secret_id, version=version
    )
    assert row
    return bytes(row["envelope"])


@pytest.mark.parametrize("manager", ["kms", "run"])
def test_an_envelope_of_another_connector_with_the_same_key_is_found(
    settings: Settings, cloud: Cloud, sealed: Engine, manager: str
) -> None:
    add_connector(settings, "twin", kind="memory_kms", data_key_reuse="run")
    keep(sealed, "a", secret_manager=manager)

    def move(session: Session) -> None:
        chain = session.chain(ACCOUNT)
        twin = next(one for one in session.connectors(chain) if one.identifier == "twin")
        old = session.secret(chain, "a")
        assert old
        session.tx.run("UPDATE secret SET connector_id = :twin WHERE id = :id", twin=twin.id, id=old.id)
        session.replace_secret(chain, old, old._replace(connector_id=twin.id))

    in_session(settings, move)
    assert shown(Engine(settings), "secret_info", identifier="a")[0]["secret_manager"] == "twin"
    unwraps = cloud.counts["unwrap"]
    assert error_of(lambda: read(Engine(settings), "a")).code == "damaged_value"
    assert cloud.counts["unwrap"] == unwraps


@pytest.mark.parametrize("manager", ["kms", "run"])
def test_every_changed_byte_of_an_envelope_is_found(settings: Settings, sealed: Engine, manager: str) -> None:
    keep(sealed, "a", b"value", secret_manager=manager)
    envelope = in_session(settings, lambda session: envelope_of(session, "a"))
    for position in range(0, len(envelope), 7):
        damaged = bytes(byte ^ (1 if index == position else 0) for index, byte in enumerate(envelope))
        in_session(settings, lambda session, damaged=damaged: put_envelope(session, "a", damaged))
        assert error_of(lambda: read(Engine(settings), "a")).code in ("damaged_value", "damaged_data_key"), position


def test_a_branch_key_of_another_store_is_refused(
    tmp_path: Any, settings: Settings, cloud: Cloud, sealed: Engine
) -> None:
    """Even if everything else about the values were the same: the provider's context has the store's id."""
    keep(sealed, "a", secret_manager="run")
    other = Settings(f"sqlite:///{tmp_path}/other/store.db", settings.root_key_file)
    declare(Engine(other), "scope", name="Root")
    add_connector(other, "run", kind="memory_kms", data_key_reuse="run")
    keep(Engine(other), "a", secret_manager="run")
    contexts = [context for _key, _name, context in cloud.wrapped.values()]
    assert [set(context) for context in contexts] == [{"store_id"}] * 2
    assert len({context["store_id"] for context in contexts}) == 2
    foreign = in_session(other, lambda session: envelope_of(session, "a"))
    in_session(settings, lambda session: put_envelope(session, "a", foreign))
    assert error_of(lambda: read(Engine(settings), "a")).code in ("damaged_value", "damaged_data_key")


def test_a_replaced_key_of_the_provider_opens_nothing(settings: Settings, sealed: Engine) -> None:
    keep(sealed, "a", secret_manager="kms")
    assert (
        error_of(lambda: declare(sealed, "connector_memory_kms", identifier="kms", key="other")).code
        == "location_fixed"
    )
    with rows_of(settings) as tx:
        assert tx.run("UPDATE connector SET options = replace(options, 'main', 'other') WHERE identifier = 'kms'")
    assert error_of(lambda: read(Engine(settings), "a")).code == "damaged_row"
