"""Get into real folders: what lands on the disk, what is left alone, and what a hostile tree cannot do."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from mega_cli.errors import MissingItemError, UsageError
from mega_cli.model import MIB
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.get import cat
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.requests import GetOptions, Overwrite, PutStream
from tests.kit.forge import fixed
from tests.unit.volume.conftest import Bytes, Desk

LARGE = fixed("content 1", 12 * MIB)


def picture(folder: Path) -> dict[str, tuple[object, ...]]:
    """Describe everything below a folder: kind, mode, time, content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        mode = None if path.is_symlink() else stat.S_IMODE(info.st_mode)
        found[os.fsencode(path.relative_to(folder)).hex()] = (
            stat.S_IFMT(info.st_mode),
            mode,
            info.st_mtime_ns,
            content,
        )
    return found


def test_a_tree_comes_back_whole(desk: Desk) -> None:
    """Contents, modes, nanosecond times before 1970 and far ahead, links of all sorts, names that are no text."""
    desk.file("src/large", LARGE)
    desk.file("src/a/b/c/deep", "deep").chmod(0o400)
    desk.file("src/empty").chmod(0o755)
    (desk.disk / "src/hollow").mkdir(mode=0o700)
    Path(os.fsdecode(os.fsencode(desk.disk / "src") + b"/\xff\xfe")).write_bytes(b"no text")
    desk.file("src/cafe\u0301", "decomposed")
    for name, target in {
        "here": "a/b",
        "nowhere": "does/not/exist",
        "absolute": "/etc/hostname",
        "bytes": "\udcff\udcfe",
    }.items():
        (desk.disk / "src" / name).symlink_to(target)
    for name, time_ns in {"large": -1_000_000_001, "empty": 0, "a": 4_000_000_000_123_456_789}.items():
        os.utime(desk.disk / "src" / name, ns=(time_ns, time_ns))
    desk.put()
    summary = desk.get("/src")

    assert picture(desk.disk / "out") == picture(desk.disk / "src")
    assert (desk.disk / "out").stat().st_mtime_ns == (desk.disk / "src").stat().st_mtime_ns
    assert (summary.new, summary.folders, summary.problems) == (9, 5, ())


def test_a_get_repeated_fetches_nothing(desk: Desk) -> None:
    """The second run finds all of it there and asks for no content."""
    desk.file("src/large", LARGE)
    desk.file("src/small", "small")
    (desk.disk / "src/link").symlink_to("small")
    desk.put()
    desk.get("/src")
    fetched = len(desk.server.fetched)
    again = desk.get("/src", to=desk.disk / "out/../src/..")

    assert (again.new, again.changed, again.unchanged, again.received_bytes) == (0, 0, 3, 0)
    assert len(desk.server.fetched) == fetched


def test_many_large_files_leave_no_descriptor_open(desk: Desk) -> None:
    """Every partial file and its folder are let go."""
    data = os.urandom(300_000)
    for n in range(12):
        desk.file(f"src/{n}", bytes([n]) * 2_000_000 + data)
    desk.put()
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not list a process's descriptors")
    before = len(list(descriptors.iterdir()))
    desk.get("/src")

    assert len(list(descriptors.iterdir())) <= before


def test_a_dry_run_counts_the_same_and_writes_nothing(desk: Desk) -> None:
    """Into nothing, over some of it, and over a file where a folder should go; the root included."""
    desk.file("src/a/x", "x")
    desk.file("src/y", "y")
    desk.put(desk.disk / "src/a", desk.disk / "src/y")
    for preparation in ("", "out/y", "out/a"):
        if preparation:
            desk.file(preparation, "other")
        before = picture(desk.disk)
        dry = desk.get("/", options=GetOptions(is_dry_run=True))
        assert picture(desk.disk) == before
        real = desk.get("/")
        assert (dry.new, dry.changed, dry.unchanged, dry.folders) == (
            real.new,
            real.changed,
            real.unchanged,
            real.folders,
        )
        assert [p.path for p in dry.problems] == [p.path for p in real.problems]
        assert dry.received_bytes == 0
        for path in sorted((desk.disk / "out").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (desk.disk / "out").rmdir()


@pytest.mark.parametrize(
    ("case", "overwrite", "expected"),
    [
        ("nothing", "refuse", "new"),
        ("nothing", "never", "new"),
        ("same", "refuse", "unchanged"),
        ("same", "always", "changed"),
        ("same", "if-changed", "unchanged"),
        ("same", "if-newer", "unchanged"),
        ("same", "never", "unchanged"),
        ("mode", "refuse", "adjusted"),
        ("mode", "if-changed", "adjusted"),
        ("mode", "never", "kept"),
        ("time", "refuse", "adjusted"),
        ("time", "always", "changed"),
        ("time", "if-changed", "adjusted"),
        ("time", "if-newer", "adjusted"),
        ("time", "never", "kept"),
        ("older", "refuse", "problem"),
        ("older", "always", "changed"),
        ("older", "if-changed", "changed"),
        ("older", "if-newer", "changed"),
        ("older", "never", "kept"),
        ("newer", "refuse", "problem"),
        ("newer", "always", "changed"),
        ("newer", "if-changed", "changed"),
        ("newer", "if-newer", "kept"),
        ("newer", "never", "kept"),
        ("folder", "refuse", "problem"),
        ("folder", "always", "problem"),
        ("folder", "if-changed", "problem"),
    ],
)
def test_what_stands_in_the_way(desk: Desk, case: str, overwrite: Overwrite, expected: str) -> None:
    """The table of `get_decision`, row by row: what is there, the option, and what becomes of it."""
    source = desk.file("src/f", "remote")
    os.utime(source, ns=(5_000, 5_000))
    source.chmod(0o644)
    desk.put(source, to="/f")
    there = desk.disk / "out"
    if case == "folder":
        desk.file("out/f/x", "x")
    elif case != "nothing":
        desk.file("out/f", "other!" if case in ("older", "newer") else "remote")
        time_ns = {"older": 4_000, "newer": 6_000, "time": 6_000}.get(case, 5_000)
        os.utime(there / "f", ns=(time_ns, time_ns))
        (there / "f").chmod(0o600 if case == "mode" else 0o644)
    there.mkdir(exist_ok=True)
    before = picture(there)
    summary = desk.get("/f", options=GetOptions(overwrite=overwrite))
    after = picture(there)
    (goal,) = picture(source.parent).values()

    outcome = "kept" if after == before else "written"
    if case == "same" and expected != "changed":
        assert after == before == {b"f".hex(): goal}
    elif expected in ("kept", "problem"):
        assert outcome == "kept"
    else:
        assert after == {b"f".hex(): goal}
    assert (summary.new, summary.changed) == (expected == "new", expected == "changed")
    assert len(summary.problems) == (expected == "problem")


def test_links_are_replaced_only_when_told(desk: Desk) -> None:
    """A link with the same target is the same whatever its time; another target is a difference."""
    for name, target in {"same": "x", "other": "x"}.items():
        (desk.disk / name).symlink_to(target)
    desk.put(desk.disk / "same", desk.disk / "other")
    (desk.disk / "out").mkdir()
    (desk.disk / "out/same").symlink_to("x")
    (desk.disk / "out/other").symlink_to("y")
    summary = desk.get("/same", "/other")
    assert (summary.unchanged, [problem.path for problem in summary.problems]) == (1, ["/other"])

    desk.get("/same", "/other", options=GetOptions(overwrite="if-changed"))
    assert (desk.disk / "out/other").readlink() == Path("x")


def test_a_folder_over_a_file_and_a_link_is_listed(desk: Desk, tmp_path: Path) -> None:
    """The rest arrives, and nothing is written through a link to a folder elsewhere."""
    desk.file("src/a/x", "x")
    desk.file("src/b/x", "x")
    desk.file("src/c", "c")
    desk.put()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    desk.file("src2/src/a", "a file")
    (desk.disk / "src2/src/b").symlink_to(elsewhere)
    summary = desk.get("/src", to=desk.disk / "src2")

    assert sorted(problem.path for problem in summary.problems) == ["/src/a", "/src/b"]
    assert (desk.disk / "src2/src/c").read_text() == "c"
    assert list(elsewhere.iterdir()) == []


def test_an_empty_file_that_cannot_be_written_is_listed(desk: Desk) -> None:
    """As any other: a folder's missing permission ends no run."""
    if sys.platform == "win32" or os.geteuid() == 0:
        pytest.skip("the superuser may write anywhere")
    desk.file("src/a/empty")
    desk.file("src/b", "b")
    desk.put()
    desk.get("/src", to=desk.disk)
    (desk.disk / "src/a/empty").unlink()
    (desk.disk / "src/a").chmod(0o500)
    summary = desk.get("/src", to=desk.disk)
    (desk.disk / "src/a").chmod(0o700)

    assert [problem.path for problem in summary.problems] == ["/src/a/empty"]


def test_places(desk: Desk) -> None:
    """One path takes a new name, several need a folder, the root goes into a folder or becomes one."""
    desk.file("src/a", "a")
    desk.file("src/b", "b")
    desk.put()
    desk.get("/src/a", to=desk.disk / "renamed")
    assert (desk.disk / "renamed").read_text() == "a"
    desk.get("/", to=desk.disk / "whole")
    assert (desk.disk / "whole/src/b").read_text() == "b"
    (desk.disk / "into").mkdir()
    desk.get("/", to=desk.disk / "into")
    assert (desk.disk / "into/src/b").read_text() == "b"

    with pytest.raises(UsageError, match="several paths need one"):
        desk.get("/src/a", "/src/b", to=desk.disk / "nothing")
    with pytest.raises(MissingItemError, match="no folder"):
        desk.get("/src/a", to=desk.disk / "nothing/below")
    with pytest.raises(MissingItemError, match="/src/c"):
        desk.get("/src/c", to=desk.disk)
    assert not desk.get("/", to=desk.disk / "renamed").new


def test_paths_of_one_name_are_refused(desk: Desk) -> None:
    """One would silently take the other's place."""
    desk.file("src/a/x", "1")
    desk.file("src/b/x", "2")
    desk.put()
    with pytest.raises(UsageError, match="two sources are called x"):
        desk.get("/src/a/x", "/src/b/x", to=desk.disk)


def test_a_name_chosen_here_is_the_name(desk: Desk) -> None:
    """Even when the entry remembers other bytes, and when the chosen name is no text."""
    desk.file("cafe\u0301", "x")
    desk.put(desk.disk / "cafe\u0301")
    wild = os.fsdecode(os.fsencode(desk.disk) + b"/\xff")
    for target in (str(desk.disk / "tea"), wild):
        desk.get("/caf\u00e9", to=target)
        assert Path(target).read_text() == "x"


def test_filters_leave_out(desk: Desk) -> None:
    """What is excluded is not fetched."""
    desk.file("src/a/x", "x")
    desk.file("src/y", "y")
    desk.put()
    desk.get("/src", options=GetOptions(filters=Filters.from_options(["a/"])))

    assert [path.name for path in (desk.disk / "out").rglob("*")] == ["y"]


# --- cat --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"small", LARGE])
def test_cat_writes_the_content(desk: Desk, data: bytes) -> None:
    """Of any size."""
    desk.put(PutStream(Bytes(data)), to="/f")
    sink = io.BytesIO()
    cat(desk.session, RemotePath.parse("/f"), sink, SilentProgress())

    assert sink.getvalue() == data


def test_cat_of_what_has_no_content_is_refused(desk: Desk) -> None:
    """A folder and a link are named as such."""
    (desk.disk / "link").symlink_to("x")
    (desk.disk / "folder").mkdir()
    desk.put(desk.disk / "link", desk.disk / "folder")
    for name, kind in {"link": "a symbolic link", "folder": "a folder"}.items():
        with pytest.raises(UsageError, match=f"/{name} is {kind}"):
            cat(desk.session, RemotePath.parse("/" + name), io.BytesIO(), SilentProgress())
