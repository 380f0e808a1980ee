"""The order of steps: what each comes after, and what leaves its place so that others can take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from mega_cli.reconcile.nodes import MemoryTree, Node, Overlay
from mega_cli.reconcile.plan import plan
from mega_cli.reconcile.situation import Policy, Situation
from tests.kit.forest import file, folder, id_of
from tests.unit.reconcile.sides import Sides, here, there


def down(before: Sequence[Node], after: Sequence[Node]) -> Sides:
    """Let the remote alone have changed."""
    return Sides(before, before, after)


ORDERS: Final[dict[str, tuple[list[Node], list[Node], list[tuple[str, tuple[int, ...]]]]]] = {
    "a folder before what it holds": (
        [],
        [folder("D"), folder("E", at="D"), file("x", at="E")],
        [("make D", ()), ("make D/E", (0,)), ("fetch E/x", (1,))],
    ),
    "what a folder holds before the folder": (
        [folder("D"), folder("E", at="D"), file("x", at="E")],
        [],
        [("trash E/x", ()), ("remove D/E", (0,)), ("remove D", (1,))],
    ),
    "a move out before the removal": (
        [folder("D"), file("x", at="D")],
        [file("x")],
        [("move D/x to x", ()), ("remove D", (0,))],
    ),
    "a chain of names from its free end": (
        [file("a"), file("b"), file("c")],
        [file("a", "b"), file("b", "c"), file("c", "d")],
        [("move c to d", ()), ("move b to c", (0,)), ("move a to b", (1,))],
    ),
    "a swap by parking": (
        [file("a"), file("b")],
        [file("a", "b"), file("b", "a")],
        [("park b", ()), ("move a to b", (0,)), ("move b to a", (0, 1))],
    ),
    "a file out of the folder whose place it takes": (
        [folder("D"), file("x", at="D")],
        [file("x", "D")],
        [("park D/x", ()), ("remove D", (0,)), ("move D/x to D", (0, 1))],
    ),
    "a folder and its child exchanged": (
        [folder("A"), folder("B", at="A")],
        [folder("B", "A"), folder("A", "B", at="B")],
        [("park A", ()), ("move A/B to A", (0,)), ("move A to B/B", (0, 1))],
    ),
    "a move before the content": (
        [file("a")],
        [file("a", "b", content="new")],
        [("move a to b", ()), ("fetch b", (0,))],
    ),
    "content after the folder moved": (
        [folder("D"), file("x", at="D")],
        [folder("D", "E"), file("x", at="D", content="new")],
        [("move D to E", ()), ("fetch D/x", (0,))],
    ),
}


@pytest.mark.parametrize(("before", "after", "steps"), ORDERS.values(), ids=ORDERS)
def test_a_step_comes_after_what_it_needs(
    before: list[Node], after: list[Node], steps: list[tuple[str, tuple[int, ...]]]
) -> None:
    """Section 3.4: every real dependency is named, and nothing else makes a step wait."""
    made = down(before, after).plan()

    assert list(zip(here(made), [step.after for step in made.local], strict=True)) == steps


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("kind", ["files", "folders"])
def test_a_circle_of_names_needs_one_park_and_no_transfer(kind: str, count: int) -> None:
    """Scenario 30: rotations of any length, on either side."""
    make = file if kind == "files" else folder
    labels = [f"n{number}" for number in range(count)]
    before = [make(label) for label in labels]
    after = [make(label, name) for label, name in zip(labels, [*labels[1:], labels[0]], strict=True)]
    made = down(before, after).plan()

    assert [step.split()[0] for step in here(made)] == ["park", *["move"] * count]
    assert here(Sides(before, after, before).plan()) == []
    assert [step.split()[0] for step in there(Sides(before, after, before).plan())] == ["park", *["put"] * count]


def test_removals_come_last() -> None:
    """A deletion that stands in nobody's way waits until everything else is done."""
    made = down([file("a"), file("b")], [file("b", content="new"), file("c")]).plan()

    assert here(made)[-1] == "trash a"


def test_a_seven_level_rename_on_both_sides_ends() -> None:
    """Scenario 29: no circle, many moves, and both sides meet."""
    labels = [f"d{number}" for number in range(7)]
    above = ["", *labels[:-1]]
    base = [folder(label, at=parent) for label, parent in zip(labels, above, strict=True)]
    local = [folder(label, f"{label} here", at=parent) for label, parent in zip(labels, above, strict=True)]
    remote = [folder(label, at=parent) for label, parent in zip(reversed(labels), above[:1] * 7, strict=True)]
    world = Sides(base, local, remote).done()

    assert world.base == world.disk == world.volume
    assert {node.name for node in world.disk} == {f"{label} here" for label in labels}


class CountingTree:
    """A base that counts how often it is asked, and cannot be walked in vain."""

    def __init__(self, nodes: list[Node]) -> None:
        self._tree = MemoryTree(nodes)
        self.asked = 0

    def get(self, id_: bytes) -> Node | None:
        """Count, and find."""
        self.asked += 1
        return self._tree.get(id_)

    def child(self, parent: bytes, name: str) -> Node | None:
        """Count, and find."""
        self.asked += 1
        return self._tree.child(parent, name)

    def children(self, parent: bytes) -> list[Node]:
        """Count each node given."""
        found = self._tree.children(parent)
        self.asked += 1 + len(found)
        return found


CHANGES: Final = {
    "an edit": {id_of("f7"): file("f7", content="new")},
    "a rename": {id_of("f7"): file("f7", "other")},
    "a deletion": {id_of("f7"): None},
    "a new file": {id_of("n"): file("n")},
    "a new folder": {id_of("n"): folder("n")},
}


@pytest.mark.parametrize("is_local", [True, False], ids=["here", "there"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_cost_follows_the_change(change: dict[bytes, Node | None], *, is_local: bool) -> None:
    """One change in a folder of a thousand asks for a few nodes, not for the folder."""
    many = [folder("D"), *(file(f"f{number}") for number in range(500)), *(file(f"d{n}", at="D") for n in range(500))]
    base = CountingTree(many)
    made = plan(Situation(base, change if is_local else {}, {} if is_local else change, base_files=1000), Policy())

    assert len(made.local) + len(made.remote) == 1
    assert base.asked < 100


def test_the_same_situation_gives_the_same_plan() -> None:
    """No order of the input shows in the plan."""
    nodes = [folder("D"), *(file(f"f{number}", at="D") for number in range(9))]
    local = {node.id: node._replace(digest=b"ours", name="x" + node.name) for node in nodes if node.kind == "f"}
    remote = {node.id: node._replace(digest=b"theirs", parent=bytes(16)) for node in nodes if node.kind == "f"}
    one = plan(Situation(MemoryTree(nodes), local, remote), Policy())
    other = plan(
        Situation(Overlay(MemoryTree(nodes), {}), dict(reversed(local.items())), dict(reversed(remote.items()))),
        Policy(),
    )

    assert one.local == other.local
    assert one == other
