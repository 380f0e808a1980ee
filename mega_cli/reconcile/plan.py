r"""Plan: the heart of two-way sync. Three trees in, one plan out: pure, total, deterministic.

It never reads a clock or a disk, never raises for anything that can be observed, and keeps nothing: whatever part of a
plan is carried out, what is observed next is a situation again. Merge once, diff twice: both sides are driven to one
agreed target tree, so they meet almost by construction.

    room        decides
    unify       which nodes that both sides made are one
    draft       what each node is to be: `merge` where both have it, `rescue` where one deleted it
    folders     that each node has a way to the root: kept folders, circles undone
    names       that each node has a place of its own
    here        what of that this disk holds, now
    steps       the two differences, as actions, in `order`
    guard       which deletions wait for the user

Files and links, local against remote (`=` as in the base, E edited, M moved or renamed, D deleted; `tests` has a case
for every cell; folders, places and names have their tables in docs/sync.md):

    L \ R   =              E                    M                     ME                    D
    =       nothing        fetch                rename here           rename, fetch         trash here
    E       upload         same: adopt          the remote's place,   the remote's place,   edit wins: upload again
                           else conflict copy   upload                as E and E
    M       commit         fetch at the local   attribute by          attribute by          lives if its new folder
                           place                attribute             attribute, fetch      does
    ME      commit         as E and E           attribute by          as E and E            edit wins, at the
                                                attribute, upload                           local place
    D       remove there   edit wins: fetch     lives if its new      edit wins, at the     forget
                           again                folder does           remote's place
"""

from __future__ import annotations

from collections.abc import Iterable

from mega_cli.reconcile.actions import Notice, Plan, Stall
from mega_cli.reconcile.draft import Draft, Note
from mega_cli.reconcile.folders import rooted
from mega_cli.reconcile.guard import guard
from mega_cli.reconcile.here import Here, hold, leave_alone
from mega_cli.reconcile.modes import RULES
from mega_cli.reconcile.names import part
from mega_cli.reconcile.nodes import NodeId, TreeView, path_of
from mega_cli.reconcile.situation import Policy, Reason, Situation
from mega_cli.reconcile.steps import local_steps, remote_steps
from mega_cli.reconcile.trees import Trees
from mega_cli.reconcile.unify import ghosts, unify


def plan(situation: Situation, policy: Policy) -> Plan:
    """Decide what brings both sides together. The cost follows what changed, not what there is."""
    rule = RULES[policy.mode]
    united = unify(situation, rule.is_one)
    stalled = {**(ghosts(united, situation) if rule.has_ghosts else {}), **situation.stalled}
    trees = Trees(situation, united.local, stalled)
    draft = rule.draft(trees, situation, policy)
    tree = rooted(draft, trees)
    notes = [*draft.notes, *part(tree, trees, rule.rank, policy, drops_twins=rule.drops_twins)]
    here = hold(tree, trees, policy.disk) if rule.writes_here else leave_alone(tree, trees)
    made = Plan(
        identities=(*united.identities, *draft.copies),
        local=local_steps(here, trees, policy.disk) if rule.writes_here else (),
        remote=remote_steps(sorted(tree.delta), trees, tree) if rule.writes_there else (),
        absent=tuple(sorted({**_handed_over(draft, here), **here.absent}.items())),
        stalls=_stalls({**here.waiting, **stalled}, (trees.local, tree)),
        notices=_notices(notes, tree),
    )
    return guard(made, situation, policy)


def _handed_over(draft: Draft, here: Here) -> dict[NodeId, Reason]:
    """Give the nodes whose files conflict copies took over: not deleted here, but not fetched again yet."""
    return {one.id_before: Reason.FAILED for one in draft.copies if here.disk.get(one.id_before) is not None}


def _stalls(reasons: dict[NodeId, Reason], trees: Iterable[TreeView]) -> tuple[Stall, ...]:
    """Name what stands still by its path here, or where it would be."""
    found = []
    for id_, reason in reasons.items():
        paths = (path_of(tree, id_) for tree in trees)
        found.append(Stall(id_, next((path for path in paths if path), ()), reason))
    return tuple(sorted(found, key=lambda stall: (stall.path, stall.id)))


def _notices(notes: Iterable[Note], tree: TreeView) -> tuple[Notice, ...]:
    """Give the notices their paths, sorted by them."""
    found = {Notice(note.event, note.id, path_of(tree, note.id) or (), _other(note, tree)) for note in notes}
    return tuple(sorted(found, key=lambda notice: (notice.path, notice.event, notice.id)))


def _other(note: Note, tree: TreeView) -> tuple[str, ...]:
    return (path_of(tree, note.other) or ()) if note.other else ()
