"""The promises of `Disk`, over every member: moving, exchanging, removing, and links that lead nowhere."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from mega_cli.localfs.disk import Disk, Place
from tests.kit.disks import Neighbour, content, make, names, refused

A, B, FOLDER, LINK = (b"a",), (b"b",), (b"folder",), (b"link",)
INSIDE = (b"folder", b"inside")
NO_FOLDER = {errno.ENOTDIR, errno.ELOOP}
"""How systems refuse a link where a folder should be."""


def exchanges(disk: Disk) -> bool:
    """Tell whether the disk has the call, by trying it in a folder of its own."""
    disk.make_folder((b"probe",), 0o755)
    make(disk, (b"probe", b"1"))
    make(disk, (b"probe", b"2"))
    try:
        disk.exchange((b"probe", b"1"), (b"probe", b"2"))
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return False
    return True


# --- moving -----------------------------------------------------------------------------------------------------------


def test_a_file_moves(disk: Disk) -> None:
    """A rename takes the inode along, and frees the old name."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, A, b"moved")
    before = disk.look(A)

    disk.rename(A, INSIDE)

    after = disk.look(INSIDE)
    assert disk.look(A) is None
    assert content(disk, INSIDE) == b"moved"
    assert before is not None
    assert after is not None
    assert (after.ino, after.links) == (before.ino, 1)
    assert after.stamps.mtime_ns == before.stamps.mtime_ns


def test_a_folder_moves_with_all_in_it(disk: Disk) -> None:
    """A rename of a folder moves what is below."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE, b"along")
    disk.rename(FOLDER, B)
    assert names(disk) == {b"b"}
    assert content(disk, (b"b", b"inside")) == b"along"


def test_a_link_moves(disk: Disk) -> None:
    """A rename moves a link itself, not what it points at."""
    make(disk, A)
    disk.make_link(LINK, b"a")
    disk.rename(LINK, B)
    assert names(disk) == {b"a", b"b"}
    assert disk.read_link(B) == b"a"


def test_nothing_cannot_move(disk: Disk) -> None:
    """A rename of a free name is an error."""
    with refused(errno.ENOENT):
        disk.rename(A, B)


@pytest.mark.parametrize("target", [(b"folder", b"below"), (b"folder", b"deep", b"below")])
def test_a_folder_does_not_move_into_itself(disk: Disk, target: Place) -> None:
    """A folder cannot become its own child."""
    disk.make_folder(FOLDER, 0o755)
    disk.make_folder((b"folder", b"deep"), 0o755)
    with refused(errno.EINVAL):
        disk.rename(FOLDER, target)
    assert names(disk, FOLDER) == {b"deep"}


@pytest.mark.parametrize(
    "call",
    [
        lambda disk: disk.rename((), A),
        lambda disk: disk.exchange((), FOLDER),
        lambda disk: disk.remove_folder(()),
        lambda disk: disk.remove_file(()),
    ],
    ids=["rename", "exchange", "remove_folder", "remove_file"],
)
def test_the_folder_itself_stays(disk: Disk, call: Callable[[Disk], None]) -> None:
    """The synced folder is neither moved nor removed."""
    disk.make_folder(FOLDER, 0o755)
    with pytest.raises(OSError, match=r"."):
        call(disk)
    assert names(disk) == {b"folder"}


# --- exchanging -------------------------------------------------------------------------------------------------------


def test_exchange_loses_nothing(disk: Disk) -> None:
    """Two files change places, inodes and all; or the disk says that it cannot, and nothing happened."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, A, b"one")
    make(disk, INSIDE, b"other")
    if exchanges(disk):
        one, other = disk.look(A), disk.look(INSIDE)
        disk.exchange(A, INSIDE)
        now, then = disk.look(A), disk.look(INSIDE)
        assert (content(disk, A), content(disk, INSIDE)) == (b"other", b"one")
        assert one is not None
        assert other is not None
        assert now is not None
        assert then is not None
        assert (now.ino, then.ino) == (other.ino, one.ino)
    else:
        with refused(errno.ENOTSUP):
            disk.exchange(A, INSIDE)
        assert (content(disk, A), content(disk, INSIDE)) == (b"one", b"other")


def test_exchange_of_different_kinds(disk: Disk) -> None:
    """A folder and a link change places."""
    if not exchanges(disk):
        return
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE, b"along")
    disk.make_link(LINK, b"x")
    disk.exchange(FOLDER, LINK)
    assert content(disk, (b"link", b"inside")) == b"along"
    assert disk.read_link(FOLDER) == b"x"


def test_exchange_needs_two(disk: Disk) -> None:
    """Where one name is free, nothing moves."""
    make(disk, A, b"one")
    number = errno.ENOENT if exchanges(disk) else errno.ENOTSUP
    with refused(number):
        disk.exchange(A, B)
    with refused(number):
        disk.exchange(B, A)
    assert content(disk, A) == b"one"


def test_a_folder_is_not_exchanged_with_its_child(disk: Disk) -> None:
    """A folder cannot change places with what lies in it."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE)
    with pytest.raises(OSError, match=r"."):
        disk.exchange(FOLDER, INSIDE)
    with pytest.raises(OSError, match=r"."):
        disk.exchange(INSIDE, FOLDER)
    assert names(disk, FOLDER) == {b"inside"}


# --- removing ---------------------------------------------------------------------------------------------------------


def test_a_file_and_a_link_are_removed(disk: Disk) -> None:
    """A link is removed itself, never its target."""
    make(disk, A)
    make(disk, B, b"target")
    disk.make_link(LINK, b"b")
    disk.remove_file(A)
    disk.remove_file(LINK)
    assert names(disk) == {b"b"}


def test_a_folder_is_not_removed_as_a_file(disk: Disk) -> None:
    """`remove_file` takes no folder."""
    disk.make_folder(FOLDER, 0o755)
    with pytest.raises(OSError, match=r"."):
        disk.remove_file(FOLDER)
    assert names(disk) == {b"folder"}


def test_an_empty_folder_is_removed(disk: Disk) -> None:
    """A folder without content goes."""
    disk.make_folder(FOLDER, 0o755)
    disk.remove_folder(FOLDER)
    assert names(disk) == set()


def test_a_full_folder_is_not_removed(disk: Disk) -> None:
    """A folder with anything in it stays."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE, b"kept")
    with refused(errno.ENOTEMPTY):
        disk.remove_folder(FOLDER)
    assert content(disk, INSIDE) == b"kept"


@pytest.mark.parametrize("place", [A, LINK])
def test_only_a_folder_is_removed_as_one(disk: Disk, place: Place) -> None:
    """`remove_folder` takes no file, and no link to a folder."""
    make(disk, A)
    disk.make_folder(FOLDER, 0o755)
    disk.make_link(LINK, b"folder")
    with refused(errno.ENOTDIR):
        disk.remove_folder(place)
    assert names(disk) == {b"a", b"folder", b"link"}


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_is_gone_cannot_be_removed(disk: Disk, *, is_folder: bool) -> None:
    """Removing a free name is an error."""
    with refused(errno.ENOENT):
        disk.remove_folder(A) if is_folder else disk.remove_file(A)


def test_an_inode_number_is_told_apart_while_it_lives(disk: Disk) -> None:
    """While a file is open, no new file has its number."""
    make(disk, A)
    with disk.open_file(A) as file:
        disk.remove_file(A)
        make(disk, B)
        found = disk.look(B)
        assert found is not None
        assert found.ino != file.found().ino


# --- links on the way -------------------------------------------------------------------------------------------------

BELOW_LINK = (b"link", b"inside")
CALLS: dict[str, Callable[[Disk], object]] = {
    "list_folder": lambda disk: disk.list_folder(LINK),
    "sync_folder": lambda disk: disk.sync_folder(LINK),
    "open_file": lambda disk: disk.open_file(BELOW_LINK),
    "continue_file": lambda disk: disk.continue_file(BELOW_LINK),
    "read_link": lambda disk: disk.read_link((b"link", b"other link")),
    "make_folder": lambda disk: disk.make_folder((b"link", b"new"), 0o755),
    "make_file": lambda disk: disk.make_file((b"link", b"new")),
    "make_link": lambda disk: disk.make_link((b"link", b"new"), b"x"),
    "rename from": lambda disk: disk.rename(BELOW_LINK, B),
    "rename to": lambda disk: disk.rename(A, (b"link", b"new")),
    "exchange": lambda disk: disk.exchange(A, BELOW_LINK),
    "remove_file": lambda disk: disk.remove_file(BELOW_LINK),
    "remove_folder": lambda disk: disk.remove_folder((b"link", b"empty")),
    "describe": lambda disk: disk.describe(BELOW_LINK, 0o777, 0),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_link_on_the_way_is_followed(disk: Disk, call: str) -> None:
    """A link in a folder's place leads no call anywhere, and what it points at stays as it was."""
    disk.make_folder(FOLDER, 0o755)
    disk.make_folder((b"folder", b"empty"), 0o755)
    disk.make_link((b"folder", b"other link"), b"x")
    make(disk, INSIDE, b"untouched")
    make(disk, A, b"mine")
    disk.make_link(LINK, b"folder")
    before = sorted(disk.list_folder(FOLDER)), sorted(disk.list_folder(()))

    with pytest.raises(OSError, match=r".") as caught:
        CALLS[call](disk)

    assert caught.value.errno in (NO_FOLDER if call != "exchange" else {*NO_FOLDER, errno.ENOTSUP})
    assert (sorted(disk.list_folder(FOLDER)), sorted(disk.list_folder(()))) == before
    assert content(disk, INSIDE) == b"untouched"


@pytest.mark.parametrize("call", CALLS)
def test_a_folder_replaced_between_calls_is_noticed(disk: Disk, call: str) -> None:
    """A place that was used as a folder and became a link leads nowhere any more."""
    disk.make_folder(LINK, 0o755)
    make(disk, BELOW_LINK, b"used")
    disk.list_folder(LINK)
    disk.sync_folder(LINK)
    make(disk, A)

    disk.rename(LINK, FOLDER)
    disk.make_link(LINK, b"folder")

    before = sorted(disk.list_folder(FOLDER))
    with pytest.raises(OSError, match=r"."):
        CALLS[call](disk)
    assert sorted(disk.list_folder(FOLDER)) == before


def test_a_place_means_what_is_there_now(disk: Disk) -> None:
    """A folder that took another's name gets what is meant for the name."""
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE, b"first")
    disk.rename(FOLDER, B)
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE, b"second")
    assert content(disk, INSIDE) == b"second"
    assert content(disk, (b"b", b"inside")) == b"first"


def test_a_neighbours_change_is_seen(disk: Disk, neighbour: Neighbour) -> None:
    """Nothing is remembered between calls: another program's write is read."""
    make(disk, A, b"ours")
    content(disk, A)
    neighbour.write(A, b"theirs, and longer")
    found = disk.look(A)
    assert content(disk, A) == b"theirs, and longer"
    assert found is not None
    assert found.stamps.size == 18


def test_free_bytes_are_told(disk: Disk) -> None:
    """There is room on the disks of these tests."""
    assert disk.free_bytes() > 0
