"""The promises of `Disk`, over every member: looking, reading, making, attributes."""

from __future__ import annotations

import errno

import pytest

from mega_cli.localfs.disk import Disk, Place
from tests.kit.disks import Neighbour, content, make, names, refused, rest

A, B, FOLDER = (b"a",), (b"b",), (b"folder",)
INSIDE = (b"folder", b"inside")
MTIME_NS = 1_500_000_000_000_000_000


# --- looking and listing ----------------------------------------------------------------------------------------------


def test_an_empty_folder_lists_nothing(disk: Disk) -> None:
    """The synced folder is `()`, and empty at first."""
    assert disk.list_folder(()) == []


def test_the_root_is_a_folder(disk: Disk) -> None:
    """The synced folder can be looked at."""
    found = disk.look(())
    assert found is not None
    assert found.kind == "d"


def test_a_listing_says_what_a_look_says(disk: Disk) -> None:
    """Every kind is listed as it is looked at, a link's own stamps."""
    make(disk, A, b"four")
    disk.make_link(B, b"a")
    disk.make_folder(FOLDER, 0o755)

    listed = {line.name: (line.found, line.error) for line in disk.list_folder(())}

    assert listed == {name: (disk.look((name,)), 0) for name in (b"a", b"b", b"folder")}


@pytest.mark.parametrize(("place", "kind"), [(A, "f"), (B, "l"), (FOLDER, "d"), ((b"pipe",), "special")])
def test_kinds(disk: Disk, neighbour: Neighbour, place: Place, kind: str) -> None:
    """Files, links, folders and the rest are told apart; a link is not followed."""
    make(disk, A)
    disk.make_link(B, b"folder")
    disk.make_folder(FOLDER, 0o755)
    neighbour.make_pipe((b"pipe",))

    found = disk.look(place)

    assert found is not None
    assert found.kind == kind


def test_a_size_is_told(disk: Disk) -> None:
    """The stamps hold the length in bytes."""
    make(disk, A, b"12345")
    found = disk.look(A)
    assert found is not None
    assert found.stamps.size == 5


def test_names_of_a_file_are_counted(disk: Disk, neighbour: Neighbour) -> None:
    """A second name of an inode shows, by count and by number."""
    make(disk, A)
    neighbour.hard_link(A, B)
    one, other = disk.look(A), disk.look(B)
    assert one == other
    assert one is not None
    assert one.links == 2


@pytest.mark.parametrize("place", [B, (b"a", b"below"), (b"missing", b"below"), (b"link", b"inside")])
def test_nothing_is_seen_where_nothing_is(disk: Disk, place: Place) -> None:
    """A look finds None for a free name, below a file, below nothing, and through a link."""
    make(disk, A)
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE)
    disk.make_link((b"link",), b"folder")

    assert disk.look(place) is None


@pytest.mark.parametrize(("place", "numbers"), [(B, {errno.ENOENT}), (A, {errno.ENOTDIR})])
def test_only_a_folder_is_listed(disk: Disk, place: Place, numbers: set[int]) -> None:
    """Listing nothing, or a file, is an error: absence is never an empty list."""
    make(disk, A)
    with pytest.raises(OSError) as caught:  # noqa: PT011 -- the number is what counts
        disk.list_folder(place)
    assert caught.value.errno in numbers


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_file_is_read(disk: Disk) -> None:
    """What was written is read, piece by piece, and then 0."""
    make(disk, A, b"eleven byte")
    assert content(disk, A) == b"eleven byte"


def test_an_open_file_is_looked_at_itself(disk: Disk) -> None:
    """An open file tells its own stamps when another has its name."""
    make(disk, A, b"one")
    with disk.open_file(A) as file:
        before = file.found()
        disk.rename(A, B)
        make(disk, A, b"other")
        found = file.found()
    assert (found.ino, found.stamps.size) == (before.ino, 3)


def test_an_open_file_outlives_its_name(disk: Disk) -> None:
    """What is removed can be read to its end by who had it open."""
    make(disk, A, b"still here")
    with disk.open_file(A) as file:
        disk.remove_file(A)
        assert rest(file) == b"still here"


def test_closing_twice_does_no_harm(disk: Disk) -> None:
    """Both kinds of open files may be closed twice."""
    new = disk.make_file(A)
    new.close()
    new.close()
    file = disk.open_file(A)
    file.close()
    file.close()
    assert names(disk) == {b"a"}


@pytest.mark.parametrize(
    ("place", "number"),
    [(B, errno.ELOOP), (FOLDER, errno.EINVAL), ((b"pipe",), errno.EINVAL), ((), errno.EINVAL), (INSIDE, errno.ENOENT)],
)
def test_only_a_file_is_opened(disk: Disk, neighbour: Neighbour, place: Place, number: int) -> None:
    """A link, a folder and a pipe that nobody serves are refused at once, to read and to append."""
    make(disk, A)
    disk.make_link(B, b"a")
    disk.make_folder(FOLDER, 0o755)
    neighbour.make_pipe((b"pipe",))

    with refused(number):
        disk.open_file(place).close()
    with refused(number):
        disk.continue_file(place).close()


@pytest.mark.parametrize("target", [b"a", b"/etc/passwd", b"../../x", b"\xff\xfe", b"t" * 1000])
def test_a_link_keeps_its_text(disk: Disk, target: bytes) -> None:
    """A link's target is any bytes, and leads nowhere."""
    disk.make_link(B, target)
    assert disk.read_link(B) == target


def test_only_a_link_is_read_as_one(disk: Disk) -> None:
    """A file has no target."""
    make(disk, A)
    with refused(errno.EINVAL):
        disk.read_link(A)


# --- making -----------------------------------------------------------------------------------------------------------


def test_a_new_file_is_private(disk: Disk) -> None:
    """Nobody else may read a file before it is described."""
    with disk.make_file(A) as file:
        file.write(b"secret")
        assert file.found().stamps.mode == 0o600


def test_a_new_file_is_described(disk: Disk) -> None:
    """Mode and time come back as they were set, before the file is closed and after."""
    with disk.make_file(A) as file:
        file.write(b"words")
        file.describe(0o640, MTIME_NS)
        file.sync()
        before = file.found().stamps
    found = disk.look(A)
    assert found is not None
    assert (before.mode, before.mtime_ns) == (0o640, MTIME_NS)
    assert (found.stamps.mode, found.stamps.mtime_ns) == (0o640, MTIME_NS)


def test_a_file_is_continued(disk: Disk) -> None:
    """What is written into a continued file comes after what was there."""
    make(disk, A, b"one ")
    with disk.continue_file(A) as file:
        file.write(memoryview(b"two "))
        file.write(b"three")
    assert content(disk, A) == b"one two three"


def test_a_file_of_two_names_is_not_continued(disk: Disk, neighbour: Neighbour) -> None:
    """A file that may be published already is not written to."""
    make(disk, A, b"published")
    neighbour.hard_link(A, B)
    with refused(errno.EMLINK):
        disk.continue_file(B)
    assert content(disk, A) == b"published"


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o777, 0o775])
def test_a_new_folder_has_its_mode(disk: Disk, mode: int) -> None:
    """A folder's mode is exact, whatever the mask of the process."""
    disk.make_folder(FOLDER, mode)
    found = disk.look(FOLDER)
    assert found is not None
    assert found.stamps.mode == mode
    assert names(disk, FOLDER) == set()


@pytest.mark.parametrize("taken", ["file", "folder", "full folder", "link", "dangling link", "pipe", "itself"])
@pytest.mark.parametrize("call", ["make_folder", "make_file", "make_link", "rename", "rename a folder"])
def test_nothing_is_replaced(disk: Disk, neighbour: Neighbour, taken: str, call: str) -> None:
    """Every call that creates a name is refused a taken one, and both sides stay as they were."""
    target = B
    make(disk, A, b"mine")
    disk.make_folder(FOLDER, 0o755)
    make(disk, INSIDE, b"inside")
    if taken == "file":
        make(disk, B, b"theirs")
    elif taken == "pipe":
        neighbour.make_pipe(B)
    elif taken.endswith("folder"):
        disk.make_folder(B, 0o755)
        if taken.startswith("full"):
            make(disk, (b"b", b"below"), b"theirs")
    elif taken.endswith("link"):
        disk.make_link(B, b"nowhere" if taken.startswith("dangling") else b"a")
    else:
        target = FOLDER if call == "rename a folder" else A
    before = disk.list_folder(()), disk.look(target)

    with refused(errno.EEXIST):
        if call == "make_folder":
            disk.make_folder(target, 0o755)
        elif call == "make_file":
            disk.make_file(target)
        elif call == "make_link":
            disk.make_link(target, b"elsewhere")
        else:
            disk.rename(FOLDER if call == "rename a folder" else A, target)

    assert (sorted(disk.list_folder(())), disk.look(target)) == (sorted(before[0]), before[1])
    assert content(disk, A) == b"mine"
    assert content(disk, INSIDE) == b"inside"


@pytest.mark.parametrize("call", ["make_folder", "make_file", "make_link", "rename"])
def test_a_parent_must_be_there(disk: Disk, call: str) -> None:
    """No call makes the folders above."""
    make(disk, A)
    place = (b"missing", b"below")
    with refused(errno.ENOENT):
        if call == "make_folder":
            disk.make_folder(place, 0o755)
        elif call == "make_file":
            disk.make_file(place)
        elif call == "make_link":
            disk.make_link(place, b"a")
        else:
            disk.rename(A, place)


# --- attributes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mtime_ns", [MTIME_NS, 0, -2_000_000_000, 4_000_000_000_000_000_000])
def test_a_file_is_described(disk: Disk, mtime_ns: int) -> None:
    """Mode and time are set, times before 1970 and far ahead too."""
    make(disk, A)
    disk.describe(A, 0o751, mtime_ns)
    found = disk.look(A)
    assert found is not None
    assert (found.stamps.mode, found.stamps.mtime_ns) == (0o751, mtime_ns)


def test_a_mode_alone_leaves_the_time(disk: Disk) -> None:
    """A time of None changes no time; a folder is described as a file is."""
    disk.make_folder(FOLDER, 0o755)
    disk.describe(FOLDER, 0o755, MTIME_NS)
    disk.describe(FOLDER, 0o700, None)
    found = disk.look(FOLDER)
    assert found is not None
    assert (found.stamps.mode, found.stamps.mtime_ns) == (0o700, MTIME_NS)


def test_no_dangerous_bit_is_set(disk: Disk) -> None:
    """Neither setuid nor setgid nor sticky is ever set."""
    with disk.make_file(A) as file:
        file.describe(0o7755, MTIME_NS)
    disk.describe(A, 0o7755, None)
    found = disk.look(A)
    assert found is not None
    assert found.stamps.mode == 0o755


def test_a_link_is_not_described(disk: Disk) -> None:
    """Attributes are never set through a link."""
    make(disk, A)
    disk.describe(A, 0o644, MTIME_NS)
    disk.make_link(B, b"a")
    before = disk.look(A)
    with refused(errno.ELOOP):
        disk.describe(B, 0o777, 0)
    assert disk.look(A) == before


def test_a_pipe_is_not_described(disk: Disk, neighbour: Neighbour) -> None:
    """Attributes are set of files and folders; nothing waits for a pipe."""
    neighbour.make_pipe(B)
    with refused(errno.EINVAL):
        disk.describe(B, 0o777, None)


def test_a_file_nobody_may_read_is_described(disk: Disk) -> None:
    """What its owner closed is opened again."""
    make(disk, A)
    disk.describe(A, 0, None)
    disk.describe(A, 0o644, MTIME_NS)
    assert content(disk, A) == b""


def test_a_change_shows_in_the_stamps(disk: Disk, member: str) -> None:
    """A write is seen in size or times."""
    make(disk, A, b"one")
    before = disk.look(A)
    with disk.continue_file(A) as file:
        file.write(b" two")
    after = disk.look(A)
    assert before != after, member
