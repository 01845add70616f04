"""The envelope: anything but what `seal` made for this context is refused, always with the same error.

C1, C2, C3 and C5 are lines of the quality goals.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto import envelope as envelope_module
from ansible_collections.scoped.secrets.plugins.module_utils.crypto import primitives
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.envelope import (
    BUILTIN_CONNECTOR,
    CHUNK,
    MAX_VALUE,
    DataKeyWrapper,
    check_size,
    open_envelope,
    read_header,
    rewrap,
    seal,
)
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged, InvalidInput
from ansible_collections.scoped.secrets.tests.unit.crypto import independent
from ansible_collections.scoped.secrets.tests.unit.crypto.two_keys import invert, multiply, two_key_ciphertext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

CONTEXT = Context("store-1", "project", "scope-1", "secret-1", "text", "value", 3)
KEY = ScopeKey("scope-1", 2, hashlib.sha256(b"a scope key for tests").digest())
KMS = uuid.UUID("6f1c1c1e-6a38-4b0e-9f43-0c6a8b9b1f10")
VECTORS = json.loads((Path(__file__).parent / "vectors" / "envelope_v1.json").read_text())["vectors"]
# Offsets of an envelope's parts when a ScopeKey wraps its data key, which then takes 60 bytes.
WRAPPED_AT, NONCE_AT, COMMITMENT_AT, LENGTH_AT, BODY_AT = 62, 122, 134, 166, 170


class OneKey:
    """A wrapper that always returns the same data key, so that only the envelope itself can detect changes."""

    def __init__(self, data_key: bytes, generation: int = 2) -> None:
        self.data_key = data_key
        self.generation = generation

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        self.data_key = data_key
        return bytes(60)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self.data_key


def test_damage_has_one_code() -> None:
    assert envelope_module.damaged_value().code == "damaged_value"


def test_a_rewrapped_value_may_be_of_any_generation() -> None:
    """The commitment leaves out all four bytes of the generation, and nothing else."""
    old, new = OneKey(b"k" * 32, 1), OneKey(b"k" * 32, 0xFEDCBA98)
    for connector_id in (BUILTIN_CONNECTOR, KMS):
        sealed = seal(b"value", CONTEXT, wrapper=old, connector_id=connector_id)
        moved = rewrap(sealed, CONTEXT, old=old, new=OneKey(old.data_key, new.generation), connector_id=connector_id)
        new.data_key = old.data_key
        assert open_envelope(moved, CONTEXT, wrapper=new, connector_id=connector_id) == b"value"


def seal_here(value: bytes, wrapper: DataKeyWrapper = KEY, **rest: Any) -> bytes:
    return seal(value, CONTEXT, wrapper=wrapper, **rest)


def handmade(**changed: Any) -> independent.Envelope:
    """Return an envelope of the second implementation, for OneKey(b"k" * 32)."""
    return dataclasses.replace(
        independent.Envelope(b"k" * 32, bytes(60), CONTEXT.encode(), b"s" * 32, b"n" * 12, generation=2), **changed
    )


def open_handmade(envelope: bytes) -> bytes:
    return open_envelope(envelope, CONTEXT, wrapper=OneKey(b"k" * 32))


def assert_refused(envelopes: Iterable[bytes], open_one: Callable[[bytes], bytes]) -> None:
    """Assert that all are refused with the same error."""
    count, errors = 0, set()
    for envelope in envelopes:
        count += 1
        with pytest.raises(Damaged) as caught:
            open_one(envelope)
        error = caught.value
        errors.add((type(error), json.dumps(error.to_dict()), error.__suppress_context__))
    assert count
    assert errors == {UNIFORM}


UNIFORM = (Damaged, json.dumps(envelope_module.damaged_value().to_dict()), True)


def flip(envelope: bytes, bit: int) -> bytes:
    at, mask = bit // 8, 1 << bit % 8
    return envelope[:at] + bytes([envelope[at] ^ mask]) + envelope[at + 1 :]


def bits_of(envelope: bytes, wrapper: DataKeyWrapper) -> set[int]:
    """Return the bits whose change must be detected: all but a wrapped key that the wrapper ignores."""
    ignored = range(WRAPPED_AT * 8, NONCE_AT * 8) if isinstance(wrapper, OneKey) else range(0)
    return {*range(len(envelope) * 8)} - {*ignored}


def with_body(envelope: bytes, body: bytes) -> bytes:
    return envelope[:LENGTH_AT] + len(body).to_bytes(4, "big") + body


def wrappers() -> list[DataKeyWrapper]:
    return [KEY, OneKey(b"")]


# Round trips


@pytest.mark.parametrize("size", [0, 1, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK + 17])
def test_value_round_trips_and_the_second_implementation_agrees(size: int) -> None:
    value = os.urandom(size)
    envelope = seal_here(value)
    assert open_envelope(envelope, CONTEXT, wrapper=KEY) == value
    wrap_key = independent.scope_subkey(KEY.export(), "wrap data keys", "scope-1", 2)
    assert independent.open_envelope(envelope, CONTEXT.encode(), wrap_key) == value
    made = handmade(wrapped=independent.wrap(wrap_key, b"w" * 12, b"k" * 32, CONTEXT.encode())).seal(value)
    assert open_envelope(made, CONTEXT, wrapper=KEY) == value
    assert len(made) == len(envelope) == BODY_AT + size + 16 * max(1, -(-size // CHUNK))


@given(st.binary(max_size=200))
def test_any_value_round_trips(value: bytes) -> None:
    assert open_envelope(seal_here(value), CONTEXT, wrapper=KEY) == value


def test_header_holds_generation_and_connector() -> None:
    header = read_header(seal(b"v", CONTEXT, wrapper=OneKey(b"", 2**32 - 1), connector_id=KMS))
    assert (header.generation, header.connector_id) == (2**32 - 1, KMS)
    assert read_header(seal_here(b"v")).connector_id == BUILTIN_CONNECTOR == uuid.UUID(int=0)


def test_random_parts_are_never_reused() -> None:
    class Recorder(OneKey):
        def wrap(self, data_key: bytes, context: bytes) -> bytes:
            seen.append(data_key)
            return super().wrap(data_key, context)

    seen: list[bytes] = []
    for _round in range(50):
        envelope = seal_here(b"the same", Recorder(b""))
        seen += [
            envelope[28:60],
            envelope[NONCE_AT:COMMITMENT_AT],
            envelope[COMMITMENT_AT:LENGTH_AT],
            envelope[BODY_AT:],
        ]
    assert len(set(seen)) == len(seen) == 250


def test_envelope_holds_no_plaintext_value_or_data_key() -> None:
    wrapper = OneKey(b"")
    for size in (40, CHUNK + 40):
        envelope = seal_here(b"canary-0123456789" * (size // 17), wrapper)
        assert b"canary" not in envelope
        assert wrapper.data_key not in envelope


def test_wrapper_gets_the_context() -> None:
    contexts: list[bytes] = []

    class Recorder(OneKey):
        def wrap(self, data_key: bytes, context: bytes) -> bytes:
            contexts.append(context)
            return super().wrap(data_key, context)

        def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
            contexts.append(context)
            return super().unwrap(wrapped, context)

    wrapper = Recorder(b"")
    open_envelope(seal_here(b"v", wrapper), CONTEXT, wrapper=wrapper)
    assert contexts == [CONTEXT.encode()] * 2


@pytest.mark.parametrize("size", [0, 1, 184, 6144, 65535])
def test_wrapped_key_of_any_size_fits(size: int) -> None:
    envelope = handmade(wrapped=bytes(size)).seal(b"v")
    assert open_handmade(envelope) == b"v"


def test_the_largest_value_fits_and_one_byte_more_is_refused() -> None:
    value = bytes(MAX_VALUE)
    assert MAX_VALUE == 10 * 1024 * 1024
    assert open_envelope(seal_here(value), CONTEXT, wrapper=KEY) == value
    for refuse in (lambda: seal_here(value + b"\0"), lambda: check_size(value + b"\0", "The value")):
        with pytest.raises(InvalidInput, match="The value has 10485761 bytes") as caught:
            refuse()
        assert caught.value.code == "value_too_large"
    assert_refused([handmade().seal(value + b"\0")], open_handmade)


# C1: altered envelopes


@pytest.mark.parametrize("wrapper", wrappers(), ids=["scope key", "one key"])
def test_every_flipped_bit_of_a_small_envelope_is_refused(wrapper: DataKeyWrapper) -> None:
    envelope = seal_here(b"a small value", wrapper)
    flipped = (flip(envelope, bit) for bit in sorted(bits_of(envelope, wrapper)))
    assert_refused(flipped, functools.partial(open_envelope, context=CONTEXT, wrapper=wrapper))


@pytest.mark.parametrize("wrapper", wrappers(), ids=["scope key", "one key"])
def test_flipped_bits_of_a_chunked_envelope_are_refused(wrapper: DataKeyWrapper) -> None:
    """Flip every bit of the header and of each chunk's tag, and a sample of the rest."""
    envelope = seal_here(os.urandom(2 * CHUNK + 100), wrapper)
    ends = [BODY_AT + CHUNK + 16, BODY_AT + 2 * (CHUNK + 16), len(envelope)]
    bits = {bit for end in ends for bit in range((end - 16) * 8, end * 8)}
    bits |= {*range(BODY_AT * 8), *range(BODY_AT * 8, len(envelope) * 8, 4999)}
    open_one = functools.partial(open_envelope, context=CONTEXT, wrapper=wrapper)
    assert_refused((flip(envelope, bit) for bit in sorted(bits & bits_of(envelope, wrapper))), open_one)


@pytest.mark.parametrize("size", [0, 20])
def test_every_truncation_is_refused(size: int) -> None:
    envelope = seal_here(bytes(size))
    assert_refused((envelope[:end] for end in range(len(envelope))), lambda e: open_envelope(e, CONTEXT, wrapper=KEY))


def test_truncated_chunked_envelope_is_refused_even_with_corrected_length() -> None:
    envelope = seal_here(bytes(2 * CHUNK + 100))
    ends = [
        *range(BODY_AT, len(envelope), 997),
        *(BODY_AT + n * (CHUNK + 16) + d for n in (1, 2) for d in (-1, 0, 1, 15, 16, 17)),
    ]
    for cut in ([envelope[:end] for end in ends], [with_body(envelope, envelope[BODY_AT:end]) for end in ends]):
        assert_refused(cut, lambda e: open_envelope(e, CONTEXT, wrapper=KEY))


@given(st.binary(min_size=1, max_size=40))
def test_trailing_bytes_are_refused_even_with_corrected_length(tail: bytes) -> None:
    envelope = seal_here(b"value")
    both = [envelope + tail, with_body(envelope, envelope[BODY_AT:] + tail)]
    assert_refused(both, lambda e: open_envelope(e, CONTEXT, wrapper=KEY))


@settings(max_examples=300)
@given(st.binary(max_size=300), st.booleans())
def test_noise_is_refused(noise: bytes, looks_right: bool) -> None:
    envelope = seal_here(b"")[:12] + noise if looks_right else noise
    assert_refused([envelope], lambda e: open_envelope(e, CONTEXT, wrapper=KEY))


@given(st.binary(max_size=100))
def test_the_header_of_noise_is_refused(noise: bytes) -> None:
    assert_refused([noise], lambda e: bytes([read_header(e).generation]))


@pytest.mark.parametrize(
    "changed",
    [
        {"magic": b"SSE2"},
        {"magic": b"sse1"},
        {"number": 0},
        {"number": 2},
        {"suite": 0},
        {"suite": 2},
        {"suite": 256},
        *({"flags": 1 << bit} for bit in range(1, 8)),
    ],
)
def test_unknown_format_suite_or_flag_is_refused_despite_valid_commitment(changed: dict[str, Any]) -> None:
    made = handmade(**changed)
    assert_refused([made.pack(made.encrypt([b"value"]))], open_handmade)
    assert open_handmade(handmade().pack(handmade().encrypt([b"value"]))) == b"value"


# Chunks


def chunked() -> tuple[bytes, list[bytes]]:
    envelope = seal_here(b"".join(bytes([n]) * CHUNK for n in range(3)) + b"end")
    body = envelope[BODY_AT:]
    return envelope, [body[at : at + CHUNK + 16] for at in range(0, len(body), CHUNK + 16)]


@pytest.mark.parametrize(
    "order",
    [
        (1, 0, 2, 3),
        (0, 2, 1, 3),
        (2, 1, 0, 3),
        (0, 0, 1, 2, 3),
        (0, 1, 1, 3),
        (0, 1, 2, 2, 3),
        (0, 1, 2, 3, 3),
        (1, 2, 3),
        (0, 2, 3),
        (0, 1, 3),
        (0, 1, 2),
        (0, 1),
        (0,),
        (3,),
        (),
    ],
)
def test_reordered_repeated_and_dropped_chunks_are_refused(order: tuple[int, ...]) -> None:
    envelope, chunks = chunked()
    moved = with_body(envelope, b"".join(chunks[n] for n in order))
    assert_refused([moved], lambda e: open_envelope(e, CONTEXT, wrapper=KEY))
    whole = with_body(envelope, b"".join(chunks))
    assert open_envelope(whole, CONTEXT, wrapper=KEY).endswith(b"end")


def test_a_chunk_of_another_envelope_is_refused() -> None:
    (envelope, chunks), (_other, others) = chunked(), chunked()
    mixed = (with_body(envelope, b"".join([*chunks[:n], others[n], *chunks[n + 1 :]])) for n in range(4))
    assert_refused(mixed, lambda e: open_envelope(e, CONTEXT, wrapper=KEY))


@pytest.mark.parametrize(
    ("flags", "sizes"),
    [
        (1, [0]),
        (1, [5]),
        (1, [CHUNK]),
        (0, [CHUNK + 1]),
        (1, [CHUNK, 0]),
        (1, [CHUNK, CHUNK, 0]),
        (1, [CHUNK - 1, CHUNK]),
        (1, [CHUNK, 5, CHUNK]),
        (1, [CHUNK + 1]),
    ],
)
def test_non_canonical_chunking_is_refused(flags: int, sizes: list[int]) -> None:
    """Key and commitment are valid, so only the chunking rule can refuse these."""
    made = handmade(flags=flags)
    assert_refused([made.pack(made.encrypt([bytes(size) for size in sizes]))], open_handmade)


def test_wrong_chunk_number_or_last_flag_is_refused() -> None:
    made = handmade(flags=1)
    keys = independent.value_keys(made.data_key, made.salt, made.context)
    for nonces in (
        [b"n" * 7 + bytes([0, 0, 0, n, 0]) for n in range(2)],
        [b"n" * 7 + bytes([0, 0, 0, n, 1]) for n in range(2)],
        [b"n" * 7 + bytes([0, 0, 0, n + 1, n]) for n in range(2)],
        [b"n" * 12] * 2,
    ):
        parts = zip(nonces, [bytes(CHUNK), b"end"], strict=True)
        body = b"".join(AESGCM(keys[0]).encrypt(nonce, part, made.bound + made.context) for nonce, part in parts)
        assert_refused([made.pack(body)], open_handmade)


# C2: moved envelopes


MOVES: list[dict[str, Any]] = [
    {"store_id": "store-2"},
    {"scope_kind": "org"},
    {"scope_id": "scope-2"},
    {"secret_id": "secret-2"},
    {"kind": "file"},
    {"field": "password"},
    {"version": 2},
    {"version": 4},
    {"scope_id": "scope-1s", "secret_id": "ecret-1"},
    {"kind": "value", "field": "text"},
]


@pytest.mark.parametrize("wrapper", wrappers(), ids=["scope key", "one key"])
@pytest.mark.parametrize("move", MOVES, ids=str)
@pytest.mark.parametrize("size", [5, CHUNK + 5])
def test_envelope_opens_in_its_own_context_only(wrapper: DataKeyWrapper, move: dict[str, Any], size: int) -> None:
    envelope = seal_here(bytes(size), wrapper)
    elsewhere = CONTEXT._replace(**move)
    assert_refused([envelope], lambda e: open_envelope(e, elsewhere, wrapper=wrapper))
    assert open_envelope(envelope, CONTEXT, wrapper=wrapper) == bytes(size)


def test_moves_cover_every_context_field() -> None:
    assert {name for move in MOVES for name in move} == set(Context._fields)


def test_envelope_of_another_connector_is_refused_before_unwrapping() -> None:
    asked: list[bytes] = []

    class Recorder(OneKey):
        def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
            asked.append(wrapped)
            return super().unwrap(wrapped, context)

    wrapper = Recorder(b"")
    built_in, kms = seal_here(b"v", wrapper), seal_here(b"v", wrapper, connector_id=KMS)
    other = uuid.UUID(int=KMS.int ^ 1)
    for envelope, connector in [(kms, other), (kms, BUILTIN_CONNECTOR), (built_in, KMS)]:
        assert_refused(
            [envelope], functools.partial(open_envelope, context=CONTEXT, wrapper=wrapper, connector_id=connector)
        )
    assert asked == []


def test_overwritten_connector_is_refused() -> None:
    """The header is edited to name the requested connector, but the commitment covers the original one."""
    wrapper = OneKey(b"")
    envelope = seal_here(b"v", wrapper, connector_id=KMS)
    assert open_envelope(envelope, CONTEXT, wrapper=wrapper, connector_id=KMS) == b"v"
    assert_refused([envelope[:12] + bytes(16) + envelope[28:]], lambda e: open_envelope(e, CONTEXT, wrapper=wrapper))


@pytest.mark.parametrize(
    "key", [ScopeKey("scope-2", 2, KEY.export()), ScopeKey("scope-1", 1, KEY.export()), ScopeKey.generate("scope-1", 2)]
)
def test_other_scope_generation_or_key_is_refused(key: ScopeKey) -> None:
    assert_refused([seal_here(b"v")], lambda e: open_envelope(e, CONTEXT, wrapper=key))


# Rewrapping: the data key moves to another key, the value stays encrypted


NEXT = ScopeKey("scope-1", 3, hashlib.sha256(b"the next scope key").digest())


@pytest.mark.parametrize("size", [0, 5, 2 * CHUNK + 5])
def test_rewrapped_envelope_opens_with_the_new_key_only(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    value = os.urandom(size)
    envelope = seal_here(value)
    with monkeypatch.context() as patched:
        patched.setattr(envelope_module, "decrypt", None)
        patched.setattr(envelope_module, "encrypt", None)
        rewrapped = rewrap(envelope, CONTEXT, old=KEY, new=NEXT)
    assert open_envelope(rewrapped, CONTEXT, wrapper=NEXT) == value
    assert_refused([rewrapped], lambda e: open_envelope(e, CONTEXT, wrapper=KEY))
    assert read_header(rewrapped).generation == NEXT.generation
    assert rewrapped[NONCE_AT:] == envelope[NONCE_AT:]
    wrap_key = independent.scope_subkey(NEXT.export(), "wrap data keys", "scope-1", 3)
    assert independent.open_envelope(rewrapped, CONTEXT.encode(), wrap_key) == value


def test_rewrapping_may_change_the_wrapped_key_length() -> None:
    wrapper = OneKey(b"")
    short = handmade(data_key=b"k" * 32, wrapped=b"short").seal(b"value")
    rewrapped = rewrap(short, CONTEXT, old=OneKey(b"k" * 32), new=wrapper)
    assert open_envelope(rewrapped, CONTEXT, wrapper=wrapper) == b"value"
    assert len(rewrapped) == len(short) + 55


def test_every_flipped_bit_of_a_rewrapped_envelope_is_refused() -> None:
    envelope = rewrap(seal_here(b"a small value"), CONTEXT, old=KEY, new=NEXT)
    flipped = (flip(envelope, bit) for bit in range(len(envelope) * 8))
    assert_refused(flipped, lambda e: open_envelope(e, CONTEXT, wrapper=NEXT))


def test_envelope_with_damaged_header_is_not_rewrapped() -> None:
    envelope = seal_here(b"a small value")
    flipped = (flip(envelope, bit) for bit in range(LENGTH_AT * 8))
    assert_refused(flipped, lambda e: rewrap(e, CONTEXT, old=KEY, new=NEXT))


def test_envelope_is_rewrapped_in_its_own_context_only() -> None:
    envelope = seal_here(b"v", connector_id=KMS)
    for elsewhere, connector in [(CONTEXT, BUILTIN_CONNECTOR), *((CONTEXT._replace(**move), KMS) for move in MOVES)]:
        again = functools.partial(rewrap, context=elsewhere, old=KEY, new=NEXT, connector_id=connector)
        assert_refused([envelope], again)
    assert_refused([envelope], lambda e: rewrap(e, CONTEXT, old=NEXT, new=NEXT, connector_id=KMS))


# C3: ciphertexts that open under two keys


def test_the_field_arithmetic_is_right() -> None:
    one = 1 << 127
    for number in (one, 3, hashlib_int(b"a"), hashlib_int(b"b")):
        assert multiply(number, one) == number
        assert multiply(number, invert(number)) == one
    assert multiply(hashlib_int(b"a"), hashlib_int(b"b")) == multiply(hashlib_int(b"b"), hashlib_int(b"a"))


def hashlib_int(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:16], "big")


def test_two_key_ciphertext_opens_under_the_committed_key_only() -> None:
    data_keys = (b"1" * 32, b"2" * 32)
    first, second = (handmade(data_key=data_key) for data_key in data_keys)
    keys = [independent.value_keys(data_key, first.salt, first.context)[0] for data_key in data_keys]
    associated = first.bound + first.context
    body = two_key_ciphertext(keys[0], keys[1], first.nonce, associated, b"any 16 bytes ok!" * 3)

    bare = [AESGCM(key).decrypt(first.nonce, body, associated) for key in keys]
    assert bare[0] != bare[1]
    assert len(bare[0]) == len(bare[1]) == 64

    for made, own, foreign in ((first, 0, 1), (second, 1, 0)):
        envelope = made.pack(body)
        assert open_envelope(envelope, CONTEXT, wrapper=OneKey(data_keys[own])) == bare[own]
        assert_refused(
            [envelope], functools.partial(open_envelope, context=CONTEXT, wrapper=OneKey(data_keys[foreign]))
        )


def test_the_commitment_is_checked_before_anything_is_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    decrypted: list[bytes] = []

    def note(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        decrypted.append(data)
        return primitives.decrypt(key, nonce, data, associated)

    monkeypatch.setattr(envelope_module, "decrypt", note)
    wrapper = OneKey(b"")
    envelope = seal_here(b"value", wrapper)
    flipped = [flip(envelope, bit) for bit in sorted(bits_of(envelope[:LENGTH_AT], wrapper))]
    assert_refused(flipped, lambda e: open_envelope(e, CONTEXT, wrapper=wrapper))
    assert decrypted == []
    open_envelope(envelope, CONTEXT, wrapper=wrapper)
    assert decrypted == [envelope[BODY_AT:]]


# C5: every envelope ever written stays readable


def value_of(recipe: dict[str, Any]) -> bytes:
    return str(recipe["text"]).encode() * int(recipe["times"])


def made_from(vector: dict[str, Any]) -> bytes:
    """Return a vector's envelope, stored or rebuilt from its random parts."""
    if "envelope" in vector:
        return base64.b64decode("".join(vector["envelope"]))
    parts = {name: bytes.fromhex(text) for name, text in vector["random"].items()}
    context = independent.fields(1, *vector["context"].values())
    wrap_key = independent.scope_subkey(key_of(vector).export(), "wrap data keys", **vector["scope_key"]["names"])
    wrapped = independent.wrap(wrap_key, parts["wrap_nonce"], parts["data_key"], context)
    generation = vector["scope_key"]["names"]["generation"]
    made = independent.Envelope(parts["data_key"], wrapped, context, parts["salt"], parts["nonce"], generation)
    return made.seal(value_of(vector["value"]))


def key_of(vector: dict[str, Any]) -> ScopeKey:
    return ScopeKey(**vector["scope_key"]["names"], key=bytes.fromhex(vector["scope_key"]["hex"]))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_known_envelopes_open(vector: dict[str, Any]) -> None:
    envelope = made_from(vector)
    assert hashlib.sha256(envelope).hexdigest() == vector["sha256"]
    value = open_envelope(envelope, Context(**vector["context"]), wrapper=key_of(vector))
    assert value == value_of(vector["value"])
    assert read_header(envelope).generation == key_of(vector).generation


@pytest.mark.parametrize("vector", [v for v in VECTORS if "random" in v], ids=lambda vector: vector["name"])
def test_the_same_random_parts_give_the_same_envelope(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """`seal` reproduces the known bytes if os.urandom returns the vector's random parts."""
    order = ("data_key", "salt", "nonce", "wrap_nonce")
    drawn = iter([bytes.fromhex(vector["random"][name]) for name in order])

    def draw(size: int) -> bytes:
        part = next(drawn)
        assert len(part) == size
        return part

    key, context, value = key_of(vector), Context(**vector["context"]), value_of(vector["value"])
    with monkeypatch.context() as patched:
        patched.setattr(os, "urandom", draw)
        envelope = seal(value, context, wrapper=key)
    assert hashlib.sha256(envelope).hexdigest() == vector["sha256"]


def test_vectors_cover_chunk_boundaries() -> None:
    sizes = {len(value_of(vector["value"])) for vector in VECTORS}
    assert {0, CHUNK, CHUNK + 1} <= sizes
    assert max(sizes) > 2 * CHUNK
