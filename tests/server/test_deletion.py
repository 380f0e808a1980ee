"""The end of an account: `DELETE /v1/accounts/me` with each error it declares, and what becomes of its packs."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from nacl.signing import SigningKey

from mega_server.config import Storage
from mega_server.database import schema
from mega_server.protocol import headers, routes
from mega_server.protocol.ids import VolumeId
from mega_server.protocol.limits import MIB
from mega_server.protocol.messages import DeleteRequest
from mega_server.protocol.proof import Proof, Purpose
from mega_server.refusal import RefusedError
from mega_server.services import deletion
from mega_server.services.accounts import account_info
from mega_server.services.deletion import remove_doomed
from mega_server.storage.memory import MemoryStore
from mega_server.storage.store import PackName
from tests.kit.account import FakeAccount, error_of, ids_of, pack_of, random_blobs
from tests.kit.server import backend_of, make_app


@pytest.fixture
def full(alice: FakeAccount) -> FakeAccount:
    """Give an account with two packs and two revisions."""
    for _ in range(2):
        assert alice.post(routes.PACKS, pack_of(random_blobs(2))).status_code == 201
    assert alice.post(routes.COMMITS, alice.next_record()).status_code == 201
    return alice


def rows_left(app: Flask) -> dict[str, int]:
    """Count the rows of every table that has any."""
    with backend_of(app).database.reading() as connection:
        counts = {table.name: len(connection.execute(table.select()).all()) for table in schema.metadata.sorted_tables}
    return {name: count for name, count in counts.items() if count and name not in {"settings", "rate_limits"}}


def test_an_account_goes_with_everything(app: Flask, full: FakeAccount, store: MemoryStore) -> None:
    """No row in any table and no pack is left, not even a challenge."""
    full.nonce()

    assert full.delete().status_code == 204
    assert rows_left(app) == {}
    assert list(store.packs()) == []


def test_the_session_ends_with_the_account(full: FakeAccount) -> None:
    """The same request again finds no session."""
    full.delete()

    assert error_of(full.delete()).code == "unauthorized"


def test_a_request_that_a_deletion_overtakes(app: Flask, full: FakeAccount) -> None:
    """Its session was good when it was looked at; the account is gone when it is read."""
    full.delete()

    with pytest.raises(RefusedError, match="the session has ended"):
        account_info(backend_of(app), "alice")


def test_an_upload_that_a_deletion_overtakes(
    full: FakeAccount, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pack was stored already: it is not found any more, and neither is the pack."""
    put = store.put

    def put_late(volume: VolumeId, name: PackName, parts: list[memoryview]) -> None:
        put(volume, name, parts)
        monkeypatch.undo()
        assert full.delete().status_code == 204

    monkeypatch.setattr(store, "put", put_late)

    assert error_of(full.post(routes.PACKS, pack_of(random_blobs(1)))).code == "not_found"
    assert list(store.packs()) == []


def test_a_deleted_account_looks_unknown(full: FakeAccount) -> None:
    """A login is refused as for a name that never was."""
    full.delete()

    assert error_of(full.login()).code == "login_refused"


def test_the_recovery_key_may_delete(full: FakeAccount) -> None:
    """Who has lost the password can still leave."""
    assert full.delete(key="recovery", signer=full.recovery_key).status_code == 204


def test_others_stay(app: Flask, full: FakeAccount, mallory: FakeAccount, store: MemoryStore) -> None:
    """Another account's rows and packs are untouched, the same blobs included."""
    blobs = random_blobs(2)
    for account in (full, mallory):
        account.post(routes.PACKS, pack_of(blobs))
    full.delete()

    assert {pack.volume for pack in store.packs()} == {mallory.volume}
    assert mallory.get(routes.BLOB, blob=ids_of(blobs)[0].hex()).data == blobs[0]
    assert rows_left(app) == {"accounts": 1, "sessions": 1, "volumes": 1, "records": 1, "packs": 1, "blobs": 2}


def test_the_name_and_the_volume_are_free_again(full: FakeAccount) -> None:
    """The same person may come back, with the same keys."""
    full.delete()
    full.head = b""

    assert full.signup().status_code == 201


def test_a_wrong_proof(app: Flask, full: FakeAccount) -> None:
    """It is refused, its challenge is used up, and nothing is deleted."""
    nonce = full.nonce()

    assert error_of(full.delete(nonce=nonce, signer=SigningKey.generate())).code == "login_refused"
    assert error_of(full.delete(nonce=nonce)).code == "login_refused"
    assert rows_left(app)["packs"] == 2


@pytest.mark.parametrize("purpose", [Purpose.LOGIN, Purpose.SLOTS])
def test_a_proof_of_another_purpose(full: FakeAccount, purpose: Purpose) -> None:
    """What was signed to log in, or to change the password, deletes nothing."""
    body = msgspec.json.encode(DeleteRequest(account="alice", key="password"))
    answer = full.web.delete(routes.ME, data=body, headers=full.bearer | full.proof(body, purpose))

    assert error_of(answer).code == "login_refused"


def test_without_a_proof(full: FakeAccount) -> None:
    """A stolen session deletes nothing."""
    body = msgspec.json.encode(DeleteRequest(account="alice", key="password"))

    assert error_of(full.web.delete(routes.ME, data=body, headers=full.bearer)).code == "bad_request"


def test_without_a_session(full: FakeAccount) -> None:
    """A proof alone is not enough."""
    full.token = ""

    assert error_of(full.delete()).code == "unauthorized"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"account":"mallory","key":"password"}', b'{"account":"alice","key":"master"}']
)
def test_what_is_refused(full: FakeAccount, body: bytes) -> None:
    """No message, another account's, and a key that does not exist."""
    proof = {headers.PROOF: Proof(bytes(32), bytes(32), bytes(64)).header()}

    assert error_of(full.web.delete(routes.ME, data=body, headers=full.bearer | proof)).code == "bad_request"


def test_beyond_its_bound(full: FakeAccount) -> None:
    """A body of more than 1 MiB is refused before it is parsed."""
    assert error_of(full.web.delete(routes.ME, data=b" " * (MIB + 1), headers=full.bearer)).code == "too_large"


class TornStore(MemoryStore):
    """A store that lets go of one pack and then breaks."""

    is_broken = True

    def remove(self, volume: VolumeId, name: PackName) -> None:
        """Remove a pack, unless broken."""
        if self.is_broken and len(self._packs) == 1:
            raise OSError(errno.EIO, "Input/output error")
        super().remove(volume, name)


@pytest.fixture
def torn(app: Flask, store: MemoryStore) -> Iterator[TornStore]:
    """Break the application's store."""
    store.__class__ = TornStore
    assert isinstance(store, TornStore)
    yield store
    assert backend_of(app).store is store


def test_a_removal_that_fails_is_made_up_for(app: Flask, torn: TornStore, full: FakeAccount) -> None:
    """The account is gone all the same; the pack goes at the next start, once and for all."""
    assert full.delete().status_code == 204
    assert len(list(torn.packs())) == 1
    torn.is_broken = False

    assert remove_doomed(backend_of(app)) == 2
    assert list(torn.packs()) == []
    assert remove_doomed(backend_of(app)) == 0


def test_a_doomed_volume_is_taken_by_nobody(app: Flask, torn: TornStore, full: FakeAccount) -> None:
    """While a removal is due, no new account may store under that volume; afterwards it may."""
    full.delete()
    full.head = b""
    detail = error_of(full.signup())
    torn.is_broken = False
    remove_doomed(backend_of(app))

    assert detail.code == "unavailable"
    assert full.signup().status_code == 201


def test_many_packs_go_in_batches(app: Flask, full: FakeAccount, store: MemoryStore) -> None:
    """More than one batch is removed to the end."""
    for _ in range(3):
        full.post(routes.PACKS, pack_of(random_blobs(1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletion, "_BATCH", 2)
        assert full.delete().status_code == 204

    assert list(store.packs()) == []
    assert rows_left(app) == {}


def test_files_go_from_the_disk(tmp_path: Path) -> None:
    """The real store removes the files, and those of the account alone."""
    app = make_app(tmp_path, storage=Storage.FILESYSTEM)
    accounts = [FakeAccount(app.test_client(), name=name).enter() for name in ("alice", "bob")]
    for account in accounts:
        account.post(routes.PACKS, pack_of(random_blobs(2)))
    accounts[0].delete()
    backend_of(app).close()

    assert [path.parent.name for path in (tmp_path / "server" / "store").rglob("*") if path.is_file()] == [
        accounts[1].volume.hex()
    ]
