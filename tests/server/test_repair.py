"""Packs that the store has lost: what is said of their blobs, and how sending them again mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from mega_server.config import Storage
from mega_server.protocol import routes
from mega_server.protocol.frames import Absent
from mega_server.protocol.ids import BlobId, join_id_set
from mega_server.services.checks import check
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs
from tests.kit.server import backend_of, make_app
from tests.server.test_packs import fetch, used


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """Give an application on a real folder."""
    app = make_app(tmp_path, storage=Storage.FILESYSTEM)
    yield app
    backend_of(app).close()


def remove(pack: Path) -> None:
    """Lose a pack."""
    pack.unlink()


def cut(pack: Path) -> None:
    """Lose the end of a pack, in place."""
    with pack.open("r+b") as file:
        file.truncate(pack.stat().st_size - 1)


def flip_and_move_away(pack: Path) -> None:
    """Damage a pack, as a disk does, and take it away, as its administrator does after `check --read-data`."""
    pack.write_bytes(bytes(pack.stat().st_size))
    pack.rename(pack.with_suffix(".damaged"))


def the_pack(account: FakeAccount) -> Path:
    """Find the account's only pack."""
    folder = backend_of(account.web.application).config.store_dir / "v" / account.volume.hex()
    (pack,) = folder.iterdir()
    return pack


def id_set(blobs: list[bytes]) -> bytes:
    """Write the set of their ids."""
    return join_id_set(BlobId(id_) for id_ in ids_of(blobs))


def damage(account: FakeAccount) -> list[str]:
    """Say what `mega-server check --read-data` finds damaged."""
    found = check(backend_of(account.web.application), reads_data=True)
    return [finding.what for finding in found if finding.is_damage]


@pytest.mark.parametrize("lose", [remove, cut, flip_and_move_away])
def test_a_lost_pack_sent_again_is_whole(alice: FakeAccount, lose: Callable[[Path], None]) -> None:
    """The same pack mends everything and counts once, though a descriptor of the old file is still open."""
    blobs = random_blobs(3)
    alice.post(routes.PACKS, pack_of(blobs))
    assert fetch(alice, ids_of(blobs)) == blobs
    lose(the_pack(alice))

    assert alice.post(routes.PACKS, pack_of(blobs)).status_code == 201
    assert fetch(alice, ids_of(blobs)) == blobs
    assert (damage(alice), used(alice)) == ([], len(pack_of(blobs)))


def test_lost_blobs_in_another_pack_are_found_there(alice: FakeAccount) -> None:
    """Rows are repointed; a lost pack that holds nothing more leaves the index and the quota."""
    blobs, others = random_blobs(2), random_blobs(2)
    alice.post(routes.PACKS, pack_of(blobs))
    remove(the_pack(alice))

    sent = pack_of([others[0], *reversed(blobs), others[1]])
    alice.post(routes.PACKS, sent)
    assert fetch(alice, ids_of(blobs + others)) == blobs + others
    assert (damage(alice), used(alice)) == ([], len(sent))


def test_a_pack_mended_in_part_stays_reported(alice: FakeAccount) -> None:
    """As long as one blob is lost, its pack is damage; the other is read from its new place."""
    blobs = random_blobs(2)
    alice.post(routes.PACKS, pack_of(blobs))
    remove(the_pack(alice))

    alice.post(routes.PACKS, pack_of(blobs[:1]))
    assert damage(alice) == ["the pack is lost, and 1 blobs with it"]
    assert fetch(alice, ids_of(blobs)) == [blobs[0], Absent.MISSING]


@pytest.mark.parametrize("lose", [remove, cut])
@pytest.mark.parametrize("route", [routes.MISSING, routes.HOLD])
def test_blobs_of_a_lost_pack_count_as_missing(alice: FakeAccount, route: str, lose: Callable[[Path], None]) -> None:
    """Who asks is told to send them again; what lies in other packs is there."""
    lost, kept = random_blobs(2), random_blobs(2)
    alice.post(routes.PACKS, pack_of(lost))
    lose(the_pack(alice))
    alice.post(routes.PACKS, pack_of(kept))

    assert alice.post(route, id_set(lost + kept)).data == id_set(lost)


def test_no_commit_relies_on_a_lost_pack(alice: FakeAccount) -> None:
    """A commit that needs its blobs is refused with their ids, and passes once they are sent again."""
    blobs = random_blobs(2)
    alice.post(routes.PACKS, pack_of(blobs))
    remove(the_pack(alice))
    request = alice.next_record() + id_set(blobs)

    assert error_of(alice.post(routes.COMMITS, request)).missing == sorted(ids_of(blobs))
    alice.post(routes.PACKS, pack_of(blobs))
    assert alice.post(routes.COMMITS, request).status_code == 201
