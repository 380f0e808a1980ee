"""The words of sync: every decision, reason and verdict has some, and a run's end has its exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.errors import (
    IntegrityError,
    MegaError,
    SomeItemsFailedError,
    TemporaryError,
    WaitsForUserError,
)
from mega_cli.output.console import Console
from mega_cli.output.run import report_run
from mega_cli.output.sync import REASONS, VERDICTS, deed_line, hold_line, notice_line, summary_sentence
from mega_cli.output.syncs import paused_text, standing_table, state_text
from mega_cli.output.why import why_lines
from mega_cli.paths.ignore import Rule
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.actions import Event, Notice, Plan, Side, Stall
from mega_cli.reconcile.situation import Mode, Reason
from mega_cli.state.sync_state import HoldRow
from mega_cli.sync.marker import Verdict
from mega_cli.sync.pairs import Pair
from mega_cli.sync.report import CycleReport, Failure
from mega_cli.sync.run_report import RunReport
from mega_cli.sync.story import Deed, Told
from mega_cli.sync.syncs import Item, LastRun, Standing
from mega_cli.sync.why import Status, Why

PAIR = Pair("4f1c09a7", Path("/home/a/docs"), RemotePath(("docs",)), Mode.TWO_WAY, 0)
HOLD = HoldRow("0a1b2c3d", "remote", (b"i" * 16,) * 21, 20, ("a", "b", "c", "d"), 1)
CONFLICT = Notice(Event.CONFLICT_COPY, b"i" * 16, ("notes (conflict desk 1).txt",), ("notes.txt",))
STALL = Stall(b"i" * 16, ("a", "b\x1b[2J"), Reason.UNREADABLE)


def run(
    *cycles: CycleReport, holds: Sequence[HoldRow] = (), is_dry_run: bool = False, told: Sequence[Told] = ()
) -> RunReport:
    """Make a report."""
    return RunReport(PAIR, Verdict.GO_ON, cycles or (CycleReport(Plan()),), told, holds, is_dry_run)


def test_everything_has_words() -> None:
    """No reason, decision, deed or verdict is met without a sentence."""
    assert set(REASONS) == set(Reason)
    assert set(VERDICTS) == {verdict for verdict in Verdict if verdict.is_resync}
    assert all(why and remedy for why, remedy in REASONS.values())
    for event in Event:
        assert "a/b" in notice_line(Notice(event, b"", ("a", "b"), ("c",)))
    for deed in Deed:
        assert deed_line(Told(deed, Side.LOCAL, "a")).split()[-1 if deed in (Deed.UPLOAD, Deed.DOWNLOAD) else -2] == "a"


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Told(Deed.UPLOAD, Side.REMOTE, "notes.txt"), "upload    notes.txt"),
        (Told(Deed.DOWNLOAD, Side.LOCAL, "a/b"), "download  a/b"),
        (Told(Deed.MOVE, Side.LOCAL, "b", "a"), "rename    a → b (here)"),
        (Told(Deed.TRASH, Side.REMOTE, "docs/"), "to trash  docs/ (there)"),
    ],
)
def test_lines_are_short_and_say_where(told: Told, line: str) -> None:
    """As `mega sync -v` prints them."""
    assert deed_line(told) == line


def test_a_conflict_is_said_in_a_sentence() -> None:
    """Which file, and what yours is called now."""
    assert notice_line(CONFLICT) == (
        "conflict: notes.txt was changed here and elsewhere; yours is now “notes (conflict desk 1).txt”"
    )


def test_held_deletions_are_counted_and_named() -> None:
    """How many, where, the first few, and by which name they are approved."""
    assert hold_line(HOLD) == "0a1b2c3d: 20 files would be deleted in the volume: a, b, c, …"
    few = HOLD._replace(side="local", files=1, paths=("a",))
    assert hold_line(few) == "0a1b2c3d: 1 file would be deleted on this disk: a"
    assert hold_line(few._replace(files=0, paths=(), ids=(b"",))) == "0a1b2c3d: 1 folder would be deleted on this disk"


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (run(), "nothing to do; up to date"),
        (
            run(
                CycleReport(Plan(), uploaded=2, sent_bytes=2048, remote_changes=3, skipped=1),
                CycleReport(Plan(), downloaded=1, received_bytes=5, local_changes=1),
            ),
            "2 files uploaded (2.0 KiB), 1 file downloaded (5 B), 1 other change there; up to date",
        ),
        (run(CycleReport(Plan(stalls=(STALL,)))), "nothing to do; 1 standing still"),
        (run(holds=(HOLD,), is_dry_run=True), "dry run: nothing would be done; nothing was changed"),
        (run(CycleReport(Plan(), waiting_s=1.0)), "nothing to do; not up to date yet"),
    ],
)
def test_the_summary_says_what_was_done_and_how_it_stands(report: RunReport, sentence: str) -> None:
    """Never "up to date" when something is left."""
    assert summary_sentence(report) == sentence


@pytest.mark.parametrize(
    ("report", "kind", "hint"),
    [
        (run(), None, ""),
        (run(CycleReport(Plan(holds=())), holds=(HOLD,)), WaitsForUserError, "mega held approve 0a1b2c3d"),
        (run(CycleReport(Plan(notices=(CONFLICT,))), CycleReport(Plan())), WaitsForUserError, "mega conflicts"),
        (run(CycleReport(Plan(stalls=(STALL,)))), SomeItemsFailedError, "run again"),
        (run(CycleReport(Plan(), failures=(Failure("a", IntegrityError()),))), SomeItemsFailedError, "run again"),
        (run(CycleReport(Plan(), failures=(Failure("", TemporaryError("lost", "later")),))), TemporaryError, "later"),
        (run(CycleReport(Plan(), skipped=1)), TemporaryError, "run the same"),
        (run(CycleReport(Plan(stalls=(STALL,))), is_dry_run=True), None, ""),
    ],
)
def test_the_end_has_its_exit_code(report: RunReport, kind: type[MegaError] | None, hint: str) -> None:
    """The table of `report_run`, row for row."""
    if kind is None:
        report_run(Console(), report)
        return
    with pytest.raises(kind) as raised:
        report_run(Console(), report)
    assert hint in raised.value.hint


def test_holds_outrank_failures_and_both_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """What waits for the user is the exit code; nothing is hidden by it, and no control character gets out."""
    with pytest.raises(WaitsForUserError):
        report_run(Console(), run(CycleReport(Plan(stalls=(STALL,))), holds=(HOLD,)))
    err = capsys.readouterr().err

    assert "mega: problem: a/b\\x1b[2J: it cannot be read here; see its permissions" in err
    assert "0a1b2c3d: 20 files would be deleted" in err


def test_what_waits_with_a_held_deletion_is_not_listed_again(capsys: pytest.CaptureFixture[str]) -> None:
    """It is part of what is held."""
    waiting = STALL._replace(reason=Reason.HELD)
    with pytest.raises(WaitsForUserError):
        report_run(Console(), run(CycleReport(Plan(stalls=(waiting,))), holds=(HOLD,)))

    assert "problem" not in capsys.readouterr().err


def test_a_line_each_with_v(capsys: pytest.CaptureFixture[str]) -> None:
    """Transfers are shown as they are done; the rest at the end."""
    told = (Told(Deed.UPLOAD, Side.REMOTE, "a"), Told(Deed.TRASH, Side.LOCAL, "b"))
    report_run(Console(verbosity=1), run(told=told))

    assert capsys.readouterr().err == "to trash  b (here)\n"


def test_a_dry_run_is_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line on stdout."""
    told = (Told(Deed.UPLOAD, Side.REMOTE, "a"), Told(Deed.DESCRIBE, Side.LOCAL, "b"))
    report_run(Console(), run(told=told, is_dry_run=True))

    assert capsys.readouterr().out.splitlines() == [
        "upload    a",
        "describe  b (here)",
        "dry run: 1 upload, 1 attribute change; nothing was changed",
    ]


def test_why_it_began_anew_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Joining both sides is unusual: a person hears why."""
    report_run(Console(), replace(run(), verdict=Verdict.STATE_LOST))

    assert "what was synced last is not known any more" in capsys.readouterr().err


def test_what_this_disk_cannot_hold_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """It is no failure, and not silent; what is ignored is not counted."""
    absent = ((b"1" * 16, Reason.NAME_CLASH), (b"2" * 16, Reason.EXCLUDED))
    report_run(Console(), run(CycleReport(Plan(absent=absent))))

    assert "1 item of the volume cannot be on this disk" in capsys.readouterr().err


def test_json_has_no_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Documents on stdout, nothing on stderr."""
    report_run(Console(is_json=True), replace(run(), verdict=Verdict.FIRST))
    out, err = capsys.readouterr()

    assert err == ""
    assert json.loads(out)["start"] == "first"


@pytest.mark.parametrize(
    ("standing", "text"),
    [
        (Standing(PAIR), "not synced yet"),
        (Standing(PAIR, LastRun(1, is_up_to_date=True)), "up to date"),
        (
            Standing(PAIR, LastRun(1, is_up_to_date=True), conflicts=2, absent=1),
            "up to date, 2 conflicts, 1 not on this disk",
        ),
        (Standing(PAIR, LastRun(1, is_up_to_date=False), 3, 20), "20 deletions held, 3 standing still"),
        (Standing(PAIR, LastRun(1, is_up_to_date=False, error="temporary")), "ended early: temporary"),
        (Standing(PAIR, LastRun(1, is_up_to_date=False)), "not finished"),
        (Standing(PAIR, damage="it is broken"), "stopped: it is broken"),
    ],
)
def test_a_pair_stands_in_words(standing: Standing, text: str) -> None:
    """`mega syncs`, a line a pair."""
    assert state_text(standing) == text


def test_the_table_of_pairs_names_what_stands_still() -> None:
    """Below its pair; no pairs make no table."""
    standing = Standing(PAIR, LastRun(0, is_up_to_date=False), 1, items=(Item("a", Reason.FILE_CHANGING),))
    _, line, below = standing_table([standing], {}, 61 * 10**9)

    cells = ["4f1c09a7", "/home/a/docs", "/docs", "two-way", "once", "1 minute ago", "1 standing still"]
    assert re.split("  +", line) == cells
    assert below.startswith("  a: it is being written to")
    assert list(standing_table([], {}, 0)) == []


def test_the_table_says_what_the_daemon_says() -> None:
    """Of its own pairs, as of now."""
    theirs = Standing(replace(PAIR, is_background=True), LastRun(0, is_up_to_date=True))
    _, line = standing_table([theirs], {PAIR.id: "syncing"}, 61 * 10**9)

    assert re.split("  +", line)[-3:] == ["daemon", "now", "syncing"]


@pytest.mark.parametrize(("until_ms", "text"), [(-1, "paused until it is resumed"), (10**12, "paused until 2001-09-")])
def test_a_pause_says_its_end(until_ms: int, text: str) -> None:
    """A moment, or none."""
    assert paused_text(replace(PAIR, paused_until_ms=until_ms)).startswith(text)


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (Why(PAIR, "a", Status.SYNCED), ["a: synced"]),
        (
            Why(PAIR, "a", Status.PENDING, detail="it is new here"),
            ["a: pending: it is new here", "to do: mega sync --once /home/a/docs /docs"],
        ),
        (
            Why(PAIR, "a.log", Status.IGNORED, Reason.EXCLUDED, Rule(".megaignore", 2, "*.log", leaves_out=True)),
            ["a.log: ignored by line 2 of .megaignore: *.log"],
        ),
        (
            Why(PAIR, "a/b", Status.STALLED, Reason.UNREADABLE, detail="a"),
            ["a/b: stalled, with a: it cannot be read here", "to do: see its permissions and its disk, and run again"],
        ),
        (Why(PAIR, ".mega", Status.OWN), [".mega: own, it is mega's own and is never synced"]),
    ],
)
def test_why_answers_in_a_line_and_says_what_to_do(answer: Why, lines: list[str]) -> None:
    """As `mega why` prints it."""
    assert why_lines(answer) == lines


def test_why_says_since_when() -> None:
    """Where it is known."""
    held = Why(PAIR, "a", Status.HELD, Reason.HELD, since_ns=1_700_000_000 * 10**9, detail="0a1b2c3d")

    assert why_lines(held)[0] == "a: held, its deletion waits for your word under the name 0a1b2c3d"
    assert why_lines(held)[1].startswith("since 2023-11-1")
    assert why_lines(held)[2] == "to do: mega held approve 0a1b2c3d; or: mega held reject 0a1b2c3d"
