"""References: parsing and writing."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden, InvalidInput, NotFound
from ansible_collections.scoped.secrets.plugins.module_utils.model.references import (
    EXPRESSION,
    SCHEMES,
    Reference,
    credential_not_value,
    parse_path,
    references_among,
    select_field,
    select_key,
    written_path,
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


@given(
    PREFIXES,
    st.sampled_from(sorted(SCHEMES)),
    st.from_regex(r"\A[a-z]{1,20}(/[a-z0-9._-]{1,9})?\Z"),
    st.sampled_from(["", "@3", "@AWSPREVIOUS"]),
    KEYS,
)
def test_url_reference_round_trips(prefix: str, scheme: str, path: str, version: str, key: str) -> None:
    path = path.replace("/", "-") if SCHEMES[scheme][1] else path
    text = f"{prefix}{scheme}://conn/{path}{version}{key}"
    assert str(Reference.parse(text)) == text


ODD_PATHS = st.text(st.sampled_from("ab/ .-_:;=\\%#@2350ü")).filter(lambda path: path.strip("/"))


ANY_PATH = ODD_PATHS | st.text(max_size=200).filter(lambda path: path.strip("/"))


@given(ANY_PATH, st.sampled_from(["", "3", "v_1-x"]), KEYS)
def test_any_path_can_be_written(path: str, version: str, key: str) -> None:
    assert parse_path(written_path(path, version)) == (path, version)
    reference = Reference.parse(f"custom://conn/{written_path(path, version)}{key}")
    assert reference == Reference("conn", None, version, key[1:], "custom", path)
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("written", "path", "version"),
    [
        ("item %233", "item #3", ""),
        ("me%40example.com", "me@example.com", ""),
        ("100%25", "100%", ""),
        ("100%", "100%", ""),
        ("%20%2F%2f", "%20%2F%2f", ""),
        ("%2523", "%23", ""),
        ("me@example.com/db", "me@example.com/db", ""),
        ("me@example.com/db@3", "me@example.com/db", "3"),
        ("a@b@3", "a@b", "3"),
        ("a@AWSPREVIOUS", "a", "AWSPREVIOUS"),
        ("a@4e2f0b1c-90d1-4a52-8d10-2f6f6e6f2f10", "a", "4e2f0b1c-90d1-4a52-8d10-2f6f6e6f2f10"),
    ],
)
def test_escapes_and_versions_in_paths(written: str, path: str, version: str) -> None:
    assert parse_path(written) == (path, version)
    assert Reference.parse(f"lookup://c/{written}#k") == Reference("c", None, version, "k", "lookup", path)


@pytest.mark.parametrize("scheme", ["azurevault", "gcpsecretsmanager"])
def test_a_version_may_follow_a_slash_where_names_have_none(scheme: str) -> None:
    for written in ("name/3", "name@3"):
        assert Reference.parse(f"{scheme}://c/{written}") == Reference("c", None, "3", "", scheme, "name")


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
        ("a@00", "invalid_reference"),
        ("a@1.0", "invalid_reference"),
        ("a@b@c", "invalid_reference"),
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
        ("custom://c/@3", "invalid_reference"),
        ("custom://c/a@", "invalid_reference"),
        ("custom://c/a@0", "invalid_reference"),
        ("custom://c/me@example.com", "invalid_reference"),
        ("custom://c/me@example com#key", "invalid_reference"),
        ("azurevault://c/a@1/2", "invalid_reference"),
        ("azurevault://c/a/2@1", "invalid_reference"),
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
        ("a@007", Reference("a", version="7")),
        ("a@AWSPREVIOUS", Reference("a", version="AWSPREVIOUS")),
        ("a@" + "9" * 256, Reference("a", version="9" * 256)),
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
    assert Reference.parse("custom://c/p").with_options(version="a.b", key="0").version == "a.b"
    for text in ("a", "custom://c/p"):
        for zero in ("0", "00"):
            with pytest.raises(InvalidInput) as refused:
                Reference.parse(text).with_options(version=zero)
            assert refused.value.code == "invalid_version"
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
