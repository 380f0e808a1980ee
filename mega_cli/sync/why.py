"""Why one local path is as it is: what the last run saw, what the disk says now, which rule, which decision.

It looks and asks no server; what changed elsewhere since the last run it cannot know.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mega_cli.errors import MegaError, MissingItemError, PermissionRefusedError, UsageError
from mega_cli.localfs.disk import Disk, Found, Place
from mega_cli.localfs.racy import is_unchanged
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.paths.ignore import RULE_FILE, RULE_FILE_MAX_BYTES, Rule, Rules, read_rule_file
from mega_cli.paths.names import name_from_disk
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, TreeView
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.ignore_lines import device_lines
from mega_cli.sync.opened import open_folder, reading
from mega_cli.sync.pairs import Pair, open_pairs
from mega_cli.sync.run_report import DISK_REASONS
from mega_cli.system.directories import Home

_STAT_WIDTH: Final = 6


class Status(StrEnum):
    """How a path stands."""

    SYNCED = "synced"
    PENDING = "pending"
    """It differs, and the next run acts on it."""
    STALLED = "stalled"
    IGNORED = "ignored"
    BLOCKED = "blocked"
    """It is in the volume, and this disk cannot hold it."""
    HELD = "held"
    """Its deletion waits for the user."""
    CONFLICT = "conflict"
    """It is a conflict copy, and synced as any file."""
    OWN = "own"
    """It is mega's own."""


class Why(NamedTuple):
    """The answer. `path` is below the pair's folder."""

    pair: Pair
    path: str
    status: Status
    reason: Reason | None = None
    rule: Rule | None = None
    since_ns: int = 0
    detail: str = ""
    """What a conflict copy is a copy of; the name of a held deletion; how it differs."""
    goes: Literal["", "up", "down"] = ""
    """Where the content of what is pending has to go, as far as that is known here."""


def why(home: Home, path: Path) -> Why:
    """Explain a local path. Raises MissingItemError when it is in no synced folder, or nobody knows of it."""
    pairs = open_pairs(home)
    pair, place = pairs.holding(path)
    with reading(pairs, pair) as state, ExitStack() as stack:
        try:
            disk = stack.enter_context(open_folder(pair))
        except PermissionRefusedError:
            return _unreadable(pair, place, 0)
        return explain(pair, place, disk, state, device_lines(home))


def explain(pair: Pair, place: Place, disk: Disk, state: SyncState | None, lines: tuple[str, ...]) -> Why:
    """Explain a place of a pair by its disk and its state."""
    shown = "/".join(map(os.fsdecode, place)) or "."
    if place[:1] == (b".mega",):
        return Why(pair, shown, Status.OWN)
    row, node = (None, None) if state is None else _known(state, place)
    if state is not None:
        answer = _noted(pair, shown, state, row.node if row else node)
        if answer is not None:
            return answer
    try:
        found = disk.look(place)
        decided = _ignored(disk, place, found, lines)
    except PermissionError:
        return _unreadable(pair, place, _readable_depth(disk, place))
    if isinstance(decided, Reason):
        return Why(pair, shown, Status.STALLED, decided)
    if decided is not None:
        return Why(pair, shown, Status.IGNORED, Reason.EXCLUDED, decided)
    if not place and state is not None:
        return Why(pair, shown, Status.SYNCED)
    return _compared(pair, shown, found, row, node, state)


def _unreadable(pair: Pair, place: Place, depth: int) -> Why:
    """Say that a folder on the way may not be looked into: that is all that is known of what lies below."""
    names = list(map(os.fsdecode, place))
    detail = "/".join(names[:depth]) or "the whole folder"
    return Why(pair, "/".join(names) or ".", Status.STALLED, Reason.UNREADABLE, detail=detail)


def _readable_depth(disk: Disk, place: Place) -> int:
    """Say how far down the folders can be looked at: the deepest of them is the one that refuses."""
    for depth in range(1, len(place) + 1):
        try:
            disk.look(place[:depth])
        except PermissionError:
            return depth - 1
    return len(place)


def _noted(pair: Pair, shown: str, state: SyncState, node: Node | None) -> Why | None:
    """Look the path and the folders above it up among what stands still, waits or is not here."""
    stalled = {row.path: row for row in state.stalled()}
    for path in _upward(shown):
        if path in stalled and stalled[path].reason is not Reason.HELD:
            row = stalled[path]
            detail = "" if path == shown else path
            return Why(pair, shown, Status.STALLED, row.reason, since_ns=row.since_ns, detail=detail)
    ids = [] if node is None else [node.id, *_above(state, node)]
    for hold in state.holds():
        if any(id_ in hold.ids for id_ in ids):
            return Why(pair, shown, Status.HELD, Reason.HELD, since_ns=hold.since_ns, detail=hold.name)
    absent = state.absent()
    blocked = next((absent[id_] for id_ in ids if absent.get(id_) in DISK_REASONS), None)
    if blocked is not None:
        return Why(pair, shown, Status.BLOCKED, blocked)
    for conflict in state.conflicts():
        if shown == conflict.copy or conflict.id in ids[:1]:
            return Why(pair, shown, Status.CONFLICT, since_ns=conflict.at_ns, detail=conflict.path)
    return None


def _compared(
    pair: Pair, shown: str, found: Found | None, row: LocalRow | None, node: Node | None, state: SyncState | None
) -> Why:
    """Compare the disk, what was last seen of it, and what both sides last agreed on."""
    if found is None and row is None and node is None:
        message = f"there is no {shown}, here or in what was last synced"
        raise MissingItemError(message, pair.command)
    id_ = row.node.id if row is not None else node.id if node is not None else None
    base = None if state is None or id_ is None else state.base.get(id_)
    remote = None if state is None or id_ is None else state.remote.get(id_)
    goes: Literal["", "up", "down"] = "up"
    if found is None:
        detail = "it is not here, and was" if base is not None else "it is in the volume alone"
        goes = "" if base is not None else "down"
    elif row is None:
        detail = "it is new here"
    elif not is_as_seen(row, found):
        detail = "it was changed here since the last run"
    elif base != row.node or remote != row.node:
        detail = "the last run did not finish with it"
        goes = "up" if base != row.node else "down"
    else:
        return Why(pair, shown, Status.SYNCED)
    return Why(pair, shown, Status.PENDING, detail=detail, goes=goes)


def is_as_seen(row: LocalRow, found: Found) -> bool:
    """Tell whether the disk shows what was last seen there."""
    if row.node.kind != found.kind:
        return False
    return found.kind == "d" or is_unchanged(found.stamps, StatPrint(*row.stamps[:_STAT_WIDTH]), row_is_racy=False)


def _ignored(disk: Disk, place: Place, found: Found | None, lines: tuple[str, ...]) -> Rule | Reason | None:
    """Ask the rules of each folder on the way, as a scan does; a rule file that means nothing stalls its folder."""
    rules = Rules.at_top(lines)
    for depth, raw in enumerate(place):
        folder = place[:depth]
        try:
            own = _rule_file(disk, (*folder, RULE_FILE.encode()))
            rules = rules if own is None else rules.with_file(read_rule_file(own))
        except UsageError:
            return Reason.IGNORE_MALFORMED
        name = _name(raw)
        is_last = depth == len(place) - 1
        rule = rules.deciding(name, not is_last or (found is not None and found.kind == "d"))
        if rule is not None and rule.leaves_out:
            return rule
        rules = rules.below(name)
    return None


def _rule_file(disk: Disk, place: Place) -> bytes | None:
    """Read a rule file; None when there is none. Raises UsageError for what is no file, or too large."""
    found = disk.look(place)
    if found is None:
        return None
    if found.kind != "f" or found.stamps.size > RULE_FILE_MAX_BYTES:
        raise UsageError("it is no rule file")
    content = bytearray(found.stamps.size + 1)
    try:
        with disk.open_file(place) as file:
            length, view = 0, memoryview(content)
            while length < len(content) and (count := file.readinto(view[length:])):
                length += count
    except PermissionError as error:
        raise UsageError("it cannot be read") from error
    return bytes(content[:length])


def _known(state: SyncState, place: Place) -> tuple[LocalRow | None, Node | None]:
    """Find what was last seen at a place here, and what stands at that path in the volume."""
    row, id_ = None, ROOT
    for name in place:
        row = next((row for row in state.local.rows(id_) if row.disk_name == name), None)
        if row is None:
            break
        id_ = row.node.id
    return row, _node_at(state.remote, place)


def _name(raw: bytes) -> str:
    """Give the name that rules are asked about."""
    try:
        return name_from_disk(raw)[0]
    except MegaError:
        return os.fsdecode(raw)


def _node_at(tree: TreeView, place: Place) -> Node | None:
    node, id_ = None, ROOT
    for raw in place:
        node = tree.child(id_, _name(raw))
        if node is None:
            return None
        id_ = node.id
    return node


def _above(state: SyncState, node: Node) -> list[NodeId]:
    """Give the ids of the folders above a node, the nearest first."""
    found: list[NodeId] = []
    id_ = node.parent
    while id_ != ROOT and id_ not in found:
        found.append(id_)
        above = state.local.get(id_) or state.remote.get(id_)
        if above is None:
            break
        id_ = above.parent
    return found


def _upward(shown: str) -> list[str]:
    """Give a path and those of the folders above it."""
    parts = shown.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
