"""Judging answers without a socket."""

from __future__ import annotations

import msgspec
import pytest

from mega_cli.api import operations
from mega_cli.api.operations import check_head, error_of
from mega_cli.api.retry import RetryableError
from mega_cli.errors import (
    HeadMovedError,
    IntegrityError,
    LimitError,
    MissingBlobsError,
    NotLoggedInError,
    PolicyError,
)
from mega_cli.model import BlobId, VolumeId
from mega_server.protocol import messages
from mega_server.protocol.errors import ERROR_KINDS, ErrorCode
from mega_server.protocol.limits import ROOT_RECORD_BYTES
from tests.kit.wire import answered

VOLUME = VolumeId(bytes(16))
OURS = {"x-mega-version": "1"}


def refused(code: str, status: int = 400, **fields: object) -> operations.Response:
    """Build an error answer."""
    detail = {"code": code, "message": "no", **fields}
    return answered(msgspec.json.encode({"error": detail}), status)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_its_exit_code(code: ErrorCode) -> None:
    """The exception for a code ends with the exit code of the table."""
    extra = {"head": bytes(ROOT_RECORD_BYTES), "missing": [bytes(32)]}
    error = error_of(refused(code, ERROR_KINDS[code].status, **extra))

    assert error.exit_code == ERROR_KINDS[code].exit_code
    assert isinstance(error, RetryableError) is ERROR_KINDS[code].is_retryable


def test_a_moved_head_carries_the_record() -> None:
    """409 brings the head that won."""
    record = bytes(range(256)) * 2 + bytes(ROOT_RECORD_BYTES - 512)
    error = error_of(refused("head_moved", 409, head=record))

    assert isinstance(error, HeadMovedError)
    assert error.head == record


def test_missing_blobs_carry_their_ids() -> None:
    """422 brings the ids to upload again."""
    error = error_of(refused("missing_blobs", 422, missing=[b"a" * 32, b"b" * 32]))

    assert isinstance(error, MissingBlobsError)
    assert error.missing == {b"a" * 32, b"b" * 32}


@pytest.mark.parametrize(
    "answer",
    [
        refused("head_moved", 409, head=bytes(745)),
        refused("missing_blobs", 422, missing=[]),
        refused("missing_blobs", 422, missing=[bytes(31)]),
        refused("a code of the future"),
        answered(b"<html>", 404),
        answered(b"[" * 100_000, 400),
        answered(b"\xff", 400),
    ],
)
def test_malformed_errors_are_wrong_answers(answer: operations.Response) -> None:
    """An error answer of our version that cannot be read is an IntegrityError."""
    assert isinstance(error_of(answer), IntegrityError)


def test_unknown_account_and_wrong_password_are_the_same() -> None:
    """A refused login says nothing that the server chose."""
    errors = [error_of(refused("login_refused", 401, message=text)) for text in ("no such account", "wrong password")]

    assert all(isinstance(error, NotLoggedInError) for error in errors)
    assert errors[0].message == errors[1].message


def test_control_characters_of_a_server_never_pass() -> None:
    """A server's message cannot steer a terminal, nor fill it."""
    error = error_of(refused("forbidden", 403, message="\x1b[2J\u202ehidden" + "x" * 1000))

    assert "\x1b" not in error.message
    assert "\u202e" not in error.message
    assert len(error.message) <= 300


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 524])
def test_a_failing_proxy_is_temporary(status: int) -> None:
    """An answer that is not ours and speaks of trouble is tried again, its Retry-After kept."""
    with pytest.raises(RetryableError) as caught:
        check_head(status, {"retry-after": "7"}, (200,))
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("fields", [{}, {"x-mega-version": "2"}, {"x-mega-version": "0"}, {"x-mega-version": "1.0"}])
def test_another_version_is_refused(fields: dict[str, str]) -> None:
    """An answer that does not name our version is a policy error."""
    with pytest.raises(PolicyError):
        check_head(200, fields, (200,))


@pytest.mark.parametrize(
    ("status", "fields"),
    [(200, {"content-encoding": "gzip"}), (206, {}), (204, {}), (201, {}), (304, {}), (101, {})],
)
@pytest.mark.attack("T31")
def test_unasked_for_framings_are_wrong_answers(status: int, fields: dict[str, str]) -> None:
    """An encoding, a part, or a status that nobody asked for is an IntegrityError."""
    with pytest.raises(IntegrityError):
        check_head(status, OURS | fields, (200,))


def test_the_expected_answer_passes() -> None:
    """What was asked for is read on; an error goes to the table."""
    assert check_head(200, OURS, (200, 201))
    assert not check_head(404, OURS, (200,))


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"account": 1}', b"\xff", b"[" * 100_000])
def test_json_is_read_strictly(body: bytes) -> None:
    """A body that is no such message is an IntegrityError."""
    with pytest.raises(IntegrityError):
        operations.parse(answered(body), messages.SignupReply)


@pytest.mark.parametrize("count", ["-1", "9223372036854775808", "1" + "0" * 400])
def test_a_count_that_nothing_can_hold_is_a_wrong_answer(count: str) -> None:
    """A number of any length would end a display of sizes and ages in a crash."""
    body = f'{{"account": "alice", "quota_bytes": {count}, "used_bytes": 1, "volumes": []}}'.encode()
    with pytest.raises(IntegrityError):
        operations.parse(answered(body), messages.AccountInfo)


def test_ids_must_be_a_subset() -> None:
    """The server cannot name an id that nobody asked about, unsorted ids, or half an id."""
    one, two = BlobId(b"1" * 32), BlobId(b"2" * 32)

    assert operations.parse_subset(answered(one), [one, two]) == {one}
    for body in (two, two + one, one[:31]):
        with pytest.raises(IntegrityError):
            operations.parse_subset(answered(body), [one])


def test_records_are_cut_exactly() -> None:
    """A run of records is whole and no longer than asked."""
    size = ROOT_RECORD_BYTES

    assert operations.parse_records(answered(b"a" * size + b"b" * size), 2) == [b"a" * size, b"b" * size]
    assert operations.parse_records(answered(b""), 2) == []
    for body in (b"a" * (size - 1), b"a" * size * 3):
        with pytest.raises(IntegrityError):
            operations.parse_records(answered(body), 2)


def test_a_pack_is_not_joined() -> None:
    """The blobs are passed on as they are, behind one header."""
    blob = b"x" * 600
    request = operations.pack(VOLUME, [blob, blob])

    assert request.parts[0] == b"MGP\x01" + b"\0\0\0\x02" + b"\0\0\x02\x58" * 2
    assert request.parts[1] is blob


def test_a_commit_sends_a_sorted_set() -> None:
    """The needs follow the record, sorted, each once."""
    one, two = BlobId(b"1" * 32), BlobId(b"2" * 32)

    assert operations.commit(VOLUME, b"record", [two, one, two]).parts == (b"record", one + two)


def test_over_quota_is_a_limit() -> None:
    """A full account ends with the exit code for quota, and says what comes next."""
    error = error_of(refused("quota_exceeded", 507))
    assert isinstance(error, LimitError)
    assert "run the same command again" in error.hint


def test_a_secret_header_does_not_show() -> None:
    """The login proof is not printed with the request."""
    assert "proof-bytes" not in repr(operations.login(b"{}", "proof-bytes"))
