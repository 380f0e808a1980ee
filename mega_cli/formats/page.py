"""Pages: a folder as a search tree of MessagePack arrays (`docs/formats/page.md`).

    page  = [1, level, items]     level 0: entries sorted by name;  above: [first name, ref80], two or more in a root
    entry = [name, node_id, kind, size, mtime_ns, mode, digest, refs, target, changed_in, ext]

A page that is not exactly what `encode_page` writes is refused whole. Unknown kinds and `ext` keys survive every
rewrite. Names sort by code point, which is the order of their UTF-8 bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from mega_cli.crypto.content import DIGEST_BYTES
from mega_cli.crypto.versions import newer_version
from mega_cli.errors import IntegrityError
from mega_cli.model import DATA, LIST, PAGE, REF_BYTES, Ref

PAGE_MAX_BYTES: Final = 65_536
MAX_LEVELS: Final = 8
ITEM_MOST_BYTES: Final = 32_000
"""Any two items fit one page."""
NAME_MOST_BYTES: Final = 255
TARGET_MOST_CHARS: Final = 4_096
ENTRY_MOST_REFS: Final = 4
MEAN_ITEMS: Final = 32
"""One name in so many ends a page."""

FILE: Final = "f"
FOLDER: Final = "d"
LINK: Final = "l"

EXT_RAW_NAME: Final = 1
EXT_OWNER: Final = 2
EXT_XATTRS: Final = 3
EXT_HARD_LINK_GROUP: Final = 4
EXT_TRASHED_FROM: Final = 5
EXT_TRASHED_AT: Final = 6
EXT_SHARE: Final = 7

_VERSION = 1
_INT64_MOST = 2**63 - 1
_RESERVED = bytes(7)
_Size = Annotated[int, Meta(ge=0, le=_INT64_MOST)]
_Ref = Annotated[bytes, Meta(min_length=REF_BYTES, max_length=REF_BYTES)]


class Entry(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One line of a folder. Times are nanoseconds, sizes bytes; a folder and a link have size 0."""

    name: str
    node_id: Annotated[bytes, Meta(min_length=16, max_length=16)]
    """Random, and kept through moves and changes."""
    kind: Annotated[str, Meta(min_length=1, max_length=8)]
    size: _Size
    mtime_ns: Annotated[int, Meta(ge=-_INT64_MOST, le=_INT64_MOST)]
    mode: Annotated[int, Meta(ge=0, le=0o7777)]
    digest: Annotated[bytes, Meta(max_length=32)]
    """BLAKE3 of a file's content; empty for everything else."""
    refs: bytes
    """80 bytes each: up to 4 data, or 1 list, or 1 page; none for what is empty."""
    target: Annotated[str, Meta(max_length=TARGET_MOST_CHARS)]
    """Where a link points."""
    changed_in: _Size
    """The revision its writer aimed at: a hint, never used for a decision."""
    ext: dict[Annotated[int, Meta(ge=0, le=_INT64_MOST)], bytes]
    """What came later, by `EXT_*`."""

    def replace(self, **changes: Any) -> Entry:  # noqa: ANN401 -- each field has its own type
        """Give a copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)

    def ref_list(self) -> list[Ref]:
        """Unpack the refs. Raises ValueError."""
        return Ref.unpack_all(self.refs)

    def __repr__(self) -> str:
        """Show neither name, target nor refs."""
        return f"Entry(node_id={self.node_id.hex()}, kind={self.kind!r}, size={self.size})"


class IndexItem(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One page of the level below: the first name beneath it, and its ref."""

    first: str
    ref: _Ref

    def __repr__(self) -> str:
        """Show neither name nor key."""
        return f"IndexItem(id={self.ref[:6].hex()}…)"


class Page(NamedTuple):
    """A decoded page: entries at level 0, index items above."""

    level: int
    items: list[Entry] | list[IndexItem]

    def __repr__(self) -> str:
        """Show the shape only."""
        return f"Page(level={self.level}, items={len(self.items)})"


class _EntryPage(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """[1, 0, entries]."""

    version: int
    level: int
    items: list[Entry]


class _IndexPage(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """[1, level, index items]."""

    version: int
    level: Annotated[int, Meta(ge=1, lt=MAX_LEVELS)]
    items: list[IndexItem]


_encode = msgspec.msgpack.Encoder().encode
_decode_entries = msgspec.msgpack.Decoder(_EntryPage).decode
_decode_index = msgspec.msgpack.Decoder(_IndexPage).decode


def encode_page(level: int, items: Sequence[Entry] | Sequence[IndexItem]) -> bytes:
    """Write a page. Raises ValueError when a reader would refuse it."""
    if level == 0:
        items = [_with_sorted_ext(item) for item in items if isinstance(item, Entry)]
    raw = _encode([_VERSION, level, items])
    try:
        decode_page(raw)
    except IntegrityError:
        msg = "these items make no valid page"
        raise ValueError(msg) from None
    return raw


def decode_page(raw: bytes, *, first: str | None = None, below: str | None = None) -> Page:
    """Read a page strictly: canonical, sorted, unique, within its bounds.

    `first` is the index key that led here: the first name, exactly. Every name is less than `below`, the next key.
    Raises PolicyError for another version, IntegrityError for everything else.
    """
    if raw[:1] == b"\x93" and raw[1:2] not in (b"", bytes([_VERSION])):
        raise newer_version()
    if not 3 < len(raw) <= PAGE_MAX_BYTES:  # noqa: PLR2004 -- the three bytes before the items
        raise IntegrityError
    level = raw[2]
    try:
        page = _decode_entries(raw) if level == 0 else _decode_index(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise IntegrityError from None
    names = _check_entries(page.items) if isinstance(page, _EntryPage) else _check_index(page.items)
    _check_names(names, first, below)
    if _encode(page) != raw:
        raise IntegrityError
    return Page(page.level, page.items)


def ends_page(name: str, level: int, page_key: bytes) -> bool:
    """Tell whether a page of `level` ends after the item called `name`: for one name in 32, chosen by the key.

    `page_key` is `VolumeKeys.page`.
    """
    digest = blake2b(name.encode() + bytes([level]), digest_size=32, key=page_key).digest()
    return int.from_bytes(digest[:8], "big") % MEAN_ITEMS == 0


def item_bytes(item: Entry | IndexItem) -> int:
    """Give the encoded size of an item."""
    return len(_encode(item))


def page_bytes(count: int, items_size_bytes: int) -> int:
    """Give the encoded size of a page of `count` items that take `items_size_bytes` together."""
    return (4 if count < 16 else 6) + items_size_bytes  # noqa: PLR2004 -- MessagePack's short array


def is_name(name: str) -> bool:
    """Tell whether a text may be an entry's name: 1 to 255 bytes of NFC, not "." or "..", without "/" and NUL."""
    try:
        size = len(name) if name.isascii() else len(name.encode())
    except UnicodeEncodeError:
        return False
    return (
        0 < size <= NAME_MOST_BYTES
        and name not in (".", "..")
        and "/" not in name
        and "\0" not in name
        and unicodedata.is_normalized("NFC", name)
    )


def _check_names(names: list[str], first: str | None, below: str | None) -> None:
    """Check the names of one page against each other and the bounds."""
    if (
        not names
        or not all(map(is_name, names))
        or any(one >= two for one, two in pairwise(names))
        or (first is not None and names[0] != first)
        or (below is not None and names[-1] >= below)
    ):
        raise IntegrityError


def _check_index(items: list[IndexItem]) -> list[str]:
    """Check that every index item leads to a page; give the names."""
    for item in items:
        if item.ref[64] != PAGE or item.ref[65:72] != _RESERVED:
            raise IntegrityError
    return [item.first for item in items]


def _check_entries(items: list[Entry]) -> list[str]:
    """Check what each entry holds; give the names."""
    for entry in items:
        if not _is_fit(entry):
            raise IntegrityError
        is_plain = not entry.ext and entry.kind in (FILE, FOLDER, LINK)
        if not is_plain and (list(entry.ext) != sorted(entry.ext) or item_bytes(entry) > ITEM_MOST_BYTES):
            raise IntegrityError
    return [entry.name for entry in items]


def _is_fit(entry: Entry) -> bool:
    """Tell whether refs are well formed and the fields suit the kind; kinds of later versions may hold anything."""
    refs = entry.refs
    if len(refs) % REF_BYTES:
        return False
    kinds, total = refs[64::REF_BYTES], 0
    for at in range(0, len(refs), REF_BYTES):
        if refs[at + 64] not in (DATA, LIST, PAGE) or refs[at + 65 : at + 72] != _RESERVED:
            return False
        total += int.from_bytes(refs[at + 72 : at + REF_BYTES], "big")
    if entry.kind == FILE:
        is_one_way = kinds == bytes([LIST]) or (len(kinds) <= ENTRY_MOST_REFS and not kinds.strip(bytes([DATA])))
        return is_one_way and total == entry.size and len(entry.digest) == DIGEST_BYTES and not entry.target
    if entry.kind == FOLDER:
        return kinds in (b"", bytes([PAGE])) and not (entry.size or entry.digest or entry.target)
    if entry.kind == LINK:
        return bool(entry.target) and "\0" not in entry.target and not (refs or entry.size or entry.digest)
    return True


def _with_sorted_ext(entry: Entry) -> Entry:
    """Write `ext` in ascending order of its keys."""
    return entry.replace(ext=dict(sorted(entry.ext.items()))) if len(entry.ext) > 1 else entry
