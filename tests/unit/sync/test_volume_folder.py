"""The folder of a real volume: what sync cannot hold, and what a node does not say of an entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mega_cli.errors import BugError, IntegrityError, LimitError, SafetyStopError
from mega_cli.formats.page import EXT_XATTRS, FILE, FOLDER, LINK, Entry
from mega_cli.model import LIST as LIST_KIND
from mega_cli.paths.names import ESCAPE_MARKER, name_from_disk
from mega_cli.paths.remote import ROOT as VOLUME_ROOT
from mega_cli.reconcile.nodes import MemoryTree
from mega_cli.sync.entries import sync_id
from mega_cli.sync.remote import Edit
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.volume.commit import commit
from mega_cli.volume.tree import FILES, Folder, Tree
from mega_cli.volume.upload import Uploader
from tests.kit import forge
from tests.kit.forge import fixed
from tests.kit.remote_ends import PAIR, Client, VolumeLevers, a_file, a_folder, a_link, an_upload

D, E = a_folder("d"), a_folder("e")
UNKNOWN = forge.entry("unknown", kind="q", digest=b"")
ESCAPED = forge.entry(name_from_disk(b"caf\xe9")[0])
BAD_LINK = forge.entry("bad link", kind=LINK, digest=b"", target=ESCAPE_MARKER + "%E9")
UNHELD = (UNKNOWN, ESCAPED, BAD_LINK)


@pytest.fixture
def levers(tmp_path: Path) -> Iterator[VolumeLevers]:
    """Give a volume with an empty folder."""
    with ExitStack() as stack:
        yield VolumeLevers(stack, tmp_path)


@pytest.fixture
def client(levers: VolumeLevers) -> Client:
    """Give a client that has looked."""
    made = Client(levers.folder(1))
    made.look()
    return made


def write(levers: VolumeLevers, *entries: Entry, below: tuple[str, ...] = ()) -> None:
    """Let entries stand in the folder, as some other client wrote them."""

    def change(tree: Tree) -> None:
        for entry in entries:
            folder(tree, below).set(entry)

    with Uploader(levers.other.client, levers.other.keys.volume, lambda _facts: None) as uploader:
        commit(levers.other, change, uploader)


def folder(tree: Tree, below: tuple[str, ...]) -> Folder:
    """Open a folder of the pair."""
    return tree.folder((FILES, *PAIR.parts, *below))


def read(levers: VolumeLevers, *below: str) -> dict[str, Entry]:
    """Read a folder of the pair."""
    session = levers.other
    tree = Tree(session.pages, session.head().body.root, 1, forge.entry)
    return {entry.name: entry for entry in folder(tree, below).entries()}


# --- what sync cannot hold --------------------------------------------------------------------------------------------


def test_what_sync_cannot_hold_is_told_apart(levers: VolumeLevers, client: Client) -> None:
    """Kinds of a later version, and names and targets that are no text, are no nodes."""
    write(levers, *UNHELD, forge.entry("held"))

    sight = client.look()

    assert [node.name for node in client.tree] == ["held"]
    assert {path for _, path in sight.unheld} == {(entry.name,) for entry in UNHELD}


def test_sync_does_not_look_below_what_it_cannot_hold(levers: VolumeLevers, client: Client) -> None:
    """A folder whose name is no text, and `.mega` at the top."""
    for name in (ESCAPED.name, ".mega", ".Mega"):
        write(levers, forge.entry(name, kind=FOLDER, digest=b""))
        write(levers, forge.entry("inside", node_id=fixed(name, 16)), below=(name,))

    sight = client.look()

    assert (list(client.tree), len(sight.unheld)) == ([], 3)


def test_a_folder_below_the_top_may_have_the_name_of_our_own(levers: VolumeLevers, client: Client) -> None:
    """Only the one at the top is in the way."""
    client.put(D)
    write(levers, forge.entry(".mega"), below=("d",))

    assert list(client.look().unheld) == []
    assert {node.name for node in client.tree} == {"d", ".mega"}


def test_a_folder_moves_with_what_sync_cannot_hold(levers: VolumeLevers, client: Client) -> None:
    """It goes along untouched."""
    client.put(D)
    write(levers, *UNHELD, below=("d",))
    client.look()
    client.commit(Edit(D, D._replace(name="moved")))

    assert list(read(levers, "moved").values()) == sorted(UNHELD, key=lambda entry: entry.name)


def test_a_folder_with_what_sync_cannot_hold_is_not_removed(levers: VolumeLevers, client: Client) -> None:
    """The rest of it goes; the next sight is whole, so that the folder comes back to who removed it."""
    client.put(D, E._replace(parent=D.id), (a_file("file", b"data", D.id), b"data"))
    write(levers, UNKNOWN, below=("d",))
    client.look()
    client.remove(*client.tree)
    assert list(client.tree) == []
    client.put(a_folder("another commit"))

    sight = client.look()

    assert sight.is_whole
    assert {node.name for node in client.tree} == {"d", "another commit"}
    assert read(levers, "d") == {"unknown": UNKNOWN}
    assert not client.look().is_whole


def test_nothing_takes_the_place_of_what_sync_cannot_hold(levers: VolumeLevers, client: Client) -> None:
    """A new file of that very name is refused, and nothing is replaced."""
    write(levers, UNKNOWN)
    client.look()

    with pytest.raises(SafetyStopError):
        client.put(a_folder("unknown"))

    assert read(levers) == {"unknown": UNKNOWN}


def test_a_node_that_sync_can_no_longer_hold_is_gone(levers: VolumeLevers, client: Client) -> None:
    """Another device gave it a name that is no text: sync lets go of it, with what was below."""
    client.put(D, E._replace(parent=D.id))

    def change(tree: Tree) -> None:
        entry = folder(tree, ()).take("d", tree.revision)
        folder(tree, ()).set(entry.replace(name=ESCAPED.name))

    with Uploader(levers.other.client, levers.other.keys.volume, lambda _facts: None) as uploader:
        commit(levers.other, change, uploader)

    sight = client.look()

    assert {(change.id, change.node) for change in sight.changes} == {(D.id, None), (E.id, None)}
    assert list(sight.unheld) == [(D.id, (ESCAPED.name,))]


def test_a_link_that_sync_can_no_longer_hold_is_told_by_the_id_of_its_node(
    levers: VolumeLevers, client: Client
) -> None:
    """Who had followed it knows which one is meant."""
    link = a_link("link")
    client.put(link)
    write(levers, read(levers)["link"].replace(target=BAD_LINK.target))

    sight = client.look()

    assert [(change.id, change.node) for change in sight.changes] == [(link.id, None)]
    assert list(sight.unheld) == [(link.id, ("link",))]


def test_what_sync_cannot_hold_is_told_when_it_is_gone(levers: VolumeLevers, client: Client) -> None:
    """It is no change to anybody who never heard of it, and an end to who did."""
    write(levers, UNKNOWN)
    client.look()

    def change(tree: Tree) -> None:
        folder(tree, ()).remove(UNKNOWN.name)

    with Uploader(levers.other.client, levers.other.keys.volume, lambda _facts: None) as uploader:
        commit(levers.other, change, uploader)

    sight = client.look()

    assert ([(change.id, change.node) for change in sight.changes], list(sight.unheld)) == (
        [(UNKNOWN.node_id, None)],
        [],
    )


# --- what a node does not say -----------------------------------------------------------------------------------------


def test_an_edit_keeps_what_a_node_does_not_say(levers: VolumeLevers, client: Client) -> None:
    """Extensions, and the bits above the nine."""
    data = forge.entry("file", ext={EXT_XATTRS: b"x"}, mode=0o4755)
    write(levers, data)
    client.look()
    (node,) = client.tree
    client.commit(Edit(node, node._replace(mode=0o700, mtime_ns=3)))

    entry = read(levers)["file"]

    assert (entry.mode, entry.mtime_ns, entry.ext) == (0o4700, 3, {EXT_XATTRS: b"x"})


def test_a_folder_keeps_its_time_and_gets_one_when_it_is_made(levers: VolumeLevers, client: Client) -> None:
    """Nodes of folders have none, so none of them is ever different."""
    client.put(D)
    made_ns = read(levers)["d"].mtime_ns
    client.commit(Edit(D, D._replace(mode=0o700)))

    assert made_ns > 0
    assert read(levers)["d"].mtime_ns == made_ns


def test_a_link_has_neither_time_nor_mode(levers: VolumeLevers, client: Client) -> None:
    """Its entry has; another target keeps them."""
    link = a_link("link")
    client.put(link)
    before = read(levers)["link"]
    client.commit(Edit(link, link._replace(target="elsewhere")))

    client.look()

    assert list(client.tree) == [link._replace(target="elsewhere")]
    assert read(levers)["link"] == before.replace(target="elsewhere", changed_in=read(levers)["link"].changed_in)


def test_a_link_in_the_place_of_a_file_is_another_node(levers: VolumeLevers, client: Client) -> None:
    """A put keeps the node_id then; a node never changes its kind, so one is gone and the other new."""
    file = forge.entry("name")
    write(levers, file)
    client.look()
    write(levers, file.replace(kind=LINK, digest=b"", target="there"))

    sight = client.look()

    new_id = sync_id(file.node_id, LINK)
    assert {change.id: change.node is None for change in sight.changes} == {file.node_id: True, new_id: False}
    (node,) = client.tree
    client.commit(Edit(node, node._replace(target="elsewhere")))
    assert read(levers)["name"].node_id == file.node_id


def test_a_folder_that_turned_into_a_file_is_refused(levers: VolumeLevers, client: Client) -> None:
    """No client of ours keeps the node_id then."""
    write(levers, forge.entry("name", kind=FOLDER, digest=b""))
    client.look()
    write(levers, forge.entry("name", kind=FILE))

    with pytest.raises(IntegrityError):
        client.look()


@pytest.mark.parametrize(
    "node",
    [a_folder("x" * 256), a_file("late", mtime_ns=2**63), a_link("long", "x" * 5_000), a_folder("e\u0301")],
    ids=["long name", "late", "long target", "not NFC"],
)
def test_what_no_entry_can_say_is_a_clear_error(client: Client, node: object) -> None:
    """It never gets as far as a page."""
    with pytest.raises(LimitError):
        client.put((node, b"") if getattr(node, "kind", "") == "f" else node)  # type: ignore[arg-type]  # parametrised


def test_a_commit_without_the_content_it_needs_is_a_bug(client: Client) -> None:
    """No entry ever pairs a digest with the refs of other content."""
    one, other = a_file("file", b"one"), a_file("file", b"other")
    with pytest.raises(BugError):
        client.commit(Edit(None, one))
    (stored,) = client.store([(one, b"one")])
    with pytest.raises(BugError):
        client.commit(Edit(None, other, stored.content))


def test_a_damaged_memory_of_the_folder_is_found_out(client: Client) -> None:
    """Where what is remembered is in step with itself and not with the volume, nothing is written over."""
    client.put(D)
    wrong = D._replace(mode=0o700)

    assert client.mark is not None
    with pytest.raises(SafetyStopError):
        client.folder.commit(
            client.mark, [Edit(wrong, wrong._replace(name="moved"))], MemoryTree([wrong]), client.announced.append
        )
    with pytest.raises(SafetyStopError):
        client.folder.commit(
            client.mark, [Edit(wrong, wrong._replace(mode=0o711))], MemoryTree([wrong]), client.announced.append
        )
    assert list(client.look().changes) == []


# --- the whole volume, and what is sent -------------------------------------------------------------------------------


def test_a_volume_that_nobody_has_committed_to_can_be_synced(tmp_path: Path) -> None:
    """Its `/` has no node_id yet: the first commit gives it one, and then it is the same folder."""
    with ExitStack() as stack:
        levers = VolumeLevers(stack, tmp_path)
        del levers.server.chain[1:]
        one = Client(VolumeFolder(levers.session(5), VOLUME_ROOT))
        other = Client(VolumeFolder(levers.session(6), VOLUME_ROOT))
        one.look()
        other.look()
        one.put(D)

        assert [change.node for change in other.look().changes] == [D]
        assert list(one.look().changes) == []


def test_chunks_that_were_sent_are_not_sent_again(levers: VolumeLevers, client: Client) -> None:
    """After a crash between upload and commit the index knows them."""
    data = fixed("large", 3_000_000)
    file = a_file("large", data)
    client.store([(file, data)])
    sent_bytes = levers.server.sent_bytes
    again = Client(levers.folder(1))
    again.look()
    again.put((file, data))

    assert levers.server.sent_bytes - sent_bytes < 64 * 1024
    assert again.fetch(file) == [(data, None)]


def test_one_commit_of_many_edits_names_all_it_needs(levers: VolumeLevers, client: Client) -> None:
    """Lists, chunks and pages: the server in memory refuses a commit that leaves one out."""
    files = [(a_file(f"{n}", fixed(f"{n}", 300_000 * n), D.id), fixed(f"{n}", 300_000 * n)) for n in range(4)]
    client.put(D, E, *files)

    assert levers.server.reachable() <= levers.server.blobs.keys()


def test_a_full_folder_costs_no_more_than_its_change(levers: VolumeLevers, client: Client) -> None:
    """One file of two thousand: a few pages are loaded to see it, and no content."""
    client.put(*((a_file(f"{n:04}"), b"") for n in range(2_000)))
    other = Client(levers.folder(2))
    other.look()
    node = a_file("0777")
    client.commit(Edit(node, node._replace(mtime_ns=1)))
    levers.server.fetched.clear()

    assert len(other.look().changes) == 1
    assert len(levers.server.fetched) < 10


@pytest.mark.parametrize("data", [b"what it says", fixed("large", 700_000)], ids=["small", "large"])
def test_content_that_is_not_what_its_entry_says_is_refused(levers: VolumeLevers, client: Client, data: bytes) -> None:
    """Every blob verifies, and the whole is another file: whoever wrote the entry lied."""
    client.put((a_file("file", data), data), (a_file("good", b"good"), b"good"))
    entry = read(levers)["file"]
    write(levers, entry.replace(digest=fixed("another digest")))
    client.look()
    lied, good = sorted(client.tree, key=lambda node: node.name)

    (_, error), (found, none) = client.fetch(lied, good)

    assert isinstance(error, IntegrityError)
    assert (found, none) == (b"good", None)


def test_a_list_that_is_lost_fails_its_file_alone(levers: VolumeLevers, client: Client) -> None:
    """It is found out before the first chunk is asked for."""
    data = fixed("large", 6_000_000)
    client.put((a_file("file", data), data), (a_file("good", b"good"), b"good"))
    (ref,) = read(levers)["file"].ref_list()
    assert ref.kind == LIST_KIND
    del levers.server.blobs[ref.id]

    (_, error), (found, none) = client.fetch(a_file("file", data), a_file("good", b"good"))

    assert isinstance(error, IntegrityError)
    assert (found, none) == (b"good", None)


def test_values_show_no_names_and_no_keys(client: Client) -> None:
    """What ends up in a log or a message tells nothing."""
    mark = client.put((a_file("secret", b"data"), b"data"))
    (uploaded,) = client.folder.upload([an_upload(a_file("secret", b"data"), b"data")])

    shown = repr((mark, uploaded, client.folder))

    assert "secret" not in shown
    assert repr(mark.folder)[5:25] not in shown
