"""Accounts, logins and sessions. What a guesser could use is counted before it is answered."""

from __future__ import annotations

from flask import Blueprint, Response

from mega_server.auth import backend, caller, limit, signed
from mega_server.protocol import routes
from mega_server.protocol.messages import (
    ChallengeReply,
    ChallengeRequest,
    DeleteRequest,
    LoginRequest,
    SessionList,
    SignupReply,
    SignupRequest,
    SlotsRequest,
)
from mega_server.services import accounts, deletion, logins
from mega_server.services.rates import Action
from mega_server.services.slots import change_slots
from mega_server.views.door import answer, read_json

views = Blueprint("accounts", __name__)


@views.get(routes.KDF)
def kdf(account: str) -> Response:
    """Answer salt and parameters; the same for an unknown account every time."""
    limit(Action.KDF, account)
    return answer(accounts.kdf_parameters(backend(), account))


@views.post(routes.ACCOUNTS)
def signup() -> Response:
    """Make an account."""
    message, _ = read_json(SignupRequest)
    limit(Action.SIGNUP, message.account)
    accounts.signup(backend(), message)
    return answer(SignupReply(account=message.account), 201)


@views.get(routes.ME)
def me() -> Response:
    """Answer what the account may store and stores."""
    return answer(accounts.account_info(backend(), caller().account))


@views.delete(routes.ME)
def delete_me() -> Response:
    """Delete the account."""
    who = caller()
    message, body = read_json(DeleteRequest)
    deletion.delete_account(backend(), who, message, signed(body))
    return Response(status=204)


@views.put(routes.SLOTS)
def slots() -> Response:
    """Change what the password, or after a recovery the recovery secret, opens."""
    who = caller()
    message, body = read_json(SlotsRequest)
    change_slots(backend(), who, message, signed(body))
    return Response(status=204)


@views.post(routes.LOGIN_CHALLENGE)
def challenge() -> Response:
    """Answer a nonce."""
    message, _ = read_json(ChallengeRequest)
    limit(Action.CHALLENGE, message.account)
    return answer(ChallengeReply(server_nonce=logins.new_challenge(backend(), message.account)))


@views.post(routes.LOGIN)
def login() -> Response:
    """Begin a session for a valid proof."""
    message, body = read_json(LoginRequest)
    limit(Action.LOGIN, message.account)
    return answer(logins.login(backend(), message, signed(body)))


@views.get(routes.SESSIONS)
def sessions() -> Response:
    """List the account's sessions."""
    return answer(SessionList(sessions=logins.session_list(backend(), caller())))


@views.delete(routes.SESSION)
def end_session(session_id: str) -> Response:
    """End a session."""
    logins.end_session(backend(), caller(), session_id)
    return Response(status=204)
