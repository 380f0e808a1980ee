"""One table of every error the server can answer: code, HTTP status, whether to retry, the client's exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The `code` of an error answer."""

    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    LOGIN_REFUSED = "login_refused"
    FORBIDDEN = "forbidden"
    SIGNUP_REFUSED = "signup_refused"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    ACCOUNT_EXISTS = "account_exists"
    HEAD_MOVED = "head_moved"
    LINK_REVOKED = "link_revoked"
    LINK_EXPIRED = "link_expired"
    LINK_EXHAUSTED = "link_exhausted"
    TOO_LARGE = "too_large"
    MISSING_BLOBS = "missing_blobs"
    UNSUPPORTED_VERSION = "unsupported_version"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What a code means on the wire and to the client."""

    status: int
    is_retryable: bool
    exit_code: int


ERROR_KINDS: dict[ErrorCode, ErrorKind] = {
    ErrorCode.BAD_REQUEST: ErrorKind(400, is_retryable=False, exit_code=1),
    ErrorCode.UNAUTHORIZED: ErrorKind(401, is_retryable=False, exit_code=12),
    ErrorCode.LOGIN_REFUSED: ErrorKind(401, is_retryable=False, exit_code=12),
    ErrorCode.FORBIDDEN: ErrorKind(403, is_retryable=False, exit_code=13),
    ErrorCode.SIGNUP_REFUSED: ErrorKind(403, is_retryable=False, exit_code=13),
    ErrorCode.NOT_FOUND: ErrorKind(404, is_retryable=False, exit_code=4),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorKind(405, is_retryable=False, exit_code=1),
    ErrorCode.ACCOUNT_EXISTS: ErrorKind(409, is_retryable=False, exit_code=1),
    ErrorCode.HEAD_MOVED: ErrorKind(409, is_retryable=False, exit_code=5),
    ErrorCode.LINK_REVOKED: ErrorKind(410, is_retryable=False, exit_code=4),
    ErrorCode.LINK_EXPIRED: ErrorKind(410, is_retryable=False, exit_code=4),
    ErrorCode.LINK_EXHAUSTED: ErrorKind(410, is_retryable=False, exit_code=4),
    ErrorCode.TOO_LARGE: ErrorKind(413, is_retryable=False, exit_code=8),
    ErrorCode.MISSING_BLOBS: ErrorKind(422, is_retryable=False, exit_code=5),
    ErrorCode.UNSUPPORTED_VERSION: ErrorKind(426, is_retryable=False, exit_code=17),
    ErrorCode.RATE_LIMITED: ErrorKind(429, is_retryable=True, exit_code=5),
    ErrorCode.QUOTA_EXCEEDED: ErrorKind(507, is_retryable=False, exit_code=8),
    ErrorCode.INTERNAL: ErrorKind(500, is_retryable=True, exit_code=5),
    ErrorCode.UNAVAILABLE: ErrorKind(503, is_retryable=True, exit_code=5),
}
