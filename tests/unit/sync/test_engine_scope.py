"""Cycles that look only where they are told to: what the engine adds by itself, and what it keeps for the next one."""

from __future__ import annotations

import errno

import pytest

from mega_cli.errors import TemporaryError
from mega_cli.localfs.disk import Place
from mega_cli.sync.sim_folder import Fault
from tests.kit.sync_pair import SyncPair, equal_pairs, place, two_pairs


def _listed(pair: SyncPair) -> list[str]:
    """Note which folders of the user are listed from now on."""
    found: list[str] = []

    def on_call(call: str, at: Place) -> None:
        if call == "list_folder" and at[:1] != (b".mega",):
            found.append(b"/".join(at).decode())

    pair.disk.on_call = on_call
    return found


def _quiet(pair: SyncPair) -> None:
    """Let the pair have nothing due."""
    pair.clock.sleep(10)
    pair.run()
    assert pair.engine.cycle(scope=()).is_up_to_date


def test_a_cycle_for_the_volume_alone_lists_nothing_but_where_it_writes() -> None:
    """What came down is looked at once more: somebody may have saved beside it."""
    here, there = equal_pairs({"a/f": b"1", "b/g": b"2"})
    _quiet(here)
    there.save("b/new", b"3")
    there.run()
    listed = _listed(here)

    assert here.engine.cycle(scope=()).downloaded == 1
    assert listed == []
    assert here.engine.cycle(scope=()).is_up_to_date
    assert listed == ["b"]


def test_what_was_saved_beside_a_download_is_seen_without_a_hint() -> None:
    """The user saved into the folder while the file came down."""
    here, there = equal_pairs({"b/g": b"2"})
    _quiet(here)
    there.save("b/new", b"3")
    there.run()
    here.disk.on_call = lambda call, _: here.save("b/mine", b"4") if call == "rename" else None
    here.engine.cycle(scope=())
    here.disk.on_call = lambda *_: None
    here.clock.sleep(5)

    assert here.engine.cycle(scope=()).uploaded == 1


def test_a_file_that_changed_before_its_upload_is_seen_without_a_hint() -> None:
    """It no longer was what was planned."""
    here, _ = equal_pairs({"b/g": b"2"})
    _quiet(here)
    here.save("b/g", b"33")
    here.clock.sleep(5)
    opened: list[Place] = []

    def on_call(call: str, at: Place) -> None:
        if call == "open_file":
            opened.append(at)
            if len(opened) == len(("to be hashed", "to be sent")):
                here.save("b/g", b"444")

    here.disk.on_call = on_call
    first = here.engine.cycle(scope=[place("b")])
    here.disk.on_call = lambda *_: None
    here.clock.sleep(5)

    assert (first.uploaded, first.skipped) == (0, 1)
    assert here.engine.cycle(scope=()).uploaded == 1
    assert here.remote_tree()["b/g"] == b"444"


def test_a_late_write_that_surfaces_is_seen_without_a_hint() -> None:
    """A program wrote on to what the volume had replaced: the copy that this makes is synced as any file."""
    here, there = equal_pairs({"b/g": b"2"})
    _quiet(here)
    late = here.user.open(place("b/g"))
    there.save("b/g", b"33")
    there.run()
    _quiet(here)
    late.write(b" late")
    late.close()
    here.clock.sleep(30)

    assert here.engine.cycle(scope=()).uploaded == 1
    assert b"2 late" in here.remote_tree().values()


def test_where_to_look_is_kept_when_the_server_is_not_reached() -> None:
    """The cycle broke off before it looked; whoever told need not tell again."""
    here, _ = equal_pairs({"b/g": b"2"})
    _quiet(here)
    here.save("b/g", b"33")
    here.fault_once("observe", Fault.DROP_REQUEST)
    with pytest.raises(TemporaryError):
        here.engine.cycle(scope=[place("b")], closed=[place("b/g")])

    assert here.engine.cycle(scope=()).uploaded == 1


def test_after_everything_is_forgotten_everything_is_looked_at() -> None:
    """There are no rows to compare a part with."""
    here, _ = equal_pairs({"a/f": b"1", "b/g": b"2"})
    _quiet(here)
    here.engine.resync()
    listed = _listed(here)
    here.engine.cycle(scope=())

    assert listed == ["", "a", "b"]


def test_a_run_looks_at_everything_once() -> None:
    """What went up need not be looked at again, and what comes after is not much."""
    here, _ = two_pairs()
    for number in range(5):
        here.save(f"d{number}/f", b"%d" % number)
    here.clock.sleep(10)
    listed = _listed(here)
    here.run()

    assert listed == ["", *(f"d{number}" for number in range(5))]


def test_a_report_says_when_the_first_failure_is_tried_again() -> None:
    """Whoever runs cycles need not ask the state; nothing rests once it is well."""
    here, there = equal_pairs({"a": b"1"})
    there.save("b", b"2")
    there.run()
    here.disk.refuse(errno.EIO, (), calls=frozenset({"rename"}), is_below=True)

    assert here.engine.cycle().resting_s == pytest.approx(5, abs=0.1)
    here.disk.relent()
    here.clock.sleep(5)
    assert here.engine.cycle(scope=()).downloaded == 1
    assert here.engine.cycle(scope=()).resting_s == 0
