"""Exhaustive crash points: each operation of sync is stopped before every call it makes, and must lose nothing.

A call is one of `Disk`, of `RemoteFolder` (before it reaches the server, and after) or the begin and the commit of a
transaction. "After a call" is "before the next": between two calls nothing leaves the process. The process is killed
there, or the power is cut, which also takes from the disk what was not synced; then a new one goes on from what is
left. `python -m tests.simulator.test_crash_points` takes every point with every kind of power cut, and counts them.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_user import Left
from tests.kit.sync_pair import SyncPair, place, two_pairs

NOTHING: Final = 2
"""With this seed, a power cut takes everything that was not synced."""
POWER_SEEDS: Final = (NOTHING, 7, 9)
"""Those for everything, everything since some moment, and this and that."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d{6}")


class CrashError(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Operation:
    """What both have, what is then done here or on the other device, and how many conflict copies that makes.

    `rules`: contents that no conflict copy, trash or history has to hold, because nobody ever wrote them on purpose.
    """

    name: str
    before: Callable[[SyncPair], None]
    there: Callable[[SyncPair], None] = lambda _pair: None
    here: Callable[[SyncPair], None] = lambda _pair: None
    copies: int = 0


def _files(**files: bytes) -> Callable[[SyncPair], None]:
    def save(pair: SyncPair) -> None:
        for name, data in files.items():
            pair.save(name.replace("__", "/"), data)

    return save


def _renamed(*moves: tuple[str, str]) -> Callable[[SyncPair], None]:
    def rename(pair: SyncPair) -> None:
        for source, target in moves:
            pair.user.rename(place(source), place(target))

    return rename


def _removed(*paths: str) -> Callable[[SyncPair], None]:
    def remove(pair: SyncPair) -> None:
        for path in paths:
            pair.user.remove(place(path))

    return remove


def _described(pair: SyncPair) -> None:
    pair.user.chmod(place("a"), 0o755)
    pair.user.touch(place("b"), 1_600_000_000_000_000_000)


_ABC: Final = _files(a=b"content of a", b=b"content of b", c=b"content of c")
_TWO: Final = _files(d__a=b"in d", k__a=b"in k")
_TREE: Final = _files(d__e__f=b"deep", d__g=b"less deep", d__h=b"another")
_ROTATION: Final = _renamed(("a", "x"), ("b", "a"), ("c", "b"), ("x", "c"))
_MOVED_FOLDER: Final = _renamed(("d", "t"))
_IGNORED: Final = _files(**{".megaignore": b"a\n"})

OPERATIONS: Final = (
    Operation("upload new", _ABC, here=_files(new=b"a new file")),
    Operation("upload edit", _ABC, here=_files(a=b"edited here")),
    Operation("download new", _ABC, there=_files(new=b"a new file")),
    Operation("download over", _ABC, there=_files(a=b"edited there", b=b"edited there as well")),
    Operation("rename here", _ABC, here=_renamed(("a", "n"))),
    Operation("rename there", _ABC, there=_renamed(("a", "n"))),
    Operation("move folder here", _TREE, here=_MOVED_FOLDER),
    Operation("move folder there", _TREE, there=_MOVED_FOLDER),
    Operation("rotation here", _ABC, here=_ROTATION),
    Operation("rotation there", _ABC, there=_ROTATION),
    Operation("rotation of nodes there", _ABC, there=lambda pair: pair.rename_there({"a": "b", "b": "c", "c": "a"})),
    Operation("swap of folders there", _TWO, there=lambda pair: pair.user.swap(place("d"), place("k"))),
    Operation("conflict copy", _ABC, there=_files(a=b"edited there"), here=_files(a=b"edited here"), copies=1),
    Operation("deletion there", _ABC, there=_removed("a", "b")),
    Operation("deletion here", _ABC, here=_removed("a", "b")),
    Operation("tree made there", _ABC, there=_TREE),
    Operation("tree removed there", _TREE, there=_removed("d")),
    Operation("tree removed here", _TREE, here=_removed("d")),
    Operation("metadata there", _ABC, there=_described),
    Operation("metadata here", _ABC, here=_described),
    Operation("edit and move there", _TREE, there=lambda pair: (_files(d__g=b"edited")(pair), _MOVED_FOLDER(pair))[1]),
    Operation("edit here, move there", _TREE, here=_files(d__g=b"edited here"), there=_MOVED_FOLDER),
    Operation("ignored from now on", _ABC, here=_IGNORED),
    Operation("ignored no longer", lambda pair: (_ABC(pair), _IGNORED(pair))[0], here=_removed(".megaignore")),
)


def ready(operation: Operation) -> tuple[SyncPair, SyncPair]:
    """Make two devices that are equal but for what the operation is about."""
    here, there = two_pairs()
    operation.before(here)
    for pair in (here, there, here):
        assert pair.run()[-1].is_up_to_date
    here.clock.sleep(3_600)
    operation.there(there)
    there.run()
    operation.here(here)
    here.restart()
    return here, there


@dataclass
class Fuse:
    """Counts calls, and ends the process before one of them, and before every later one."""

    at: int = -1
    count: int = 0
    name: str = ""

    def __call__(self, call: str, _place: Place = ()) -> None:
        """Hear of a call."""
        if 0 <= self.at <= self.count:
            if self.count == self.at:
                self.name = call
            self.count += 1
            raise CrashError
        self.count += 1


def light(pair: SyncPair, fuse: Callable[..., None]) -> None:
    """Let the fuse hear every call of a device."""
    pair.disk.on_call = fuse
    pair.on_state = lambda moment: fuse(f"state.{moment}")
    pair.on_remote = lambda moment: fuse(f"remote.{moment}")


def points(operation: Operation) -> int:
    """Count the calls of an operation that is not disturbed."""
    here, _ = ready(operation)
    fuse = Fuse()
    light(here, fuse)
    here.run()
    return fuse.count


def written(here: SyncPair, there: SyncPair) -> set[bytes]:
    """Give every content that a user has written so far."""
    return {data for pair in (here, there) for data in pair.tree().values() if isinstance(data, bytes)}


def crash(operation: Operation, at: int, seed: int | None) -> tuple[SyncPair, SyncPair, set[bytes], str]:
    """Stop the operation before one of its calls, kill the process or cut the power, and look for partial files."""
    here, there = ready(operation)
    tokens = written(here, there) | set(here.volume.blobs.values())
    fuse = Fuse(at)
    light(here, fuse)
    with pytest.raises(CrashError):
        here.run()
    light(here, lambda *_: None)
    here.disk.kill() if seed is None else here.disk.cut_power(random.Random(seed))
    partial = written(here, there) - tokens
    assert not partial, f"a partial file is to be seen after a crash before call {at}, {fuse.name}"
    here.restart()
    return here, there, tokens, fuse.name


Outcome = dict[str, tuple[Left, int, int]]


def outcome(pair: SyncPair) -> Outcome:
    """Give what a user sees in the end, with modes and times; only a conflict copy's name may differ, by its time."""
    found: Outcome = {}
    for path, left in pair.tree().items():
        stamps = pair.user.look(place(path)).stamps
        found[_TIME.sub("TIME", path)] = left, stamps.mode, 0 if left is None else stamps.mtime_ns
    return found


def expected(operation: Operation) -> Outcome:
    """Give the outcome of an operation that is not disturbed."""
    here, there = ready(operation)
    for pair in (here, there, here):
        pair.run()
    return outcome(here)


def faults_of(
    operation: Operation, here: SyncPair, there: SyncPair, tokens: set[bytes], wanted: Outcome
) -> Iterator[str]:
    """Let both go on to quiet, and say what is wrong then."""
    for pair in (here, there, here, there):
        pair.run()
    here.disk.cut_power(random.Random(NOTHING))  # what the state says by now must be so for good
    here.restart()
    for pair in (here, there):
        first = pair.run()[0]
        if not first.is_up_to_date:
            yield f"{pair.name} does not come to rest: {first}"
    if not here.tree() == there.tree() == here.remote_tree():
        yield f"not equal: {here.tree()} {there.tree()} {here.remote_tree()}"
    for pair in (here, there):
        if outcome(pair) != wanted:
            yield f"another outcome on {pair.name}: {outcome(pair)}"
    copies = [path for path in here.tree() if "(conflict" in path]
    if len(copies) != operation.copies:
        yield f"conflict copies: {copies}"
    kept = {*here.tree().values(), *here.hidden().values(), *there.hidden().values(), *here.volume.blobs.values()}
    if lost := tokens - kept:
        yield f"lost: {lost}"
    if here.state.journal():
        yield f"the journal is not empty: {here.state.journal()}"
    if left := [path for path in here.hidden() if path.startswith(("tmp/put-", "tmp/mv-"))]:
        yield f"left in tmp: {left}"


def flaws(operation: Operation, seeds: Callable[[int], Iterable[int | None]]) -> list[str]:
    """Crash before each call, with each of these seeds for power cuts, None for a kill; say what came of it."""
    found = []
    wanted = expected(operation)
    for at in range(points(operation)):
        for seed in seeds(at):
            here, there, tokens, call = crash(operation, at, seed)
            found += [f"{at} {call} {seed}: {fault}" for fault in faults_of(operation, here, there, tokens, wanted)]
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_crash_before_any_call_loses_nothing(operation: Operation) -> None:
    """Killed or without power, before each call in turn: both sides become equal, and everything written is kept."""
    found = flaws(operation, lambda at: (None, POWER_SEEDS[at % len(POWER_SEEDS)]))

    assert found == []


if __name__ == "__main__":
    total, failed = 0, 0
    for each in OPERATIONS:
        count, bad = points(each), flaws(each, lambda _at: (None, *POWER_SEEDS))
        total, failed = total + count, failed + len(bad)
        print(f"{count:5} {each.name}", *bad, sep="\n      ")  # noqa: T201 -- that is what it is for
    print(f"{total:5} points, each killed and {len(POWER_SEEDS)} times without power: {failed} flaws")  # noqa: T201 -- as above
    sys.exit(failed > 0)
