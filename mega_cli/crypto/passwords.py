"""From a password to keys: Argon2id, and the login and wrapping keys of a password or a recovery secret.

The server names salt and parameters before the client has proved anything, so they are checked before any work is done
or any login message is sent: nothing weaker than the floor, nothing so large that it stops the machine.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import nacl.bindings
from nacl.exceptions import RuntimeError as SodiumError

from mega_cli.crypto import labels
from mega_cli.crypto.kdf import kdf, label16, mac, variable
from mega_cli.errors import LimitError, PolicyError, UsageError
from mega_cli.model import GIB, KIB, MIB, KdfPolicy, Secret

ALGORITHM: Final = "argon2id"
DEFAULT_POLICY: Final = KdfPolicy(passes=3, memory_bytes=256 * MIB)
FLOOR: Final = KdfPolicy(passes=3, memory_bytes=64 * MIB)
CEILING: Final = KdfPolicy(passes=16, memory_bytes=1 * GIB)
SERVER_SALT_BYTES: Final = 32
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class LoginKeys:
    """What a password or a recovery secret gives: a seed that signs the login, a key that opens the slot."""

    login_seed: bytes = field(repr=False)
    wrap_key: bytes = field(repr=False)


def check_policy(algorithm: str, passes: int, memory_bytes: int, floor: KdfPolicy | None = None) -> KdfPolicy:
    """Accept the server's parameters or raise PolicyError; `floor` is what this device saw at its first login.

    Memory is whole KiB. Do this before any derivation and before any login message.
    """
    weakest = floor or FLOOR
    if (
        algorithm != ALGORITHM
        or not max(weakest.passes, FLOOR.passes) <= passes <= CEILING.passes
        or not max(weakest.memory_bytes, FLOOR.memory_bytes) <= memory_bytes <= CEILING.memory_bytes
        or memory_bytes % KIB
    ):
        msg = "the server asks to derive the password's key in a way that this client does not accept"
        raise PolicyError(msg, "do not enter the password; ask the server's administrator what has changed")
    return KdfPolicy(passes, memory_bytes)


def password_key(
    password: Secret,
    server_salt: bytes,
    account: str,
    origin: str,
    policy: KdfPolicy,
    account_key: Secret | None = None,
) -> Secret:
    """Derive PRK from a password: UTF-8 under NFKC, Argon2id, then the account key if there is one.

    Takes `policy.memory_bytes` of memory and about half a second. Raises PolicyError, UsageError on text that is no
    UTF-8, LimitError without memory.
    """
    check_policy(ALGORITHM, policy.passes, policy.memory_bytes)
    if len(server_salt) != SERVER_SALT_BYTES:
        msg = "the server sent a salt of a wrong length"
        raise PolicyError(msg, "ask the server's administrator what has changed")
    salted = label16(labels.PASSWORD_SALT) + server_salt + variable(account.encode(), origin.encode())
    prk = stretched(normal_form(password), sha256(salted).digest()[:16], policy)
    if account_key is None:
        return Secret(prk)
    return Secret(mac(account_key.reveal(), labels.PASSWORD_2SKD, prk))


def stretched(password: bytes, salt: bytes, policy: KdfPolicy) -> bytes:
    """Run Argon2id: 32 bytes. The salt has 16; nothing is checked here. Raises LimitError without memory."""
    try:
        return nacl.bindings.crypto_pwhash_alg(
            SECRET_BYTES,
            password,
            salt,
            policy.passes,
            policy.memory_bytes,
            nacl.bindings.crypto_pwhash_ALG_ARGON2ID13,
        )
    except SodiumError:
        msg = f"deriving the password's key needs {policy.memory_bytes // MIB} MiB of memory"
        raise LimitError(msg, "close other programs and try again") from None


def normal_form(password: Secret) -> bytes:
    """Give the one byte string of a password, however a keyboard composed its characters."""
    try:
        text = password.reveal().decode()
    except UnicodeDecodeError:
        msg = "the password is not UTF-8 text"
        raise UsageError(msg) from None
    return unicodedata.normalize("NFKC", text).encode()


def login_keys_from_password(prk: Secret) -> LoginKeys:
    """Derive the keys that a password gives."""
    key = prk.reveal()
    return LoginKeys(kdf(key, labels.PASSWORD_LOGIN), kdf(key, labels.PASSWORD_WRAP))


def login_keys_from_recovery(rk: bytes) -> LoginKeys:
    """Derive the keys that the recovery secret (32 bytes) gives."""
    return LoginKeys(kdf(rk, labels.RECOVERY_LOGIN), kdf(rk, labels.RECOVERY_WRAP))
