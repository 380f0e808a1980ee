"""The promises of `BlobStore`, over every member."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_server.protocol.ids import VolumeId
from mega_server.storage.filesystem import FilesystemStore
from mega_server.storage.memory import MemoryStore
from mega_server.storage.store import BlobStore, PackLostError, PackName, StoredPack
from tests.kit.small_disks import small_disk

VOLUME, OTHER = VolumeId(b"v" * 16), VolumeId(b"w" * 16)
NAME, SECOND = PackName(b"n" * 32), PackName(b"m" * 32)


@pytest.fixture(params=["filesystem", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    """Each member in turn."""
    member: BlobStore = FilesystemStore(tmp_path / "store") if request.param == "filesystem" else MemoryStore()
    yield member
    member.close()


def test_parts_are_joined(store: BlobStore) -> None:
    """A pack given in parts reads as one."""
    store.put(VOLUME, NAME, [b"head", memoryview(b"xbodyx")[1:5]])
    assert store.read(VOLUME, NAME, 0, 8) == b"headbody"


def test_a_range_is_read_exactly(store: BlobStore) -> None:
    """A range inside a pack is exactly its bytes."""
    store.put(VOLUME, NAME, [b"0123456789"])
    assert store.read(VOLUME, NAME, 3, 4) == b"3456"


def test_the_parts_may_be_reused(store: BlobStore) -> None:
    """What the caller does with its memory afterwards does not reach the store."""
    memory = bytearray(b"before")
    store.put(VOLUME, NAME, [memoryview(memory)])
    memory[:] = b"after!"
    assert store.read(VOLUME, NAME, 0, 6) == b"before"


def test_an_unknown_pack_is_lost(store: BlobStore) -> None:
    """Reading what was never stored says so."""
    with pytest.raises(PackLostError):
        store.read(VOLUME, NAME, 0, 1)


def test_a_range_beyond_the_end_is_lost(store: BlobStore) -> None:
    """A pack shorter than the range is no success with fewer bytes."""
    store.put(VOLUME, NAME, [b"short"])
    with pytest.raises(PackLostError):
        store.read(VOLUME, NAME, 3, 3)


def test_size_of_a_pack(store: BlobStore) -> None:
    """The size is the bytes stored."""
    store.put(VOLUME, NAME, [b"12", b"345"])
    assert store.size_bytes(VOLUME, NAME) == 5


def test_size_of_an_unknown_pack(store: BlobStore) -> None:
    """A pack that is not there has no size."""
    assert store.size_bytes(VOLUME, NAME) is None


def test_volumes_are_apart(store: BlobStore) -> None:
    """A name stored in one volume is not found in another."""
    store.put(VOLUME, NAME, [b"mine"])
    assert store.size_bytes(OTHER, NAME) is None


def test_storing_again_is_harmless(store: BlobStore) -> None:
    """A name may be stored twice."""
    store.put(VOLUME, NAME, [b"same"])
    store.put(VOLUME, NAME, [b"same"])
    assert store.read(VOLUME, NAME, 0, 4) == b"same"


def test_every_pack_is_listed(store: BlobStore) -> None:
    """The listing names each pack of each volume with its size."""
    store.put(VOLUME, NAME, [b"1"])
    store.put(VOLUME, SECOND, [b"22"])
    store.put(OTHER, NAME, [b"333"])
    assert set(store.packs()) == {
        StoredPack(VOLUME, NAME, 1),
        StoredPack(VOLUME, SECOND, 2),
        StoredPack(OTHER, NAME, 3),
    }


def test_a_working_store_checks(store: BlobStore) -> None:
    """A check of a store that works raises nothing and leaves nothing."""
    store.check()
    assert list(store.packs()) == []


def test_more_packs_than_descriptors_are_kept(store: BlobStore) -> None:
    """Reading many packs, and the first one again, works beyond any cache."""
    names = [PackName(number.to_bytes(32, "big")) for number in range(300)]
    for name in names:
        store.put(VOLUME, name, [name])
    assert [store.read(VOLUME, name, 0, 32) for name in [*names, names[0]]] == [*names, names[0]]


def test_readers_never_see_a_partial_pack(store: BlobStore) -> None:
    """A pack read while it is stored again and again is always whole."""
    pack = bytes(range(256)) * 256
    store.put(VOLUME, NAME, [pack])

    def write() -> None:
        for _ in range(20):
            store.put(VOLUME, NAME, [pack[:100], pack[100:]])

    writer = threading.Thread(target=write)
    writer.start()
    seen = {store.read(VOLUME, NAME, 0, len(pack)) for _ in range(50)}
    writer.join()
    assert seen == {pack}


def test_files_lie_where_the_protocol_says(tmp_path: Path) -> None:
    """The filesystem store keeps `v/<volume hex>/<name hex>` and leaves no temporary file."""
    FilesystemStore(tmp_path).put(VOLUME, NAME, [b"pack"])
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [f"v/{VOLUME.hex()}/{NAME.hex()}"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the bytes cannot be made durable, there is no pack and no temporary file."""

    def broken(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    store = FilesystemStore(tmp_path)
    store.put(VOLUME, SECOND, [b"before"])
    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="No space"):
        store.put(VOLUME, NAME, [b"pack"])
    assert [file.name for file in (tmp_path / "v" / VOLUME.hex()).iterdir()] == [SECOND.hex()]


def test_the_pack_is_durable_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File fsync, then rename, then folder fsync: in this order."""
    store = FilesystemStore(tmp_path)
    store.put(VOLUME, SECOND, [b"before"])
    steps: list[str] = []
    monkeypatch.setattr("os.fsync", lambda _fd: steps.append("fsync"))
    replace = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    store.put(VOLUME, NAME, [b"pack"])
    assert steps == ["fsync", "rename", "fsync"]


def test_a_folder_that_another_worker_made_is_made_durable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process syncs the root for a volume's first pack, since the one that made the folder may not have yet."""
    store = FilesystemStore(tmp_path)
    (tmp_path / "v" / VOLUME.hex()).mkdir()
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda fd: synced.append(os.fstat(fd).st_ino))
    store.put(VOLUME, NAME, [b"pack"])
    store.put(VOLUME, SECOND, [b"pack"])

    assert synced[0] == (tmp_path / "v").stat().st_ino
    assert synced.count(synced[0]) == 1


def test_what_a_killed_put_left_is_listed_and_removed_when_old(tmp_path: Path) -> None:
    """A partial file is no pack; it is known by its age, and a pack is never taken for one."""
    store = FilesystemStore(tmp_path)
    store.put(VOLUME, NAME, [b"pack"])
    folder = tmp_path / "v" / VOLUME.hex()
    for stem, written_s in ((SECOND.hex(), 1_000), (NAME.hex(), 2_000)):
        partial = folder / f"{stem}.0011223344556677.part"
        partial.write_bytes(b"cut")
        os.utime(partial, (written_s, written_s))

    assert list(store.leftovers(2_000_000)) == [StoredPack(VOLUME, SECOND, 3)]
    assert store.drop_leftovers(2_000_000) == 1
    assert list(store.leftovers(3_000_000)) == [StoredPack(VOLUME, NAME, 3)]
    assert list(store.packs()) == [StoredPack(VOLUME, NAME, 4)]


def test_a_fresh_store_has_no_leftovers(store: BlobStore) -> None:
    """What was stored whole leaves nothing to remove."""
    store.put(VOLUME, NAME, [b"pack"])
    assert (list(store.leftovers(2**62)), store.drop_leftovers(2**62)) == ([], 0)


def test_a_removed_pack_is_lost(store: BlobStore) -> None:
    """What was removed is gone, also for a reader that had it open; the others stay."""
    store.put(VOLUME, NAME, [b"one"])
    store.put(VOLUME, SECOND, [b"two"])
    assert store.read(VOLUME, NAME, 0, 3) == b"one"
    store.remove(VOLUME, NAME)

    assert store.size_bytes(VOLUME, NAME) is None
    with pytest.raises(PackLostError):
        store.read(VOLUME, NAME, 0, 3)
    assert list(store.packs()) == [StoredPack(VOLUME, SECOND, 3)]


def test_removing_twice_is_harmless(store: BlobStore) -> None:
    """A removal may be repeated after a crash."""
    store.remove(VOLUME, NAME)


def test_a_full_disk_is_noticed(tmp_path: Path) -> None:
    """The look at a disk without room says that no pack can be stored, and leaves nothing."""
    with small_disk(tmp_path / "disk", "size=64k") as disk:
        store = FilesystemStore(disk)
        store.check()
        (disk / "filled").write_bytes(bytes(shutil.disk_usage(disk).free))

        with pytest.raises(OSError, match="No space left"):
            store.check()
        assert list((disk / "v").iterdir()) == []
