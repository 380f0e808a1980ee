"""A put beside another device's change: the tree is always one that some order of the two gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mega_cli.paths.remote import RemotePath
from mega_cli.volume import put_walk
from mega_cli.volume.changes import make_folder, move, remove
from mega_cli.volume.graft import PlanOutdatedError
from tests.unit.volume.conftest import Desk


@pytest.fixture
def stored(desk: Desk, src: Path) -> Path:
    """Put `src` twice, so that all of it is known, then write one file more into `sub`."""
    desk.put()
    desk.put()
    desk.file("src/sub/fresh", "fresh")
    return src


def below_src(desk: Desk) -> set[str]:
    """Name what must lie under /src after a whole put of the fixture."""
    assert desk.ls("/src").keys() >= {"empty", "hollow", "link", "small", "sub/fresh", "sub/large", "sub/middle"}
    return set(desk.ls("/src"))


@pytest.mark.parametrize("path", ["/src", "/src/sub", "/src/small", "/src/hollow", "/src/link"])
@pytest.mark.parametrize("act_of_other", ["remove", "move"])
def test_what_another_device_takes_away_is_put_again(desk: Desk, stored: Path, path: str, act_of_other: str) -> None:
    """A folder, a file, a link that were found equal and went before the commit: nothing is said stored that is not."""
    other = desk.another()
    victim = RemotePath.parse(path)

    def act() -> None:
        if act_of_other == "remove":
            remove(other, [victim], is_recursive=True)
        else:
            move(other, [victim], RemotePath.parse("/elsewhere"))

    desk.server.before_commit = act
    summary = desk.put(stored)

    assert summary.problems == ()
    below_src(desk)
    assert desk.put(stored).revision is None
    assert len(set(desk.server.node_ids())) == len(desk.server.node_ids())


def test_what_another_device_replaces_is_put_again(desk: Desk, stored: Path) -> None:
    """The whole of ours stands, as if it had come after."""
    desk.file("theirs/small", "theirs")
    _meanwhile(desk, lambda: desk.put(desk.disk / "theirs/small", to="/src"))
    desk.put(stored)

    assert desk.ls("/src")["small"].size_bytes == len("small")


def test_what_another_device_adds_costs_no_second_look(
    desk: Desk, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other names in the same folders are nobody's business: one walk, one merge, and everything is there."""
    desk.file("theirs/new", "new")
    _meanwhile(desk, lambda: desk.put(desk.disk / "theirs/new", to="/src/sub"))
    monkeypatch.setattr("mega_cli.volume.put.ATTEMPTS", 1)
    desk.put(stored)

    assert "sub/new" in below_src(desk)


def test_a_destination_that_becomes_a_folder_meanwhile_receives_the_source(desk: Desk, src: Path) -> None:
    """As if the other device had been first: `put src /x` with a folder /x makes /x/src."""
    other = desk.another()

    def act() -> None:
        make_folder(other, RemotePath.parse("/x"))

    desk.server.before_commit = act
    desk.put(src, to="/x")

    assert "x/src/sub/large" in desk.ls()


def test_a_put_that_committed_on_the_way_keeps_its_place(
    desk: Desk, src: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new name that it took is a folder now, its own: a second look goes on there."""
    monkeypatch.setattr(put_walk, "CHECKPOINT_IDS", 1)
    monkeypatch.setattr(put_walk, "BATCHES_AHEAD", 0)
    monkeypatch.setattr(put_walk, "BATCH_FILES", 1)
    for number in range(4):
        desk.file(f"src/{number}", f"content {number}")
    other = desk.another()

    def act() -> None:
        remove(other, [RemotePath.parse("/x")], is_recursive=True)

    def after_the_first() -> None:
        desk.server.before_commit = act

    desk.server.before_commit = after_the_first
    desk.put(src, to="/x")

    assert sorted(path for path in desk.ls("/x") if "/" not in path) == sorted(
        ["0", "1", "2", "3", "empty", "hollow", "link", "small", "sub"]
    )


def test_others_that_never_stop_end_the_put(desk: Desk, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last look the error says so, and nothing of ours is committed."""
    monkeypatch.setattr("mega_cli.volume.put.ATTEMPTS", 1)
    other = desk.another()

    def act() -> None:
        remove(other, [RemotePath.parse("/src/small")])

    desk.server.before_commit = act
    with pytest.raises(PlanOutdatedError, match="again and again"):
        desk.put(stored)
    assert "src/sub/fresh" not in desk.ls()


def test_a_put_that_changes_nothing_sees_what_went_meanwhile(
    desk: Desk, src: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All was found equal, and the head that the empty commit reads has lost a file."""
    desk.put()
    desk.put()
    other = desk.another()
    finish = put_walk.PutWalk.finish

    def finish_late(walk: put_walk.PutWalk) -> None:
        finish(walk)
        monkeypatch.setattr(put_walk.PutWalk, "finish", finish)
        remove(other, [RemotePath.parse("/src/small")])

    monkeypatch.setattr(put_walk.PutWalk, "finish", finish_late)
    desk.put(src)

    assert "src/small" in desk.ls()


def _meanwhile(desk: Desk, act: Callable[[], object]) -> None:
    """Let another device act between the next commit's decision and its swap."""
    other = desk.another()

    def acting() -> None:
        mine, desk.session = desk.session, other
        act()
        desk.session = mine

    desk.server.before_commit = acting
