"""Materialise: what this disk cannot hold is absent, with its reason; the tree stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from mega_cli.reconcile.materialise import materialise
from mega_cli.reconcile.nodes import MemoryTree, Node, NodeId
from mega_cli.reconcile.situation import DiskRules, Reason
from tests.kit.forest import file, folder, id_of, link

FOLDS = DiskRules(folds_case=True, folds_form=True)
WINDOWS = DiskRules(folds_case=True, is_windows=True)
EXACT = DiskRules()


def unranked(_node: Node) -> tuple[object, ...]:
    """Prefer no node to another."""
    return ()


def judged(
    nodes: Iterable[Node],
    rules: DiskRules,
    *,
    absent: Mapping[NodeId, Reason] | None = None,
    touched: Iterable[str] | None = None,
) -> dict[NodeId, Reason]:
    """Judge a tree in which everything, or the labels given, was touched."""
    tree = MemoryTree(nodes)
    ids = [node.id for node in tree] if touched is None else [id_of(label) for label in touched]
    return materialise(tree, ids, absent or {}, unranked, rules)


def test_a_disk_that_tells_all_names_apart_holds_all() -> None:
    """Case and form are letters like others there."""
    assert judged([file("a"), file("b", "A"), file("c", "CON"), link("d")], EXACT) == {}


@pytest.mark.parametrize(("one", "other"), [("a", "A"), ("á", "Á"), ("straße", "STRASSE"), ("ǆ", "ǅ"), ("Σ", "ς")])
def test_of_names_that_fold_together_one_is_held(one: str, other: str) -> None:
    """The least name is, when nothing else decides."""
    clash = max((one, other), key=str.encode)

    found = judged([file("1", one), file("2", other)], FOLDS)

    assert found == {id_of("1" if clash == one else "2"): Reason.NAME_CLASH}


def test_the_planner_decides_which_is_held() -> None:
    """The least by `prefers` is, whatever its name."""
    tree = MemoryTree([file("1", "A"), file("2", "a"), file("3", "b")])

    found = materialise(tree, [id_of("1")], {}, lambda node: (node.name == "A",), FOLDS)

    assert found == {id_of("1"): Reason.NAME_CLASH}


def test_equal_names_in_two_folders_do_not_clash() -> None:
    """Only what lies in one folder is compared."""
    assert judged([folder("d"), folder("e"), file("1", "a", at="d"), file("2", "A", at="e")], FOLDS) == {}


def test_below_a_clashing_folder_nothing_is_listed() -> None:
    """Its absence says it all."""
    nodes = [folder("1", "A"), folder("2", "a"), file("3", at="2"), file("4", "CON", at="2")]

    assert judged(nodes, WINDOWS) == {id_of("2"): Reason.NAME_CLASH}


def test_what_cannot_be_held_anyway_takes_no_name() -> None:
    """A link that the disk refuses does not keep a file out."""
    nodes = [link("1", "A"), file("2", "a")]

    assert judged(nodes, DiskRules(folds_case=True, has_links=False)) == {id_of("1"): Reason.LINKS_UNSUPPORTED}


@pytest.mark.parametrize("name", ["CON", "aux.txt", "a:b", "x.", "x ", "tab\there", "COM1"])
def test_names_that_windows_refuses_are_absent_there(name: str) -> None:
    """Scenario 40."""
    assert judged([file("1", name)], WINDOWS) == {id_of("1"): Reason.NAME_ILLEGAL}
    assert judged([file("1", name)], EXACT) == {}


@pytest.mark.parametrize(("name", "rules"), [(".mega", EXACT), (".MEGA", FOLDS), (".Mega", WINDOWS)])
def test_nothing_lands_in_the_folder_of_sync_itself(name: str, rules: DiskRules) -> None:
    """A hostile peer may have put it at the top, in letters that this disk folds."""
    assert judged([folder("1", name), file("2", at="1")], rules) == {id_of("1"): Reason.NAME_ILLEGAL}


def test_that_name_is_free_further_down_and_where_letters_count() -> None:
    """Only the top is sync's own."""
    assert judged([folder("d"), folder("1", ".mega", at="d"), folder("2", ".MEGA")], EXACT) == {}


def test_long_names_and_paths_are_absent() -> None:
    """Bytes count, not letters, and so does every folder above."""
    rules = DiskRules(name_most_bytes=4, path_most_bytes=7)
    nodes = [folder("d", "ééé"), folder("e", "éé"), file("1", "éa", at="e"), file("2", "aa", at="e")]

    assert judged(nodes, rules) == {id_of("d"): Reason.NAME_TOO_LONG, id_of("1"): Reason.NAME_TOO_LONG}


def test_what_lies_too_deep_is_absent() -> None:
    """The first level that is too deep is the one listed."""
    nodes = [folder("1"), folder("2", at="1"), folder("3", at="2"), file("4", at="3")]

    assert judged(nodes, DiskRules(depth_most=2)) == {id_of("3"): Reason.TOO_DEEP}


def test_a_folder_that_moved_takes_its_depth_down_with_it() -> None:
    """What lies below it is judged although nobody touched it."""
    nodes = [folder("1"), folder("2", at="1"), folder("3", at="2"), file("4", at="3")]

    assert judged(nodes, DiskRules(depth_most=3), touched=["2"]) == {id_of("4"): Reason.TOO_DEEP}


def test_exclusions_stay_and_reasons_of_the_disk_are_judged_anew() -> None:
    """A clash is over when the other is gone; the user's choice is not."""
    absent = {id_of("1"): Reason.EXCLUDED, id_of("2"): Reason.NAME_CLASH}

    assert judged([file("1"), file("2", "A")], FOLDS, absent=absent, touched=[]) == {id_of("1"): Reason.EXCLUDED}


def test_a_clash_that_nobody_touched_goes_on() -> None:
    """Judging anew finds it again."""
    absent = {id_of("2"): Reason.NAME_CLASH}

    assert judged([file("1", "A"), file("2", "a")], FOLDS, absent=absent, touched=[]) == absent


def test_names_below_a_folder_that_comes_into_sight_are_compared() -> None:
    """Nobody touched them, and nobody has compared them while their folder was absent."""
    nodes = [folder("d"), folder("e", at="d"), file("1", "A", at="e"), file("2", "a", at="e")]
    absent = {id_of("d"): Reason.NAME_CLASH}

    assert judged(nodes, FOLDS, absent=absent, touched=[]) == {id_of("2"): Reason.NAME_CLASH}


def test_an_excluded_node_takes_no_name() -> None:
    """The other spelling may be on this disk."""
    absent = {id_of("1"): Reason.EXCLUDED}

    assert judged([file("1", "A"), file("2", "a")], FOLDS, absent=absent) == absent


def test_what_is_no_more_is_not_absent() -> None:
    """A deleted node is not listed for ever."""
    assert judged([], FOLDS, absent={id_of("1"): Reason.EXCLUDED, id_of("2"): Reason.NAME_CLASH}) == {}


class CountingTree:
    """A tree that counts what it is asked for."""

    def __init__(self, tree: MemoryTree) -> None:
        self._tree = tree
        self.asked = 0

    def get(self, id_: NodeId) -> Node | None:
        """Find a node by its id."""
        self.asked += 1
        return self._tree.get(id_)

    def child(self, parent: NodeId, name: str) -> Node | None:
        """Find a node by its place."""
        self.asked += 1
        return self._tree.child(parent, name)

    def children(self, parent: NodeId) -> list[Node]:
        """Give what lies directly in a folder."""
        found = self._tree.children(parent)
        self.asked += len(found)
        return found


def test_the_cost_follows_what_was_touched() -> None:
    """One new file in a tree of thousands asks for its neighbours and no others."""
    nodes = [folder(f"d{number}") for number in range(50)]
    nodes += [file(f"f{number}.{at}", at=f"d{at}") for at in range(50) for number in range(40)]
    tree = CountingTree(MemoryTree(nodes))

    materialise(tree, [id_of("f7.3")], {}, unranked, FOLDS)

    assert tree.asked < 60
