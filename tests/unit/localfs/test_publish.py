"""Publishing: atomic, resumable, and never outside the destination."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.errors import LimitError, LockedError, MegaError, MissingItemError
from mega_cli.localfs import folders
from mega_cli.localfs.failures import BlockedError
from mega_cli.localfs.folders import Folder
from mega_cli.localfs.publish import Destination, PartialFile, make_symlink, publish_bytes
from mega_cli.model import MIB

MTIME_NS = 1_234_567_890_123_456_789


@pytest.fixture(params=["descriptors", "paths"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a destination folder, once with folder descriptors and once as a system without them would see it."""
    if request.param == "paths":
        monkeypatch.setattr(folders, "HAS_FOLDER_FDS", False)
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    return tmp_path / "root"


@pytest.fixture
def folder(root: Path) -> Iterator[Folder]:
    """Open the destination itself."""
    with Destination(bytes(root)) as destination:
        yield destination.root


def names_in(path: Path) -> list[str]:
    """List what is there, partial files included."""
    return sorted(child.name for child in path.iterdir())


def partial_with(folder: Folder, data: bytes) -> None:
    """Leave a partial file as an interrupted run does."""
    with PartialFile(folder, b"f", b"token") as partial:
        partial.append(data)


def test_bytes_appear_with_mode_and_time(root: Path, folder: Folder) -> None:
    """Content, permission bits and nanoseconds, and no other file."""
    publish_bytes(folder, b"f", b"data", 0o640, MTIME_NS)

    found = (root / "f").stat()
    assert (root / "f").read_bytes() == b"data"
    assert found.st_mtime_ns == MTIME_NS
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert names_in(root) == ["f"]


def test_a_durable_publish_is_the_same_to_the_reader(root: Path, folder: Folder) -> None:
    """Only the flushing differs."""
    publish_bytes(folder, b"f", b"data", 0o600, MTIME_NS, is_durable=True)

    assert (root / "f").read_bytes() == b"data"


def test_special_bits_are_never_set(root: Path, folder: Folder) -> None:
    """A remote mode cannot make a setuid, setgid or sticky file."""
    publish_bytes(folder, b"f", b"", 0o7755, MTIME_NS)
    with PartialFile(folder, b"g", b"token") as partial:
        partial.finish(0o6711, MTIME_NS)

    assert stat.S_IMODE((root / "f").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "g").stat().st_mode) == 0o711


def test_an_older_file_is_replaced(root: Path, folder: Folder) -> None:
    """One rename, so a reader sees the old file or the new one."""
    (root / "f").write_text("old")
    with (root / "f").open() as reader:
        publish_bytes(folder, b"f", b"new", 0o600, MTIME_NS)

        assert reader.read() == "old"
    assert (root / "f").read_text() == "new"


def test_a_link_of_that_name_is_replaced_not_followed(root: Path, folder: Folder) -> None:
    """The link goes, its target stays."""
    target = root.parent / "outside" / "t"
    target.write_text("safe")
    (root / "f").symlink_to(target)

    publish_bytes(folder, b"f", b"new", 0o600, MTIME_NS)

    assert not (root / "f").is_symlink()
    assert target.read_text() == "safe"


def test_a_folder_of_that_name_is_left_alone(root: Path, folder: Folder) -> None:
    """It is an error of the item, and nothing stays behind."""
    (root / "f").mkdir()

    with pytest.raises(BlockedError):
        publish_bytes(folder, b"f", b"new", 0o600, MTIME_NS)
    with pytest.raises(BlockedError):
        make_symlink(folder, b"f", "t", MTIME_NS)

    assert names_in(root) == ["f"]


def test_a_full_disk_leaves_no_name(root: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the final name nor a temporary one."""

    def full(_fd: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)

    with pytest.raises(LimitError, match="disk is full"):
        publish_bytes(folder, b"f", b"new", 0o600, MTIME_NS)
    assert names_in(root) == []


def test_a_write_taken_in_parts_is_completed(root: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take fewer bytes than it is given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:3]))

    publish_bytes(folder, b"f", b"0123456789", 0o600, MTIME_NS)

    assert (root / "f").read_bytes() == b"0123456789"


def test_a_time_beyond_the_clock_is_an_error_of_the_item(root: Path, folder: Folder) -> None:
    """A hostile entry may carry any number."""
    with pytest.raises(BlockedError, match="time"):
        publish_bytes(folder, b"f", b"", 0o600, 2**100)
    assert names_in(root) == []


@pytest.mark.parametrize("name", [b"", b".", b"..", b"../outside/f", b"/etc/f", b"a\0b", b"a/b"])
def test_no_name_leads_out(root: Path, folder: Folder, name: bytes) -> None:
    """What is not one plain name is refused by every door."""
    for attempt in (
        lambda: publish_bytes(folder, name, b"x", 0o600, MTIME_NS),
        lambda: make_symlink(folder, name, "t", MTIME_NS),
        lambda: PartialFile(folder, name, b"t"),
        lambda: folder.make_folder(name),
        lambda: folder.open_folder(name),
        lambda: folder.look(name),
    ):
        with pytest.raises(BlockedError):
            attempt()
    assert names_in(root) == names_in(root.parent / "outside") == []


def test_no_link_leads_out(root: Path, folder: Folder) -> None:
    """A hostile tree's link cannot be walked through, whether it comes as a folder to open or to make."""
    make_symlink(folder, b"d", "../outside", MTIME_NS)

    with pytest.raises(BlockedError):
        folder.open_folder(b"d")
    with pytest.raises(BlockedError):
        folder.make_folder(b"d")
    with Destination(bytes(root)) as destination, pytest.raises(BlockedError):
        destination.folder([b"d", b"sub"], makes=True)
    assert names_in(root.parent / "outside") == []


def test_a_parent_swapped_for_a_link_leads_nowhere(tmp_path: Path) -> None:
    """With descriptors, even a swap between opening and writing changes nothing."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "d").mkdir(parents=True)
    with Destination(bytes(tmp_path / "root")) as destination, destination.folder([b"d"]) as opened:
        (tmp_path / "root" / "d").rename(tmp_path / "root" / "moved")
        (tmp_path / "root" / "d").symlink_to("../outside")

        publish_bytes(opened, b"f", b"x", 0o600, MTIME_NS)

    assert names_in(tmp_path / "outside") == []
    assert names_in(tmp_path / "root" / "moved") == ["f"]


def test_a_closed_folder_fails_and_falls_back_to_nothing(tmp_path: Path) -> None:
    """Use after closing is an error, never a path."""
    destination = Destination(bytes(tmp_path))
    destination.close()
    destination.close()

    with pytest.raises(MegaError):
        publish_bytes(destination.root, b"f", b"x", 0o600, MTIME_NS)
    assert names_in(tmp_path) == []


def test_folders_are_made_on_the_way(root: Path) -> None:
    """Missing ones are made, present ones used."""
    with Destination(str(root)) as destination:
        for _ in range(2):
            with destination.folder([b"a", b"b"], makes=True) as made:
                publish_bytes(made, b"f", b"x", 0o600, MTIME_NS)
        with pytest.raises(MissingItemError):
            destination.folder([b"a", b"c"])

    assert (root / "a" / "b" / "f").read_bytes() == b"x"


def test_making_a_folder_tells_whether_it_is_new(root: Path, folder: Folder) -> None:
    """A file of that name is in the way."""
    (root / "f").touch()

    assert folder.make_folder(b"d")
    assert not folder.make_folder(b"d")
    with pytest.raises(BlockedError):
        folder.make_folder(b"f")


def test_a_folder_gets_its_attributes_last(root: Path, folder: Folder) -> None:
    """Mode and time hold once everything in it is written; special bits do not pass."""
    folder.make_folder(b"d")
    with folder.open_folder(b"d") as inner:
        publish_bytes(inner, b"f", b"x", 0o600, MTIME_NS)
        inner.set_attributes(0o2750, MTIME_NS)

    found = (root / "d").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o750, MTIME_NS)


def test_a_link_is_published_whole(root: Path, folder: Folder) -> None:
    """Its text and time; a file of that name gives way."""
    (root / "l").write_text("old")

    make_symlink(folder, b"l", "/etc/passwd", MTIME_NS)

    assert (root / "l").readlink() == Path("/etc/passwd")
    assert (root / "l").lstat().st_mtime_ns == MTIME_NS
    assert names_in(root) == ["l"]


@pytest.mark.parametrize("target", ["", "a\0b"])
def test_a_target_no_system_takes_is_an_error_of_the_item(folder: Folder, target: str) -> None:
    """A hostile entry may carry any text."""
    with pytest.raises(MegaError):
        make_symlink(folder, b"l", target, MTIME_NS)


def test_looking_follows_no_link(root: Path, folder: Folder) -> None:
    """The kind and stamps are the link's own."""
    (root / "l").symlink_to("nowhere")

    found = folder.look(b"l")

    assert found is not None
    assert found[0] == stat.S_IFLNK
    assert folder.look(b"nothing") is None


def test_a_partial_file_shows_no_final_name(root: Path, folder: Folder) -> None:
    """Until it is finished there is only the partial name."""
    with PartialFile(folder, b"f", b"token") as partial:
        partial.append(b"half")

        assert [name[:6] + name[-5:] for name in names_in(root)] == [".mega-.part"]
        partial.finish(0o644, MTIME_NS)

    assert names_in(root) == ["f"]
    assert (root / "f").stat().st_mtime_ns == MTIME_NS


def test_an_interrupted_file_is_resumed(root: Path, folder: Folder) -> None:
    """The same token finds what is there, reads it back, and goes on behind it."""
    partial_with(folder, b"01234")
    buffer = bytearray(10)

    with PartialFile(folder, b"f", b"token") as partial:
        assert partial.size_bytes == 5
        assert partial.readinto(buffer, 1) == 4
        assert buffer[:4] == b"1234"
        partial.append(b"56789")
        assert partial.size_bytes == 10
        partial.finish(0o600, MTIME_NS)

    assert (root / "f").read_bytes() == b"0123456789"


def test_a_prefix_that_is_wrong_is_cut_off(root: Path, folder: Folder) -> None:
    """What does not verify goes, what does stays."""
    partial_with(folder, b"012XX")

    with PartialFile(folder, b"f", b"token") as partial:
        partial.truncate(3)
        assert partial.size_bytes == 3
        partial.append(b"345")
        partial.finish(0o600, MTIME_NS)

    assert (root / "f").read_bytes() == b"012345"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are not told")
def test_a_growing_file_does_not_fill_the_page_cache(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each 32 MiB the cache lets go of all that is written; a resumed file counts from where it goes on."""
    dropped: list[int] = []
    monkeypatch.setattr("os.posix_fadvise", lambda _fd, _offset, length, _advice: dropped.append(length // MIB))
    partial_with(folder, bytes(5 * MIB))
    with PartialFile(folder, b"f", b"token") as partial:
        for _ in range(6):
            partial.append(bytes(12 * MIB))

    assert dropped == [41, 77]


def test_other_content_starts_afresh(folder: Folder) -> None:
    """Another token, or another name, is another partial file."""
    partial_with(folder, b"01234")

    with PartialFile(folder, b"f", b"other") as one, PartialFile(folder, b"g", b"token") as other:
        assert (one.size_bytes, other.size_bytes) == (0, 0)


def test_a_discarded_file_leaves_nothing(root: Path, folder: Folder) -> None:
    """Neither name stays."""
    with PartialFile(folder, b"f", b"token") as partial:
        partial.append(b"x")
        partial.discard()

    assert names_in(root) == []


def test_two_runs_cannot_write_one_partial_file(folder: Folder) -> None:
    """The second is told that another run is active."""
    with PartialFile(folder, b"f", b"token"), pytest.raises(LockedError):
        PartialFile(folder, b"f", b"token")


def test_a_planted_partial_file_is_refused(root: Path, folder: Folder) -> None:
    """A link or a second name in the partial file's place would let the write land elsewhere."""
    partial_with(folder, b"x")
    [name] = names_in(root)
    target = root.parent / "outside" / "t"
    target.write_text("safe")

    (root / name).unlink()
    (root / name).symlink_to(target)
    with pytest.raises(BlockedError):
        PartialFile(folder, b"f", b"token")
    (root / name).unlink()
    os.link(target, root / name)
    with pytest.raises(BlockedError):
        PartialFile(folder, b"f", b"token")

    assert target.read_text() == "safe"


def test_names_of_255_bytes_fit_and_longer_ones_say_so(root: Path, folder: Folder) -> None:
    """The limit of the file system is a clear error."""
    publish_bytes(folder, b"x" * 255, b"", 0o600, MTIME_NS)

    with pytest.raises(LimitError, match="too long"):
        publish_bytes(folder, b"x" * 256, b"", 0o600, MTIME_NS)
    assert len(names_in(root)) == 1


def test_a_path_beyond_4096_bytes_is_reached(tmp_path: Path) -> None:
    """Descriptors go down name by name, so depth has no limit of its own."""
    with Destination(bytes(tmp_path)) as destination:
        with destination.folder([b"d" * 200] * 25, makes=True) as deep:
            publish_bytes(deep, b"f", b"x", 0o600, MTIME_NS)
        with destination.folder([b"d" * 200] * 25) as deep:
            assert deep.look(b"f") is not None


def test_a_missing_destination_says_so(tmp_path: Path) -> None:
    """The message names the path."""
    with pytest.raises(MissingItemError, match="nowhere"):
        Destination(bytes(tmp_path / "nowhere"))


def test_a_file_is_no_destination(root: Path) -> None:
    """Only a folder can be published into."""
    (root / "f").touch()

    with pytest.raises(BlockedError):
        Destination(bytes(root / "f"))
