"""What goes wrong with simulated hints, and that the same seed has the same go wrong."""

from __future__ import annotations

import random

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Hint
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_hints import NOTICED_S, HintFaults, SimHints
from mega_cli.localfs.sim_user import SimUser
from tests.kit.disks import ticking

FILES: list[Place] = [(b"%d" % number,) for number in range(5)]


class World:
    """A disk with somebody at it, and hints that were started and watch the top."""

    def __init__(self, faults: HintFaults, seed: int = 7) -> None:
        self.disk = SimDisk(ticking())
        self.user = SimUser(self.disk)
        self.hints = SimHints(self.disk.tree, random.Random(seed), faults)
        self.told: list[Hint] = []
        self.hints.start(self.told.append)
        self.hints.watch(())
        self.told.clear()

    def write(self) -> list[Hint]:
        """Write some files, and give what is told of them at once."""
        for place in FILES:
            self.user.write(place, b"1")
        self.hints.flow()
        return self.told


def closed(place: Place) -> Hint:
    """Give the hint of a file that was written and closed."""
    return Hint(place, is_folder=False, was_closed=True)


ALL = [closed(place) for place in FILES]


def test_without_faults_all_is_told_once() -> None:
    """Each change is told, in the order of names."""
    world = World(HintFaults())
    assert world.write() == ALL
    world.hints.flow()
    assert world.told == ALL


def test_dropped_hints_are_lost() -> None:
    """What is dropped never comes."""
    world = World(HintFaults(drops=1))
    world.write()
    world.hints.flow()
    assert not world.told


def test_duplicates_come_twice() -> None:
    """Each is told twice."""
    assert World(HintFaults(duplicates=1)).write() == [hint for hint in ALL for _ in range(2)]


def test_reordered_hints_all_come() -> None:
    """They come in another order, and none is lost."""
    told = World(HintFaults(reorders=1)).write()
    assert told != ALL
    assert sorted(told) == ALL


def test_delayed_hints_come_later() -> None:
    """Some come at once, the others at later flows."""
    world = World(HintFaults(delays=0.5))
    assert 0 < len(world.write()) < len(ALL)
    for _ in range(20):
        world.hints.flow()
    assert sorted(world.told) == ALL


def test_an_overflow_is_told_as_everywhere() -> None:
    """All that was due is one hint."""
    assert World(HintFaults(overflows=1)).write() == [EVERYWHERE]


def test_a_death_is_noticed_in_time() -> None:
    """Nothing is told until a tick notices; then everything is to be looked at, and nothing is watched."""
    world = World(HintFaults(deaths=1))
    assert not world.write()
    assert world.hints.tick(100) == NOTICED_S
    assert world.hints.tick(100 + NOTICED_S - 1) == 1
    world.hints.flow()
    assert not world.told
    world.hints.tick(100 + NOTICED_S)
    assert world.told == [EVERYWHERE]
    assert world.hints.watch(())


def test_a_mount_ends_all_watches() -> None:
    """When another file system is there, everything is to be looked at, and again when the first is back."""
    world = World(HintFaults())
    for is_mounted in (False, True):
        world.told.clear()
        world.disk.mount() if is_mounted else world.disk.unmount(leaves_folder=True)
        assert world.hints.watch(())
        world.hints.flow()
        assert world.told == [EVERYWHERE]
        assert world.hints.watch(())
        assert not world.hints.watch(())


def test_an_open_file_is_not_told_as_closed() -> None:
    """As long as a program has it open, its age counts."""
    world = World(HintFaults())
    with world.user.open(FILES[0]) as file:
        file.write(b"1")
        world.hints.flow()
    assert world.told == [Hint(FILES[0], is_folder=False)]


def test_what_is_in_a_folder_is_not_told_by_the_folder_above() -> None:
    """Only who watches a folder hears of what is in it."""
    world = World(HintFaults())
    world.user.make_folder((b"folder",))
    world.hints.flow()
    world.told.clear()
    world.user.write((b"folder", b"file"), b"1")
    world.hints.flow()
    assert not world.told


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_tells_the_same(seed: int) -> None:
    """Two worlds of one seed tell the same, with every fault at work."""
    faults = HintFaults(0.2, 0.2, 0.2, 0.2, 0.05, 0.01)
    one, other = World(faults, seed), World(faults, seed)
    for _ in range(10):
        one.write()
        other.write()
    assert one.told == other.told
    assert one.told
