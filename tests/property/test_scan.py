"""Whatever a user does, and whenever: in the end the rows are the disk, and nothing is seen twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mega_cli.crypto.content import content_digest
from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.reconcile.nodes import Node
from mega_cli.reconcile.situation import DiskRules
from tests.unit.sync.scanning import SimBench, StillClock

_NAMES: Final = (b"a", b"b", b"c", b"A")
_WAITS_S: Final = (0.0, 0.001, 0.5, 3.0, 20.0)
_TICKS_NS: Final = (1, 20_000_000, 1_000_000_000, 2_000_000_000)


def _some_place(chance: random.Random) -> Place:
    return tuple(chance.choice(_NAMES) for _ in range(chance.randint(1, 3)))


def _act(sim: SimBench, chance: random.Random) -> None:
    """Let the user do one thing, or fail to."""
    if not sim.bench.settings.ids_are_stable:
        sim.clock.sleep(2.1)  # there stamps alone tell two files of one size apart: none of one tick
    user, one, other = sim.user, _some_place(chance), _some_place(chance)
    data = bytes(chance.choices(b"xyz", k=chance.randint(0, 3)))
    acts: list[Callable[[], None]] = [
        lambda: user.write(one, data),
        lambda: user.save(one, data, keeps_backup=chance.random() < 0.3),
        lambda: user.append(one, data),
        lambda: user.rename(one, other),
        lambda: user.rename(one, other),
        lambda: user.swap(one, other),
        lambda: user.remove(one),
        lambda: user.make_folder(one),
        lambda: user.link(one, data or b"t"),
        lambda: user.hard_link(one, other),
        lambda: user.chmod(one, chance.choice((0o600, 0o755))),
        lambda: user.touch(one, chance.choice((None, 0, -7, 5_000_000_000))),
        lambda: sim.clock.sleep(chance.choice(_WAITS_S)),
    ]
    with suppress(OSError):
        chance.choice(acts)()


def _scan_meddled_with(sim: SimBench, chance: random.Random) -> None:
    """Scan while the user acts between two calls."""
    left = chance.randint(0, 40)

    def meddle(_call: str, _place: Place) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            _act(sim, chance)

    sim.disk.on_call = meddle
    sim.bench.scan()
    sim.disk.on_call = lambda _call, _place: None
    sim.bench.nodes()  # well formed at every moment


def _expected(sim: SimBench) -> dict[str, object]:
    """Say what is on the disk, as nodes would."""
    found: dict[str, object] = {}
    for at, left in sim.user.tree().items():
        stamps = sim.user.look(at).stamps
        path = b"/".join(at).decode()
        if left is None:
            found[path] = ("d", stamps.mode & 0o777)
        elif isinstance(left, bytes):
            found[path] = ("f", content_digest(left), len(left), stamps.mode & 0o777, stamps.mtime_ns)
        else:
            found[path] = ("l", left.removeprefix("-> "))
    return found


def _shown(node: Node) -> object:
    if node.kind == "d":
        return "d", node.mode
    return ("l", node.target) if node.kind == "l" else ("f", node.digest, node.size, node.mode, node.mtime_ns)


@example(157, True, 1, False)  # a folder was gone before the one that had left it could arrive
@example(6208, True, 1, True)  # two rows had one inode, and the other one was taken for the folder
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.booleans(), st.sampled_from(_TICKS_NS), st.booleans())
def test_the_rows_become_the_disk(seed: int, ids_are_stable: bool, tick_ns: int, folds_case: bool) -> None:  # noqa: FBT001 -- drawn
    """At every scan the tree is well formed; once the user rests, it is the disk, and the next scan sees nothing."""
    chance = random.Random(seed)

    def disk_of(clock: StillClock) -> SimDisk:
        return SimDisk(clock.now_ns, tick_ns=tick_ns, folds_case=folds_case, is_forgetful=False)

    sim = SimBench(disk_of, ids_are_stable=ids_are_stable, disk=DiskRules(folds_case=folds_case, folds_form=folds_case))
    for _ in range(chance.randint(1, 6)):
        for _ in range(chance.randint(1, 12)):
            _act(sim, chance)
        _scan_meddled_with(sim, chance)
        if chance.random() < 0.2:
            sim.bench.start_again()
    observation = sim.bench.settle()

    assert observation.stalled == {}
    assert {path: _shown(node) for path, node in sim.bench.nodes().items()} == _expected(sim)
    again = sim.bench.settle()
    assert (again.rows, again.gone, again.bytes_hashed) == ([], [], 0)
