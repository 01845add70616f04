# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys in every format, as ssh-keygen and openssl write them, and what ssh-keygen says about a key."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

PASSPHRASE = b"correct horse"
COMMENT = "deploy of us all"
# One round to derive a key from a passphrase.
_QUICK = ("-a", "1")
_SECRET = ("-passout", f"pass:{PASSPHRASE.decode()}")


class KeyFile(NamedTuple):
    """A private key; `public` is its public line without a comment, found without the code under test."""

    content: bytes
    public: str
    encrypted: bool = False


def run(*command: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def openssl(*words: str, stdin: bytes = b"") -> bytes:
    return run("openssl", *words, stdin=stdin)


def ssh_keygen(content: bytes, *words: str) -> str:
    """Return the output of ssh-keygen for a key."""
    return _keygen(content, words)[0]


def rewritten(content: bytes, *words: str) -> bytes:
    """Return the key as `ssh-keygen -p` writes it."""
    return _keygen(content, ("-p", *_QUICK, *words))[1]


def _keygen(content: bytes, words: tuple[str, ...]) -> tuple[str, bytes]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "key"
        file.touch(mode=0o600)
        file.write_bytes(content)
        return run("ssh-keygen", *words, "-f", str(file)).decode().strip(), file.read_bytes()


@cache
def made(*words: str) -> bytes:
    """Return a new key from ssh-keygen."""
    return new_key(*_QUICK, *words)


def new_key(*words: str) -> bytes:
    """Return a new key from ssh-keygen, with as many rounds as it chooses."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "key"
        run("ssh-keygen", "-q", "-C", COMMENT, "-f", str(file), *words)
        return file.read_bytes()


@cache
def _public(kind: str) -> str:
    """Return the public line of the key that openssl made."""
    public = openssl("pkey", "-pubout", stdin=_pkcs8(kind))
    details = openssl("pkey", "-pubin", "-noout", "-text", stdin=public)
    if b"ED25519" in details:
        point = openssl("pkey", "-pubin", "-outform", "DER", stdin=public)[-32:]
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + point
        return f"ssh-ed25519 {base64.b64encode(blob).decode()}"
    return ssh_keygen(public, "-i", "-m", "PKCS8")


@cache
def _traditional(kind: str) -> bytes:
    """Return a new key, except an ed25519 key, which this format does not have."""
    if kind == "rsa":
        # The smallest that OpenSSH reads: checking a larger one takes long.
        return openssl("genrsa", "-traditional", "1024")
    # This includes a block of parameters before the key.
    return openssl("ecparam", "-name", kind, "-genkey")


@cache
def _pkcs8(kind: str) -> bytes:
    if kind == "ed25519":
        return openssl("genpkey", "-algorithm", "ed25519")
    return openssl("pkcs8", "-topk8", "-nocrypt", stdin=_traditional(kind))


def _sealed_pkcs8(kind: str) -> bytes:
    return openssl("pkcs8", "-topk8", *_SECRET, stdin=_pkcs8(kind))


def _sealed_traditional(kind: str) -> bytes:
    tool = ("rsa", "-traditional") if kind == "rsa" else ("ec",)
    return openssl(*tool, "-aes128", *_SECRET, stdin=_traditional(kind))


def _openssh(kind: str, passphrase: str = "") -> bytes:
    if kind == "ed25519":
        return made("-t", kind, "-N", passphrase)
    return rewritten(_traditional(kind), "-N", passphrase)


_FORMS: dict[str, Callable[[str], bytes]] = {
    "pkcs8": _pkcs8,
    "pkcs8 encrypted": _sealed_pkcs8,
    "traditional": _traditional,
    "traditional encrypted": _sealed_traditional,
    "openssh": _openssh,
    "openssh encrypted": partial(_openssh, passphrase=PASSPHRASE.decode()),
}


@cache
def key_file(name: str) -> KeyFile:
    """Return a key of a type in a format, such as `rsa traditional encrypted`."""
    kind, _space, form = name.partition(" ")
    content = _FORMS[form](kind)
    if name.startswith("ed25519 openssh"):
        public = " ".join(ssh_keygen(content, "-y", "-P", PASSPHRASE.decode()).split()[:2])
    else:
        public = _public(kind)
    return KeyFile(content, public, form.endswith("encrypted"))
