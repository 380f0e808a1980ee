"""Copying out of the local trash: private from the first byte on, and never over something."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from mega_cli.localfs.failures import BlockedError
from mega_cli.sync.decisions import copy_out


@pytest.mark.skipif(sys.platform == "win32", reason="it has no modes")
def test_a_copy_is_private_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the process's mask is, others can read nothing of it before it has the mode of what lay in the trash."""
    hidden, target = tmp_path / "hidden", tmp_path / "target"
    hidden.write_bytes(b"secret")
    hidden.chmod(0o640)
    modes: list[int] = []
    monkeypatch.setattr(shutil, "copyfileobj", lambda *_files: modes.append(target.stat().st_mode & 0o777))

    copy_out(hidden, target)

    assert [*modes, target.stat().st_mode & 0o777] == [0o600, 0o640]


def test_a_copy_replaces_nothing(tmp_path: Path) -> None:
    """What got the name in the last moment keeps it, also when it is a link that leads nowhere."""
    hidden, target = tmp_path / "hidden", tmp_path / "target"
    hidden.write_bytes(b"from the trash")
    target.symlink_to("elsewhere")

    with pytest.raises(BlockedError):
        copy_out(hidden, target)

    assert not (tmp_path / "elsewhere").exists()


def test_a_link_is_copied_as_a_link(tmp_path: Path) -> None:
    """It is not read through."""
    hidden, target = tmp_path / "hidden", tmp_path / "target"
    hidden.symlink_to("/etc/passwd")

    copy_out(hidden, target)

    assert str(target.readlink()) == "/etc/passwd"
