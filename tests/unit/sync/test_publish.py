"""Publishing: what is fetched appears whole, and what somebody wrote meanwhile is never lost."""

from __future__ import annotations

import errno

import pytest

from mega_cli.reconcile.situation import Reason
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.kit.sync_pair import SyncPair, equal_pairs, place, two_pairs


def edited_there(data: bytes = b"edited there", **moods: object) -> tuple[SyncPair, SyncPair]:
    """Make two devices that hold `a`, which was then edited on the other one."""
    here, there = equal_pairs({"a": b"at first"}, **moods)
    there.save("a", data)
    there.run()
    return here, there


def contents(pair: SyncPair) -> list[str]:
    """Give what the user's files hold, sorted."""
    return sorted(str(left) for left in pair.tree().values())


def test_a_fetched_file_has_the_mode_and_time_of_the_node() -> None:
    """Mode and time come with the content."""
    here, there = two_pairs()
    there.save("a", b"content")
    there.user.chmod(place("a"), 0o640)
    there.user.touch(place("a"), 1_600_000_000_123_456_789)
    there.run()

    here.run()

    stamps = here.user.look(place("a")).stamps
    assert (here.user.read(place("a")), stamps.mode, stamps.mtime_ns) == (b"content", 0o640, 1_600_000_000_123_456_789)


def test_what_is_replaced_lies_in_the_trash_and_is_known_to_be_in_the_history() -> None:
    """An overwritten file is kept, and noted."""
    here, _ = edited_there()

    here.run()

    (row,) = here.state.trash()
    assert here.user.read(tuple(row.place.split(b"/"))) == b"at first"
    assert (row.path, row.is_proven) == ("a", True)


@pytest.mark.parametrize("call", ["exchange", "file.readinto", "look", "rename"])
def test_a_save_at_any_moment_of_the_replacement_survives(call: str) -> None:
    """Whenever the user saves, those bytes and the others end under a name."""
    here, _ = edited_there()
    here.meanwhile(call, lambda: here.save("a", b"saved meanwhile"), "a" if call == "look" else "")

    here.run()

    assert contents(here) == ["b'edited there'", "b'saved meanwhile'"]


def test_a_save_in_the_window_gets_a_conflict_copys_name_at_once() -> None:
    """The bytes that the exchange brought out are shown beside the file, noted and told."""
    here, _ = edited_there()
    here.meanwhile("exchange", lambda: here.save("a", b"saved meanwhile"))

    here.run()

    (copy,) = [path for path in here.tree() if "(conflict device 2026-03-01" in path]
    assert (here.tree()["a"], here.tree()[copy]) == (b"edited there", b"saved meanwhile")
    assert [row.copy for row in here.state.conflicts()] == [copy]


def test_a_save_by_rename_in_the_window_survives() -> None:
    """Programs that write a new file and rename it over the old one lose nothing."""
    here, _ = edited_there()
    here.meanwhile("exchange", lambda: here.user.save(place("a"), b"saved meanwhile"))

    here.run()

    assert contents(here) == ["b'edited there'", "b'saved meanwhile'"]


def test_a_save_that_hides_its_stamps_survives() -> None:
    """Same size and the old time: only reading the displaced file again shows it."""
    here, _ = edited_there()
    mtime_ns = here.user.look(place("a")).stamps.mtime_ns

    def hide() -> None:
        here.save("a", b"at FIRST")
        here.user.touch(place("a"), mtime_ns)

    here.meanwhile("exchange", hide)

    here.run()

    assert contents(here) == ["b'at FIRST'", "b'edited there'"]


def test_a_file_deleted_in_the_window_comes_back_as_it_was_edited_elsewhere() -> None:
    """The edit beats the deletion."""
    here, _ = edited_there()
    here.meanwhile("exchange", lambda: here.user.remove(place("a")))

    here.run()

    assert here.tree() == {"a": b"edited there"}


def test_a_file_made_in_the_window_is_not_replaced() -> None:
    """A name that was free and is taken now stays with who took it, until the next plan."""
    here, there = equal_pairs({"a": b"at first"})
    there.save("new", b"made there")
    there.run()
    here.meanwhile("rename", lambda: here.save("new", b"made here"))

    here.run()

    assert contents(here) == ["b'at first'", "b'made here'", "b'made there'"]


def test_a_save_just_after_the_replacement_is_an_edit_of_it() -> None:
    """Who saves over the new version has it as the base: no conflict."""
    here, there = edited_there()

    def exchanged(call: str, _place: object) -> None:
        if call == "look" and here.user.read(place("a")) == b"edited there":
            here.disk.on_call = lambda *_: None
            here.save("a", b"edited there, and here")

    here.disk.on_call = exchanged

    here.run()
    there.run()

    assert here.tree() == there.tree() == {"a": b"edited there, and here"}


def test_without_exchange_the_old_file_goes_first() -> None:
    """A disk that cannot exchange two names still replaces safely."""
    here, _ = edited_there(has_exchange=False)

    here.run()

    assert here.tree() == {"a": b"edited there"}
    assert list(here.hidden().values()) == [b"at first"]


def test_without_exchange_a_file_made_in_the_gap_is_kept() -> None:
    """While the name is free for a moment, the user may take it."""
    here, _ = edited_there(has_exchange=False)
    was_there = True

    def on_call(call: str, _place: object) -> None:
        nonlocal was_there
        if call == "rename" and was_there and not here.user.has(place("a")):
            was_there = False
            here.save("a", b"made in the gap")

    here.disk.on_call = on_call

    here.run()

    assert contents(here) == ["b'edited there'", "b'made in the gap'"]
    assert b"at first" in here.hidden().values()


def test_without_exchange_a_folder_that_goes_in_the_gap_takes_the_file_along() -> None:
    """Where the name's folder moves away while the name is free, nothing stays behind in `.mega/tmp`."""
    here, there = equal_pairs({"d/a": b"at first", "d/y": b"y", "d/z": b"z"}, has_exchange=False)
    there.save("d/a", b"edited there")
    there.run()
    here.meanwhile("rename", lambda: here.meanwhile("rename", lambda: here.user.rename(place("d"), place("e"))), "d/a")

    here.run()

    assert (here.tree()["e/a"], here.state.journal()) == (b"edited there", [])


def test_what_an_exchange_brought_out_is_kept_though_the_folder_goes_meanwhile() -> None:
    """A write-protected folder is closed again after the exchange: when that fails, the user's bytes lie in `tmp`."""
    here, there = equal_pairs({"d/a": b"at first", "d/y": b"y", "d/z": b"z"})
    here.user.chmod(place("d"), 0o500)
    here.run()
    there.save("d/a", b"edited there")
    there.run()
    seen: list[str] = []

    def on_call(call: str, _place: object) -> None:
        seen.append(call)
        if call == "exchange" and seen.count(call) == 1:
            here.save("d/a", b"saved meanwhile")
            raise PermissionError(errno.EACCES, "a write-protected folder")
        if call == "describe" and seen.count("exchange") == 2:
            here.disk.on_call = lambda _call, _place: None
            here.user.rename(place("d"), place("e"))

    here.disk.on_call = on_call

    here.run()

    assert b"saved meanwhile" in here.tree().values()


def test_a_full_disk_stops_fetching_and_nothing_else() -> None:
    """What cannot be fetched stands still under its reason; uploads go on, and nothing partial is seen."""
    here, there = equal_pairs({"a": b"at first"})
    there.save("large", bytes(1000))
    there.run()
    here.save("mine", b"goes up")
    here.disk.refuse(errno.ENOSPC, calls=frozenset({"file.write"}), is_below=True)

    here.run()

    assert (sorted(here.tree()), here.remote_tree()["mine"]) == (["a", "mine"], b"goes up")
    assert [(row.path, row.reason) for row in here.state.stalled()] == [("large", Reason.NO_SPACE)]
    assert here.hidden() == {}


def test_room_is_left_on_the_disk() -> None:
    """What would leave less than the setting says is not begun, and the failure names that figure."""
    here = SyncPair(settings=Settings(free_least_bytes=5 << 20), moods={"capacity_bytes": 10 << 20})
    there = SyncPair(here.volume, "phone", here.clock)
    there.save("large", bytes(6 << 20))
    there.save("small", bytes(100))
    there.run()

    first, *_ = here.run()

    assert [failure.error.message for failure in first.failures] == [
        "to fetch it would leave less than 5 MiB free on this disk"
    ]
    assert sorted(here.tree()) == ["small"]
    assert [row.reason for row in here.state.stalled()] == [Reason.NO_SPACE]


def test_a_bad_blob_keeps_what_is_here() -> None:
    """Content that cannot be verified stalls its node, and the others are fetched."""
    here, there = edited_there()
    there.save("b", b"good")
    there.run()
    here.fault_once("fetch", Fault.BAD_BLOB)

    here.run()

    assert here.tree() == {"a": b"at first", "b": b"good"}
    assert [(row.path, row.reason, row.tries) for row in here.state.stalled()] == [("a", Reason.BAD_BLOB, 1)]


def test_what_failed_rests_and_is_tried_again() -> None:
    """Five seconds later it is fetched; not before."""
    here, _ = edited_there()
    here.fault_once("fetch", Fault.BAD_BLOB)
    here.run()

    at_once = here.engine.cycle()
    here.clock.sleep(6)
    here.run()

    assert (at_once.plan.is_empty, [stall.reason for stall in at_once.plan.stalls]) == (True, [Reason.BAD_BLOB])
    assert (here.tree(), here.state.stalled()) == ({"a": b"edited there"}, [])


def test_each_failure_lets_it_rest_twice_as_long() -> None:
    """5, 10, 20 seconds, and no more than an hour."""
    here, there = edited_there()
    here.faults = lambda moment: Fault.BAD_BLOB if moment == "fetch" else None
    rests = []
    for _ in range(12):
        here.run()
        (row,) = here.state.stalled()
        rests.append((row.next_ns - here.clock.ns) // 10**9)
        here.clock.sleep(rests[-1] + 1)

    assert (rests[:3], rests[-1]) == ([5, 10, 20], 3_600)
    assert there.tree() == {"a": b"edited there"}


def test_a_change_of_the_node_ends_its_rest() -> None:
    """A newer version is fetched at once."""
    here, there = edited_there()
    here.fault_once("fetch", Fault.BAD_BLOB)
    here.run()
    there.save("a", b"edited again")
    there.run()

    here.run()

    assert here.tree() == {"a": b"edited again"}


def test_a_write_protected_folder_is_opened_and_closed_again() -> None:
    """A folder without write permission still receives what belongs in it, and keeps its mode."""
    here, there = equal_pairs({"d/a": b"at first"})
    for pair in (here, there):
        pair.user.chmod(place("d"), 0o555)
        pair.run()
    there.save("d/new", b"made there")
    there.run()
    here.disk.refuse(errno.EACCES, place("d/new"), calls=frozenset({"rename"}))
    here.meanwhile("describe", here.disk.relent, "d")

    here.run()

    assert (here.user.read(place("d/new")), here.user.look(place("d")).stamps.mode) == (b"made there", 0o555)


def test_a_folder_that_became_a_link_leads_nowhere() -> None:
    """A link in a folder's place, made while its file is fetched, is never followed (scenario 37)."""
    here, there = equal_pairs({"d/a": b"at first", "e/z": b"elsewhere"})
    there.save("d/new", b"made there")
    there.run()

    def swap() -> None:
        here.user.rename(place("d"), place("old"))
        here.user.link(place("d"), b"e")

    here.meanwhile("make_file", swap)

    here.run()

    assert here.user.names(place("e")) == [b"z"]
    assert b"made there" in here.tree().values()


def test_a_change_of_mode_just_after_the_replacement_is_seen() -> None:
    """The row keeps what was published, so that the next scan sees the user's own mode."""
    here, there = edited_there()

    def exchanged(call: str, _place: object) -> None:
        if call == "look" and here.user.read(place("a")) == b"edited there":
            here.disk.on_call = lambda *_: None
            here.user.chmod(place("a"), 0o755)

    here.disk.on_call = exchanged

    here.run()
    there.run()

    assert there.user.look(place("a")).stamps.mode == 0o755


def test_a_clock_that_was_set_back_lets_nothing_rest_for_longer() -> None:
    """No rest is longer than an hour, whatever the clock says."""
    here, _ = edited_there()
    here.fault_once("fetch", Fault.BAD_BLOB)
    here.run()
    here.clock.ns -= 86_400 * 10**9

    here.run()

    assert here.tree() == {"a": b"edited there"}
