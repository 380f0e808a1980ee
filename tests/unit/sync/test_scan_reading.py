"""Stable reads (I5): what a file was while it was read, and what is not believed."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from mega_cli.crypto.content import content_digest
from mega_cli.localfs.disk import Disk
from mega_cli.reconcile.situation import Reason
from mega_cli.sync.scan import Scanner
from tests.unit.sync.scanning import SimBench, place, reasons


def test_a_young_file_waits() -> None:
    """It may still be written to; in so many seconds it is old enough."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.clock.sleep(0.5)

    observation = sim.bench.scan()
    assert reasons(observation) == {"f": Reason.FILE_CHANGING}
    assert observation.waiting_s == pytest.approx(1.5)
    sim.clock.sleep(observation.waiting_s)
    assert sim.bench.scan().stalled == {}
    assert sim.bench.paths() == ["f"]


def test_a_young_file_with_the_content_of_its_row_needs_no_wait() -> None:
    """What was touched, or written anew with the same bytes, is not waited for."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()
    sim.user.write(place("f"), b"1")

    observation = sim.bench.scan()
    assert (observation.stalled, observation.waiting_s) == ({}, 0.0)
    assert sim.bench.nodes()["f"].mtime_ns == sim.clock.wall_ns


def test_a_young_file_of_the_same_size_waits_if_its_content_is_another() -> None:
    """It is read to find out, and then left alone until it is old enough."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.bench.settle()
    before = sim.bench.nodes()
    sim.user.write(place("f"), b"2")

    observation = sim.bench.scan()
    assert reasons(observation) == {"f": Reason.FILE_CHANGING}
    assert observation.waiting_s == pytest.approx(2.0)
    assert sim.bench.nodes() == before


@pytest.mark.parametrize("ahead_s", [11, 1_000_000_000])
def test_a_file_from_the_future_has_no_age(ahead_s: int) -> None:
    """Time is opaque: such a file is synced at once, not in a hundred years."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.user.touch(place("f"), sim.clock.wall_ns + ahead_s * 1_000_000_000)

    assert sim.bench.scan().stalled == {}
    assert sim.bench.paths() == ["f"]


@pytest.mark.parametrize("mtime_ns", [0, -1, -5_000_000_000])
def test_a_time_before_1970_is_a_time(mtime_ns: int) -> None:
    """It is kept as it is."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.user.touch(place("f"), mtime_ns)
    sim.bench.settle()

    assert sim.bench.nodes()["f"].mtime_ns == mtime_ns


def test_a_file_that_never_grows_old_is_read_every_quarter_of_an_hour() -> None:
    """42. A log that is written to without end has versions nevertheless, each one that was on the disk."""
    sim = SimBench()
    sim.user.write(place("log"), b"0")
    times = []
    for second in range(2_000):
        sim.user.append(place("log"), b"+")
        observation = sim.bench.scan()
        if observation.rows:
            times.append(second)
            assert sim.bench.nodes()["log"].digest == content_digest(sim.user.read(place("log")))
        sim.clock.sleep(1)
    assert len(times) == 2
    assert times[0] >= 900


@pytest.mark.parametrize(
    ("call", "act"),
    [
        pytest.param("file.readinto", "append", id="it grows"),
        pytest.param("file.readinto", "overwrite", id="it is written into"),
        pytest.param("look", "save", id="its name gets another file"),
        pytest.param("open_file", "remove", id="it goes"),
        pytest.param("open_file", "link", id="a link takes its place"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_not_believed(call: str, act: str) -> None:
    """43. No row ever pairs the stamps of one version with the bytes of another."""
    sim = SimBench()
    sim.user.write(place("f"), b"before")
    sim.clock.sleep(10)
    acts = {
        "append": lambda: sim.user.append(place("f"), b"more"),
        "overwrite": lambda: sim.user.overwrite(place("f"), 0, b"AFTER!"),
        "save": lambda: sim.user.save(place("f"), b"AFTER!"),
        "remove": lambda: sim.user.remove(place("f")),
        "link": lambda: sim.user.link(place("f"), b"/etc/passwd"),
    }

    def meddle(name: str, at: tuple[bytes, ...]) -> None:
        if name == call and at == place("f"):
            sim.disk.on_call = lambda _name, _at: None
            acts[act]()

    sim.disk.on_call = meddle
    observation = sim.bench.scan()

    assert reasons(observation) == {"f": Reason.FILE_CHANGING}
    assert observation.waiting_s > 0
    assert sim.bench.paths() == []


def test_a_look_that_answers_from_memory_proves_nothing() -> None:
    """Network disks keep what they said of a name for seconds: the open file is asked as well."""
    sim = SimBench()
    sim.user.write(place("f"), b"before")
    sim.clock.sleep(10)
    remembered = sim.user.look(place("f"))

    class Remembering:
        def __getattr__(self, name: str) -> object:
            return getattr(sim.disk, name)

        def look(self, at: tuple[bytes, ...]) -> object:
            return remembered if at == place("f") else sim.disk.look(at)

    def meddle(name: str, _at: tuple[bytes, ...]) -> None:
        if name == "file.readinto":
            sim.disk.on_call = lambda _name, _at: None
            sim.user.overwrite(place("f"), 0, b"AFTER!")

    sim.disk.on_call = meddle
    sim.bench.disk = cast("Disk", Remembering())
    sim.bench.start_again()
    assert reasons(sim.bench.scan()) == {"f": Reason.FILE_CHANGING}


def test_a_file_that_grows_as_fast_as_it_is_read_is_given_up() -> None:
    """It is read to where it ended at first, and no further."""
    sim = SimBench()
    sim.user.write(place("f"), b"1")
    sim.clock.sleep(10)
    calls = 0

    def meddle(name: str, _at: tuple[bytes, ...]) -> None:
        nonlocal calls
        if name == "file.readinto":
            calls += 1
            assert calls < 10, "it reads for ever"
            sim.user.append(place("f"), b"more")

    sim.disk.on_call = meddle
    assert reasons(sim.bench.scan()) == {"f": Reason.FILE_CHANGING}


def test_a_link_that_is_replaced_while_it_is_read_is_not_believed() -> None:
    """Its target and its stamps are of one link."""
    sim = SimBench()
    sim.user.link(place("l"), b"one")

    def meddle(name: str, _at: tuple[bytes, ...]) -> None:
        if name == "read_link":
            sim.disk.on_call = lambda _name, _at: None
            sim.clock.sleep(0.1)  # within one tick nothing would tell: then it is read again
            sim.user.link(place("l"), b"two")

    sim.disk.on_call = meddle
    assert reasons(sim.bench.scan()) == {"l": Reason.FILE_CHANGING}
    sim.bench.settle()
    assert sim.bench.nodes()["l"].target == "two"


def test_a_folder_that_moves_while_we_walk_is_not_two() -> None:
    """It was listed at its old place and is met again at its new one: one of them is an illusion."""
    sim = SimBench()
    sim.user.write(place("a/x/1"), b"1")
    sim.user.make_folder(place("b"))
    sim.bench.settle()
    ids = sim.bench.ids()

    def meddle(name: str, at: tuple[bytes, ...]) -> None:
        if name == "list_folder" and at == place("b"):
            sim.disk.on_call = lambda _name, _at: None
            sim.user.rename(place("a/x"), place("b/x"))

    sim.disk.on_call = meddle
    observation = sim.bench.scan()
    assert reasons(observation) == {"b/x": Reason.FILE_CHANGING}
    assert observation.waiting_s > 0
    sim.bench.settle()
    assert sim.bench.ids() == {"a": ids["a"], "b": ids["b"], "b/x": ids["a/x"], "b/x/1": ids["a/x/1"]}


@pytest.mark.parametrize("call", ["list_folder", "open_file", "look"])
def test_what_vanishes_under_our_eyes_is_no_error(call: str) -> None:
    """Whatever goes between two calls, the scan ends and asks for another look."""
    sim = SimBench()
    sim.user.write(place("a/b/f"), b"1")
    sim.clock.sleep(10)

    def meddle(name: str, at: tuple[bytes, ...]) -> None:
        if name == call and at[:2] == place("a/b"):
            sim.disk.on_call = lambda _name, _at: None
            sim.user.remove(place("a"))

    sim.disk.on_call = meddle
    assert sim.bench.scan().waiting_s > 0
    sim.bench.settle()
    assert sim.bench.paths() == []


def test_large_files_are_hashed_in_a_pool_as_without_one() -> None:
    """The order of ids does not depend on which thread was first."""
    alone, pooled = SimBench(), SimBench()
    with ThreadPoolExecutor(2) as pool:
        bench = pooled.bench
        bench.scanner = Scanner(bench.disk, bench.state, bench.clock, bench._chance, bench.settings, pool)
        for sim in (alone, pooled):
            for number in range(12):
                sim.user.write(place(f"d{number % 5}/f{number}"), b"x" * (number * 200_000))
            sim.bench.settle()

    assert pooled.bench.nodes() == alone.bench.nodes()


def test_an_unreadable_file_is_stalled_and_the_others_are_synced() -> None:
    """Its node, if it has one, stays as it was."""
    sim = SimBench()
    for name in ("a", "b"):
        sim.user.write(place(name), b"1")
    sim.bench.settle()
    before = sim.bench.nodes()
    for name in ("a", "b", "c"):
        sim.user.write(place(name), b"22")
    sim.disk.refuse(errno.EACCES, place("a"), calls=frozenset({"open_file"}))
    sim.disk.refuse(errno.EIO, place("c"), calls=frozenset({"open_file"}))

    observation = sim.bench.settle()
    assert reasons(observation) == {"a": Reason.UNREADABLE, "c": Reason.UNREADABLE}
    assert sim.bench.nodes()["a"] == before["a"]
    assert sim.bench.nodes()["b"].size == len(b"22")


def test_a_file_that_moved_and_cannot_be_read_is_not_gone() -> None:
    """Its inode is there under another name: to delete it elsewhere would be to guess."""
    sim = SimBench()
    sim.user.write(place("a"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("b"))
    sim.disk.refuse(errno.EACCES, place("b"), calls=frozenset({"open_file"}))

    observation = sim.bench.settle()
    assert (observation.gone, sim.bench.ids()) == ([], ids)
    sim.disk.relent()
    sim.bench.settle()
    assert sim.bench.ids() == {"b": ids["a"]}
