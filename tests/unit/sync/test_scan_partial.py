"""A scan that looks only where it is told to finds what is there, and never misses what it did not look at."""

from __future__ import annotations

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.reconcile.nodes import ROOT
from mega_cli.reconcile.situation import DiskRules, Reason
from mega_cli.sync.sighting import Observation
from tests.unit.sync.scanning import SimBench, place

_RULES = b".megaignore"
_ALL = ("a/f", "a/b/g", "c/h", "c/d/e/i", "j")


class Partial:
    """A bench on which all is well and nothing is due, and which notes what is listed."""

    def __init__(self, *paths: str, **settings: object) -> None:
        self.sim = SimBench(**settings)  # type: ignore[arg-type]  # settings by name
        self.user, self.bench, self.clock, self.disk = self.sim.user, self.sim.bench, self.sim.clock, self.sim.disk
        self.listed: list[str] = []
        self.disk.on_call = self._on_call
        for path in paths or _ALL:
            self.user.write(place(path), path.encode())
        self.bench.settle()
        self.look_everywhere()

    def _on_call(self, call: str, at: Place) -> None:
        if call == "list_folder":
            self.listed.append(b"/".join(at).decode())

    def look_everywhere(self) -> Observation:
        """Scan everything, when all is old."""
        self.clock.sleep(10)
        return self._recorded(None, ())

    def look(self, *scope: str, closed: tuple[str, ...] = ()) -> Observation:
        """Scan these folders and what is due, record it, and end the cycle."""
        self.listed.clear()
        return self._recorded([place(path) if path else () for path in scope], map(place, closed))

    def _recorded(self, scope: list[Place] | None, closed: object) -> Observation:
        observation = self.bench.scanner.scan(scope, closed)  # type: ignore[arg-type]  # places
        with self.bench.state.transaction():
            self.bench.scanner.record(observation)
        self.bench.scanner.end((), (), ())
        return observation

    def is_as_a_full_scan_says(self) -> bool:
        """Tell whether a scan of everything finds nothing else."""
        paths = self.bench.nodes()
        seen = self.look_everywhere()
        return not seen.gone and not seen.stalled and self.bench.nodes() == paths


def test_nothing_is_looked_at_when_nothing_is_due() -> None:
    """A cycle for the volume's sake costs no look at the disk but that its folder is there."""
    partial = Partial()

    observation = partial.look()
    assert (partial.listed, observation.rows, observation.gone) == ([], [], [])


def test_only_the_folder_that_was_hinted_at_is_listed() -> None:
    """Neither those above it nor those below."""
    partial = Partial()
    partial.user.write(place("c/d/new"), b"new")
    partial.clock.sleep(5)

    observation = partial.look("c/d")
    assert partial.listed == ["c/d"]
    assert [row.node.name for row in observation.rows] == ["new"]
    assert partial.is_as_a_full_scan_says()


def test_what_is_not_looked_at_is_neither_gone_nor_changed() -> None:
    """However much of it is: a hint says nothing of other places."""
    partial = Partial()
    before = partial.bench.nodes()
    partial.user.remove(place("a"))
    partial.user.write(place("j"), b"other")
    for _ in range(3):
        partial.clock.sleep(10)
        partial.look("c")

    assert partial.bench.nodes() == before
    assert partial.look_everywhere().waiting_s


def test_a_place_that_is_not_known_stands_for_the_nearest_that_is() -> None:
    """What is new below it is found to its end."""
    partial = Partial()
    partial.user.write(place("c/new/deep/er/f"), b"new")
    partial.clock.sleep(5)
    partial.look("c/new/deep/er")

    assert partial.listed == ["c", "c/new", "c/new/deep", "c/new/deep/er"]
    assert partial.is_as_a_full_scan_says()


def test_a_place_that_is_a_file_stands_for_its_folder() -> None:
    """Whoever hints need not know what it is."""
    partial = Partial()
    partial.user.write(place("a/f"), b"changed")
    partial.clock.sleep(5)

    assert [row.node.name for row in partial.look("a/f").rows] == ["f"]
    assert partial.listed == ["a"]


def test_a_hint_below_what_is_gone_finds_the_deletion_of_the_folder() -> None:
    """The folder above it is listed; an absence still takes two looks, and the second needs no hint."""
    partial = Partial()
    partial.user.remove(place("a"))
    first = partial.look("a/b")

    assert (partial.listed, first.gone) == ([""], [])
    assert set(first.stalled.values()) == {Reason.FILE_CHANGING}
    partial.clock.sleep(first.waiting_s)
    assert len(partial.look().gone) == len(("a", "a/b", "a/b/g", "a/f"))
    assert partial.bench.paths() == ["c", "c/d", "c/d/e", "c/d/e/i", "c/h", "j"]


def test_a_folder_with_another_inode_is_never_compared_with_the_rows_of_its_name() -> None:
    """Else all in it would be missing: what is there is looked at from the folder above."""
    partial = Partial()
    partial.user.rename(place("a"), place("k"))
    partial.user.write(place("a/other"), b"other")
    partial.clock.sleep(5)
    observation = partial.look("a/b")

    assert (observation.gone, observation.stalled) == ([], {})
    assert {"k/f", "k/b/g", "a/other"} <= set(partial.bench.paths())
    assert partial.is_as_a_full_scan_says()


@pytest.mark.parametrize("hinted", ["a", "c/d", ""], ids=["source", "target", "neither"])
def test_a_move_keeps_its_node_whichever_half_was_hinted_at(hinted: str) -> None:
    """The target leads to the source by the inode; from the source alone it waits for the other half."""
    partial = Partial()
    id_ = partial.bench.ids()["a/f"]
    partial.user.rename(place("a/f"), place("c/d/moved"))
    partial.clock.sleep(5)
    first = partial.look(*[hinted] if hinted else [])
    assert first.gone == []
    partial.look("c/d")

    assert partial.bench.ids()["c/d/moved"] == id_
    assert partial.is_as_a_full_scan_says()


def test_a_folder_that_moved_keeps_its_nodes_when_only_its_new_place_was_hinted_at() -> None:
    """Where it was is listed before anything is judged; nothing in it is looked for one by one."""
    partial = Partial()
    ids = partial.bench.ids()
    partial.user.rename(place("c/d"), place("a/b/z"))
    observation = partial.look("a/b")

    assert (observation.gone, observation.stalled) == ([], {})
    assert partial.bench.ids()["a/b/z/e/i"] == ids["c/d/e/i"]
    assert partial.is_as_a_full_scan_says()


def test_an_inode_that_is_used_again_costs_a_look_and_no_more() -> None:
    """The file that had it lies in a folder that nobody hinted at: it is looked for, and waited for as always."""
    partial = Partial()
    partial.user.remove(place("c/d/e/i"))
    partial.user.write(place("a/new"), b"new")
    partial.clock.sleep(5)
    partial.look("a")
    partial.clock.sleep(5)
    partial.look()

    assert partial.is_as_a_full_scan_says()


def test_a_young_file_is_looked_at_again_without_a_hint() -> None:
    """Whoever wrote it may never be heard of again."""
    partial = Partial()
    partial.user.write(place("a/f"), b"young")
    assert partial.look("a").waiting_s
    partial.clock.sleep(5)

    assert [row.node.name for row in partial.look().rows] == ["f"]
    assert partial.listed == ["a"]


def test_a_file_that_was_closed_need_not_grow_old() -> None:
    """Its writer is done; because its stamps are fresh it is read again the next time."""
    partial = Partial()
    partial.user.write(place("a/f"), b"closed")
    partial.user.write(place("a/open"), b"open")
    observation = partial.look("a", closed=("a/f",))

    assert [row.node.name for row in observation.rows] == ["f"]
    assert list(observation.stalled.values()) == [Reason.FILE_CHANGING]
    partial.clock.sleep(5)
    assert partial.look().bytes_hashed == len(b"closed") + len(b"open")


def test_a_file_from_the_future_is_not_read_in_every_scan() -> None:
    """Its stamps will prove nothing for long; a hint, or a full scan, has it read."""
    partial = Partial()
    partial.user.touch(place("a/f"), partial.clock.now_ns() + 10**18)
    partial.look("a")
    assert partial.look().bytes_hashed == 0
    partial.user.write(place("a/f"), b"fut")
    partial.user.touch(place("a/f"), partial.clock.now_ns() + 10**18)

    assert partial.look("a").bytes_hashed == len(b"fut")


def test_a_stall_is_told_of_in_every_scan_until_it_is_well() -> None:
    """Nothing untrusted looks well because nobody looked; what changed below it meanwhile is found in the end."""
    partial = Partial()
    partial.disk.refuse(13, place("c/d"), calls=frozenset({"list_folder"}))
    assert list(partial.look("c/d").stalled.values()) == [Reason.UNREADABLE]
    partial.user.write(place("c/d/e/i"), b"changed while it was barred")
    partial.clock.sleep(5)
    assert list(partial.look("a").stalled.values()) == [Reason.UNREADABLE]
    partial.disk.relent()

    assert [row.node.name for row in partial.look().rows] == ["i"]
    assert partial.listed == ["c", "c/d", "c/d/e"]
    partial.look()
    assert partial.listed == []


def test_a_folder_that_has_not_been_watched_is_listed_with_all_below() -> None:
    """What happened in it before nobody told of; one that is watched is left alone."""
    partial = Partial()
    partial.bench.scanner.watch = lambda at: at == place("c")
    partial.user.write(place("c/d/e/i"), b"unseen")
    partial.clock.sleep(5)
    observation = partial.look("")

    assert partial.listed == ["", "c", "c/d", "c/d/e"]
    assert [row.node.name for row in observation.rows] == ["i"]


def test_folders_are_watched_before_they_are_listed() -> None:
    """In a full scan as in a partial one: between the two nothing may go by."""
    partial = Partial()

    def watch(at: Place) -> bool:
        partial.listed.append("watch " + b"/".join(at).decode())
        return False

    partial.bench.scanner.watch = watch
    partial.listed.clear()
    partial.look_everywhere()
    places = ["", "a", "a/b", "c", "c/d", "c/d/e"]
    assert partial.listed == [line for at in places for line in (f"watch {at}", at)]
    partial.look("a")
    assert partial.listed == ["watch a", "a", "watch a/b"]


@pytest.mark.parametrize("after", [b"*.tmp\n", None], ids=["another", "gone"])
def test_a_changed_rule_file_makes_a_full_scan(after: bytes | None) -> None:
    """A rule concerns what nobody hinted at."""
    partial = Partial("a/x.log", "a/b/y.log", "a/b/z.tmp", "a/.megaignore")
    partial.user.write((b"a", _RULES), b"*.log\n")
    partial.clock.sleep(5)
    partial.look("a")
    assert {"a/x.log", "a/b/y.log"}.isdisjoint(partial.bench.paths())
    if after is None:
        partial.user.remove((b"a", _RULES))
    else:
        partial.user.write((b"a", _RULES), after)
    partial.clock.sleep(5)
    partial.look("a")

    assert "a/b" in partial.listed
    assert "a/b/y.log" in partial.bench.paths()
    assert ("a/b/z.tmp" in partial.bench.paths()) is (after is None)


def test_rules_of_folders_that_were_not_listed_are_known() -> None:
    """For what is new below them, and for what the volume has there."""
    partial = Partial("a/keep", "a/b/keep", "a/.megaignore")
    partial.user.write((b"a", _RULES), b"*.o\n")
    partial.clock.sleep(5)
    partial.look("a")
    partial.user.write(place("a/b/x.o"), b"left out")
    partial.user.write(place("a/b/x.c"), b"kept")
    partial.clock.sleep(5)
    partial.look("a/b")

    assert partial.listed == ["a/b"]
    assert {"a/b/x.c"} == set(partial.bench.paths()) & {"a/b/x.c", "a/b/x.o"}
    assert partial.bench.scanner.excludes(("a", "b", "new", "y.o"), is_folder=False)


def test_rules_that_moved_with_their_folder_make_a_full_scan() -> None:
    """Sync itself moved it: the row knows, the rules that were met do not."""
    partial = Partial("a/b/keep", "a/b/.megaignore")
    partial.user.rename(place("a/b"), place("z"))
    bench = partial.bench
    row = bench.state.local.row(bench.ids()["a/b"])
    assert row is not None
    with bench.state.transaction():
        bench.state.local.put_all([row._replace(node=row.node._replace(parent=ROOT, name="z"), disk_name=b"z")])
    partial.look()

    assert partial.listed == ["", "a", "z"]


def test_a_cycle_that_broke_off_leaves_everything_to_be_looked_at() -> None:
    """What it saw was not recorded, or what it did is not known."""
    partial = Partial()
    partial.bench.scanner.scan([place("a")])
    partial.look()

    assert "c/d/e" in partial.listed


def test_what_was_expected_is_kept_until_a_scan() -> None:
    """A cycle may break off before it looks: the server is not reached."""
    partial = Partial()
    partial.bench.scanner.expect([place("a/b")], [place("a/f")])
    partial.user.write(place("a/f"), b"closed")
    partial.look("c")

    assert sorted(partial.listed) == ["a", "a/b", "c"]
    assert partial.bench.nodes()["a/f"].size == len(b"closed")


def test_a_spelling_that_the_disk_takes_for_the_same_leads_to_the_folder() -> None:
    """Whoever hints may call it as its user does."""
    folded = DiskRules(folds_case=True, folds_form=True)
    partial = Partial("Abc/Def/f", disk=folded)
    partial.user.write(place("Abc/Def/f"), b"other")
    partial.clock.sleep(5)

    assert [row.node.name for row in partial.look("aBC/dEF").rows] == ["f"]
    assert partial.listed == ["Abc/Def"]
