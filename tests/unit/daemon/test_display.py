"""How far a cycle has come, as the status shows it, and where it is cut short."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mega_cli.daemon.display import CutShort, Display
from mega_cli.reconcile.actions import FetchFile, Plan, PutNode, Step
from mega_cli.reconcile.nodes import ROOT, Node
from tests.kit.worker_world import Clocks


class Shown:
    """A display, its clock, and what it told last."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.told = 0
        self.is_wanted = False
        self.clock = Clocks()
        self.display = Display(self._tell, lambda: self.is_wanted, self.clock.steady_s)

    def _tell(self, **fields: object) -> None:
        self.fields = fields
        self.told += 1


def file(name: str, size: int) -> Node:
    """Make a file."""
    return Node(name.encode().ljust(16), ROOT, name, "f", b"d" * 32, size, 0o644, 0, "")


def plan(down: int, up: int) -> Plan:
    """Plan one download and one upload of these sizes."""
    fetch = FetchFile(file("down", down), None)
    put = PutNode(file("up", up), None)
    return Plan(local=(Step(fetch, ()),), remote=(Step(put, ()),))


def test_it_shows_how_far_a_plan_has_come() -> None:
    """Files, bytes, what of them goes up, and how long it will take at this pace."""
    shown = Shown()
    shown.display.planned(plan(100, 300))
    assert (shown.fields["files_total"], shown.fields["bytes_total"], shown.fields["bytes_up_total"]) == (2, 400, 300)

    shown.display.received(file("down", 100))
    shown.clock.sleep(4)
    shown.display.advance(200)

    found = {name: shown.fields[name] for name in ("state", "files_done", "bytes_done", "bytes_up_done", "left_s")}
    assert found == {"state": "syncing", "files_done": 1, "bytes_done": 200, "bytes_up_done": 100, "left_s": 4}


def test_it_counts_the_folders_of_a_whole_scan() -> None:
    """Against as many as the last one met; a look at a few folders shows nothing."""
    shown = Shown()
    shown.display.begin(is_whole=True)
    for _ in range(5):
        shown.clock.sleep(1)
        shown.display.looked_at()
    shown.display.begin(is_whole=False)
    told = shown.told
    shown.display.looked_at()
    assert shown.told == told

    shown.display.begin(is_whole=True)
    shown.clock.sleep(1)
    shown.display.looked_at()

    assert (shown.fields["state"], shown.fields["files_done"], shown.fields["files_total"]) == ("scanning", 1, 5)


def test_it_tells_no_more_than_some_times_a_second() -> None:
    """However many bytes arrive."""
    shown = Shown()
    shown.display.planned(plan(1_000, 0))
    for _ in range(1_000):
        shown.display.advance(1)

    assert shown.told <= 2


def test_a_server_that_is_not_reached_is_told_at_once() -> None:
    """While a request is tried again nothing moves, and the user should know why."""
    shown = Shown()

    shown.display.waiting("the server cannot be reached; trying again in 2.0 s")

    assert (shown.fields["state"], shown.fields["message"][:10]) == ("offline", "the server")


def test_it_cuts_short_in_its_own_thread_only() -> None:
    """A transfer's thread is not the one to unwind."""
    shown = Shown()
    shown.display.own()
    shown.is_wanted = True
    other = threading.Thread(target=shown.display.advance, args=(1,))
    other.start()
    other.join(10)

    assert shown.told == 1
    for call in (shown.display.looked_at, lambda: shown.display.advance(1), lambda: shown.display.waiting("it")):
        with pytest.raises(CutShort):
            call()
