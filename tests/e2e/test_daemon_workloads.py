"""What programs do to a mirrored folder, at the speed of programs: two real daemons end with the same bytes."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import open_pairs
from tests.kit.daemons import RunningDaemon
from tests.kit.server import LiveServer
from tests.kit.signals import GO_ON, STOP
from tests.kit.synced import Couple, Side

Daemons = tuple[RunningDaemon, RunningDaemon]
Tree = dict[str, tuple[str, int, int, str]]
_MANY: Final = int(os.environ.get("MEGA_DAEMON_FILES", "2000"))
"""`make soak` takes 20,000."""
_MOST_S: Final = 60 + _MANY / 50


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Start a server of our own: it is killed here."""
    with LiveServer(tmp_path_factory.mktemp("workload-server")) as server:
        yield server


@pytest.fixture(scope="module")
def couple(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Couple:
    """Sign up and log in."""
    return Couple(tmp_path_factory.mktemp("workload-couple"), server.url)


@pytest.fixture(scope="module")
def both(couple: Couple) -> Iterator[Daemons]:
    """Run two daemons that mirror one folder."""
    with _background(couple.sides()) as (one, other), one, other:
        yield one, other


class End(NamedTuple):
    """A daemon, and the folder in its synced folder that one test works in."""

    daemon: RunningDaemon
    folder: Path


@pytest.fixture
def ends(both: Daemons, request: pytest.FixtureRequest) -> tuple[End, End]:
    """Give a fresh folder in both, up to date."""
    name = request.node.name
    one, other = (End(daemon, daemon.folder / name) for daemon in both)
    one.folder.mkdir()
    agreed((one, other))
    return one, other


@contextmanager
def _background(sides: tuple[Side, Side]) -> Iterator[Daemons]:
    """Make the pairs, and forget them afterwards; the daemons are started by who uses them."""
    for side in sides:
        side.folder.mkdir(exist_ok=True)
        pairs = open_pairs(side.device.state)
        pairs.set_background(pairs.add(side.folder, RemotePath.parse(side.remote), None, 0), is_background=True)
    one, other = (RunningDaemon(side.device, side.folder) for side in sides)
    yield one, other
    for side in sides:
        pairs = open_pairs(side.device.state)
        for pair in pairs.all():
            pairs.remove(pair)


def tree(folder: Path, *, reads: bool = True) -> Tree:
    """Read a folder: kind, mode, time and content, or size. Of links and folders no time is synced."""
    found: Tree = {}
    for path in folder.rglob("*"):
        name, known = path.relative_to(folder).as_posix(), path.lstat()
        if stat.S_ISLNK(known.st_mode):
            found[name] = ("l", 0, 0, str(path.readlink()))
        elif stat.S_ISDIR(known.st_mode):
            found[name] = ("d", stat.S_IMODE(known.st_mode), 0, "")
        else:
            digest = sha256(path.read_bytes()).hexdigest() if reads else str(known.st_size)
            found[name] = ("f", stat.S_IMODE(known.st_mode), known.st_mtime_ns, digest)
    return found


def agreed(ends: tuple[End, End]) -> Tree:
    """Wait until both folders hold the same, and both daemons say so; give what they hold."""
    one, other = ends
    wanted = tree(one.folder)

    def looks_so() -> bool:
        try:
            return tree(other.folder, reads=False) == tree(one.folder, reads=False)
        except FileNotFoundError:  # what was listed is gone by now
            return False

    other.daemon.until(looks_so, _MOST_S)
    for end in ends:
        end.daemon.wait_for(lambda pair: pair.state == "up-to-date", _MOST_S)
    other.daemon.until(looks_so, _MOST_S)
    assert tree(other.folder) == tree(one.folder) == wanted
    return wanted


def fill(folder: Path, files: int) -> None:
    """Write many small files in many folders."""
    luck = Random(files)
    for number in range(files):
        path = folder / f"{number % 97:02}" / f"{number % 7}" / f"file {number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(luck.randbytes(luck.randrange(2_000)))


def copies(paths: Tree) -> list[str]:
    """Name the conflict copies."""
    return [path for path in paths if " (conflict " in path]


def test_a_git_clone_arrives_whole_and_is_a_repository(ends: tuple[End, End], tmp_path: Path) -> None:
    """Lock files, renames and read-only objects: git on the other side finds nothing wrong."""
    one, other = ends
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")

    def git(folder: Path, *words: str) -> str:
        ran = subprocess.run(("git", "-C", folder, *who, *words), check=True, capture_output=True, text=True, env=env)
        return ran.stdout

    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q", "-b", "main")
    fill(source, 200)
    git(source, "add", "-A")
    git(source, "commit", "-qm", "first")
    (source / "00" / "0" / "file 0").write_text("second")
    git(source, "commit", "-qam", "second")

    git(one.folder, "clone", "-q", str(source), "clone")
    agreed(ends)
    git(one.folder / "clone", "checkout", "-q", "HEAD~1")
    git(one.folder / "clone", "checkout", "-q", "main")
    held = agreed(ends)

    assert git(other.folder / "clone", "status", "--porcelain") == ""
    git(other.folder / "clone", "fsck", "--strict")
    assert copies(held) == []


def test_a_tree_of_many_files_arrives_in_one_piece(ends: tuple[End, End], tmp_path: Path) -> None:
    """Moved in at once, then moved on while the other side may still be fetching."""
    one, _ = ends
    fill(tmp_path / "many", _MANY)
    (tmp_path / "many").rename(one.folder / "many")
    one.daemon.wait_for(lambda pair: pair.state == "syncing", _MOST_S)
    (one.folder / "many").rename(one.folder / "moved")

    held = agreed(ends)

    assert sum(entry[0] == "f" for entry in held.values()) == _MANY


def test_an_archive_is_unpacked_and_its_old_times_stay(ends: tuple[End, End], tmp_path: Path) -> None:
    """`tar x` sets modes and old times after writing, and a second `tar x` writes over the first."""
    one, _ = ends
    fill(tmp_path / "many", 300)
    (tmp_path / "many" / "link").symlink_to("00")
    (tmp_path / "many" / "00" / "0" / "file 0").chmod(0o750)
    archive = tmp_path / "many.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(tmp_path / "many", "many", filter=_old)

    for _ in range(2):
        subprocess.run(("tar", "xf", archive, "-C", one.folder), check=True)
        held = agreed(ends)

    assert {entry[2] // 10**9 for entry in held.values() if entry[0] == "f"} == {1_234_567_890}
    assert held["many/00/0/file 0"][1] == 0o750


def _old(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime = 1_234_567_890
    return info


def test_editors_that_save_by_a_rename_make_one_file(ends: tuple[End, End]) -> None:
    """A backup as of vim, a temporary file as of gedit, in place: one file, the last content, no copy."""
    one, other = ends
    path = one.folder / "report.txt"
    path.write_text("draft")
    agreed(ends)
    for number in range(20):
        text = f"version {number}"
        match number % 3:
            case 0:  # vim: the old file becomes the backup, the name gets a new inode
                path.rename(one.folder / "report.txt~")
                path.write_text(text)
                (one.folder / "report.txt~").unlink()
            case 1:  # gedit: a temporary file over the name
                (one.folder / ".goutputstream-AB12").write_text(text)
                (one.folder / ".goutputstream-AB12").rename(path)
            case _:  # written in place
                path.write_text(text)
        if number % 5 == 0:
            agreed(ends)

    held = agreed(ends)

    assert sorted(held) == ["report.txt"]
    assert (other.folder / "report.txt").read_text() == "version 19"


def test_a_thousand_edits_within_moments_end_with_the_last(ends: tuple[End, End]) -> None:
    """Of ten files, as fast as a program writes: nobody is left with an older one, and no copy is made."""
    one, other = ends
    for number in range(1_000):
        (one.folder / f"{number % 10}.txt").write_text(f"edit {number}" * 50)

    held = agreed(ends)

    assert copies(held) == []
    assert {(other.folder / f"{last % 10}.txt").read_text() for last in range(990, 1_000)} == {
        f"edit {last}" * 50 for last in range(990, 1_000)
    }


def test_what_was_edited_elsewhere_survives_rm_r(ends: tuple[End, End]) -> None:
    """One side removes a folder while the other edits in it: the edit stays, or lies in the folder once more."""
    one, other = ends
    fill(one.folder / "work", 100)
    held = agreed(ends)
    edited = next(path for path, entry in sorted(held.items()) if entry[0] == "f")
    one.daemon.send(STOP)
    (other.folder / edited).write_text("edited elsewhere")
    other.daemon.settle()
    shutil.rmtree(one.folder / "work")
    one.daemon.send(GO_ON)

    one.daemon.until(lambda: _text(one.folder / edited) == "edited elsewhere", _MOST_S)

    assert _text(other.folder / edited) == "edited elsewhere"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("victim", ["sender", "receiver", "server"])
def test_what_is_killed_in_the_middle_goes_on(
    ends: tuple[End, End], server: LiveServer, tmp_path: Path, victim: str
) -> None:
    """Whoever dies under a load: everything arrives, once."""
    one, other = ends
    fill(tmp_path / "many", 500)
    (tmp_path / "large").write_bytes(Random(1).randbytes(30 << 20))
    (tmp_path / "many").rename(one.folder / "many")
    (tmp_path / "large").rename(one.folder / "large")
    busy = other if victim == "receiver" else one
    busy.daemon.wait_for(lambda pair: pair.state == "syncing", _MOST_S)
    if victim == "server":
        server.kill()
        server.start()
    else:
        busy.daemon.kill()
        busy.daemon.start()

    held = agreed(ends)

    assert copies(held) == []
    assert sum(entry[0] == "f" for entry in held.values()) == 501
