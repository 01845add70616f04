# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys: all formats are read, ssh-keygen accepts what is handed out, and anything else is refused by name."""

from __future__ import annotations

import base64
import contextlib
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import replace

import cryptography
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import keys
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.key_forms import recognise
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.keys import (
    PrivateKey,
    generate_key,
    handed_out,
    read_key,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    InvalidInput,
    MissingLibrary,
    ScopedSecretsError,
)
from ansible_collections.scoped.secrets.tests.unit.credentials.key_files import (
    COMMENT,
    PASSPHRASE,
    KeyFile,
    key_file,
    made,
    openssl,
    rewritten,
    ssh_keygen,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("quick_seals")

WRONG = b"tr0ub4dor&3"
WHAT = "The private key of 'deploy'"
FORMS = [
    f"{kind} {form}"
    for kind in ("rsa", "prime256v1", "secp384r1", "secp521r1")
    for form in ("pkcs8", "pkcs8 encrypted", "traditional", "traditional encrypted", "openssh", "openssh encrypted")
] + ["ed25519 pkcs8", "ed25519 pkcs8 encrypted", "ed25519 openssh", "ed25519 openssh encrypted"]
BITS = {"rsa": 1024, "prime256v1": 256, "secp384r1": 384, "secp521r1": 521, "ed25519": 256}
FROM_PEM = [form for form in FORMS if "openssh" not in form]


def file_of(name: str) -> KeyFile:
    return key_file(name)


def read(file: KeyFile) -> PrivateKey:
    return read_key(file.content, PASSPHRASE if file.encrypted else None, WHAT)


def refusal(content: bytes, passphrase: bytes | None = None) -> InvalidInput:
    """Return the error raised for `content`; check that it quotes none of it and has a hint."""
    with pytest.raises(InvalidInput) as caught:
        read_key(content, passphrase, WHAT)
    error = caught.value
    assert error.message.startswith(WHAT)
    assert error.hint
    shown = f"{error.to_dict()}".encode()
    pieces = [line for line in content.split(b"\n") if len(line) > 20 and not line.startswith((b"--", b"Proc", b"DEK"))]
    assert not [piece for piece in pieces if piece in shown]
    assert not (passphrase and passphrase in shown)
    assert caught.value.__cause__ is None
    return error


# Reading


@pytest.mark.parametrize("name", FORMS)
def test_every_format_is_read_correctly(name: str) -> None:
    file = file_of(name)
    key = read(file)
    assert key.public_line.split()[:2] == file.public.split()[:2]
    assert (key.bits, key.was_encrypted) == (BITS[name.split()[0]], file.encrypted)
    assert key.type == {"rsa": "rsa", "ed25519": "ed25519"}.get(name.split()[0], "ecdsa")


@pytest.mark.parametrize("name", FORMS)
def test_ssh_keygen_agrees_on_what_was_read(name: str) -> None:
    key = read(file_of(name))
    bits, fingerprint, *_comment, kind = ssh_keygen(key.openssh, "-l").split()
    assert (int(bits), fingerprint, kind) == (key.bits, key.fingerprint, f"({key.type.upper()})")
    assert ssh_keygen(key.openssh, "-y", "-P", "") == key.public_line


@pytest.mark.parametrize("words", [("-N", ""), ("-N", PASSPHRASE.decode())])
def test_the_comment_of_an_openssh_key_is_kept(words: tuple[str, ...]) -> None:
    key = read_key(made("-t", "ed25519", *words), PASSPHRASE, WHAT)
    assert key.public_line.endswith(f" {COMMENT}")
    assert ssh_keygen(key.openssh, "-y", "-P", "") == key.public_line


@pytest.mark.parametrize("cipher", ["aes128-ctr", "aes192-ctr", "aes128-cbc", "aes256-cbc", "aes256-gcm@openssh.com"])
def test_all_supported_ciphers_are_read(cipher: str) -> None:
    content = made("-t", "ed25519", "-N", PASSPHRASE.decode(), "-Z", cipher)
    key = read_key(content, PASSPHRASE, WHAT)
    assert ssh_keygen(content, "-y", "-P", PASSPHRASE.decode()) == key.public_line
    assert refusal(content, WRONG).code == "wrong_key_passphrase"


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.rstrip(b"\n"),
        lambda text: b"\n\n \t\n" + text + b"\n \n\n",
        lambda text: b"".join(b"    " + line + b"  \n" for line in text.splitlines()),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"Bag Attributes\n    friendlyName: us\n" + text,
    ],
)
@pytest.mark.parametrize("name", ["rsa traditional encrypted", "secp384r1 traditional", "ed25519 openssh", "rsa pkcs8"])
def test_blanks_and_line_ends_do_not_matter(name: str, changed: Callable[[bytes], bytes]) -> None:
    file = file_of(name)
    assert read(file._replace(content=changed(file.content))) == read(file)


def test_a_certificate_beside_the_key_does_not_matter() -> None:
    file = file_of("rsa pkcs8")
    certificate = openssl("req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=us", stdin=file.content)
    assert read_key(certificate + file.content, None, WHAT) == read(file)


@pytest.mark.parametrize("name", ["rsa pkcs8", "ed25519 openssh"])
def test_a_passphrase_for_a_key_without_one_is_ignored(name: str) -> None:
    assert read_key(file_of(name).content, b"needless", WHAT) == read(file_of(name))


def test_a_key_does_not_show_itself() -> None:
    key = read(file_of("ed25519 openssh"))
    assert "PRIVATE" not in repr(key)
    assert base64.b64encode(b"openssh-key-v1")[:8].decode() not in repr(key)


# Handing out


@pytest.mark.parametrize("name", FORMS)
def test_ssh_keygen_accepts_what_is_handed_out_with_the_same_passphrase(name: str) -> None:
    file = file_of(name)
    out = handed_out(file.content, PASSPHRASE if file.encrypted else None, WHAT)
    assert out.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert out.endswith(b"-----END OPENSSH PRIVATE KEY-----\n")
    words = "-P", PASSPHRASE.decode() if file.encrypted else ""
    assert ssh_keygen(out, "-y", *words).split()[:2] == file.public.split()[:2]
    assert read_key(out, PASSPHRASE, WHAT).was_encrypted == file.encrypted


@pytest.mark.parametrize("name", ["ed25519 openssh", "rsa openssh encrypted"])
def test_an_openssh_key_is_handed_out_unchanged(name: str) -> None:
    content = file_of(name).content
    assert handed_out(content, None, WHAT) == content
    assert handed_out(content.replace(b"\n", b"\r\n").rstrip(), None, WHAT) == content


@pytest.mark.parametrize("name", [form for form in FROM_PEM if form.endswith("encrypted")])
def test_converting_an_encrypted_key_needs_its_passphrase(name: str) -> None:
    for passphrase, code in ((None, "key_passphrase_missing"), (WRONG, "wrong_key_passphrase")):
        with pytest.raises(InvalidInput) as caught:
            handed_out(file_of(name).content, passphrase, WHAT)
        assert caught.value.code == code


# Generating


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_ssh_keygen_accepts_a_new_key(passphrase: bytes | None) -> None:
    content = generate_key("ed25519", 0, COMMENT, passphrase)
    line = ssh_keygen(content, "-y", "-P", (passphrase or b"").decode())
    assert line == read_key(content, passphrase, WHAT).public_line
    assert line.startswith("ssh-ed25519 ")
    assert line.endswith(f" {COMMENT}")
    assert content != generate_key("ed25519", 0, COMMENT, passphrase)


def test_ssh_keygen_refuses_a_new_key_with_another_passphrase() -> None:
    content = generate_key("ed25519", 256, "", PASSPHRASE)
    assert refusal(content, WRONG).code == "wrong_key_passphrase"
    with pytest.raises(Exception, match="ssh-keygen"):
        ssh_keygen(content, "-y", "-P", WRONG.decode())


def test_a_new_rsa_key_has_the_requested_size() -> None:
    key = read_key(generate_key("rsa", 2048, COMMENT, None), None, WHAT)
    assert (key.type, key.bits) == ("rsa", 2048)
    assert ssh_keygen(key.openssh, "-y") == key.public_line
    assert keys.DEFAULT_RSA_BITS == 3072


@pytest.mark.parametrize(
    ("type", "bits", "comment"),
    [
        ("dsa", 0, ""),
        ("rsa", 2047, ""),
        ("rsa", 16385, ""),
        ("rsa", -1, ""),
        ("ed25519", 512, ""),
        ("ed25519", 0, "one\nssh-rsa AAAA another"),
    ],
)
def test_invalid_requests_for_a_key_are_refused(type: str, bits: int, comment: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        generate_key(type, bits, comment, None)
    assert (caught.value.code, bool(caught.value.hint)) == ("invalid_generate", True)


# Refusing


PPK = b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: us\nPublic-Lines: 2\n"


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "empty_private_key", "empty"),
        (b" \r\n\t", "empty_private_key", "empty"),
        (PPK, "putty_key", "puttygen KEY.ppk -O private-openssh"),
        (b"hunter2", "no_private_key", "BEGIN"),
        (
            b"-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----\n",
            "no_private_key",
            "BEGIN",
        ),
        (b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0\0", "unsupported_key", "no longer"),
        (b"\x30\x82\x01\x00\xff\xfe", "no_private_key", "openssl pkey -inform DER"),
        (b"x" * 65537, "no_private_key", "larger"),
        (b"-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----", "unsupported_key", "DSA"),
        (b"-----BEGIN ANY PRIVATE KEY-----\nMIIB\n-----END ANY PRIVATE KEY-----", "unsupported_key", "PKCS#8"),
    ],
)
def test_content_other_than_a_private_key(content: bytes, code: str, says: str) -> None:
    error = refusal(content)
    assert (error.code, says in str(error)) == (code, True)


def test_a_public_key_in_any_form() -> None:
    for name in ("rsa pkcs8", "ed25519 openssh"):
        file = file_of(name)
        assert refusal(f"{file.public} us\n".encode()).code == "public_key_given"
        assert refusal(ssh_keygen(read(file).openssh, "-e").encode()).code == "public_key_given"
    pem = openssl("pkey", "-pubout", stdin=file_of("rsa pkcs8").content)
    assert refusal(pem).code == "public_key_given"
    assert refusal(openssl("rsa", "-pubin", "-RSAPublicKey_out", stdin=pem)).code == "public_key_given"


def test_a_certificate_of_either_kind() -> None:
    key = file_of("rsa pkcs8").content
    assert (
        refusal(openssl("req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=us", stdin=key)).code == "certificate_given"
    )
    line = b"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAA us"
    assert refusal(line).code == "certificate_given"


@pytest.mark.parametrize("name", [form for form in FORMS if form.endswith("encrypted")])
def test_a_missing_or_wrong_passphrase(name: str) -> None:
    content = file_of(name).content
    assert refusal(content).code == "key_passphrase_missing"
    assert refusal(content, b"").code == "key_passphrase_missing"
    assert refusal(content, WRONG).code == "wrong_key_passphrase"


@pytest.mark.parametrize(
    "words",
    [
        ("ecparam", "-name", "secp256k1", "-genkey", "-noout"),
        ("genpkey", "-algorithm", "ed448"),
        ("genpkey", "-algorithm", "x25519"),
        ("dsaparam", "-genkey", "-noout", "1024"),
        ("genpkey", "-algorithm", "SM2"),
    ],
)
def test_a_curve_or_key_type_that_openssh_does_not_support(words: tuple[str, ...]) -> None:
    content = openssl(*words)
    assert refusal(content).code == "unsupported_key"
    assert refusal(openssl("pkcs8", "-topk8", "-nocrypt", stdin=content)).code == "unsupported_key"


def test_a_short_rsa_key() -> None:
    error = refusal(openssl("genrsa", "1023"))
    assert (error.code, "1023 bits" in error.message) == ("weak_private_key", True)
    read_key(openssl("genrsa", "1024"), None, WHAT)


def of_type(name: bytes, count: int = 1) -> bytes:
    """Return a container in OpenSSH format that holds only a key's type."""
    public = len(name).to_bytes(4, "big") + name
    head = b"openssh-key-v1\0" + b"\0\0\0\x04none" * 2 + bytes(4) + count.to_bytes(4, "big")
    blob = base64.b64encode(head + len(public).to_bytes(4, "big") + public + b"\0\0\0\x08" + bytes(8))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n" % blob


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (b"sk-ssh-ed25519@openssh.com", "hardware_key"),
        (b"sk-ecdsa-sha2-nistp256@openssh.com", "hardware_key"),
        (b"ssh-dss", "unsupported_key"),
        (b"ssh-xmss@openssh.com", "unsupported_key"),
        (b"ssh-rsa", "damaged_private_key"),
        (b"\xff", "damaged_private_key"),
    ],
)
def test_unsupported_types_in_openssh_format(name: bytes, code: str) -> None:
    assert refusal(of_type(name)).code == code


def test_several_keys() -> None:
    one, other = file_of("rsa pkcs8").content, file_of("ed25519 openssh").content
    assert refusal(one + other).code == "several_private_keys"
    assert refusal(one + other[:-40]).code == "several_private_keys"
    assert refusal(of_type(b"ssh-ed25519", 2)).code == "several_private_keys"


def test_an_unsupported_cipher() -> None:
    content = made("-t", "ed25519", "-N", PASSPHRASE.decode(), "-Z", "chacha20-poly1305@openssh.com")
    error = refusal(content, PASSPHRASE)
    assert error.code == "unknown_key_cipher"
    assert "ssh-keygen -p -Z aes256-ctr" in error.hint
    assert read_key(
        rewritten(content, "-Z", "aes256-ctr", "-P", PASSPHRASE.decode(), "-N", PASSPHRASE.decode()), PASSPHRASE, WHAT
    )


@pytest.mark.parametrize("name", FORMS)
def test_a_truncated_or_folded_key(name: str) -> None:
    file = file_of(name)
    passphrase = PASSPHRASE if file.encrypted else None
    lines = file.content.splitlines(keepends=True)
    assert refusal(b"".join(lines[:-1]), passphrase).code == "damaged_private_key"
    assert refusal(b" ".join(file.content.splitlines()), passphrase).code == "damaged_private_key"
    middle = refusal(b"".join(lines[:-3] + lines[-1:]), passphrase).code
    # A wrong passphrase and damage look the same when decryption fails.
    assert middle in ({"damaged_private_key", "wrong_key_passphrase"} if file.encrypted else {"damaged_private_key"})


def test_damage_that_makes_the_library_panic() -> None:
    content = re.sub(rb"(DEK-Info: [^,]+,)\w+", rb"\g<1>0011", file_of("rsa traditional encrypted").content)
    assert refusal(content, PASSPHRASE).code == "wrong_key_passphrase"


# Missing libraries


@pytest.mark.parametrize(
    ("name", "library", "code"),
    [("rsa pkcs8", "cryptography", "missing_cryptography"), ("rsa openssh encrypted", "bcrypt", "missing_bcrypt")],
)
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, name: str, library: str, code: str) -> None:
    file = file_of(name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary) as caught:
        read(file)
    assert (caught.value.code, f"pip install '{library}" in caught.value.hint) == (code, True)


def test_an_openssh_key_is_handed_out_without_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of("rsa openssh encrypted")
    for library in ("cryptography", "bcrypt"):
        monkeypatch.setitem(sys.modules, library, None)
    assert handed_out(file.content, None, WHAT) == file.content


# Arbitrary input


def is_read_or_refused(content: bytes, passphrase: bytes | None) -> None:
    """Fail on any exception other than ours."""
    for call in (read_key, handed_out):
        with contextlib.suppress(ScopedSecretsError):
            assert call(content, passphrase, WHAT)


@given(content=st.binary(max_size=300), passphrase=st.none() | st.binary(max_size=80))
def test_any_bytes(content: bytes, passphrase: bytes | None) -> None:
    is_read_or_refused(content, passphrase)


@given(
    label=st.sampled_from(
        ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
    ),
    blob=st.binary(max_size=300),
    magic=st.sampled_from(
        [b"", b"openssh-key-v1\0", b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01"]
    ),
)
def test_any_bytes_in_an_envelope(label: str, blob: bytes, magic: bytes) -> None:
    body = base64.encodebytes(magic + blob)
    is_read_or_refused(f"-----BEGIN {label}-----\n".encode() + body + f"-----END {label}-----\n".encode(), b"any")


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from([form for form in FORMS if not form.endswith("openssh encrypted")]), data=st.data())
def test_any_change_to_a_key(name: str, data: st.DataObject) -> None:
    content = bytearray(file_of(name).content)
    for _change in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=3))
        content = content or bytearray(b"\n")
    is_read_or_refused(bytes(content), PASSPHRASE)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["rsa openssh", "ed25519 openssh", "secp521r1 openssh", "rsa pkcs8", "secp384r1 traditional"]),
    data=st.data(),
)
def test_any_change_within_a_key(name: str, data: st.DataObject) -> None:
    first, *body, last = file_of(name).content.split(b"-----BEGIN")[-1].strip().splitlines()
    blob = bytearray(base64.b64decode(b"".join(body)))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    is_read_or_refused(b"\n".join([b"-----BEGIN" + first, base64.b64encode(blob), last]), None)


# Limits, damage and interruptions


FORMATS = {
    "traditional": serialization.PrivateFormat.TraditionalOpenSSL,
    "pkcs8": serialization.PrivateFormat.PKCS8,
    "openssh": serialization.PrivateFormat.OpenSSH,
}


def of_no_primes(bits: int, form: str, passphrase: bytes | None) -> bytes:
    """Return an RSA key whose numbers are no primes: a library that checks them refuses it as damaged."""
    p, q = (secrets.randbits(bits // 2) | 1 | 3 << (bits // 2 - 2) for _number in range(2))
    d = secrets.randbits(bits - 2) | 1
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), public)
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    return key.private_bytes(serialization.Encoding.PEM, FORMATS[form], protection)


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
@pytest.mark.parametrize("form", FORMATS)
def test_an_rsa_key_that_is_too_long_is_refused_before_its_primes_are_looked_at(
    form: str, passphrase: bytes | None
) -> None:
    error = refusal(of_no_primes(16386, form, passphrase), passphrase)
    assert (error.code, "at most 16384 bits" in error.message) == ("unsupported_key", True)


@pytest.mark.parametrize("form", FORMATS)
def test_an_rsa_key_of_other_numbers_than_primes_is_damaged(form: str) -> None:
    assert refusal(of_no_primes(2048, form, None)).code == "damaged_private_key"


def test_a_curve_that_openssh_does_not_support_in_an_encrypted_key() -> None:
    secret = ("-passout", f"pass:{PASSPHRASE.decode()}")
    content = openssl("pkcs8", "-topk8", *secret, stdin=openssl("genpkey", "-algorithm", "SM2"))
    assert refusal(content, PASSPHRASE).code == "unsupported_key"


@pytest.mark.skipif(int(cryptography.__version__.partition(".")[0]) < 45, reason="older releases know these ciphers")
@pytest.mark.parametrize(
    "words", [("pkcs8", "-topk8", "-v2", "camellia-256-cbc"), ("rsa", "-traditional", "-camellia128")]
)
def test_a_cipher_that_the_library_does_not_know(words: tuple[str, ...]) -> None:
    content = openssl(*words, "-passout", f"pass:{PASSPHRASE.decode()}", stdin=file_of("rsa traditional").content)
    error = refusal(content, PASSPHRASE)
    assert (error.code, "openssl pkcs8 -topk8" in error.hint) == ("unknown_key_cipher", True)


def test_impossible_parameters_of_the_encryption() -> None:
    container = recognise(file_of("ed25519 openssh encrypted").content, WHAT).container
    assert container
    damaged = replace(container, kdf_options=container.kdf_options[:-4] + bytes(4))
    error = refusal(damaged.text(), PASSPHRASE)
    assert (error.code, "encryption parameters" in error.message) == ("damaged_private_key", True)


def test_a_comment_that_is_no_text_is_left_out() -> None:
    key = read_key(made("-t", "ed25519", "-N", "", "-C", "\udcff"), None, WHAT)
    assert len(key.public_line.split()) == 2


def test_an_interruption_is_not_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_given: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serialization, "load_pem_private_key", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(file_of("rsa pkcs8"))
