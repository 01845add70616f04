# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The road to a value: what it finds, what it refuses, and what it costs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.reading.resolver import Located, locate
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows import signed_rows
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.opening import open_store
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.session import Session
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud, MemoryVault
from ansible_collections.scoped.secrets.tests.unit.engine.stores import (
    add_connector,
    add_reference,
    declare,
    error_of,
    forget_kind,
    holding,
    read,
    rows_of,
    store_path,
)
from ansible_collections.scoped.secrets.tests.unit.engine.templates import made_once

API = ("payments", "api")
DOCUMENT = b'{"user": "api", "nested": {"list": ["x"]}}'
KINDS = {
    "a": "secret_text",
    "host": "secret_ssh",
    "ours": "secret_text",
    "theirs": "secret_text",
    "sealed": "secret_file",
}


@pytest.fixture
def tree(engine: Engine) -> Engine:
    """`a` in the account, an organization and its project, in two versions; a document and a file in the project."""
    fill(engine)
    return engine


@made_once
def fill(engine: Engine) -> None:
    api = {"org": "payments", "project": "api"}
    declare(engine, "scope", org="payments")
    declare(engine, "scope", org="web")
    declare(engine, "scope", **api)
    for version in (1, 2):
        for scope, name in (({}, "account"), ({"org": "payments"}, "org"), (api, "project")):
            declare(engine, "secret_text", **scope, identifier="a", value=f"{name} {version}".encode())
    declare(engine, "secret_text", identifier="above", value=b"v")
    declare(engine, "secret_text", **api, identifier="doc", value=DOCUMENT)
    declare(engine, "secret_file", **api, identifier="file", value=b"\xff\0")


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("a", b"project 2"),
        ("org.a", b"org 2"),
        ("account.a", b"account 2"),
        ("a@1", b"project 1"),
        ("a@2", b"project 2"),
        ("account.a@1", b"account 1"),
        ("doc#user", b"api"),
        ("doc#/nested/list/0", b"x"),
        ("doc#nested", b'{"list":["x"]}'),
        ("doc@1#user", b"api"),
        ("file", b"\xff\0"),
    ],
)
def test_a_reference_gives_its_value(tree: Engine, reference: str, value: bytes) -> None:
    assert read(tree, reference, *API) == value


def test_the_same_reference_depends_on_the_caller(tree: Engine) -> None:
    assert [read(tree, "a", *scope) for scope in ((), ("payments",), API)] == [b"account 2", b"org 2", b"project 2"]


def test_an_answer_tells_the_kind(tree: Engine) -> None:
    answers = tree.resolve([Query("doc", *API), Query("file", *API), Query("doc", *API, key="user")])
    assert answers == [Answer("text", DOCUMENT), Answer("file", b"\xff\0"), Answer("text", b"api")]


def test_version_and_key_may_be_given_separately(tree: Engine) -> None:
    assert read(tree, "a", *API, version="1") == b"project 1"
    assert read(tree, "doc", *API, key="user", version="1") == b"api"
    assert read(tree, "doc@1#user", *API, key="user", version="1") == b"api"
    assert error_of(lambda: read(tree, "a@2", *API, version="1")).code == "conflicting_reference"


@pytest.mark.parametrize(
    ("reference", "kind", "code"),
    [
        ("none", NotFound, "unknown_secret"),
        ("A", NotFound, "unknown_secret"),
        ("above", NotFound, "unknown_secret"),
        ("org.doc", NotFound, "unknown_secret"),
        ("a@3", NotFound, "unknown_version"),
        ("doc#none", NotFound, "unknown_key"),
        ("a#user", InvalidInput, "value_not_json"),
        ("file#user", InvalidInput, "value_not_json"),
        ("a@99999999999", InvalidInput, "invalid_version"),
        ("a@x", InvalidInput, "invalid_version"),
        ("a@AWSPREVIOUS", InvalidInput, "invalid_version"),
        ("a b", InvalidInput, "invalid_identifier"),
        ("a@0", InvalidInput, "invalid_reference"),
        ("project.a", Forbidden, "reference_downward"),
        ("org.web.a", Forbidden, "reference_downward"),
        ("hashicorpvault://vault/path", NotFound, "unknown_connector"),
        ("account.hashicorpvault://vault/path#key", NotFound, "unknown_connector"),
    ],
)
def test_refused_references(tree: Engine, reference: str, kind: type[Exception], code: str) -> None:
    error = error_of(lambda: read(tree, reference, *API))
    assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize(
    ("reference", "scope", "code"),
    [
        ("a", ("none",), "unknown_scope"),
        ("a", ("payments", "none"), "unknown_scope"),
        ("account.a", ("", "api"), "project_without_org"),
        ("org.a", (), "reference_downward"),
        ("a", ("a-b",), "invalid_identifier"),
        ("a", ("web", "api"), "unknown_scope"),
        ("a", ("web",), "unknown_secret"),
    ],
)
def test_refused_callers(tree: Engine, reference: str, scope: tuple[str, ...], code: str) -> None:
    assert error_of(lambda: read(tree, reference, *scope)).code == code


@pytest.mark.parametrize("version", ["x", "-1", "1.0", "1 ", "1000000000", "0", "00000000001", "\N{SUPERSCRIPT TWO}"])
def test_invalid_versions(tree: Engine, version: str) -> None:
    assert error_of(lambda: read(tree, "a", *API, version=version)).code == "invalid_version"


@pytest.mark.parametrize("version", ["3", "999999999"])
def test_unknown_versions(tree: Engine, version: str) -> None:
    error = error_of(lambda: read(tree, "a", *API, version=version))
    assert (type(error), error.code, f"no version {version}" in error.message) == (NotFound, "unknown_version", True)


def test_errors_name_the_secret_and_the_scope_that_was_searched(tree: Engine) -> None:
    assert "'none' in project 'payments/api'" in error_of(lambda: read(tree, "none", *API)).message
    assert "'none' in the account" in error_of(lambda: read(tree, "account.none", *API)).message
    url = error_of(lambda: read(tree, "org.conjur://cj/path", *API)).message
    assert all(part in url for part in ("'cj'", "conjur://", "organization 'payments'"))
    assert "1 to 2" in error_of(lambda: read(tree, "a@3", *API)).hint


def located(settings: Settings, query: Query) -> Answer | Located:
    store = open_store(settings, create=False)
    found = store.database.read(lambda tx: locate(Session(tx, store.store_id, store.keyring), query))
    store.database.close()
    return found


def at_manager(settings: Settings, query: Query) -> Located:
    found = located(settings, query)
    assert isinstance(found, Located)
    return found


def code_of(settings: Settings, query: Query) -> str:
    found = located(settings, query)
    assert isinstance(found, Answer)
    assert found.error
    return found.error.code


def test_values_at_a_connector_are_only_located(settings: Settings, cloud: Cloud, tree: Engine) -> None:
    connector = add_connector(settings, "vault")
    found = at_manager(settings, Query("account.memory://vault/deep/path#/a/b", *API))
    assert (found.connector.row, found.connector.path) == (connector, ACCOUNT)
    assert (found.path, found.version, found.keys, found.is_ours) == ("deep/path", "", ("/a/b",), False)
    assert found.what == "'account.memory://vault/deep/path#/a/b'"
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("hashicorpvault://vault/path", "other_connector_kind"),
        ("memory://kms/path", "other_connector_kind"),
        ("memory://VAULT/path", "unknown_connector"),
        ("memory://gone/path", "unknown_connector"),
        ("memory://below/path", "unknown_connector"),
        ("memory://vault/", "invalid_reference"),
    ],
)
def test_urls_that_lead_nowhere(settings: Settings, tree: Engine, reference: str, code: str) -> None:
    add_connector(settings, "vault")
    add_connector(settings, "gone", is_removed=True)
    add_connector(settings, "kms", kind="memory_kms")
    add_connector(settings, "below", ScopePath("payments"))
    assert code_of(settings, Query(reference)) == code


def test_a_url_goes_to_exactly_the_scope_that_it_names(settings: Settings, tree: Engine) -> None:
    for path in (ACCOUNT, ScopePath("payments")):
        add_connector(settings, "vault", path)
    assert code_of(settings, Query("memory://vault/p", *API)) == "unknown_connector"
    places = [
        at_manager(settings, Query(f"{level}.memory://vault/p", *API)).connector.path for level in ("org", "account")
    ]
    assert places == [ScopePath("payments"), ACCOUNT]
    assert code_of(settings, Query("org.memory://vault/p")) == "reference_downward"


def test_the_hint_has_the_right_scheme(settings: Settings, tree: Engine) -> None:
    add_connector(settings, "vault")
    add_connector(settings, "kms", kind="memory_kms")
    hints = [error_of(lambda name=name: read(tree, f"conjur://{name}/p")).hint for name in ("vault", "kms")]
    assert (hints[0], "by name" in hints[1]) == ("Write memory://vault/PATH.", True)


@pytest.fixture
def kept(settings: Settings, tree: Engine) -> Engine:
    """Secrets at managers: `ours` in two versions, `theirs` a reference, `sealed` under a KMS."""
    add_connector(settings, "vault")
    add_connector(settings, "kms", kind="memory_kms")
    for value in (b"one", b"two"):
        declare(tree, "secret_text", identifier="ours", value=value, secret_manager="vault")
    add_reference(settings, "theirs", "vault", "their/path", "field")
    declare(tree, "secret_file", identifier="sealed", value=b"\xff", secret_manager="kms")
    return tree


def test_a_secret_at_a_value_keeper(settings: Settings, kept: Engine) -> None:
    newest, first = (at_manager(settings, Query(name)) for name in ("ours", "ours@1"))
    assert (newest.path, newest.version, newest.is_ours, newest.envelope) == ("app/ours", "", True, b"")
    assert (first.path, first.version, first.is_ours) == ("app/ours", "1", True)
    assert code_of(settings, Query("ours@3")) == "unknown_version"
    assert at_manager(settings, Query("ours", key="a")).keys == ("a",)


def test_only_a_manager_that_keeps_versions_reads_one(settings: Settings, kept: Engine) -> None:
    add_connector(settings, "plain", kind="memory_plain")
    declare(kept, "secret_text", identifier="newest", value=b"v", secret_manager="plain")
    assert [at_manager(settings, Query(name)).version for name in ("newest", "sealed@1")] == ["", ""]
    assert code_of(settings, Query("newest@1")) == "not_supported"


def test_a_reference_keeps_its_own_field_and_takes_another(settings: Settings, kept: Engine) -> None:
    found = at_manager(settings, Query("theirs@7#inner"))
    assert (found.path, found.version, found.keys) == ("their/path", "7", ("field", "inner"))
    assert (found.is_ours, found.mark, found.envelope, found.context) == (False, "", b"", None)


def test_a_sealed_value_has_its_envelope_and_its_context(settings: Settings, kept: Engine) -> None:
    found = at_manager(settings, Query("sealed"))
    assert (found.kind, found.path, found.envelope[:4]) == ("file", "", b"SSE1")
    assert found.context is not None
    assert (found.context.kind, found.context.version) == ("file", 1)


def test_only_equal_locations_share_a_fetch_key(settings: Settings, kept: Engine) -> None:
    def key(reference: str) -> object:
        return at_manager(settings, Query(reference)).fetch_key

    assert key("memory://vault/p#a") == key("memory://vault/p#b") == key("memory://vault/p")
    assert key("theirs") == key("memory://vault/their/path")
    others = ["memory://vault/p", "memory://vault/q", "ours", "ours@1", "ours@2", "memory://vault/app/ours", "sealed"]
    assert len({key(reference) for reference in others}) == len(others)
    sealed = at_manager(settings, Query("sealed"))
    assert sealed._replace(envelope=sealed.envelope[:-1]).fetch_key != sealed.fetch_key
    before = key("ours")
    declare(kept, "secret_text", identifier="ours", value=b"three")
    assert key("ours") != before


def test_a_credential_has_no_versions(kept: Engine) -> None:
    declare(kept, "secret_ssh", identifier="host", user="u", password="p")
    error = error_of(lambda: read(kept, "host@1"))
    assert (type(error), error.code) == (InvalidInput, "invalid_version")


def test_a_fetched_value_becomes_an_answer(settings: Settings, kept: Engine) -> None:
    found = at_manager(settings, Query("theirs#/a/0"))
    content = b'{"field": {"a": ["x"]}}'
    assert found.answer(content) == Answer("text", b"x")
    codes = [getattr(found.answer(bad).error, "code", "") for bad in (b"{}", b"no", b"\xff")]
    assert codes == ["unknown_key", "value_not_json", "value_not_json"]
    plain = at_manager(settings, Query("memory://vault/p"))
    assert plain.answer(b"\xff") == Answer("text", b"\xff")


def test_an_expired_secret_at_a_manager_is_refused_unread(settings: Settings, cloud: Cloud, kept: Engine) -> None:
    declare(kept, "secret_text", identifier="ours", expires="2020-01-01")
    asked = list(cloud.asked)
    assert error_of(lambda: read(kept, "ours")).code == "secret_expired"
    assert cloud.asked == asked


def test_a_connector_that_was_removed_by_force_says_so(settings: Settings, cloud: Cloud, kept: Engine) -> None:
    for name in ("vault", "kms"):
        declare(kept, f"connector_memory_{name}", identifier=name, state="absent", force=True)
    asked = cloud.counts["read"], cloud.counts["unwrap"]
    for name in ("ours", "ours@1", "theirs", "sealed"):
        error = error_of(lambda name=name: read(kept, name))
        assert (type(error), error.code, "the account" in error.message) == (Conflict, "connector_removed", True)
    assert (cloud.counts["read"], cloud.counts["unwrap"]) == asked


def test_a_connector_that_is_missing_is_damage(settings: Settings, kept: Engine) -> None:
    with rows_of(settings) as tx:
        tx.run("DELETE FROM connector")
    assert {code_of(settings, Query(name)) for name in ("ours", "theirs", "sealed")} == {"rolled_back"}


def test_a_connector_of_a_locked_scope_is_not_used(settings: Settings, kept: Engine) -> None:
    declare(kept, "scope", inherited_managers="allowed")
    api = {"org": "payments", "project": "api"}
    declare(kept, "secret_text", **api, identifier="there", value=b"v", secret_manager="account.vault")
    assert error_of(lambda: read(holding(settings, *API), "there", *API)).code == "scope_locked"


def test_a_kind_may_have_a_field_that_is_read_by_default(
    settings: Settings, kept: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_reference(settings, "whole", "vault", "their/path")
    monkeypatch.setattr(MemoryVault, "DEFAULT_KEY", "value")
    names = ["memory://vault/p", "whole", "memory://vault/p#a", "whole#a", "theirs"]
    keys = [at_manager(settings, Query(name)).keys for name in names]
    assert keys == [("value",), ("value",), ("a",), ("a",), ("field",)]


def test_a_located_value_does_not_show_its_envelope(settings: Settings, kept: Engine) -> None:
    found = at_manager(settings, Query("sealed"))
    assert repr(found.envelope)[2:20] not in repr(found)
    assert "envelope" not in repr(found)


def test_an_expired_secret_is_refused_in_every_version(tree: Engine) -> None:
    now = datetime.now(timezone.utc)
    declare(tree, "secret_text", identifier="a", expires=(now - timedelta(minutes=1)).isoformat())
    for reference in ("a", "a@1", "a@9"):
        error = error_of(lambda reference=reference: read(tree, reference))
        assert (type(error), error.code, "the account" in error.message) == (Forbidden, "secret_expired", True)
    declare(tree, "secret_text", identifier="a", expires=(now + timedelta(days=1)).isoformat())
    assert read(tree, "a@1") == b"account 1"


@pytest.mark.parametrize(
    ("identifier", "reference"),
    [("a", "a"), ("a", "a@1"), ("host", "host"), ("ours", "ours"), ("theirs", "theirs"), ("sealed", "sealed")],
)
def test_a_secret_that_was_read_is_refused_once_it_expires(
    settings: Settings, cloud: Cloud, kept: Engine, monkeypatch: pytest.MonkeyPatch, identifier: str, reference: str
) -> None:
    """The cache of an engine must not outlive the secret."""
    cloud.put("their/path", b'{"field": "theirs"}')
    declare(kept, "secret_ssh", identifier="host", user="u", password="p")
    noon = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)
    declare(kept, KINDS[identifier], identifier=identifier, expires=noon.isoformat())
    reader = Engine(settings)
    (answer,) = reader.resolve([Query(reference)])
    assert (bool(answer.value), answer.error, answer.expires_at) == (True, None, f"{noon:%Y-%m-%dT%H:%M:%SZ}")
    for moment in (noon, noon + timedelta(days=365)):
        monkeypatch.setattr(signed_rows, "now", lambda moment=moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        assert error_of(lambda: read(reader, reference)).code == "secret_expired"
    monkeypatch.setattr(signed_rows, "now", lambda: f"{noon - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}")
    assert read(reader, reference) == answer.value


def test_the_audit_has_the_id_of_what_was_read(kept: Engine) -> None:
    """An identifier may be used again for another secret; the id tells which one it was."""
    created = declare(kept, "audit_info", actions=["create"]).returned["events"]
    ids = {one["identifier"]: one["id"] for one in created if one["kind"] == "secret"}
    for name in ("a", "a@1", "sealed", "none"):
        kept.resolve([Query(name)])
    events = declare(kept, "audit_info", actions=["read"]).returned["events"]
    told = [tuple(one[field] for field in ("kind", "of_scope", "identifier", "id", "version")) for one in events]
    assert told == [
        ("secret", "account", "a", ids["a"], "2"),
        ("secret", "account", "a", ids["a"], "1"),
        ("secret", "account", "sealed", ids["sealed"], "1"),
        ("secret", "account", "none", "", ""),
    ]


def test_a_connector_of_an_unknown_kind_is_refused_before_anything_is_fetched(settings: Settings, kept: Engine) -> None:
    """Else it would fail later, together with what others asked for at the same time."""
    for name in ("vault", "kms"):
        forget_kind(settings, name)
    for name in ("ours", "ours@1", "theirs", "sealed"):
        assert code_of(settings, Query(name)) == "unknown_kind"
    unknown, plain = Engine(settings).resolve([Query("ours"), Query("a")])
    assert (unknown.error.code if unknown.error else "", plain.value) == ("unknown_kind", b"account 2")


@pytest.fixture
def project(settings: Settings, tree: Engine) -> Engine:
    """An engine with the key of the project only, with which the account shares `shared`."""
    for value in (b"first", DOCUMENT):
        declare(tree, "secret_text", identifier="shared", value=value)
    declare(tree, "secret_share", identifier="shared", to_org="payments", to_project="api")
    return holding(settings, *API)


@pytest.mark.parametrize("reference", ["account.shared", "account.shared@2"])
def test_a_shared_secret_has_a_whole_answer(tree: Engine, project: Engine, reference: str) -> None:
    declare(tree, "secret_text", identifier="shared", expires="2999-01-01")
    assert project.resolve([Query(reference, *API)]) == [Answer("text", DOCUMENT, None, "2999-01-01T00:00:00Z")]
    assert read(project, f"{reference}#/nested/list/0", *API) == b"x"
    event = declare(project, "audit_info", org="payments", project="api", actions=["read"]).returned["events"][0]
    assert [event[field] for field in ("kind", "of_scope", "identifier", "version")] == [
        "secret",
        "account",
        "shared",
        "2",
    ]
    assert event["id"]


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        ("account.shared@1", "version_not_shared", "newest version (2) of secret 'shared' in the account"),
        ("account.shared#none", "unknown_key", "Secret 'shared' in the account"),
        ("account.a", "scope_locked", "The account can't be opened"),
        ("account.memory://shared/p", "scope_locked", "The account can't be opened"),
        ("none", "unknown_secret", "'none' in project 'payments/api'"),
    ],
)
def test_a_locked_scope_has_nothing_but_what_it_shares(
    project: Engine, reference: str, code: str, message: str
) -> None:
    error = error_of(lambda: read(project, reference, *API))
    assert (error.code, message in error.message) == (code, True)


def test_a_shared_secret_expires(tree: Engine, project: Engine) -> None:
    declare(tree, "secret_text", identifier="shared", expires="2020-01-01")
    error = error_of(lambda: read(project, "account.shared", *API))
    assert (error.code, "'shared' in the account" in error.message) == ("secret_expired", True)


def test_one_error_does_not_spoil_the_others(tree: Engine) -> None:
    answers = tree.resolve([Query("none"), Query("a"), Query("b.c"), Query("a@1")])
    assert [answer.value for answer in answers] == [b"", b"account 2", b"", b"account 1"]
    assert [answer.error.code if answer.error else "" for answer in answers] == [
        "unknown_secret",
        "",
        "invalid_reference",
        "",
    ]
    assert tree.resolve([]) == []


def test_every_query_on_the_road_to_a_value_uses_an_index(settings: Settings, tree: Engine) -> None:
    path = store_path(settings)
    store = open_store(settings, create=False)
    seen: list[str] = []
    store.database._connection.set_trace_callback(seen.append)
    answer = store.database.read(lambda tx: locate(Session(tx, store.store_id, store.keyring), Query("a@1", *API)))
    store.database._connection.set_trace_callback(None)
    assert isinstance(answer, Answer)
    assert answer.value == b"project 1"
    selects = [statement for statement in seen if statement.startswith("SELECT")]
    for table in ("FROM scope ", "FROM scope_key ", "FROM secret ", "FROM secret_version "):
        assert any(table in " ".join(one.split()) + " " for one in selects), table
    with closing(sqlite3.connect(path)) as plain:
        plans = [row[3] for one in selects for row in plain.execute(f"EXPLAIN QUERY PLAN {one}")]
    assert [plan for plan in plans if not plan.startswith("SEARCH") or "INDEX" not in plan] == []


def statements_of(settings: Settings, *reads: str) -> list[Counter[str]]:
    """Return what each read of a secret of the project asks the database for, by table, all in one run."""
    store_path(settings)
    store = open_store(settings, create=False)
    found: list[Counter[str]] = []
    for name in reads:
        seen: list[str] = []
        query = Query(name, *API)
        store.database._connection.set_trace_callback(seen.append)
        answer = store.database.read(lambda tx, q=query: locate(Session(tx, store.store_id, store.keyring), q))  # type: ignore[misc]
        store.database._connection.set_trace_callback(None)
        assert isinstance(answer, Answer)
        assert answer.error is None or answer.error.code == "unknown_secret"
        found.append(Counter(table_of(one) for one in seen if one.startswith("SELECT")))
    return found


def table_of(statement: str) -> str:
    if "FROM scope_child" in statement:
        return "scope_child"
    return "leaf" if statement.startswith("SELECT place") else statement.split("FROM ")[1].split()[0]


ROWS = {"scope": 3, "scope_key": 3, "secret": 1}
VALUE = {**ROWS, "secret_version": 1}


@pytest.mark.parametrize(("more", "table"), [(0, "leaf"), (60, "secret_index"), (300, "secret_index")])
def test_a_proof_takes_one_statement_and_only_once(settings: Settings, tree: Engine, more: int, table: str) -> None:
    """More secrets do not mean more queries. What was proved is not asked for again, also in later transactions."""
    items = [{"org": API[0], "project": API[1], "identifier": f"more{number}", "value": b"v"} for number in range(more)]
    tree.handle(Request("manifest", {}, False, tuple(Request("secret_text", item) for item in items)))
    first, second, older, absent, again = statements_of(settings, "a", "a", "a@1", "none", "none")
    # Of the two scopes below another, the place in it is proved once.
    assert first == {**VALUE, table: 1, "scope_child": 2}
    assert second == VALUE
    assert (older["leaf"], older["secret_index"]) == (0, 0)
    assert absent.total() <= sum(ROWS.values()) + 1
    assert again == ROWS


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"x": "\\ud800"}'], ids=["too deeply nested", "half a pair"])
def test_a_value_that_is_hard_to_parse_affects_no_other(engine: Engine, value: bytes) -> None:
    declare(engine, "secret_text", identifier="hard", value=value)
    declare(engine, "secret_text", identifier="a", value=b"x")
    hard, plain = engine.resolve([Query("hard#x"), Query("a")])
    assert hard.error
    assert hard.error.code == "value_not_json"
    assert plain.value == b"x"
