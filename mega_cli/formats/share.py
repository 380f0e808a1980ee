"""What a share remembers of its link: the `ext` of its folder under `shares` (`docs/formats/folders.md`).

    [1, secret32, key32, has_password, node_id16, is_live, path, expires_ms, most_opened, note, created_ms]

`key` is what takes the secret's place when there is a password, so that the record can be sealed again without it.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from mega_cli.crypto.versions import newer_version
from mega_cli.errors import IntegrityError
from mega_cli.formats.link import LINK_ID_BYTES, SECRET_BYTES

NOTE_MOST_CHARS: Final = 500
PATH_MOST_CHARS: Final = 8_192
_VERSION: Final = 1
_MOST = 2**63 - 1
_Secret = Annotated[bytes, Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]
_Number = Annotated[int, Meta(ge=0, le=_MOST)]


class Share(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One link, as its owner keeps it. Times are milliseconds since 1970 UTC, 0 is never."""

    version: int
    secret: _Secret
    key: _Secret
    has_password: bool
    node_id: Annotated[bytes, Meta(min_length=16, max_length=16)]
    """The node it names; of a frozen share, the node it was made of."""
    is_live: bool
    path: Annotated[str, Meta(max_length=PATH_MOST_CHARS)]
    """Where the node was last seen, from `/`, for people and as the first place to look."""
    expires_ms: _Number
    most_opened: _Number
    """0: as often as anyone likes."""
    note: Annotated[str, Meta(max_length=NOTE_MOST_CHARS)]
    created_ms: _Number

    def __repr__(self) -> str:
        """Show neither secret, path nor note."""
        return f"Share(is_live={self.is_live}, has_password={self.has_password})"


_decode = msgspec.msgpack.Decoder(Share).decode


def new_share(**fields: object) -> Share:
    """Make a share of the present version."""
    return Share(_VERSION, **fields)  # type: ignore[arg-type]  # each field has its own type


def share_name(link_id: bytes) -> str:
    """Give the name of a share's folder: the link's id in hexadecimal."""
    return link_id.hex()


def link_id_of(name: str) -> bytes:
    """Read the link's id from a share's name. Raises IntegrityError."""
    try:
        link_id = bytes.fromhex(name)
    except ValueError:
        raise IntegrityError from None
    if len(link_id) != LINK_ID_BYTES or link_id.hex() != name:
        raise IntegrityError
    return link_id


def encode_share(share: Share) -> bytes:
    """Write a share. Raises ValueError when a reader would refuse it."""
    raw = msgspec.msgpack.encode(share)
    try:
        decode_share(raw)
    except IntegrityError:
        raise ValueError("these fields make no valid share") from None
    return raw


def decode_share(raw: bytes) -> Share:
    """Read a share strictly. Raises PolicyError for another version, IntegrityError for everything else."""
    try:
        version, *_ = msgspec.msgpack.decode(raw, type=list[msgspec.Raw])
        if msgspec.msgpack.decode(version, type=int) > _VERSION:
            raise newer_version()
        share = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise IntegrityError from None
    if share.version != _VERSION or msgspec.msgpack.encode(share) != raw:
        raise IntegrityError
    return share
