"""What must hold when a world has come to rest: V1-V8 of `design/sync.md` 5.3. V9 and V10 are watched all the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mega_cli.localfs.stat_print import StatPrint
from mega_cli.reconcile.nodes import MemoryTree, Node, flaws_of
from mega_cli.reconcile.situation import Reason
from mega_cli.sync.remote import RemoteMark
from mega_cli.sync.report import CycleReport
from tests.simulator.client import OWN_FOLDER, Client
from tests.simulator.compare import difference, digest_of, path_of_place
from tests.simulator.ledger import Seen
from tests.simulator.world import World

_ROUNDS_MOST: Final = 20
_SHORT_ROUNDS: Final = 5
_SHORT_S: Final = 4.0
_LONG_S: Final = 3_700.0
"""Longer than any failure is waited for before the next try."""
_LASTING: Final = frozenset({Reason.GHOST, Reason.DIR_NOT_EMPTY, Reason.NAME_ILLEGAL})
_MORE_CYCLES: Final = 3


def settle(world: World) -> None:
    """Stop all faults and let every device cycle until each reports twice that nothing is left (V8)."""
    world.is_fair = True
    world.finish_work()
    for client in world.clients:
        client.disk.relent()
        client.disk.tree.capacity_bytes = None
        if client.hearing is not None:
            client.hearing.mend()
    if world.chance.random() < 0.5:
        world.volume.deliver_late()
    quiet = 0
    reports: dict[str, CycleReport | None] = {}
    for turn in range(_ROUNDS_MOST):
        revision = world.volume.heads["main"].revision
        reports = {client.name: world.cycle(client) for client in world.clients}
        if world.flaws:
            return
        held = [client.approve_all() for client in world.clients]
        is_still = all(map(is_quiet, reports.values())) and revision == world.volume.heads["main"].revision
        quiet = quiet + 1 if is_still and not any(held) else 0
        if quiet == 2:
            return
        world.time.pass_s(_SHORT_S if turn < _SHORT_ROUNDS else _LONG_S)
    for name, report in reports.items():
        if not is_quiet(report):
            world.flaw(f"V8 {name} comes to no rest: {report}")
    world.flaw("V8 the devices come to no rest together")


def is_quiet(report: CycleReport | None) -> bool:
    """Tell whether nothing was done and nothing is waited for; something may stand still for a lasting reason."""
    if report is None or not report.plan.is_empty or report.failures or report.skipped or report.waiting_s:
        return False
    return all(stall.reason in _LASTING for stall in report.plan.stalls)


def check_rest(world: World) -> None:
    """Check V1-V7 of a world at rest."""
    for found in (*_converged(world), *_judged(world), *_consistent(world)):
        world.flaw(found)
    if not world.flaws:
        _check_idempotent(world)


def _converged(world: World) -> Iterator[str]:
    tree = world.volume.tree
    for flaw in flaws_of(MemoryTree(tree.values())):
        yield f"V1 the volume's tree is not well formed: {flaw}"
    for client in world.clients:
        if found := difference(client, tree):
            yield f"V1 {client.name} differs from the volume: {found}"


def _judged(world: World) -> Iterator[str]:
    """Judge V2 to V5."""
    if not world.is_judged:
        return
    tree = _tree_as_view(world)
    visible = {seen.content for client in world.clients for seen in client.view().values()}
    history = frozenset(content for content in world.ledger.tokens if digest_of(content) in world.volume.blobs)
    yield from world.ledger.lost(frozenset(visible | {seen.content for seen in tree.values()}), history)
    yield from world.ledger.resurrected(tree)
    yield from world.ledger.needless_copies(tree)
    yield from _unrecoverable(world, visible)


def _tree_as_view(world: World) -> dict[tuple[bytes, ...], Seen]:
    """Show the volume's files and links as a disk would."""
    contents = {digest_of(content): content for content in world.ledger.tokens}
    tree = MemoryTree(world.volume.tree.values())
    view = {}
    for node in tree:
        if node.kind != "d":
            content = contents.get(node.digest, b"") if node.kind == "f" else b"-> " + node.target.encode()
            view[_place(tree, node)] = Seen("f" if node.kind == "f" else "l", content, node.mode, node.mtime_ns)
    return view


def _place(tree: MemoryTree, node: Node) -> tuple[bytes, ...]:
    names = [node.name.encode()]
    while (above := tree.get(node.parent)) is not None:
        node = above
        names.append(node.name.encode())
    return tuple(reversed(names))


def _unrecoverable(world: World, visible: set[bytes]) -> Iterator[str]:
    """Name what an engine took from a disk and no history holds (V3)."""
    stored = world.volume.blobs
    own = {content for client in world.clients for content in _own_contents(client)}
    for token in world.ledger.tokens.values():
        content = token.content
        is_kept = content in visible or content in own or digest_of(content) in stored or content.startswith(b"-> ")
        if not is_kept and all(deed.by != token.born.by for deed in token.removed):
            yield f"V3 {content[:24]!r} is in no history, no trash and no tree"


def _own_contents(client: Client) -> Iterator[bytes]:
    """Give every content in mega's own folder of a disk."""
    folders = [node for name, node in client.disk.tree.root.entries.values() if name == OWN_FOLDER]
    for folder in folders:  # grows while it is walked
        for _, node in folder.entries.values():
            if node.kind == "d":
                folders.append(node)
            else:
                yield bytes(node.data)


def _consistent(world: World) -> Iterator[str]:
    """Compare state, disk and volume (V7)."""
    tree = dict(world.volume.tree)
    for client in world.clients:
        state = client.state
        absent = frozenset(state.absent())
        if {node.id: node for node in state.remote} != tree:
            yield f"V7 {client.name}'s state has another remote tree"
        if client.stalls:
            continue  # what stands still with a reason may differ
        if (base := {node.id: node for node in state.base}) != tree:
            yield f"V7 {client.name}'s base differs: {_ids(base.items() ^ tree.items())}"
        if not absent and (local := {node.id: node for node in state.local}) != tree:
            yield f"V7 {client.name}'s local tree differs: {_ids(local.items() ^ tree.items())}"
        if left := [*state.touched(), *state.journal(), *_answered(client)]:
            yield f"V7 {client.name}'s state is not done: {left}"
        yield from _stamped(client)


def _answered(client: Client) -> list[bytes]:
    """Give the commits under way of which the device could know what became; one on the head may still arrive."""
    head = client.volume.heads[client.folder.branch]
    marks = {raw: msgspec.msgpack.decode(raw, type=RemoteMark) for raw in client.state.pending()}
    return [raw for raw, mark in marks.items() if mark.revision <= head.revision]


def _stamped(client: Client) -> Iterator[str]:
    """Compare the stamps of the state with the disk."""
    state, tree = client.state, client.disk.tree
    for node in state.local:
        row = state.local.row(node.id)
        names = [row.disk_name] if row else []
        above = node.parent
        while (folder := state.local.row(above)) is not None:
            names.append(folder.disk_name)
            above = folder.node.parent
        place = tuple(reversed(names))
        try:
            found = tree.found(tree.at(place))
        except OSError:
            yield f"V7 {client.name}'s state has {'/'.join(path_of_place(place))}, the disk has not"
            continue
        if row and node.kind == "f" and StatPrint(*row.stamps[:6])[:4] != found.stamps[:4] and not row.is_racy:
            yield f"V7 {client.name}'s state has other stamps of {'/'.join(path_of_place(place))}"


def _ids(pairs: Iterable[tuple[bytes, Node]]) -> str:
    return ", ".join(sorted({id_.hex()[:8] for id_, _ in pairs}))


def _check_idempotent(world: World) -> None:
    """Run three more cycles on each device: nothing is written and nothing committed (V6)."""
    revision = world.volume.heads["main"].revision
    for _ in range(_MORE_CYCLES):
        for client in world.clients:
            writes = client.writes
            world.cycle(client)
            if client.writes != writes:
                world.flaw(f"V6 {client.name} writes to a disk on which nothing is to be done")
    if world.volume.heads["main"].revision != revision:
        world.flaw("V6 something was committed to a volume in which nothing was to be done")
