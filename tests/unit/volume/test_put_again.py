"""What a put does when the server has lost blobs, or other devices commit at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import MissingBlobsError, UsageError
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.changes import move, remove
from mega_cli.volume.lists import closure, data_refs
from mega_cli.volume.session import VolumeSession
from tests.unit.volume.conftest import LARGE, Desk


def test_what_the_server_lost_is_read_and_sent_again(desk: Desk, src: Path) -> None:
    """The index believes a chunk stored, the server refuses the commit: the same run reads again and succeeds."""
    desk.put(src)
    remove(desk.session, [RemotePath.parse("/src")], is_recursive=True)
    desk.file("copy", LARGE)
    for id_ in desk.server.data_ids():
        if len(desk.server.blobs[id_]) > 200_000:
            del desk.server.blobs[id_]
    # The trash relies on them; the fake's walk of the tree before must not.
    desk.server.chain = desk.server.chain[:1]
    desk.session = _fresh_pins(desk)
    summary = desk.put(desk.disk / "copy")

    assert (summary.new, summary.problems) == (1, ())
    assert desk.server.reachable() <= desk.server.blobs.keys()


def test_small_files_lost_by_the_server_are_read_again(desk: Desk, src: Path) -> None:
    """A row of the index that led to lost blobs is forgotten, and the file is sealed anew."""
    desk.put(src)
    desk.server.chain = desk.server.chain[:1]
    desk.server.blobs.clear()
    desk.session = _fresh_pins(desk)
    summary = desk.put(src)

    assert (summary.new, summary.problems) == (5, ())
    assert desk.server.reachable() <= desk.server.blobs.keys()


def test_a_server_that_loses_everything_again_and_again_ends_the_put(desk: Desk, src: Path) -> None:
    """After three attempts the error says what is missing; nothing is committed."""

    def lose() -> None:
        desk.server.blobs.clear()
        desk.server.before_commit = lose

    desk.server.before_commit = lose
    with pytest.raises(MissingBlobsError):
        desk.put(src)
    assert desk.server.revision == 1


@pytest.mark.parametrize("name", ["small", "sub/middle", "sub/large"])
@pytest.mark.parametrize("lost", ["data", "all"])
def test_a_put_heals_a_file_whose_content_is_lost(
    desk: Desk, src: Path, monkeypatch: pytest.MonkeyPatch, name: str, lost: str
) -> None:
    """The server lost its chunks, or its list as well; the file here still has them, and a put sends them again."""
    desk.put()
    listed = desk.ls("/src")[name]
    (victim,) = [found for found in desk.server.all_entries() if found.node_id == listed.node_id]
    (data,) = data_refs(desk.session, [victim])
    for id_ in closure(desk.session, victim) if lost == "all" else {ref.id for ref in data}:
        del desk.server.blobs[id_]
    monkeypatch.setattr(desk.server, "reachable", lambda _revision=0: set())  # the fake would miss them itself
    (src / name).chmod(0o600)
    summary = desk.put()
    desk.get(f"/src/{name}", to=desk.disk / "got")

    assert summary.problems == ()
    assert (desk.disk / "got").read_bytes() == (src / name).read_bytes()


def test_a_put_heals_a_list_that_is_lost_where_only_the_time_differs(
    desk: Desk, src: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index knows the file, so nothing would be read; its closure cannot be told, so it is."""
    desk.put(src)
    desk.put(src)
    other, mine = desk.another(), desk.session
    copy = desk.file("theirs/large", LARGE)
    desk.session = other
    desk.put(copy, to="/src/sub")
    desk.session = mine
    (victim,) = [found for found in desk.server.all_entries() if found.name == "large"]
    del desk.server.blobs[victim.ref_list()[0].id]
    monkeypatch.setattr(desk.server, "reachable", lambda _revision=0: set())
    assert desk.put(src).problems == ()
    desk.get("/src/sub/large", to=desk.disk / "got")

    assert (desk.disk / "got").read_bytes() == LARGE


# --- other devices at the same time -----------------------------------------------------------------------------------


def test_two_puts_into_one_new_folder_merge(desk: Desk) -> None:
    """Both devices make /shared at once: the loser's files join the winner's folder."""
    desk.file("one/shared/sub/a", "a")
    desk.file("two/shared/sub/b", "b")
    mine, other = desk.session, desk.another()

    def act() -> None:
        desk.session = other
        desk.put(desk.disk / "two/shared")
        desk.session = mine

    desk.server.before_commit = act
    desk.put(desk.disk / "one/shared")

    assert list(desk.ls()) == ["shared", "shared/sub", "shared/sub/a", "shared/sub/b"]
    assert len(set(desk.server.node_ids())) == len(desk.server.node_ids())


@pytest.mark.parametrize("act_of_other", ["remove", "move"])
def test_a_folder_that_goes_meanwhile_is_made_again(desk: Desk, src: Path, act_of_other: str) -> None:
    """What was put stands in a new folder; the one that went keeps its node_id and what it held."""
    desk.put(src)
    other = desk.another()

    def act() -> None:
        if act_of_other == "remove":
            remove(other, [RemotePath.parse("/src")], is_recursive=True)
        else:
            move(other, [RemotePath.parse("/src")], RemotePath.parse("/moved"))

    desk.file("src/sub/fresh", "fresh")
    desk.file("src/small", "changed")
    (src / "sub/large").touch()
    desk.server.before_commit = act
    desk.put(src)

    assert {"src", "src/small", "src/sub", "src/sub/fresh", "src/sub/large"} <= desk.ls().keys()
    assert len(set(desk.server.node_ids())) == len(desk.server.node_ids())


def test_a_file_replaced_meanwhile_and_only_touched_here_is_whole(desk: Desk, src: Path) -> None:
    """The commit names the content that the head no longer relies on (the server's check asserts it)."""
    desk.put(src)
    other = desk.another()
    desk.file("theirs/large", "theirs")

    def act() -> None:
        mine, desk.session = desk.session, other
        desk.put(desk.disk / "theirs/large", to="/src/sub")
        desk.session = mine

    (src / "sub/large").touch()
    desk.server.before_commit = act
    desk.put(src)

    assert desk.ls()["src/sub/large"].size_bytes == len(LARGE)


def test_a_clash_that_arises_meanwhile_ends_the_put(desk: Desk) -> None:
    """A file took the folder's name on another device: refused with a way out, nothing committed."""
    desk.file("one/x/a", "a")
    desk.file("two/x", "b")
    mine, other = desk.session, desk.another()

    def act() -> None:
        desk.session = other
        desk.put(desk.disk / "two/x")
        desk.session = mine

    desk.server.before_commit = act
    with pytest.raises(UsageError, match="/x is a file"):
        desk.put(desk.disk / "one/x")
    assert desk.ls()["x"].kind == "f"


def _fresh_pins(desk: Desk) -> VolumeSession:
    """Open the first device again as one that has pinned nothing, its index kept: tests rewind the fake's chain."""
    desk.session.close()
    (desk.folder / "device1/trust.db").unlink()
    return desk.another(1)
