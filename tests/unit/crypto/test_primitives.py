"""The cryptographic primitives: published test vectors, and errors when the library is missing."""

from __future__ import annotations

import hmac
import subprocess
import sys
from collections.abc import Callable

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto import primitives
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.primitives import (
    AuthenticationFailed,
    argon2id,
    decrypt,
    encrypt,
    hkdf_sha512,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import MissingLibrary
from cryptography.exceptions import UnsupportedAlgorithm

PACKAGE = "ansible_collections.scoped.secrets.plugins.module_utils.crypto"
WITHOUT_LIBRARY = f"""
import sys
sys.modules["cryptography"] = None
from {PACKAGE} import context, encoding, envelope, rootkey, scopekey
from {PACKAGE.removesuffix("crypto")}model.errors import MissingLibrary
uses = [
    lambda: scopekey.ScopeKey.generate("s", 1).wrap(b"k" * 32, b""),
    lambda: scopekey.ScopeKey.generate("s", 1).unwrap(b"k" * 60, b""),
    lambda: scopekey.ScopeKey.generate("s", 1).row_tag("t"),
    lambda: rootkey.RootKey(b"k" * 32, "x").key_id,
    lambda: rootkey.from_passphrase("correct horse", salt=b"s" * 16, memory_kib=64 * 1024, iterations=3, lanes=4),
]
for use in uses:
    try:
        use()
    except MissingLibrary as error:
        print(error.code, error)
"""


def test_imports_without_the_library_and_each_use_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_LIBRARY], capture_output=True, text=True, check=True)
    line = (
        "missing_cryptography The Python library 'cryptography>=44' is needed by the built-in secret manager, but "
        "it is not installed. Install it where ansible-playbook runs: pip install 'cryptography>=44'"
    )
    assert done.stdout.splitlines() == [line] * 5


@pytest.mark.parametrize(
    "use",
    [
        lambda: encrypt(bytes(32), bytes(12), b"", b""),
        lambda: decrypt(bytes(32), bytes(12), b"", b""),
        lambda: hkdf_sha512(b"", b""),
        lambda: argon2id(b"p", b"s" * 16, memory_kib=64, iterations=1, lanes=1),
    ],
    ids=["encrypt", "decrypt", "hkdf", "argon2"],
)
def test_each_primitive_needs_the_library(use: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "_IS_INSTALLED", False)
    with pytest.raises(MissingLibrary) as caught:
        use()
    assert caught.value.code == "missing_cryptography"


@pytest.mark.parametrize("is_old", [False, True])
def test_library_without_argon2_is_reported(monkeypatch: pytest.MonkeyPatch, is_old: bool) -> None:
    def refuse(**_rest: object) -> None:
        raise UnsupportedAlgorithm("no Argon2id in this OpenSSL")

    if is_old:
        monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.kdf.argon2", None)
    else:
        monkeypatch.setattr("cryptography.hazmat.primitives.kdf.argon2.Argon2id", refuse)
    with pytest.raises(MissingLibrary, match="lacks Argon2id") as caught:
        argon2id(b"p", b"s" * 16, memory_kib=64, iterations=1, lanes=1)
    assert caught.value.code == "missing_argon2"


def test_argon2id_gives_32_bytes() -> None:
    made = argon2id(b"p", b"s" * 16, memory_kib=64, iterations=1, lanes=1)
    assert (len(made), made) == (32, argon2id(b"p", b"s" * 16, memory_kib=64, iterations=1, lanes=1))


def test_aes_256_gcm_gives_the_published_ciphertext() -> None:
    """Test case 16 of McGrew and Viega, The Galois/Counter Mode of Operation."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
    )
    assert encrypt(key, nonce, plain, associated) == sealed
    assert decrypt(key, nonce, sealed, associated) == plain


@pytest.mark.parametrize("data", [b"", b"short", bytes(16), bytes(40)])
def test_invalid_ciphertext_is_refused(data: bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        decrypt(b"k" * 32, b"n" * 12, data, b"")


def test_hkdf_matches_a_derivation_by_hand() -> None:
    """RFC 5869 with SHA-512: extract and two rounds of expand, using the standard library."""
    extracted = hmac.digest(b"salt", b"key", "sha512")
    first = hmac.digest(extracted, b"info\1", "sha512")
    second = hmac.digest(extracted, first + b"info\2", "sha512")
    assert hkdf_sha512(b"key", b"info", salt=b"salt", length=100) == (first + second)[:100]
    unsalted = hmac.digest(hmac.digest(bytes(64), b"key", "sha512"), b"info\1", "sha512")
    assert hkdf_sha512(b"key", b"info") == unsalted[:32]


@pytest.mark.parametrize("wrong", [{"memory_kib": 2**40}, {"memory_kib": 0}, {"iterations": 0}, {"lanes": 0}])
def test_argon2_parameters_out_of_range_are_a_value_error(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        primitives.argon2id(b"p", b"s" * 16, **{"memory_kib": 64, "iterations": 1, "lanes": 1, **wrong})
