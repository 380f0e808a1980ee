"""Scenario 60: the process killed, or the power cut, before every single call of every kind of work.

Each operation is played once to count its calls to disk, state and remote, then once for every call and kind of crash.
The device starts again, and all must come to the end that no crash would have prevented. In `make sim` every call meets
every kind of crash, otherwise the kinds take turns.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from tests.simulator.stage import Device, Stage, Tree, machine

_DAY_NS: Final = 86_400 * 10**9
KINDS: Final = 3
"""Killed, and two ways in which the power is cut; the clock is then a day late, right, or a day early."""
IS_EXHAUSTIVE: Final = bool(os.environ.get("MEGA_EVERY_CRASH"))


class Operation(NamedTuple):
    """What both devices have at first, what A and B do then, and what all hold in the end."""

    before: Tree
    a: Callable[[Device], object]
    b: Callable[[Device], object]
    after: Tree


def _nothing(_device: Device) -> None:
    """Leave everything as it is."""


def _swap(device: Device) -> None:
    device.do("swap", lambda user: user.swap((b"p",), (b"q",)))


def _replace(device: Device) -> None:
    device.remove("x")
    device.write("x/y", "2")


OPERATIONS: Final = {
    "upload": Operation({"x": "1"}, lambda a: a.write("d/new", "2"), _nothing, {"x": "1", "d/new": "2"}),
    "upload over": Operation({"x": "1"}, lambda a: a.write("x", "2"), _nothing, {"x": "2"}),
    "download": Operation({"x": "1"}, _nothing, lambda b: b.write("d/new", "2"), {"x": "1", "d/new": "2"}),
    "download over": Operation({"x": "1"}, _nothing, lambda b: b.write("x", "2"), {"x": "2"}),
    "move there": Operation({"p/x": "1"}, lambda a: a.rename("p", "q"), _nothing, {"q/x": "1"}),
    "move here": Operation({"p/x": "1", "r/": ""}, _nothing, lambda b: b.rename("p", "r/q"), {"r/q/x": "1"}),
    "swap here": Operation({"p/x": "1", "q/y": "2"}, _nothing, _swap, {"p/y": "2", "q/x": "1"}),
    "conflict": Operation(
        {"x": "1"},
        lambda a: a.write("x", "mine"),
        lambda b: b.write("x", "theirs"),
        {"x": "theirs", "x (conflict A)": "mine"},
    ),
    "delete there": Operation({"d/x": "1", "d/e/y": "2", "z": "3"}, lambda a: a.remove("d"), _nothing, {"z": "3"}),
    "delete here": Operation({"d/x": "1", "d/e/y": "2", "z": "3"}, _nothing, lambda b: b.remove("d"), {"z": "3"}),
    "describe": Operation(
        {"x": "1", "y": "2"}, lambda a: a.chmod("x", 0o755), lambda b: b.touch("y", 7), {"x": "1", "y": "2"}
    ),
    "link": Operation({"l": "-> old"}, _nothing, lambda b: b.link("l", "new"), {"l": "-> new"}),
    "folder for file": Operation(
        {"x": "1"}, _nothing, _replace, {"x/y": "2"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("has_exchange", [True, False], ids=["exchange", "no exchange"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_60_a_crash_before_every_call(name: str, *, has_exchange: bool) -> None:
    """Whatever call the crash falls before, and whatever it is, the end is the same."""
    operation = OPERATIONS[name]
    calls = _play(operation, None, 0, has_exchange=has_exchange)
    for call in range(calls):
        for kind in range(KINDS) if IS_EXHAUSTIVE else (call % KINDS,):
            _play(operation, call, kind, has_exchange=has_exchange)


def _play(operation: Operation, crash_at: int | None, kind: int, *, has_exchange: bool) -> int:
    """Play an operation with a crash before A's call of this number; give how many calls A made."""
    stage = Stage(machine("A", has_exchange=has_exchange), machine("B"))
    a, b = stage.devices
    stage.begin(operation.before)
    operation.b(b)
    b.sync()
    operation.a(a)
    stage.world.time.pass_s(5)
    before = a.client.calls
    if crash_at is not None:
        a.at_call(crash_at, lambda: setattr(a.client, "is_dead", True))
    while not (a.cycle() is None or a.reports[-1].is_up_to_date):
        stage.world.time.pass_s(5)
    calls = a.client.calls - before
    if a.client.engine is None:
        if kind:
            a.client.cut_power(random.Random(f"{crash_at} {kind}"))
        a.client.clock.offset_ns += (kind - 1) * _DAY_NS
    stage.sync(a, b)
    stage.expect(operation.after)
    return calls
