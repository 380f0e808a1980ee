"""The feed's thread: whom it tells what, and when it asks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mega_cli.api.feed import FeedAnswer
from mega_cli.api.retry import RetryableError
from mega_cli.daemon.feed_watch import FeedWatch
from mega_cli.daemon.status import FeedState
from mega_cli.errors import IntegrityError, MegaError, NotLoggedInError, PolicyError
from mega_cli.model import VolumeId
from tests.kit.worker_world import Clocks

MINE = VolumeId(bytes(16))
OTHER = VolumeId(bytes(15) + b"o")
FIRST = FeedAnswer("1", is_reset=True, revisions={}, rest_s=0.0)
NOTHING = FeedAnswer("1", is_reset=False, revisions={}, rest_s=0.0)
AWAY = RetryableError("the server cannot be reached")


@dataclass
class FeedWorld:
    """A server that answers what the test says, and who listens; it ends with the answers."""

    answers: list[FeedAnswer | MegaError | OSError]
    took_s: float = 55.0
    session: str = "first"
    told: list[str | int | None] = field(default_factory=list)
    stood: list[FeedState] = field(default_factory=list)
    asked: list[tuple[float, str]] = field(default_factory=list)
    opened: int = 0
    waits: list[Callable[[], object]] = field(default_factory=list)
    """What happens while it waits, once each."""

    def __post_init__(self) -> None:
        """Ask nothing yet."""
        self.clock = Clocks()
        self.watch = FeedWatch(
            self._open, lambda: self.session, self, self.clock, wait=self._wait, fraction=lambda: 0.5
        )

    def run(self) -> None:
        """Watch until the answers are over."""
        self.watch.run()

    def feed(self, after: str, wait_s: float) -> FeedAnswer:
        """Answer."""
        assert wait_s == 55
        self.asked.append((self.clock.steady, after))
        answer = self.answers.pop(0)
        if not self.answers:
            self.watch.stop()
        if isinstance(answer, MegaError | OSError):
            raise answer
        self.clock.sleep(self.took_s)
        return answer

    def close(self) -> None:
        """Hang up."""

    def head_moved(self) -> None:
        """Hear it."""
        self.told.append("look")

    def head_is_at(self, revision: int | None) -> None:
        """Hear it."""
        self.told.append(revision)

    def feed_stands(self, state: FeedState, _message: str) -> None:
        """Hear it."""
        self.stood.append(state)

    def _open(self) -> tuple[FeedWorld, VolumeId]:
        self.opened += 1
        return self, MINE

    def _wait(self, seconds: float) -> bool:
        self.clock.sleep(seconds)
        if self.waits:
            self.waits.pop(0)()
        return not self.answers


def _half() -> float:
    return 0.5


def test_it_tells_what_the_server_says_of_this_volume() -> None:
    """A first answer says to look; then a revision, nothing, and nothing of another volume."""
    moved = FeedAnswer("2", is_reset=False, revisions={MINE: 8}, rest_s=0.0)
    elsewhere = FeedAnswer("3", is_reset=False, revisions={OTHER: 9}, rest_s=0.0)
    world = FeedWorld([FIRST, moved, NOTHING, elsewhere, NOTHING])

    world.run()

    assert world.told == ["look", 8, None, None]
    assert [after for _, after in world.asked] == ["", "1", "2", "1", "3"]
    assert set(world.stood) == {"live"}


def test_a_server_that_cannot_hold_a_question_is_polled_as_it_says() -> None:
    """It names the pause."""
    busy = FeedAnswer("1", is_reset=False, revisions={}, rest_s=20.0)
    world = FeedWorld([busy, busy, NOTHING], took_s=0.0)

    world.run()

    assert [at_s for at_s, _ in world.asked] == [0, 20, 40]
    assert world.stood == ["polling", "polling"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AWAY, "offline"),
        (PolicyError("other"), "polling"),
        (IntegrityError(), "polling"),
        (PermissionError(13, "of the session's file"), "polling"),
    ],
)
def test_while_it_is_not_heard_heads_are_looked_at_every_minute(error: MegaError | OSError, state: str) -> None:
    """Whatever is wrong with it: soon at first, then about once a minute; and each time anew."""
    world = FeedWorld([error] * 12)

    world.run()

    times = [at_s for at_s, _ in world.asked]
    assert times[:7] == [0, 1, 3, 7, 15, 31, 63]
    assert times[-1] - times[-2] == 60
    assert world.told == ["look"] * 6
    assert set(world.stood) == {state}
    assert world.opened == 12


def test_a_server_that_names_a_delay_is_asked_after_it() -> None:
    """But never later than in a minute."""
    world = FeedWorld([RetryableError("busy", retry_after_s=30.0), RetryableError("busy", retry_after_s=9_000.0), AWAY])

    world.run()

    assert [at_s for at_s, _ in world.asked] == [0, 30, 90]


def test_a_restart_of_the_server_is_noticed_soon() -> None:
    """After a cut connection it asks again within a second or two."""
    world = FeedWorld([FIRST, AWAY, FIRST, NOTHING])

    world.run()

    assert world.asked[2][0] - world.asked[1][0] == 1
    assert world.stood == ["live", "offline", "live"]


def test_a_session_that_ended_is_waited_for() -> None:
    """The workers are told to look, so that each says why it stops; then the server is left alone until a login."""
    world = FeedWorld([FIRST, NotLoggedInError("signed out"), FIRST, NOTHING])
    world.waits = [bool, bool, bool, bool, lambda: setattr(world, "session", "second")]

    world.run()

    assert world.told == ["look", "look", "look"]
    assert "signed-out" in world.stood
    assert world.asked[2][0] - world.asked[1][0] == 20


def test_what_comes_after_the_stop_is_not_told() -> None:
    """A question is not given up when the daemon ends; its answer is."""
    world = FeedWorld([FIRST])

    world.run()

    assert world.told == []
