"""The client over a scripted transport."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from mega_cli.api.client import ServerClient
from mega_cli.api.retry import RetryableError
from mega_cli.errors import IntegrityError, MissingBlobsError, MissingItemError, NotLoggedInError
from mega_cli.model import BlobId, Secret, VolumeId
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.frames import END, MISSING, NOT_SENT, frame_header
from mega_server.protocol.limits import IDS_PER_REQUEST, JSON_BYTES, MISSING_PER_REPLY
from mega_server.protocol.messages import ErrorDetail, ErrorReply
from tests.kit.wire import Answer, ScriptedWire, answered, patient

VOLUME = VolumeId(bytes(16))
A, B, C = (BlobId(letter * 32) for letter in (b"a", b"b", b"c"))
CUT = RetryableError("cut")


def client_of(*answers: Answer) -> tuple[ServerClient, ScriptedWire]:
    """Build a client that gets these answers."""
    wire = ScriptedWire(list(answers))
    return ServerClient(wire, Secret(b"token"), retry=patient()), wire


def frame(blob: bytes) -> bytes:
    """Frame one blob."""
    return frame_header(len(blob)) + blob


def test_the_token_goes_with_every_request() -> None:
    """A request carries the session's token."""
    client, wire = client_of(answered(bytes(746)))
    client.head(VOLUME)

    assert wire.tokens == ["token"]


def test_an_empty_head_is_a_wrong_answer() -> None:
    """A server that says "no record" with a success lies."""
    client, _ = client_of(answered(b""))
    with pytest.raises(IntegrityError):
        client.head(VOLUME)


def test_a_cut_request_is_sent_again() -> None:
    """The second answer counts."""
    client, wire = client_of(CUT, answered(bytes(746)))

    assert client.head(VOLUME) == bytes(746)
    assert len(wire.asked) == 2


def test_a_login_is_sent_once() -> None:
    """A login whose answer was lost is not repeated: its nonce may be spent."""
    client, wire = client_of(CUT)
    with pytest.raises(RetryableError):
        client.login(b"{}", "proof")
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        answered(b'{"error":{"code":"unauthorized","message":""}}', 401),
        answered(b'{"error":{"code":"not_found","message":""}}', 404),
        answered(b"", 204),
    ],
)
def test_ending_a_session_that_has_ended_is_fine(answer: Answer) -> None:
    """A logout succeeds whatever had happened to the session."""
    client, wire = client_of(answer)
    client.logout("abc")

    assert wire.asked[0].path == "/v1/sessions/abc"


def test_other_calls_say_that_the_session_has_ended() -> None:
    """401 is the error for "log in again"."""
    client, _ = client_of(answered(b'{"error":{"code":"unauthorized","message":""}}', 401))
    with pytest.raises(NotLoggedInError):
        client.me()


def test_a_missing_volume_is_said() -> None:
    """404 for the head stays recognisable for the session, which knows what it means."""
    client, _ = client_of(answered(b'{"error":{"code":"not_found","message":""}}', 404))
    with pytest.raises(MissingItemError):
        client.head(VOLUME)


def test_a_nonce_of_another_length_is_a_wrong_answer() -> None:
    """A challenge is 32 bytes."""
    client, _ = client_of(answered(msgspec.json.encode({"server_nonce": bytes(31)})))
    with pytest.raises(IntegrityError):
        client.challenge("alice")


def test_an_upload_is_confirmed_by_the_ids() -> None:
    """The answer must be the hash of exactly these ids."""
    client, wire = client_of(answered(hashlib.sha256(A + B).digest(), 201))
    client.upload_pack(VOLUME, [A, B], [b"x" * 600, b"y" * 600])

    assert wire.asked[0].path == f"/v1/volumes/{VOLUME.hex()}/packs"


@pytest.mark.parametrize("body", [b"", bytes(32), hashlib.sha256(B + A).digest()])
def test_an_upload_with_another_answer_is_refused(body: bytes) -> None:
    """A server that stored something else is caught."""
    client, _ = client_of(answered(body, 201))
    with pytest.raises(IntegrityError):
        client.upload_pack(VOLUME, [A, B], [b"x" * 600, b"y" * 600])


def test_large_sets_are_asked_in_parts() -> None:
    """More ids than one request takes go in two; what is missing is added up."""
    ids = [BlobId(n.to_bytes(32, "big")) for n in range(IDS_PER_REQUEST + 1)]
    client, wire = client_of(answered(ids[3]), answered(ids[-1]))

    assert client.missing(VOLUME, ids) == {ids[3], ids[-1]}
    assert [len(request.parts[0]) // 32 for request in wire.asked] == [IDS_PER_REQUEST, 1]


def lacks(*ids: BlobId) -> Answer:
    """Refuse a commit for these blobs."""
    detail = ErrorDetail(code=ErrorCode.MISSING_BLOBS, message="", missing=list(ids))
    return answered(msgspec.json.encode(ErrorReply(error=detail)), 422)


def test_a_refused_commit_names_everything_that_is_missing() -> None:
    """The refusal may name a part; the rest is asked for, once, so one more upload mends all."""
    client, wire = client_of(lacks(A), answered(A + C))
    with pytest.raises(MissingBlobsError) as caught:
        client.commit(VOLUME, bytes(746), iter([C, B, A]))

    assert caught.value.missing == {A, C}
    assert [request.path.rsplit("/", 1)[1] for request in wire.asked] == ["commits", "missing"]
    assert wire.asked[1].parts == (A + B + C,)


def test_a_commit_cannot_be_refused_for_what_it_never_needed() -> None:
    """A server that names other ids lies; nothing more is asked."""
    client, wire = client_of(lacks(A, C))
    with pytest.raises(IntegrityError):
        client.commit(VOLUME, bytes(746), [A, B])
    assert len(wire.asked) == 1


def test_the_longest_refusal_fits_an_error_answer() -> None:
    """As many ids as one refusal names, and as long a message as we show, are within the bound of JSON."""
    detail = ErrorDetail(
        code=ErrorCode.MISSING_BLOBS, message="x" * 300, retry_after_s=1.0, missing=[A] * MISSING_PER_REPLY
    )
    assert len(msgspec.json.encode(ErrorReply(error=detail))) <= JSON_BYTES


def test_blobs_come_in_the_order_asked() -> None:
    """One stream, however it is cut."""
    body = frame(b"one") + frame(b"two") + END
    client, _ = client_of([body[:5], body[5:6], body[6:]])

    assert list(client.fetch_blobs(VOLUME, [B, A])) == [(B, b"one"), (A, b"two")]


def test_no_ids_ask_nothing() -> None:
    """An empty list sends no request."""
    client, wire = client_of()

    assert list(client.fetch_blobs(VOLUME, [])) == []
    assert wire.asked == []


def test_what_was_not_sent_is_asked_again() -> None:
    """The rest is asked for from the first blob that was left out."""
    client, wire = client_of([frame(b"one") + NOT_SENT + NOT_SENT + END], [frame(b"two") + frame(b"three") + END])

    assert list(client.fetch_blobs(VOLUME, [A, B, C])) == [(A, b"one"), (B, b"two"), (C, b"three")]
    assert wire.asked[1].parts == (B + C,)


def test_after_a_cut_only_the_rest_is_asked() -> None:
    """A blob that arrived whole is not fetched twice."""
    client, wire = client_of([frame(b"one"), frame(b"two")[:5], CUT], [frame(b"two") + END])

    assert list(client.fetch_blobs(VOLUME, [A, B])) == [(A, b"one"), (B, b"two")]
    assert wire.asked[1].parts == (B,)


def test_progress_resets_the_attempts() -> None:
    """A long download survives more cuts than one request would."""
    ids = [BlobId(bytes([n]) * 32) for n in range(6)]
    client, _ = client_of(*[(frame(b"x"), CUT)] * 5, [frame(b"x") + END])

    assert len(list(client.fetch_blobs(VOLUME, ids))) == 6


def test_a_server_that_sends_nothing_is_given_up() -> None:
    """Endless "not sent" ends as a temporary failure, after three attempts."""
    client, wire = client_of(*([NOT_SENT + END] for _ in range(3)))
    with pytest.raises(RetryableError):
        list(client.fetch_blobs(VOLUME, [A]))
    assert len(wire.asked) == 3


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(MISSING + END, id="missing under a verified root"),
        pytest.param(END, id="too few frames"),
        pytest.param(frame(b"x") * 2 + END, id="too many frames"),
        pytest.param(frame(b"x") + END + b"x", id="bytes after the end"),
        pytest.param(frame(b"x")[:4], id="ended inside a frame"),
        pytest.param(frame(b"x"), id="no end"),
        pytest.param(b"\xff\xff\xff\x00", id="a frame longer than any blob"),
        pytest.param(NOT_SENT + frame(b"x") + END, id="a blob after one not sent"),
    ],
)
@pytest.mark.attack("T31")
def test_wrong_frames_are_never_retried(body: bytes) -> None:
    """A well-framed HTTP answer with wrong frames is an IntegrityError at once."""
    client, wire = client_of([body])
    with pytest.raises(IntegrityError):
        list(client.fetch_blobs(VOLUME, [A]))
    assert len(wire.asked) == 1


def test_a_blob_after_one_not_sent_is_never_taken_for_it() -> None:
    """Once the server leaves one out, it must leave out the rest: otherwise blobs would move up."""
    client, _ = client_of([NOT_SENT + frame(b"two") + END])
    with pytest.raises(IntegrityError):
        list(client.fetch_blobs(VOLUME, [A, B]))


def test_closing_closes_the_connections() -> None:
    """The transport is closed with the client."""
    client, wire = client_of()
    client.close()

    assert wire.is_closed
