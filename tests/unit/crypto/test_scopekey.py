"""Scope keys: independent subkeys, wrapping, fingerprints, row tags."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.encoding import Field
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.primitives import is_ed25519
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import MAX_WRAPS, ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RAW = hashlib.sha256(b"a scope key for tests").digest()
LABELS = ("wrap data keys", "wrap scope keys", "fingerprints", "row tags", "wrap fingerprint keys", "audit", "sign")


@pytest.fixture
def key() -> ScopeKey:
    return ScopeKey("scope-1", 2, RAW)


def subkeys(key: ScopeKey) -> list[bytes]:
    wrapping = [key._data_wrap_key, key._child_wrap_key]
    others = [key._row_tag_key, key._fingerprint_wrap_key, key._audit_key, key._signing_seed]
    return [*wrapping, key.fingerprint_key.export(), *others]


def flips(data: bytes) -> list[bytes]:
    number = int.from_bytes(data, "big")
    return [(number ^ 1 << bit).to_bytes(len(data), "big") for bit in range(len(data) * 8)]


def test_every_use_scope_generation_and_key_has_its_own_subkey(key: ScopeKey) -> None:
    others = [ScopeKey("scope-2", 2, RAW), ScopeKey("scope-1", 3, RAW), ScopeKey("scope-1", 2, RAW[::-1])]
    found = [RAW, *itertools.chain.from_iterable(map(subkeys, [key, *others]))]
    assert len(set(found)) == 29
    assert {len(one) for one in found} == {32}


def test_subkeys_are_stable(key: ScopeKey) -> None:
    assert subkeys(key) == [independent.scope_subkey(RAW, label, "scope-1", 2) for label in LABELS]


def test_a_subkey_is_derived_once(key: ScopeKey, monkeypatch: pytest.MonkeyPatch) -> None:
    derived: list[str] = []

    def derive(_self: ScopeKey, _key: bytes, label: str) -> bytes:
        derived.append(label)
        return RAW

    monkeypatch.setattr(ScopeKey, "_derived", derive)
    for _round in range(3):
        key.unwrap(key.wrap(RAW, b""), b"")
        key.unwrap_child(key.wrap_child(key, b""), scope_id="c", generation=1, context=b"")
        key.unwrap_fingerprint_key(key.wrap_fingerprint_key(key.fingerprint_key, b""), b"")
        key.fingerprint("id", "text", b"v")
        key.row_tag("t")
        key.audit_mac("t")
        key.sign(b"t")
    assert sorted(derived) == sorted([*LABELS, "read"])


def test_a_signature_is_ed25519_and_fits_one_key_and_text(key: ScopeKey) -> None:
    signature = key.sign(b"text")
    seed = independent.scope_subkey(RAW, "sign", "scope-1", 2)
    assert signature == Ed25519PrivateKey.from_private_bytes(seed).sign(b"text")
    assert key.public_key == Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert is_ed25519(key.public_key, signature, b"text")
    tries = [(signature, b"Text"), (signature, b""), (b"", b"text"), (signature[:-1], b"text"), (bytes(64), b"text")]
    assert not any(is_ed25519(key.public_key, *one) for one in tries)
    for public_key in (ScopeKey("scope-1", 3, RAW).public_key, b"", bytes(32), key.public_key[1:]):
        assert not is_ed25519(public_key, signature, b"text")


def test_what_reads_can_neither_sign_nor_open_scopes_below() -> None:
    """The subkey for reading gives the keys that read and prove; those of writing don't follow from it."""
    reading = independent.scope_subkey(RAW, "read", "scope-1", 2)
    follow = {
        independent.derive(reading, independent.fields("scoped.secrets scope key", label, "scope-1", 2))
        for label in (*LABELS, "id")
    }
    key = ScopeKey("scope-1", 2, RAW)
    assert follow & set(subkeys(key)) == {
        independent.scope_subkey(RAW, label, "scope-1", 2) for label in independent.FOR_READING if label != "id"
    }
    assert not follow & {key._signing_seed, key._child_wrap_key, key._row_tag_key}


def test_generate_gives_random_keys() -> None:
    keys = [ScopeKey.generate("s", 7) for _round in range(20)]
    assert len({one.export() for one in keys}) == 20
    assert {(one.scope_id, one.generation, len(one.export())) for one in keys} == {("s", 7, 32)}


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__])
def test_key_material_never_appears_in_text(key: ScopeKey, show: Callable[[object], str]) -> None:
    key.row_tag("a derived key is cached now")
    assert show(key) == "ScopeKey(scope_id='scope-1', generation=2)"
    assert RAW.hex() not in show([key])
    assert base64.b64encode(RAW).decode() not in show({"key": key})


def test_wrapped_key_round_trips_and_the_second_implementation_reads_it(key: ScopeKey) -> None:
    data_key = bytes(range(32))
    wrapped = key.wrap(data_key, b"context")
    assert key.unwrap(wrapped, b"context") == data_key
    wrap_key = independent.scope_subkey(RAW, LABELS[0], "scope-1", 2)
    assert independent.unwrap(wrap_key, wrapped, b"context") == data_key
    assert key.unwrap(independent.wrap(wrap_key, b"n" * 12, data_key, b"context"), b"context") == data_key


def test_nonces_are_never_reused(key: ScopeKey) -> None:
    wraps = [key.wrap(RAW, b"c") for _round in range(100)] + [key.wrap_child(key, b"c") for _round in range(100)]
    assert len({one[:12] for one in wraps}) == 200


def test_altered_wraps_are_refused_with_the_same_error(key: ScopeKey) -> None:
    wrapped = key.wrap(RAW, b"context")
    tries = [(one, b"context") for one in [*flips(wrapped), b"", wrapped[:-1], wrapped + b"\0", wrapped[1:]]]
    tries += [(wrapped, b""), (wrapped, b"Context"), (wrapped, b"context\0")]
    errors = set()
    for one, context in tries:
        with pytest.raises(Damaged) as caught:
            key.unwrap(one, context)
        errors.add((caught.value.code, str(caught.value)))
    assert {code for code, _text in errors} == {"damaged_value"}
    assert len(errors) == 1


@pytest.mark.parametrize(
    "other", [ScopeKey("scope-2", 2, RAW), ScopeKey("scope-1", 1, RAW), ScopeKey("scope-1", 2, RAW[::-1])], ids=repr
)
def test_other_scope_generation_or_key_is_refused(key: ScopeKey, other: ScopeKey) -> None:
    with pytest.raises(Damaged) as caught:
        other.unwrap(key.wrap(RAW, b"c"), b"c")
    assert caught.value.code == "damaged_value"
    with pytest.raises(Damaged) as caught:
        other.unwrap_child(key.wrap_child(key, b"c"), scope_id="s", generation=1, context=b"c")
    assert caught.value.code == "damaged_scope_key"


def test_only_32_byte_keys_unwrap(key: ScopeKey) -> None:
    for size in (0, 16, 31, 33, 64):
        with pytest.raises(Damaged):
            key.unwrap(key.wrap(bytes(size), b"c"), b"c")


def test_child_key_round_trips(key: ScopeKey) -> None:
    child = ScopeKey.generate("child", 5)
    wrapped = key.wrap_child(child, b"c")
    found = key.unwrap_child(wrapped, scope_id="child", generation=5, context=b"c")
    assert (found.scope_id, found.generation, found.export()) == ("child", 5, child.export())
    assert independent.unwrap(independent.scope_subkey(RAW, LABELS[1], "scope-1", 2), wrapped, b"c") == child.export()


def test_altered_or_moved_child_key_is_refused(key: ScopeKey) -> None:
    wrapped = key.wrap_child(ScopeKey.generate("child", 5), b"c")
    for one, context in [*((flipped, b"c") for flipped in flips(wrapped)), (wrapped[:-1], b"c"), (wrapped, b"d")]:
        with pytest.raises(Damaged) as caught:
            key.unwrap_child(one, scope_id="child", generation=5, context=context)
        assert caught.value.code == "damaged_scope_key"


def test_data_keys_and_child_keys_are_not_interchangeable(key: ScopeKey) -> None:
    with pytest.raises(Damaged):
        key.unwrap(key.wrap_child(key, b"c"), b"c")
    with pytest.raises(Damaged):
        key.unwrap_child(key.wrap(RAW, b"c"), scope_id="s", generation=1, context=b"c")


def test_fingerprint_is_stable_and_keyed(key: ScopeKey) -> None:
    expected = hmac.digest(
        independent.scope_subkey(RAW, LABELS[2], "scope-1", 2), independent.fields("id", "text", b"value"), "sha256"
    )
    assert key.fingerprint("id", "text", b"value") == expected
    others = [
        key.fingerprint("id2", "text", b"value"),
        key.fingerprint("id", "file", b"value"),
        key.fingerprint("id", "text", b"value2"),
        key.fingerprint("id", "text", b""),
        key.fingerprint("idt", "ext", b"value"),
        ScopeKey("scope-1", 3, RAW).fingerprint("id", "text", b"value"),
        hashlib.sha256(b"value").digest(),
    ]
    assert len({expected, *others}) == 8


def test_row_tag_matches_the_second_implementation(key: ScopeKey) -> None:
    row: tuple[Field, ...] = ("id", 3, None, b"\0")
    subkey = independent.scope_subkey(RAW, LABELS[3], "scope-1", 2)
    tag = key.row_tag("secret", *row)
    assert tag == hmac.digest(subkey, independent.fields("secret", *row), "sha256")
    assert key.is_row_tag(tag, "secret", *row)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("scope", ("id", 3, "enabled", None)),
        ("secret", ("id", 3, "deleted", None)),
        ("secret", ("id", 4, "enabled", None)),
        ("secret", ("id", 3, "enabled", "")),
        ("secret", ("id", 3, "enabled")),
        ("secret", ("id", 3, "enabled", None, None)),
        ("secret", ("id", "3", "enabled", None)),
        ("secreti", ("d", 3, "enabled", None)),
        ("secret", (3, "id", "enabled", None)),
    ],
)
def test_altered_row_is_detected(key: ScopeKey, table: str, row: tuple[Field, ...]) -> None:
    tag = key.row_tag("secret", "id", 3, "enabled", None)
    assert key.is_row_tag(tag, "secret", "id", 3, "enabled", None)
    assert not key.is_row_tag(tag, table, *row)


def test_altered_tag_is_detected(key: ScopeKey) -> None:
    tag = key.row_tag("secret", "id")
    for one in [*flips(tag), b"", tag[:16], tag[:-1], tag + b"\0", bytes(32)]:
        assert not key.is_row_tag(one, "secret", "id")


def test_audit_mac_matches_the_second_implementation(key: ScopeKey) -> None:
    subkey = independent.scope_subkey(RAW, LABELS[5], "scope-1", 2)
    mac = key.audit_mac("read", 3, b"\0")
    assert mac == hmac.digest(subkey, independent.fields("read", 3, b"\0"), "sha256")
    assert key.is_audit_mac(mac, "read", 3, b"\0")
    others = [*((one, ("read", 3, b"\0")) for one in flips(mac)), (mac, ("read", 4, b"\0")), (mac, ("read", 3))]
    assert not any(key.is_audit_mac(one, *fields) for one, fields in others)


def test_wrap_limit_keeps_nonce_collisions_unlikely() -> None:
    """NIST SP 800-38D, 8.3: at most 2^32 encryptions with random 96-bit nonces; the collision bound is n^2 / 2^97."""
    assert MAX_WRAPS == 2**28
    assert MAX_WRAPS**2 / 2**97 < 2**-40


def test_a_fingerprint_key_outlives_its_scope_key(key: ScopeKey) -> None:
    newer = ScopeKey.generate("scope-1", 3)
    wrapped = newer.wrap_fingerprint_key(key.fingerprint_key, b"here")
    kept = newer.unwrap_fingerprint_key(wrapped, b"here")
    assert kept.fingerprint("id", "text", b"v") == key.fingerprint("id", "text", b"v")
    assert kept.fingerprint("id", "text", b"v") != newer.fingerprint("id", "text", b"v")
    refused = [(newer, wrapped, b"there"), (key, wrapped, b"here"), *((newer, one, b"here") for one in flips(wrapped))]
    for other, data, context in refused:
        with pytest.raises(Damaged) as caught:
            other.unwrap_fingerprint_key(data, context)
        assert caught.value.code == "damaged_scope_key"


def test_key_id_is_unique_and_derived(key: ScopeKey) -> None:
    others = [ScopeKey("scope-2", 2, RAW), ScopeKey("scope-1", 3, RAW), ScopeKey.generate("scope-1", 2)]
    assert len({one.key_id for one in (key, *others)}) == 4
    assert key.key_id == independent.scope_subkey(RAW, "id", "scope-1", 2)[:8].hex()
