"""The recovery kit's way onto the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mega_cli.errors import UsageError
from mega_cli.state.kit_file import KitFile


def test_a_kit_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    """0600, whatever the umask is."""
    KitFile(tmp_path / "kit").keep("KIT")

    assert ((tmp_path / "kit").read_text(), (tmp_path / "kit").stat().st_mode & 0o777) == ("KIT", 0o600)


def test_the_same_kit_may_be_there(tmp_path: Path) -> None:
    """A signup that is completed later keeps the kit it has."""
    for _ in range(2):
        KitFile(tmp_path / "kit").keep("KIT")

    assert (tmp_path / "kit").read_text() == "KIT"


def test_another_file_is_never_replaced(tmp_path: Path) -> None:
    """Neither early nor late; the hint is the caller's."""
    (tmp_path / "kit").write_text("precious")
    kit = KitFile(tmp_path / "kit", "look again")

    with pytest.raises(UsageError):
        kit.check_absent()
    with pytest.raises(UsageError) as caught:
        kit.keep("KIT")

    assert (caught.value.hint, (tmp_path / "kit").read_text()) == ("look again", "precious")


def test_a_kit_that_could_not_be_written_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a kit helps nobody and would be in the way."""

    def refuse(_handle: int) -> None:
        raise BlockingIOError

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(BlockingIOError):
        KitFile(tmp_path / "kit").keep("KIT")

    assert list(tmp_path.iterdir()) == []


def test_forgetting_removes_it(tmp_path: Path) -> None:
    """Again is fine."""
    KitFile(tmp_path / "kit").keep("KIT")
    for _ in range(2):
        KitFile(tmp_path / "kit").forget()

    assert list(tmp_path.iterdir()) == []
