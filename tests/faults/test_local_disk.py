"""Bad luck on the user's own disk: full, read-only, forbidden, in the way, oddly named. Whole commands, live server."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.model import MIB
from tests.kit.device import Device
from tests.kit.forge import fixed
from tests.kit.server import LiveServer
from tests.kit.small_disks import make_read_only, small_disk

PASSWORD = "a long password of many words 77"
NOBODY = 65_534
SIZE = 5 * MIB
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """Sign up at a live server, and store a large file and a folder of small ones."""
    folder = tmp_path_factory.mktemp("alice")
    (folder / "password").write_text(PASSWORD)
    with LiveServer(folder / "server") as server:
        device = Device(folder / "home")
        told = ("--server", server.url, "--password-file", str(folder / "password"))
        ran = device.mega("signup", *told, "--recovery-kit", str(folder / "kit"), "alice")
        assert ran.code == 0, ran.err
        (folder / "large").write_bytes(fixed("large", SIZE))
        (folder / "many").mkdir()
        for number in range(40):
            (folder / "many" / f"{number:02}").write_text(f"file {number}")
        assert device.mega("put", str(folder / "large"), str(folder / "many"), "/").code == 0
        yield device


def final_names(folder: Path) -> list[str]:
    """List what is there under a final name."""
    return sorted(path.name for path in folder.iterdir() if not is_partial_name(os.fsencode(path.name)))


def test_a_disk_that_fills_up_under_a_get(alice: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 8 with a hint and no final name; with room again the same command goes on where it stopped."""
    write, written = os.write, 0

    def fills_up(fd: int, data: bytes) -> int:
        nonlocal written
        if Path(f"/proc/self/fd/{fd}").readlink().is_relative_to(tmp_path):
            written += len(data)
            if written > SIZE - MIB // 2:  # beyond the first chunk, which has at most 4 MiB
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", fills_up)
    ran = alice.mega("get", "/large", str(tmp_path))
    monkeypatch.undo()

    assert ran.code == 8
    assert "the disk is full" in ran.err
    assert "mega: hint: free some space and run the same command again" in ran.err
    assert final_names(tmp_path) == []
    (partial,) = tmp_path.iterdir()
    assert partial.stat().st_size > 0
    assert alice.mega("get", "/large", str(tmp_path)).code == 0
    assert (tmp_path / "large").read_bytes() == fixed("large", SIZE)
    assert final_names(tmp_path) == [path.name for path in tmp_path.iterdir()] == ["large"]


def test_a_real_disk_that_is_too_small(alice: Device, tmp_path: Path) -> None:
    """On a tmpfs of 3 MiB a file of 5 MiB ends with exit 8 and no name; when the disk has grown it is completed."""
    with small_disk(tmp_path / "disk", "size=3m") as disk:
        ran = alice.mega("get", "/large", str(disk))
        assert ran.code == 8, ran.err
        assert "the disk is full" in ran.err
        assert final_names(disk) == []
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)

        assert alice.mega("get", "/large", str(disk)).code == 0
        assert (disk / "large").read_bytes() == fixed("large", SIZE)


def test_a_real_disk_without_room_for_names(alice: Device, tmp_path: Path) -> None:
    """Forty files and room for ten names: exit 8; what has its name is whole; the rest comes when there is room."""
    with small_disk(tmp_path / "disk", "size=3m,nr_inodes=12") as disk:
        ran = alice.mega("get", "/many", str(disk))
        assert ran.code == 8, ran.err
        for name in final_names(disk / "many"):
            assert (disk / "many" / name).read_text() == f"file {int(name)}"
        subprocess.run(["mount", "-o", "remount,nr_inodes=100", str(disk)], check=True)

        assert alice.mega("get", "/many", str(disk)).code == 0
        assert len(final_names(disk / "many")) == 40


def test_state_on_a_full_disk_never_stops_halfway(alice: Device, tmp_path: Path) -> None:
    """A put whose caches find no room is stored all the same; if the pins cannot rise it stops and says so."""
    (tmp_path / "src").mkdir()
    for number in range(300):
        (tmp_path / "src" / f"{number:03}").write_bytes(fixed(f"{number}", 3_000))
    with small_disk(tmp_path / "disk", "size=512k") as disk:
        device = alice.copy(disk / "home")
        filled = disk / "filled"
        filled.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - 20_000)))
        ran = device.mega("put", str(tmp_path / "src"), "/")
        assert ran.code in {0, 7}, ran.err
        assert ran.code == 0 or "not full, and run the same command again" in ran.err
        filled.unlink()
        again = device.mega("put", str(tmp_path / "src"), "/")
        assert again.code == 0, again.err

    assert alice.mega("get", "/src", str(tmp_path / "out")).code == 0
    assert [path.read_bytes() for path in sorted((tmp_path / "out").iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / "src").iterdir())
    ]


def test_caches_that_cannot_be_written_cost_nothing_else(
    alice: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the index and the page cache unusable a put and a get still work."""
    monkeypatch.setattr("mega_cli.state.rebuildable.touch_private_file", _refuse)
    (tmp_path / "f").write_text("content")

    assert alice.mega("put", str(tmp_path / "f"), "/uncached").code == 0
    assert alice.mega("cat", "/uncached").out == b"content"


def _refuse(_path: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_read_only_state_folder_is_said(alice: Device, tmp_path: Path) -> None:
    """The pins could not rise, so nothing is done: a clear sentence, and no traceback."""
    with small_disk(tmp_path / "disk", "size=8m") as disk:
        device = alice.copy(disk / "home")
        make_read_only(disk)
        ran = device.mega("ls", "/")

    assert ran.code in {1, 7, 13}
    assert "ead-only" in ran.err or "readonly" in ran.err
    assert "Traceback" not in ran.err


@pytest.fixture
def commons() -> Iterator[Path]:
    """Make a folder that everybody may enter: pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="mega-commons-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_nobody_reads_what_is_forbidden_and_the_rest_is_stored(alice: Device, commons: Path) -> None:
    """Sources that may not be read, and places that may not be written, are listed with the reason: exit 3."""
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    home, source = commons / "home", commons / "mixed"
    shutil.copytree(alice.home, home)
    source.mkdir()
    (source / "open").write_text("open")
    (source / "closed").write_text("closed")
    (source / "closed").chmod(0o600)
    (source / "locked").mkdir(mode=0o700)
    (commons / "owned").mkdir(mode=0o755)
    for path in (home, *home.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    stored = _as_nobody(alice, home, "put", str(source), "/")
    fetched = _as_nobody(alice, home, "get", "/mixed/open", str(commons / "owned"))

    assert stored.returncode == 3, stored.stderr
    assert "closed" in stored.stderr
    assert "locked" in stored.stderr
    assert alice.mega("cat", "/mixed/open").out == b"open"
    assert fetched.returncode == 3, fetched.stderr
    assert "does not permit it" in fetched.stderr


def _as_nobody(alice: Device, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as nobody, after one as root has loaded what nobody may not read of this Python."""
    program = (
        "import os, sys\n"
        "from mega_cli.main import main\n"
        f"assert main(['put', {__file__!r}, '/loaded']) == 0\n"
        f"assert main(['get', '--overwrite', 'always', '/loaded', {str(home.with_name('loaded'))!r}]) == 0\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"os.environ['MEGA_HOME'] = {str(home)!r}\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        env=os.environ | {"MEGA_HOME": str(alice.home)},
        cwd=ROOT,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("path", "blocked_by", "word"), [("/large", "folder", "folder"), ("/many", "file", "not a folder")]
)
def test_what_stands_in_the_way_stays(alice: Device, tmp_path: Path, path: str, blocked_by: str, word: str) -> None:
    """A folder where a file should go, and the other way: listed, exit 3, and left alone, even with --overwrite."""
    place = tmp_path / path[1:]
    if blocked_by == "folder":
        place.mkdir()
        (place / "mine").write_text("mine")
    else:
        place.write_text("mine")
    ran = alice.mega("get", "--overwrite", "always", path, str(tmp_path))

    assert ran.code == 3, ran.err
    assert word in ran.err
    assert (place / "mine" if blocked_by == "folder" else place).read_text() == "mine"


def test_odd_names_travel_byte_for_byte(alice: Device, tmp_path: Path) -> None:
    """Control characters, bytes that are no UTF-8, spaces, dots, 255 bytes: all come back; no escape reaches stderr."""
    names = [
        b"a\nb",
        b"\x01\x1b[31m",
        b"\xff\xfe",
        b"caf\xe9",
        b" x ",
        b"...",
        b"-rf",
        b"\x7f",
        "é".encode() * 127 + b"x",
    ]
    names += [b"x" * 255, b"%41", b"\\", "e\u0301".encode(), b"CON", b"a:b", b"\xed\xa0\x80"]
    (tmp_path / "odd").mkdir()
    source = os.fsencode(tmp_path / "odd")
    for number, name in enumerate(names):
        with open(source + b"/" + name, "wb") as file:  # noqa: PTH123 -- bytes
            file.write(b"%d" % number)
    put = alice.mega("put", str(tmp_path / "odd"), "/")
    got = alice.mega("-v", "get", "/odd", str(tmp_path / "back"))
    back = os.fsencode(tmp_path / "back")

    assert (put.code, got.code) == (0, 0), put.err + got.err
    assert sorted(os.listdir(back)) == sorted(names)  # noqa: PTH208 -- bytes
    for number, name in enumerate(names):
        with open(back + b"/" + name, "rb") as file:  # noqa: PTH123 -- bytes
            assert file.read() == b"%d" % number
    assert "\x1b" not in got.err


@pytest.mark.parametrize(("depth", "codes"), [(18, (0, 0)), (25, (3, 0))])
def test_long_paths(alice: Device, tmp_path: Path, depth: int, codes: tuple[int, int]) -> None:
    """A tree of 200-byte names to just below the system's 4,096 bytes travels; what lies beyond is listed, not lost."""
    top = tmp_path / f"deep-{depth}"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for level in range(depth):
        os.mkdir(f"{level:0200}", dir_fd=fd)
        below = os.open(f"{level:0200}", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
    os.close(fd)
    put = alice.mega("put", str(top), "/")
    got = alice.mega("get", f"/deep-{depth}", str(tmp_path / "out"))
    shutil.rmtree(top)  # by descriptors; pytest's own removal goes by path

    assert (put.code, got.code) == codes, put.err
    assert codes[0] == 0 or "too long" in put.err
    assert sum(name == "file" for _, _, names in os.walk(tmp_path / "out") for name in names) >= 18
    shutil.rmtree(tmp_path / "out")
