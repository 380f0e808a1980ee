"""Files that only their owner may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.crypto import randomness
from mega_cli.state.private_files import write_private_file


def test_a_file_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    """The new bytes, mode 0600, in a folder of mode 0700, with nothing left beside it."""
    path = tmp_path / "own" / "session.json"
    for data in (b"first", b"second"):
        write_private_file(path, data)

    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"second", 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be moved into its place is taken away again."""
    path = tmp_path / "own" / "session.json"
    write_private_file(path, b"first")

    def refuse(_from: Path, _to: Path) -> None:
        raise IsADirectoryError

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(IsADirectoryError):
        write_private_file(path, b"second")

    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path]


def test_the_temporary_name_comes_from_the_one_source_of_randomness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that replaces the source decides the name, so a file of that name is in the way."""
    monkeypatch.setattr(randomness, "random_bytes", lambda n: b"\x07" * n)
    (tmp_path / (".a." + "07" * 8)).touch()

    with pytest.raises(FileExistsError):
        write_private_file(tmp_path / "a", b"")
