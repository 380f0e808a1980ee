"""The chunker against its definition: whatever the content, the key and the sizes of the reads."""

from __future__ import annotations

import random
from hashlib import blake2b

from hypothesis import given, settings
from hypothesis import strategies as st

from mega_cli.chunking.chunker import CHUNK_MAX_BYTES, CHUNK_MIN_BYTES, ODDS, Chunker, candidate_cutter
from mega_cli.model import KIB, MIB


def defined_sizes(data: bytes, key: bytes) -> list[int]:
    """Chunk a whole file as docs/formats/chunking.md says it, with no thought of feeding or speed."""
    ends = [found.offset + found.length for found in candidate_cutter().cut_buf(data)] if data else []
    sizes = []
    begin = last = 0
    for end in ends:
        if end - begin > CHUNK_MAX_BYTES:
            sizes.append(last - begin)
            begin = last
        number = int.from_bytes(blake2b(data[end - 64 : end], digest_size=32, key=key).digest()[:8])
        if end == len(data) or (end - begin >= CHUNK_MIN_BYTES and number % ODDS == 0):
            sizes.append(end - begin)
            begin = end
        last = end
    return sizes


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Draw a file of noise, zeros and repeats, of up to 20 MiB."""
    seeded = random.Random(draw(st.integers(0, 2**32)))
    # Sizes around the limits and well beyond them: drawn freely, nearly all would be below one chunk.
    sizes = st.sampled_from([1, 1025, 16 * KIB, 300 * KIB - 1, MIB, 3 * MIB + 7, 4 * MIB, 5 * MIB])
    kinds = st.sampled_from(["noise", "noise", "zeros", "repeat"])
    parts = draw(st.lists(st.tuples(kinds, sizes), max_size=4))
    made = []
    for kind, size_bytes in parts:
        if kind == "noise":
            made.append(seeded.randbytes(size_bytes))
        elif kind == "zeros":
            made.append(bytes(size_bytes))
        else:
            made.append((seeded.randbytes(5000) * (size_bytes // 5000 + 1))[:size_bytes])
    return b"".join(made)


@settings(max_examples=40, deadline=None)
@given(
    contents(),
    st.binary(min_size=32, max_size=32),
    st.lists(
        st.one_of(
            st.sampled_from([1, 1023, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1]), st.integers(1, 64 * KIB), st.just(4 * MIB)
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_cuts_depend_on_content_and_key_alone(data: bytes, key: bytes, reads: list[int]) -> None:
    """Fed in any pieces, a file has the chunks of its definition, and they join to the file."""
    chunker = Chunker(key)
    chunks = []
    at = turn = 0
    while at < len(data):
        # After the drawn reads come large ones, so that an example stays cheap.
        size_bytes = reads[turn] if turn < len(reads) else 700 * KIB + turn
        chunks += chunker.feed(data[at : at + size_bytes])
        at += size_bytes
        turn += 1
    chunks += chunker.finish()

    assert [len(chunk) for chunk in chunks] == defined_sizes(data, key)
    assert b"".join(chunks) == data
    assert all(len(chunk) >= CHUNK_MIN_BYTES for chunk in chunks[:-1])
    assert all(len(chunk) <= CHUNK_MAX_BYTES for chunk in chunks)
