"""Nodes and trees for tests of sync, made from short words: a node's id is its label, filled up to 16 bytes."""

from __future__ import annotations

from mega_cli.reconcile.nodes import ROOT, Node, NodeId


def id_of(label: str) -> NodeId:
    """Give the id that stands for a label; the empty label is the root."""
    return label.encode().ljust(16, b"\0")


def file(
    label: str, name: str = "", *, at: str = "", content: str = "c0", mtime_ns: int = 1, mode: int = 0o644
) -> Node:
    """Make a file, named as its label unless told otherwise, in the folder labelled `at`; its digest is its content."""
    return Node(id_of(label), id_of(at), name or label, "f", content.encode(), len(content), mode, mtime_ns)


def folder(label: str, name: str = "", *, at: str = "", mode: int = 0o755) -> Node:
    """Make a folder."""
    return Node(id_of(label), id_of(at), name or label, "d", mode=mode)


def link(label: str, name: str = "", *, at: str = "", target: str = "t0") -> Node:
    """Make a symbolic link."""
    return Node(id_of(label), id_of(at), name or label, "l", target=target)


assert id_of("") == ROOT
