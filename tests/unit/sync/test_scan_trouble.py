"""What cannot be trusted is stalled, with all below it, and never gone; everything beside it is synced."""

from __future__ import annotations

import errno
from typing import cast

import pytest

from mega_cli.localfs.disk import Disk
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.reconcile.nodes import ROOT
from mega_cli.reconcile.situation import DiskRules, Reason
from tests.unit.sync.scanning import SimBench, place, reasons


def test_41_a_name_that_is_no_text_is_stalled() -> None:
    """41. Its siblings are synced, it is shown escaped, and again under the same id."""
    sim = SimBench()
    sim.user.write((b"d", b"caf\xe9"), b"1")
    sim.user.write((b"d", b"good"), b"2")
    sim.user.write((b"caf\xe9", b"inside"), b"3")
    observation = sim.bench.settle()

    assert sim.bench.paths() == ["d", "d/good"]
    assert set(reasons(observation).values()) == {Reason.NAME_ILLEGAL}
    assert sorted(reasons(observation)) == ["d/\uf74dcaf%E9", "\uf74dcaf%E9"]
    assert sim.bench.settle().stalled == observation.stalled


def test_41_a_file_renamed_to_a_name_that_is_no_text_is_not_gone() -> None:
    """41. Its inode is there: to delete it elsewhere would be a loss for a spelling."""
    sim = SimBench()
    sim.user.write(place("a"), b"1")
    sim.user.write(place("d/b"), b"2")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), (b"caf\xe9",))
    sim.user.rename(place("d"), (b"\xff",))
    observation = sim.bench.settle()

    assert observation.gone == []
    assert sim.bench.ids() == ids
    assert {ids["a"], ids["d"]} <= set(observation.stalled)


def test_a_link_to_a_target_that_is_no_text_is_stalled() -> None:
    """A node's target is text."""
    sim = SimBench()
    sim.user.link(place("l"), b"caf\xe9")

    assert reasons(sim.bench.settle()) == {"l": Reason.NAME_ILLEGAL}


def test_38_of_two_forms_of_one_name_the_first_is_synced() -> None:
    """38. A disk that tells NFC from NFD holds two files for one name: the known one keeps it, else the first."""
    composed, decomposed = "\u00e9".encode(), "e\u0301".encode()
    sim = SimBench()
    sim.user.write((composed,), b"composed")
    sim.bench.settle()
    before = sim.bench.nodes()
    sim.user.write((decomposed,), b"decomposed")  # sorts before the other
    observation = sim.bench.settle()

    assert reasons(observation) == {"\u00e9": Reason.NAME_CLASH}
    assert sim.bench.nodes() == before
    sim.user.remove((composed,))
    sim.bench.settle()
    assert sim.bench.nodes()["\u00e9"].size == len(b"decomposed")
    assert sim.bench.ids() == {"\u00e9": before["\u00e9"].id}


def test_special_files_are_stalled() -> None:
    """Pipes are never opened; a file that became one is not gone."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.remove(place("f"))
    sim.user.make_pipe(place("f"))
    sim.user.make_pipe(place("d/pipe"))
    observation = sim.bench.settle()

    assert reasons(observation) == {"f": Reason.SPECIAL_FILE, "d/pipe": Reason.SPECIAL_FILE}
    assert sim.bench.ids()["f"] == ids["f"]


def test_a_file_that_became_special_in_a_folder_that_moved_is_stalled() -> None:
    """The folder is recognised, and the file is no more gone than it would be in its old place."""
    sim = SimBench()
    for name in ("1", "2", "3"):
        sim.user.write(place(f"a/{name}"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("b"))
    sim.user.remove(place("b/1"))
    sim.user.make_pipe(place("b/1"))
    observation = sim.bench.scan()

    assert observation.stalled[ids["a/1"]] == Reason.SPECIAL_FILE
    assert sim.bench.settle().gone == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ENOMEM])
def test_56_a_folder_that_cannot_be_listed_is_frozen(number: int) -> None:
    """56. Nothing below it is gone, changed or new; the rest is synced; later all is as it was."""
    sim = SimBench()
    for path in ("a/b/1", "a/2", "c/3"):
        sim.user.write(place(path), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.write(place("a/b/1"), b"22")
    sim.user.remove(place("a/2"))
    sim.user.write(place("c/3"), b"22")
    sim.disk.refuse(number, place("a"), calls=frozenset({"list_folder"}))
    observation = sim.bench.settle()

    assert reasons(observation) == {"a": Reason.UNREADABLE}
    assert observation.stalled == {ids["a"]: Reason.UNREADABLE}
    assert sim.bench.ids() == ids
    assert (sim.bench.nodes()["a/b/1"].size, sim.bench.nodes()["c/3"].size) == (1, 2)
    sim.disk.relent()
    assert sim.bench.settle().gone == [ids["a/2"]]
    assert sim.bench.nodes()["a/b/1"].size == len(b"22")


def test_56_a_name_that_cannot_be_looked_at_is_frozen() -> None:
    """56. Its folder lists it, its stamps are refused."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"1")
    sim.user.write(place("2"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    for path in ("a", "2", "new"):
        sim.disk.refuse(errno.EIO, place(path), calls=frozenset({"look"}))
    sim.user.write(place("new"), b"1")
    observation = sim.bench.settle()

    assert reasons(observation) == {"a": Reason.UNREADABLE, "2": Reason.UNREADABLE, "new": Reason.UNREADABLE}
    assert (observation.gone, sim.bench.ids()) == ([], ids)


def test_56_an_absence_that_cannot_be_confirmed_is_none() -> None:
    """56. The listing lacks the name, and the look at it fails."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.remove(place("a/1"))
    sim.disk.refuse(errno.EIO, place("a/1"))
    observation = sim.bench.settle()

    assert reasons(observation) == {"a/1": Reason.UNREADABLE}
    assert sim.bench.ids() == ids


def test_56_a_folder_that_moved_and_cannot_be_listed_is_not_gone() -> None:
    """56. `mv A B; chmod 000 B`: its inode is there."""
    sim = SimBench()
    sim.user.write(place("a/b/1"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("c"))
    sim.disk.refuse(errno.EACCES, place("c"), calls=frozenset({"list_folder"}))
    observation = sim.bench.settle()

    assert (observation.gone, sim.bench.ids()) == ([], ids)
    assert reasons(observation) == {"a": Reason.UNREADABLE, "c": Reason.UNREADABLE}
    sim.disk.relent()
    sim.bench.settle()
    assert sim.bench.ids() == {"c": ids["a"], "c/b": ids["a/b"], "c/b/1": ids["a/b/1"]}


def test_56_nor_is_it_the_folder_that_was_made_in_its_place() -> None:
    """56. `mv A B; chmod 000 B; mkdir A`: what was in A is in B, wherever it is looked for."""
    sim = SimBench()
    for path in ("a/b/1", "a/2"):
        sim.user.write(place(path), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("c"))
    sim.user.write(place("a/new"), b"1")
    sim.disk.refuse(errno.EACCES, place("c"), calls=frozenset({"list_folder"}))
    observation = sim.bench.settle()

    assert (observation.gone, sim.bench.ids()) == ([], ids)
    assert ids["a"] in observation.stalled
    sim.disk.relent()
    sim.bench.settle()
    assert sim.bench.ids()["c/b/1"] == ids["a/b/1"]
    assert sim.bench.ids()["a"] not in ids.values()


def test_56_what_cannot_be_listed_in_a_folder_that_moved_is_frozen() -> None:
    """56. The folder moves, the unreadable one in it goes with it, and nothing below that is gone."""
    sim = SimBench()
    for path in ("a/b/1", "a/2", "a/3"):
        sim.user.write(place(path), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("c"))
    sim.disk.refuse(errno.EACCES, place("c/b"), calls=frozenset({"list_folder"}))
    observation = sim.bench.settle()

    assert observation.gone == []
    assert ids["a/b"] in observation.stalled
    assert sim.bench.ids() == {path.replace("a", "c", 1): id_ for path, id_ in ids.items()}


@pytest.mark.parametrize("call", ["look", "list_folder"])
def test_56_when_the_top_cannot_be_seen_nothing_is_known(call: str) -> None:
    """56. Everything stands still."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.disk.refuse(errno.EIO, calls=frozenset({call}))
    observation = sim.bench.settle()

    assert observation.stalled == {ROOT: Reason.UNREADABLE}
    assert (observation.rows, observation.gone, sim.bench.ids()) == ([], [], ids)


def test_another_file_system_is_left_alone() -> None:
    """A folder on which one is mounted is frozen: what the rows know lies beneath."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"1")
    sim.user.write(place("b/2"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()

    class Mounted:
        """The disk, with another one mounted on `a`, and on a new folder."""

        def __getattr__(self, name: str) -> object:
            return getattr(sim.disk, name)

        def list_folder(self, at: tuple[bytes, ...]) -> list[object]:
            assert at not in {place("a"), place("new")}, "it is never looked into"
            lines: list[object] = []
            for line in sim.disk.list_folder(at):
                if line.name in {b"a", b"new"} and line.found is not None:
                    stamps = line.found.stamps._replace(dev=99, ino=2)
                    lines.append(line._replace(found=line.found._replace(stamps=stamps)))
                else:
                    lines.append(line)
            return lines

    sim.user.write(place("new/3"), b"1")
    sim.bench.disk = cast("Disk", Mounted())
    sim.bench.start_again()
    observation = sim.bench.settle()

    assert reasons(observation) == {"a": Reason.NESTED_MOUNT, "new": Reason.NESTED_MOUNT}
    assert (observation.gone, sim.bench.ids()) == ([], ids)


def test_a_disk_that_was_mounted_again_is_the_same() -> None:
    """Its device has another number: nothing is read for it."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"1")
    sim.bench.settle()
    sim.bench.settle()
    sim.disk.unmount(leaves_folder=False)
    assert sim.bench.scan().stalled == {ROOT: Reason.UNREADABLE}
    sim.disk.mount()
    observation = sim.bench.scan()

    assert (observation.rows, observation.bytes_hashed, observation.stalled) == ([], 0, {})


def test_40_what_is_too_long_or_too_deep_for_sync_is_stalled() -> None:
    """40. The rest is synced, down to the last level."""
    sim = SimBench(disk=DiskRules(depth_most=3, path_most_bytes=20))
    for path in ("a/b/c", "1/2/3/4", "x/" + "y" * 19, "x/" + "z" * 18):
        sim.user.write(place(path), b"1")
    observation = sim.bench.settle()

    assert reasons(observation) == {"1/2/3/4": Reason.TOO_DEEP, "x/" + "y" * 19: Reason.NAME_TOO_LONG}
    assert sim.bench.paths() == ["1", "1/2", "1/2/3", "a", "a/b", "a/b/c", "x", "x/" + "z" * 18]


@pytest.mark.parametrize("name", ["a:b", "x.", "x ", "CON", "tab\there", "\x1b[31m"])
def test_40_names_that_other_systems_refuse_are_synced_here(name: str) -> None:
    """40. Illegal is what the volume cannot hold; what a disk elsewhere cannot is that disk's matter."""
    sim = SimBench()
    sim.user.write((name.encode(),), b"1")
    sim.bench.settle()

    assert sim.bench.paths() == [name]


@pytest.mark.parametrize("name", [b".mega", b".MEGA"])
def test_our_own_folder_is_never_looked_into(name: bytes) -> None:
    """At the top, in any spelling that the disk takes for it; anywhere else it is a name like others."""
    sim = SimBench(lambda clock: SimDisk(clock.now_ns, folds_case=True), disk=DiskRules(folds_case=True))
    sim.user.write((name, b"tmp"), b"1")
    sim.user.write((b"d", name), b"1")
    sim.user.write((b"d", b".mega-0123456789abcdef.part"), b"1")
    sim.disk.refuse(errno.EIO, (name,), is_below=True, calls=frozenset({"list_folder"}))
    observation = sim.bench.settle()

    assert observation.stalled == {}
    assert sim.bench.paths() == ["d", "d/" + name.decode()]


def test_39_edits_go_to_the_file_that_is_there() -> None:
    """39. Of `foo` and `FOO` one is on this disk; whatever its spelling, its edits are its own."""
    folds = DiskRules(folds_case=True, folds_form=True)
    sim = SimBench(lambda clock: SimDisk(clock.now_ns, folds_case=True), disk=folds)
    sim.user.write(place("foo"), b"1")
    sim.bench.settle()
    before = sim.bench.ids()
    sim.user.write(place("FOO"), b"22")
    sim.bench.settle()

    assert sim.bench.ids() == before
    assert sim.bench.nodes()["foo"].size == len(b"22")


def test_without_modes_a_node_keeps_the_one_it_has() -> None:
    """A disk that shows the same mode for everything changes none."""
    sim = SimBench(disk=DiskRules(has_modes=False))
    sim.user.write(place("d/f"), b"1")
    sim.user.chmod(place("d/f"), 0o777)
    sim.user.chmod(place("d"), 0o777)
    sim.bench.settle()
    assert (sim.bench.nodes()["d"].mode, sim.bench.nodes()["d/f"].mode) == (0o755, 0o644)

    with sim.bench.state.transaction():
        (row,) = sim.bench.state.local.rows(sim.bench.ids()["d"])
        sim.bench.state.local.put_all([row._replace(node=row.node._replace(mode=0o750))])
    sim.user.chmod(place("d/f"), 0o666)
    sim.user.write(place("d/f"), b"22")
    sim.bench.settle()
    assert (sim.bench.nodes()["d/f"].mode, sim.bench.nodes()["d/f"].size) == (0o750, 2)
