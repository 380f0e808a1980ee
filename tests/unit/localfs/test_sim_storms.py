"""Storms on a simulated disk: wherever things were moved when the power was cut, no old file is lost or doubled."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress

import pytest

from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_user import SimUser
from tests.kit.disks import make, names, ticking
from tests.unit.localfs.test_sim_power import CUTS, remains

PLACES = [(), (b"folder",), (b"folder", b"deep"), (b"other",)]
TOKENS = [b"token %d" % number for number in range(6)]


def storm(disk: SimDisk, chance: random.Random, steps: int) -> None:
    """Move six old files and three old folders about at random; nothing is written, linked or removed for good."""
    user = SimUser(disk)
    for place in PLACES[1:]:
        user.make_folder(place)
    for number, token in enumerate(TOKENS):
        user.write((*chance.choice(PLACES), b"%d" % number), token)
    for step in range(steps):
        found = list(user.tree())
        folders = [(), *(place for place, left in user.tree().items() if left is None)]
        one, other = chance.choice(found), chance.choice(found)
        new = (*chance.choice(folders), b"n%d" % chance.randrange(4))
        with suppress(OSError):  # many steps are impossible, and refused
            match chance.randrange(7):
                case 0 | 1:
                    disk.rename(one, new)
                case 2:
                    disk.exchange(one, other)
                case 3:
                    disk.make_folder(new, 0o700 + step % 8)
                case 4:
                    disk.remove_folder(one)
                case 5:
                    disk.sync_folder(chance.choice(folders))
                case _:
                    make(disk, new)


@pytest.mark.parametrize("seed", range(150))
def test_a_storm_loses_no_old_file(seed: int) -> None:
    """Whatever was moved where, synced or not, each old file is there exactly once, and each number too."""
    chance = random.Random(seed)
    disk = SimDisk(ticking())
    storm(disk, chance, 50)

    disk.cut_power(chance)

    left = SimUser(disk).tree()
    assert Counter(one for one in left.values() if one) == Counter(TOKENS)
    numbers = [found.ino for place in left if (found := disk.look(place))]
    assert len(numbers) == len(set(numbers)) == len(left)
    assert names(disk) == {place[0] for place in left if len(place) == 1}


def test_the_same_chance_leaves_the_same() -> None:
    """A cut can be told again from its seed."""

    def act(disk: SimDisk) -> None:
        storm(disk, random.Random(5), 60)

    assert remains(act, cuts=20) == remains(act, cuts=20)


def test_a_disk_is_usable_after_a_cut() -> None:
    """What is left is sure: a second cut takes nothing more."""
    for seed in range(CUTS):
        disk = SimDisk(ticking())
        storm(disk, random.Random(seed), 40)
        disk.cut_power(random.Random(seed))
        left = SimUser(disk).tree()
        disk.cut_power(random.Random(seed + 1))
        assert SimUser(disk).tree() == left
