"""Who a request comes from: the bearer token, the address, and the origin its login proof must name.

It decides nothing about passwords or keys (`services.logins` does) and never puts a token into a message or a log.
"""

from __future__ import annotations

from flask import current_app, request

from mega_server.config import normal_origin
from mega_server.protocol import headers
from mega_server.protocol.proof import Proof
from mega_server.refusal import refuse
from mega_server.services.backend import Backend
from mega_server.services.logins import SignedIn, session_ended, signed_in
from mega_server.services.proofs import Signed
from mega_server.services.rates import Action, admit

EXTENSION = "mega"


def backend() -> Backend:
    """Give the running application's backend."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Backend)
    return found


def caller() -> SignedIn:
    """Say who sent this request. Raises RefusedError: unauthorized, forbidden."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise session_ended()
    return signed_in(backend(), token.strip())


def limit(action: Action, account: str) -> None:
    """Count this request against its address and this account. Raises RefusedError: rate_limited."""
    admit(backend(), action, request.remote_addr or "", account)


def signed(body: bytes) -> Signed:
    """Join the request's body with its proof. Raises RefusedError: bad_request."""
    try:
        proof = Proof.parse(request.headers.get(headers.PROOF, ""))
    except ValueError as error:
        refuse(str(error), error)
    return Signed(body, proof, _origin())


def _origin() -> str:
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
