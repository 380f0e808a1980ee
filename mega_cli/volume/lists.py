"""Resolve what an entry's refs stand for: the data refs of a file in order, or its closure."""

from __future__ import annotations

from collections.abc import Sequence

from mega_cli.errors import IntegrityError
from mega_cli.formats.lists import MAX_DEPTH, decode_list
from mega_cli.formats.object import open_object
from mega_cli.formats.page import FILE, Entry
from mega_cli.model import DATA, LIST, BlobId, Ref
from mega_cli.volume.refs import by_id
from mega_cli.volume.source import Source


def data_refs(source: Source, entries: Sequence[Entry]) -> list[list[Ref]]:
    """Give the data refs of each file, fetching the lists of all of them together. Raises IntegrityError."""
    found, _ = _resolve(source, [entry_refs(entry) for entry in entries])
    return found


def closure(source: Source, entry: Entry) -> frozenset[BlobId]:
    """Give every id that a file's entry relies on, lists included."""
    found, lists = _resolve(source, [entry_refs(entry)])
    return frozenset(ref.id for ref in found[0]) | lists


def entry_refs(entry: Entry) -> list[Ref]:
    """Give the refs of a file's entry. Raises IntegrityError when they cannot be a file's or miss its size."""
    refs = entry.ref_list() if entry.kind == FILE else []
    if any(ref.kind not in (DATA, LIST) for ref in refs) or sum(ref.plain_len for ref in refs) != entry.size:
        raise IntegrityError
    return refs


def _resolve(source: Source, runs: list[list[Ref]]) -> tuple[list[list[Ref]], frozenset[BlobId]]:
    """Replace lists by what they hold, level by level, until only data is left; give the lists' ids as well.

    A file has one tree of lists: a level is all lists or all data, and every list of it but the last is full.
    """
    lists: set[BlobId] = set()
    for _ in range(MAX_DEPTH + 1):
        if any(len({ref.kind for ref in run}) > 1 for run in runs):
            raise IntegrityError
        wanted = by_id(ref for run in runs for ref in run if ref.kind == LIST)
        if not wanted:
            return runs, frozenset(lists)
        lists |= wanted.keys()
        full = {ref.id for run in runs for ref in run[:-1]}
        opened = {
            id_: decode_list(open_object(blob, wanted[id_]), wanted[id_], must_be_full=id_ in full)
            for id_, blob in source.fetch(list(wanted))
        }
        runs = [[child for ref in run for child in (opened[ref.id] if ref.kind == LIST else (ref,))] for run in runs]
    raise IntegrityError
