"""Packs in, blobs out: each route with each error it declares."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import pytest
from flask import Flask

from mega_server.database import accounts, schema
from mega_server.protocol import routes
from mega_server.protocol.frames import Absent, read_frames
from mega_server.protocol.ids import BlobId, VolumeId, join_id_set
from mega_server.protocol.limits import BLOB_MOST_BYTES, MIB, PACK_BYTES
from mega_server.protocol.messages import AccountInfo
from mega_server.services.uploads import reserved
from mega_server.storage.memory import MemoryStore
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs, read
from tests.kit.server import backend_of, make_app
from tests.server.conftest import FakeClock

VOLUME_POSTS = [routes.PACKS, routes.MISSING, routes.HOLD, routes.BLOBS, routes.COMMITS]


def used(account: FakeAccount) -> int:
    """Ask how many bytes the account stores."""
    return read(account.get(routes.ME), AccountInfo).used_bytes


def fetch(account: FakeAccount, ids: list[bytes]) -> list[bytes | Absent]:
    """Ask for blobs in this order."""
    response = account.post(routes.BLOBS, b"".join(ids))
    assert response.status_code == 200
    assert response.content_length == len(response.data)
    return list(read_frames([response.data]))


def touched(account: FakeAccount, blob: bytes) -> tuple[int, int | None]:
    """Read when a blob was touched and condemned."""
    table = schema.blobs
    with backend_of(account.web.application).database.reading() as connection:
        row = connection.execute(
            table.select().where(table.c.volume == account.volume, table.c.id == hashlib.sha256(blob).digest())
        ).one()
    return row.touched, row.condemned


def condemn(account: FakeAccount) -> None:
    """Mark every blob of the volume as left out by a mark."""
    with backend_of(account.web.application).database.writing() as connection:
        connection.execute(schema.blobs.update().values(condemned=1))


def test_a_pack_is_stored(alice: FakeAccount) -> None:
    """The answer is SHA-256 over the concatenated ids, and every blob reads back."""
    blobs = random_blobs(5)
    response = alice.post(routes.PACKS, pack_of(blobs))
    assert (response.status_code, response.data) == (201, hashlib.sha256(b"".join(ids_of(blobs))).digest())
    assert fetch(alice, ids_of(blobs)) == blobs


def test_a_pack_again_stores_nothing(alice: FakeAccount, store: MemoryStore) -> None:
    """A pack whose blobs are all there is answered the same and costs nothing."""
    pack = pack_of(random_blobs(3))
    first = alice.post(routes.PACKS, pack)
    before = used(alice), list(store.packs())
    again = alice.post(routes.PACKS, pack)
    assert (again.status_code, again.data) == (201, first.data)
    assert (used(alice), list(store.packs())) == before


def test_a_pack_again_touches(alice: FakeAccount, clock: FakeClock) -> None:
    """Sending present blobs again touches them and takes a condemnation back."""
    blobs = random_blobs(1)
    alice.post(routes.PACKS, pack_of(blobs))
    condemn(alice)
    clock.advance(60)
    alice.post(routes.PACKS, pack_of(blobs))
    assert touched(alice, blobs[0]) == (clock.now_ms, None)


def test_a_partly_new_pack_stores_the_new(alice: FakeAccount, store: MemoryStore) -> None:
    """Of a pack that is partly there, only the new blobs are kept, and all read back."""
    old, new = random_blobs(2), random_blobs(2)
    alice.post(routes.PACKS, pack_of(old))
    alice.post(routes.PACKS, pack_of([old[0], new[0], old[1], new[1]]))
    assert sorted(pack.size_bytes for pack in store.packs()) == [len(pack_of(old)), len(pack_of(new))]
    assert fetch(alice, ids_of(old + new)) == old + new


def test_a_blob_twice_in_a_pack(alice: FakeAccount) -> None:
    """A repeated blob is stored once and named twice in the answer."""
    (blob,) = random_blobs(1)
    response = alice.post(routes.PACKS, pack_of([blob, blob]))
    assert response.data == hashlib.sha256(b"".join(ids_of([blob, blob]))).digest()
    assert used(alice) == len(pack_of([blob]))


@pytest.mark.parametrize(
    "pack",
    [
        b"",
        b"MGP\x02" + pack_of([bytes(600)])[4:],
        pack_of([bytes(600)])[:-1],
        pack_of([bytes(600)]) + b"x",
        b"MGP\x01" + bytes(4),
        b"MGP\x01\xff\xff\xff\xff",
        pack_of([bytes(563)]),
        pack_of([bytes(BLOB_MOST_BYTES + 1)]),
    ],
    ids=["empty", "version", "cut", "trailing", "no-blob", "count", "small-blob", "large-blob"],
)
def test_a_malformed_pack(alice: FakeAccount, store: MemoryStore, pack: bytes) -> None:
    """A pack that is not one is refused and leaves nothing."""
    assert error_of(alice.post(routes.PACKS, pack)).code == "bad_request"
    assert (list(store.packs()), used(alice)) == ([], 0)


def test_a_pack_beyond_its_bound(alice: FakeAccount) -> None:
    """A pack of more than 16 MiB is refused by its length alone, and the connection ends."""
    response = alice.post(routes.PACKS, bytes(PACK_BYTES + 1))
    assert error_of(response).code == "too_large"
    assert response.headers["Connection"] == "close"


def test_used_bytes_are_counted_by_the_server(alice: FakeAccount) -> None:
    """What counts is the bytes stored, headers included."""
    packs = [pack_of(random_blobs(3)), pack_of(random_blobs(1))]
    for pack in packs:
        alice.post(routes.PACKS, pack)
    assert used(alice) == sum(map(len, packs))


def test_over_quota(tmp_path: Path) -> None:
    """A pack that the quota does not hold is refused, and the refusal reserves nothing."""
    alice = FakeAccount(make_app(tmp_path, quota_bytes=MIB).test_client()).enter()
    large = pack_of([os.urandom(2 * MIB)])
    assert error_of(alice.post(routes.PACKS, large)).code == "quota_exceeded"
    assert used(alice) == 0


def test_over_quota_small_packs_pass(tmp_path: Path) -> None:
    """Over quota, a pack of up to 1 MiB still passes, so that people can delete."""
    alice = FakeAccount(make_app(tmp_path, quota_bytes=0).test_client()).enter()
    assert alice.post(routes.PACKS, pack_of(random_blobs(1))).status_code == 201


def test_over_quota_allowance_ends(tmp_path: Path) -> None:
    """After 64 MiB over quota nothing passes."""
    alice = FakeAccount(make_app(tmp_path, quota_bytes=0).test_client()).enter()
    with backend_of(alice.web.application).database.writing() as connection:
        connection.exec_driver_sql("UPDATE accounts SET used_bytes = 67108864")
    assert error_of(alice.post(routes.PACKS, pack_of(random_blobs(1)))).code == "quota_exceeded"


def test_a_reservation_counts(tmp_path: Path, clock: FakeClock) -> None:
    """Bytes promised to an upload under way are not promised again, until its process must have died."""
    alice = FakeAccount(make_app(tmp_path, quota_bytes=3 * MIB, clock=clock).test_client()).enter()
    with backend_of(alice.web.application).database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO reservations (account, size_bytes, created) VALUES ('alice', 2097152, ?)", (clock.now_ms,)
        )
    pack = pack_of([os.urandom(2 * MIB)])
    assert error_of(alice.post(routes.PACKS, pack)).code == "quota_exceeded"
    clock.advance(3_600)
    assert alice.post(routes.PACKS, pack).status_code == 201


def test_a_forgotten_reservation_ends_no_other(app: Flask, alice: FakeAccount, clock: FakeClock) -> None:
    """An upload of more than an hour that fails at last takes its own promise back, and nobody else's."""
    volume, backend = VolumeId(alice.volume), backend_of(app)
    slow, other = (reserved(backend, alice.name, volume, size_bytes) for size_bytes in (100, 500))
    with contextlib.suppress(TimeoutError), slow:
        clock.advance(3601)
        other.__enter__()
        raise TimeoutError

    with backend.database.reading() as connection:
        assert accounts.used_bytes(connection, alice.name, clock()) == 500


@pytest.mark.parametrize("pack", [pack_of([bytes(600)]), b"no pack"], ids=["stored", "refused"])
def test_no_reservation_stays(alice: FakeAccount, pack: bytes) -> None:
    """Whether a pack is stored or refused, nothing stays promised."""
    alice.post(routes.PACKS, pack)
    with backend_of(alice.web.application).database.reading() as connection:
        assert connection.execute(schema.reservations.select()).all() == []


def test_missing(alice: FakeAccount) -> None:
    """The answer is the sorted set of what is not stored."""
    blobs, absent = random_blobs(2), ids_of(random_blobs(2))
    alice.post(routes.PACKS, pack_of(blobs))
    asked = join_id_set([BlobId(raw) for raw in ids_of(blobs) + absent])
    assert alice.post(routes.MISSING, asked).data == b"".join(sorted(absent))


def test_missing_takes_a_condemnation_back(alice: FakeAccount) -> None:
    """Who asks for a blob by name will rely on it."""
    blobs = random_blobs(1)
    alice.post(routes.PACKS, pack_of(blobs))
    condemn(alice)
    alice.post(routes.MISSING, ids_of(blobs)[0])
    assert touched(alice, blobs[0])[1] is None


def test_hold(alice: FakeAccount, clock: FakeClock) -> None:
    """Holding touches what is stored and answers what is not."""
    blobs, absent = random_blobs(1), ids_of(random_blobs(1))
    alice.post(routes.PACKS, pack_of(blobs))
    clock.advance(60)
    asked = join_id_set([BlobId(raw) for raw in ids_of(blobs) + absent])
    assert alice.post(routes.HOLD, asked).data == absent[0]
    assert touched(alice, blobs[0]) == (clock.now_ms, None)


@pytest.mark.parametrize("route", [routes.MISSING, routes.HOLD])
@pytest.mark.parametrize("body", [b"x" * 31, b"b" * 32 + b"a" * 32, b"a" * 64])
def test_a_malformed_set(alice: FakeAccount, route: str, body: bytes) -> None:
    """Ids that are cut, unsorted or repeated are no set."""
    assert error_of(alice.post(route, body)).code == "bad_request"


@pytest.mark.parametrize("route", [routes.MISSING, routes.HOLD, routes.BLOBS])
def test_too_many_ids(alice: FakeAccount, route: str) -> None:
    """More than 65,536 ids are refused."""
    assert error_of(alice.post(route, bytes(32 * 65_537))).code == "too_large"


def test_blobs_in_the_order_asked(alice: FakeAccount) -> None:
    """Frames follow the request: any order, repeats, and what is missing."""
    small, large = random_blobs(3), random_blobs(2, 300_000)
    alice.post(routes.PACKS, pack_of([*small, *large]))
    wanted = [large[1], small[0], small[1], small[2], large[0], small[0]]
    ids = ids_of(wanted)
    assert fetch(alice, [*ids, bytes(32)]) == [*wanted, Absent.MISSING]


def test_no_blobs(alice: FakeAccount) -> None:
    """Asking for nothing answers the end."""
    assert alice.post(routes.BLOBS, b"").data == b"\0\0\0\0"


def test_an_answer_is_bounded(alice: FakeAccount) -> None:
    """Beyond 64 MiB blobs are not sent, and asking again gets them; what is missing is still said."""
    blobs = random_blobs(1, 5 * MIB)
    alice.post(routes.PACKS, pack_of(blobs))
    frames = fetch(alice, ids_of(blobs) * 14 + [bytes(32)])
    assert [len(frame) if isinstance(frame, bytes) else frame for frame in frames] == [
        *[5 * MIB] * 12,
        Absent.NOT_SENT,
        Absent.NOT_SENT,
        Absent.MISSING,
    ]


def test_blobs_of_a_lost_pack_are_missing(alice: FakeAccount, store: MemoryStore) -> None:
    """When the bytes are gone, the answer says so and is whole."""
    blobs = random_blobs(2)
    alice.post(routes.PACKS, pack_of(blobs))
    store._packs.clear()
    assert fetch(alice, ids_of(blobs)) == [Absent.MISSING, Absent.MISSING]


def test_one_blob(alice: FakeAccount) -> None:
    """One blob may be cached for ever, by its own user alone."""
    blobs = random_blobs(2)
    alice.post(routes.PACKS, pack_of(blobs))
    response = alice.get(routes.BLOB, blob=ids_of(blobs)[1].hex())
    assert (response.data, response.headers["Cache-Control"]) == (blobs[1], "private, immutable")


@pytest.mark.parametrize("blob", ["00" * 32, "00", "zz" * 32, "AA" * 32])
def test_one_blob_that_is_not_there(alice: FakeAccount, blob: str) -> None:
    """An unknown id and what is no id are the same 404."""
    assert error_of(alice.get(routes.BLOB, blob=blob)).code == "not_found"


@pytest.mark.attack("T51")
def test_one_blob_whose_pack_is_removed_meanwhile(
    alice: FakeAccount, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the reading a deletion may come: nothing is there, and the server has no bug."""
    blobs = random_blobs(1)
    alice.post(routes.PACKS, pack_of(blobs))
    monkeypatch.setattr(store, "read", MemoryStore().read)

    assert error_of(alice.get(routes.BLOB, blob=ids_of(blobs)[0].hex())).code == "not_found"


def test_foreign_blobs_are_as_unknown(alice: FakeAccount, mallory: FakeAccount) -> None:
    """Through one's own volume, another account's blob is as missing as a random one."""
    blobs = random_blobs(1)
    alice.post(routes.PACKS, pack_of(blobs))
    foreign, unknown = ids_of(blobs)[0], os.urandom(32)
    assert fetch(mallory, [foreign, unknown]) == [Absent.MISSING, Absent.MISSING]
    asked = join_id_set([BlobId(foreign), BlobId(unknown)])
    assert mallory.post(routes.MISSING, asked).data == asked
    assert mallory.post(routes.HOLD, asked).data == asked
    one, other = (mallory.get(routes.BLOB, blob=raw.hex()) for raw in (foreign, unknown))
    assert (one.status_code, one.data) == (other.status_code, other.data)


@pytest.mark.attack("T51")
def test_the_same_blob_in_two_accounts_is_stored_twice(alice: FakeAccount, mallory: FakeAccount) -> None:
    """What another account stores changes nothing about one's own upload or quota."""
    pack = pack_of(random_blobs(1))
    alice.post(routes.PACKS, pack)
    assert mallory.post(routes.PACKS, pack).status_code == 201
    assert used(mallory) == len(pack)


@pytest.mark.attack("T51")
@pytest.mark.parametrize("route", VOLUME_POSTS)
def test_foreign_volumes_are_as_unknown(alice: FakeAccount, mallory: FakeAccount, route: str) -> None:
    """Another account's volume, an unknown one and what is none are the same 404 everywhere."""
    body = {routes.PACKS: pack_of(random_blobs(1)), routes.COMMITS: alice.next_record()}.get(route, bytes(32))
    answers = [mallory.post(route, body, volume=volume) for volume in (alice.volume.hex(), "00" * 16, "none")]
    assert {(answer.status_code, answer.data) for answer in answers} == {(404, answers[0].data)}


@pytest.mark.parametrize("route", VOLUME_POSTS)
def test_strangers_are_refused(alice: FakeAccount, route: str) -> None:
    """Without a token nothing under a volume answers."""
    alice.token = ""
    assert error_of(alice.post(route, b"")).code == "unauthorized"


def test_a_store_that_fails(alice: FakeAccount, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is temporary for the client, and nothing is indexed."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    blobs = random_blobs(1)
    monkeypatch.setattr(store, "put", full)
    response = alice.post(routes.PACKS, pack_of(blobs))
    assert error_of(response).code == "unavailable"
    assert response.headers["Retry-After"]
    assert alice.post(routes.MISSING, ids_of(blobs)[0]).data == ids_of(blobs)[0]


def test_a_broken_store_is_not_healthy(alice: FakeAccount, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """`/healthz` looks at the store."""

    def gone() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store, "check", gone)
    assert error_of(alice.web.get(routes.HEALTH)).code == "unavailable"


def test_a_bug_shows_no_traceback(alice: FakeAccount, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is one sentence to the client."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(store, "put", broken)
    alice.web.application.config["PROPAGATE_EXCEPTIONS"] = False
    response = alice.post(routes.PACKS, pack_of(random_blobs(1)))
    assert error_of(response).code == "internal"
    assert b"secret" not in response.data
