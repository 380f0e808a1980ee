"""Compare a device's disk with a tree of the volume: what a user would see of a difference."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from typing import Final

from mega_cli.crypto.content import content_digest
from mega_cli.localfs.disk import Place
from mega_cli.paths.ignore import BUILT_IN
from mega_cli.paths.names import name_from_disk
from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node, NodeId, path_of
from mega_cli.reconcile.situation import Reason
from tests.simulator.client import Client
from tests.simulator.ledger import Seen, View

Shape = dict[tuple[str, ...], tuple[str, bytes, int, int]]
"""By path: kind, digest or target, mode, time."""
_BUILT_IN: Final = re.compile("|".join(map(fnmatch.translate, BUILT_IN)))
_BUILT_IN_FOLDED: Final = re.compile("|".join(fnmatch.translate(pattern.casefold()) for pattern in BUILT_IN))


def is_ignored(place: Place, *, folds_case: bool = False) -> bool:
    """Tell whether a name on the way is one that sync leaves alone by its built-in list."""
    return any(_is_ignored_name(name, folds_case=folds_case) for name in place)


@cache
def _is_ignored_name(name: bytes, *, folds_case: bool) -> bool:
    text = name.decode(errors="replace")
    return (_BUILT_IN_FOLDED.match(text.casefold()) if folds_case else _BUILT_IN.match(text)) is not None


def path_of_place(place: Place) -> tuple[str, ...]:
    """Give the volume's path of a place of a disk."""
    return tuple(unicodedata.normalize("NFC", name_from_disk(name)[0]) for name in place)


def husks(view: View, *, folds_case: bool = False) -> frozenset[Place]:
    """Give the folders that hold nothing but what is ignored, and hold that: they may stay when they should go."""
    ignored = {place for place in view if is_ignored(place, folds_case=folds_case)}
    full = {
        place[:depth] for place, seen in view.items() if seen.kind != "d" and place not in ignored
        for depth in range(len(place))
    }  # fmt: skip
    return frozenset(place[:depth] for place in ignored for depth in range(1, len(place)) if place[:depth] not in full)


def shape_of_view(view: View, tick_ns: int = 1, *, folds_case: bool = False) -> Shape:
    """Give what a disk shows, without what is ignored."""
    return {
        path_of_place(place): _facts(seen.kind, _substance(seen), seen.mode, seen.mtime_ns, tick_ns)
        for place, seen in view.items()
        if not is_ignored(place, folds_case=folds_case)
    }


def shape_of_tree(tree: Mapping[NodeId, Node], absent: frozenset[NodeId] = frozenset(), tick_ns: int = 1) -> Shape:
    """Give what a disk should show of a tree of the volume, without what is absent on purpose."""
    shape: Shape = {}
    for node in tree.values():
        ids, names = [node.id], [node.name]
        while (above := tree[ids[-1]].parent) != ROOT:
            ids.append(above)
            names.append(tree[above].name)
        if absent.isdisjoint(ids):
            substance = node.target.encode() if node.kind == "l" else node.digest
            shape[tuple(reversed(names))] = _facts(node.kind, substance, node.mode, node.mtime_ns, tick_ns)
    return shape


def difference(client: Client, tree: Mapping[NodeId, Node]) -> str:
    """Say how a device's disk differs from a tree; empty when it does not."""
    view = client.view()
    tick_ns, folds_case = client.machine.tick_ns, client.machine.folds_case
    here = shape_of_view(view, tick_ns, folds_case=folds_case)
    there = shape_of_tree(tree, frozenset(client.state.absent()), tick_ns)
    if here == there:
        return ""
    excused = {path_of_place(place) for place in husks(view, folds_case=folds_case)}
    ghosts = [stall.path for stall in client.stalls if stall.reason is Reason.GHOST]
    excused |= {path[:depth] for path in ghosts for depth in range(1, len(path) + 1)}
    waiting = _kept_away(client, MemoryTree(tree.values()), excused)
    excused |= {path[:depth] for path in waiting for depth in range(1, len(path))}
    return "; ".join(
        f"{'/'.join(path)!r}: {_shown(here.get(path))} here, {_shown(there.get(path))} in the volume"
        for path in sorted({**here, **there})
        if here.get(path) != there.get(path)
        and path not in ghosts
        and (path not in here or path not in excused)
        and not any(path[:depth] in waiting for depth in range(1, len(path) + 1))
    )


def _kept_away(client: Client, tree: MemoryTree, kept: Collection[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Give where things are, here and there, whose places ghosts have, or folders that stay for what they hold.

    They wait, and so does what should come where they are, or into them; the device has to say so of each.
    """
    local, waiting = client.state.local, set[tuple[str, ...]]()
    stay = [node.id for node in local if node.kind == "d" or tree.get(node.id) is None]
    places = [(path_of(local, id_) or (), path_of(tree, id_)) for id_ in stay]
    taken = {_folded(here, client) for here, there in places if here in kept and here != there}
    stalls = {stall.id for stall in client.stalls if stall.reason in (Reason.DIR_NOT_EMPTY, Reason.GHOST)}
    while found := {id_ for id_ in stalls if (path := path_of(tree, id_)) and _is_taken(_folded(path, client), taken)}:
        stalls -= found
        for path in (path_of(side, id_) for side in (tree, local) for id_ in found):
            if path is not None:
                waiting.add(path)
                taken.add(_folded(path, client))
    return waiting


def _is_taken(path: tuple[str, ...], taken: Collection[tuple[str, ...]]) -> bool:
    """Tell whether a place, or that of the folder it is in, is taken."""
    return path in taken or path[:-1] in taken


def _folded(path: tuple[str, ...], client: Client) -> tuple[str, ...]:
    return tuple(name.casefold() for name in path) if client.machine.folds_case else path


def _facts(kind: str, substance: bytes, mode: int, mtime_ns: int, tick_ns: int) -> tuple[str, bytes, int, int]:
    """Keep what is compared of one thing: of a folder that it is one, of a link where it leads."""
    return kind, substance, mode & 0o777 if kind == "f" else 0, mtime_ns - mtime_ns % tick_ns if kind == "f" else 0


def _substance(seen: Seen) -> bytes:
    return digest_of(seen.content) if seen.kind == "f" else seen.content.removeprefix(b"-> ")


@cache
def digest_of(content: bytes) -> bytes:
    """Hash a content, once."""
    return content_digest(content)


def _shown(facts: tuple[str, bytes, int, int] | None) -> str:
    return "nothing" if facts is None else f"{facts[0]} {facts[1].hex()[:6]} {facts[2]:o} {facts[3]}"
