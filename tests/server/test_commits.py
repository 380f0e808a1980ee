"""The head, the chain and commits: each route with each error it declares."""

from __future__ import annotations

import hashlib
import os

import pytest
from nacl.signing import SigningKey

from mega_server.protocol import routes
from mega_server.protocol.limits import NEEDS_PER_COMMIT
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs, root_record
from tests.server.conftest import FakeClock
from tests.server.test_packs import condemn, touched


def digest(record: bytes) -> bytes:
    """Say what the next record's `prev` is."""
    return hashlib.sha256(record).digest()


def test_the_head_after_signup(alice: FakeAccount) -> None:
    """The first head is the record of signup."""
    assert alice.get(routes.HEAD).data == alice.head


def test_a_commit_swaps_the_head(alice: FakeAccount) -> None:
    """A record that follows the head becomes it."""
    record = alice.next_record()
    assert alice.post(routes.COMMITS, record).status_code == 201
    assert alice.get(routes.HEAD).data == record


def test_a_commit_touches_what_it_needs(alice: FakeAccount, clock: FakeClock) -> None:
    """Needed blobs are touched and no longer condemned."""
    blobs = random_blobs(2)
    alice.post(routes.PACKS, pack_of(blobs))
    condemn(alice)
    clock.advance(60)
    assert alice.post(routes.COMMITS, alice.next_record() + b"".join(sorted(ids_of(blobs)))).status_code == 201
    assert [touched(alice, blob) for blob in blobs] == [(clock.now_ms, None)] * 2


def test_a_commit_again_is_a_success(alice: FakeAccount) -> None:
    """The head, sent again after a lost reply, succeeds."""
    record = alice.next_record()
    alice.post(routes.COMMITS, record)
    assert alice.post(routes.COMMITS, record).status_code == 200


def test_an_ancestor_is_a_success(alice: FakeAccount) -> None:
    """A record that is in the chain succeeds and changes nothing."""
    first = alice.next_record()
    alice.post(routes.COMMITS, first)
    alice.head = first
    second = alice.next_record()
    alice.post(routes.COMMITS, second)
    assert alice.post(routes.COMMITS, first).status_code == 200
    assert alice.get(routes.HEAD).data == second


def test_a_lost_race(alice: FakeAccount) -> None:
    """The second of two records over one head gets the head that won."""
    winner, loser = alice.next_record(), alice.next_record()
    alice.post(routes.COMMITS, winner)
    detail = error_of(alice.post(routes.COMMITS, loser))
    assert (detail.code, detail.head) == ("head_moved", winner)


def test_a_gap(alice: FakeAccount) -> None:
    """A revision may not be left out."""
    record = root_record(alice.writer, alice.volume, 3, digest(alice.head))
    assert error_of(alice.post(routes.COMMITS, record)).code == "head_moved"


def test_a_wrong_prev(alice: FakeAccount) -> None:
    """A record that follows another history is refused."""
    record = root_record(alice.writer, alice.volume, 2, os.urandom(32))
    assert error_of(alice.post(routes.COMMITS, record)).code == "head_moved"


def test_missing_blobs(alice: FakeAccount) -> None:
    """A commit that needs what is not stored names it, sorted, and does not swap."""
    blobs, absent = random_blobs(1), ids_of(random_blobs(2))
    alice.post(routes.PACKS, pack_of(blobs))
    response = alice.post(routes.COMMITS, alice.next_record() + b"".join(sorted(ids_of(blobs) + absent)))
    detail = error_of(response)
    assert (detail.code, detail.missing) == ("missing_blobs", sorted(absent))
    assert alice.get(routes.HEAD).data == alice.head


@pytest.mark.attack("T51")
def test_foreign_blobs_are_missing(alice: FakeAccount, mallory: FakeAccount) -> None:
    """A commit cannot rest on another account's blobs, nor touch them."""
    blobs = random_blobs(1)
    alice.post(routes.PACKS, pack_of(blobs))
    before = touched(alice, blobs[0])
    detail = error_of(mallory.post(routes.COMMITS, mallory.next_record() + ids_of(blobs)[0]))
    assert detail.missing == ids_of(blobs)
    assert touched(alice, blobs[0]) == before


def test_another_writer(alice: FakeAccount) -> None:
    """A record that another key signed, however well, is refused."""
    record = root_record(SigningKey.generate(), alice.volume, 2, digest(alice.head))
    assert error_of(alice.post(routes.COMMITS, record)).code == "bad_request"


def test_another_epoch(alice: FakeAccount) -> None:
    """A record of an epoch that was never registered is refused."""
    record = root_record(alice.writer, alice.volume, 2, digest(alice.head), epoch=2)
    assert error_of(alice.post(routes.COMMITS, record)).code == "bad_request"


def test_another_volume(alice: FakeAccount) -> None:
    """A record of one volume is no record of another."""
    record = root_record(alice.writer, os.urandom(16), 2, digest(alice.head))
    assert error_of(alice.post(routes.COMMITS, record)).code == "bad_request"


@pytest.mark.parametrize("position", [0, 4, 30, 40, 70, 100, 300, 700, 745])
def test_a_changed_byte(alice: FakeAccount, position: int) -> None:
    """One changed byte anywhere breaks the record."""
    record = bytearray(alice.next_record())
    record[position] ^= 1
    assert error_of(alice.post(routes.COMMITS, bytes(record))).code == "bad_request"


@pytest.mark.parametrize("tail", [b"x", b"b" * 32 + b"a" * 32, b"a" * 64])
def test_malformed_needs(alice: FakeAccount, tail: bytes) -> None:
    """Needs are a sorted set."""
    assert error_of(alice.post(routes.COMMITS, alice.next_record() + tail)).code == "bad_request"


def test_a_cut_record(alice: FakeAccount) -> None:
    """A body shorter than a record is refused."""
    assert error_of(alice.post(routes.COMMITS, alice.next_record()[:-1])).code == "bad_request"


def test_too_many_needs(alice: FakeAccount) -> None:
    """More than 262,144 needs are refused by their length."""
    assert error_of(alice.post(routes.COMMITS, bytes(747 + 32 * NEEDS_PER_COMMIT))).code == "too_large"


def test_records(alice: FakeAccount) -> None:
    """A run of the chain is its records, one after another, as far as it goes."""
    chain = [alice.head]
    for _ in range(3):
        alice.head = alice.next_record()
        alice.post(routes.COMMITS, alice.head)
        chain.append(alice.head)
    assert alice.get(routes.RECORDS, "?from=2&to=3").data == b"".join(chain[1:3])
    assert alice.get(routes.RECORDS, "?from=3&to=8194").data == b"".join(chain[2:])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?from=1",
        "?from=0&to=1",
        "?from=2&to=1",
        "?from=1&to=8193",
        "?from=-1&to=1",
        "?from=x&to=1",
        f"?from=1&to={2**64}",
    ],
)
def test_a_malformed_run(alice: FakeAccount, query: str) -> None:
    """A run names 1 to 8,192 revisions, beginning with 1."""
    assert error_of(alice.get(routes.RECORDS, query)).code == "bad_request"


@pytest.mark.attack("T51")
@pytest.mark.parametrize(("route", "query"), [(routes.HEAD, ""), (routes.RECORDS, "?from=1&to=1")])
def test_foreign_chains_are_not_found(alice: FakeAccount, mallory: FakeAccount, route: str, query: str) -> None:
    """Another account's chain is the 404 of an unknown one."""
    foreign = mallory.get(route, query, volume=alice.volume.hex())
    unknown = mallory.get(route, query, volume="00" * 16)
    assert error_of(foreign).code == "not_found"
    assert foreign.data == unknown.data


@pytest.mark.parametrize(("route", "query"), [(routes.HEAD, ""), (routes.RECORDS, "?from=1&to=1")])
def test_chains_need_a_token(alice: FakeAccount, route: str, query: str) -> None:
    """Without a token no record is shown."""
    alice.token = ""
    assert error_of(alice.get(route, query)).code == "unauthorized"
