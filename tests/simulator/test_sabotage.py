"""The simulator must be known to catch: the engine is sabotaged in small ways, and some world must notice each.

What nobody notices would be a hole in the simulator. Each sabotage is one line that somebody could really forget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_disk import SimDisk
from mega_cli.localfs.sim_files import SimNewFile
from mega_cli.reconcile import draft
from mega_cli.reconcile.merge import Merged, merge
from mega_cli.reconcile.rescue import Survival
from mega_cli.sync import engine, local_end, publish, reading, scan, trash
from mega_cli.sync.local_end import LocalEnd
from mega_cli.sync.sim_folder import SimFolder
from mega_cli.sync.stable_read import StableFile
from tests.simulator import test_scenarios_writers as writers
from tests.simulator.clocks import SECOND_NS
from tests.simulator.hearing import FIRST_SEED
from tests.simulator.run import run_seed

SEEDS_MOST: Final = 150


def _compare_nothing(patch: pytest.MonkeyPatch) -> None:
    """Publish over whatever stands there."""
    patch.setattr(LocalEnd, "is_same", lambda *_, **__: True)
    patch.setattr(LocalEnd, "has_substance", lambda *_: True)


def _skip_trash(patch: pytest.MonkeyPatch) -> None:
    """Remove what a download displaces."""

    def remove(end: LocalEnd, _task: object, source: Place) -> None:
        if end.disk.look(source) is not None:
            end.disk.remove_file(source)

    patch.setattr(publish, "put_in_trash", remove)
    patch.setattr(trash, "put_in_trash", remove)


def _replace_names(patch: pytest.MonkeyPatch) -> None:
    """Rename over what has the name."""

    def rename(disk: SimDisk, source: Place, target: Place) -> None:
        disk._begin("rename", source, target)
        disk.tree.move(source, target, replaces=True)

    patch.setattr(SimDisk, "rename", rename)


def _believe_commits(patch: pytest.MonkeyPatch) -> None:
    """Advance the base although nobody confirmed the commit."""
    patch.setattr(SimFolder, "has_committed", lambda *_: True)


def _disbelieve_commits(patch: pytest.MonkeyPatch) -> None:
    """Take a lost reply for a lost commit."""
    patch.setattr(SimFolder, "has_committed", lambda *_: False)


def _forget_folders(patch: pytest.MonkeyPatch) -> None:
    """Never make names durable."""
    patch.setattr(LocalEnd, "make_names_durable", lambda end: end.unsynced.clear())


def _forget_contents(patch: pytest.MonkeyPatch) -> None:
    """Never make contents durable."""
    patch.setattr(SimNewFile, "sync", lambda _: None)


def _ignore_journal(patch: pytest.MonkeyPatch) -> None:
    """Forget what was begun before a crash."""

    def recover(end: LocalEnd) -> dict[bytes, Any]:
        with end.state.transaction():
            for row in end.state.journal():
                end.state.end(row.id)
        return {}

    patch.setattr(engine, "recover", recover)


def _believe_stamps(patch: pytest.MonkeyPatch) -> None:
    """Never take a file for one that may have changed within the tick of its stamps."""
    for module in (local_end, reading, scan):
        if hasattr(module, "is_racy"):
            patch.setattr(module, "is_racy", lambda *_, **__: False)


def _upload_moving_files(patch: pytest.MonkeyPatch) -> None:
    """Do not look again after reading."""
    patch.setattr(StableFile, "check", lambda *_: None)


def _delete_edits(patch: pytest.MonkeyPatch) -> None:
    """Let a deletion win over an edit."""
    patch.setattr(Survival, "lives", lambda self, id_: None not in self._trees.of(id_)[1:])


def _drop_copies(patch: pytest.MonkeyPatch) -> None:
    """Let the remote's content win without a copy of the local one."""
    patch.setattr(draft, "merge", lambda *three: Merged(merge(*three).node))


def _forget_what_was_not_well(patch: pytest.MonkeyPatch) -> None:
    """Let a cycle that looks at a part take along nothing of what was not well in the last one."""
    patch.setattr(scan.Scanner, "_look_again", lambda *_: None)


SABOTAGES: Final[tuple[tuple[Callable[[pytest.MonkeyPatch], None], int], ...]] = (
    (_compare_nothing, 38),
    (_skip_trash, 1308),
    (_replace_names, 55),
    (_forget_folders, 4),
    (_forget_contents, 1),
    (_ignore_journal, 4),
    (_upload_moving_files, 1226),
    (_delete_edits, 0),
    (_drop_copies, 0),
    (_forget_what_was_not_well, FIRST_SEED),
)
"""Each with the seed that noticed it last, which is tried first."""


@pytest.mark.parametrize(
    ("sabotage", "first"), SABOTAGES, ids=[sabotage.__name__.strip("_") for sabotage, _ in SABOTAGES]
)
def test_a_sabotage_is_noticed(
    sabotage: Callable[[pytest.MonkeyPatch], None], first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a bounded number of seeds, in which nothing is wrong otherwise, some world has a flaw."""
    sabotage(monkeypatch)

    assert any(run_seed(seed).flaws for seed in (first, *range(SEEDS_MOST)))


def test_a_second_write_within_a_tick_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world waits until files are two seconds old, longer than any tick: believing stamps shows in scenario 47."""
    _believe_stamps(monkeypatch)

    with pytest.raises(AssertionError, match="up to date"):
        writers.test_47_a_rewrite_within_one_tick(2 * SECOND_NS)


def test_a_commit_that_is_not_believed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among many writers a needless copy may have had a reason: that of a lost reply shows in scenario 49."""
    _disbelieve_commits(monkeypatch)

    with pytest.raises(AssertionError, match="conflict"):
        writers.test_49_the_reply_to_a_commit_is_lost(crashes=True)


def test_a_commit_that_is_believed_too_soon_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked about only when another has its place: what was believed of it shows as a deletion."""
    _believe_commits(monkeypatch)

    with pytest.raises(AssertionError, match="A holds"):
        writers.test_49_a_commit_that_is_overtaken_by_another()
