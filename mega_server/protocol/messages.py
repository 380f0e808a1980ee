"""JSON bodies, as strict msgspec types. `bytes` fields travel as base64; times are milliseconds since 1970 UTC."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""What every database and every display can hold; JSON itself has no bound."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=False, kw_only=True):
    """The base of every JSON body: unknown fields are ignored, because fields are only ever added.

    No message shows what it carries: some carry tokens, slots and invitations, and a new field must not be forgotten.
    """

    def __repr__(self) -> str:
        """Show the kind alone."""
        return f"{type(self).__name__}(…)"


class Limits(Message, frozen=True, kw_only=True):
    """What the server takes at once."""

    pack_bytes: Count
    pack_blobs: Count
    ids_per_request: Count
    needs_per_commit: Count
    blobs_reply_bytes: Count


class ServerInfo(Message, frozen=True, kw_only=True):
    """`GET /v1/server`."""

    version: Count
    software: str
    origin: str
    """The origin accounts of this server are bound to; empty: whatever origin the client reached it by."""
    signup: str
    """`open`, `invite` or `closed`."""
    clock_ms: Count
    storage: str
    limits: Limits
    contact: str = ""
    """Where people report abuse, as the administrator wrote it."""


class KdfParameters(Message, frozen=True, kw_only=True):
    """`GET /v1/accounts/{account}/kdf`, and part of signup."""

    algorithm: str
    """`argon2id`; anything else is refused by the client."""
    server_salt: bytes
    """32 bytes."""
    passes: int
    memory_bytes: int


class SignupRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/accounts`: all or nothing."""

    account: str
    kdf: KdfParameters
    login_key: bytes
    recovery_key: bytes
    password_slot: bytes
    recovery_slot: bytes
    idcert: bytes
    root_record: bytes
    invite: str = ""


class SignupReply(Message, frozen=True, kw_only=True):
    """201."""

    account: str


class ChallengeRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/login/challenge`."""

    account: str


class ChallengeReply(Message, frozen=True, kw_only=True):
    """A nonce that one login may use once, within 60 s."""

    server_nonce: bytes


class LoginRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/login`, with the proof in `X-Mega-Proof` over this body's exact bytes."""

    account: str
    key: str
    """`password` or `recovery`: which of the account's two login keys signed."""
    device_name: str


class LoginReply(Message, frozen=True, kw_only=True):
    """A session. The token is a secret."""

    token: str
    """base64url of 32 random bytes, sent as `Authorization: Bearer`."""
    session_id: str
    slot: bytes
    """The slot that belongs to the key that signed: 128 bytes."""


class SlotsRequest(Message, frozen=True, kw_only=True):
    """`PUT /v1/accounts/me/slots`, with a proof of purpose SLOTS in `X-Mega-Proof` over this body's exact bytes.

    It replaces the password's login key, parameters and slot together; after a recovery the recovery key and slot too.
    """

    account: str
    key: str
    """`password` or `recovery`: which of the account's two present login keys signed."""
    kdf: KdfParameters
    """The salt is the account's own and never changes; passes and memory may only grow."""
    login_key: bytes
    password_slot: bytes
    recovery_key: bytes = b""
    """With `recovery_slot`: both, or neither. A recovery must bring both, so that a used secret opens nothing more."""
    recovery_slot: bytes = b""
    ends_other_sessions: bool = True


class DeleteRequest(Message, frozen=True, kw_only=True):
    """`DELETE /v1/accounts/me`, with a proof of purpose DELETE in `X-Mega-Proof` over this body's exact bytes."""

    account: str
    key: str
    """`password` or `recovery`: which login key signed."""


class SessionInfo(Message, frozen=True, kw_only=True):
    """One signed-in device."""

    session_id: str
    device_name: str
    created_ms: Count
    used_ms: Count
    is_current: bool


class SessionList(Message, frozen=True, kw_only=True):
    """`GET /v1/sessions`, newest use first."""

    sessions: list[SessionInfo]


class VolumeInfo(Message, frozen=True, kw_only=True):
    """One volume of the account."""

    volume: str
    """32 hexadecimal digits."""
    revision: Count


class AccountInfo(Message, frozen=True, kw_only=True):
    """`GET /v1/accounts/me`."""

    account: str
    quota_bytes: Count
    used_bytes: Count
    """Stored bytes as the server counts them, dead bytes included until compaction."""
    volumes: list[VolumeInfo]


class FeedReply(Message, frozen=True, kw_only=True):
    """`GET /v1/feed`: a hint that heads have moved, and never more than that."""

    cursor: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{1,64}$")]
    """What to ask with next."""
    is_reset: bool
    """The cursor asked with means nothing here: anything may have changed since."""
    changes: list[VolumeInfo]
    """Every volume of the account, when any has moved since the cursor; else none."""
    rest_s: Annotated[float, msgspec.Meta(ge=0)]
    """How long to rest before the next question; 0 from a server that holds it until something changes."""


class LinkRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/links`: a link as its owner makes it. Sending the same again is a success."""

    link: bytes
    """16 random bytes."""
    auth_hash: bytes
    """SHA-256 of the proof that visitors bring: 32 bytes."""
    volume: bytes
    seq: Count
    """The volume's revision."""
    expires_ms: Count
    """0: never."""
    most_opened: Count
    """How often it may be opened; 0: as often as anyone likes."""
    record: bytes
    """1,104 bytes, sealed."""


class LinkUpdate(Message, frozen=True, kw_only=True):
    """`PUT /v1/links/{link}`: what may change in place. `seq` only rises; sending the same again is a success."""

    seq: Count
    expires_ms: Count
    most_opened: Count
    record: bytes
    """1,104 bytes; empty: the present one stays."""
    is_enabled: bool = True
    """False: visitors are told that the link is gone, until it is enabled again."""


class LinkInfo(Message, frozen=True, kw_only=True):
    """One link, as its owner sees it."""

    link: bytes
    seq: Count
    expires_ms: Count
    most_opened: Count
    opened: Count
    """Counted openings."""
    fetched_bytes: Count
    created_ms: Count
    last_opened_ms: Count
    """0: nobody has."""
    is_enabled: bool
    """False: stopped or revoked by its owner."""
    is_revoked: bool
    """Ended for ever."""
    is_disabled: bool
    """Stopped by the server's administrator."""


class LinkList(Message, frozen=True, kw_only=True):
    """`GET /v1/links`, newest first; revoked ones are there until the account ends."""

    links: list[LinkInfo]


class LinkOpening(Message, frozen=True, kw_only=True):
    """One counted opening of a link."""

    opened_ms: Count
    fetched_bytes: Count


class LinkLog(Message, frozen=True, kw_only=True):
    """`GET /v1/links/{link}/log`: the openings of the last 30 days, newest first, at most 1,000."""

    openings: list[LinkOpening]


class LinkOpened(Message, frozen=True, kw_only=True):
    """`POST /v1/links/{link}/session`: the sealed record, and how long the visitor's token serves."""

    record: bytes
    expires_in_s: Count


class ErrorDetail(Message, frozen=True, kw_only=True):
    """What went wrong, for people and for programs."""

    code: str
    message: str
    retry_after_s: float | None = None
    missing: list[bytes] = []
    """With `missing_blobs`: up to 16,384 ids."""
    head: bytes = b""
    """With `head_moved`: the present head record."""


class ErrorReply(Message, frozen=True, kw_only=True):
    """Every answer with a status of 400 or more."""

    error: ErrorDetail
