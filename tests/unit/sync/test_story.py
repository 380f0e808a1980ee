"""A plan told in lines: each action once, with the paths a person knows."""

from __future__ import annotations

from mega_cli.reconcile.actions import (
    DescribeNode,
    FetchFile,
    Identity,
    LocalAction,
    MakeFolder,
    MoveNode,
    ParkNode,
    Plan,
    PutNode,
    RemoteAction,
    RemoveFolder,
    RemoveNode,
    Side,
    Step,
    TrashNode,
    WriteLink,
)
from mega_cli.reconcile.nodes import ROOT, MemoryTree, Node
from mega_cli.sync.story import Deed, Told, tell

HERE, THERE = Side.LOCAL, Side.REMOTE
DOCS = Node(b"d" * 16, ROOT, "docs", "d", mode=0o755)
FILE = Node(b"f" * 16, DOCS.id, "file", "f", b"1" * 32, 3, 0o644, 5)
LINK = Node(b"l" * 16, ROOT, "link", "l", target="docs")


def local(*actions: LocalAction) -> Plan:
    """Make a plan for this disk."""
    return Plan(local=tuple(Step(action) for action in actions))


def remote(*actions: RemoteAction) -> Plan:
    """Make a plan for the volume."""
    return Plan(remote=tuple(Step(action) for action in actions))


def lines(plan: Plan, here: MemoryTree | None = None, there: MemoryTree | None = None) -> list[Told]:
    """Tell a plan, without ids."""
    return [told._replace(id=b"") for told in tell(plan, here or MemoryTree(), there or MemoryTree())]


def test_what_comes_down_is_told_with_its_folders() -> None:
    """Folders that the plan makes give their names, and end with a slash."""
    plan = local(MakeFolder(DOCS), FetchFile(FILE, None), WriteLink(LINK, None))

    assert lines(plan) == [
        Told(Deed.FOLDER, HERE, "docs/"),
        Told(Deed.DOWNLOAD, HERE, "docs/file"),
        Told(Deed.LINK, HERE, "link"),
    ]


def test_what_changes_here_is_told_by_both_names() -> None:
    """A rename inside a renamed folder: where it was seen, and where it will be; parking is not told."""
    moved = DOCS._replace(name="papers")
    named = FILE._replace(name="paper")
    plan = local(ParkNode(DOCS), MoveNode(moved, DOCS), MoveNode(named, FILE), DescribeNode(named, FILE))

    assert lines(plan, MemoryTree([DOCS, FILE])) == [
        Told(Deed.MOVE, HERE, "papers/", "docs/"),
        Told(Deed.MOVE, HERE, "papers/paper", "docs/file"),
        Told(Deed.DESCRIBE, HERE, "papers/paper"),
    ]


def test_a_swap_in_the_volume_is_told_as_two_moves() -> None:
    """What a step is parked for is told, its parking is not."""
    moved = DOCS._replace(name="link")
    plan = remote(ParkNode(LINK), PutNode(moved, DOCS), PutNode(LINK._replace(name="docs"), LINK))

    assert lines(plan, None, MemoryTree([DOCS, LINK])) == [
        Told(Deed.MOVE, THERE, "link/", "docs/"),
        Told(Deed.MOVE, THERE, "docs", "link"),
    ]


def test_deletions_are_told_where_they_were_seen() -> None:
    """Here in the folder of this disk, there in that of the volume."""
    tree = MemoryTree([DOCS, FILE])
    gone = [Told(Deed.TRASH, HERE, "docs/file"), Told(Deed.TRASH, HERE, "docs/")]

    assert lines(local(TrashNode(FILE), RemoveFolder(DOCS)), tree) == gone
    assert lines(remote(RemoveNode(FILE)), None, tree) == [Told(Deed.TRASH, THERE, "docs/file")]


def test_what_goes_up_is_told_by_what_changes() -> None:
    """New, moved and changed at once, content alone, mode alone: each thing a line."""
    edited = FILE._replace(digest=b"2" * 32)
    plan = remote(
        PutNode(DOCS, None),
        PutNode(LINK, None),
        PutNode(edited._replace(name="other"), FILE),
        PutNode(edited, FILE),
        PutNode(FILE._replace(mode=0o755), FILE),
    )

    assert lines(plan, MemoryTree([DOCS, FILE])) == [
        Told(Deed.FOLDER, THERE, "docs/"),
        Told(Deed.LINK, THERE, "link"),
        Told(Deed.MOVE, THERE, "docs/other", "docs/file"),
        Told(Deed.UPLOAD, THERE, "docs/other"),
        Told(Deed.UPLOAD, THERE, "docs/file"),
        Told(Deed.DESCRIBE, THERE, "docs/file"),
    ]


def test_a_folder_that_takes_another_identity_still_has_its_name() -> None:
    """Both sides made it: the plan calls it by the volume's id, the disk was seen with another."""
    known_here = DOCS._replace(id=b"e" * 16)
    plan = Plan(identities=(Identity(known_here.id, DOCS.id),), local=(Step(TrashNode(FILE)),))

    assert lines(plan, MemoryTree([known_here])) == [Told(Deed.TRASH, HERE, "docs/file")]


def test_a_parent_that_nobody_knows_is_left_out() -> None:
    """A line is for people: it never raises."""
    circle = DOCS._replace(parent=DOCS.id)

    assert lines(local(TrashNode(FILE))) == [Told(Deed.TRASH, HERE, "file")]
    assert lines(local(TrashNode(FILE)), MemoryTree([circle])) == [Told(Deed.TRASH, HERE, "docs/file")]
