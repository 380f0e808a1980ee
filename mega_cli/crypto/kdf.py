"""Key derivation and message authentication by BLAKE2b, in the subset that libsodium's JavaScript build offers.

`kdf` takes no message and `mac` no personalisation of its own, so that everything a reader of a share needs runs in a
browser. Labels come from `labels`; no caller writes one out.
"""

from __future__ import annotations

from hashlib import blake2b

KEY_BYTES = 32


def kdf(key: bytes, label: bytes, salt: bytes = b"", n: int = KEY_BYTES) -> bytes:
    """Derive `n` bytes from `key` for the one purpose that `label` names; `salt` has at most 16 bytes."""
    return blake2b(b"", digest_size=n, key=key, salt=salt, person=label).digest()


def mac(key: bytes, label: bytes, message: bytes, salt: bytes = b"") -> bytes:
    """Authenticate `message` (32 bytes) under a key derived from `key` for `label`. Compare in constant time."""
    return blake2b(message, digest_size=KEY_BYTES, key=kdf(key, label, salt)).digest()


def label16(label: bytes) -> bytes:
    """Pad a label with zeros to the 16 bytes that are hashed or signed."""
    return label.ljust(16, b"\0")


def variable(*parts: bytes) -> bytes:
    r"""Join variable-length fields unambiguously: `len2 ‖ bytes` each. Raises OverflowError beyond 65,535 bytes.

    >>> variable(b"alice", b"")
    b'\x00\x05alice\x00\x00'
    """
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)
