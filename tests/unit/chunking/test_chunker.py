"""The chunker: bounds, pinned cuts, and cuts that follow the content alone."""

from __future__ import annotations

import hashlib

import pytest
from pyfastcdc.py import FastCDC as PurePythonFastCDC

from mega_cli.chunking import chunker
from mega_cli.chunking.chunker import CHUNK_MAX_BYTES, CHUNK_MIN_BYTES, Chunker, candidate_cutter
from mega_cli.model import KIB, MIB

KEY = bytes(range(32))


def noise(size_bytes: int, label: bytes = b"mega chunking vector") -> bytes:
    """Make bytes that never change from one machine to another."""
    return hashlib.shake_128(label).digest(size_bytes)


def cut(data: bytes, key: bytes = KEY) -> list[bytes]:
    """Chunk `data` fed at once."""
    one = Chunker(key)
    return one.feed(data) + one.finish()


def test_the_cuts_of_a_fixed_input_are_pinned() -> None:
    """A change of these numbers would end deduplication against everything stored before (docs/formats/chunking.md)."""
    data = noise(8 * MIB)

    assert [len(chunk) for chunk in cut(data)] == [2360563, 1518707, 1340376, 1258412, 736927, 341698, 831925]


def test_another_key_chooses_other_cuts() -> None:
    """The choice among the candidates depends on the key."""
    data = noise(8 * MIB)

    assert [len(chunk) for chunk in cut(data, bytes(32))] == [309336, 1006793, 912668, 802753, 1091585, 4003409, 262064]


def test_the_candidates_of_a_fixed_input_are_pinned() -> None:
    """The library must find the same candidates for ever, or it must not be upgraded."""
    ends = [found.offset + found.length for found in candidate_cutter().cut_buf(noise(8 * MIB))]

    assert ends[:6] == [9311, 15114, 19502, 27246, 28819, 38630]
    digest = hashlib.sha256(b"".join(end.to_bytes(8) for end in ends)).hexdigest()
    assert digest == "60de13cf53d03f2f829c6b2fc7fc66b72ac590f3d5cbefe9272e80dd76d6ff92"


def test_the_library_without_its_compiled_part_cuts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that only has the pure Python cutter stores the same chunks."""
    data = noise(700 * KIB, b"0")
    expected = cut(data)
    monkeypatch.setattr(chunker, "FastCDC", PurePythonFastCDC)

    assert [len(chunk) for chunk in expected] == [418085, 298715]
    assert cut(data) == expected


def test_an_empty_file_has_no_chunk() -> None:
    """Nothing in, nothing out."""
    assert cut(b"") == []


@pytest.mark.parametrize("size_bytes", [1, 64, 1023, 16 * KIB, 16 * KIB + 1, CHUNK_MIN_BYTES - 1])
def test_a_file_below_the_least_size_is_one_chunk(size_bytes: int) -> None:
    """No cut makes a chunk below 256 KiB."""
    data = noise(size_bytes)

    assert cut(data) == [data]


def test_a_file_without_any_chosen_cut_is_cut_before_the_limit() -> None:
    """Zeros offer only candidates of 16 KiB, all alike, so that none or each is chosen."""
    sizes = [len(chunk) for chunk in cut(bytes(9 * MIB))]

    assert sizes == [CHUNK_MAX_BYTES, CHUNK_MAX_BYTES, 1 * MIB]


@pytest.mark.parametrize("extra_bytes", [0, 1, 1500, 16 * KIB - 1])
def test_the_end_of_the_file_respects_the_limit(extra_bytes: int) -> None:
    """A tail that would make the last chunk exceed 4 MiB becomes a chunk of its own."""
    chunks = cut(bytes(CHUNK_MAX_BYTES + extra_bytes))

    assert [len(chunk) for chunk in chunks] == [CHUNK_MAX_BYTES, extra_bytes][: 1 + bool(extra_bytes)]


def test_one_byte_at_the_front_changes_few_chunks() -> None:
    """Cuts follow the content: after the first ones they are where they were."""
    data = noise(32 * MIB)
    before = cut(data)

    changed = set(cut(b"!" + data)) - set(before)

    assert len(before) > 15
    assert sum(map(len, changed)) <= 2 * CHUNK_MAX_BYTES


def test_the_buffer_may_be_reused_after_feeding() -> None:
    """Chunks and what is kept are copies."""
    data = noise(3 * MIB)
    buffer = bytearray(512 * KIB)
    one = Chunker(KEY)
    chunks = []
    for at in range(0, len(data), len(buffer)):
        buffer[:] = data[at : at + len(buffer)]
        chunks += one.feed(memoryview(buffer))
        buffer[:] = bytes(len(buffer))
    chunks += one.finish()

    assert chunks == cut(data)


def test_a_finished_chunker_takes_nothing_more() -> None:
    """One chunker is one file."""
    one = Chunker(KEY)
    one.finish()

    with pytest.raises(AssertionError):
        one.feed(b"more")


def test_the_key_does_not_show() -> None:
    """The key of the cuts is a secret."""
    assert KEY.hex() not in repr(Chunker(KEY))
    assert repr(KEY) not in repr(Chunker(KEY))
