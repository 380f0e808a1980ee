"""sync, syncs, held, conflicts, why: options, refusals, and what is said before any run."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.options.sync import DELETE_LIMIT, Run, complete_pair
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.nodes import NodeId
from mega_cli.reconcile.situation import DeleteLimit, Mode
from mega_cli.state.sync_state import ConflictRow, HoldRow, SyncState
from mega_cli.sync.marker import Verdict
from mega_cli.sync.pair_run import Wanted
from mega_cli.sync.pairs import Pair, Pairs, open_pairs
from mega_cli.sync.report import CycleReport
from mega_cli.sync.run_report import RunReport
from mega_cli.sync.syncing import RunOptions
from mega_cli.system.directories import open_home
from tests.unit.commands.conftest import Run as RunWords


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pairs:
    """Have an account on this device, without a session."""
    monkeypatch.setenv("MEGA_HOME", str(tmp_path / "home"))
    profile = tmp_path / "home" / "accounts" / "alice@localhost"
    profile.mkdir(parents=True)
    (profile.parent / "current").write_text("alice@localhost\n")
    (tmp_path / "work").mkdir()
    return open_pairs(open_home())


@pytest.fixture
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Wanted, RunOptions]]:
    """Have runs do nothing but note what was asked, on a device with an account and a volume that can be opened."""
    request.getfixturevalue("volume")
    request.getfixturevalue("pairs")
    found: list[tuple[Wanted, RunOptions]] = []

    def sync_pair(_home: object, _session: object, wanted: Wanted, options: RunOptions, *_: object) -> RunReport:
        found.append((wanted, options))
        pair = Pair("4f1c09a7", wanted.local, wanted.remote, wanted.mode or Mode.TWO_WAY, 0)
        return RunReport(pair, Verdict.GO_ON, [CycleReport(Plan())], [], [], options.is_dry_run)

    monkeypatch.setattr("mega_cli.commands.sync.sync_pair", sync_pair)
    monkeypatch.setattr("mega_cli.commands.syncs.sync_pair", sync_pair)
    return found


@pytest.mark.parametrize(
    ("word", "limit"),
    [("off", None), ("0", 1), ("20", 21)],
)
def test_a_limit_counts(word: str, limit: int | None) -> None:
    """So many pass, one more is held; off holds none."""
    found = DELETE_LIMIT.convert(word, None, None)

    assert found.count_least == limit
    assert limit is None or (found.share_least, found.folder_least > 10**9) == (0.0, True)


def test_a_limit_is_a_share() -> None:
    """A tenth of ten files passes, two do not."""
    found = DELETE_LIMIT.convert("10%", None, None)

    assert (found.count_least, found.share_least * 10 > 1, found.share_least * 10 < 2) == (1, True, True)


@pytest.mark.parametrize("word", ["", "-1", "101%", "many", "1.5"])
def test_what_is_no_limit(word: str) -> None:
    """It is refused with what it may be."""
    with pytest.raises(click.BadParameter, match="10%, off"):
        DELETE_LIMIT.convert(word, None, None)


def test_what_a_run_is_asked(run: RunWords, asked: list[tuple[Wanted, RunOptions]], tmp_path: Path) -> None:
    """Every option reaches the run."""
    work = str(tmp_path / "work")
    ran = run(
        "sync", work, "docs", "--once", "-n", "--resync", "--mode", "mirror-up", "--max-delete", "3", "--transfers", "2"
    )

    assert (ran.code, ran.out) == (0, "dry run: nothing would be done; nothing was changed\n")
    ((wanted, options),) = asked
    assert wanted == Wanted(Path(work), RemotePath(("docs",)), Mode.MIRROR_UP)
    assert options == RunOptions(DELETE_LIMIT.convert("3", None, None), is_dry_run=True, is_resync=True, transfers=2)


def test_the_defaults(run: RunWords, asked: list[tuple[Wanted, RunOptions]], tmp_path: Path) -> None:
    """The pair's mode, the guard's limit."""
    assert run("sync", "--once", str(tmp_path / "work"), "/docs").out == "nothing to do; up to date\n"
    assert asked == [(Wanted(tmp_path / "work", RemotePath(("docs",))), RunOptions(DeleteLimit()))]
    assert Run(RunOptions(), None).options == asked[0][1]


@pytest.mark.parametrize(
    "words",
    [("--resync",), ("--max-delete", "3"), ("--bwlimit", "1M"), ("--transfers", "2")],
    ids=lambda words: words[0],
)
def test_what_says_how_a_run_goes_needs_once(
    run: RunWords, asked: list[tuple[Wanted, RunOptions]], words: tuple[str, ...]
) -> None:
    """Exit code 2, and the command that works; nothing becomes the daemon's."""
    ran = run("sync", *words, "work", "/docs")

    assert (ran.code, asked, open_pairs(open_home()).all()) == (2, [], [])
    assert "add --once; or leave it away: mega sync work /docs" in ran.err


def test_a_plan_of_the_only_pair(
    run: RunWords, asked: list[tuple[Wanted, RunOptions]], pairs: Pairs, tmp_path: Path
) -> None:
    """It need not be named; with none, or several, it must."""
    assert "no folder is synced yet" in run("syncs", "plan").err
    pairs.add(tmp_path / "work", RemotePath(("docs",)), None, 0)
    assert run("syncs", "plan").code == 0
    assert asked == [(Wanted(tmp_path / "work", RemotePath(("docs",))), RunOptions(is_dry_run=True))]
    (tmp_path / "two").mkdir()
    pairs.add(tmp_path / "two", RemotePath(("docs",)), None, 0)

    assert "several folders are synced" in run("syncs", "plan").err


def test_a_new_pair_is_listed(run: RunWords, pairs: Pairs, tmp_path: Path) -> None:
    """Before its first run as well; `syncs rm` takes it off the list."""
    made = pairs.add(tmp_path / "work", RemotePath(("docs",)), None, 0)
    assert run("syncs").out.splitlines()[-1].endswith("two-way  once  never  not synced yet")
    assert run("syncs", "rm", made.id[:4]).code == 0

    assert run("syncs").out == ""
    assert run("syncs", "--json").document == {"pairs": []}


def test_a_pair_whose_state_is_damaged_is_listed(run: RunWords, pairs: Pairs, tmp_path: Path) -> None:
    """It hides no other: neither there, nor in what waits or lies in the trash."""
    made = pairs.add(tmp_path / "work", RemotePath(("docs",)), None, 0)
    pairs.state_file(made).write_bytes(b"no database" * 1_000)
    (tmp_path / "two").mkdir()
    other = pairs.add(tmp_path / "two", RemotePath(("docs",)), None, 0)
    with SyncState(pairs.state_file(other)) as state, state.transaction():
        state.keep_holds([HoldRow("0a1b2c3d", "local", (b"i" * 16,), 1, ("a",), 1)])

    _, first, second = run("syncs").out.splitlines()
    assert "stopped: the state of this sync cannot be read" in first
    assert second.endswith("1 deletion held")
    assert run("held").out == f"0a1b2c3d: 1 file would be deleted on this disk: a  [{other.local}]\n"


def test_what_waits_is_listed_with_the_commands_that_settle_it(run: RunWords, pairs: Pairs, tmp_path: Path) -> None:
    """For the first of the list, quoted for the shell; on stderr, so that the list stays as it is."""
    made = pairs.add(tmp_path / "work", RemotePath(("docs",)), None, 0)
    copy = tmp_path / "work" / "a (conflict).txt"
    copy.touch()
    with SyncState(pairs.state_file(made)) as state, state.transaction():
        state.keep_holds([HoldRow("0a1b2c3d", "local", (b"i" * 16,), 1, ("a",), 1)])
        state.add_conflict(ConflictRow(NodeId(b"c" * 16), NodeId(b"n" * 16), "a.txt", copy.name, 1))

    held, conflicts = run("held"), run("conflicts")

    assert "mega held approve 0a1b2c3d; to have it back: mega held reject 0a1b2c3d" in held.err
    assert f"mega conflicts resolve --keep local '{copy}'" in conflicts.err
    assert "mega held approve" not in held.out
    assert run("held", "-q").err == ""


@pytest.mark.parametrize(
    "words",
    [
        ("held", "approve", "0a1b2c3d"),
        ("held", "reject", "0a1b2c3d"),
        ("conflicts", "resolve", "--keep", "this", "work/notes.txt"),
        ("why", "/etc"),
        ("syncs", "rm", "ffffffff"),
    ],
)
@pytest.mark.usefixtures("pairs")
def test_what_is_not_there(run: RunWords, words: tuple[str, ...]) -> None:
    """Exit code 4, and where to look."""
    ran = run(*words)

    assert ran.code == 4
    assert "hint: mega " in ran.err


@pytest.mark.usefixtures("pairs")
def test_nothing_is_an_empty_list(run: RunWords) -> None:
    """Not an error."""
    for words in (("held",), ("conflicts",), ("trash", "--local"), ("syncs",)):
        assert (run(*words).code, run(*words).out) == (0, "")


def test_pairs_are_completed(pairs: Pairs, tmp_path: Path) -> None:
    """By id and by folder; without an account there is nothing, and no error."""
    made = pairs.add(tmp_path / "work", RemotePath(("docs",)), None, 0)
    context, parameter = click.Context(click.Command("x")), click.Argument(["word"])

    assert [item.value for item in complete_pair(context, parameter, made.id[:2])] == [made.id]
    assert [item.value for item in complete_pair(context, parameter, "/")] == [str(tmp_path / "work")]
    (tmp_path / "home" / "accounts" / "current").unlink()
    assert complete_pair(context, parameter, "") == []


@pytest.mark.usefixtures("pairs", "volume")
def test_a_safety_stop_has_its_exit_code(run: RunWords, monkeypatch: pytest.MonkeyPatch) -> None:
    """7, with what to do."""

    def stop(*_: object) -> RunReport:
        raise SafetyStopError("the folder is gone", "mount it")

    monkeypatch.setattr("mega_cli.commands.sync.sync_pair", stop)
    ran = run("sync", "--once", "work", "/docs")

    assert (ran.code, ran.err.splitlines()[-1]) == (7, "mega: hint: mount it")
