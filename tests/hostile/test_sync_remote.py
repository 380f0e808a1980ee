"""What sync sees of a server that lies: T20 to T25 at `VolumeFolder`, where every cycle begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.errors import IntegrityError, RollbackError, TemporaryError
from mega_cli.formats.root_record import record_header
from mega_cli.paths.remote import RemotePath
from mega_cli.sync.remote import Edit, RemoteMark, RemoteMovedError
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.volume.changes import make_folder
from mega_cli.volume.session import VolumeSession
from tests.hostile.conftest import World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import Answer, Call, Forward, instead, on_body, refusal
from tests.kit.remote_ends import Client, a_file, a_folder
from tests.kit.volume_forge import record_after

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
