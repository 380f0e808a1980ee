"""How programs save, and how files change behind their stamps: one edit of the same node, and no temporary names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mega_cli.crypto.content import content_digest
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_user import SimUser
from tests.unit.sync.scanning import SimBench, place

_DOCUMENT = "notes/report.docx"
_OLD, _NEW = b"what it said", b"what it says now"


def _vim(user: SimUser) -> None:
    user.write(place("notes/.report.docx.swp"), b"swap")
    user.write(place("notes/4913"), b"")
    user.remove(place("notes/4913"))
    user.rename(place(_DOCUMENT), place("notes/report.docx~"))
    user.write(place(_DOCUMENT), _NEW)
    user.remove(place("notes/report.docx~"))


def _gedit(user: SimUser) -> None:
    user.write(place("notes/.goutputstream-A1B2C3"), _NEW)
    user.rename(place("notes/.goutputstream-A1B2C3"), place(_DOCUMENT))


def _macos(user: SimUser) -> None:
    user.make_folder(place("notes/report.docx.sb-1a2b3c4d-Xy12Zq"))
    user.write(place("notes/report.docx.sb-1a2b3c4d-Xy12Zq/report.docx"), _NEW)
    user.swap(place("notes/report.docx.sb-1a2b3c4d-Xy12Zq/report.docx"), place(_DOCUMENT))


def _office(user: SimUser) -> None:
    user.write(place("notes/~$report.docx"), b"owner")
    user.write(place("notes/~WRD0001.tmp"), _NEW)
    user.rename(place(_DOCUMENT), place("notes/~WRL0002.tmp"))
    user.rename(place("notes/~WRD0001.tmp"), place(_DOCUMENT))


def _libreoffice(user: SimUser) -> None:
    user.write(place("notes/.~lock.report.docx#"), b"owner")
    user.write(place(_DOCUMENT), _NEW)


@pytest.mark.parametrize("save", [_vim, _gedit, _macos, _office, _libreoffice])
@pytest.mark.parametrize("looks_between", [False, True])
def test_46_a_save_is_one_edit_of_the_same_node(save: Callable[[SimUser], None], looks_between: bool) -> None:  # noqa: FBT001 -- a table
    """46. What else they write is left out, as long as it lies there and afterwards."""
    sim = SimBench()
    sim.user.write(place(_DOCUMENT), _OLD)
    sim.bench.settle()
    before = sim.bench.nodes()
    save(sim.user)
    if looks_between:
        sim.bench.scan()
        sim.clock.sleep(1)
    sim.bench.settle()

    after = sim.bench.nodes()
    assert sorted(after) == ["notes", _DOCUMENT]
    assert after[_DOCUMENT].id == before[_DOCUMENT].id
    assert after[_DOCUMENT].digest == content_digest(_NEW)


def test_46_a_backup_that_is_kept_is_a_new_node() -> None:
    """46. The old inode lies under the name with the tilde now, but the node stays with its path."""
    sim = SimBench()
    sim.user.write(place(_DOCUMENT), _OLD)
    sim.bench.settle()
    before = sim.bench.ids()[_DOCUMENT]
    sim.user.save(place(_DOCUMENT), _NEW, keeps_backup=True)
    sim.bench.settle()

    after = sim.bench.nodes()
    assert after[_DOCUMENT].id == before
    assert after["notes/report.docx~"].id != before
    assert after["notes/report.docx~"].digest == content_digest(_OLD)


def test_22_deleted_and_made_again_is_one_edit() -> None:
    """22. Before anybody looked, and also when the absence was seen once."""
    for looks_between in (False, True):
        sim = SimBench()
        sim.user.write(place("f"), b"one")
        sim.bench.settle()
        before = sim.bench.ids()
        sim.user.remove(place("f"))
        if looks_between:
            assert sim.bench.scan().waiting_s > 0
            sim.clock.sleep(1)
        sim.user.write(place("f"), b"two!")
        sim.bench.settle()

        assert sim.bench.ids() == before
        assert sim.bench.nodes()["f"].digest == content_digest(b"two!")


@pytest.mark.parametrize(("tick_ns", "least_age_s"), [(1_000_000_000, 0.0), (2_000_000_000, 0.0), (20_000_000, 0.0)])
def test_47_a_rewrite_within_one_tick_is_seen(tick_ns: int, least_age_s: float) -> None:
    """47. Same size, same times, same inode: the row knows that it was seen too early, and is read again."""
    sim = SimBench(lambda clock: SimDisk(clock.now_ns, tick_ns=tick_ns), least_age_s=least_age_s)
    sim.clock.wall_ns -= sim.clock.wall_ns % 2_000_000_000
    sim.user.write(place("f"), b"one")
    sim.bench.scan()
    stamps = sim.user.look(place("f")).stamps
    sim.user.write(place("f"), b"two")
    assert sim.user.look(place("f")).stamps == stamps
    sim.bench.scan()

    assert sim.bench.nodes()["f"].digest == content_digest(b"two")


def test_47_a_rewrite_with_its_time_put_back_is_seen() -> None:
    """47. The time of the last change of attributes cannot be put back."""
    sim = SimBench()
    sim.user.write(place("f"), b"one")
    sim.bench.settle()
    stamps = sim.user.look(place("f")).stamps
    sim.user.write(place("f"), b"two")
    sim.user.touch(place("f"), stamps.mtime_ns)
    sim.bench.settle()

    assert sim.bench.nodes()["f"].digest == content_digest(b"two")
    assert sim.bench.nodes()["f"].mtime_ns == stamps.mtime_ns


def test_48_a_replacement_with_an_older_time_is_seen() -> None:
    """48. `cp -p old f` while nobody looked: times are compared for equality, never for order."""
    sim = SimBench()
    sim.user.write(place("f"), b"one")
    sim.bench.settle()
    sim.bench.start_again()
    sim.user.write(place(".mega/old"), b"two")
    sim.user.touch(place(".mega/old"), 1_000_000_000_000)
    sim.user.rename(place(".mega/old"), place("f"))
    sim.bench.settle()

    node = sim.bench.nodes()["f"]
    assert (node.digest, node.mtime_ns) == (content_digest(b"two"), 1_000_000_000_000)


def test_a_row_that_rounds_says_what_the_node_was_asked_to_be() -> None:
    """A disk that keeps whole seconds, or no modes, changes no node by it: only a new stamp is a new time."""
    sim = SimBench()
    sim.user.write(place("f"), b"one")
    sim.bench.settle()
    (row,) = sim.bench.state.local.rows(bytes(16))
    asked = row.node._replace(mtime_ns=row.node.mtime_ns + 7, mode=0o751)
    with sim.bench.state.transaction():
        sim.bench.state.local.put_all([row._replace(node=asked, is_racy=True)])
    sim.bench.settle()
    assert sim.bench.nodes()["f"] == asked

    sim.user.write(place("f"), b"two")
    sim.bench.settle()
    assert sim.bench.nodes()["f"].mtime_ns == sim.user.look(place("f")).stamps.mtime_ns
