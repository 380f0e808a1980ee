"""tree, find, du, df and trash: what they ask of the services, and what they print of the answer."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from mega_cli.formats.page import EXT_TRASHED_AT, EXT_TRASHED_FROM
from mega_cli.model import GIB, MIB
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.requests import ChangeSummary, Problem
from mega_cli.volume.trash import RestoreSummary, Trashed
from mega_cli.volume.usage import Usage
from mega_cli.volume.walk import Step
from tests.kit.forge import entry
from tests.unit.commands.conftest import FakeVolume, Run

STEPS = (
    Step("a", 1, entry("a", kind="d", digest=b""), is_last=False),
    Step("a/b\x1b[2J", 2, entry("b\x1b[2J", size=1536), is_last=True),
    Step("l", 1, entry("l", kind="l", target="a", digest=b""), is_last=True),
)
USAGES = (Usage("/a/b", 2, 10, 1, 0), Usage("/a", 1, 1536, 2, 1), Usage("/", 0, 2048, 3, 2))
REMOVED_MS = 1_700_000_000_000
LOST = entry(
    "20231114T221320000-0a0b0c0d-x\x1b",
    size=1536,
    ext={EXT_TRASHED_FROM: b"docs/x\x1b", EXT_TRASHED_AT: REMOVED_MS.to_bytes(8)},
)


@pytest.fixture
def steps(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have walks give three entries, and note how deep they are asked to go."""

    def walk_path(_session: object, path: RemotePath, *, most_depth: int | None = None) -> tuple[Step, ...]:
        volume.calls.append((str(path), most_depth))
        return STEPS

    for name in ("tree", "find"):
        monkeypatch.setattr(f"mega_cli.commands.{name}.walk_path", walk_path)
    return volume


def test_tree_draws(steps: FakeVolume, run: Run) -> None:
    """As `tree` does; names are escaped, sizes only with -h."""
    assert run("tree", "-L", "3", "/docs").out.splitlines() == [
        "/docs",
        "├── a/",
        "│   └── b\\x1b[2J",
        "└── l -> a",
        "",
        "1 folder, 2 files",
    ]
    assert "└── [1.5K] b" in run("tree", "-h").out
    assert steps.calls == [("/docs", 3), ("/", None)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["/docs/a", "/docs/a/b\\x1b[2J", "/docs/l"]),
        (("--type", "d"), ["/docs/a"]),
        (("--name", "b*"), ["/docs/a/b\\x1b[2J"]),
        (("--size", "+1K"), ["/docs/a/b\\x1b[2J"]),
        (("--size", "-1K"), []),
        (("--size", "1536"), ["/docs/a/b\\x1b[2J"]),
        (("--newer", "2024-01-01"), []),
        (("--older", "1d", "--type", "l"), ["/docs/l"]),
    ],
)
@pytest.mark.usefixtures("steps")
def test_find_prints_what_meets_all_conditions(run: Run, words: tuple[str, ...], expected: list[str]) -> None:
    """Whole paths, escaped."""
    assert run("find", "/docs", *words).out.splitlines() == expected


@pytest.mark.usefixtures("steps")
def test_find_for_xargs_prints_exact_names(run: Run) -> None:
    """Each ends with a NUL; no name can be two."""
    assert run("find", "--print0").out == "/a\0/a/b\x1b[2J\0/l\0"


@pytest.mark.parametrize("words", [("--size", "many"), ("--newer", "soon"), ("--type", "x")])
def test_what_find_cannot_read_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    """Before anything is asked of the server."""
    assert run("find", *words).code == 2


@pytest.fixture
def usages(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have every path hold the same."""
    monkeypatch.setattr("mega_cli.commands.du.path_usage", lambda _session, _path: iter(USAGES))
    return volume


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["10 /a/b", "1536 /a", "2048 /"]),
        (("-d", "1"), ["1536 /a", "2048 /"]),
        (("-s",), ["2048 /"]),
        (("-s", "-h"), ["2.0K /"]),
        (("-s", "/x", "/y"), ["2048 /", "2048 /"]),
    ],
)
@pytest.mark.usefixtures("usages")
def test_du_prints_as_deep_as_asked(run: Run, words: tuple[str, ...], expected: list[str]) -> None:
    """Folders after those in them."""
    assert [" ".join(line.split()) for line in run("du", *words).out.splitlines()] == expected


@pytest.mark.usefixtures("usages")
def test_du_for_one_line_and_for_levels_is_wrong_usage(run: Run) -> None:
    """They contradict each other."""
    assert run("du", "-s", "-d", "1").code == 2


def test_df_says_when_space_comes_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures are the result; the truth about freeing is said to people and to programs."""
    info = SimpleNamespace(quota_bytes=50 * GIB, used_bytes=5 * GIB + MIB)
    monkeypatch.setattr("mega_cli.commands.df.open_session", lambda _home: None)
    monkeypatch.setattr("mega_cli.commands.df.account_info", lambda _session, _progress: info)
    ran = run("df", "-h")

    assert [line.split() for line in ran.out.splitlines()] == [
        ["quota", "used", "free", "use"],
        ["50.0G", "5.0G", "45.0G", "10%"],
    ]
    assert "nothing is freed" in ran.err
    assert run("df", "--json").document["free_bytes"] == 45 * GIB - MIB


@pytest.fixture
def trash(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have one entry lie in the trash, and note what is restored and emptied."""
    volume.pages = None  # type: ignore[attr-defined]  # the fake has no pages; a file's size needs none

    def restore(_session: object, words: tuple[str, ...], to: RemotePath | None, *, is_dry_run: bool) -> RestoreSummary:
        volume.calls.append((words, None if to is None else str(to), is_dry_run))
        return RestoreSummary(("/docs/x",), (Problem("/docs/y", "something is there already"),) * (to is None), 7)

    def empty(_session: object, names: set[str], *, is_dry_run: bool) -> ChangeSummary:
        volume.calls.append((sorted(names), is_dry_run))
        return ChangeSummary(len(names), 8)

    monkeypatch.setattr("mega_cli.commands.trash.list_trash", lambda _session: iter([Trashed(LOST)]))
    monkeypatch.setattr("mega_cli.commands.trash.restore", restore)
    monkeypatch.setattr("mega_cli.commands.trash.empty", empty)
    return volume


@pytest.mark.usefixtures("trash")
@pytest.mark.parametrize("words", [("trash",), ("trash", "ls")])
def test_the_trash_is_listed_with_ids(run: Run, words: tuple[str, ...]) -> None:
    """Id and former path, escaped; -l adds size and time."""
    assert run(*words).out == "20231114T221320000-0a0b0c0d  /docs/x\\x1b\n"
    assert run(*words, "-lh").out.split()[:2] == ["20231114T221320000-0a0b0c0d", "1.5K"]


def test_a_restore_lists_what_it_could_not_do(trash: FakeVolume, run: Run) -> None:
    """Exit code 3, and a hint; what was restored is the result."""
    ran = run("trash", "restore", "/docs/x", "/docs/y")

    assert (ran.code, ran.out) == (3, "/docs/x\n")
    assert "mega: problem: /docs/y: something is there already" in ran.err
    assert "hint:" in ran.err
    assert run("trash", "restore", "/docs/x", "--to", "there", "-n").code == 0
    assert trash.calls == [(("/docs/x", "/docs/y"), None, False), (("/docs/x",), "/there", True)]


def test_emptying_asks(trash: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; without one it is refused, and -y goes ahead."""
    assert run("trash", "empty").code == 2
    assert trash.calls == []
    monkeypatch.setattr("mega_cli.commands.trash.has_terminal", lambda: True)
    assert run("trash", "empty", stdin=b"n\n").code == 130
    assert trash.calls == []
    assert run("trash", "empty", stdin=b"y\n").code == 0
    ran = run("trash", "empty", "-y")

    assert trash.calls == [([LOST.name], False)] * 2
    assert "history keeps what was in it" in ran.err


@pytest.mark.parametrize(("when", "count"), [("2023-11-15T00:00:00Z", 1), ("2023-11-14T00:00:00Z", 0), ("30d", 1)])
def test_emptying_may_spare_what_is_young(trash: FakeVolume, run: Run, when: str, count: int) -> None:
    """By the time of removal."""
    run("trash", "empty", "-y", "--older-than", when)

    assert trash.calls == [([LOST.name] * count, False)]


def test_what_was_removed_nobody_knows_when_is_not_old(
    trash: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program put it there: only an emptying without an age takes it."""
    timeless = Trashed(LOST.replace(ext={}))
    monkeypatch.setattr("mega_cli.commands.trash.list_trash", lambda _session: iter([timeless]))
    run("trash", "empty", "-y", "--older-than", "30d")
    run("trash", "empty", "-y")

    assert trash.calls == [([], False), ([LOST.name], False)]


@pytest.mark.usefixtures("steps")
def test_a_listing_for_programs_is_one_document(run: Run) -> None:
    """It is written piece by piece, and read as one."""
    document = json.loads(run("tree", "--json").out)

    assert [one["path"] for one in document["entries"]] == [step.path for step in STEPS]
