"""Accounts, logins and sessions."""

from __future__ import annotations

from flask import Blueprint, Response

from mega_server.auth import backend, caller, login_proof, origin
from mega_server.protocol import routes
from mega_server.protocol.messages import (
    ChallengeReply,
    ChallengeRequest,
    LoginRequest,
    SessionList,
    SignupReply,
    SignupRequest,
)
from mega_server.services import accounts, logins
from mega_server.views.door import answer, read_json

views = Blueprint("accounts", __name__)


@views.get(routes.KDF)
def kdf(account: str) -> Response:
    """Answer salt and parameters; the same for an unknown account every time."""
    return answer(accounts.kdf_parameters(backend(), account))


@views.post(routes.ACCOUNTS)
def signup() -> Response:
    """Make an account."""
    message, _ = read_json(SignupRequest)
    accounts.signup(backend(), message)
    return answer(SignupReply(account=message.account), 201)


@views.get(routes.ME)
def me() -> Response:
    """Answer what the account may store and stores."""
    return answer(accounts.account_info(backend(), caller().account))


@views.post(routes.LOGIN_CHALLENGE)
def challenge() -> Response:
    """Answer a nonce."""
    message, _ = read_json(ChallengeRequest)
    return answer(ChallengeReply(server_nonce=logins.new_challenge(backend(), message.account)))


@views.post(routes.LOGIN)
def login() -> Response:
    """Begin a session for a valid proof."""
    message, body = read_json(LoginRequest)
    return answer(logins.login(backend(), message, body, login_proof(), origin()))


@views.get(routes.SESSIONS)
def sessions() -> Response:
    """List the account's sessions."""
    return answer(SessionList(sessions=logins.session_list(backend(), caller())))


@views.delete(routes.SESSION)
def end_session(session_id: str) -> Response:
    """End a session."""
    logins.end_session(backend(), caller(), session_id)
    return Response(status=204)
