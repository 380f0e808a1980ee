"""The scanner: what is new, changed and gone, and that only what is proven is believed (I3)."""

from __future__ import annotations

from typing import cast

import pytest

from mega_cli.crypto.content import content_digest
from mega_cli.localfs.disk import Disk, Listed, Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.reconcile.situation import Reason
from tests.unit.sync.scanning import Bench, SimBench, User, place, reasons


def test_what_is_new_is_seen(pair: tuple[Bench, User]) -> None:
    """Files with content, size, mode and time; folders with a mode; links with a target."""
    bench, user = pair
    user.write(place("a/b/f"), b"words")
    user.link(place("a/l"), b"../else/where")
    bench.settle()

    nodes = bench.nodes()
    assert sorted(nodes) == ["a", "a/b", "a/b/f", "a/l"]
    file, found = nodes["a/b/f"], bench.disk.look(place("a/b/f"))
    assert found is not None
    assert (file.kind, file.digest, file.size) == ("f", content_digest(b"words"), 5)
    assert (file.mode, file.mtime_ns) == (found.stamps.mode & 0o777, found.stamps.mtime_ns)
    assert (nodes["a/l"].kind, nodes["a/l"].target, nodes["a/l"].mode) == ("l", "../else/where", 0)
    assert (nodes["a"].kind, nodes["a"].mtime_ns) == ("d", 0)


def test_a_second_scan_sees_nothing_and_reads_nothing(pair: tuple[Bench, User]) -> None:
    """What did not change costs a look."""
    bench, user = pair
    user.write(place("a/f"), b"words")
    user.link(place("l"), b"f")
    bench.settle()
    bench.settle()

    observation = bench.scan()
    assert (observation.rows, observation.gone, observation.stalled) == ([], [], {})
    assert (observation.bytes_hashed, observation.waiting_s, observation.found_files) == (0, 0.0, 2)


def test_folders_come_first() -> None:
    """A row's folder is written before it."""
    sim = SimBench()
    sim.user.write(place("a/b/c/f"), b"1")
    sim.user.write(place("a/e"), b"1")
    sim.clock.sleep(10)

    assert [row.node.name for row in sim.bench.scanner.scan().rows] == ["a", "b", "c", "e", "f"]


def test_a_scan_writes_nothing() -> None:
    """Until it is recorded the state is as it was, so that a dry run can throw it away."""
    sim = SimBench()
    sim.user.write(place("a"), b"1")
    sim.clock.sleep(10)
    sim.bench.scanner.scan()

    assert sim.bench.paths() == []


def test_an_edit_keeps_the_node(pair: tuple[Bench, User]) -> None:
    """The path says which node it is."""
    bench, user = pair
    user.write(place("f"), b"one")
    bench.settle()
    before = bench.nodes()["f"]
    user.write(place("f"), b"another")
    bench.settle()

    after = bench.nodes()["f"]
    assert (after.id, after.digest, after.size) == (before.id, content_digest(b"another"), 7)


def test_a_changed_mode_is_seen() -> None:
    """Of files and of folders, without reading any file for it twice."""
    sim = SimBench()
    sim.user.write(place("d/f"), b"one")
    sim.bench.settle()
    sim.user.chmod(place("d/f"), 0o755)
    sim.user.chmod(place("d"), 0o700)
    sim.bench.settle()

    nodes = sim.bench.nodes()
    assert (nodes["d"].mode, nodes["d/f"].mode) == (0o700, 0o755)


def test_a_touched_file_has_another_time_and_the_same_content() -> None:
    """Nothing else of the node changes."""
    sim = SimBench()
    sim.user.write(place("f"), b"one")
    sim.bench.settle()
    before = sim.bench.nodes()["f"]
    sim.user.touch(place("f"), 12_345)
    sim.bench.settle()

    assert sim.bench.nodes()["f"] == before._replace(mtime_ns=12_345)


def test_two_names_of_one_file_are_two_nodes(pair: tuple[Bench, User]) -> None:
    """Hard links are synced as separate files, and each stays what its path says."""
    bench, user = pair
    user.write(place("a"), b"one")
    user.hard_link(place("a"), place("b"))
    bench.settle()
    before = bench.ids()
    user.rename(place("b"), place("c"))
    bench.settle()

    after = bench.ids()
    assert before["a"] != before["b"]
    assert after["a"] == before["a"]
    assert after["c"] not in before.values()


# --- I3: absence is proven --------------------------------------------------------------------------------------------


def test_what_is_gone_is_gone_after_a_second_look(pair: tuple[Bench, User]) -> None:
    """A folder goes with all below it, children first; the first look only makes it wait."""
    bench, user = pair
    user.write(place("a/b/f"), b"1")
    bench.settle()
    ids = bench.ids()
    user.remove(place("a"))

    first = bench.scan()
    assert first.gone == []
    assert reasons(first) == {"a": Reason.FILE_CHANGING}
    assert first.waiting_s == pytest.approx(3.0)
    assert bench.paths() == ["a", "a/b", "a/b/f"]

    bench.clock.sleep(first.waiting_s)
    second = bench.scan()
    assert second.gone == [ids["a/b/f"], ids["a/b"], ids["a"]]
    assert second.waiting_s == 0.0
    assert bench.paths() == []


def test_an_absence_is_not_believed_too_early() -> None:
    """Scans may follow fast upon each other; only time counts."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()
    sim.user.remove(place("f"))
    for _ in range(5):
        observation = sim.bench.scan()
        assert observation.gone == []
        sim.clock.sleep(0.5)
    assert observation.waiting_s == pytest.approx(1.0)


def test_what_comes_back_was_never_gone() -> None:
    """And when it goes again, it waits again."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()
    for _ in range(2):
        sim.user.rename(place("f"), place(".mega/aside"))
        assert sim.bench.scan().gone == []
        sim.clock.sleep(2)
        sim.user.rename(place(".mega/aside"), place("f"))
        assert sim.bench.scan().gone == []
        sim.clock.sleep(2)
    assert sim.bench.paths() == ["f"]


def test_a_name_that_a_listing_lacks_but_a_look_finds_is_not_gone() -> None:
    """A listing may miss what is there: the second opinion counts."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()

    class Forgetful(SimDiskProxy):
        def list_folder(self, at: Place) -> list[Listed]:
            return [line for line in super().list_folder(at) if line.name != b"f"]

    sim.bench.disk = cast("Disk", Forgetful(sim.disk))
    sim.bench.start_again()
    for _ in range(4):
        observation = sim.bench.scan()
        assert (observation.gone, reasons(observation)) == ([], {"f": Reason.FILE_CHANGING})
        sim.clock.sleep(10)


class SimDiskProxy:
    """A disk that passes everything on, to be lied about."""

    def __init__(self, disk: SimDisk) -> None:
        self._disk = disk

    def list_folder(self, at: Place) -> list[Listed]:
        """List a folder."""
        return self._disk.list_folder(at)

    def __getattr__(self, name: str) -> object:
        """Pass the rest on."""
        return getattr(self._disk, name)


def test_what_became_of_another_kind_is_gone_and_new() -> None:
    """A node never changes its kind: its name is not free before its absence is proven."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()
    before = sim.bench.ids()["f"]
    sim.user.remove(place("f"))
    sim.user.make_folder(place("f"))

    assert reasons(sim.bench.scan()) == {"f": Reason.FILE_CHANGING}
    assert sim.bench.nodes()["f"].kind == "f"
    assert sim.bench.settle().gone == [before]
    assert sim.bench.nodes()["f"].kind == "d"
    assert sim.bench.ids()["f"] != before


def test_a_folder_whose_name_another_took_holds_that_one_back() -> None:
    """`rm -r B; mv A B`: until B is proven to be gone A stays where it was, and then it has moved."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"1")
    sim.user.write(place("b/2"), b"2")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.remove(place("b"))
    sim.user.rename(place("a"), place("b"))

    first = sim.bench.scan()
    assert set(first.stalled) == {ids["a"], ids["b"]}
    assert sim.bench.ids() == ids
    last = sim.bench.settle()
    assert set(last.gone) == {ids["b"], ids["b/2"]}
    assert sim.bench.ids() == {"b": ids["a"], "b/1": ids["a/1"]}


def test_a_row_of_folders_that_took_each_others_names_waits_as_a_whole() -> None:
    """`rm -r C; mv B C; mv A B; mkdir A`: each of them holds the next back, and all settle in one go."""
    sim = SimBench()
    for name in "abc":
        sim.user.write(place(f"{name}/{name}"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.remove(place("c"))
    sim.user.rename(place("b"), place("c"))
    sim.user.rename(place("a"), place("b"))
    sim.user.make_folder(place("a"))

    first = sim.bench.scan()
    assert {ids["a"], ids["b"], ids["c"]} <= set(first.stalled)
    assert (first.rows, first.gone, sim.bench.ids()) == ([], [], ids)
    sim.bench.settle()
    after = sim.bench.ids()
    assert (after["c"], after["b"]) == (ids["b"], ids["a"])
    assert after["a"] not in ids.values()


def test_a_folder_stays_as_long_as_one_that_left_it_is_held_back() -> None:
    """`mv A/c B/c; rm -r A`, where the folder B takes the name of a file that has only just gone."""
    sim = SimBench()
    sim.user.write(place("a/c/1"), b"1")
    sim.user.write(place("b"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a/c"), place("aside"))
    sim.user.remove(place("a"))
    sim.user.rename(place("aside"), place(".mega/aside"))
    sim.bench.scan()
    sim.clock.sleep(5)
    sim.user.remove(place("b"))
    sim.user.rename(place(".mega/aside"), place("b/c"))

    assert sim.bench.scan().gone == []
    assert sim.bench.ids() == ids
    sim.bench.settle()
    assert sim.bench.ids()["b/c"] == ids["a/c"]
    assert sim.bench.paths() == ["b", "b/c", "b/c/1"]


def test_nothing_in_a_folder_that_is_held_back_is_gone() -> None:
    """Its absence was proven where the folder was; it waits with the folder."""
    sim = SimBench()
    for path in ("a/1", "a/2", "a/3", "b/1"):
        sim.user.write(place(path), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.remove(place("a/1"))
    sim.bench.scan()
    sim.clock.sleep(5)
    sim.user.remove(place("b"))
    sim.user.rename(place("a"), place("b"))

    assert sim.bench.scan().gone == []
    assert set(sim.bench.settle().gone) == {ids["a/1"], ids["b"], ids["b/1"]}
