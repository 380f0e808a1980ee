"""What any account must look like: its name, its key derivation, and the lengths of what it brings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mega_server.protocol.limits import LOGIN_KEY_BYTES, MIB, SLOT_BYTES
from mega_server.protocol.messages import KdfParameters
from mega_server.refusal import refuse

ALGORITHM = "argon2id"
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# `me` is a path of its own: /v1/accounts/me.
_TAKEN_BY_ROUTES = frozenset({"me"})
_PASSES = range(3, 17)
_MEMORY_BYTES = range(64 * MIB, 1024 * MIB + 1)
_SALT_BYTES = 32


def check_account_name(text: str) -> None:
    """Refuse what no account can be called, before anything is kept. Raises RefusedError: bad_request."""
    if _ACCOUNT.fullmatch(text) is None or text in _TAKEN_BY_ROUTES:
        refuse("a name is 1 to 63 of a-z 0-9 . _ - and begins with a letter or digit; `me` is taken")


def check_kdf(kdf: KdfParameters) -> None:
    """Refuse a key derivation out of bounds. Raises RefusedError: bad_request."""
    if kdf.algorithm != ALGORITHM or kdf.passes not in _PASSES or kdf.memory_bytes not in _MEMORY_BYTES:
        refuse("the key derivation must be argon2id, 3 to 16 passes, 64 MiB to 1 GiB")
    if len(kdf.server_salt) != _SALT_BYTES:
        refuse(f"a salt is {_SALT_BYTES} bytes")


def check_lengths(login_keys: Sequence[bytes], slots: Sequence[bytes]) -> None:
    """Refuse login keys and slots of a wrong length. Raises RefusedError: bad_request."""
    if any(len(key) != LOGIN_KEY_BYTES for key in login_keys):
        refuse(f"a login key is {LOGIN_KEY_BYTES} bytes")
    if any(len(slot) != SLOT_BYTES for slot in slots):
        refuse(f"a slot is {SLOT_BYTES} bytes")
