"""Lists: a file's refs in order, 80 bytes each (`docs/formats/list.md`).

All refs of a list are of one kind, data or list. Every child list but the last is full: a file has one tree of lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mega_cli.errors import IntegrityError
from mega_cli.model import DATA, LIST, REF_BYTES, Ref

MAX_LIST_REFS: Final = 12_000
MAX_DEPTH: Final = 3
ENTRY_MOST_DATA_REFS: Final = 4
"""A file of up to so many chunks has no list: its refs stand in the entry."""
LIST_MOST_BYTES: Final = MAX_LIST_REFS * REF_BYTES


def encode_list(refs: Sequence[Ref]) -> bytes:
    """Write 1 to 12,000 refs of one kind. Raises ValueError."""
    kinds = {ref.kind for ref in refs}
    if not 0 < len(refs) <= MAX_LIST_REFS or kinds not in ({DATA}, {LIST}):
        msg = f"a list holds 1 to {MAX_LIST_REFS} refs, all of data or all of lists"
        raise ValueError(msg)
    return b"".join(ref.pack() for ref in refs)


def decode_list(raw: bytes, ref: Ref, *, must_be_full: bool = False) -> list[Ref]:
    """Read the list that `ref` names: one kind, no empty child, lengths that sum up to `ref.plain_len`.

    `must_be_full` is for every child list but the last. Raises IntegrityError.
    """
    try:
        refs = Ref.unpack_all(raw)
    except ValueError:
        raise IntegrityError from None
    if (
        not 0 < len(refs) <= MAX_LIST_REFS
        or (must_be_full and len(refs) != MAX_LIST_REFS)
        or {child.kind for child in refs} not in ({DATA}, {LIST})
        or not all(child.plain_len for child in refs)
        or sum(child.plain_len for child in refs) != ref.plain_len
    ):
        raise IntegrityError
    return refs


def cut_into_lists(refs: Sequence[Ref]) -> list[Sequence[Ref]]:
    """Cut refs into runs, each one list: all full but the last."""
    return [refs[at : at + MAX_LIST_REFS] for at in range(0, len(refs), MAX_LIST_REFS)]
