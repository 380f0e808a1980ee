"""How the synced folders stand, in words, as fields and as an exit code."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from mega_cli.daemon.messages import StatusReply
from mega_cli.daemon.status import FOR_GOOD, DaemonStatus, PairStatus
from mega_cli.daemon.take_up import TakenUp
from mega_cli.output.console import Console
from mega_cli.output.status import (
    Line,
    daemon_line,
    exit_code_of,
    idle_fields,
    pair_fields,
    pair_line,
    quiet_words,
    standing_line,
    status_lines,
    with_details,
)
from mega_cli.output.status_path import path_code, path_lines, path_word
from mega_cli.output.status_watch import LiveWatch
from mega_cli.output.take_up import begun_lines
from mega_cli.paths.names import text_from_disk
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Mode, Reason
from mega_cli.sync.pairs import Pair
from mega_cli.sync.syncs import LastRun, Standing
from mega_cli.sync.why import Status, Why

PAIR = Pair("4f1c09a7", Path("/home/a/Docs"), RemotePath(("Docs",)), Mode.TWO_WAY, 0)
MIB = 2**20
NOON_NS = 1_700_000_000 * 10**9


def status(state: Any = "up-to-date", **fields: Any) -> PairStatus:
    """Make a status of the pair."""
    return PairStatus(id=PAIR.id, local="/home/a/Docs", remote="/Docs", mode="two-way", state=state, **fields)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (status(), "up to date"),
        (status("starting"), "starting"),
        (status("scanning"), "scanning"),
        (status("scanning", files_done=1200, files_total=5000), "scanning 1,200/5,000"),
        (status("syncing"), "syncing"),
        (status("syncing", files_done=3, files_total=10), "syncing 3/10 files"),
        (
            status(
                "syncing",
                bytes_done=3 * MIB,
                bytes_total=9 * MIB,
                bytes_up_done=2 * MIB,
                bytes_up_total=4 * MIB,
                left_s=40,
            ),
            "syncing ↑2.0 MiB/4.0 MiB ↓1.0 MiB/5.0 MiB, 0:40 left",
        ),
        (status("paused", paused_until_ms=FOR_GOOD), "paused until resumed"),
        (
            status("offline", pending=3, message="the server is not reached"),
            "offline (3 pending): the server is not reached",
        ),
        (status("held", held=24), "held: 24 deletions need approval"),
        (status("held", held=1), "held: 1 deletion needs approval"),
        (status("attention", stalled=2, conflicts=1), "2 stalled, 1 conflict"),
        (status("frozen", message="the folder is gone"), "frozen: the folder is gone"),
        (status("waiting", message="a file is young"), "waiting: a file is young"),
        (status("lent"), "in use by another command"),
        (status("syncing", conflicts=1), "syncing, 1 conflict"),
        (status(held=1), "up to date, 1 deletion held"),
    ],
)
def test_each_state_has_its_words(made: PairStatus, words: str) -> None:
    """What a person understands, and what waits beside it."""
    assert pair_line(made).words == words


def test_a_pause_names_its_end() -> None:
    """In the reader's own time."""
    words = pair_line(status("paused", paused_until_ms=NOON_NS // 10**6)).words

    assert re.fullmatch(r"paused until 2023-11-1\d \d\d:\d\d", words)


@pytest.mark.parametrize(
    ("made", "to_do"),
    [
        (status(), ()),
        (status("held", held=2), ("mega held",)),
        (status("attention", stalled=1, conflicts=1), ("mega syncs ls -v", "mega conflicts")),
        (status("frozen", error="rollback_or_fork", hint="mega trust accept"), ("mega trust accept",)),
        (
            status("frozen", error="safety_stop", hint="nothing was changed; mount it"),
            ("mount it", "mega syncs resume 4f1c09a7, once that is done"),
        ),
        (status("paused"), ("mega syncs resume 4f1c09a7",)),
        (status("held", held=1, hint="see them: mega held"), ("see them: mega held",)),
        (
            status(watcher="partly", watcher_message="too few watches", watcher_hint="sysctl -w x=1"),
            ("too few watches: sysctl -w x=1",),
        ),
    ],
)
def test_what_to_do_can_be_pasted(made: PairStatus, to_do: tuple[str, ...]) -> None:
    """Each once, the daemon's own word first."""
    assert pair_line(made).to_do == to_do


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (status(), 0),
        (status("syncing"), 0),
        (status("paused"), 0),
        (status("waiting"), 0),
        (status("stopped"), 70),
        (status("frozen"), 7),
        (status("frozen", error="integrity"), 14),
        (status("frozen", error="not_logged_in"), 12),
        (status("frozen", error="what a newer version says"), 7),
        (status("held", held=1), 6),
        (status("attention", conflicts=1), 6),
        (status("attention", stalled=1), 3),
        (status("offline", error="temporary"), 5),
        (status("waiting", error="limit"), 8),
    ],
)
def test_a_state_is_an_exit_code(made: PairStatus, code: int) -> None:
    """What is well or mends itself is 0; the rest is the table's."""
    assert pair_line(made).code == code


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([0, 0], 0), ([3, 6, 0], 6), ([5, 3], 3), ([6, 7], 7), ([14, 70, 6], 70), ([1, 6], 6)]
)
def test_the_gravest_pair_counts(codes: list[int], code: int) -> None:
    """A bug, what is frozen, what waits for the user, what is not looked after, what failed, what rests."""
    assert exit_code_of([Line("", "", code=one) for one in codes]) == code


def test_progress_is_no_change_of_note() -> None:
    """Words without figures are equal while bytes move, and differ when something happens."""
    begun = status("syncing", bytes_done=1, bytes_total=9, pending=3)
    later = status("syncing", bytes_done=5, bytes_total=9, left_s=3, pending=2)

    assert quiet_words(begun) == quiet_words(later) == "syncing"
    assert quiet_words(status("syncing", conflicts=1)) != quiet_words(later)


def test_without_a_daemon_nothing_is_up_to_date() -> None:
    """How the last run ended, and how long ago; a pair of the daemon's is not synced, one by hand is as it was."""
    last = LastRun(NOON_NS, is_up_to_date=True)
    theirs = standing_line(Standing(dataclasses.replace(PAIR, is_background=True), last), NOON_NS + 3600 * 10**9)
    by_hand = standing_line(Standing(PAIR, last, held=2), NOON_NS)
    new = standing_line(Standing(PAIR), NOON_NS)

    assert (theirs.words, theirs.code) == ("not running, last synced 1 hour ago: up to date", 1)
    assert (by_hand.words, by_hand.code) == ("synced by hand, last synced just now: up to date, 2 deletions held", 6)
    assert by_hand.to_do == ("mega held",)
    assert (new.words, new.code, new.to_do) == ("synced by hand, never synced", 0, (PAIR.command,))


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (Standing(PAIR, damage="it cannot be read"), 7),
        (Standing(PAIR, LastRun(0, is_up_to_date=False, error="rollback_or_fork")), 15),
        (Standing(PAIR, LastRun(0, is_up_to_date=False, failed=1)), 3),
        (Standing(PAIR, LastRun(0, is_up_to_date=False), stalled=1), 3),
    ],
)
def test_how_a_run_ended_is_an_exit_code(one: Standing, code: int) -> None:
    """The code that run ended with, or would."""
    assert standing_line(one, NOON_NS).code == code


def test_lines_are_in_columns_with_what_to_do_below() -> None:
    """Names of others are escaped."""
    lines = [Line("/a", "up to date"), Line("/longer\n", "1 conflict", ("mega conflicts",), details=("details",))]

    assert list(status_lines(lines)) == [
        "/a         up to date",
        "/longer\\n  1 conflict",
        "  details",
        "  to do: mega conflicts",
    ]
    assert list(status_lines([])) == []


def test_details_say_when_was_looked() -> None:
    """With -v."""
    made = status(last_checked_ms=NOON_NS // 10**6, watcher="watching")
    (detail,) = with_details(pair_line(made), made).details

    assert detail.startswith("4f1c09a7, two-way, /Docs, head checked 2023-11-1")
    assert detail.endswith("changes here: watching")


def test_fields_have_the_folder_as_other_documents_have_it() -> None:
    """Any bytes a path may have; a pair without a daemon has the same fields."""
    made = PairStatus(id="1", local=text_from_disk(b"/caf\xe9"), remote="/", mode="two-way")
    idle = idle_fields(Standing(PAIR, LastRun(NOON_NS, is_up_to_date=True), conflicts=2))

    assert pair_fields(made)["local"] == "/caf\udce9"
    assert idle.keys() == pair_fields(made).keys()
    assert (idle["state"], idle["conflicts"], idle["last_run"]) == ("by-hand", 2, "2023-11-14T22:13:20Z")


@pytest.mark.parametrize(
    ("answer", "state", "word", "code"),
    [
        (Why(PAIR, "a", Status.SYNCED), "up-to-date", "synced", 0),
        (Why(PAIR, "a", Status.PENDING, goes="up"), "syncing", "uploading", 0),
        (Why(PAIR, "a", Status.PENDING, goes="down"), "syncing", "downloading", 0),
        (Why(PAIR, "a", Status.PENDING), "syncing", "pending", 0),
        (Why(PAIR, "a", Status.PENDING, goes="up"), "offline", "pending", 0),
        (Why(PAIR, "a", Status.STALLED, Reason.NAME_CLASH), "attention", "stalled:name-clash", 3),
        (Why(PAIR, "a", Status.BLOCKED, Reason.NAME_ILLEGAL), "up-to-date", "blocked:name-illegal", 3),
        (Why(PAIR, "a", Status.IGNORED, Reason.EXCLUDED), "up-to-date", "ignored", 0),
        (Why(PAIR, "a", Status.HELD, Reason.HELD), "held", "held", 6),
    ],
)
def test_a_path_has_one_word(answer: Why, state: str, word: str, code: int) -> None:
    """With its reason where one is needed; what is pending moves while its pair is being synced."""
    assert path_word(answer, status(state)) == word
    assert path_code(answer) == code


def test_a_pending_path_needs_no_command_while_the_daemon_runs() -> None:
    """Without it there is one to paste."""
    pending = Why(PAIR, "a", Status.PENDING)

    assert path_lines(pending, status()) == ["a: pending"]
    assert path_lines(pending, None) == ["a: pending", f"to do: {PAIR.command}"]


def test_the_last_lines_of_a_live_display_stay(capsys: pytest.CaptureFixture[str]) -> None:
    """When it is closed; without a pair it says how to begin."""
    daemon = DaemonStatus(pid=1, version="0", profile="a@h", started_ms=0)
    for pairs in ([], [status("syncing"), status("held", held=2)]):
        watch = LiveWatch(Console())
        watch.show(StatusReply(daemon, pairs))
        watch.close()
    shown = capsys.readouterr().out

    assert "no folder is synced yet" in shown
    assert "/home/a/Docs  held: 2 deletions need approval\n  to do: mega held" in shown


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (Mode.TWO_WAY, "kept the same"),
        (Mode.MIRROR_UP, "mega's trash"),
        (Mode.MIRROR_DOWN, "local trash"),
        (Mode.BACKUP_UP, "goes to"),
    ],
)
def test_it_is_said_what_happens_from_now_on(mode: Mode, text: str) -> None:
    """For each mode; that a daemon was started, and what to do with one that rests or says nothing."""
    pair = dataclasses.replace(PAIR, mode=mode)
    started, begun, see = begun_lines(pair, TakenUp(is_started=True, status=status()))
    assert "mega daemon stop" in started
    assert text in begun
    assert "mega status" in see

    assert list(begun_lines(pair, TakenUp(is_started=False, status=status("paused"))))[-1].endswith("resume 4f1c09a7")
    assert "has not taken it up yet" in list(begun_lines(pair, TakenUp(is_started=False, status=None)))[-1]


def test_the_daemon_itself_is_a_line_of_details() -> None:
    """With -v."""
    daemon = DaemonStatus(pid=7, version="0", profile="a@h", started_ms=0, feed="polling", feed_message="no feed there")

    assert daemon_line(daemon).startswith("the daemon runs as process 7 since ")
    assert daemon_line(daemon).endswith("changes made elsewhere: polling: no feed there")
