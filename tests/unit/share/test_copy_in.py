"""What `mega import` copies, and that nobody learns from it what was there."""

from __future__ import annotations

import os

import httpx
import pytest

from mega_cli.errors import IntegrityError, MissingItemError, UsageError
from mega_cli.paths.remote import RemotePath
from mega_cli.share.copy_in import copy_in
from mega_cli.volume.browse import list_path
from mega_cli.volume.changes import make_folder
from mega_cli.volume.get import cat
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.requests import PutSummary
from mega_server.protocol.packs import blob_spans
from tests.kit.forge import fixed
from tests.unit.share.conftest import Desk
from tests.unit.share.test_visit import Sink

LARGE = fixed("imported", 6 * 1024 * 1024)


def copied(desk: Desk, path: str, to: str) -> PutSummary:
    """Import what a link to `path` shows."""
    opened = desk.visit(desk.share(path), device=os.urandom(4).hex())
    return copy_in(desk.session, opened, opened.entry, RemotePath.parse(to), SilentProgress())


def facts(desk: Desk, path: str) -> list[tuple[object, ...]]:
    """List all that a copy must keep."""
    listed = list_path(desk.session, RemotePath.parse(path), is_recursive=True)
    return [(entry.path, entry.kind, entry.size_bytes, entry.mtime_ns, entry.mode, entry.target) for entry in listed]


@pytest.fixture
def tree(desk: Desk) -> Desk:
    """Have `/tree` with all that a disk holds."""
    top = desk.folder / "disk" / "tree"
    (top / "below" / "empty").mkdir(parents=True)
    (top / "below" / "large").write_bytes(LARGE)
    (top / "nothing").write_bytes(b"")
    (top / "run").write_bytes(b"#!/bin/sh\n")
    (top / "run").chmod(0o755)
    (top / "link").symlink_to("run")
    os.utime(top / "run", ns=(1, 1_500_000_000_123_456_789))
    desk.put_path(top)
    return desk


def test_a_copy_is_the_same_and_of_other_nodes(tree: Desk) -> None:
    """Names, kinds, sizes, times, modes, symbolic links and content; the nodes are new."""
    done = copied(tree, "/tree", "/copy")
    sink = Sink()
    cat(tree.session, RemotePath.parse("/copy/below/large"), sink, SilentProgress())  # type: ignore[arg-type]  # as above

    assert facts(tree, "/copy") == facts(tree, "/tree")
    assert sink.data == LARGE
    nodes = [
        {entry.node_id for entry in list_path(tree.session, RemotePath.parse(at), is_recursive=True)}
        for at in ("/copy", "/tree")
    ]
    assert nodes[0].isdisjoint(nodes[1])
    assert (done.new, done.folders, done.content_bytes) == (4, 3, len(LARGE) + 10)


def test_a_folder_receives_the_copy_under_its_name(desk: Desk) -> None:
    """As cp does."""
    copied(desk, "/docs/one.txt", "/")

    assert [entry.path for entry in list_path(desk.session, RemotePath())] == ["docs", "one.txt"]


@pytest.mark.parametrize(
    ("to", "error"), [("/", UsageError), ("/docs/one.txt", UsageError), ("/a/b", MissingItemError)]
)
def test_nothing_is_replaced(desk: Desk, to: str, error: type[Exception]) -> None:
    """What stands there stays, and is never compared with what comes."""
    before = facts(desk, "/")
    with pytest.raises(error):
        copied(desk, "/docs", to)

    assert facts(desk, "/") == before


def test_what_is_there_already_is_uploaded_all_the_same(tree: Desk) -> None:
    """Content that this device has stored and remembers costs all its bytes, and so it does the next time."""
    first, second = copied(tree, "/tree/below/large", "/first"), copied(tree, "/tree/below/large", "/second")

    assert first.sent_bytes > len(LARGE)
    assert abs(first.sent_bytes - second.sent_bytes) < 10_000


def test_a_true_guess_costs_what_a_wrong_one_costs(desk: Desk) -> None:
    """A hundred small guesses of a secret that is stored, one of them true: each is uploaded, as one blob."""
    desk.put("secret.txt", b"guess number 042")
    folder = desk.folder / "disk" / "guesses"
    folder.mkdir()
    for number in range(100):
        (folder / f"{number:03}").write_bytes(b"guess number %03d" % number)
    desk.put_path(folder)
    counts = []
    for number in (41, 42, 43):
        make_folder(desk.session, RemotePath.parse(f"/to-{number}"))
        before = len(desk.wire.requests)
        copied(desk, f"/guesses/{number:03}", f"/to-{number}")
        counts.append(sum(map(_blobs, desk.wire.requests[before:])))

    assert len(set(counts)) == 1


def _blobs(request: httpx.Request) -> int:
    """Count the blobs of a request that uploads some."""
    return len(blob_spans(request.content)) if request.url.path.endswith("/packs") else 0


def test_what_was_imported_is_not_skipped_by_a_later_put(tree: Desk) -> None:
    """A guess that somebody planted by a link is not remembered: a put of the same content sends all of it."""
    mallory = Desk(tree.app, tree.folder / "mallory", tree.clock, tree.stack, "mallory")
    planted = fixed("planted", 300_000)
    mallory.put("planted", planted)
    opened = mallory.visit(mallory.share("/planted"))
    copy_in(tree.session, opened, opened.entry, RemotePath.parse("/planted"), SilentProgress())
    before = len(tree.wire.requests)

    tree.put("mine", planted)

    assert sum(len(request.content) for request in tree.wire.requests[before:]) > len(planted)


def test_content_that_does_not_verify_is_not_committed(desk: Desk) -> None:
    """A digest that is not the content's ends it: nothing stands there afterwards."""
    opened = desk.visit(desk.share("/docs/one.txt"))
    lied = opened.entry.replace(digest=bytes(32))

    with pytest.raises(IntegrityError):
        copy_in(desk.session, opened, lied, RemotePath.parse("/copy"), SilentProgress())
    assert [entry.path for entry in list_path(desk.session, RemotePath())] == ["docs"]
