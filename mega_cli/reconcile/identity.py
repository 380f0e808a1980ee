"""Identity: which of the things that appeared on a disk are nodes that lost their place.

Pure, and asked only about what no place explains: a file or link whose path still leads to one of its kind is that
node, whatever its inode (programs save by replacing); a folder is its path's node only if no other has its inode.

A row vanished, an item appeared; both of one kind, for a node never changes its kind:

| the two | are one node |
|---|---|
| folders, another inode | never |
| folders, same inode, both births known and different | never: the number was used again |
| folders, same inode, at least half of the row's children are there by name | yes |
| folders, same inode, fewer of them | no: systems use numbers again at once |
| folders, same inode, the row had no children | only if both births are known, and equal |
| files or links, same inode, same content | yes |
| files or links, same inode, other content | no: inode, size and time prove nothing |
| files or links, both births known and different | no |
| files, either has several names | never: by path alone |
| files or links, another inode, same content | no, a copy |
| inodes mean nothing here; files or links, one of each with this content | yes |
| inodes mean nothing here; several of either with this content | no |
| inodes mean nothing here; folders | never: by path alone |

A folder's children are compared by name and never by inode: numbers freed together are used again together. A wrong
"yes" costs lineage, never bytes: an item's own content is what is planned with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mega_cli.reconcile.nodes import Kind, NodeId


class Trace(NamedTuple):
    """What identifies a file, folder or link: as a row remembers it, or as it was found."""

    kind: Kind
    ino: int
    birth_ns: int = 0
    """0 where the system does not tell."""
    links: int = 1
    content: bytes = b""
    """A file's digest, a link's target."""
    names: frozenset[str] = frozenset()
    """What lies directly in a folder."""


def match_folders(vanished: Mapping[NodeId, Trace], appeared: Iterable[Trace]) -> dict[int, NodeId]:
    """Give the index of each appeared folder that is a vanished one; only where inodes mean something.

    Of several rows that fit, the one that shares most names, then the least id.
    """
    rows = _by_ino(vanished)
    found: dict[int, NodeId] = {}
    for at, item in enumerate(appeared):
        fitting = [id_ for id_ in rows.get((item.kind, item.ino), ()) if _is_same_folder(vanished[id_], item)]
        if fitting:
            best = min(fitting, key=lambda id_: (-len(vanished[id_].names & item.names), id_))
            found[at] = best
            rows[item.kind, item.ino].remove(best)
    return found


def match_contents(
    vanished: Mapping[NodeId, Trace], appeared: Iterable[Trace], *, ids_are_stable: bool
) -> dict[int, NodeId]:
    """Give the index of each appeared file or link that is a vanished one."""
    return _match_inodes(vanished, appeared) if ids_are_stable else _match_unique(vanished, appeared)


def _match_inodes(vanished: Mapping[NodeId, Trace], appeared: Iterable[Trace]) -> dict[int, NodeId]:
    rows = _by_ino(vanished)
    found: dict[int, NodeId] = {}
    for at, item in enumerate(appeared):
        candidates = rows.get((item.kind, item.ino), [])
        for id_ in candidates:
            if _is_same_content(vanished[id_], item):
                found[at] = id_
                candidates.remove(id_)
                break
    return found


def _match_unique(vanished: Mapping[NodeId, Trace], appeared: Iterable[Trace]) -> dict[int, NodeId]:
    rows: dict[tuple[Kind, bytes], list[NodeId]] = {}
    items: dict[tuple[Kind, bytes], list[int]] = {}
    for id_, row in vanished.items():
        rows.setdefault((row.kind, row.content), []).append(id_)
    for at, item in enumerate(appeared):
        items.setdefault((item.kind, item.content), []).append(at)
    return {found[0]: rows[key][0] for key, found in items.items() if len(found) == 1 and len(rows.get(key, ())) == 1}


def _by_ino(vanished: Mapping[NodeId, Trace]) -> dict[tuple[Kind, int], list[NodeId]]:
    rows: dict[tuple[Kind, int], list[NodeId]] = {}
    for id_ in sorted(vanished):
        rows.setdefault((vanished[id_].kind, vanished[id_].ino), []).append(id_)
    return rows


def _is_same_folder(row: Trace, item: Trace) -> bool:
    """Decide about two folders of one inode."""
    if not row.names:
        return row.birth_ns == item.birth_ns != 0
    return not _are_born_apart(row, item) and 2 * len(row.names & item.names) >= len(row.names)


def _is_same_content(row: Trace, item: Trace) -> bool:
    """Decide about two files, or links, of one inode."""
    return row.content == item.content and row.links == item.links == 1 and not _are_born_apart(row, item)


def _are_born_apart(row: Trace, item: Trace) -> bool:
    return 0 not in (row.birth_ns, item.birth_ns) and row.birth_ns != item.birth_ns
