"""How changes of a folder are noticed, by its file system; and when polling polls."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.localfs import choose_hints as chosen
from mega_cli.localfs.choose_hints import choose_hints, file_system_of
from mega_cli.localfs.hints import EVERYWHERE, IDLE, Hint
from mega_cli.localfs.poll_hints import PollHints
from mega_cli.localfs.watch_hints import WatchdogHints

LINE = "36 35 98:0 / {} rw,noatime shared:1 - {} somewhere rw\n"


def mounts(folder: Path, *mounted: tuple[str, str]) -> Path:
    """Write what Linux shows of its mounts: points and types."""
    file = folder / "mountinfo"
    file.write_text("".join(LINE.format(*mount) for mount in mounted))
    return file


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs", "fuse", "smb3", "virtiofs"])
def test_what_others_change_unseen_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """W11: on a network file system or FUSE the system tells of our own changes only; and it is said."""
    monkeypatch.setattr(chosen, "file_system_of", lambda _: kind)
    hints = choose_hints(tmp_path)
    assert isinstance(hints, PollHints)
    hints.start(lambda _: None)
    assert hints.health().state == "polling"
    assert kind in hints.health().message


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "fuseblk", "tmpfs", ""])
def test_a_local_disk_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Elsewhere the system tells, also where the type is not known."""
    monkeypatch.setattr(chosen, "file_system_of", lambda _: kind)
    assert isinstance(choose_hints(tmp_path), WatchdogHints)


def test_this_folder_has_a_file_system() -> None:
    """The real list of mounts is read, where there is one."""
    if not chosen.MOUNTS.exists():
        pytest.skip("only Linux lists its mounts")
    assert file_system_of(Path("/proc/self")) == "proc"


def test_the_innermost_mount_counts(tmp_path: Path) -> None:
    """A folder lies on the file system mounted nearest above it, and not on one whose name begins alike."""
    point = tmp_path / "mnt"
    listed = mounts(tmp_path, ("/", "ext4"), (str(point), "nfs4"), (f"{point}more", "cifs"))
    assert file_system_of(point, listed) == "nfs4"
    assert file_system_of(point / "below", listed) == "nfs4"
    assert file_system_of(tmp_path / "mntm", listed) == "ext4"


def test_the_last_of_several_at_one_point_counts(tmp_path: Path) -> None:
    """A later mount hides an earlier one."""
    assert file_system_of(tmp_path, mounts(tmp_path, ("/", "ext4"), ("/", "nfs"))) == "nfs"


def test_escaped_names_are_read(tmp_path: Path) -> None:
    """Linux writes a space in a mount point by its octal number."""
    listed = mounts(tmp_path, ("/", "ext4"), (str(tmp_path / "a\\040b"), "fuse.x"))
    assert file_system_of(tmp_path / "a b", listed) == "fuse.x"


@pytest.mark.parametrize("text", ["", "\n", "x y z\n", " - \n", "1 2 3 4 \n"])
def test_a_list_of_nonsense_tells_nothing(tmp_path: Path, text: str) -> None:
    """What is no list of mounts leaves the type unknown."""
    (tmp_path / "mountinfo").write_text(text)
    assert file_system_of(tmp_path, tmp_path / "mountinfo") == ""
    assert file_system_of(tmp_path, tmp_path / "none") == ""


def test_polling_keeps_its_period() -> None:
    """Everything is told once a period, and a tick says how long that is still."""
    told: list[Hint] = []
    hints = PollHints("a test", "", period_s=60)
    hints.start(told.append)
    assert hints.tick(100) == 60
    assert hints.tick(130) == 30
    assert told == [EVERYWHERE]
    assert hints.tick(160) == 60
    assert told == [EVERYWHERE, EVERYWHERE]


def test_polling_ends() -> None:
    """After the end nothing is polled."""
    told: list[Hint] = []
    hints = PollHints("a test", "", period_s=60)
    hints.start(told.append)
    hints.tick(0)
    hints.stop()
    hints.tick(1_000)
    assert told == [EVERYWHERE]
    assert hints.health() == IDLE
