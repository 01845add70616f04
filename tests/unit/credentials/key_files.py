# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys in every format, as ssh-keygen and openssl write them, and what ssh-keygen says about a key."""

from __future__ import annotations

import base64
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

PASSPHRASE = b"correct horse"
COMMENT = "deploy of us all"
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
    return _keygen(content, ("-p", *words))[1]


def _keygen(content: bytes, words: tuple[str, ...]) -> tuple[str, bytes]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "key"
        file.touch(mode=0o600)
        file.write_bytes(content)
        return run("ssh-keygen", *words, "-f", str(file)).decode().strip(), file.read_bytes()


@lru_cache
def made(*words: str) -> bytes:
    """Return a new key from ssh-keygen."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "key"
        run("ssh-keygen", "-q", "-C", COMMENT, "-f", str(file), *words)
        return file.read_bytes()


def _public(pem: bytes) -> str:
    """Return the public line of a key that openssl reads."""
    public = openssl("pkey", "-pubout", stdin=pem)
    details = openssl("pkey", "-pubin", "-noout", "-text", stdin=public)
    if b"ED25519" in details:
        point = openssl("pkey", "-pubin", "-outform", "DER", stdin=public)[-32:]
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + point
        return f"ssh-ed25519 {base64.b64encode(blob).decode()}"
    return ssh_keygen(public, "-i", "-m", "PKCS8")


def _pem_forms(name: str, traditional: bytes, pkcs8: bytes) -> dict[str, KeyFile]:
    public = _public(pkcs8)
    encrypted = openssl("pkcs8", "-topk8", *_SECRET, stdin=pkcs8)
    forms = {"pkcs8": KeyFile(pkcs8, public), "pkcs8 encrypted": KeyFile(encrypted, public, True)}
    if traditional:
        tool = "rsa" if name == "rsa" else "ec"
        legacy = ("-traditional",) if name == "rsa" else ()
        sealed = openssl(tool, *legacy, "-aes128", *_SECRET, stdin=traditional)
        forms["traditional"] = KeyFile(traditional, public)
        forms["traditional encrypted"] = KeyFile(sealed, public, True)
        forms["openssh"] = KeyFile(rewritten(traditional, "-N", ""), public)
        forms["openssh encrypted"] = KeyFile(rewritten(traditional, "-N", PASSPHRASE.decode()), public, True)
    return {f"{name} {form}": key for form, key in forms.items()}


def _new(kind: str) -> tuple[bytes, bytes]:
    if kind == "ed25519":
        return b"", openssl("genpkey", "-algorithm", "ed25519")
    if kind == "rsa":
        traditional = openssl("genrsa", "-traditional", "2048")
    else:
        # This includes a block of parameters before the key.
        traditional = openssl("ecparam", "-name", kind, "-genkey")
    return traditional, openssl("pkcs8", "-topk8", "-nocrypt", stdin=traditional)


@lru_cache(maxsize=1)
def key_files() -> dict[str, KeyFile]:
    """Return a key of each type in each format, by name."""
    files = {}
    for kind in ("rsa", "prime256v1", "secp384r1", "secp521r1", "ed25519"):
        files |= _pem_forms(kind, *_new(kind))
    for form, words in {"openssh": ("-N", ""), "openssh encrypted": ("-N", PASSPHRASE.decode())}.items():
        content = made("-t", "ed25519", *words)
        line = ssh_keygen(content, "-y", "-P", PASSPHRASE.decode())
        files[f"ed25519 {form}"] = KeyFile(content, " ".join(line.split()[:2]), form.endswith("encrypted"))
    return files
