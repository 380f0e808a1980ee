"""Slots: MK sealed under a password or a recovery secret, bound to account, origin and parameters (`slot.md`).

    context   = account ‖ origin ‖ server_salt32 ‖ passes4 ‖ memory8      the last three are zero for recovery
    plaintext = MK32 ‖ epoch4 ‖ created8 ‖ flags4

A slot is 128 bytes. It must never be opened before the parameters in its context were checked against the policy.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from mega_cli.crypto.kdf import variable
from mega_cli.crypto.passwords import SERVER_SALT_BYTES
from mega_cli.crypto.records import PASSWORD_SLOT, RECOVERY_SLOT, open_record, seal_record
from mega_cli.errors import IntegrityError
from mega_cli.model import SLOT_BYTES, KdfPolicy, Secret

_PLAIN = struct.Struct(">32sIQI")
_NO_SALT: Final = bytes(SERVER_SALT_BYTES)
_NO_POLICY: Final = KdfPolicy(0, 0)


@dataclass(frozen=True, slots=True)
class Slot:
    """An opened slot."""

    mk: Secret
    epoch: int
    created_ms: int


def seal_password_slot(
    wrap_key: bytes,
    account: str,
    origin: str,
    server_salt: bytes,
    policy: KdfPolicy,
    mk: Secret,
    epoch: int,
    created_ms: int,
) -> bytes:
    """Seal MK for a password."""
    context = _context(account, origin, server_salt, policy)
    return seal_record(PASSWORD_SLOT, wrap_key, context, _PLAIN.pack(mk.reveal(), epoch, created_ms, 0))


def open_password_slot(
    wrap_key: bytes, account: str, origin: str, server_salt: bytes, policy: KdfPolicy, slot: bytes
) -> Slot:
    """Open a password slot. Raises IntegrityError, PolicyError for another version."""
    context = _context(account, origin, server_salt, policy)
    return _decode(open_record(PASSWORD_SLOT, wrap_key, context, slot, SLOT_BYTES))


def seal_recovery_slot(wrap_key: bytes, account: str, origin: str, mk: Secret, epoch: int, created_ms: int) -> bytes:
    """Seal MK for the recovery secret."""
    context = _context(account, origin, _NO_SALT, _NO_POLICY)
    return seal_record(RECOVERY_SLOT, wrap_key, context, _PLAIN.pack(mk.reveal(), epoch, created_ms, 0))


def open_recovery_slot(wrap_key: bytes, account: str, origin: str, slot: bytes) -> Slot:
    """Open a recovery slot. Raises IntegrityError, PolicyError for another version."""
    context = _context(account, origin, _NO_SALT, _NO_POLICY)
    return _decode(open_record(RECOVERY_SLOT, wrap_key, context, slot, SLOT_BYTES))


def _context(account: str, origin: str, server_salt: bytes, policy: KdfPolicy) -> bytes:
    """Lay out where the slot stands."""
    if len(server_salt) != SERVER_SALT_BYTES:
        raise IntegrityError
    return (
        variable(account.encode(), origin.encode())
        + server_salt
        + policy.passes.to_bytes(4, "big")
        + policy.memory_bytes.to_bytes(8, "big")
    )


def _decode(plain: bytes) -> Slot:
    """Read the 48 bytes; the flags are reserved."""
    mk, epoch, created_ms, flags = _PLAIN.unpack(plain)
    if flags or not epoch:
        raise IntegrityError
    return Slot(Secret(mk), epoch, created_ms)
