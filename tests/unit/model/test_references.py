"""References: parsing and writing."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden, InvalidInput, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.references import (
    EXPRESSION,
    SCHEMES,
    Reference,
    credential_not_value,
    references_among,
    select_field,
    select_key,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ACCOUNT, Level, ScopePath
from hypothesis import given
from hypothesis import strategies as st

PREFIXES = st.sampled_from(["", "account.", "org."])
KEYS = st.one_of(st.just(""), st.text(min_size=1, max_size=30).map(lambda k: "#" + k))
API = ScopePath("payments", "api")


@given(PREFIXES, st.from_regex(r"\Aid_[A-Za-z0-9_$-]{0,40}\Z"), st.integers(0, 10**6), KEYS)
def test_identifier_reference_round_trips(prefix: str, identifier: str, version: int, key: str) -> None:
    text = f"{prefix}{identifier}{f'@{version}' if version else ''}{key}"
    reference = Reference.parse(text)
    assert str(reference) == text
    assert reference.identifier == identifier
    assert reference.version == (str(version) if version else "")


@given(PREFIXES, st.sampled_from(sorted(SCHEMES)), st.from_regex(r"\A[a-z]{1,20}(/[a-z0-9@._-]{1,9})?\Z"), KEYS)
def test_url_reference_round_trips(prefix: str, scheme: str, path: str, key: str) -> None:
    text = f"{prefix}{scheme}://conn/{path}{key}"
    assert str(Reference.parse(text)) == text


@pytest.mark.parametrize(
    ("scheme", "kind", "path", "version"),
    [
        ("hashicorpvault", "hashicorp_vault", "a/b", ""),
        ("awssecretsmanager", "aws_secrets_manager", "a/b", ""),
        ("azurevault", "azure_key_vault", "a", "b"),
        ("gcpsecretsmanager", "gcp_secret_manager", "a", "b"),
        ("conjur", "cyberark_conjur", "a/b", ""),
        ("cyberark", "cyberark_ccp", "a/b", ""),
        ("custom", "custom", "a/b", ""),
        ("lookup", "lookup", "a/b", ""),
    ],
)
def test_schemes_are_those_that_playbooks_write(scheme: str, kind: str, path: str, version: str) -> None:
    assert Reference.parse(f"org.{scheme}://conn/a/b#k") == Reference("conn", Level.ORG, version, "k", scheme, path)
    assert (SCHEMES[scheme][0], len(SCHEMES)) == (kind, 8)


@given(st.text(max_size=60))
def test_any_text_parses_or_raises_our_error(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except (InvalidInput, Forbidden):
        return
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_reference"),
        ("a" * 4097, "invalid_reference"),
        ("a b", "invalid_identifier"),
        ("a.b", "invalid_reference"),
        ("a#", "invalid_reference"),
        ("a@0", "invalid_reference"),
        ("a@-1", "invalid_reference"),
        ("a@x", "invalid_reference"),
        ("a@", "invalid_reference"),
        ("or", "reserved_identifier"),
        ("nope://c/p", "invalid_reference"),
        ("hashicorpvault://c", "invalid_reference"),
        ("hashicorpvault://c/", "invalid_reference"),
        ("hashicorpvault://c//", "invalid_reference"),
        ("hashicorpvault:///p", "invalid_identifier"),
        ("hashicorpvault://a.b/p", "invalid_identifier"),
        ("azurevault://vault//version", "invalid_reference"),
        ("a@\N{SUPERSCRIPT TWO}", "invalid_reference"),
        ("a" * 4096, "invalid_identifier"),
        ("custom://builtin/p", "reserved_identifier"),
    ],
)
def test_invalid_references_are_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Reference.parse(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("a", Reference("a")),
        ("custom://c/x", Reference("c", scheme="custom", path="x")),
        ("org.conjur://c/a.b", Reference("c", Level.ORG, scheme="conjur", path="a.b")),
        ("custom://c/" + "p" * 4085, Reference("c", scheme="custom", path="p" * 4085)),
    ],
)
def test_what_is_not_written_is_empty(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference == Reference.parse(text).with_options()
    assert Reference("a") == ("a", None, "", "", "", "")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_expressions_in_text(quote: str) -> None:
    text = f"<+secrets.getValue({quote}org.a{quote})>:<+secrets.getValue( {quote}b#c{quote} )>"
    assert [found["reference"] for found in EXPRESSION.finditer(text)] == ["org.a", "b#c"]
    assert not EXPRESSION.search("<+secrets.getValue('a\")>")


def test_options_that_reference_a_secret() -> None:
    assert references_among({"token_ref": "a", "url": "u", "ref": "b", "n_ref": 1}) == {"token_ref": "a", "n_ref": "1"}


def test_a_credential_has_no_value() -> None:
    error = credential_not_value("org.host")
    assert (type(error), error.code, "'org.host'" in error.message) == (InvalidInput, "credential_not_value", True)


@pytest.mark.parametrize("text", ["project.a", "org.payments.a"])
def test_downward_references_are_refused(text: str) -> None:
    with pytest.raises(Forbidden) as caught:
        Reference.parse(text)
    assert caught.value.code == "reference_downward"


def test_references_reach_higher_scopes_only() -> None:
    assert Reference.parse("a").scope(API) == API
    assert Reference.parse("org.a").scope(API) == ScopePath("payments")
    assert Reference.parse("account.a").scope(API) == ACCOUNT
    with pytest.raises(Forbidden):
        Reference.parse("org.a").scope(ACCOUNT)


def test_version_and_key_can_not_conflict_with_options() -> None:
    assert str(Reference.parse("a").with_options(version="2", key="k")) == "a@2#k"
    assert Reference.parse("a@1#k").with_options(version="1", key="k") == Reference("a", None, "1", "k")
    for option in ({"version": "2"}, {"key": "l"}):
        with pytest.raises(InvalidInput, match=f"two different {next(iter(option))}s") as caught:
            Reference.parse("a@1#k").with_options(**option)
        assert caught.value.code == "conflicting_reference"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user", "api"),
        ("port", "5432"),
        ("on", "true"),
        ("/list/1", "b"),
        ("/a~1b/c~0d", "deep"),
        ("/list", '["a","b"]'),
        ("none", "null"),
        ("/a~1b", '{"c~d":"deep","ü":[1,2]}'),
    ],
)
def test_key_selects_a_field(key: str, value: str) -> None:
    document = """{"user": "api", "port": 5432, "on": true, "list": ["a", "b"], "none": null,
        "a/b": {"c~d": "deep", "ü": [1, 2]}}"""
    assert select_key(document, key, "it") == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.10", "1.10"),
        ("1E5", "1E5"),
        ("1e400", "1e400"),
        ("-0", "-0"),
        ("0.12345678901234567890", "0.12345678901234567890"),
        ("12345678901234567890", "12345678901234567890"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ('"1.10"', "1.10"),
        ('"null"', "null"),
        ('""', ""),
        ('{ "b": 1.10,\n "a": [ 1E5, {} ] }', '{"b":1.10,"a":[1E5,{}]}'),
        ('"\\u00fc"', "ü"),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_field_is_handed_out_as_it_was_written(written: str, value: str, mark: str) -> None:
    document = f'{mark}{{"field": {written}}}'
    assert select_key(document, "field", "it") == value
    for encoding in ("utf-8", "utf-16"):
        assert select_field(document.removeprefix("\ufeff").encode(encoding), "field", "it") == value.encode()


@pytest.mark.parametrize("key", ["none", "/list/2", "/list/01", "/list/-", "/user/x"])
def test_missing_field_is_not_found(key: str) -> None:
    with pytest.raises(NotFound, match=f"it has no field '{key}'") as caught:
        select_key('{"user": "api", "list": ["a", "b"]}', key, "it")
    assert caught.value.code == "unknown_key"


def test_only_json_text_has_fields() -> None:
    """JSON can contain half a surrogate pair, which no text can."""
    assert select_field(b'{"a": "\\ud83d\\ude00"}', "a", "it") == "\U0001f600".encode()
    for value, key in ((b"\xff", "a"), (b"{", "a"), (b"[" * 100_000, "a"), (b'{"a": "\\ud800"}', "a")):
        with pytest.raises(InvalidInput) as caught:
            select_field(value, key, "it")
        assert caught.value.code == "value_not_json"
