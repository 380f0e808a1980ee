"""The hypothesis strategy of every target: seeds that were changed as a hostile hand would, and random bytes."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.fuzz.target import Target

_TELLING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff\xff\xff\xff\xff"]
_MOST_CHANGES = 4


@st.composite
def _changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Draw a seed, and overwrite, cut, insert, double or swap pieces of it."""
    raw = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, _MOST_CHANGES))):
        at = draw(st.integers(0, len(raw)))
        end = draw(st.integers(at, min(len(raw), at + 16)))
        piece = draw(st.one_of(st.sampled_from(_TELLING), st.binary(max_size=9)))
        raw = draw(
            st.sampled_from(
                (
                    raw[:at] + piece + raw[at + len(piece) :],
                    raw[:at] + piece + raw[at:],
                    raw[:at] + raw[end:],
                    raw[:at],
                    raw[:end] + raw[at:],
                    raw[at:] + raw[:at],
                )
            )
        )
    return raw


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Draw inputs of a target: mostly changed seeds."""
    changed = _changed(target.seeds())
    return st.one_of(changed, changed, changed, st.binary(max_size=400))
