"""Ciphertext moved into another zone of trust: blobs of one volume shown to whoever reads another. T38."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from mega_cli.crypto.blobs import open_blob
from mega_cli.crypto.keys import VolumeKeys
from mega_cli.errors import IntegrityError
from mega_cli.formats.object import Sealer, open_object
from mega_cli.formats.page import IndexItem, decode_page
from mega_cli.model import PAGE, BlobId, Ref, Secret, volume_id
from mega_cli.volume.session import VolumeSession
from tests.hostile.conftest import World
from tests.hostile.test_privacy import stored_ids
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.volume_forge import commit_files, file_entry

NAMES = ("root_enc", "writer_seed", "dedup", "cdc", "page")


@pytest.fixture(scope="module")
def reader(world: World) -> Device:
    """Give an account of its own, because what it is given stays."""
    world.proxy.be_honest()
    made = world.sign_up("carol", Device(world.folder / "carol"))
    assert made.mega("put", str(world.folder / "canary-folder-name"), "/").code == 0
    return made


def refs_of(session: VolumeSession) -> list[Ref]:
    """Walk a volume whole; give every ref that it holds."""
    found: list[Ref] = []
    todo = [ref for ref in [session.head().body.root] if ref is not None]
    while todo:
        ref = todo.pop()
        found.append(ref)
        if ref.kind == PAGE:
            ((_, blob),) = session.client.fetch_blobs(session.keys.volume, [ref.id])
            for item in decode_page(open_object(blob, ref)).items:
                todo += [Ref.unpack(item.ref)] if isinstance(item, IndexItem) else item.ref_list()
    return found


def moved(world: World, reader: Device) -> list[tuple[BlobId, bytes]]:
    """Copy every blob of Alice's volume into Carol's, as a server that helps her could."""
    with world.owner.volume() as alices, reader.volume() as readers:
        ids = [BlobId(id_) for id_ in sorted(stored_ids(world, world.owner))]
        blobs = list(alices.client.fetch_blobs(alices.keys.volume, ids))
        readers.client.upload_pack(readers.keys.volume, ids, [blob for _, blob in blobs])
    assert set(ids) <= stored_ids(world, reader)
    return blobs


@pytest.mark.attack("T38")
def test_moved_blobs_are_neither_listed_nor_opened(world: World, reader: Device, tmp_path: Path) -> None:
    """Carol's volume stores all of Alice's blobs: her tree is as before, and no key that she has opens one of them."""
    before = reader.mega("ls", "--recursive", "/").out
    blobs = moved(world, reader)
    with reader.volume() as session:
        keys = [ref.key for ref in refs_of(session)] + [getattr(reader.keys, name) for name in NAMES]

    assert reader.mega("ls", "--recursive", "/").out == before
    assert len(keys) > 6
    for id_, blob in blobs:
        for key in keys:
            with pytest.raises(IntegrityError):
                open_blob(blob, id_, key, most_bytes=1 << 23)
    assert reader.mega("get", "/", str(tmp_path / "out")).code == 0


@pytest.mark.attack("T38")
def test_an_entry_that_names_a_moved_blob_does_not_open(world: World, reader: Device, tmp_path: Path) -> None:
    """Carol refers to Alice's id under a key of her own: the commit passes, reading is exit 14, and no file is left."""
    id_, _ = moved(world, reader)[0]
    with reader.volume() as session:
        plain = b"carol's own" * 20
        own = Sealer(session.keys).seal_data(plain)
        own.ref.id = id_
        commit_files(session, forge.page_of([file_entry("moved.bin", [own], plain)]))

    assert reader.mega("get", "/moved.bin", str(tmp_path / "out")).code == 14
    assert not list(tmp_path.rglob("moved*"))


@pytest.mark.attack("T38")
def test_no_key_serves_two_volumes_or_two_purposes() -> None:
    """Two volumes under one VK, as far as that could happen, share no key, and neither do two purposes of one."""
    keys = [VolumeKeys(Secret(forge.VK), volume_id(forge.fixed(name, 16)), 1) for name in ("one", "other")]
    every = [getattr(of_volume, name) for of_volume in keys for name in NAMES]

    assert all(one != other for one, other in combinations(every, 2))
