"""What sync sees of a server or peer that lies: T20 to T25, T73 and T74 at `VolumeFolder`, where every cycle begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.errors import IntegrityError, LimitError, RollbackError, TemporaryError
from mega_cli.formats.object import SealedObject
from mega_cli.formats.page import LINK
from mega_cli.formats.root_record import record_header
from mega_cli.model import Ref
from mega_cli.paths.remote import ROOT, RemotePath
from mega_cli.sync.entries import sync_id
from mega_cli.sync.remote import Edit, RemoteMark, RemoteMovedError
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.volume import depth, diff, page_diff
from mega_cli.volume.changes import make_folder
from mega_cli.volume.session import VolumeSession
from tests.hostile.conftest import World
from tests.hostile.test_names import IMPOSSIBLE, STRANGE
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import Answer, Call, Forward, instead, on_body, refusal
from tests.kit.remote_ends import Client, a_file, a_folder
from tests.kit.volume_forge import commit_files, commit_page, folder_entry, record_after, seal_any_page, upload

HEAD, RECORDS, COMMITS = "/head$", "/records", "/commits$"
D, E = a_folder("d"), a_folder("e")
FILE, DATA = a_file("file", b"data"), b"data"


@pytest.fixture
def volume(device: Device) -> Iterator[VolumeSession]:
    """Open the clone's volume; what fails, fails at once."""
    with device.volume() as session:
        session.client = session.client.one_try()
        session.head()
        yield session


@pytest.fixture
def client(volume: VolumeSession, tmp_path: Path) -> Client:
    """Follow a folder of our own, which holds a folder and a file."""
    pair = RemotePath.parse(f"/{tmp_path.name[-40:]}")
    make_folder(volume, pair)
    made = Client(VolumeFolder(volume, pair))
    made.look()
    made.put(D, (FILE, DATA))
    return made


@pytest.fixture
def other(client: Client, device: Device, tmp_path: Path) -> Iterator[Client]:
    """Follow the same folder on another device."""
    with device.copy(tmp_path / "other").volume() as session:
        made = Client(VolumeFolder(session, RemotePath.parse(f"/{tmp_path.name[-40:]}")))
        made.look()
        assert made.tree == client.tree
        yield made


def heads(session: VolumeSession, count: int) -> list[bytes]:
    """Give the newest records, the head last."""
    newest = session.head().revision
    return session.client.records(session.keys.volume, newest - count + 1, newest)


def unchanged(client: Client) -> bool:
    """Look honestly, and tell whether both nodes are there as they were."""
    return list(client.look().changes) == [] and {node.id for node in client.tree} == {D.id, FILE.id}


# --- histories --------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T20")
def test_none_of_the_last_five_heads_is_looked_at(world: World, client: Client, volume: VolumeSession) -> None:
    """A rollback tells nothing, commits nothing, and leaves the pin where it was."""
    for number in range(5):
        client.commit(Edit(client.tree.get(D.id), D._replace(mode=0o700 + number)))
    pinned, mark = volume.pin(), client.mark
    for old in heads(volume, 6)[:-1]:
        world.proxy.be_honest()
        world.proxy.lie("GET", HEAD, instead(old))
        with pytest.raises(RollbackError):
            client.look()
        with pytest.raises(RollbackError):
            client.put(E)
    assert (volume.pin(), client.mark) == (pinned, mark)
    world.proxy.be_honest()
    assert unchanged(client)


@pytest.mark.attack("T21")
def test_the_other_branch_of_a_fork_is_never_seen(
    world: World, client: Client, other: Client, volume: VolumeSession
) -> None:
    """Each device goes on alone until it is shown the other's record; that is a rollback to both."""
    head = volume.head()
    assert head.body.root is not None
    fork = record_after(volume, head, head.body.root)
    client.put(E)
    world.proxy.lie("GET", HEAD, instead(fork))
    world.proxy.lie("GET", RECORDS, on_body(lambda raw: raw[:-746] + fork))
    assert list(other.look().changes) == []

    with pytest.raises(RollbackError):
        client.look()
    world.proxy.be_honest()
    with pytest.raises(RollbackError):
        other.look()
    with pytest.raises(RollbackError):
        other.put(a_folder("other"))


@pytest.mark.attack("T22")
def test_who_is_shown_an_old_head_cannot_commit_over_the_new_one(
    world: World, client: Client, other: Client, volume: VolumeSession
) -> None:
    """A frozen head hides what others did, and no more than that: the commit meets it and is planned anew."""
    frozen = heads(volume, 1)[0]
    other.put(E)
    world.proxy.lie("GET", HEAD, instead(frozen))
    assert list(client.look().changes) == []

    with pytest.raises(RemoteMovedError):
        client.remove(D)
    world.proxy.be_honest()
    assert [change.node for change in client.look().changes] == [E]


@pytest.mark.attack("T23")
@pytest.mark.parametrize("how", ["gap", "cut", "edited", "doubled", "empty"])
def test_a_broken_chain_is_not_followed(world: World, client: Client, other: Client, how: str) -> None:
    """Neither a look nor the question whether a commit happened gets an answer from it."""
    mark = client.put(E)
    client.put(a_folder("f"))
    client.put(a_folder("g"))

    def broken(raw: bytes) -> bytes:
        records = [raw[at : at + 746] for at in range(0, len(raw), 746)]
        if how == "edited":
            records[0] = forge.flipped(records[0], 700)
        return b"".join(
            {
                "gap": records[1:],
                "cut": records[:-1],
                "edited": records,
                "doubled": [records[0], *records[:-1]],
                "empty": [],
            }[how]
        )

    world.proxy.lie("GET", RECORDS, on_body(broken))
    with pytest.raises((RollbackError, IntegrityError)):
        other.look()
    with pytest.raises((RollbackError, IntegrityError)):
        client.folder.has_committed(mark)
    world.proxy.be_honest()
    assert client.folder.has_committed(mark)


@pytest.mark.attack("T23")
def test_no_server_can_say_that_another_record_was_committed(
    world: World, client: Client, volume: VolumeSession
) -> None:
    """One of the right revision, signed by this very device, that lost its swap: shown in place of the real one."""
    head = volume.head()
    assert head.body.root is not None
    lost = record_after(volume, head, head.body.root)
    header = record_header(lost)
    client.put(E)
    client.put(a_folder("f"))
    mark = RemoteMark(header.revision, header.digest, b"")

    assert not client.folder.has_committed(mark)
    world.proxy.lie("GET", RECORDS, on_body(lambda raw: lost + raw[746:]))
    with pytest.raises(RollbackError):
        client.folder.has_committed(mark)
    world.proxy.be_honest()
    world.proxy.lie("GET", HEAD, instead(lost))
    with pytest.raises(RollbackError):
        client.folder.has_committed(mark)


@pytest.mark.attack("T24")
def test_the_head_of_another_account_is_not_looked_at(world: World, client: Client, bob: Device) -> None:
    """Bob's head, served to Alice: exit 14, and nothing of it is told."""
    with bob.volume() as session:
        foreign = session.client.head(session.keys.volume)
    world.proxy.lie("GET", HEAD, instead(foreign))

    with pytest.raises(IntegrityError):
        client.look()
    with pytest.raises(IntegrityError):
        client.put(E)
    world.proxy.be_honest()
    assert unchanged(client)


# --- commits ----------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T25")
def test_a_commit_that_was_acknowledged_and_dropped_is_not_believed(world: World, client: Client) -> None:
    """Not by the commit, not by the question afterwards; made again, it happens, and nothing was lost."""
    world.proxy.lie("POST", COMMITS, instead(b"", 201), times=1)
    client.announced.clear()
    with pytest.raises(TemporaryError):
        client.put(E)

    assert not client.folder.has_committed(client.announced[0])
    assert unchanged(client)
    client.put(E)
    assert client.folder.has_committed(client.announced[1])


@pytest.mark.attack("T25")
def test_a_commit_whose_answer_was_lost_is_found_again(world: World, client: Client, other: Client) -> None:
    """It happened once, and the history tells."""
    world.proxy.lie("POST", COMMITS, _swallowed, times=1)
    client.announced.clear()
    with pytest.raises(TemporaryError):
        client.put(E)

    assert client.folder.has_committed(client.announced[0])
    assert [change.node for change in other.look().changes] == [E]


def _swallowed(_call: Call, forward: Forward) -> Answer:
    """Do it, and break the connection."""
    return replace(forward(), body=b"", is_cut=True)


@pytest.mark.attack("T25")
@pytest.mark.parametrize("times", [1, 5])
def test_a_false_conflict_loses_nothing_and_doubles_nothing(
    world: World, client: Client, other: Client, volume: VolumeSession, times: int
) -> None:
    """The server refuses and shows the head that the commit was made for: it is made again until it is taken."""
    world.proxy.lie("POST", COMMITS, refusal("head_moved", 409, head=heads(volume, 1)[0]), times=times)
    client.announced.clear()
    mark = client.put(E)

    assert [client.folder.has_committed(told) for told in client.announced] == [False] * times + [True]
    assert client.announced[-1] == mark
    assert [change.node for change in other.look().changes] == [E]


@pytest.mark.attack("T25")
def test_a_conflict_with_itself_is_success(world: World, client: Client, other: Client) -> None:
    """The server takes the commit and refuses it with that very head: the chain shows it, so it happened, once."""

    def taken_and_refused(call: Call, forward: Forward) -> Answer:
        forward()
        return refusal("head_moved", 409, head=_record_in(call, world))(call, forward)

    world.proxy.lie("POST", COMMITS, taken_and_refused, times=1)
    client.announced.clear()
    mark = client.put(E)

    assert client.announced == [mark]
    assert [change.node for change in other.look().changes] == [E]


def _record_in(call: Call, world: World) -> bytes:
    """Find the newest record on the real server."""
    del call
    with world.owner.volume() as session:
        return session.client.head(session.keys.volume)


@pytest.mark.attack("T25")
@pytest.mark.parametrize("shown", ["old", "forged"])
def test_a_conflict_that_shows_a_wrong_head_is_what_it_is(
    world: World, client: Client, volume: VolumeSession, shown: str
) -> None:
    """A rollback or a forgery, and nothing is committed."""
    old, present = heads(volume, 2)
    head = old if shown == "old" else forge.flipped(present, 700)
    world.proxy.lie("POST", COMMITS, refusal("head_moved", 409, head=head), times=1)

    with pytest.raises(RollbackError if shown == "old" else IntegrityError):
        client.put(E)
    world.proxy.be_honest()
    assert unchanged(client)


# --- trees of a hostile peer ------------------------------------------------------------------------------------------


def whole(volume: VolumeSession) -> Client:
    """Look at `/` for the first time."""
    made = Client(VolumeFolder(volume, ROOT))
    made.look()
    return made


@pytest.mark.attack("T73")
def test_an_impossible_name_is_never_told(volume: VolumeSession) -> None:
    """The page is refused whole: no node has such a name."""
    for name in IMPOSSIBLE:
        commit_files(volume, forge.page_of([forge.entry(name)]))
        with pytest.raises(IntegrityError):
            whole(volume)


@pytest.mark.attack("T73")
def test_a_strange_name_is_one_name_of_one_node(volume: VolumeSession) -> None:
    """Each is told as it is, but for sync's own folder at the top, which is left alone wherever it comes from."""
    names = sorted({*STRANGE, ".mega", ".MEGA"})
    commit_files(volume, forge.page_of([forge.entry(name) for name in names]))

    made = Client(VolumeFolder(volume, ROOT))
    sight = made.look()

    unheld = {path[-1] for _, path in sight.unheld}
    assert {".mega", ".MEGA"} <= unheld
    assert {node.name for node in made.tree} | unheld == set(names)
    assert {node.name for node in made.tree}.isdisjoint(unheld)
    assert all(name.casefold() == ".mega" or name.startswith("\uf74d") for name in unheld)


@pytest.mark.attack("T73")
def test_a_link_is_text_and_leads_nowhere(volume: VolumeSession) -> None:
    """A file `below` a link cannot even be said: a link has no pages, and its target is not looked at."""
    link = forge.entry("link", kind=LINK, digest=b"", target="../../etc")
    commit_files(volume, forge.page_of([link]))
    (node,) = whole(volume).tree
    assert (node.kind, node.target, node.parent) == ("l", "../../etc", bytes(16))

    page = seal_any_page(volume, forge.page_of([forge.entry("passwd")]))
    commit_files(volume, forge.page_of([link.replace(refs=page.ref.pack())]), [page])
    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T73")
@pytest.mark.parametrize("node_ids", [(bytes(16),), (b"n" * 16, b"n" * 16)], ids=["the top's", "one for two"])
def test_node_ids_that_no_honest_tree_has_are_refused(volume: VolumeSession, node_ids: Sequence[bytes]) -> None:
    """A node that is its own parent, or two that are one, would let a peer choose what is moved or removed here."""
    commit_files(volume, forge.page_of([forge.entry(f"{n}", node_id=id_) for n, id_ in enumerate(node_ids)]))

    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T73")
def test_a_link_cannot_pretend_to_be_another_node(volume: VolumeSession) -> None:
    """Its id is made from its node_id, and a peer may choose one that gives the id of a file, or of the top."""
    file = forge.entry("file")
    link = forge.entry("link", kind=LINK, digest=b"", target="x")
    for chosen in (file.node_id, bytes(16)):
        commit_files(volume, forge.page_of([file, link.replace(node_id=sync_id(chosen, LINK))]))
        with pytest.raises(IntegrityError):
            whole(volume)


@pytest.mark.attack("T74")
def test_a_name_of_64_kib_is_refused(volume: VolumeSession) -> None:
    """No page that holds one verifies."""
    commit_files(volume, forge.page_of([forge.entry("n" * 64_000)]))

    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T74")
def test_a_tree_that_unfolds_without_end_is_refused(volume: VolumeSession) -> None:
    """Forty pages, each twice in the one above, are 2^40 folders; the first node that comes twice ends it."""
    pages: list[SealedObject] = []
    below: Ref | None = None
    for _ in range(40):
        page = seal_any_page(volume, forge.page_of([folder_entry("one", below), folder_entry("two", below)]))
        pages.append(page)
        below = page.ref
    upload(volume, pages)
    commit_page(volume, pages[-1], pages)

    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T74")
def test_folders_deeper_than_any_disk_are_a_clear_error(volume: VolumeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """LimitError says it; the bound of 2,048 is lowered here, and `test_diff` holds that nothing recurses."""
    monkeypatch.setattr(depth, "MOST_FOLDERS", 30)
    pages: list[SealedObject] = []
    below: Ref | None = None
    for number in range(32):
        entry = folder_entry("d", below).replace(node_id=forge.fixed(f"deep {number}", 16))
        pages.append(seal_any_page(volume, forge.page_of([entry])))
        below = pages[-1].ref
    upload(volume, pages)
    commit_page(volume, pages[-1], pages)

    with pytest.raises(LimitError, match="deep"):
        whole(volume)


@pytest.mark.attack("T74")
def test_more_entries_than_memory_are_a_clear_error(volume: VolumeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is two million; it is lowered here, for the clock's sake, and one entry more is refused."""
    entries = [forge.entry(f"{number:04}", node_id=forge.fixed(f"many {number}", 16)) for number in range(101)]
    for module in (diff, page_diff):
        monkeypatch.setattr(module, "MOST_CHANGES", 100)
    commit_files(volume, forge.page_of(entries[:100]))
    assert len(whole(volume).tree) == 100

    commit_files(volume, forge.page_of(entries))
    with pytest.raises(LimitError, match="more than"):
        whole(volume)
