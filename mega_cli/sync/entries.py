"""Nodes and entries: what sync sees of a line of a folder, and the line that a node makes.

What a node does not tell of an entry is kept as it is: the refs, `ext`, the bits above the nine, a folder's time. Some
entries make no node, because sync cannot hold them; they are left alone, with everything below. Pure.
"""

from __future__ import annotations

from typing import Final

from mega_cli.errors import BugError, IntegrityError, LimitError
from mega_cli.formats.page import FILE, FOLDER, LINK, TARGET_MOST_CHARS, Entry, is_name
from mega_cli.paths.names import ESCAPE_MARKER
from mega_cli.reconcile.nodes import ROOT, Kind, Node, NodeId
from mega_cli.volume.changes import renamed
from mega_cli.volume.content import Content
from mega_cli.volume.diff import Placed

OWN_FOLDER: Final = ".mega"
"""At the top of a synced folder: sync's own place on the disk."""
PERMISSIONS: Final = 0o777
LINK_MODE: Final = 0o777
_LINK_BITS: Final = 1
_TIME_MOST_NS: Final = 2**63 - 1


def is_held(placed: Placed) -> bool:
    """Tell whether sync can hold an entry: a kind it knows, whose name and target are text, not its own folder."""
    entry = placed.entry
    return (
        entry.kind in (FILE, FOLDER, LINK)
        and not entry.name.startswith(ESCAPE_MARKER)
        and not entry.target.startswith(ESCAPE_MARKER)
        and (bool(placed.above) or entry.name.casefold() != OWN_FOLDER)
    )


def sync_id(node_id: bytes, kind: str) -> NodeId:
    """Give a node's id from an entry's, or an entry's from a node's.

    A put may let a link take a file's place and its node_id, but a node never changes its kind: so a link's id differs
    from that of a file with the same node_id, by one bit.
    """
    return node_id[:-1] + bytes([node_id[-1] ^ _LINK_BITS]) if kind == LINK else node_id


def node_of(placed: Placed) -> Node:
    """Make the node of an entry that sync can hold. Raises IntegrityError for an id that only the root has."""
    entry = placed.entry
    id_ = sync_id(entry.node_id, entry.kind)
    if id_ == ROOT:
        raise IntegrityError
    kind: Kind = "f" if entry.kind == FILE else "d" if entry.kind == FOLDER else "l"
    return Node(
        id=id_,
        parent=placed.parent,
        name=entry.name,
        kind=kind,
        digest=entry.digest,
        size=entry.size,
        mode=0 if kind == "l" else entry.mode & PERMISSIONS,
        mtime_ns=entry.mtime_ns if kind == "f" else 0,
        target=entry.target,
    )


def entry_of(node: Node, existing: Entry | None, content: Content | None, revision: int, now_ns: int) -> Entry:
    """Make the entry of a node: a new one, or `existing` as the node is now; `content` only when it is another.

    Raises LimitError for what no entry can say.
    """
    if not is_name(node.name) or len(node.target) > TARGET_MOST_CHARS or abs(node.mtime_ns) > _TIME_MOST_NS:
        raise LimitError("a name, a time or the target of a link cannot be kept in a volume", "rename it")
    if content is not None and (content.size, content.digest) != (node.size, node.digest):
        msg = "a commit has not the content of a file"
        raise BugError(msg)
    if existing is None:
        existing = _new(node, now_ns)
    if existing.kind != node.kind or (content is None and existing.digest != node.digest):
        msg = "a commit lacks the content of a file"
        raise BugError(msg)
    entry = renamed(existing, node.name, revision).replace(target=node.target)
    if content is not None:
        entry = entry.replace(size=content.size, digest=content.digest, refs=content.refs)
    if node.kind == LINK:
        return entry
    mtime_ns = node.mtime_ns if node.kind == FILE else entry.mtime_ns
    return entry.replace(mode=entry.mode & ~PERMISSIONS | node.mode, mtime_ns=mtime_ns)


def _new(node: Node, now_ns: int) -> Entry:
    """Make the entry that a new node starts from."""
    return Entry(
        name=node.name,
        node_id=sync_id(node.id, node.kind),
        kind=node.kind,
        size=0,
        mtime_ns=now_ns,
        mode=LINK_MODE if node.kind == LINK else node.mode,
        digest=b"",
        refs=b"",
        target=node.target,
        changed_in=0,
        ext={},
    )
