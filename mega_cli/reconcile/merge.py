"""Merge: one node of which both sides know, attribute by attribute. The remote's word stands where both spoke.

Two contents are never mixed: the remote's stays with the node, and the local one becomes a conflict copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from mega_cli.reconcile.changes import Change, change
from mega_cli.reconcile.nodes import Node, NodeId


class Merged(NamedTuple):
    """A merged node. `is_copied`: the local content needs a conflict copy; `is_undone`: a local move does not stand."""

    node: Node
    is_copied: bool = False
    is_undone: bool = False


def merge(base: Node | None, local: Node, remote: Node) -> Merged:
    """Merge two states of a node.

    | local | remote | parent, name, each by itself | content |
    |---|---|---|---|
    | as in the base | anything | the remote's | the remote's |
    | changed | as in the base | the local | the local |
    | changed | changed to the same | that | that |
    | changed | changed to another | the remote's; the local move is undone | the remote's, and a conflict copy |

    Without a base both sides made it, and all is the remote's.
    """
    if base is None:
        return Merged(remote, is_copied=local.substance != remote.substance)
    here, there = change(base, local), change(base, remote)
    both = here & there
    content = local if here & Change.EDIT and not there & Change.EDIT else remote
    node = content._replace(
        parent=local.parent if here & Change.PARENT and not there & Change.PARENT else remote.parent,
        name=local.name if here & Change.NAME and not there & Change.NAME else remote.name,
        mode=_mode(base, local, remote),
        mtime_ns=_mtime_ns(base, local, remote) if local.substance == remote.substance else content.mtime_ns,
    )
    is_undone = (Change.PARENT in both and local.parent != remote.parent) or (
        Change.NAME in both and local.name != remote.name
    )
    return Merged(node, is_copied=Change.EDIT in both and local.substance != remote.substance, is_undone=is_undone)


def _mode(base: Node, local: Node, remote: Node) -> int:
    """Flip each permission bit that either side flipped."""
    return ((local.mode ^ base.mode) | (remote.mode ^ base.mode)) ^ base.mode


def _mtime_ns(base: Node, local: Node, remote: Node) -> int:
    """Take the time that one side changed, the later one if both did: the one rule that orders times."""
    if local.mtime_ns == base.mtime_ns:
        return remote.mtime_ns
    return local.mtime_ns if remote.mtime_ns == base.mtime_ns else max(local.mtime_ns, remote.mtime_ns)


def copy_id(local: Node, device: str, now_ns: int, is_taken: Callable[[NodeId], bool]) -> NodeId:
    """Make the id of a conflict copy: the same for the same plan, another for every other conflict.

    Also where the clock stands still, or was set back: what has an id is no conflict of now.
    """
    hasher = hashlib.blake2b(digest_size=len(local.id))
    for part in (
        local.id,
        local.digest,
        local.target.encode(errors="surrogatepass"),
        device.encode(),
        str(now_ns).encode(),
    ):
        hasher.update(len(part).to_bytes(8) + part)
    while is_taken(hasher.digest()):
        hasher.update(hasher.digest())
    return hasher.digest()
