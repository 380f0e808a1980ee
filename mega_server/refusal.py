"""The one exception by which any floor of the server refuses a request.

Its message reaches the client, so it never holds a secret, a path of the server, or whether a foreign id exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from mega_server.protocol.errors import ErrorCode


class RefusedError(Exception):
    """The request is answered with this error (`protocol.errors` gives its status)."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        missing: Sequence[bytes] = (),
        head: bytes = b"",
        retry_after_s: float | None = None,
    ) -> None:
        """Keep what the answer says; `missing` and `head` go with their own codes only.

        `retry_after_s` is when a retryable refusal passes, where that is known.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.missing = list(missing)
        self.head = head
        self.retry_after_s = retry_after_s


def not_found() -> RefusedError:
    """Make the one 404: unknown, foreign and deleted ids answer with the same bytes."""
    return RefusedError(ErrorCode.NOT_FOUND, "there is nothing here")


def refuse(message: str, cause: Exception | None = None) -> NoReturn:
    """Raise a 400 that says what was wrong with the request."""
    raise RefusedError(ErrorCode.BAD_REQUEST, message) from cause
