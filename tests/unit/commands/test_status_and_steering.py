"""status, syncs pause, resume, now and verify: beside a daemon at a real socket, and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mega_cli.daemon.messages import StatusReply
from mega_cli.daemon.status import DaemonStatus, PairStatus
from mega_cli.daemon.take_up import go_on, take_up
from mega_cli.errors import LockedError
from mega_cli.options.pause import parse_pause
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import StalledRow, SyncState
from mega_cli.sync.pairs import UNTIL_RESUMED, Pair, Pairs, open_pairs
from mega_cli.system.directories import Home, open_home
from tests.kit.daemon import FakeWork, home_with_profile, served
from tests.unit.commands.conftest import Run

DAEMON = DaemonStatus(pid=1, version="0", profile="alice@localhost", started_ms=0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Have an account on this device, without a session."""
    made = home_with_profile(tmp_path / "home")
    (made.folder.parent / "current").write_text(made.profile + "\n")
    monkeypatch.setenv("MEGA_HOME", str(tmp_path / "home"))
    return open_home()


@pytest.fixture
def pairs(home: Home) -> Pairs:
    """Give the list of pairs."""
    return open_pairs(home)


@pytest.fixture
def by_hand(pairs: Pairs, tmp_path: Path) -> Pair:
    """Give a pair that is no daemon's."""
    (tmp_path / "hand").mkdir()
    return pairs.add(tmp_path / "hand", RemotePath(("hand",)), None, 0)


@pytest.fixture
def pair(pairs: Pairs, tmp_path: Path) -> Pair:
    """Give a pair that is the daemon's."""
    (tmp_path / "work").mkdir()
    return pairs.set_background(pairs.add(tmp_path / "work", RemotePath(("docs",)), None, 0), is_background=True)


@pytest.fixture
def work(home: Home, pair: Pair) -> Iterator[FakeWork]:
    """Have a daemon answer, that has the pair."""
    with served(home) as daemon:
        daemon.work.pair = status_of(pair)
        yield daemon.work


def status_of(pair: Pair, **fields: object) -> PairStatus:
    """Say that a pair is up to date, but for what is given."""
    made = PairStatus(id=pair.id, local=str(pair.local), remote=str(pair.remote), mode="two-way", state="up-to-date")
    return msgspec.structs.replace(made, **fields)


def test_a_status_is_what_the_daemon_says(run: Run, pair: Pair, work: FakeWork) -> None:
    """Of its pairs; how it ends says whether something is to be done."""
    assert (run("status").out, run("status").code) == (f"{pair.local}  up to date\n", 0)
    work.change(state="held", held=3)

    ran = run("status", "--json")

    assert ran.code == 6
    (shown,) = json.loads(ran.out)["pairs"]
    assert (shown["id"], shown["state"], shown["held"]) == (pair.id, "held", 3)


def test_other_pairs_are_shown_beside_the_daemon_s(run: Run, pair: Pair, by_hand: Pair, work: FakeWork) -> None:
    """How their last run ended; a folder that is named is shown alone."""
    assert len(work.told) == 0
    first, second, *_ = run("status").out.splitlines()

    assert first.startswith(str(pair.local))
    assert first.endswith("up to date")
    assert second.startswith(str(by_hand.local))
    assert "synced by hand, never synced" in second
    assert run("status", str(pair.local)).out == f"{pair.local}  up to date\n"


def test_without_a_daemon_a_status_says_so(run: Run, pair: Pair) -> None:
    """With what starts it; a path of the pair says what is known."""
    (pair.local / "a").write_text("a")
    ran = run("status")

    assert ran.code == 1
    assert ran.out.splitlines()[:2] == [
        "the daemon does not run, so nothing is synced by itself",
        "  to do: mega daemon start",
    ]
    assert f"{pair.local}  not running, never synced" in ran.out
    assert run("status", str(pair.local / "a")).out.splitlines()[0] == "a: pending"


def test_without_pairs_a_status_says_how_to_begin(run: Run, home: Home) -> None:
    """On stderr: there is no result."""
    assert home.profile
    ran = run("status")

    assert (ran.code, ran.out) == (0, "")
    assert "mega sync --help" in ran.err


def test_a_path_moves_while_its_pair_is_synced(run: Run, pair: Pair, work: FakeWork) -> None:
    """It is new here, so it goes up."""
    (pair.local / "a").write_text("a")
    work.change(state="syncing")

    assert run("status", str(pair.local / "a")).out == "a: uploading\n"


def test_a_path_that_stands_still_has_its_code(run: Run, pairs: Pairs, pair: Pair) -> None:
    """Exit code 3, and what to do."""
    with SyncState(pairs.state_file(pair)) as state, state.transaction():
        state.keep_stalled([StalledRow(b"i" * 16, "pipe", Reason.SPECIAL_FILE, 1, 0, 0)])

    ran = run("status", str(pair.local / "pipe"))

    assert (ran.code, ran.out.splitlines()[0]) == (3, "pipe: stalled:special-file")


def test_watching_prints_a_line_a_change(run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal; progress is none. When the daemon ends, so does it, with exit code 1."""
    states: list[dict[str, object]] = [
        {},
        {"state": "syncing"},
        {"state": "syncing", "bytes_total": 9},
        {"state": "up-to-date"},
    ]
    replies = [StatusReply(DAEMON, [status_of(pair, **fields)]) for fields in states]
    monkeypatch.setattr("mega_cli.daemon.client.follow", lambda _home: iter(replies))

    ran = run("status", "--watch")

    assert ran.out.splitlines() == [f"{pair.local}  {words}" for words in ("up to date", "syncing", "up to date")]
    assert ran.code == 1
    assert "the daemon has ended" in ran.err
    assert len(run("status", "--watch", "--json").documents) == len(replies)


def test_watching_ends_with_ctrl_c(run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is how one leaves: exit code 0, and no word about it."""

    def follow(_home: Home) -> Iterator[StatusReply]:
        yield StatusReply(DAEMON, [status_of(pair)])
        raise KeyboardInterrupt

    monkeypatch.setattr("mega_cli.daemon.client.follow", follow)
    ran = run("status", "--watch")

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [(("--watch",), 1, "mega daemon start"), (("--watch", "notes"), 2, "mega status --watch")],
)
def test_what_cannot_be_watched(run: Run, pair: Pair, words: list[str], code: int, text: str) -> None:
    """No daemon, or one path."""
    assert pair.is_background
    ran = run("status", *words)

    assert ran.code == code
    assert text in ran.err


def test_a_pause_is_kept_without_a_daemon(run: Run, pair: Pair, pairs: Pairs) -> None:
    """And its end too; resuming forgets it, and says what is missing."""
    assert run("syncs", "pause").code == 0
    assert pairs.find(pair.id).paused_until_ms == UNTIL_RESUMED
    assert "paused until 2" in run("syncs", "pause", pair.id, "30m").err
    paused_until_ms = pairs.find(pair.id).paused_until_ms
    assert paused_until_ms is not None
    assert paused_until_ms > 0

    assert "mega daemon start" in run("syncs", "resume", str(pair.local)).err
    assert pairs.find(pair.id).paused_until_ms is None


def test_a_running_daemon_is_told(run: Run, pair: Pair, work: FakeWork) -> None:
    """Of a pause, of its end, to look now, to read everything: each of the pair that is meant."""
    for word in ("pause", "resume", "now", "verify"):
        assert run("syncs", word, pair.id[:5]).code == 0

    assert work.told == ["reload", "reload", f"wake {pair.id}", f"wake {pair.id}", f"verify {pair.id}"]


def test_now_says_that_a_paused_pair_stays_paused(run: Run, pair: Pair, work: FakeWork) -> None:
    """With what resumes it."""
    run("syncs", "pause")

    assert f"mega syncs resume {pair.id}" in run("syncs", "now").err
    assert f"wake {pair.id}" in work.told


@pytest.mark.parametrize("word", ["now", "verify"])
def test_what_only_a_daemon_can_do_needs_one(run: Run, pair: Pair, word: str) -> None:
    """Exit code 1, and what starts it."""
    assert pair.is_background
    ran = run("syncs", word)

    assert ran.code == 1
    assert "mega: hint: mega daemon start" in ran.err


@pytest.mark.parametrize("word", ["pause", "resume", "now", "verify"])
def test_a_pair_by_hand_is_not_steered(run: Run, by_hand: Pair, word: str) -> None:
    """Exit code 2: what syncs it, and what makes it the daemon's; unnamed, there is none to steer."""
    named, unnamed = run("syncs", word, by_hand.id), run("syncs", word)

    assert (named.code, unnamed.code) == (2, 2)
    assert f"by the daemon: mega sync {by_hand.local} /hand" in named.err
    assert "no folder is synced by the daemon yet" in unnamed.err


def test_steering_tells_programs_which_pairs(run: Run, pair: Pair) -> None:
    """One document."""
    assert run("syncs", "pause", "--json").document == {
        "message_type": "summary",
        "pairs": [pair.id],
        "paused_until_ms": UNTIL_RESUMED,
    }


@pytest.mark.parametrize("words", [["30s"], ["3x"], ["4f1c09a7", "soon"], ["a", "b", "2h"]])
def test_what_is_no_time_is_refused(run: Run, pair: Pair, words: list[str]) -> None:
    """Exit code 2, and how it is written."""
    assert pair.is_background
    ran = run("syncs", "pause", *words)

    assert ran.code == 2
    assert "mega syncs pause 30m" in ran.err


def test_an_id_is_never_taken_for_a_time() -> None:
    """Eight digits that end like a day stay an id."""
    assert parse_pause(["1234567d"], 0).pair == "1234567d"
    assert parse_pause(["123d"], 0).until_ms == 123 * 86_400_000
    assert parse_pause(["/a folder", "until resumed"], 0) == ("/a folder", UNTIL_RESUMED)


def test_a_pair_is_taken_up_by_the_daemon_that_runs(home: Home, pair: Pair, work: FakeWork) -> None:
    """It is told, and shows it."""
    taken = take_up(home, pair.id)

    assert (taken.is_started, taken.status) == (False, work.pair)
    assert work.told == ["reload"]


def test_a_decision_wakes_the_daemon_whose_pair_it_is(
    home: Home, pair: Pair, by_hand: Pair, work: FakeWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only then; a daemon that cannot be told earns a note."""
    notes: list[str] = []
    assert go_on(home, pair, notes.append)
    assert not go_on(home, by_hand, notes.append)
    assert work.told == [f"wake {pair.id}"]

    def refuse(*_: object) -> bool:
        raise LockedError("the daemon does not answer", "mega daemon logs")

    monkeypatch.setattr("mega_cli.daemon.client.wake", refuse)
    assert not go_on(home, pair, notes.append)
    assert notes == ["mega: the daemon was not told: the daemon does not answer; mega daemon logs"]
