"""The recovery kit: the recovery secret in letters that survive paper, and the page around it (`recovery-kit.md`).

The checksum finds every single wrong letter and every two swapped ones; it is no secret and proves nothing else.
Messages never repeat what was typed.
"""

from __future__ import annotations

import base64
from typing import Final

from mega_cli.errors import UsageError

RECOVERY_SECRET_BYTES: Final = 32
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_LETTERS = 52
_GROUP = 4
_CHECK_PRIME: Final = 2**20 - 3
"""A prime above 31, so one changed letter changes the remainder; 32 has a large order modulo it, so a swap does too."""


def encode_recovery_secret(rk: bytes) -> str:
    """Write 32 bytes as 14 groups of four letters: 52 of secret, 4 of checksum."""
    if len(rk) != RECOVERY_SECRET_BYTES:
        msg = "a recovery secret is 32 bytes"
        raise ValueError(msg)
    secret = base64.b32encode(rk).decode().rstrip("=")
    letters = secret + _checksum(secret)
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def decode_recovery_secret(text: str) -> bytes:
    """Read what a person typed: spaces, hyphens and lower case are fine. Raises UsageError."""
    letters = "".join(text.split()).replace("-", "").upper()
    strange = next((at for at, letter in enumerate(letters) if letter not in _LETTERS), None)
    if strange is not None:
        msg = f"the recovery secret has a character in group {strange // _GROUP + 1} that it cannot have"
        raise UsageError(msg, "it uses the letters A to Z and the digits 2 to 7")
    if len(letters) != _SECRET_LETTERS + _GROUP:
        msg = f"the recovery secret has 14 groups of four, 56 characters; {len(letters)} were given"
        raise UsageError(msg, "copy it again from the recovery kit")
    secret, checksum = letters[:_SECRET_LETTERS], letters[_SECRET_LETTERS:]
    if checksum != _checksum(secret) or not secret.endswith(("A", "Q")):
        msg = "the recovery secret has a mistake in it"
        raise UsageError(msg, "compare it letter by letter with the recovery kit")
    return base64.b32decode(secret + "====")


def _checksum(secret: str) -> str:
    """Give the four letters for 52: their value in base 32, modulo a prime just below 2^20."""
    value = 0
    for letter in secret:
        value = (value * 32 + _LETTERS.index(letter)) % _CHECK_PRIME
    return "".join(_LETTERS[value >> shift & 31] for shift in (15, 10, 5, 0))


def kit_text(account: str, origin: str, rk: bytes, fingerprint_words: list[str]) -> str:
    """Write the page to print. It holds the recovery secret: the caller writes it 0600 or shows it once."""
    groups = encode_recovery_secret(rk).split("-")
    lines = ["-".join(groups[:7]), "-".join(groups[7:])]
    words = [" ".join(fingerprint_words[:6]), " ".join(fingerprint_words[6:])]
    return f"""mega recovery kit

Account:      {account}
Server:       {origin}

Recovery secret:
    {lines[0]}
    {lines[1]}

Fingerprint of the account:
    {words[0]}
    {words[1]}

Whoever has the recovery secret can read and change everything in this account.
Keep this page where you keep a passport, and not on the server.
Nobody can give it to you again: without it and without the password, the data is lost.
"""
