"""The moods of a simulated disk, and who works on it beside mega."""

from __future__ import annotations

import errno

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_user import SimUser
from tests.kit.disks import START_NS, content, make, names, refused, ticking

A, B, FOLDER = (b"a",), (b"b",), (b"folder",)
INSIDE = (b"folder", b"inside")
COMPOSED, DECOMPOSED = "á".encode(), "a\u0301".encode()


@pytest.fixture
def disk() -> SimDisk:
    """Make an empty disk."""
    return SimDisk(ticking())


@pytest.fixture
def user(disk: SimDisk) -> SimUser:
    """Let somebody work on it."""
    return SimUser(disk)


def ino(disk: SimDisk, place: Place) -> int:
    """Give the inode number of what is there."""
    found = disk.look(place)
    assert found is not None
    return found.ino


# --- inodes -----------------------------------------------------------------------------------------------------------


def test_a_freed_number_is_used_at_once(disk: SimDisk) -> None:
    """A new file gets the number of the one removed last, as on ext4; a folder's as well."""
    make(disk, A)
    disk.make_folder(FOLDER, 0o755)
    numbers = ino(disk, A), ino(disk, FOLDER)
    disk.remove_file(A)
    disk.remove_folder(FOLDER)
    make(disk, B)
    make(disk, A)
    assert (ino(disk, B), ino(disk, A)) == (numbers[1], numbers[0])


def test_a_replaced_file_frees_its_number(disk: SimDisk, user: SimUser) -> None:
    """Renaming over a file gives up the file's inode, unless it has another name."""
    user.write(A, b"new")
    user.write(B, b"old")
    freed = ino(disk, B)
    user.rename(A, B)
    make(disk, A)
    assert ino(disk, A) == freed
    assert user.read(B) == b"new"


def test_late_writes_go_to_the_inode(disk: SimDisk, user: SimUser) -> None:
    """A program that has a file open writes to it after it was moved and replaced."""
    user.write(A, b"old")
    with user.open(A) as late:
        disk.rename(A, B)
        make(disk, A, b"ours")
        late.write(b" and late")
    assert (user.read(A), user.read(B)) == (b"ours", b"old and late")


@pytest.mark.parametrize("tick_ns", [1, 20_000_000, 1_000_000_000, 2_000_000_000])
def test_times_are_as_fine_as_the_disk(tick_ns: int) -> None:
    """Stamps are whole ticks, those that are set too; two writes within a tick look alike."""
    disk = SimDisk(ticking(), tick_ns=tick_ns)
    user = SimUser(disk)
    user.write(A, b"one")
    before = disk.look(A)
    user.write(A, b"two")
    after = disk.look(A)
    user.touch(B, START_NS)
    assert before is not None
    assert after is not None
    assert before.stamps.mtime_ns % tick_ns == before.stamps.ctime_ns % tick_ns == 0
    assert (before == after) == (tick_ns > 1)
    found = disk.look(B)
    assert found is not None
    assert found.stamps.mtime_ns == START_NS - START_NS % tick_ns


@pytest.mark.parametrize("tells_birth", [False, True])
def test_births_are_told_where_the_disk_tells_them(*, tells_birth: bool) -> None:
    """The time an inode was made is 0, or does not change."""
    disk = SimDisk(ticking(), tells_birth=tells_birth)
    make(disk, A, b"words")
    before = disk.look(A)
    disk.rename(A, B)
    with disk.continue_file(B) as file:
        file.write(b" more")
    after = disk.look(B)
    assert before is not None
    assert after is not None
    assert before.birth_ns == after.birth_ns
    assert (after.birth_ns > 0) == tells_birth


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [b"NAME", b"naMe"])
def test_an_insensitive_disk_folds_case(other: bytes) -> None:
    """Names that differ in case are one name, which keeps its first spelling."""
    disk = SimDisk(ticking(), folds_case=True)
    make(disk, (b"name",), b"words")
    with refused(errno.EEXIST):
        disk.make_file((other,))
    assert content(disk, (other,)) == b"words"
    assert names(disk) == {b"name"}


def test_a_user_may_change_the_case_of_a_name() -> None:
    """A rename that changes only the spelling is no replacement."""
    disk = SimDisk(ticking(), folds_case=True)
    user = SimUser(disk)
    user.write((b"name",), b"words")
    user.rename((b"name",), (b"NAME",))
    assert user.tree() == {(b"NAME",): b"words"}


def test_a_decomposing_disk_finds_both_forms() -> None:
    """Names are listed decomposed, whichever form made them."""
    disk = SimDisk(ticking(), stores_nfd=True)
    make(disk, (COMPOSED,), b"words")
    assert names(disk) == {DECOMPOSED}
    assert content(disk, (COMPOSED,)) == content(disk, (DECOMPOSED,)) == b"words"


def test_a_plain_disk_keeps_both_forms(disk: SimDisk) -> None:
    """On a disk that compares bytes, two forms and two cases are four files."""
    for name in (COMPOSED, DECOMPOSED, b"a", b"A"):
        make(disk, (name,))
    assert names(disk) == {COMPOSED, DECOMPOSED, b"a", b"A"}


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_every_call_is_announced(disk: SimDisk) -> None:
    """The hook hears each call before it happens, those of open files too, and no closing."""
    heard: list[tuple[str, Place, bool]] = []
    disk.on_call = lambda call, place: heard.append((call, place, disk.tree.root.entries != {}))

    with disk.make_file(A) as file:
        file.write(b"words")
        file.describe(0o644, 0)
        file.sync()
        file.found()
    with disk.open_file(A) as reader:
        reader.readinto(bytearray(9))
    disk.rename(A, B)
    disk.sync_folder(())

    assert heard[0] == ("make_file", A, False)
    assert [call for call, _, _ in heard] == [
        "make_file",
        "file.write",
        "file.describe",
        "file.sync",
        "file.found",
        "open_file",
        "file.readinto",
        "rename",
        "sync_folder",
    ]


def test_a_hook_that_raises_stops_the_call(disk: SimDisk) -> None:
    """A crash before a call leaves it undone."""

    def crash(_call: str, _place: Place) -> None:
        raise KeyboardInterrupt

    make(disk, A)
    disk.on_call = crash
    with pytest.raises(KeyboardInterrupt):
        disk.remove_file(A)
    assert SimUser(disk).has(A)


def test_a_hook_may_work_on_the_disk(disk: SimDisk, user: SimUser) -> None:
    """Somebody who saves between two calls of mega is seen by the second."""
    make(disk, A, b"ours")
    disk.on_call = lambda call, _: user.write(A, b"theirs") if call == "open_file" else None
    assert content(disk, A) == b"theirs"


def test_a_place_is_refused_until_it_is_not(disk: SimDisk) -> None:
    """An injected error concerns one place, or what is below too, and ends."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE)
    disk.refuse(errno.EACCES, FOLDER, is_below=True)
    with refused(errno.EACCES):
        disk.list_folder(FOLDER)
    with refused(errno.EACCES):
        disk.look(INSIDE)
    disk.list_folder(())
    disk.relent()
    assert names(disk, FOLDER) == {b"inside"}


def test_an_error_may_concern_some_calls(disk: SimDisk) -> None:
    """A file that cannot be read can be looked at."""
    make(disk, A)
    disk.refuse(errno.EIO, A, calls=frozenset({"file.readinto"}))
    with disk.open_file(A) as file:
        assert file.found() == disk.look(A)
        with refused(errno.EIO):
            file.readinto(bytearray(9))


def test_a_refused_target_stops_a_rename(disk: SimDisk) -> None:
    """Both places of a call are looked up among the injected errors."""
    make(disk, A)
    disk.refuse(errno.EBUSY, B)
    with refused(errno.EBUSY):
        disk.rename(A, B)


def test_a_listing_shows_what_cannot_be_looked_at(disk: SimDisk) -> None:
    """A refused look is an error of its line, and not of the listing."""
    make(disk, A)
    make(disk, B)
    disk.refuse(errno.EIO, A, calls=frozenset({"look"}))
    lines = {line.name: line for line in disk.list_folder(())}
    assert (lines[b"a"].found, lines[b"a"].error) == (None, errno.EIO)
    assert (lines[b"b"].found, lines[b"b"].error) == (disk.look(B), 0)


def test_a_full_disk_takes_what_fits() -> None:
    """A write that does not fit leaves its beginning, and nothing new can be made; removing makes room."""
    disk = SimDisk(ticking(), capacity_bytes=10)
    make(disk, A, b"12345")
    with disk.make_file(B) as file, refused(errno.ENOSPC):
        file.write(b"1234567")
    assert content(disk, B) == b"12345"
    assert disk.free_bytes() == 0
    with refused(errno.ENOSPC):
        disk.make_folder(FOLDER, 0o755)
    disk.remove_file(A)
    assert disk.free_bytes() == 5


def test_a_removed_file_keeps_its_room_while_it_is_open() -> None:
    """Room comes back when the last handle is closed."""
    disk = SimDisk(ticking(), capacity_bytes=10)
    make(disk, A, b"12345")
    with disk.open_file(A):
        disk.remove_file(A)
        assert disk.free_bytes() == 5
    assert disk.free_bytes() == 10


def test_an_unmounted_disk_is_empty_or_gone(disk: SimDisk) -> None:
    """What is left of a disk that was taken away is a folder of another device, or nothing at all."""
    make(disk, A)
    before = disk.look(())
    disk.unmount(leaves_folder=True)
    after = disk.look(())
    assert disk.list_folder(()) == []
    assert before is not None
    assert after is not None
    assert before.stamps.dev != after.stamps.dev
    disk.unmount(leaves_folder=False)
    assert disk.look(()) is None
    with refused(errno.ENOENT):
        disk.list_folder(())


def test_a_disk_comes_back_under_another_number(disk: SimDisk) -> None:
    """After a mount all is as before but the device number, and what was written meanwhile is hidden."""
    make(disk, A, b"words")
    before = disk.look(A)
    disk.unmount(leaves_folder=True)
    make(disk, B)
    disk.mount()
    after = disk.look(A)
    assert before is not None
    assert after is not None
    assert names(disk) == {b"a"}
    assert after.stamps._replace(dev=0) == before.stamps._replace(dev=0)
    assert after.stamps.dev != before.stamps.dev


# --- users ------------------------------------------------------------------------------------------------------------


def test_a_careful_save_is_another_inode(disk: SimDisk, user: SimUser) -> None:
    """A save beside the file and over it leaves one file, and with a backup the old inode under the backup's name."""
    user.write(A, b"old")
    first = ino(disk, A)
    user.save(A, b"new", keeps_backup=True)
    assert user.tree() == {A: b"new", (b"a~",): b"old"}
    assert ino(disk, (b"a~",)) == first
    user.save(A, b"newer")
    assert user.tree() == {A: b"newer", (b"a~",): b"old"}


def test_a_swap_loses_nothing(user: SimUser) -> None:
    """Two names change places, as a person does it."""
    user.write(A, b"one")
    user.write(INSIDE, b"other")
    user.swap(A, INSIDE)
    assert user.tree() == {A: b"other", FOLDER: None, INSIDE: b"one"}


def test_a_tree_is_removed(user: SimUser) -> None:
    """A folder goes with all that is in it."""
    user.write((b"folder", b"deep", b"file"), b"words")
    user.link((b"folder", b"link"), b"/")
    user.make_pipe((b"folder", b"pipe"))
    user.write(A, b"stays")
    user.remove(FOLDER)
    assert user.tree() == {A: b"stays"}


def test_a_user_destroys_what_stands_in_the_way(user: SimUser) -> None:
    """A rename replaces a file or an empty folder, a link a file."""
    user.write(A, b"new")
    user.write(B, b"victim")
    user.rename(A, B)
    user.make_folder(FOLDER)
    user.make_folder((b"empty",))
    user.rename(FOLDER, (b"empty",))
    user.link(B, b"target")
    assert user.tree() == {B: "-> target", (b"empty",): None}


def test_a_user_cannot_do_the_impossible(user: SimUser) -> None:
    """A full folder is not replaced, a folder not by a file."""
    user.write(INSIDE, b"kept")
    user.write(A, b"words")
    user.make_folder(B)
    with refused(errno.ENOTEMPTY):
        user.rename(B, FOLDER)
    with refused(errno.EISDIR):
        user.rename(A, FOLDER)
    with refused(errno.ENOTDIR):
        user.rename(B, A)


def test_our_folder_is_left_out_of_a_dump(user: SimUser) -> None:
    """What mega keeps at the top is not the user's; a folder of that name further down is."""
    user.write((b".mega", b"x"), b"ours")
    user.write((b"folder", b".mega"), b"theirs")
    assert user.tree() == {FOLDER: None, (b"folder", b".mega"): b"theirs"}
    assert (b".mega", b"x") in user.tree(without=frozenset())


def test_attributes_are_changed(disk: SimDisk, user: SimUser) -> None:
    """A chmod changes the mode, a touch the time, an append the content."""
    user.append(A, b"one")
    user.append(A, b" two")
    user.chmod(A, 0o600)
    user.touch(A, 5)
    user.overwrite(A, 0, b"ONE")
    user.touch(A, 7)
    found = disk.look(A)
    assert found is not None
    assert (found.stamps.mode, found.stamps.mtime_ns, user.read(A)) == (0o600, 7, b"ONE two")


def test_bits_of_a_folder_that_are_not_synced_stay(disk: SimDisk, user: SimUser) -> None:
    """A folder that hands its group down does so after its permissions were set; a file keeps no such bit."""
    user.write(INSIDE, b"words")
    for place, kept in ((FOLDER, 0o3000), (INSIDE, 0)):
        user.chmod(place, 0o3775)
        disk.describe(place, 0o6750, None)
        found = disk.look(place)
        assert found is not None
        assert found.stamps.mode == kept | 0o750
