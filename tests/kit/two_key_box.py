"""One ciphertext that opens under two keys: the attack that key commitments are there for (attacks T08 and T35).

Poly1305 is a polynomial over 2^130 - 5 whose point and offset come from the key. With both keys known, two free blocks
of ciphertext are two unknowns of two linear equations: both polynomials get the value that one chosen tag asks for. A
solution fits two blocks of 128 bits once in sixteen tags (Len, Grubbs, Ristenpart, USENIX Security 2021).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import nacl.bindings

PRIME = 2**130 - 5
_TOP = 1 << 128
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
_SIGMA = struct.unpack("<4I", b"expand 32-byte k")

Quarter = Callable[[list[int], int, int, int, int], None]


def two_key_box(first: bytes, second: bytes, message: bytes, free_at: int) -> bytes:
    """Make a secretbox (zero nonce) that opens under both keys.

    Under `first` it opens to `message` but for the 32 bytes at `free_at` (a multiple of 16); under `second` to noise.
    """
    stream = nacl.bindings.crypto_secretbox_easy(bytes(len(message)), bytes(24), first)[16:]
    body = bytes(a ^ b for a, b in zip(message, stream, strict=True))
    blocks = [body[at : at + 16] for at in range(0, len(body), 16)]
    keys = [_box_mac_key(first), _box_mac_key(second)]
    tag = _solve(keys, blocks, free_at // 16)
    return tag + b"".join(blocks)


def two_key_aead(first: bytes, second: bytes, nonce: bytes, aad: bytes, size: int) -> bytes:
    """Make an XChaCha20-Poly1305 ciphertext of `size` plaintext bytes (32 or more) that opens under both keys."""
    filled = size + -size % 16
    head = aad + bytes(-len(aad) % 16)
    padded = head + bytes(filled) + struct.pack("<QQ", len(aad), size)
    blocks = [padded[at : at + 16] for at in range(0, len(padded), 16)]
    tag = _solve([_aead_mac_key(key, nonce) for key in (first, second)], blocks, len(head) // 16)
    return b"".join(blocks)[len(head) : len(head) + size] + tag


def _solve(keys: Sequence[tuple[int, int]], blocks: list[bytes], free: int) -> bytes:
    """Fill `blocks[free]` and the next so that both keys give one tag; give the tag."""
    rows = []
    for r, s in keys:
        rest = 0
        for at, block in enumerate(blocks):
            value = 0 if at in (free, free + 1) else int.from_bytes(block, "little") + (1 << 8 * len(block))
            rest = (rest + value) * r % PRIME
        power = len(blocks) - free
        rows.append((pow(r, power, PRIME), pow(r, power - 1, PRIME), rest, s))
    (a, b, rest1, s1), (c, d, rest2, s2) = rows
    inverse = pow(a * d - b * c, -1, PRIME)
    for tag in range(1 << 16):
        want1 = ((tag - s1) % _TOP - rest1) % PRIME
        want2 = ((tag - s2) % _TOP - rest2) % PRIME
        x = (want1 * d - want2 * b) * inverse % PRIME - _TOP
        y = (a * want2 - c * want1) * inverse % PRIME - _TOP
        if 0 <= x < _TOP and 0 <= y < _TOP:
            blocks[free : free + 2] = [x.to_bytes(16, "little"), y.to_bytes(16, "little")]
            return tag.to_bytes(16, "little")
    message = "no tag fits: these keys are a one in 10^1000 chance"
    raise AssertionError(message)


def _box_mac_key(key: bytes) -> tuple[int, int]:
    """Derive Poly1305's r and s as secretbox does under the zero nonce: XSalsa20, first 32 bytes of the stream."""
    subkey = _words(_salsa(key, bytes(16)))
    inner = struct.pack("<8I", *(subkey[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)))
    state = _salsa_state(inner, bytes(16))
    return _mac_key(_add(state, _words(_salsa(inner, bytes(16)))))


def _aead_mac_key(key: bytes, nonce: bytes) -> tuple[int, int]:
    """Derive Poly1305's r and s as XChaCha20-Poly1305 does: HChaCha20, then block 0."""
    mixed = _rounds([*_SIGMA, *_words(key), *_words(nonce[:16])], _chacha_quarter, _CHACHA_LANES)
    inner = mixed[:4] + mixed[12:]
    state = [*_SIGMA, *inner, 0, 0, *_words(nonce[16:])]
    return _mac_key(_add(state, _rounds(list(state), _chacha_quarter, _CHACHA_LANES)))


def _mac_key(block: bytes) -> tuple[int, int]:
    """Split the first 32 bytes of a key stream."""
    return int.from_bytes(block[:16], "little") & _CLAMP, int.from_bytes(block[16:32], "little")


def _add(state: list[int], mixed: list[int]) -> bytes:
    """Add the input to the mixed state."""
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(state, mixed, strict=True)))


def _words(raw: bytes) -> list[int]:
    """Read little-endian words."""
    return list(struct.unpack(f"<{len(raw) // 4}I", raw))


def _salsa_state(key: bytes, block: bytes) -> list[int]:
    """Lay out Salsa20's matrix."""
    k, n = _words(key), _words(block)
    return [_SIGMA[0], *k[:4], _SIGMA[1], *n, _SIGMA[2], *k[4:], _SIGMA[3]]


def _salsa(key: bytes, block: bytes) -> bytes:
    """Mix Salsa20's matrix, without the final addition."""
    return struct.pack("<16I", *_rounds(_salsa_state(key, block), _salsa_quarter, _SALSA_LANES))


_SALSA_LANES = (
    ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
    ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
)
_CHACHA_LANES = (
    ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)),
    ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)),
)


def _rounds(state: list[int], quarter: Quarter, lanes: tuple[tuple[tuple[int, int, int, int], ...], ...]) -> list[int]:
    """Run twenty rounds in place."""
    for _ in range(10):
        for lane in (*lanes[0], *lanes[1]):
            quarter(state, *lane)
    return state


def _turn(value: int, by: int) -> int:
    """Rotate a word to the left."""
    value &= 0xFFFFFFFF
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF


def _salsa_quarter(x: list[int], a: int, b: int, c: int, d: int) -> None:
    """Salsa20's quarter round (Bernstein, 2005)."""
    x[b] ^= _turn(x[a] + x[d], 7)
    x[c] ^= _turn(x[b] + x[a], 9)
    x[d] ^= _turn(x[c] + x[b], 13)
    x[a] ^= _turn(x[d] + x[c], 18)


def _chacha_quarter(x: list[int], a: int, b: int, c: int, d: int) -> None:
    """ChaCha20's quarter round (RFC 8439, 2.1)."""
    for to, by, other, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[to] = (x[to] + x[by]) & 0xFFFFFFFF
        x[other] = _turn(x[other] ^ x[to], turn)
