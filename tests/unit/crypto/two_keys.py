"""One AES-GCM ciphertext that opens under two keys (Len, Grubbs, Ristenpart: Partitioning Oracle Attacks, 2021).

GHASH is linear in the ciphertext, so one free block suffices to make the tags under two keys equal.
"""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

# x^128 + x^7 + x^2 + x + 1, bits reflected (NIST SP 800-38D, 6.3).
_REDUCTION = 0xE1 << 120
_ONE = 1 << 127


def multiply(x: int, y: int) -> int:
    """Return x * y in GF(2^128)."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (_REDUCTION if y & 1 else 0)
    return product


def invert(x: int) -> int:
    """Return x^(2^128 - 2), which is 1 / x."""
    result, square = _ONE, x
    for _round in range(127):
        square = multiply(square, square)
        result = multiply(result, square)
    return result


def ghash(key: int, blocks: list[int]) -> int:
    state = 0
    for block in blocks:
        state = multiply(state ^ block, key)
    return state


def block_encrypt(key: bytes, block: bytes) -> int:
    return int.from_bytes(Cipher(AES(key), ECB()).encryptor().update(block), "big")


def two_key_ciphertext(first: bytes, second: bytes, nonce: bytes, associated: bytes, start: bytes) -> bytes:
    """Return `start` (whole blocks), one solved block, and the tag that both keys accept."""
    lengths = struct.pack(">QQ", len(associated) * 8, (len(start) + 16) * 8)
    data = _blocks(associated) + _blocks(start)
    known = [*data, 0, int.from_bytes(lengths, "big")]
    masks = [block_encrypt(key, nonce + b"\0\0\0\1") for key in (first, second)]
    hashes = [block_encrypt(key, bytes(16)) for key in (first, second)]
    difference = masks[0] ^ masks[1] ^ ghash(hashes[0], known) ^ ghash(hashes[1], known)
    slope = multiply(hashes[0], hashes[0]) ^ multiply(hashes[1], hashes[1])
    solved = multiply(difference, invert(slope))
    known[-2] = solved
    return start + solved.to_bytes(16, "big") + (ghash(hashes[0], known) ^ masks[0]).to_bytes(16, "big")


def _blocks(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 16].ljust(16, b"\0"), "big") for at in range(0, len(data), 16)]
