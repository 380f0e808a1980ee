"""What a device may remember of its own uploads, to skip work next time: never needed, always checked by a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mega_cli.model import Ref
from mega_cli.state.index import ContentIndex, SourceRow


@dataclass(frozen=True, slots=True)
class ChunkStored:
    """A chunk of 64 KiB or more, by its keyed fingerprint, is stored as `ref`."""

    fingerprint: bytes
    ref: Ref


@dataclass(frozen=True, slots=True)
class SourceStored:
    """A file on this disk was read at the stat in `row` and is stored under the refs in it."""

    folder: bytes
    row: SourceRow


Fact = ChunkStored | SourceStored


def remember(index: ContentIndex, facts: Sequence[Fact]) -> None:
    """Write facts into the local index."""
    chunks = [(fact.fingerprint, fact.ref) for fact in facts if isinstance(fact, ChunkStored)]
    if chunks:
        index.add(chunks)
    by_folder: dict[bytes, list[SourceRow]] = {}
    for fact in facts:
        if isinstance(fact, SourceStored):
            by_folder.setdefault(fact.folder, []).append(fact.row)
    for folder, rows in by_folder.items():
        index.add_sources(folder, rows)
