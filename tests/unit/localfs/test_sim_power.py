"""What a simulated disk may forget, and what it may not: so that a sync missing in the engine is found."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_power import PAGE_BYTES
from mega_cli.localfs.sim_user import Left, SimUser
from tests.kit.disks import content, make, ticking

A, B, FOLDER = (b"a",), (b"b",), (b"folder",)
INSIDE = (b"folder", b"inside")
CUTS = 60
"""How many cuts a test tries: each mood and coin turns up."""


def remains(act: Callable[[SimDisk], None], *, cuts: int = CUTS) -> list[dict[tuple[bytes, ...], Left]]:
    """Give what many cuts after the same steps leave."""
    left = []
    for seed in range(cuts):
        disk = SimDisk(ticking())
        act(disk)
        disk.cut_power(random.Random(seed))
        left.append(SimUser(disk).tree())
    return left


def settled(disk: SimDisk) -> SimUser:
    """Give a user whose changes are old."""
    return SimUser(disk)


# --- content ----------------------------------------------------------------------------------------------------------


def test_what_was_synced_survives() -> None:
    """A file whose content and name were synced is there after every cut."""

    def act(disk: SimDisk) -> None:
        with disk.make_file(A) as file:
            file.write(b"words")
            file.describe(0o640, 1_000)
            file.sync()
        disk.sync_folder(())

    assert all(left == {A: b"words"} for left in remains(act))


def test_what_a_settled_user_wrote_until_the_disk_was_full_survives() -> None:
    """A write that fails leaves what found room, after a power cut as before it."""

    def fill(disk: SimDisk) -> None:
        disk.tree.capacity_bytes = 3
        with suppress(OSError):
            SimUser(disk).write(A, b"words")

    assert all(left == {A: b"wor"} for left in remains(fill))


def test_attributes_are_synced_with_the_content() -> None:
    """Mode and time that were synced come back."""
    for seed in range(CUTS):
        disk = SimDisk(ticking())
        with disk.make_file(A) as file:
            file.describe(0o640, 1_000)
            file.sync()
        disk.sync_folder(())
        disk.cut_power(random.Random(seed))
        found = disk.look(A)
        assert found is not None
        assert (found.stamps.mode, found.stamps.mtime_ns) == (0o640, 1_000)


def test_described_attributes_are_durable() -> None:
    """What `describe` sets of a file or folder that was sure is never taken back."""
    for seed in range(CUTS):
        disk = SimDisk(ticking())
        user = settled(disk)
        user.write(INSIDE, b"words")
        for place in (FOLDER, INSIDE):
            disk.describe(place, 0o700, 1_000)
        disk.cut_power(random.Random(seed))
        modes = [found.stamps.mode for place in (FOLDER, INSIDE) if (found := disk.look(place))]
        assert modes == [0o700, 0o700]


def test_attributes_that_a_user_set_may_be_lost() -> None:
    """A chmod by somebody else is not synced."""
    modes = set()
    for seed in range(CUTS):
        disk = SimDisk(ticking())
        settled(disk).write(A, b"words")
        SimUser(disk, is_settled=False).chmod(A, 0o700)
        disk.cut_power(random.Random(seed))
        found = disk.look(A)
        assert found is not None
        modes.add(found.stamps.mode)
    assert modes == {0o644, 0o700}


def test_content_that_was_not_synced_may_be_missing() -> None:
    """A synced name may lead to an empty file, half a file, zeros, or all of it."""
    data = bytes(range(1, 256)) * 70

    def act(disk: SimDisk) -> None:
        make(disk, A, data)
        disk.sync_folder(())

    found = {left[A] for left in remains(act)}

    assert b"" in found
    assert data in found
    assert any(isinstance(one, bytes) and len(one) == len(data) and one != data for one in found)
    assert any(isinstance(one, bytes) and 0 < len(one) < len(data) and len(one) % PAGE_BYTES == 0 for one in found)


def test_pages_are_never_mixed_within() -> None:
    """Whatever is left of a page is the old one, the new one or zeros."""
    old, new = b"o" * (3 * PAGE_BYTES), b"n" * (4 * PAGE_BYTES)

    def act(disk: SimDisk) -> None:
        settled(disk).write(A, old)
        SimUser(disk, is_settled=False).overwrite(A, 0, new)

    for left in remains(act):
        found = left[A]
        assert isinstance(found, bytes)
        pages = [found[at : at + PAGE_BYTES] for at in range(0, len(found), PAGE_BYTES)]
        assert all(len(set(page)) == 1 for page in pages)
        assert all(page[0] for page in pages[:3]), "an old page is never lost"


def test_a_file_cut_and_written_again_may_be_as_before() -> None:
    """An in-place save that was not synced leaves the old content, the new, or a wreck."""

    def act(disk: SimDisk) -> None:
        settled(disk).write(A, b"old")
        SimUser(disk, is_settled=False).write(A, b"newer")

    assert {b"old", b"newer", b""} <= {left[A] for left in remains(act)}


def test_what_was_appended_after_a_sync_may_be_lost() -> None:
    """A sync covers what was written before it."""

    def act(disk: SimDisk) -> None:
        with disk.make_file(A) as file:
            file.write(b"sure ")
            file.sync()
            file.write(b"not")
        disk.sync_folder(())

    found = {left[A] for left in remains(act)}

    assert {b"sure ", b"sure not"} <= found
    assert all(isinstance(one, bytes) and one.startswith(b"sure ") for one in found)


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_name_that_was_not_synced_may_be_lost() -> None:
    """Syncing a file does not make its name durable."""

    def act(disk: SimDisk) -> None:
        with disk.make_file(A) as file:
            file.write(b"words")
            file.sync()

    found = [left.get(A, "lost") for left in remains(act)]

    assert set(found) == {b"words", "lost"}


def test_a_new_folder_needs_the_folder_above() -> None:
    """Syncing a new folder makes what is in it durable, not its own name."""

    def act(disk: SimDisk) -> None:
        disk.make_folder(FOLDER, 0o755)
        with disk.make_file(INSIDE) as file:
            file.sync()
        disk.sync_folder(FOLDER)

    left = remains(act)

    assert {} in left
    assert all(one in ({}, {FOLDER: None, INSIDE: b""}) for one in left)


def test_a_rename_is_whole() -> None:
    """Without a sync a file has its old name or its new one, and never both or neither."""

    def act(disk: SimDisk) -> None:
        user = settled(disk)
        user.write(A, b"words")
        user.make_folder(FOLDER)
        disk.rename(A, INSIDE)

    left = remains(act)

    assert all(one in ({FOLDER: None, A: b"words"}, {FOLDER: None, INSIDE: b"words"}) for one in left)
    assert len({tuple(one) for one in left}) == 2


@pytest.mark.parametrize("synced", [(), FOLDER])
def test_a_rename_is_durable_once_a_folder_is_synced(synced: tuple[bytes, ...]) -> None:
    """A rename is one step: syncing either folder makes both sides of it durable."""

    def act(disk: SimDisk) -> None:
        user = settled(disk)
        user.write(A, b"words")
        user.make_folder(FOLDER)
        disk.rename(A, INSIDE)
        disk.sync_folder(synced)

    assert all(left == {FOLDER: None, INSIDE: b"words"} for left in remains(act))


def test_a_rename_of_unsynced_content_may_leave_an_empty_file() -> None:
    """The classic: published by rename, the name synced and the content not."""

    def act(disk: SimDisk) -> None:
        make(disk, A, b"words")
        disk.rename(A, B)
        disk.sync_folder(())

    assert {b"", b"words"} <= {left[B] for left in remains(act)}


def test_an_exchange_is_whole() -> None:
    """Without a sync two names have changed places or have not."""

    def act(disk: SimDisk) -> None:
        user = settled(disk)
        user.write(A, b"one")
        user.write(B, b"other")
        disk.exchange(A, B)

    left = remains(act)

    assert {(one[A], one[B]) for one in left} == {(b"one", b"other"), (b"other", b"one")}


def test_a_removal_that_was_not_synced_may_be_undone() -> None:
    """A removed file may come back, with its content."""

    def act(disk: SimDisk) -> None:
        settled(disk).write(A, b"words")
        disk.remove_file(A)

    assert {tuple(left.items()) for left in remains(act)} == {(), ((A, b"words"),)}


def test_changes_of_different_names_may_happen_out_of_order() -> None:
    """The later of two changes may survive without the earlier one."""

    def act(disk: SimDisk) -> None:
        make(disk, A)
        make(disk, B)

    assert {frozenset(left) for left in remains(act)} == {
        frozenset(),
        frozenset({A}),
        frozenset({B}),
        frozenset({A, B}),
    }


def test_an_inode_number_is_never_taken_twice() -> None:
    """A file that comes back and a file that got its number are not both there."""

    def act(disk: SimDisk) -> None:
        settled(disk).write(A, b"first")
        disk.remove_file(A)
        make(disk, B)

    assert all(len(left) < 2 for left in remains(act))


def test_a_folder_removed_after_it_was_emptied_loses_nothing() -> None:
    """A folder is never gone while the file that was moved out of it is not where it went."""

    def act(disk: SimDisk) -> None:
        settled(disk).write(INSIDE, b"words")
        disk.rename(INSIDE, A)
        disk.remove_folder(FOLDER)

    assert all(list(left.values()).count(b"words") == 1 for left in remains(act))


@pytest.mark.parametrize("is_synced", [False, True])
def test_a_file_moved_into_new_folders_is_not_lost(*, is_synced: bool) -> None:
    """Whichever of several new folders were synced, what was moved into the innermost is there or where it was."""
    deep = (b"folder", b"deep", b"inside")

    def act(disk: SimDisk) -> None:
        settled(disk).write(A, b"words")
        disk.make_folder(FOLDER, 0o755)
        disk.make_folder(deep[:2], 0o755)
        disk.sync_folder(FOLDER)
        disk.rename(A, deep)
        if is_synced:
            disk.sync_folder(deep[:2])

    left = remains(act)

    assert all((A in one) != (deep in one) for one in left)
    assert not is_synced or all(deep in one for one in left)


# --- crashes ----------------------------------------------------------------------------------------------------------


def test_a_kill_loses_open_files_only() -> None:
    """A process that ends loses its handles; what it wrote is in the system's hands."""
    disk = SimDisk(ticking())
    file = disk.make_file(A)
    file.write(b"words")
    disk.kill()
    with pytest.raises(OSError, match="descriptor") as caught:
        file.write(b" more")
    file.close()
    assert caught.value.errno == errno.EBADF
    assert content(disk, A) == b"words"


def test_a_disk_that_is_not_forgetful_forgets_nothing() -> None:
    """With `is_forgetful` off a cut is a kill."""
    disk = SimDisk(ticking(), is_forgetful=False)
    make(disk, A, b"words")
    disk.cut_power(random.Random(1))
    assert content(disk, A) == b"words"
