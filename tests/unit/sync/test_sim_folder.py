"""The simulated folder fails as it is told: what was dropped, what happened all the same, and what a lie looks like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mega_cli.errors import BugError, IntegrityError, LimitError, MissingBlobsError, RollbackError, TemporaryError
from mega_cli.sync.remote import Edit, RemoteMovedError
from mega_cli.sync.sim_folder import MOMENTS, Fault, SimFolder
from mega_cli.sync.sim_volume import SimVolume
from tests.kit.remote_ends import Client, a_file, a_folder, an_upload

D, E = a_folder("d"), a_folder("e")
FILE, DATA = a_file("file", b"data"), b"data"


class Weather:
    """Decides what goes wrong, once."""

    def __init__(self) -> None:
        self.fault: tuple[str, Fault] | None = None
        self.calls: list[str] = []
        self.on_call: Callable[[str], None] = self.calls.append

    def __call__(self, moment: str) -> Fault | None:
        """Give what goes wrong now."""
        assert moment in MOMENTS
        if self.fault is not None and self.fault[0] == moment:
            (_, fault), self.fault = self.fault, None
            return fault
        return None


@pytest.fixture
def volume() -> SimVolume:
    """Give an empty volume."""
    return SimVolume()


@pytest.fixture
def weather() -> Weather:
    """Give good weather."""
    return Weather()


@pytest.fixture
def client(volume: SimVolume, weather: Weather) -> Client:
    """Give a client that has looked, and stored a file."""
    folder = SimFolder(volume, "one", on_call=lambda moment: weather.on_call(moment), faults=weather)  # noqa: PLW0108 -- set later
    made = Client(folder)
    made.look()
    made.put(D, (FILE, DATA))
    weather.calls.clear()
    return made


@pytest.fixture
def other(volume: SimVolume, client: Client) -> Client:
    """Give another client that has looked."""
    made = Client(SimFolder(volume, "two"))
    made.look()
    assert made.tree == client.tree
    return made


def test_every_moment_is_told_before_and_after(client: Client, weather: Weather) -> None:
    """So that others may act there, or the client end there."""
    client.look()
    client.folder.has_committed(client.announced[0])
    client.put((a_file("two", b"2"), b"2"))
    client.fetch(FILE)
    client.folder.past_digests()

    seen = ["observe", "has_committed", "upload", "commit.read", "commit.swap", "fetch", "past_digests"]
    assert weather.calls == [word for moment in seen for word in (moment, f"{moment} done")]
    assert set(seen) == set(MOMENTS)


@pytest.mark.parametrize("fault", [Fault.DROP_REQUEST, Fault.DROP_REPLY])
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_is_dropped_is_a_temporary_error(client: Client, weather: Weather, moment: str, fault: Fault) -> None:
    """At each moment, in either direction; the next try goes through."""
    acts: dict[str, Callable[[], object]] = {
        "observe": client.look,
        "has_committed": lambda: client.folder.has_committed(client.announced[0]),
        "upload": lambda: list(client.folder.upload([an_upload(a_file("two", b"2"), b"2")])),
        "fetch": lambda: client.fetch(FILE),
        "commit.read": lambda: client.commit(Edit(D, None)),
        "commit.swap": lambda: client.commit(Edit(D, None)),
        "past_digests": client.folder.past_digests,
    }
    weather.fault = moment, fault

    with pytest.raises(TemporaryError):
        acts[moment]()

    if (moment, fault) == ("commit.swap", Fault.DROP_REPLY):
        assert client.folder.has_committed(client.announced[-1])
    else:
        acts[moment]()


@pytest.mark.parametrize(
    ("fault", "happened"), [(Fault.DROP_REQUEST, False), (Fault.DROP_REPLY, True), (Fault.LATE, False)]
)
def test_a_commit_without_an_answer(
    client: Client, weather: Weather, other: Client, fault: Fault, *, happened: bool
) -> None:
    """It may have happened or not: the history tells."""
    weather.fault = "commit.swap", fault
    with pytest.raises(TemporaryError):
        client.put(E)

    assert client.folder.has_committed(client.announced[-1]) is happened
    assert bool(other.look().changes) is happened


def test_a_late_commit_arrives_when_it_is_delivered(
    client: Client, weather: Weather, volume: SimVolume, other: Client
) -> None:
    """After the client was told that it had not happened."""
    weather.fault = "commit.swap", Fault.LATE
    with pytest.raises(TemporaryError):
        client.put(E)
    volume.deliver_late()

    assert client.folder.has_committed(client.announced[-1])
    assert [change.node for change in other.look().changes] == [E]


def test_a_late_commit_that_was_overtaken_is_refused(client: Client, weather: Weather, volume: SimVolume) -> None:
    """Another one came first: it is as if it had never been sent."""
    weather.fault = "commit.swap", Fault.LATE
    with pytest.raises(TemporaryError):
        client.put(E)
    client.put(a_folder("f"))
    volume.deliver_late()

    assert {node.name for node in volume.tree.values()} == {"d", "file", "f"}


def test_a_stale_head_is_an_older_one_that_the_pin_allows(client: Client, weather: Weather, other: Client) -> None:
    """It hides what others did, and a commit on it meets them."""
    other.put(E)
    weather.fault = "observe", Fault.STALE
    assert list(client.look().changes) == []
    weather.fault = "commit.read", Fault.STALE
    with pytest.raises(RemoteMovedError):
        client.commit(Edit(D, None))

    assert [change.node for change in client.look().changes] == [E]


@pytest.mark.parametrize("moment", ["upload", "commit.read"])
def test_a_full_account_is_a_limit(client: Client, weather: Weather, moment: str) -> None:
    """Nothing is committed."""
    weather.fault = moment, Fault.QUOTA
    with pytest.raises(LimitError):
        client.put((a_file("two", b"2"), b"2"))

    assert list(client.look().changes) == []


def test_an_upload_that_ends_in_the_middle_has_stored_the_beginning(
    client: Client, weather: Weather, volume: SimVolume
) -> None:
    """What was answered is stored, the rest is not."""
    files = [a_file(str(number), str(number).encode()) for number in range(3)]
    uploads = client.folder.upload([an_upload(node, node.name.encode()) for node in files])
    first = next(uploads)
    weather.fault = "upload", Fault.DROP_REQUEST

    with pytest.raises(TemporaryError):
        next(uploads)

    assert first.node == files[0]
    assert [node.digest in volume.blobs for node in files] == [True, False, False]


def test_lost_blobs_are_told_by_the_commit(client: Client, weather: Weather) -> None:
    """As a sweep between upload and commit would make it."""
    weather.fault = "commit.swap", Fault.LOST_BLOBS
    with pytest.raises(MissingBlobsError):
        client.put((a_file("two", b"2"), b"2"))

    assert list(client.look().changes) == []


def test_a_bad_blob_fails_its_file_alone(client: Client, weather: Weather) -> None:
    """The next try has it."""
    weather.fault = "fetch", Fault.BAD_BLOB
    (_, error), (data, good) = client.fetch(FILE, FILE)

    assert isinstance(error, IntegrityError)
    assert (data, good) == (DATA, None)


def test_a_fork_is_seen_when_it_is_joined(client: Client, volume: SimVolume, other: Client) -> None:
    """Each branch goes on alone; its record on the other one is a rollback."""
    volume.fork("there")
    assert isinstance(other.folder, SimFolder)
    other.folder.branch = "there"
    other.put(E)
    client.put(a_folder("f"))
    assert list(client.look().changes) == []

    other.folder.branch = "main"
    with pytest.raises(RollbackError):
        other.look()


def test_a_frozen_head_takes_no_commit(client: Client, volume: SimVolume, other: Client) -> None:
    """The server shows one head for ever, and refuses everything for it."""
    assert isinstance(client.folder, SimFolder)
    client.folder.frozen = volume.heads["main"]
    other.put(E)

    assert list(client.look().changes) == []
    with pytest.raises(TemporaryError):
        client.put(a_folder("f"))


def test_a_pin_outlives_the_client(client: Client, volume: SimVolume) -> None:
    """A client that begins anew on the same device still refuses what is older."""
    client.put(E)
    volume.roll_back(1)

    with pytest.raises(RollbackError):
        SimFolder(volume, "one").observe(None)
    SimFolder(volume, "a fresh device").observe(None)


@pytest.mark.parametrize(
    "edit",
    [Edit(None, a_folder("x", E.id)), Edit(None, a_folder("x", FILE.id)), Edit(None, a_folder("x")._replace(name="d"))],
    ids=["below nothing", "below a file", "a name that is taken"],
)
def test_a_tree_that_is_not_well_formed_is_a_bug(client: Client, edit: Edit) -> None:
    """A simulated volume holds what a real one could not even say."""
    with pytest.raises(BugError):
        client.commit(edit)


def test_a_circle_is_a_bug(client: Client) -> None:
    """Two folders, each in the other."""
    client.put(E)
    with pytest.raises(BugError):
        client.commit(Edit(D, D._replace(parent=E.id)), Edit(E, E._replace(parent=D.id)))


def test_a_commit_without_the_content_it_needs_is_a_bug(client: Client) -> None:
    """As with a real volume."""
    with pytest.raises(BugError):
        client.commit(Edit(None, a_file("two", b"2")))
