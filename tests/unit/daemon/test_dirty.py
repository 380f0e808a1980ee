"""What is dirty, and when it is looked at."""

from __future__ import annotations

import pytest

from mega_cli.daemon.dirty import IN_FOLDER_MOST, PLACES_MOST, Dirty
from mega_cli.localfs.hints import EVERYWHERE, Hint


def _dirty(*hints: Hint, at_s: float = 100.0) -> Dirty:
    dirty = Dirty()
    for hint in hints:
        dirty.add(hint, at_s)
    return dirty


def _file(*place: bytes, was_closed: bool = False) -> Hint:
    return Hint(place, is_folder=False, was_closed=was_closed)


def test_nothing_is_due_while_nothing_is_dirty() -> None:
    """Whoever waits for it waits for ever."""
    assert (_dirty().due_s, len(_dirty()), _dirty().folders) == (float("inf"), 0, frozenset())


def test_a_file_makes_its_folder_dirty() -> None:
    """A folder is what can be listed."""
    dirty = _dirty(_file(b"a", b"f"), _file(b"a", b"g"), Hint((b"b",)), Hint(()))

    assert dirty.folders == frozenset({(b"a",), (b"b",), ()})
    assert len(dirty) == len(("a", "a/f", "a/g", "b", ""))


def test_it_is_due_when_it_has_been_quiet_for_a_second() -> None:
    """What belongs together goes up together."""
    dirty = _dirty(Hint((b"a",)))
    assert dirty.due_s == pytest.approx(101.0)
    dirty.add(Hint((b"b",)), 100.9)
    assert dirty.due_s == pytest.approx(101.9)


def test_a_busy_set_waits_for_ten_seconds_and_no_longer() -> None:
    """A file that is written to all the time starves nothing."""
    dirty = Dirty()
    for tenths in range(200):
        dirty.add(Hint((b"a",)), 100 + tenths / 10)

    assert dirty.due_s == pytest.approx(110.0)


def test_hints_may_come_in_any_order() -> None:
    """The time of a hint is when it came, and several threads tell."""
    dirty = _dirty(Hint((b"a",)), at_s=105.0)
    dirty.add(Hint((b"b",)), 104.5)

    assert dirty.due_s == pytest.approx(106.0)


def test_a_closed_file_is_told_until_it_is_hinted_at_again() -> None:
    """Somebody writes to it once more: it has to grow old."""
    dirty = _dirty(_file(b"a", b"f", was_closed=True), _file(b"a", b"g", was_closed=True))
    dirty.add(_file(b"a", b"g"), 100.0)

    assert dirty.closed == frozenset({(b"a", b"f")})


def test_of_too_many_files_only_their_folder_is_kept() -> None:
    """Listing it costs the same, and its files grow old as any others."""
    dirty = _dirty(*[_file(b"a", b"%d" % number, was_closed=True) for number in range(IN_FOLDER_MOST + 1)])

    assert (dirty.folders, dirty.closed, len(dirty)) == (frozenset({(b"a",)}), frozenset(), 1)


def test_of_too_many_places_everything_is_meant() -> None:
    """A full look costs less than so many small ones."""
    dirty = _dirty(*[Hint((b"%d" % number,)) for number in range(PLACES_MOST)])
    assert not dirty.is_everywhere
    dirty.add(Hint((b"one", b"more")), 100.5)

    assert dirty.is_everywhere
    assert (len(dirty.folders), dirty.due_s) == (0, pytest.approx(101.5))


def test_a_hint_without_a_place_means_everything() -> None:
    """Something was missed."""
    dirty = _dirty(Hint((b"a",)), EVERYWHERE, Hint((b"b",)))

    assert (dirty.is_everywhere, len(dirty)) == (True, 1)


def test_what_was_looked_at_is_clean_and_the_rest_stays() -> None:
    """A hint that came while a cycle looked elsewhere is for the next one."""
    dirty = _dirty(_file(b"a", b"f"), Hint((b"b",)))
    dirty.forget([(b"a",), (b"gone",)])
    assert dirty.folders == frozenset({(b"b",)})
    assert len(dirty) == 1
    assert dirty.due_s == pytest.approx(101.0)
    dirty.forget([(b"b",)])
    assert (len(dirty), dirty.due_s) == (0, float("inf"))


def test_after_a_look_at_everything_all_is_clean() -> None:
    """Also what was too much to be kept."""
    dirty = _dirty(EVERYWHERE)
    dirty.forget(None)

    assert (dirty.is_everywhere, len(dirty), dirty.due_s) == (False, 0, float("inf"))


def test_the_synced_folder_itself_is_a_folder() -> None:
    """A member may say no more than that it is there."""
    assert _dirty(Hint((), is_folder=False)).folders == frozenset({()})
