"""What moved keeps its node, and what did not move never takes another's (`design/sync.md` 1.4)."""

from __future__ import annotations

import pytest

from mega_cli.crypto.content import content_digest
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.state.sync_trees import LocalRow
from tests.unit.sync.scanning import FOLDS, Bench, SimBench, StillClock, User, place


def test_a_file_that_moved_is_the_same_node_at_once(pair: tuple[Bench, User]) -> None:
    """Same inode, same content; nothing is waited for."""
    bench, user = pair
    user.write(place("a/f"), b"words")
    user.make_folder(place("b"))
    bench.settle()
    before = bench.nodes()
    user.rename(place("a/f"), place("b/g"))

    observation = bench.scan()
    assert (observation.gone, observation.stalled, observation.waiting_s) == ([], {}, 0.0)
    assert bench.nodes()["b/g"] == before["a/f"]._replace(parent=before["b"].id, name="g")


def test_a_folder_that_moved_is_the_same_node_and_nothing_in_it_is_read(pair: tuple[Bench, User]) -> None:
    """Only its own row changes, however much lies in it; wherever it went."""
    bench, user = pair
    for number in range(20):
        user.write(place(f"a/b/f{number}"), b"words")
    user.make_folder(place("x/y"))
    bench.settle()
    bench.settle()
    before = bench.nodes()
    user.rename(place("a"), place("x/y/z"))

    observation = bench.scan()
    assert [row.node.id for row in observation.rows] == [before["a"].id]
    assert (observation.gone, observation.stalled, observation.bytes_hashed) == ([], {}, 0)
    after = bench.nodes()
    assert after["x/y/z"].parent == before["x/y"].id
    assert after["x/y/z/b/f7"] == before["a/b/f7"]


def test_what_changed_in_a_folder_that_moved_is_seen(pair: tuple[Bench, User]) -> None:
    """An edit, a new file, one that moved inside and one that is gone."""
    bench, user = pair
    for name in ("edited", "moved", "gone", "same", "kept"):
        user.write(place(f"a/{name}"), name.encode())
    bench.settle()
    ids = bench.ids()
    user.rename(place("a"), place("b"))
    user.write(place("b/edited"), b"otherwise")
    user.rename(place("b/moved"), place("b/c/moved"))
    user.remove(place("b/gone"))
    user.write(place("b/new"), b"new")
    bench.settle()

    after = bench.nodes()
    assert sorted(after) == ["b", "b/c", "b/c/moved", "b/edited", "b/kept", "b/new", "b/same"]
    for old, new in (("a", "b"), ("a/edited", "b/edited"), ("a/moved", "b/c/moved"), ("a/same", "b/same")):
        assert after[new].id == ids[old]
    assert after["b/edited"].digest == content_digest(b"otherwise")


def test_what_is_of_another_kind_in_a_folder_that_moved_is_another_node() -> None:
    """A folder with the name of a file, where the file was."""
    sim = SimBench()
    for name in ("1", "2", "3"):
        sim.user.write(place(f"a/{name}"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("b"))
    sim.user.remove(place("b/1"))
    sim.user.make_folder(place("b/1"))
    observation = sim.bench.settle()

    assert observation.gone == [ids["a/1"]]
    assert sim.bench.nodes()["b/1"].kind == "d"
    assert sim.bench.ids()["b/1"] != ids["a/1"]


@pytest.mark.parametrize("moves_back", [False, True])
def test_32_a_folder_renamed_and_made_anew_is_a_move_and_a_new_folder(
    pair: tuple[Bench, User],
    moves_back: bool,  # noqa: FBT001 -- a table
) -> None:
    """32. `mv A B; mkdir A`, some files moved back, while nobody looked: no file is new, none gone."""
    bench, user = pair
    for number in range(4):
        user.write(place(f"A/f{number}"), b"%d" % number)
    bench.settle()
    ids = bench.ids()
    bench.start_again()
    user.rename(place("A"), place("B"))
    user.make_folder(place("A"))
    if moves_back:
        user.rename(place("B/f0"), place("A/f0"))

    observation = bench.scan()
    assert (observation.gone, observation.stalled) == ([], {})
    after = bench.ids()
    assert after["B"] == ids["A"]
    assert after["A"] not in ids.values()
    assert after["A/f0" if moves_back else "B/f0"] == ids["A/f0"]
    assert after["B/f3"] == ids["A/f3"]


def test_32_a_folder_renamed_and_all_its_files_moved_back_is_as_it_was(pair: tuple[Bench, User]) -> None:
    """32. What is left under the other name is an empty folder, which is new."""
    bench, user = pair
    for number in range(4):
        user.write(place(f"A/f{number}"), b"%d" % number)
    bench.settle()
    ids = bench.ids()
    user.rename(place("A"), place("B"))
    for number in range(4):
        user.rename(place(f"B/f{number}"), place(f"A/f{number}"))
    bench.settle()

    after = bench.ids()
    assert {path: after[path] for path in ids} == ids
    assert after["B"] not in ids.values()


def test_33_a_folder_that_reuses_an_inode_is_new() -> None:
    """33. `rm -r pics; mkdir pics2`: the same number at once, with other files in it."""
    sim = SimBench()
    for number in range(5):
        sim.user.write(place(f"pics/old{number}"), b"%d" % number)
    sim.bench.settle()
    ids, ino = sim.bench.ids(), sim.user.look(place("pics")).ino
    sim.user.remove(place("pics"))
    for number in range(20):  # until the number of the folder has been used again
        sim.user.make_folder(place(f"pics2-{number}"))
        sim.user.write(place(f"pics2-{number}/new"), b"n")
    assert ino in {sim.user.look((name,)).ino for name in sim.user.names()}
    observation = sim.bench.settle()

    assert set(ids.values()).isdisjoint(sim.bench.ids().values())
    assert set(observation.gone) == set(ids.values())


def test_33_a_file_with_the_inode_size_and_time_of_another_is_new() -> None:
    """33. `rm a.cnf`, then `b.gpg` gets all three: only content tells, and no node ever gets another's bytes."""
    sim = SimBench()
    sim.user.write(place("a.cnf"), b"harmless")
    sim.bench.settle()
    before, found = sim.bench.nodes()["a.cnf"], sim.user.look(place("a.cnf"))
    sim.user.remove(place("a.cnf"))
    sim.user.write(place("b.gpg"), b"secret!!")
    sim.user.touch(place("b.gpg"), found.stamps.mtime_ns)
    there = sim.user.look(place("b.gpg"))
    assert (there.ino, there.stamps.size, there.stamps.mtime_ns) == (found.ino, 8, found.stamps.mtime_ns)

    observation = sim.bench.settle()
    assert observation.gone == [before.id]
    assert sim.bench.nodes()["b.gpg"].id != before.id


def test_33_a_birth_tells_an_empty_folder_that_moved_from_a_new_one() -> None:
    """33. Where the system tells births an empty folder may move; where it does not, it is new."""
    for tells_birth in (True, False):

        def disk_of(clock: StillClock, tells: bool = tells_birth) -> SimDisk:  # noqa: FBT001 -- bound now
            return SimDisk(clock.now_ns, tells_birth=tells)

        sim = SimBench(disk_of)
        sim.user.make_folder(place("a"))
        sim.bench.settle()
        before = sim.bench.ids()["a"]
        sim.user.rename(place("a"), place("b"))
        sim.bench.settle()
        assert (sim.bench.ids() == {"b": before}) is tells_birth

        sim.user.remove(place("b"))
        sim.clock.sleep(1)
        sim.user.make_folder(place("c"))
        sim.bench.settle()
        assert sim.bench.ids()["c"] != before


@pytest.mark.parametrize("while_running", [True, False])
def test_34_a_rename_of_case_alone_is_one_rename(while_running: bool) -> None:  # noqa: FBT001 -- a table
    """34. On a disk that folds case, of a file, an edited file, a folder and an empty folder."""
    sim = SimBench(lambda clock: SimDisk(clock.now_ns, folds_case=True), disk=FOLDS)
    for path in ("file", "edited", "folder/1", "folder/2"):
        sim.user.write(place(path), path.encode())
    sim.user.make_folder(place("empty"))
    sim.bench.settle()
    ids = sim.bench.ids()
    if not while_running:
        sim.bench.start_again()
    for name in ("file", "edited", "folder", "empty"):
        sim.user.rename(place(name), place("aside"))
        sim.user.rename(place("aside"), place(name.upper()))
    sim.user.write(place("EDITED"), b"anew")
    first = sim.bench.scan()
    assert (first.gone, len(first.stalled)) == ([], 1)  # the edited file is young
    sim.bench.settle()

    assert sim.bench.ids() == {
        "FILE": ids["file"],
        "EDITED": ids["edited"],
        "FOLDER": ids["folder"],
        "FOLDER/1": ids["folder/1"],
        "FOLDER/2": ids["folder/2"],
        "EMPTY": ids["empty"],
    }


def test_a_vanished_name_is_gone_though_another_spelling_of_it_was_fetched_meanwhile() -> None:
    """On a disk that folds case a look finds the other node, whose row is in its place."""
    sim = SimBench(lambda clock: SimDisk(clock.now_ns, folds_case=True), disk=FOLDS)
    sim.user.write(place("a"), b"1")
    sim.bench.settle()
    fetched = sim.bench.state.local.row(sim.bench.ids()["a"])
    assert fetched is not None
    vanished = LocalRow(fetched.node._replace(id=bytes(16)[:-1] + b"v", name="A"), b"A", fetched.stamps, is_racy=False)
    with sim.bench.state.transaction():
        sim.bench.state.local.put_all([vanished])

    assert sim.bench.scan().gone == []
    sim.clock.sleep(3)
    assert sim.bench.scan().gone == [vanished.node.id]
    assert sim.bench.nodes() == {"a": fetched.node}


@pytest.mark.parametrize("stores_nfd", [True, False])
def test_38_a_name_of_another_form_is_the_same_name(stores_nfd: bool) -> None:  # noqa: FBT001 -- a table
    """38. NFC and NFD are one node, by its NFC name; a rename from one to the other is nothing."""
    composed, decomposed = "\u00e9t\u00e9".encode(), "e\u0301te\u0301".encode()
    sim = SimBench(lambda clock: SimDisk(clock.now_ns, stores_nfd=stores_nfd))
    sim.user.write((composed, composed), b"1")
    sim.bench.settle()
    before = sim.bench.nodes()
    assert sorted(before) == ["\u00e9t\u00e9", "\u00e9t\u00e9/\u00e9t\u00e9"]

    sim.user.rename((composed, composed), (composed, b"aside"))
    sim.user.rename((composed, b"aside"), (composed, decomposed))
    sim.user.rename((composed,), (b"aside",))
    sim.user.rename((b"aside",), (decomposed,))
    observation = sim.bench.settle()
    assert (observation.gone, observation.stalled) == ([], {})
    assert sim.bench.nodes() == before
    assert sim.bench.settle().rows == []


def test_two_files_that_changed_places_are_two_edits(pair: tuple[Bench, User]) -> None:
    """For files the path beats the inode."""
    bench, user = pair
    user.write(place("a"), b"one")
    user.write(place("b"), b"two!")
    bench.settle()
    ids = bench.ids()
    for source, target in (("a", "c"), ("b", "a"), ("c", "b")):
        user.rename(place(source), place(target))
    bench.settle()

    assert bench.ids() == ids
    assert bench.nodes()["a"].digest == content_digest(b"two!")


def test_two_folders_that_changed_places_are_two_moves(pair: tuple[Bench, User]) -> None:
    """For folders the inode beats the path; nothing is waited for and nothing read."""
    bench, user = pair
    user.write(place("a/1"), b"one")
    user.write(place("b/2"), b"two!")
    bench.settle()
    bench.settle()
    ids = bench.ids()
    for source, target in (("a", "c"), ("b", "a"), ("c", "b")):
        user.rename(place(source), place(target))

    observation = bench.scan()
    assert (observation.stalled, observation.bytes_hashed) == ({}, 0)
    assert bench.ids() == {"a": ids["b"], "a/2": ids["b/2"], "b": ids["a"], "b/1": ids["a/1"]}


def test_a_folder_and_one_in_it_that_changed_places_are_two_moves() -> None:
    """`a/b` becomes `b/a`: the inner one is the outer one now."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"one")
    sim.user.write(place("a/b/2"), b"two")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a/b"), place("b"))
    sim.user.rename(place("a"), place("b/a"))
    sim.bench.settle()

    assert sim.bench.ids() == {"b": ids["a/b"], "b/2": ids["a/b/2"], "b/a": ids["a"], "b/a/1": ids["a/1"]}


def test_a_folder_put_back_from_a_copy_is_the_same_node() -> None:
    """No other folder has the inode: then the path tells, and the files are recognised by theirs."""
    sim = SimBench()
    sim.user.write(place("a/1"), b"one")
    sim.bench.settle()
    before = sim.bench.nodes()
    sim.user.rename(place("a"), place(".mega/aside"))
    sim.user.write(place("a/1"), b"one")
    observation = sim.bench.settle()

    assert observation.gone == []
    assert {path: node.id for path, node in before.items()} == sim.bench.ids()


def test_a_copy_is_a_new_node(pair: tuple[Bench, User]) -> None:
    """The same content elsewhere is no move as long as the first is there, nor when it went with its inode."""
    bench, user = pair
    user.write(place("a"), b"one")
    bench.settle()
    before = bench.ids()["a"]
    user.write(place("b"), b"one")
    user.remove(place("a"))
    bench.settle()

    assert bench.paths() == ["b"]
    # On a disk that used the inode again at once, the two cannot be told apart, and need not be.
    found = bench.disk.look(place("b"))
    assert found is not None
    assert bench.ids()["b"] != before or found.ino == bench.state.local.rows(bytes(16))[0].stamps[3]


def test_where_inodes_mean_nothing_unique_content_tells_what_moved() -> None:
    """A file moves by its content when only one has it; a folder is new, and its files have moved."""
    sim = SimBench(ids_are_stable=False)
    for path, data in (("a/1", b"one"), ("a/2", b"same"), ("a/3", b"same"), ("b", b"alone")):
        sim.user.write(place(path), data)
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("c"))
    sim.user.rename(place("b"), place("d"))
    sim.bench.settle()

    after = sim.bench.ids()
    assert (after["c/1"], after["d"]) == (ids["a/1"], ids["b"])
    assert {after["c"], after["c/2"], after["c/3"]}.isdisjoint(ids.values())


def test_where_inodes_mean_nothing_a_new_number_is_no_change() -> None:
    """They are another after every mount: nothing is read for it, and a folder is its path."""
    sim = SimBench(ids_are_stable=False)
    sim.user.write(place("a/1"), b"one")
    sim.bench.settle()
    sim.bench.settle()
    with sim.bench.state.transaction():
        rows = [*sim.bench.state.local.rows(bytes(16)), *sim.bench.state.local.rows(sim.bench.ids()["a"])]
        sim.bench.state.local.put_all(
            row._replace(stamps=(*row.stamps[:3], row.stamps[3] + 1_000, *row.stamps[4:])) for row in rows
        )
    observation = sim.bench.scan()

    assert (observation.rows, observation.bytes_hashed, observation.stalled) == ([], 0, {})
