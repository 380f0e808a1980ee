"""A worker: when it runs cycles, what it says, what it does about errors, and how it lets go."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from mega_cli.api.retry import RetryableError
from mega_cli.daemon.display import CutShort
from mega_cli.daemon.inbox import Word
from mega_cli.daemon.live_pair import Counts
from mega_cli.errors import (
    IntegrityError,
    LimitError,
    LockedError,
    MegaError,
    NotLoggedInError,
    RollbackError,
    SafetyStopError,
)
from mega_cli.localfs.hints import EVERYWHERE, Health, Hint
from mega_cli.reconcile.actions import Plan
from mega_cli.sync.pairs import UNTIL_RESUMED
from mega_cli.sync.report import CycleReport, Failure
from tests.kit.worker_world import PAIR, START_MS, WELL, World

OFFLINE = RetryableError("the server cannot be reached", "check the network")
GONE = SafetyStopError("the folder is gone", "mount it")


def test_it_looks_at_everything_first() -> None:
    """Whatever happened while nobody listened is found; then the pair is up to date, and nothing more is done."""
    world = World()

    status = world.run(100)

    assert [scope for _, scope in world.ran] == [None]
    assert world.states() == ["scanning", "up-to-date"]
    assert (status.last_checked_ms, status.last_scan_ms) == (START_MS, START_MS)
    assert world.ended == [100]


def test_a_hint_makes_it_look_there() -> None:
    """A second after the last hint, and nowhere else; until then it does not say that all is up to date."""
    world = World()
    world.at(50, lambda: world.hints.take(Hint((b"docs", b"plan"), is_folder=False)))
    world.at(50.5, lambda: world.hints.take(Hint((b"music",))))

    world.run(100)

    assert world.ran[1:] == [(51.5, frozenset({(b"docs",), (b"music",)}))]
    assert (50, "waiting") in world.said


def test_what_is_hinted_at_during_a_cycle_is_looked_at_after_it() -> None:
    """A cycle that began before a change may not have seen it."""
    world = World()
    world.during.append(lambda: world.hints.take(Hint((b"docs",))))

    world.run(100)

    assert [scope for _, scope in world.ran] == [None, frozenset({(b"docs",)})]


def test_a_new_revision_makes_it_look_at_the_volume() -> None:
    """And at nothing of the folder. One that was verified already is none."""
    world = World()
    world.at(50, lambda: world.worker.hear_revision(world.head))
    world.at(60, lambda: world.worker.hear_revision(world.head + 1))

    world.run(100)

    assert world.ran[1:] == [(60, frozenset())]


def test_up_to_date_is_forgotten_when_the_volume_was_not_heard_of() -> None:
    """What the server says of an unmoved head counts as heard; silence does not."""
    heard, deaf = World(), World()
    for at_s in range(55, 600, 55):
        heard.at(at_s, lambda: heard.worker.hear_revision(None))

    assert heard.run(600).state == "up-to-date"
    assert deaf.run(600).state == "offline"


@pytest.mark.parametrize(
    ("report", "counts", "health", "state"),
    [
        (WELL, Counts(held=3), Health("watching"), "held"),
        (WELL, Counts(stalled=1), Health("watching"), "attention"),
        (WELL, Counts(conflicts=1), Health("watching"), "attention"),
        (WELL, Counts(absent=4), Health("partly", "limit", "sysctl"), "up-to-date"),
        (WELL, Counts(), Health("broken", "nothing is heard", "restart"), "attention"),
        (CycleReport(Plan(), waiting_s=500.0), Counts(), Health("watching"), "waiting"),
        (CycleReport(Plan(), failures=(Failure("a", OFFLINE),)), Counts(), Health("watching"), "offline"),
        (CycleReport(Plan(), failures=(Failure("a", LimitError("full")),)), Counts(), Health("watching"), "waiting"),
    ],
)
def test_it_says_what_it_needs(report: CycleReport, counts: Counts, health: Health, state: str) -> None:
    """One state for the worst of what is left, and the figures beside it."""
    world = World(usual=report, counted=counts)
    world.hints.state = health

    status = world.run(1)

    assert status.state == state
    assert (status.stalled, status.held, status.conflicts, status.absent) == counts
    assert status.watcher == health.state


def test_without_a_network_it_tries_again_and_keeps_listening() -> None:
    """Ever more seldom, up to a minute; the folder stays open and the watcher stays."""
    world = World(usual=OFFLINE)

    status = world.run(400)

    times = [at_s for at_s, _ in world.ran]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[:4] == [5, 10, 20, 40]
    assert set(pauses[4:]) == {60}
    assert (status.state, status.error, status.message) == ("offline", "temporary", OFFLINE.message)
    assert len(world.opened) == 1


def test_a_network_that_is_missing_at_the_start_is_waited_for() -> None:
    """Before the first run the remote folder is looked for: that fails, and is tried again."""
    world = World(openings=dict.fromkeys(range(3), OFFLINE))

    status = world.run(100)

    assert world.opened == [0, 5, 15, 35]
    assert status.state == "up-to-date"
    assert "offline" in world.states()


def test_a_feed_that_is_heard_again_ends_the_wait_for_the_network() -> None:
    """Nobody waits out a minute when the server is back."""
    world = World(openings=dict.fromkeys(range(4), OFFLINE))
    world.at(40, lambda: world.worker.inbox.say(Word.MOVED))

    world.run(60)

    assert world.opened == [0, 5, 15, 35, 40]


def test_a_folder_that_is_gone_freezes_and_heals() -> None:
    """It is looked for every half minute, and taken up as if the daemon had just begun: with a look at everything."""
    world = World(cycles={1: GONE})
    world.at(50, lambda: world.hints.take(EVERYWHERE))
    world.openings = {1: GONE, 2: GONE}
    world.at(52, lambda: world.said.append((52, world.worker.status().state)))

    status = world.run(200)

    assert (52, "frozen") in world.said
    assert world.opened == [0, 81, 111, 141]
    assert world.ran[2] == (141, None)
    assert status.state == "up-to-date"
    assert (status.message, status.hint, status.error) == ("", "", "")


def test_a_folder_that_is_another_is_not_synced() -> None:
    """Before each cycle it is asked; then the pair is opened anew, which judges what is there."""
    world = World()
    world.at(50, lambda: setattr(world, "is_as_opened", False))
    world.at(50, lambda: setattr(world, "closed", GONE))
    world.at(60, lambda: world.hints.take(Hint((b"docs",))))

    status = world.run(70)

    assert len(world.ran) == 1
    assert (status.state, status.hint) == ("frozen", "mount it")


@pytest.mark.parametrize("error", [IntegrityError(), RollbackError("the server went back", "mega trust accept")])
def test_after_a_lie_nothing_is_done_until_the_user_says_so(error: MegaError) -> None:
    """No hint, feed, time or borrower ends that; the user's word does."""
    world = World(cycles={0: error})
    world.at(100, lambda: world.hints.take(EVERYWHERE))
    world.at(200, lambda: world.worker.inbox.say(Word.MOVED))
    world.at(300, lambda: world.worker.inbox.say(Word.LOOK))
    lending = world.worker.inbox.borrowed(0.0)
    world.at(400, lending.__enter__)
    world.at(500, lambda: lending.__exit__(None, None, None))
    world.at(99_000, lambda: world.said.append((99_000, world.worker.status().state)))
    world.at(100_000, lambda: world.worker.inbox.say(Word.NOW))

    status = world.run(100_001)

    assert (99_000, "frozen") in world.said
    assert [at_s for at_s, _ in world.ran] == [0, 100_000]
    assert status.state == "up-to-date"


def test_many_damaged_files_are_a_lie() -> None:
    """A blob that is damaged lets one file stand still; three in a cycle stop the pair."""
    damaged = tuple(Failure(f"file-{number}", IntegrityError()) for number in range(3))
    few, many = (
        World(usual=CycleReport(Plan(), failures=damaged[:2])),
        World(usual=CycleReport(Plan(), failures=damaged)),
    )

    assert few.run(1).state == "waiting"
    assert many.run(1).state == "frozen"


def test_a_session_that_ended_is_waited_for() -> None:
    """Another session on this device heals it within seconds; until then the server is left alone."""
    signed_out = NotLoggedInError("this device is not logged in", "log in: mega login")
    world = World(cycles={1: signed_out})
    world.at(50, lambda: world.worker.inbox.say(Word.MOVED))
    world.at(4_998, lambda: setattr(world, "session", "second"))

    status = world.run(5_100)

    assert world.opened == [0, 5_000]
    assert (50, "frozen") in world.said
    assert status.state == "up-to-date"


def test_a_run_of_a_command_is_waited_for() -> None:
    """`mega sync --once` beside a daemon that does not know of it holds the pair for a while."""
    world = World(openings={0: LockedError("another run is active")})

    assert world.run(10).state == "up-to-date"
    assert world.states()[:2] == ["waiting", "starting"]


def test_a_disk_that_refuses_is_no_bug() -> None:
    """What the system says while the pair is opened is waited out like a folder that is gone."""
    world = World(openings={0: PermissionError(13, "no")})

    assert world.run(10).state == "frozen"
    assert world.worker.status().error == "permission_denied"


def test_a_bug_stops_the_pair_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Where it happened stands in the log, without its words, which may hold names; the user's word tries again."""
    world = World(cycles={0: ZeroDivisionError("unforeseen")})
    world.at(7_000, lambda: world.said.append((7_000, world.worker.status().state)))
    world.at(8_000, lambda: world.worker.inbox.say(Word.NOW))

    status = world.run(8_001)

    assert (7_000, "stopped") in world.said
    assert "ZeroDivisionError" in caplog.text
    assert "in cycle" in caplog.text
    assert "unforeseen" not in caplog.text
    assert status.state == "up-to-date"


def test_a_pause_lets_go_of_the_pair() -> None:
    """Until it ends by itself everything is closed; then everything is looked at."""
    world = World()
    paused = replace(PAIR, paused_until_ms=START_MS + 500_000)
    world.at(100, lambda: world.worker.change(paused))
    world.at(150, lambda: world.hints.take(EVERYWHERE))
    world.at(150, lambda: world.said.append((150, world.worker.status().state)))

    status = world.run(600)

    assert world.ended[0] == 100
    assert (150, "paused") in world.said
    assert 500 <= world.ran[1][0] <= 530
    assert (status.state, status.paused_until_ms) == ("up-to-date", START_MS + 500_000)


def test_a_pause_without_an_end_lasts_until_it_is_resumed() -> None:
    """The user resumes it, and is heard at once."""
    world = World()
    world.at(100, lambda: world.worker.change(replace(PAIR, paused_until_ms=UNTIL_RESUMED)))
    world.at(9_000, lambda: world.worker.change(PAIR))

    world.run(9_010)

    assert [at_s for at_s, scope in world.ran if scope is None] == [0, 9_000]


def test_a_lent_pair_is_free_and_comes_back() -> None:
    """Its folder, state and lock are closed before the borrower has it; then everything is looked at."""
    world = World()
    lending = world.worker.inbox.borrowed(0.0)
    world.at(100, lending.__enter__)
    world.at(150, lambda: world.said.append((150, world.worker.status().state)))
    world.at(200, lambda: lending.__exit__(None, None, None))

    world.run(300)

    assert world.ended[0] == 100
    assert (150, "lent") in world.said
    assert world.opened == [0, 200]


def test_a_frozen_pair_is_lent_quietly() -> None:
    """However long it is lent: that its time to be tried again has come wakes nobody, until it is back."""
    world = World(openings={0: GONE})
    lending = world.worker.inbox.borrowed(0.0)
    world.at(10, lending.__enter__)
    world.at(1_000, lambda: lending.__exit__(None, None, None))

    status = world.run(1_010)

    assert world.opened == [0, 1_000]
    assert world.waits < 100
    assert (status.state, status.watcher) == ("up-to-date", "watching")


def test_a_login_that_comes_before_the_refusal_is_heard_is_not_missed() -> None:
    """The session that was refused is the one the pair was opened with."""
    world = World(cycles={0: NotLoggedInError("ended")})
    world.during.append(lambda: setattr(world, "session", "second"))

    assert world.run(1).state == "up-to-date"


def test_a_cycle_is_cut_short_for_a_borrower() -> None:
    """Nobody waits for the end of a long transfer; the pair is not ended in order, and recovers as from a kill."""
    world = World()
    lending = world.worker.inbox.borrowed(0.0)

    def transfer() -> None:
        lending.__enter__()
        assert world.display is not None
        world.display.advance(1)
        pytest.fail("it went on")

    world.during.append(transfer)
    world.at(50, lambda: lending.__exit__(None, None, None))

    world.run(100)

    assert world.opened == [0, 50]
    assert world.ended == [100]


def test_verify_has_every_file_read_again() -> None:
    """Also when it is asked while the pair is paused."""
    world = World()
    world.at(100, lambda: world.worker.inbox.say(Word.VERIFY))
    world.at(200, lambda: world.worker.change(replace(PAIR, paused_until_ms=UNTIL_RESUMED)))
    world.at(250, lambda: world.worker.inbox.say(Word.VERIFY))
    world.at(300, lambda: world.worker.change(PAIR))

    world.run(400)

    assert world.distrusted == 2
    assert [scope for at_s, scope in world.ran if at_s >= 100] == [None, None]


@pytest.mark.parametrize(("steady_s", "wall_s"), [(0, 7_200), (1_200, 1_200)])
def test_a_machine_that_slept_is_looked_at_anew(steady_s: int, wall_s: int) -> None:
    """Whether its steady clock stood still, or the process alone was stopped."""
    world = World()

    def sleep() -> None:
        world.clock.steady += steady_s
        world.clock.wall_ns += wall_s * 10**9

    world.at(30, sleep)
    world.run(1_300)

    assert [scope for _, scope in world.ran] == [None, None]
    assert world.sleeps == 1


def test_an_idle_worker_hardly_wakes() -> None:
    """For an hour it only asks its watcher, once a minute."""
    world = World()

    world.run(2_000)

    assert world.hints.ticks <= 2_000 / 60 + 3
    assert len(world.ran) == 1


def test_cutting_short_is_no_failure_of_an_item() -> None:
    """Nothing that catches errors of items, or of the system, catches it."""
    assert not issubclass(CutShort, Exception)
