"""The simulated disk does what the real one does: the same calls end alike and leave the same."""

from __future__ import annotations

import errno
import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mega_cli.localfs.disk import Disk, Found, Place
from mega_cli.localfs.real_disk import RealDisk
from mega_cli.localfs.sim_disk import SimDisk
from tests.kit.disks import content, make, ticking

NAMES = (b"a", b"b", b"c")
PLACES = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)
CALLS = (
    "list_folder",
    "look",
    "open_file",
    "read_link",
    "make_folder",
    "make_folder",
    "make_file",
    "make_file",
    "continue_file",
    "make_link",
    "rename",
    "rename",
    "exchange",
    "exchange",
    "remove_file",
    "remove_folder",
    "describe",
    "sync_folder",
)
STEPS = st.lists(st.tuples(st.sampled_from(CALLS), PLACES, PLACES), min_size=1, max_size=40)
ALIKE = {errno.ELOOP: errno.ENOTDIR, errno.EPERM: errno.EISDIR}
"""Systems differ in how they refuse a link on the way, and a folder where a file should be."""


def act(disk: Disk, call: str, place: Place, other: Place, number: int) -> object:
    """Make one call, and tell what it gave in a form that two disks share."""
    result: object = None
    try:
        match call:
            case "make_folder":
                disk.make_folder(place, 0o755)
            case "make_file":
                make(disk, place, b"%d" % number)
            case "make_link":
                disk.make_link(place, b"%d" % number)
            case "continue_file":
                with disk.continue_file(place) as file:
                    file.write(b"+%d" % number)
            case "open_file":
                result = content(disk, place)
            case "describe":
                disk.describe(place, 0o700 + number, number)
            case "rename" | "exchange":
                result = getattr(disk, call)(place, other)
            case "look":
                result = shown(disk.look(place))
            case "list_folder":
                result = sorted(line.name for line in disk.list_folder(place))
            case _:
                result = getattr(disk, call)(place)
    except OSError as error:
        return "refused", ALIKE.get(error.errno or 0, error.errno)
    return "done", result


def shown(found: Found | None) -> object:
    """Take of a look what two disks have in common."""
    if found is None or found.kind == "d":
        return found and (found.kind, found.stamps.mode)
    return found.kind, found.stamps.size, found.stamps.mode, found.links


def remains(disk: Disk, place: Place = ()) -> dict[Place, object]:
    """Read everything below a folder."""
    found: dict[Place, object] = {}
    for line in disk.list_folder(place):
        below = (*place, line.name)
        assert line.found == disk.look(below)
        assert line.found is not None
        found[below] = shown(line.found)
        if line.found.kind == "d":
            found |= remains(disk, below)
        elif line.found.kind == "f":
            found[below] = found[below], content(disk, below)
        else:
            found[below] = found[below], disk.read_link(below)
    return found


@given(STEPS)
def test_two_disks_do_the_same(steps: list[tuple[str, Place, Place]]) -> None:
    """Any calls end alike on both members, one by one, and leave the same names, contents and modes."""
    with tempfile.TemporaryDirectory() as folder, RealDisk(os.fsencode(folder)) as real:
        simulated = SimDisk(ticking())
        real.describe((), 0o755, None)
        try:
            real.exchange((b"x",), (b"y",))
        except OSError as error:
            if error.errno == errno.ENOTSUP:
                pytest.skip("the disk under the tests cannot exchange")
        for number, (call, place, other) in enumerate(steps):
            assert act(real, call, place, other, number) == act(simulated, call, place, other, number)
        assert remains(real) == remains(simulated)
