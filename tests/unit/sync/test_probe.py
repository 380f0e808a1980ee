"""What a disk is found to hold, by trying it."""

from __future__ import annotations

import errno
import os
from itertools import count
from pathlib import Path

import pytest

from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.reconcile.situation import DiskRules
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.marker import FOLDER, make_own_folder
from mega_cli.sync.probe import Probed, keep_probed, last_probed, probe


def disk_with(**moods: bool) -> SimDisk:
    """Make a disk with its own folder."""
    times = count(1)
    disk = SimDisk(lambda: next(times), **moods)
    make_own_folder(disk)
    return disk


def test_a_disk_like_linux_s() -> None:
    """Case and forms differ, links and modes are there, inodes stay."""
    rules, is_stable = probe(disk_with())

    assert (rules.folds_case, rules.folds_form, rules.has_links, rules.has_modes, is_stable) == (
        False,
        False,
        True,
        True,
        True,
    )


def test_a_disk_that_takes_case_and_forms_for_one() -> None:
    """As those of macOS and Windows."""
    rules, _ = probe(disk_with(folds_case=True))

    assert (rules.folds_case, rules.folds_form) == (True, True)


def test_nothing_is_left_of_it() -> None:
    """What was tried is gone, also what a killed run left."""
    disk = disk_with()
    disk.make_file((*FOLDER, "probe-ä".encode())).close()
    disk.make_file((*FOLDER, b"probe-moved")).close()
    probe(disk)

    assert disk.list_folder(FOLDER) == []


def test_a_disk_without_links() -> None:
    """They are blocked there."""
    disk = disk_with()
    disk.refuse(errno.EPERM, FOLDER, is_below=True, calls=frozenset({"make_link"}))

    assert not probe(disk).rules.has_links


def test_a_disk_on_which_nothing_can_be_made() -> None:
    """It tells nothing, and stops nothing: the run fails for a better reason."""
    disk = disk_with()
    disk.refuse(errno.ENOSPC, FOLDER, is_below=True, calls=frozenset({"make_file"}))

    assert probe(disk).ids_are_stable


@pytest.mark.skipif(os.name == "nt", reason="compares with what Linux and macOS have")
def test_the_real_disk(tmp_path: Path) -> None:
    """Links, modes and inodes that stay."""
    disk = RealDisk(os.fsencode(tmp_path))
    make_own_folder(disk)
    rules, is_stable = probe(disk)
    disk.close()

    assert (rules.has_links, rules.has_modes, is_stable) == (True, True, True)


def test_what_was_found_out_is_kept_for_dry_runs() -> None:
    """A dry run tries nothing: it judges the disk as the last run found it, and before that by the defaults."""
    state = SyncState(":memory:")
    before = last_probed(state)
    found = Probed(DiskRules(folds_case=True, has_modes=False), ids_are_stable=False)

    keep_probed(state, found)

    assert (before, last_probed(state)) == (Probed(DiskRules(), ids_are_stable=True), found)
