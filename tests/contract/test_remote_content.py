"""What `mega_cli/sync/remote.py` promises of content, kept by a real volume and by a simulated one alike."""

from __future__ import annotations

import errno

import pytest

from mega_cli.errors import IntegrityError, MissingBlobsError
from mega_cli.localfs.failures import SourceChangedError
from mega_cli.sync.remote import Download, Edit, RemoteMovedError, StalePartError, Upload
from tests.kit.forge import fixed
from tests.kit.remote_ends import (
    Client,
    Levers,
    MemoryFile,
    MemorySink,
    SimLevers,
    VolumeLevers,
    a_file,
    a_folder,
    an_upload,
)

D = a_folder("d")
SIZES = {"empty": b"", "small": b"small", "middle": fixed("middle", 100_000), "large": fixed("large", 6_000_000)}


def test_content_of_every_size_comes_back(one: Client, other: Client) -> None:
    """Empty, one chunk, a deduplicated chunk, a list of chunks; in the order asked."""
    files = [(a_file(name, data), data) for name, data in SIZES.items()]
    one.put(*files)
    other.look()

    assert other.fetch(*(node for node, _ in files)) == [(data, None) for _, data in files]


@pytest.mark.parametrize("data", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("how", ["grows", "is touched", "is another", "is shorter", "cannot be opened", "fails"])
def test_a_file_that_is_not_what_it_should_be_is_not_stored(one: Client, data: bytes, how: str) -> None:
    """It is answered with an error, and the others are stored."""
    node = a_file("file", data)
    if how == "is another":
        node = node._replace(digest=bytes(32))
    if how == "is touched" and not data:
        pytest.skip("nothing is read of it, so nothing happens meanwhile")

    def opened() -> MemoryFile:
        if how == "cannot be opened":
            raise PermissionError(errno.EACCES, "no")
        if how == "fails":
            return Failing(data)
        grows = b"more" if how in ("grows", "is shorter") else b""
        file = MemoryFile(data, grows=grows, stamp_after=how == "is touched")
        return MemoryFile(data + b"more") if how == "is shorter" else file

    uploads = [an_upload(a_file("one", b"1"), b"1"), Upload(node, opened), an_upload(a_file("two", b"2"), b"2")]
    answers = {answer.node.name: answer for answer in one.folder.upload(uploads)}

    assert answers["file"].content is None
    assert answers["file"].error is not None
    if how not in ("cannot be opened", "fails"):
        assert isinstance(answers["file"].error, SourceChangedError)
    assert {name for name, answer in answers.items() if answer.content} == {"one", "two"}


class Failing(MemoryFile):
    """A file on a disk that is dying."""

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fail."""
        raise OSError(errno.EIO, f"dying after {len(buffer)} bytes were asked")


def test_files_are_closed(one: Client) -> None:
    """Every reader, however it ended."""
    files = [MemoryFile(b"good"), MemoryFile(b"bad", grows=b"!"), MemoryFile(SIZES["large"])]
    nodes = [a_file(str(number), file.data) for number, file in enumerate(files)]

    list(one.folder.upload([Upload(node, lambda file=file: file) for node, file in zip(nodes, files, strict=True)]))  # type: ignore[misc]  # mypy cannot infer a default's type

    assert [file.is_closed for file in files] == [True] * 3


def test_lost_content_fails_its_file_alone(levers: Levers, one: Client) -> None:
    """The others come, in order, and the error is that of integrity."""
    files = [(a_file(name, data), data) for name, data in SIZES.items()]
    one.put(*files)
    levers.lose(files[1][0].digest)
    levers.lose(files[2][0].digest)

    found = one.fetch(*(node for node, _ in files))

    assert [isinstance(error, IntegrityError) for _, error in found] == [False, True, True, False]
    assert [data for data, error in found if error is None] == [b"", SIZES["large"]]


def test_a_node_that_is_no_longer_so_is_not_fetched(one: Client) -> None:
    """Its content would be another's; the others come."""
    file = a_file("file", b"data")
    one.put((file, b"data"))

    (_, first), (data, second) = one.fetch(file._replace(digest=bytes(32)), file)

    assert isinstance(first, RemoteMovedError)
    assert (data, second) == (b"data", None)


def test_a_full_disk_fails_the_file_alone(one: Client) -> None:
    """Whoever takes the content decides whether to go on."""
    files = [(a_file(name, data), data) for name, data in SIZES.items() if data]
    one.put(*files)
    full = OSError(errno.ENOSPC, "full")

    found = one.fetch(*(node for node, _ in files), sinks=[MemorySink(), MemorySink(error=full), MemorySink()])

    assert [error for _, error in found] == [None, full, None]


def test_content_that_the_server_lost_must_be_uploaded_again(levers: Levers, one: Client) -> None:
    """The commit is refused and says so; after another upload it succeeds."""
    node = a_file("file", SIZES["middle"])
    edits = one.store([(node, SIZES["middle"])])
    forget_uploads(levers)

    with pytest.raises(MissingBlobsError):
        one.commit(*edits)

    one.put((node, SIZES["middle"]))
    assert one.fetch(node) == [(SIZES["middle"], None)]


def forget_uploads(levers: Levers) -> None:
    """Let the server lose every blob that no root needs."""
    if isinstance(levers, SimLevers):
        levers.volume.blobs.clear()
    elif isinstance(levers, VolumeLevers):
        for gone in levers.server.blobs.keys() - levers.server.reachable():
            del levers.server.blobs[gone]


def test_past_content_is_known_as_past(levers: Levers, one: Client) -> None:
    """What was edited away or removed, wherever it stood; not what is there, or is there again."""
    first, second, moved = a_file("first", b"1"), a_file("second", b"2", D.id), a_file("moved", b"3")
    one.put(D, (first, b"1"), (second, b"2"), (moved, b"3"))
    edited = a_file("first", b"one")
    (stored,) = one.store([(edited, b"one")])
    one.commit(Edit(first, edited, stored.content), Edit(moved, moved._replace(parent=D.id)))
    one.remove(second)
    one.put((a_file("again", b"2"), b"2"))

    assert levers.folder(4).past_digests() == {first.digest}


def test_a_folder_without_a_past_has_none(one: Client) -> None:
    """Nothing is no error."""
    assert one.folder.past_digests() == frozenset()


@pytest.mark.parametrize("held", [0, 1, 700_000, 2_500_000, 3_000_000])
def test_a_download_goes_on_from_what_is_held(one: Client, held: int) -> None:
    """Only the rest is written, from the very byte on, and the whole is verified."""
    data = fixed("film", 3_000_000)
    node = a_file("film", data)
    one.put((node, data))
    sink = MemorySink()
    download = Download(node, ("film",), lambda: sink, held, lambda: [data[: held // 2], data[held // 2 : held]])

    (answer,) = one.folder.fetch([download])

    assert (answer.error, sink.data) == (None, data[held:])


@pytest.mark.parametrize("held", [1, 700_000, 3_000_000])
def test_a_part_that_does_not_fit_is_stale(one: Client, held: int) -> None:
    """It says nothing of the server, which is asked for the whole file next."""
    data = fixed("film", 3_000_000)
    node = a_file("film", data)
    one.put((node, data))

    (answer,) = one.folder.fetch([Download(node, ("film",), MemorySink, held, lambda: [bytes(held)])])

    assert isinstance(answer.error, StalePartError)
