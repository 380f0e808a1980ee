"""The two ciphers, and nothing about what they seal: secretbox under the zero nonce, XChaCha20-Poly1305 with a nonce.

Every encryption of the client passes through `box_seal` or `aead_seal`, so a test can record (key, nonce, message) over
a whole run. Callers write `ciphers.box_seal(…)`, never `from … import`. The lock of the interpreter is released while
bytes are ciphered.
"""

from __future__ import annotations

from typing import Any

import nacl.bindings
from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # nacl.bindings copies twice more
from nacl.exceptions import CryptoError

from mega_cli.errors import IntegrityError

ZERO_NONCE = bytes(24)
MAC_BYTES = 16
_SCRATCH_LEAST_BYTES = 65_536

_idle: list[Any] = []
"""Output buffers between uses, one per thread at work: `pop` and `append` are atomic, so none is used by two at once.

Fresh memory costs a page fault every 4 KiB, more than the copy out of a warm buffer.
"""


def box_seal(prefix: bytes, message: bytes, key: bytes) -> bytes:
    """Give `prefix` ‖ secretbox(`message`) under the zero nonce.

    Sound only because every caller's `key` is derived from a keyed hash of exactly this `message`, which is why it must
    be immutable `bytes`: a key meets one message, ever.
    """
    if type(message) is not bytes or len(key) != nacl.bindings.crypto_secretbox_KEYBYTES:
        msg = "a box needs immutable bytes and a key of 32 bytes"
        raise TypeError(msg)
    start = len(prefix)
    total = start + MAC_BYTES + len(message)
    scratch = _take_scratch(total)
    ffi.memmove(scratch, prefix, start)
    lib.crypto_secretbox_easy(scratch + start, message, len(message), ZERO_NONCE, key)
    sealed: bytes = ffi.buffer(scratch, total)[:]
    _idle.append(scratch)
    return sealed


def box_open(sealed: bytes, start: int, key: bytes) -> bytes:
    """Open the secretbox in `sealed[start:]`. Raises IntegrityError."""
    size = len(sealed) - start - MAC_BYTES
    if size < 0 or len(key) != nacl.bindings.crypto_secretbox_KEYBYTES:
        raise IntegrityError
    scratch = _take_scratch(size)
    box = ffi.from_buffer("unsigned char[]", sealed) + start
    failed = lib.crypto_secretbox_open_easy(scratch, box, size + MAC_BYTES, ZERO_NONCE, key)
    message: bytes = b"" if failed else ffi.buffer(scratch, size)[:]
    _idle.append(scratch)
    if failed:
        raise IntegrityError
    return message


def _take_scratch(size: int) -> Any:  # noqa: ANN401 -- cffi has no types
    """Take an idle buffer of at least `size` bytes, or a new one."""
    try:
        scratch = _idle.pop()
    except IndexError:
        scratch = None
    if scratch is None or len(scratch) < size:
        scratch = ffi.new("unsigned char[]", max(size, _SCRATCH_LEAST_BYTES))
    return scratch


def aead_seal(plaintext: bytes, aad: bytes, nonce: bytes, key: bytes) -> bytes:
    """Seal with XChaCha20-Poly1305; `nonce` is 24 fresh random bytes. The output is 16 bytes longer."""
    return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)


def aead_open(sealed: bytes, aad: bytes, nonce: bytes, key: bytes) -> bytes:
    """Open what `aead_seal` gave. Raises IntegrityError."""
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, aad, nonce, key)
    except CryptoError:
        raise IntegrityError from None
