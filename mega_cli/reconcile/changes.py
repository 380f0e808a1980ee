"""Changes: what one side did to one node since both last agreed. It compares for inequality, never for order."""

from __future__ import annotations

from enum import Flag, auto

from mega_cli.reconcile.nodes import Node


class Change(Flag):
    """What differs; a node that is moved and edited has both."""

    NONE = 0
    NEW = auto()
    DELETED = auto()
    EDIT = auto()
    """Other content, or another target of a link."""
    PARENT = auto()
    NAME = auto()
    META = auto()
    """Mode or time alone: never a reason to upload, to keep what was deleted, or to make a copy."""

    MOVE = PARENT | NAME


def change(base: Node | None, side: Node | None) -> Change:
    """Classify one side of one node.

    | base | side | change |
    |---|---|---|
    | none | none | NONE |
    | none | some | NEW |
    | some | none | DELETED |
    | some | some | EDIT, PARENT, NAME, META: each that differs |
    """
    if base is None or side is None:
        return (Change.NEW if side is not None else Change.DELETED) if base is not side else Change.NONE
    found = Change.NONE
    if side.substance != base.substance:
        found |= Change.EDIT
    if side.parent != base.parent:
        found |= Change.PARENT
    if side.name != base.name:
        found |= Change.NAME
    if (side.mode, side.mtime_ns) != (base.mode, base.mtime_ns):
        found |= Change.META
    return found
