"""What a device keeps of an account that is gone."""

from __future__ import annotations

from pathlib import Path

from mega_cli.account.access import forget_account
from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import open_pairs
from mega_cli.system.directories import Home, find_directories


def test_the_synced_folders_are_forgotten_and_stay(tmp_path: Path) -> None:
    """Their list and state name files; the folders are the user's."""
    home = Home(find_directories({"MEGA_HOME": str(tmp_path / "home")}), "alice@localhost")
    work = tmp_path / "work"
    work.mkdir()
    (work / "file").touch()
    pairs = open_pairs(home)
    pairs.state_file(pairs.add(work, RemotePath(("docs",)), None, 0)).touch()
    forget_account(home)

    assert not home.sync_folder.exists()
    assert (work / "file").exists()
