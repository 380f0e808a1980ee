"""The canary scan (I1): whether what a server received holds a secret, a name, a piece of content or its plain hash.

Needles are raw bytes. A haystack is looked at as it is and with every run of hexadecimal, base64 and percent-encoding
in it decoded, whatever the alignment; so one form of each needle is enough.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

SHINGLE_BYTES = 16
_HEX = re.compile(rb"[0-9a-fA-F]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_PERCENT = re.compile(rb"(?:%[0-9a-fA-F]{2}|[A-Za-z0-9._~/+-])*%[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2}|[A-Za-z0-9._~/+-])*")


@dataclass
class Canaries:
    """What no server may ever see."""

    needles: dict[str, bytes] = field(default_factory=dict)
    """Secrets, names and hashes, each by what it is."""
    shingles: set[bytes] = field(default_factory=set)

    def add(self, what: str, value: bytes) -> None:
        """Add a secret or a name."""
        self.needles[what] = value

    def add_content(self, what: str, plain: bytes) -> None:
        """Add every 16 bytes of a content, and its plain hashes."""
        self.shingles.update(plain[at : at + SHINGLE_BYTES] for at in range(len(plain) - SHINGLE_BYTES + 1))
        for kind in ("md5", "sha1", "sha256", "blake2b"):
            self.needles[f"{kind} of {what}"] = hashlib.new(kind, plain, usedforsecurity=False).digest()
        self.needles[f"blake2b-256 of {what}"] = hashlib.blake2b(plain, digest_size=32).digest()

    def leaks(self, haystacks: Iterable[bytes]) -> list[str]:
        """Say what was found."""
        found: set[str] = set()
        for haystack in haystacks:
            for form in _forms(haystack):
                found.update(what for what, value in self.needles.items() if value in form)
                windows = {form[at : at + SHINGLE_BYTES] for at in range(len(form) - SHINGLE_BYTES + 1)}
                if not windows.isdisjoint(self.shingles):
                    found.add("a piece of content")
        return sorted(found)


def _forms(haystack: bytes) -> Iterator[bytes]:
    """Give the haystack and what its encoded runs spell."""
    yield haystack
    for run in _HEX.findall(haystack):
        for start in (0, 1):
            digits = run[start : len(run) - (len(run) - start) % 2]
            yield bytes.fromhex(digits.decode())
    for run in _BASE64.findall(haystack):
        plain = run.replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            digits = plain[start : len(plain) - ((len(plain) - start) % 4 == 1)]
            yield base64.b64decode(digits + b"=" * (-len(digits) % 4))
    for run in _PERCENT.findall(haystack):
        yield unquote_to_bytes(run)
