"""Every operation as data: a Request built, an answer checked and parsed, without a socket.

An answer is hostile bytes until it has been through here: bounded, well-framed, of the version we speak. Whatever is
well-framed and wrong is an IntegrityError; error answers become our exceptions by the table `ERROR_KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import msgspec

from mega_cli.api.retry import RetryableError
from mega_cli.errors import (
    HeadMovedError,
    IntegrityError,
    LimitError,
    MegaError,
    MissingBlobsError,
    MissingItemError,
    NotLoggedInError,
    PermissionRefusedError,
    PolicyError,
)
from mega_server.protocol import headers, limits, messages, routes
from mega_server.protocol.errors import ERROR_KINDS, ErrorCode
from mega_server.protocol.ids import BlobId, VolumeId, join_id_set, split_id_set
from mega_server.protocol.packs import pack_header

M = TypeVar("M", bound=messages.Message)

_OK: Final = 200
_CREATED: Final = 201
_NO_CONTENT: Final = 204
_FIRST_ERROR: Final = 400
_FIRST_SERVER_ERROR: Final = 500
_TOO_LARGE: Final = 413
_TIMED_OUT: Final = 408
_TOO_MANY: Final = 429
_FEED_BYTES: Final = 64 * limits.KIB
_RECORDS_BYTES: Final = limits.RECORDS_PER_REPLY * limits.ROOT_RECORD_BYTES


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `parts` are sent one after another as the body; `most_bytes` bounds the answer's body."""

    method: str
    path: str
    parts: Sequence[bytes] = field(default=(), repr=False)
    media_type: str = headers.OCTETS
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    expects: tuple[int, ...] = (_OK,)
    most_bytes: int = limits.JSON_BYTES
    wait_s: float = 0.0
    """So much later than others the answer may begin."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Transport(Protocol):
    """What carries a Request. Promises: thread-safe, bounded by `most_bytes`, errors by the table, no retries.

    Raises RetryableError for what may pass, IntegrityError for a well-framed wrong answer, PolicyError for a version or
    an address we refuse, and the exceptions of `operations.error_of`.
    """

    @property
    def base_url(self) -> str:
        """Say where requests go."""

    def send(self, request: Request, token: str = "") -> Response:
        """Send and read the whole answer."""

    def stream(self, request: Request, token: str = "") -> Generator[bytes, None, None]:
        """Send, then yield the body as it arrives; `most_bytes` bounds only an error answer. Close it to stop early."""

    def close(self) -> None:
        """Close the idle connections."""


# --- building ---------------------------------------------------------------------------------------------------------


def json_request(method: str, path: str, message: messages.Message, *, expects: int = _OK) -> Request:
    """Build a request with a JSON body."""
    return Request(method, path, (msgspec.json.encode(message),), headers.JSON, expects=(expects,))


def server_info() -> Request:
    """Ask who the server is."""
    return Request("GET", routes.SERVER)


def kdf(account: str) -> Request:
    """Ask for an account's salt and KDF parameters."""
    return Request("GET", routes.path(routes.KDF, account=account))


def signup(request: messages.SignupRequest) -> Request:
    """Make an account."""
    return json_request("POST", routes.ACCOUNTS, request, expects=_CREATED)


def challenge(account: str) -> Request:
    """Ask for a one-use nonce."""
    return json_request("POST", routes.LOGIN_CHALLENGE, messages.ChallengeRequest(account=account))


def login(body: bytes, proof: str) -> Request:
    """Log in: `body` is the exact bytes that `proof` signs."""
    return Request("POST", routes.LOGIN, (body,), headers.JSON, {headers.PROOF: proof})


def change_slots(body: bytes, proof: str) -> Request:
    """Replace login keys and slots: `body` is the exact bytes that `proof` signs."""
    return Request("PUT", routes.SLOTS, (body,), headers.JSON, {headers.PROOF: proof}, expects=(_OK, _NO_CONTENT))


def delete_account(body: bytes, proof: str) -> Request:
    """Delete the account: `body` is the exact bytes that `proof` signs."""
    return Request("DELETE", routes.ME, (body,), headers.JSON, {headers.PROOF: proof}, expects=(_OK, _NO_CONTENT))


def sessions() -> Request:
    """List the signed-in devices."""
    return Request("GET", routes.SESSIONS)


def end_session(session_id: str) -> Request:
    """End one session."""
    return Request("DELETE", routes.path(routes.SESSION, session_id=session_id), expects=(_NO_CONTENT,))


def me() -> Request:
    """Ask for quota, used bytes and volumes."""
    return Request("GET", routes.ME)


def head(volume: VolumeId) -> Request:
    """Ask for the newest root record."""
    return Request("GET", routes.path(routes.HEAD, volume=volume.hex()), most_bytes=limits.ROOT_RECORD_BYTES)


def records(volume: VolumeId, first: int, last: int) -> Request:
    """Ask for the records `first` to `last`, both included, at most 8,192."""
    path = routes.path(routes.RECORDS, volume=volume.hex())
    return Request("GET", f"{path}?from={first}&to={last}", most_bytes=_RECORDS_BYTES)


def pack(volume: VolumeId, blobs: Sequence[bytes]) -> Request:
    """Store blobs, in one pack; the parts are not joined here, so that no byte is copied twice."""
    parts = (pack_header([len(blob) for blob in blobs]), *blobs)
    path = routes.path(routes.PACKS, volume=volume.hex())
    return Request("POST", path, parts, expects=(_CREATED,), most_bytes=32)


def missing(volume: VolumeId, ids: Sequence[BlobId]) -> Request:
    """Ask which of these ids are not stored."""
    path = routes.path(routes.MISSING, volume=volume.hex())
    return Request("POST", path, (join_id_set(ids),), most_bytes=32 * len(ids))


def hold(volume: VolumeId, ids: Sequence[BlobId]) -> Request:
    """Touch these ids and ask which are not stored."""
    path = routes.path(routes.HOLD, volume=volume.hex())
    return Request("POST", path, (join_id_set(ids),), most_bytes=32 * len(ids))


def blobs(volume: VolumeId, ids: Sequence[BlobId]) -> Request:
    """Ask for blobs, framed in the order asked."""
    path = routes.path(routes.BLOBS, volume=volume.hex())
    return Request("POST", path, (b"".join(ids),))


def commit(volume: VolumeId, record: bytes, needs: Iterable[BlobId]) -> Request:
    """Swap the head for `record`, which relies on `needs`. 200: the record was in the chain already."""
    path = routes.path(routes.COMMITS, volume=volume.hex())
    return Request("POST", path, (record, join_id_set(needs)), expects=(_OK, _CREATED))


def feed(after: str, wait_s: float) -> Request:
    """Ask which volumes have moved since the cursor `after`, "" for none; the server may hold it for `wait_s`."""
    return Request(
        "GET", f"{routes.FEED}?after={after}&wait={math.ceil(wait_s)}", most_bytes=_FEED_BYTES, wait_s=wait_s
    )


def add_link(request: messages.LinkRequest) -> Request:
    """Make a link."""
    made = json_request("POST", routes.LINKS, request)
    return Request(made.method, made.path, made.parts, made.media_type, expects=(_OK, _CREATED))


def links() -> Request:
    """List one's links; ten thousand of them are 4 MiB."""
    return Request("GET", routes.LINKS, most_bytes=8 * limits.MIB)


def update_link(link: bytes, request: messages.LinkUpdate) -> Request:
    """Replace a link's record, expiry and limit."""
    return json_request("PUT", routes.path(routes.LINK, link=link.hex()), request, expects=_NO_CONTENT)


def revoke_link(link: bytes) -> Request:
    """End a link."""
    return Request("DELETE", routes.path(routes.LINK, link=link.hex()), expects=(_NO_CONTENT,))


def link_log(link: bytes) -> Request:
    """Ask when a link was opened."""
    return Request("GET", routes.path(routes.LINK_LOG, link=link.hex()))


def open_link(link: bytes, proof: str) -> Request:
    """Open a link as a visitor."""
    path = routes.path(routes.LINK_SESSION, link=link.hex())
    return Request("POST", path, extra={"Authorization": f"{headers.LINK_SCHEME} {proof}"})


def link_blobs(link: bytes, ids: Sequence[BlobId]) -> Request:
    """Ask for blobs as a visitor, framed in the order asked."""
    return Request("POST", routes.path(routes.LINK_BLOBS, link=link.hex()), (b"".join(ids),))


# --- reading ----------------------------------------------------------------------------------------------------------


def parse(response: Response, kind: type[M]) -> M:
    """Read a JSON answer strictly. Raises IntegrityError."""
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise IntegrityError from error


def parse_records(response: Response, count: int) -> list[bytes]:
    """Cut a run of at most `count` root records. Raises IntegrityError when it is longer or cut."""
    size = limits.ROOT_RECORD_BYTES
    if len(response.body) % size or len(response.body) > count * size:
        raise IntegrityError
    return [response.body[at : at + size] for at in range(0, len(response.body), size)]


def parse_subset(response: Response, asked: Iterable[BlobId]) -> set[BlobId]:
    """Read a sorted set of ids that must be among those asked for. Raises IntegrityError."""
    try:
        ids = set(split_id_set(response.body, most=limits.IDS_PER_REQUEST))
    except ValueError as error:
        raise IntegrityError from error
    if not ids.issubset(asked):
        raise IntegrityError
    return ids


def check_head(status: int, answer: Mapping[str, str], expects: tuple[int, ...]) -> bool:
    """Judge status and headers before any of the body is read; say whether the body is the one expected.

    False: an error answer, for `error_of`. Raises RetryableError for a failing proxy, PolicyError for another version,
    IntegrityError for an encoding, a part or a status that nobody asked for.
    """
    version = answer.get(headers.VERSION.lower())
    if version is None and (status in (_TIMED_OUT, _TOO_MANY) or status >= _FIRST_SERVER_ERROR):
        reason = f"the server, or a proxy before it, answered {status}"
        raise RetryableError(reason, retry_after_s=_seconds(answer.get("retry-after")))
    if version != str(limits.PROTOCOL_MAJOR):
        message = (
            "no mega server answered at this address: the answer names no protocol version"
            if version is None
            else f"the server speaks protocol version {_shown(version)}, this client {limits.PROTOCOL_MAJOR}"
        )
        raise PolicyError(message, "check the server's address, or install a matching version of mega-cli")
    if answer.get("content-encoding", "identity") != "identity":
        raise IntegrityError
    if status >= _FIRST_ERROR:
        return False
    if status not in expects:
        raise IntegrityError
    return True


def error_of(response: Response) -> MegaError:
    """Translate an error answer, by the table."""
    try:
        detail = msgspec.json.decode(response.body, type=messages.ErrorReply).error
        code = ErrorCode(detail.code)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return _unreadable(response)
    text = _shown(detail.message)
    if code is ErrorCode.HEAD_MOVED:
        return HeadMovedError(detail.head) if len(detail.head) == limits.ROOT_RECORD_BYTES else IntegrityError()
    if code is ErrorCode.MISSING_BLOBS:
        ids = detail.missing
        return MissingBlobsError(frozenset(ids)) if ids and all(len(i) == 32 for i in ids) else IntegrityError()  # noqa: PLR2004 -- an id's size
    if code is ErrorCode.LOGIN_REFUSED:
        hint = "check both and the server, then try again"
        return NotLoggedInError("wrong account name or password", hint, {"code": str(code)})
    if code is ErrorCode.UNAUTHORIZED:
        message = "this device is not logged in, or its session has ended"
        return NotLoggedInError(message, "log in again: mega login", {"code": str(code)})
    kind = ERROR_KINDS[code]
    if kind.is_retryable:
        after_s = (
            detail.retry_after_s if detail.retry_after_s is not None else _seconds(response.headers.get("retry-after"))
        )
        return RetryableError(text, retry_after_s=after_s)
    hint = _FULL_HINT if code is ErrorCode.QUOTA_EXCEEDED else ""
    return _BY_EXIT_CODE.get(kind.exit_code, MegaError)(text, hint, {"code": str(code)})


_FULL_HINT: Final = (
    "what was stored is kept; ask the administrator for more room (mega df), then run the same command again"
)
_BY_EXIT_CODE: Final[dict[int, type[MegaError]]] = {
    MissingItemError.exit_code: MissingItemError,
    LimitError.exit_code: LimitError,
    PermissionRefusedError.exit_code: PermissionRefusedError,
    PolicyError.exit_code: PolicyError,
}


def _unreadable(response: Response) -> MegaError:
    """Judge an error answer without a code of ours by its status alone."""
    message = f"the server answered {response.status}"
    if response.status >= _FIRST_SERVER_ERROR or response.status in (_TIMED_OUT, _TOO_MANY):
        return RetryableError(message, retry_after_s=_seconds(response.headers.get("retry-after")))
    return LimitError(message) if response.status == _TOO_LARGE else IntegrityError()


def _seconds(header: str | None) -> float | None:
    """Read a Retry-After in seconds; a date or nonsense counts as none."""
    return float(header) if header is not None and header.isascii() and header.isdigit() and len(header) < 10 else None  # noqa: PLR2004 -- more digits are no pause


def _shown(text: str) -> str:
    """Make a server's text safe for a terminal, and short."""
    return "".join(char if char.isprintable() else "?" for char in text[:300])
