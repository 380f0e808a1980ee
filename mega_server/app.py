"""The Flask application: views, the version check, and the one place where refusals become answers.

No traceback, path or secret leaves it: what is not a refusal of ours is answered as `internal` or `unavailable`, and
the traceback goes to the server's own log.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Callable

from flask import Flask, Response, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from mega_server.auth import EXTENSION
from mega_server.config import Config
from mega_server.logs import LOGGER
from mega_server.metrics import SharedCounts
from mega_server.protocol import headers
from mega_server.protocol.errors import ERROR_KINDS, ErrorCode
from mega_server.protocol.limits import PROTOCOL_MAJOR
from mega_server.protocol.messages import ErrorDetail, ErrorReply
from mega_server.refusal import RefusedError
from mega_server.services.backend import now_ms, open_backend
from mega_server.services.waits import Waits
from mega_server.views import accounts, feed, links, metrics, server, volumes, web
from mega_server.views.door import answer

_RETRY_S = 2.0
_START_KEY_BYTES = 32
_BY_STATUS = {
    404: (ErrorCode.NOT_FOUND, "there is nothing here"),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "this method is not allowed here"),
    413: (ErrorCode.TOO_LARGE, "the request is too large"),
    500: (ErrorCode.INTERNAL, "the server has a bug; its log says more"),
}


def create_app(
    config: Config,
    clock: Callable[[], int] = now_ms,
    counts: SharedCounts | None = None,
    *,
    start_key: bytes = b"",
) -> Flask:
    """Build the application on a data folder that `initialise` made. Raises OSError for the file of a token.

    `counts` is what all workers count in; without it this application counts alone. `start_key` is 32 random bytes that
    all workers of one start share: the feed's cursors hold for it.
    """
    app = Flask("mega_server", static_folder=None)
    app.extensions[EXTENSION] = open_backend(config, clock)
    if hops := config.trusted_proxies:
        # Not X-Forwarded-Host: a relay could name its own origin by it, and have logins that were signed for itself.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]  # Flask's own way
    for module in (server, accounts, volumes, feed, metrics, links, web):
        app.register_blueprint(module.views)
    app.register_error_handler(RefusedError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _storage_failed)
    app.register_error_handler(OSError, _storage_failed)
    app.before_request(_check_version)
    app.after_request(_stamp)
    token = config.metrics_token_file.read_bytes().strip() if config.metrics_token_file else b""
    metrics.watch(app, counts, token=token, is_logged=config.is_verbose or config.log_file is not None)
    app.extensions[feed.START_KEY] = start_key or secrets.token_bytes(_START_KEY_BYTES)
    app.extensions[feed.WAITS] = Waits(app.extensions[EXTENSION], metrics.counter_of(app).set_feed_waits)
    return app


def _check_version() -> None:
    """Refuse a client of another major version; one that does not say, such as curl, may look around."""
    major = request.headers.get(headers.VERSION, str(PROTOCOL_MAJOR))
    if major != str(PROTOCOL_MAJOR):
        raise RefusedError(
            ErrorCode.UNSUPPORTED_VERSION,
            f"this server speaks version {PROTOCOL_MAJOR} of the protocol: use a mega that does, or upgrade the server",
        )


def _stamp(response: Response) -> Response:
    response.headers[headers.VERSION] = str(PROTOCOL_MAJOR)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _refused(error: RefusedError) -> Response:
    kind = ERROR_KINDS[error.code]
    retry_after_s = _RETRY_S if error.retry_after_s is None else error.retry_after_s
    detail = ErrorDetail(
        code=error.code,
        message=error.message,
        retry_after_s=retry_after_s if kind.is_retryable else None,
        missing=error.missing,
        head=error.head,
    )
    response = answer(ErrorReply(error=detail), kind.status)
    if kind.is_retryable:
        response.headers["Retry-After"] = str(math.ceil(retry_after_s))
    if error.code in {ErrorCode.TOO_LARGE, ErrorCode.QUOTA_EXCEEDED}:
        # The body was not read; the connection cannot carry another request.
        response.headers["Connection"] = "close"
    return response


def _http_error(error: HTTPException) -> Response:
    code, message = _BY_STATUS.get(error.code or 500, (ErrorCode.BAD_REQUEST, "the request is malformed"))
    return _refused(RefusedError(code, message))


def _storage_failed(error: OperationalError | OSError) -> Response:
    """Answer a full disk, a locked database or a lost mount as something that may pass."""
    reason = error.strerror if isinstance(error, OSError) else str(error.orig)
    logging.getLogger(LOGGER).error("database or store failed: %s", reason)
    return _refused(RefusedError(ErrorCode.UNAVAILABLE, "the server cannot read or write its storage now"))
