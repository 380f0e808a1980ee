"""The names of files that are still being written: `.mega-<16 hex>.part`, left out of every scan."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

_PARTIAL: Final = re.compile(rb"\.mega-[0-9a-f]{16}\.part")


def partial_name(token: bytes, name: bytes) -> bytes:
    """Name the partial file of `name` for an attempt that `token` identifies: the same for the same two, always."""
    digest = blake2b(len(name).to_bytes(2) + name + token, digest_size=8).hexdigest()
    return b".mega-%b.part" % digest.encode()


def is_partial_name(name: bytes) -> bool:
    """Tell whether `name` is that of a partial file."""
    return name.startswith(b".mega-") and _PARTIAL.fullmatch(name) is not None
