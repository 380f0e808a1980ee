"""Who a request comes from: the bearer token, and the origin its login proof must name.

It decides nothing about passwords or keys (`services.logins` does) and never puts a token into a message or a log.
"""

from __future__ import annotations

from flask import current_app, request

from mega_server.config import normal_origin
from mega_server.protocol import headers
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.proof import Proof
from mega_server.refusal import RefusedError, refuse
from mega_server.services.backend import Backend
from mega_server.services.logins import SignedIn, signed_in

EXTENSION = "mega"


def backend() -> Backend:
    """Give the running application's backend."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Backend)
    return found


def caller() -> SignedIn:
    """Say who sent this request. Raises RefusedError: unauthorized."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(ErrorCode.UNAUTHORIZED, "not logged in, or the session has ended")
    return signed_in(backend(), token.strip())


def login_proof() -> Proof:
    """Read the request's proof. Raises RefusedError: bad_request."""
    try:
        return Proof.parse(request.headers.get(headers.PROOF, ""))
    except ValueError as error:
        refuse(str(error), error)


def origin() -> str:
    """Say which origin a login statement must name: the configured one, else the one this request was sent to.

    Raises RefusedError: bad_request for a Host header that is none.
    """
    configured = backend().config.origin
    if configured:
        return configured
    try:
        return normal_origin(f"{request.scheme}://{request.headers.get('Host', '')}")
    except ValueError as error:
        refuse("the Host header is malformed", error)
