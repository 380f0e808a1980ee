"""Frames come out whole, however the stream was cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mega_server.protocol.frames import END, MISSING, NOT_SENT, Absent, FrameReader, frame_header, read_frames

FRAMES = st.lists(st.one_of(st.binary(min_size=1, max_size=300), st.sampled_from(Absent)), max_size=12)
WORDS = {Absent.MISSING: MISSING, Absent.NOT_SENT: NOT_SENT}


def wire_of(frames: list[bytes | Absent]) -> bytes:
    """Write frames as a server does."""
    return b"".join(WORDS[f] if isinstance(f, Absent) else frame_header(len(f)) + f for f in frames) + END


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut data at these places."""
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@given(FRAMES, st.lists(st.integers(0, 5_000), max_size=40))
def test_frames_do_not_depend_on_reads(frames: list[bytes | Absent], cuts: list[int]) -> None:
    """The same frames, in order, from any pieces."""
    assert list(read_frames(cut(wire_of(frames), cuts))) == frames


@given(FRAMES, st.integers(1, 5_000))
def test_a_cut_answer_is_noticed(frames: list[bytes | Absent], lacking: int) -> None:
    """Every proper prefix of an answer is reported as cut."""
    wire = wire_of(frames)
    with pytest.raises(EOFError):
        list(read_frames([wire[: max(0, len(wire) - lacking)]]))


@given(FRAMES, st.binary(min_size=1, max_size=9), st.booleans())
def test_bytes_after_the_end_are_refused(frames: list[bytes | Absent], extra: bytes, is_apart: bool) -> None:  # noqa: FBT001 -- drawn
    """Nothing may follow the end, in the same read or in the next."""
    wire = wire_of(frames)
    with pytest.raises(ValueError, match="after the last frame"):
        list(read_frames([wire, extra] if is_apart else [wire + extra]))


def test_a_length_out_of_bounds_is_refused_before_its_bytes() -> None:
    """A frame longer than any blob is refused when its length is read."""
    with pytest.raises(ValueError, match="longer than any blob"):
        list(FrameReader().feed(frame_header(5 * 1024 * 1024 + 1)))
