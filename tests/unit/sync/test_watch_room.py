"""Whether the system can watch what is synced: the check of `mega doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.localfs.watch_limits import more_watches
from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import open_pairs
from mega_cli.sync.watch_room import check_watches, count_folders
from mega_cli.system.directories import Home, find_directories


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home whose account syncs two folders, of five folders in all."""
    home = Home(find_directories({"MEGA_HOME": str(tmp_path / "home")}), "alice@localhost")
    home.folder.mkdir(parents=True)
    for name in ("one", "two"):
        local = tmp_path / name
        (local / "a" / "b").mkdir(parents=True)
        open_pairs(home).add(local, RemotePath((name,)), None, 1)
    (tmp_path / "two" / "a" / "b").rmdir()
    return home


def limits(folder: Path, watches: int) -> Path:
    """Make what Linux shows of its limits."""
    (folder / "max_user_watches").write_text(f"{watches}\n")
    return folder


def test_room_for_all_is_well(home: Home, tmp_path: Path) -> None:
    """All folders of all pairs are counted, and there is room."""
    (found,) = check_watches(home, limits(tmp_path, 100))
    assert found.is_well
    assert found.summary.startswith("5 folders")


def test_too_little_room_is_a_finding(home: Home, tmp_path: Path) -> None:
    """When the limit is nearly reached by what is synced alone, the line that raises it is the fix."""
    (found,) = check_watches(home, limits(tmp_path, 5))
    assert not found.is_well
    assert "fs.inotify.max_user_watches=204800 " in found.fix
    assert found.fix.endswith("sudo sysctl -p /etc/sysctl.d/90-mega-watches.conf")


def test_a_system_without_a_limit_is_not_spoken_of(home: Home, tmp_path: Path) -> None:
    """Other systems than Linux get no finding."""
    assert not list(check_watches(home, tmp_path / "none"))


def test_who_syncs_nothing_is_not_asked(tmp_path: Path) -> None:
    """Without a pair, or an account, there is no finding."""
    directories = find_directories({"MEGA_HOME": str(tmp_path / "home")})
    assert not list(check_watches(Home(directories, ""), limits(tmp_path, 1)))
    assert not list(check_watches(Home(directories, "alice@localhost"), limits(tmp_path, 1)))


def test_a_damaged_list_is_a_finding(home: Home, tmp_path: Path) -> None:
    """A list that cannot be read is said, and ends no other check."""
    (home.sync_folder / "pairs.json").write_bytes(b"{")
    (found,) = check_watches(home, limits(tmp_path, 100))
    assert not found.is_well


def test_our_own_folder_and_links_are_not_counted(tmp_path: Path) -> None:
    """Neither `.mega` is watched nor what links lead to; a folder that is not there counts for nothing."""
    (tmp_path / "folder" / ".mega" / "trash").mkdir(parents=True)
    (tmp_path / "folder" / "link").symlink_to(tmp_path)
    (tmp_path / "folder" / "file").touch()
    assert count_folders(tmp_path / "folder") == 1
    assert count_folders(tmp_path / "none") == 0


@pytest.mark.parametrize(
    ("now", "wanted", "most"), [(8_192, 0, 204_800), (192_536, 0, 385_072), (8_192, 500_000, 1_000_000)]
)
def test_the_line_raises_the_limit(tmp_path: Path, now: int, wanted: int, most: int) -> None:
    """The line gives twice what there is or is wanted, and no less than 204,800."""
    assert f"fs.inotify.max_user_watches={most} " in more_watches(wanted, limits(tmp_path, now))
