"""Two devices of one account, each with a folder that it syncs with one remote folder: real commands, a real server."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from mega_cli.sync.settings import Settings
from tests.kit.device import Device, Ran

PASSWORD: Final = "a long password of many words 77"
MANY: Final = 24
"""Files that are enough for their deletion to be held."""
_OLD_S: Final = 1_600_000_000
_times = count(_OLD_S)


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Have runs in this process believe at once that a file rests and that a name is gone."""
    patch.setattr("mega_cli.sync.syncing.Settings", partial(Settings, least_age_s=0.0, absence_s=0.0))


@dataclass
class Side:
    """One device and its folder. `run` is how command lines are run: in this process, or in one of their own."""

    device: Device
    folder: Path
    remote: str
    run: Callable[..., Ran] = field(init=False)

    def __post_init__(self) -> None:
        """Run in this process unless told otherwise."""
        self.run = self.device.mega

    def sync(self, *options: str, code: int = 0) -> Ran:
        """Sync once; the exit code must be this."""
        ran = self.run("sync", "--once", *options, str(self.folder), self.remote)
        assert ran.code == code, (ran.code, ran.out.decode(), ran.err)
        return ran

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a query; give its document."""
        ran = self.run(*words, "--json")
        assert ran.code == code, (ran.code, ran.err)
        found: dict[str, Any] = json.loads(ran.out)
        return found

    def summary(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Sync once; give the summary's fields."""
        found: dict[str, Any] = json.loads(self.sync("--json", *options, code=code).out.splitlines()[-1])
        return found

    def write(self, name: str, text: str) -> Path:
        """Write a file whose time no other has, long ago."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        moment_s = next(_times)
        os.utime(path, (moment_s, moment_s))
        return path

    def tree(self) -> dict[str, str]:
        """Read the folder, without `.mega`: text of files, targets of links, "/" for folders."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if name.split("/")[0] != ".mega":
                mode = path.lstat().st_mode
                is_link = stat.S_ISLNK(mode)
                found[name] = str(path.readlink()) if is_link else "/" if stat.S_ISDIR(mode) else path.read_text()
        return found


class Couple:
    """Two devices of one account at a server."""

    def __init__(self, folder: Path, url: str) -> None:
        """Sign up on one and log in on the other."""
        self.folder = folder
        (folder / "password").write_text(PASSWORD)
        told = ("--server", url, "--password-file", str(folder / "password"))
        self.devices = Device(folder / "home-a"), Device(folder / "home-b")
        kit = ("--recovery-kit", str(folder / "kit"))
        named = ("--device-name", "laptop"), ("--device-name", "desk")
        for device, words in zip(self.devices, (("signup", *kit), ("login",)), strict=True):
            ran = device.mega(*words, *told, *named[device is not self.devices[0]], "alice")
            assert ran.code == 0, ran.err
        self._count = count()

    def sides(self) -> tuple[Side, Side]:
        """Give two fresh folders for a fresh remote folder; the first is there, and is empty."""
        number = next(self._count)
        made = self.folder / f"pair-{number}"
        (made / "a").mkdir(parents=True)
        one, other = (
            Side(device, made / name, f"/pair-{number}") for device, name in zip(self.devices, "ab", strict=True)
        )
        return one, other


def empty(folder: Path) -> None:
    """Remove all that is in a folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def meet(*sides: Side) -> dict[str, str]:
    """Sync in turn until nobody changes anything; all must hold the same then. Gives what they hold."""
    for _ in range(4):
        for side in sides:
            side.run("sync", "--once", str(side.folder), side.remote)
    assert all(side.summary()["is_up_to_date"] for side in sides)
    assert sides[0].tree() == sides[1].tree()
    return sides[0].tree()


def held_name(side: Side) -> str:
    """Give the name of what this folder holds."""
    (found,) = [one for one in side.json("held")["held"] if one["local"] == str(side.folder)]
    name = found["name"]
    assert isinstance(name, str)
    return name


def pair_id(side: Side) -> str:
    """Give the id of this folder's pair."""
    (found,) = [one["id"] for one in side.json("syncs")["pairs"] if one["remote"] == side.remote]
    assert isinstance(found, str)
    return found
