"""The life of WatchdogHints: the canary, beginning anew, limits. No time passes: ticks say what time it is."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Health, Hint
from mega_cli.localfs.watch_hints import ANSWER_S, CANARY_S, WatchdogHints
from mega_cli.localfs.watches import CANARY, OWN
from tests.kit.followers import Inbox

A, BELOW = (b"a",), (b"a", b"below")
WATCHING: Final = Health("watching")
DUE_S: Final = CANARY_S
"""When the first canary is due, after a first tick at 0."""


@dataclass
class FakeSystem:
    """A system that watches as it is told to, and keeps every generation of watches that it gave."""

    opened: list[FakeWatches] = field(default_factory=list)
    refusal: int = 0
    """What it refuses watches with altogether."""
    refused: dict[Place, int] = field(default_factory=dict)
    """What it refuses to watch, and how."""
    sings: bool = True
    """It tells of the canary."""

    def __call__(self, local: bytes, tell: Callable[[Hint], None], heard: threading.Event) -> FakeWatches:
        """Give watches."""
        assert local
        if self.refusal:
            raise OSError(self.refusal, os.strerror(self.refusal))
        self.opened.append(FakeWatches(self, tell, heard))
        return self.opened[-1]


@dataclass
class FakeWatches:
    """One generation."""

    system: FakeSystem
    tell: Callable[[Hint], None]
    heard: threading.Event
    lives: bool = True
    is_closed: bool = False

    def watch(self, place: Place) -> bool:
        """Watch, or refuse."""
        if number := self.system.refused.get(place):
            raise OSError(number, os.strerror(number))
        return True

    def is_well(self) -> bool:
        """Tell what the test wants."""
        return self.lives

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


@dataclass
class Stage:
    """Hints over a fake system and a real folder."""

    root: Path
    system: FakeSystem = field(default_factory=FakeSystem)
    inbox: Inbox = field(default_factory=Inbox)
    draw: float = 0.5

    def __post_init__(self) -> None:
        """Make the folder."""
        self.root.joinpath(".mega").mkdir()
        self.hints = WatchdogHints(self.root, open_watches=self.system, draw=lambda: self.draw)

    def start(self) -> None:
        """Start, and tick for the first time."""
        self.hints.start(self.inbox.take)
        self.hints.tick(0)

    def sing(self) -> None:
        """Tell of the canary, if it was written."""
        if self.root.joinpath(".mega", "canary").exists():
            self.system.opened[-1].heard.set()

    def since_start(self) -> list[Hint]:
        """Give what was told after the first hint."""
        return self.inbox.since(1)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Give a stage."""
    return Stage(tmp_path)


# --- the canary -------------------------------------------------------------------------------------------------------


def test_a_canary_that_is_heard_changes_nothing(stage: Stage) -> None:
    """As long as the system tells of the canary the watches stay."""
    stage.start()
    for minute in (1, 2, 3):
        assert stage.hints.tick(minute * DUE_S) == ANSWER_S
        stage.sing()
        stage.hints.tick(minute * DUE_S + ANSWER_S)
    assert len(stage.system.opened) == 1
    assert not stage.since_start()


def test_a_canary_that_is_not_heard_begins_anew(stage: Stage) -> None:
    """When nothing tells of the canary, all watches are made again, and everything is to be looked at."""
    stage.start()
    stage.hints.tick(DUE_S)
    stage.hints.tick(DUE_S + ANSWER_S)
    assert [watches.is_closed for watches in stage.system.opened] == [True, False]
    assert stage.since_start() == [EVERYWHERE]


def test_a_canary_may_take_its_time(stage: Stage) -> None:
    """Before its time is over nothing happens, and the wait is what is left of it."""
    stage.start()
    stage.hints.tick(DUE_S)
    assert stage.hints.tick(DUE_S + 3) == ANSWER_S - 3
    assert len(stage.system.opened) == 1


def test_each_canary_is_heard_anew(stage: Stage) -> None:
    """That the last canary was heard says nothing of the next one."""
    stage.start()
    stage.hints.tick(DUE_S)
    stage.sing()
    stage.hints.tick(DUE_S + ANSWER_S)
    stage.hints.tick(3 * DUE_S)
    stage.hints.tick(3 * DUE_S + ANSWER_S)
    assert len(stage.system.opened) == 2


def test_a_canary_that_cannot_be_written_says_nothing(stage: Stage) -> None:
    """Without its folder, or on a full or read-only disk, nobody concludes from the silence."""
    stage.root.joinpath(".mega").rmdir()
    stage.start()
    stage.hints.tick(DUE_S)
    stage.hints.tick(DUE_S + ANSWER_S)
    assert len(stage.system.opened) == 1


def test_a_canary_never_leaves_the_folder(stage: Stage, tmp_path: Path) -> None:
    """A link in the place of `.mega` or of the canary is not followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    stage.root.joinpath(".mega").rmdir()
    stage.root.joinpath(".mega").symlink_to(outside)
    stage.start()
    stage.hints.tick(DUE_S)
    assert not list(outside.iterdir())


def test_canaries_of_many_pairs_do_not_keep_step(tmp_path: Path) -> None:
    """The time between two of them is drawn: 45 to 75 seconds."""
    waits = []
    for draw in (0.0, 1.0):
        root = tmp_path / str(draw)
        root.mkdir()
        stage = Stage(root, draw=draw)
        stage.hints.start(stage.inbox.take)
        waits.append(stage.hints.tick(0))
    assert waits == [45, 75]


def test_the_canary_has_its_folder_watched(stage: Stage) -> None:
    """When `.mega` cannot be watched the canary is not asked for."""
    stage.system.refused[OWN] = errno.ENOSPC
    stage.start()
    stage.hints.tick(DUE_S)
    stage.hints.tick(DUE_S + ANSWER_S)
    assert len(stage.system.opened) == 1
    assert not stage.root.joinpath(*map(os.fsdecode, CANARY)).exists()


# --- beginning anew ---------------------------------------------------------------------------------------------------


def test_a_dead_thread_begins_anew_at_once(stage: Stage) -> None:
    """What is seen to be dead needs no canary."""
    stage.start()
    stage.system.opened[0].lives = False
    stage.hints.tick(1)
    assert len(stage.system.opened) == 2
    assert stage.since_start() == [EVERYWHERE]


def test_what_dies_again_and_again_is_not_hurried(stage: Stage) -> None:
    """Two beginnings lie ten seconds apart: each has everything looked at."""
    stage.start()
    for steady_s in (1, 2, 3):
        stage.system.opened[-1].lives = False
        wait_s = stage.hints.tick(steady_s)
    assert len(stage.system.opened) == 2
    assert wait_s == ANSWER_S - 2


def test_nobody_begins_anew_after_the_end(stage: Stage) -> None:
    """A tick after `stop` makes no watches."""
    stage.start()
    stage.hints.stop()
    stage.hints.tick(1e9)
    assert [watches.is_closed for watches in stage.system.opened] == [True]


# --- without any watches ----------------------------------------------------------------------------------------------


def test_without_an_instance_everything_is_polled(stage: Stage) -> None:
    """When the user has no inotify instance left, it is said, with the command, and everything is looked at."""
    stage.system.refusal = errno.EMFILE
    stage.start()
    stage.hints.tick(60)
    assert stage.hints.watch(A)
    assert stage.since_start() == [EVERYWHERE]
    health = stage.hints.health()
    assert health.state == "polling"
    assert "sysctl" in health.hint
    assert "fs.inotify.max_user_instances=" in health.hint


def test_watching_is_tried_again_at_every_poll(stage: Stage) -> None:
    """Once the system permits it, it watches."""
    stage.system.refusal = errno.EMFILE
    stage.start()
    stage.system.refusal = 0
    stage.hints.tick(59)
    assert stage.hints.health().state == "polling"
    stage.hints.tick(60)
    assert stage.hints.health() == WATCHING
    assert stage.since_start() == [EVERYWHERE]


def test_a_folder_that_is_gone_is_polled(stage: Stage) -> None:
    """When the synced folder itself is not there, that is said, and looked at again."""
    stage.system.refusal = errno.ENOENT
    stage.start()
    assert stage.hints.health().state == "polling"
    assert "No such file" in stage.hints.health().message


# --- folders that cannot be watched -----------------------------------------------------------------------------------


def test_the_limit_of_watches_is_told(stage: Stage) -> None:
    """When the limit is reached, health says so, with the line that raises it."""
    stage.system.refused = {A: errno.ENOSPC}
    stage.start()
    assert stage.hints.watch(A)
    health = stage.hints.health()
    assert health.state == "partly"
    assert "1 folder is not watched" in health.message
    assert "fs.inotify.max_user_watches=" in health.hint


def test_what_is_not_watched_is_polled(stage: Stage) -> None:
    """Every minute the topmost folders that are not watched are told, and nothing else."""
    stage.root.joinpath("a", "below").mkdir(parents=True)
    stage.system.refused = {A: errno.ENOSPC, BELOW: errno.ENOSPC}
    stage.start()
    for place in ((), A, BELOW):
        stage.hints.watch(place)
    stage.hints.tick(60)
    assert stage.since_start() == [Hint(A)]


def test_too_many_of_them_are_everything(stage: Stage) -> None:
    """Beyond some hundreds of them everything is looked at."""
    places: list[Place] = [(b"%d" % number,) for number in range(300)]
    for place in places:
        stage.root.joinpath(os.fsdecode(place[0])).mkdir()
    stage.system.refused = dict.fromkeys(places, errno.ENOSPC)
    stage.start()
    for place in places:
        stage.hints.watch(place)
    stage.hints.tick(60)
    assert stage.since_start() == [EVERYWHERE]


def test_what_is_watched_after_all_is_polled_no_more(stage: Stage) -> None:
    """When the limit was raised, the next look has it watched, and health is well."""
    stage.root.joinpath("a").mkdir()
    stage.system.refused = {A: errno.ENOSPC}
    stage.start()
    stage.hints.watch(A)
    stage.system.refused = {}
    assert stage.hints.watch(A)
    stage.hints.tick(60)
    assert stage.hints.health() == WATCHING
    assert not stage.since_start()


def test_what_is_gone_is_polled_no_more(stage: Stage) -> None:
    """A folder that could not be watched, and is removed, troubles nobody."""
    stage.system.refused = {A: errno.ENOSPC}
    stage.start()
    stage.hints.watch(A)
    stage.hints.tick(60)
    assert stage.hints.health() == WATCHING
    assert not stage.since_start()


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES])
def test_what_cannot_be_listed_either_is_no_trouble(stage: Stage, number: int) -> None:
    """A folder that is gone, or may not be read, is the scanner's to report."""
    stage.system.refused = {A: number}
    stage.start()
    assert stage.hints.watch(A)
    assert stage.hints.health() == WATCHING
