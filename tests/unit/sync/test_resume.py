"""A cut download of a large file goes on where it stopped, and nothing that was left of it is believed unverified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from mega_cli.errors import TemporaryError
from mega_cli.sync.recover import sweep
from mega_cli.sync.remote import Download, Downloaded
from mega_cli.sync.settings import Settings
from mega_cli.sync.sim_folder import Fault
from tests.kit.sync_pair import SyncPair

_CONTENT: Final = bytes(range(256)) * 40
_DAY_S: Final = 86_400


def offered() -> SyncPair:
    """Make a device for which a file waits in the volume, and to which any file is a large one."""
    there = SyncPair()
    there.save("film", _CONTENT)
    there.run()
    return SyncPair(there.volume, "other", there.clock, Settings(part_least_bytes=1))


def parts(pair: SyncPair) -> list[bytes]:
    """Name what lies in `.mega/tmp`."""
    return [line.name for line in pair.disk.list_folder((b".mega", b"tmp"))]


def cut_after(pair: SyncPair, size: int, *, times: int = 1) -> list[int]:
    """Let the network fail after so many bytes of a file; the list tells how many were held at each try."""
    fetch, held = pair.remote.fetch, []

    def cut(files: Iterable[Download]) -> Iterator[Downloaded]:
        for download in files:
            held.append(download.held_bytes)
            if len(held) > times:
                yield from fetch([download])
                continue
            download.open().write(_CONTENT[download.held_bytes :][:size])
            message = "the connection broke"
            raise TemporaryError(message, "run the same command again")

    pair.remote.fetch = cut  # type: ignore[method-assign]  # the network of this one device
    return held


def test_a_cut_download_goes_on_where_it_stopped() -> None:
    """Each try begins after what the last one brought."""
    here = offered()
    held = cut_after(here, 1_000, times=2)

    here.run()

    assert held == [0, 1_000, 2_000]
    assert here.tree()["film"] == _CONTENT
    assert parts(here) == []


def test_a_server_that_is_not_reached_costs_no_part() -> None:
    """A try that does not get as far as the first byte leaves what the one before it brought."""
    here = offered()
    cut_after(here, 1_000)
    here.engine.cycle()
    here.restart()
    here.faults = lambda moment: Fault.DROP_REQUEST if moment == "fetch" else None
    here.engine.cycle()
    assert len(parts(here)) == 1

    here.faults = lambda _moment: None
    held = cut_after(here, 0, times=0)
    here.clock.sleep(_DAY_S / 2)
    here.run()

    assert held == [1_000]
    assert here.tree()["film"] == _CONTENT


def test_a_killed_download_goes_on_in_the_next_run() -> None:
    """A new process finds the part."""
    here = offered()
    cut_after(here, 1_000)
    here.engine.cycle()
    assert len(parts(here)) == 1

    here.restart()
    held = cut_after(here, 0, times=0)
    here.run()

    assert held == [1_000]
    assert here.tree()["film"] == _CONTENT


@pytest.mark.parametrize("spoiled", [b"x" * 1_000, b"x" * len(_CONTENT), b"x" * (len(_CONTENT) + 1)])
def test_a_part_that_a_power_cut_spoiled_is_fetched_anew(spoiled: bytes) -> None:
    """It is no sign of a lying server: nobody is told of damage."""
    here = offered()
    cut_after(here, 1_000)
    here.engine.cycle()
    (name,) = parts(here)
    here.disk.remove_file((b".mega", b"tmp", name))
    with here.disk.make_file((b".mega", b"tmp", name)) as file:
        file.write(spoiled)

    here.restart()
    reports = here.run()

    assert [failure for report in reports for failure in report.failures] == []
    assert here.tree()["film"] == _CONTENT
    assert parts(here) == []


def test_another_version_is_no_part_of_the_old_one() -> None:
    """It is fetched from its beginning, and the old part goes when it is a day old."""
    there = SyncPair()
    there.save("film", _CONTENT)
    there.run()
    here = SyncPair(there.volume, "other", there.clock, Settings(part_least_bytes=1))
    cut_after(here, 1_000)
    here.engine.cycle()
    there.save("film", b"another film")
    there.clock.sleep(10)
    there.run()

    here.restart()
    here.run()

    assert here.tree()["film"] == b"another film"
    assert len(parts(here)) == 1
    here.clock.sleep(_DAY_S)
    sweep(here.end)
    assert parts(here) == []


def test_a_part_of_today_is_not_swept() -> None:
    """Else no run would find it."""
    here = offered()
    cut_after(here, 1_000)
    here.engine.cycle()

    sweep(here.end)

    assert len(parts(here)) == 1


def test_a_small_file_leaves_no_part() -> None:
    """What is fetched in a moment is fetched anew."""
    here = offered()
    here.settings = Settings()
    here.restart()
    cut_after(here, 1_000)

    here.engine.cycle()

    assert parts(here) == []
