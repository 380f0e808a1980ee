"""The recovery kit: the recovery secret in letters that survive paper, and the page around it (`recovery-kit.md`).

The account key is written in the same letters with another checksum, so that neither passes for the other. The checksum
finds every single wrong letter and every two swapped ones; it is no secret and proves nothing else. Messages never
repeat what was typed.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

from mega_cli.errors import UsageError
from mega_cli.model import Secret

RECOVERY_SECRET_BYTES: Final = 32
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_LETTERS = 52
_GROUP = 4
_RECOVERY_SECRET: Final = ("recovery secret", 0)
_ACCOUNT_KEY: Final = ("account key", 1)
"""What the letters are called, and where their checksum begins."""
_TITLE: Final = "mega recovery kit"
_WORDS: Final = 12
_CHECK_PRIME: Final = 2**20 - 3
"""A prime above 31, so one changed letter changes the remainder; 32 has a large order modulo it, so a swap does too."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What a person has of a recovery kit: the page as it was written, or the bare secret alone."""

    recovery_secret: bytes = field(repr=False)
    account: str = ""
    origin: str = ""
    fingerprint_words: tuple[str, ...] = ()
    account_key: Secret | None = None


def encode_recovery_secret(rk: bytes) -> str:
    """Write 32 bytes as 14 groups of four letters: 52 of secret, 4 of checksum."""
    return _encode(rk, _RECOVERY_SECRET)


def decode_recovery_secret(text: str) -> bytes:
    """Read what a person typed: spaces, hyphens and lower case are fine. Raises UsageError."""
    return _decode(text, _RECOVERY_SECRET)


def encode_account_key(key: Secret) -> str:
    """Write an account key of 32 bytes in the letters of a recovery secret, with a checksum of its own."""
    return _encode(key.reveal(), _ACCOUNT_KEY)


def decode_account_key(text: str) -> Secret:
    """Read an account key: the letters alone, or the recovery kit that holds it. Raises UsageError."""
    if _TITLE not in text:
        return Secret(_decode(text, _ACCOUNT_KEY))
    key = read_kit(text).account_key
    if key is None:
        msg = "this recovery kit holds no account key"
        raise UsageError(msg, "the account needs none, if this is its newest kit: log in with the password alone")
    return key


def read_kit(text: str) -> Kit:
    """Read a kit's page, however it was indented, or the bare recovery secret. Raises UsageError."""
    if _TITLE not in text:
        return Kit(decode_recovery_secret(text))
    words = tuple(_below(text, "Fingerprint of the account").split())
    if len(words) != _WORDS:
        msg = "the recovery kit is damaged: its fingerprint is not twelve words"
        raise UsageError(msg, "give the recovery secret alone, and compare the fingerprint by eye")
    account_key = _below(text, "Account key")
    return Kit(
        decode_recovery_secret(_below(text, "Recovery secret")),
        _beside(text, "Account"),
        _beside(text, "Server"),
        words,
        decode_account_key(account_key) if account_key else None,
    )


def kit_text(
    account: str, origin: str, rk: bytes, fingerprint_words: list[str], account_key: Secret | None = None
) -> str:
    """Write the page to print. It holds the recovery secret: the caller writes it 0600 or shows it once."""
    words = [" ".join(fingerprint_words[:6]), " ".join(fingerprint_words[6:])]
    key = "" if account_key is None else f"\nAccount key:\n{_two_lines(encode_account_key(account_key))}\n"
    return f"""{_TITLE}

Account:      {account}
Server:       {origin}

Recovery secret:
{_two_lines(encode_recovery_secret(rk))}
{key}
Fingerprint of the account:
    {words[0]}
    {words[1]}

Whoever has the recovery secret can read and change everything in this account.
Keep this page where you keep a passport, and not on the server.
Nobody can give it to you again: without it and without the password, the data is lost.
{"" if account_key is None else _KEY_ADVICE}"""


_KEY_ADVICE: Final = """A new device needs the account key as well as the password: mega login --account-key-file FILE
"""


def _encode(secret: bytes, kind: tuple[str, int]) -> str:
    what, start = kind
    if len(secret) != RECOVERY_SECRET_BYTES:
        msg = f"a {what} is 32 bytes"
        raise ValueError(msg)
    letters = base64.b32encode(secret).decode().rstrip("=")
    letters += _checksum(letters, start)
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def _decode(text: str, kind: tuple[str, int]) -> bytes:
    what, start = kind
    letters = "".join(text.split()).replace("-", "").upper()
    strange = next((at for at, letter in enumerate(letters) if letter not in _LETTERS), None)
    if strange is not None:
        msg = f"the {what} has a character in group {strange // _GROUP + 1} that it cannot have"
        raise UsageError(msg, "it uses the letters A to Z and the digits 2 to 7")
    if len(letters) != _SECRET_LETTERS + _GROUP:
        msg = f"the {what} has 14 groups of four, 56 characters; {len(letters)} were given"
        raise UsageError(msg, "copy it again from the recovery kit")
    secret, checksum = letters[:_SECRET_LETTERS], letters[_SECRET_LETTERS:]
    other, other_start = _ACCOUNT_KEY if kind is _RECOVERY_SECRET else _RECOVERY_SECRET
    if checksum == _checksum(secret, other_start):
        msg = f"this is the kit's {other}, not its {what}"
        raise UsageError(msg, f"copy the {what} from the recovery kit")
    if checksum != _checksum(secret, start) or not secret.endswith(("A", "Q")):
        msg = f"the {what} has a mistake in it"
        raise UsageError(msg, "compare it letter by letter with the recovery kit")
    return base64.b32decode(secret + "====")


def _checksum(secret: str, start: int) -> str:
    """Give the four letters for 52: `start` and their value in base 32, modulo a prime just below 2^20."""
    value = start
    for letter in secret:
        value = (value * 32 + _LETTERS.index(letter)) % _CHECK_PRIME
    return "".join(_LETTERS[value >> shift & 31] for shift in (15, 10, 5, 0))


def _two_lines(letters: str) -> str:
    groups = letters.split("-")
    return f"    {'-'.join(groups[:7])}\n    {'-'.join(groups[7:])}"


def _beside(text: str, title: str) -> str:
    """Give what stands after a title on its line."""
    found = re.search(rf"^[ \t]*{title}:[ \t]+(\S+)[ \t\r]*$", text, re.MULTILINE)
    return found[1] if found else ""


def _below(text: str, title: str) -> str:
    """Give the two lines below a title."""
    found = re.search(rf"^[ \t]*{title}:[ \t\r]*\n([^\n]+\n[^\n]+)", text, re.MULTILINE)
    return found[1] if found else ""
