# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's container: it is read exactly as written, and its fields are not trusted."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.openssh_form import Container, WrongPassphrase
from ansible_collections.scoped.secrets.tests.unit.credentials.key_files import COMMENT, PASSPHRASE, made, new_key

PLAIN = ("-t", "ed25519", "-N", "")
SEALED = ("-t", "ed25519", "-N", PASSPHRASE.decode())


def data_in(content: bytes) -> bytes:
    return base64.b64decode(b"".join(content.splitlines()[1:-1]))


def data_of(*words: str) -> bytes:
    return data_in(made(*words))


@pytest.mark.parametrize("words", [PLAIN, SEALED])
def test_a_container_is_written_like_ssh_keygen_writes_it(words: tuple[str, ...]) -> None:
    assert Container.read(data_of(*words)).text() == made(*words)


def test_a_passphrase_is_as_hard_to_guess_as_with_ssh_keygen() -> None:
    ours = Container.read(data_of(*PLAIN)).sealed(PASSPHRASE).kdf_options
    theirs = Container.read(data_in(new_key(*SEALED))).kdf_options
    assert len(ours) == len(theirs)
    # The last number are the rounds. Older releases choose fewer.
    assert ours[-4:] == (24).to_bytes(4, "big") >= theirs[-4:]


@pytest.mark.usefixtures("quick_seals")
def test_sealing_and_opening_restores_the_key() -> None:
    plain = Container.read(data_of(*PLAIN))
    sealed = plain.sealed(PASSPHRASE)
    assert (sealed.is_sealed, sealed.cipher, plain.comment) == (True, "aes256-ctr", COMMENT)
    assert plain.section not in sealed.text()
    assert sealed.opened(PASSPHRASE).comment == COMMENT
    assert sealed.section != plain.sealed(PASSPHRASE).section


def test_a_wrong_passphrase_is_distinguished_from_damage() -> None:
    sealed = Container.read(data_of(*SEALED))
    with pytest.raises(WrongPassphrase):
        sealed.opened(b"tr0ub4dor")
    assert sealed.opened(PASSPHRASE).comment == COMMENT


@pytest.mark.parametrize("rounds", [0, 2049, 2**32 - 1])
def test_excessive_key_derivation_rounds_are_refused(rounds: int) -> None:
    sealed = Container.read(data_of(*SEALED))
    options = sealed.kdf_options[:-4] + rounds.to_bytes(4, "big")
    with pytest.raises(ValueError, match="key derivation"):
        replace(sealed, kdf_options=options).opened(PASSPHRASE)


def test_truncated_data_is_refused() -> None:
    data = data_of(*PLAIN)
    for length in range(len(data)):
        with pytest.raises(ValueError):  # noqa: PT011
            Container.read(data[:length])


def test_the_repr_hides_the_private_section() -> None:
    container = Container.read(data_of(*PLAIN))
    assert repr(container.section)[2:-1] not in repr(container)
    assert "section" not in repr(container)
