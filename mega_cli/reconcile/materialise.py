"""Materialise: which nodes of a tree this disk cannot hold, and why. The tree itself is never changed.

Names that fold together, names and links that the system refuses, paths too long or too deep. It relies on the target
being well formed, and costs what was touched: those nodes, what stands beside them where names fold, and what lies
below touched folders, because a folder that moves takes the length of its path down with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mega_cli.paths.names import windows_problem
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, TreeView, path_of
from mega_cli.reconcile.situation import DiskRules, Reason

Prefers = Callable[[Node], tuple[object, ...]]

OWN_FOLDER: Final = ".mega"
"""At the top of the synced folder stands sync's own folder; nothing of the volume may ever land in it."""


def materialise(
    target: TreeView,
    touched: Iterable[NodeId],
    absent: Mapping[NodeId, Reason],
    prefers: Prefers,
    rules: DiskRules,
) -> dict[NodeId, Reason]:
    """Give the nodes of `target` that are to be absent from this disk, by id: all of them, roots only.

    | node | reason |
    |---|---|
    | is `EXCLUDED` in `absent`, and lives | as it is |
    | its name is one that the system, or sync itself, keeps | `NAME_ILLEGAL` |
    | name or path has too many bytes | `NAME_TOO_LONG` |
    | lies too deep | `TOO_DEEP` |
    | is a link where there are none | `LINKS_UNSUPPORTED` |
    | folds together with one beside it that `prefers` puts first | `NAME_CLASH` |

    `touched` names all that is new, moved or renamed since `absent` was judged. The least by `prefers`, then by name,
    is held; what is absent for another reason takes no name.
    """
    found = {id_: Reason.EXCLUDED for id_, reason in absent.items() if reason is Reason.EXCLUDED}
    asked = {*touched, *absent} - found.keys()
    judged: dict[NodeId, Reason | None] = {}
    for id_ in asked:
        _judge(target, id_, rules, judged)
    found |= {id_: reason for id_, reason in judged.items() if reason is not None}
    if rules.folds_case or rules.folds_form:
        for parent in {node.parent for id_ in judged if (node := target.get(id_)) is not None}:
            found |= _clashes(target, parent, found, prefers, rules)
    return {
        id_: found[id_]
        for id_ in sorted(found)
        if target.get(id_) is not None and (found[id_] is Reason.EXCLUDED or not _is_below(target, id_, found))
    }


def fold(name: str, rules: DiskRules) -> str:
    """Give what this disk compares: two names with one fold are one file there.

    >>> fold("STRASSE", DiskRules(folds_case=True)) == fold("Straße", DiskRules(folds_case=True))
    True
    """
    if not rules.folds_case:
        return unicodedata.normalize("NFC", name) if rules.folds_form else name
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _judge(target: TreeView, id_: NodeId, rules: DiskRules, judged: dict[NodeId, Reason | None]) -> None:
    """Judge a node by itself, and all that lies below it as far as the disk can hold it."""
    node, path = target.get(id_), path_of(target, id_)
    if node is None or path is None:
        return
    waiting = [(node, len(path), len("/".join(path).encode()))]
    while waiting:
        node, depth, path_bytes = waiting.pop()
        if node.id in judged:
            continue
        reason = judged[node.id] = _own_reason(node, depth, path_bytes, rules)
        if node.kind == "d" and reason is None:
            waiting += [
                (child, depth + 1, path_bytes + 1 + len(child.name.encode())) for child in target.children(node.id)
            ]


def _own_reason(node: Node, depth: int, path_bytes: int, rules: DiskRules) -> Reason | None:
    """Say what keeps a node from the disk, its neighbours aside."""
    if node.parent == ROOT and fold(node.name, rules) == OWN_FOLDER:
        return Reason.NAME_ILLEGAL
    if rules.is_windows and windows_problem(node.name):
        return Reason.NAME_ILLEGAL
    if len(node.name.encode()) > rules.name_most_bytes or path_bytes > rules.path_most_bytes:
        return Reason.NAME_TOO_LONG
    if depth > rules.depth_most:
        return Reason.TOO_DEEP
    if node.kind == "l" and not rules.has_links:
        return Reason.LINKS_UNSUPPORTED
    return None


def _clashes(
    target: TreeView, parent: NodeId, found: Mapping[NodeId, Reason], prefers: Prefers, rules: DiskRules
) -> dict[NodeId, Reason]:
    """Give the nodes of a folder whose folded name belongs to one that comes first."""
    groups: dict[str, list[Node]] = {}
    for node in target.children(parent):
        if node.id not in found:
            groups.setdefault(fold(node.name, rules), []).append(node)
    clashing: dict[NodeId, Reason] = {}
    for group in groups.values():
        if len(group) > 1:
            group.sort(key=lambda node: (prefers(node), node.name.encode(), node.id))
            clashing |= {node.id: Reason.NAME_CLASH for node in group[1:]}
    return clashing


def _is_below(target: TreeView, id_: NodeId, found: Mapping[NodeId, Reason]) -> bool:
    """Tell whether a folder above a node is absent."""
    node = target.get(id_)
    while node is not None and node.parent != ROOT:
        if node.parent in found:
            return True
        node = target.get(node.parent)
    return False
