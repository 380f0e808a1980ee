"""What a share remembers of its link: exactly one way to write it, and nothing else is read."""

from __future__ import annotations

import msgspec
import pytest

from mega_cli.errors import IntegrityError, PolicyError
from mega_cli.formats.share import decode_share, encode_share, link_id_of, new_share, share_name

FIELDS: dict[str, object] = {
    "secret": b"s" * 32,
    "key": b"k" * 32,
    "has_password": True,
    "node_id": b"n" * 16,
    "is_live": False,
    "path": "/docs/ü",
    "expires_ms": 1,
    "most_opened": 2,
    "note": "why",
    "created_ms": 3,
}
RAW = bytes.fromhex(
    "9b01c420" + "73" * 32 + "c420" + "6b" * 32 + "c3c410" + "6e" * 16 + "c2a82f646f63732fc3bc" + "0102a377687903"
)


def test_a_share_is_these_bytes() -> None:
    """The layout of `docs/formats/folders.md`, byte by byte."""
    assert encode_share(new_share(**FIELDS)) == RAW
    assert decode_share(RAW) == new_share(**FIELDS)


def test_no_secret_is_shown() -> None:
    """Neither keys, nor path, nor note."""
    assert repr(decode_share(RAW)) == "Share(is_live=False, has_password=True)"


@pytest.mark.parametrize("at", range(len(RAW)))
def test_a_share_that_is_cut_is_refused(at: int) -> None:
    """Wherever it ends."""
    with pytest.raises(IntegrityError):
        decode_share(RAW[:at])


@pytest.mark.parametrize(
    "raw",
    [
        RAW + b"\0",
        RAW.replace(b"\x9b\x01", b"\x9b\x00"),
        RAW.replace(b"\xc3\xc4\x10", b"\x01\xc4\x10"),
        RAW.replace(b"\x01\x02\xa3", b"\xcc\x01\x02\xa3"),
        RAW.replace(b"\x01\x02\xa3", b"\xff\x02\xa3"),
        RAW.replace(b"/docs/\xc3\xbc", b"/docs/\xff\xff"),
        b"\x91" * 2_000,
        b"\x80",
        b"",
    ],
    ids=[
        "longer",
        "version 0",
        "a number for a yes",
        "not the shortest",
        "negative",
        "no text",
        "deep",
        "a map",
        "none",
    ],
)
def test_what_is_no_share_is_refused(raw: bytes) -> None:
    """Strictly: another way to write the same is another thing."""
    with pytest.raises(IntegrityError):
        decode_share(raw)


def test_a_newer_version_is_told_apart() -> None:
    """Exit 17, so that it can be left alone instead of called damaged."""
    with pytest.raises(PolicyError):
        decode_share(msgspec.msgpack.encode([2, "whatever"]))


def test_what_no_reader_takes_is_not_written() -> None:
    """A path or note beyond its bounds would make all shares unreadable."""
    for changes in ({"path": "x" * 8_193}, {"note": "x" * 501}, {"expires_ms": -1}):
        with pytest.raises(ValueError, match="valid share"):
            encode_share(new_share(**FIELDS | changes))


def test_a_share_is_named_by_its_links_id() -> None:
    """In lower-case hexadecimal, and nothing else is an id."""
    link_id = bytes(range(0xF0, 0x100))

    assert link_id_of(share_name(link_id)) == link_id
    for name in ("", "zz", share_name(link_id).upper(), share_name(link_id) + "00", "f" * 31):
        with pytest.raises(IntegrityError):
            link_id_of(name)
