"""The promises of `Hints`, over every member."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.localfs.hints import EVERYWHERE, Hint
from tests.kit.followers import Hands, image_of
from tests.kit.hint_rigs import EXACT, MEMBERS, Rig, rig_called

A, B, C, FILE = (b"a",), (b"b",), (b"c",), (b"a", b"file")
DEEP, DEEP_FILE = (b"a", b"deep"), (b"a", b"deep", b"file")


@pytest.fixture(params=MEMBERS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Each member in turn."""
    with rig_called(request.param, tmp_path) as rig:
        yield rig


@pytest.fixture(params=EXACT)
def exact(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Each member that tells one change by one hint."""
    with rig_called(request.param, tmp_path) as rig:
        yield rig


def test_the_first_hint_is_everywhere(rig: Rig) -> None:
    """Whoever starts is told to look everywhere, before `start` returns."""
    rig.hints.start(rig.inbox.take)
    assert rig.inbox.since() == [EVERYWHERE]


CHANGES: dict[str, Callable[[Hands], None]] = {
    "a new file": lambda hands: hands.write((b"a", b"new"), b"1"),
    "a file written again": lambda hands: hands.write(FILE, b"other"),
    "a removed file": lambda hands: hands.remove(FILE),
    "a renamed file": lambda hands: hands.rename(FILE, (b"a", b"other")),
    "a file moved in": lambda hands: hands.rename((b"b", b"file"), FILE),
    "a file moved out": lambda hands: hands.rename(FILE, (b"b", b"file")),
    "a new folder": lambda hands: hands.make_folder((b"a", b"new")),
    "a removed folder": lambda hands: hands.remove(DEEP),
    "a folder moved in": lambda hands: hands.rename((b"b", b"deep"), (b"a", b"other")),
    "a folder moved out": lambda hands: hands.rename(DEEP, (b"b", b"other")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_told_by_its_folder(rig: Rig, change: Callable[[Hands], None]) -> None:
    """Whatever changes in a watched folder has that folder listed."""
    for folder in (A, B):
        rig.hands.write((*folder, b"file"), b"1")
        rig.hands.write((*folder, b"deep", b"file"), b"1")
    rig.start()
    mark = rig.inbox.mark()
    change(rig.hands)
    rig.told_after(mark, A)


def test_a_closed_file_is_told_as_closed(exact: Rig) -> None:
    """Whoever closes what they wrote is told by a hint that waives its age."""
    exact.start()
    mark = exact.inbox.mark()
    exact.hands.write((b"file",), b"1")
    exact.move()
    exact.inbox.wait(lambda hints: Hint((b"file",), is_folder=False, was_closed=True) in hints, mark)


def test_our_own_folder_is_not_told(exact: Rig) -> None:
    """What happens in `.mega`, and to it, leads to no hint."""
    exact.start()
    mark = exact.inbox.mark()
    exact.hands.write((b".mega", b"tmp", b"part"), b"1")
    exact.hands.rename((b".mega", b"tmp"), (b".mega", b"other"))
    exact.hands.remove((b".mega",))
    assert not exact.told_before_fence(mark)


def test_reading_is_not_told(exact: Rig) -> None:
    """Listing, looking and reading lead to no hint."""
    exact.hands.write(DEEP_FILE, b"1")
    exact.start()
    mark = exact.inbox.mark()
    image_of(exact.disk)
    exact.hands.read(DEEP_FILE)
    assert not exact.told_before_fence(mark)


def test_what_moved_out_is_not_told(exact: Rig) -> None:
    """A folder that left is watched no longer."""
    exact.hands.write(DEEP_FILE, b"1")
    exact.start()
    mark = exact.inbox.mark()
    exact.hands.rename(A, (b".mega", b"trashed"))
    exact.told_after(mark, ())
    mark = exact.inbox.mark()
    exact.hands.write((b".mega", b"trashed", b"deep", b"file"), b"2")
    assert not exact.told_before_fence(mark)


# --- following --------------------------------------------------------------------------------------------------------


def _replaced(hands: Hands) -> None:
    """Let another folder have the name, most likely with the same inode numbers."""
    hands.remove(A)
    hands.write(DEEP_FILE, b"2")


def _moved_and_replaced(hands: Hands) -> None:
    hands.rename(A, C)
    hands.write(DEEP_FILE, b"2")
    hands.write((b"c", b"deep", b"file"), b"3")


def _out_and_back(hands: Hands) -> None:
    hands.rename(A, (b".mega", b"aside"))
    hands.write((b".mega", b"aside", b"deep", b"file"), b"2")
    hands.rename((b".mega", b"aside"), A)


def _unpacked(hands: Hands) -> None:
    for number in range(60):
        hands.write((b"new", b"%d" % (number % 7), b"%d" % (number % 3), b"%d" % number), b"1")


STORIES: dict[str, Callable[[Hands], None]] = {
    "folders made quickly": lambda hands: hands.write((b"p", b"q", b"r", b"s", b"file"), b"1"),
    "an unpacked archive": _unpacked,
    "a folder moved in": lambda hands: hands.rename((b".mega", b"ready"), C),
    "a replaced folder": _replaced,
    "a folder moved along": lambda hands: hands.rename(DEEP, (b"b", b"other")),
    "a folder moved, its name taken": _moved_and_replaced,
    "folders that change places": lambda hands: hands.swap(A, B),
    "a folder that went and came back": _out_and_back,
    "a removed tree": lambda hands: hands.remove(A),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_hints_are_enough(rig: Rig, story: Callable[[Hands], None]) -> None:
    """Whoever lists what is told, and below it what was not watched, has seen everything; and again later."""
    for place in (DEEP_FILE, (b"b", b"deep", b"file"), (b".mega", b"ready", b"deep", b"file")):
        rig.hands.write(place, b"1")
    follower = rig.start()
    story(rig.hands)
    rig.follow(follower)
    for seen, left in image_of(rig.disk).items():
        if left is not None:
            rig.hands.write(seen, b"later")
    rig.follow(follower)


def test_hints_are_enough_in_a_storm(rig: Rig) -> None:
    """They are enough too while somebody makes, moves and removes folders without a pause."""
    follower = rig.start()
    for seed in range(4):
        _storm(rig, random.Random(seed), 40)
        follower.follow()
    rig.follow(follower)


def _storm(rig: Rig, chance: random.Random, count: int) -> None:
    """Change what is there, at random."""
    for number in range(count):
        image = image_of(rig.disk)
        folders = [place for place, left in image.items() if left is None]
        choices: list[Place] = [(), *folders]
        into = chance.choice(choices)[:3]
        name = (*into, chance.choice([b"x", b"y", b"z"]))
        old = chance.choice(folders) if folders else None
        if old is not None and chance.random() < 0.2:
            rig.hands.remove(old)
        elif old is not None and chance.random() < 0.4 and name not in image and name[: len(old)] != old:
            rig.hands.rename(old, name)
        elif name not in image and chance.random() < 0.5:
            rig.hands.make_folder((*name, b"sub"))
        else:
            rig.hands.write((*into, b"file"), b"%d" % number)


# --- calls at any time ------------------------------------------------------------------------------------------------


def test_nothing_is_told_after_the_end(rig: Rig) -> None:
    """After `stop` nothing comes, whatever happens and is called."""
    rig.start()
    rig.hints.stop()
    mark = rig.inbox.mark()
    rig.hands.write((b"file",), b"1")
    rig.move()
    rig.hints.tick(1e9)
    rig.hints.watch(())
    rig.hints.stop()
    assert not rig.inbox.since(mark)
    assert rig.hints.health().state == "broken"


def test_no_thread_is_left(rig: Rig) -> None:
    """`stop` ends the threads, within its five seconds, also while events pour in."""
    before = set(threading.enumerate())
    follower = rig.start()
    is_over = threading.Event()

    def pour() -> None:
        while not is_over.is_set():
            rig.hands.write((b"file",), b"1")

    pouring = threading.Thread(target=pour)
    pouring.start()
    try:
        rig.move()
        follower.follow()
        stopping = threading.Thread(target=rig.hints.stop)
        stopping.start()
        stopping.join(5)
        assert set(threading.enumerate()) - before <= {pouring}
    finally:
        is_over.set()
        pouring.join()


def test_stop_needs_no_start(rig: Rig) -> None:
    """A member that was not started can be stopped."""
    rig.hints.stop()
    assert rig.hints.health().state == "broken"


@pytest.mark.parametrize(
    "place",
    [(b"none",), (b"file",), (b"file", b"below"), (b"link",), (b"..",), (b"",), (b"a/b",), (b"a\0b",), (b"x" * 300,)],
)
def test_anything_may_be_watched(rig: Rig, place: Place) -> None:
    """What is no folder is to be looked at, and no error; before the start and afterwards."""
    rig.hands.write((b"file",), b"1")
    rig.disk.make_link((b"link",), b"..")
    assert rig.hints.watch(place)
    rig.start()
    assert rig.hints.watch(place)
    assert rig.hints.health().state != "broken"


def test_ticks_may_come_early(rig: Rig) -> None:
    """A tick says when it wants the next one, however early it came."""
    rig.start()
    assert all(rig.hints.tick(steady_s) >= 0 for steady_s in (0.0, 0.0, 1.0, 1.0, 0.5))
