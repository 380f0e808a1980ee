"""Messages of the contract: what they show of themselves."""

from __future__ import annotations

import pytest

from mega_cli.api import operations
from mega_cli.model import VolumeId
from mega_server.protocol import messages
from mega_server.protocol.proof import Proof

SECRET = "sesame-open-sesame-open-sesame-1"
RAW = SECRET.encode()
VOLUME = VolumeId(bytes(16))
KDF = messages.KdfParameters(algorithm="argon2id", server_salt=RAW, passes=3, memory_bytes=2**28)
SIGNUP = messages.SignupRequest(
    account="alice",
    kdf=KDF,
    login_key=RAW,
    recovery_key=RAW,
    password_slot=RAW,
    recovery_slot=RAW,
    idcert=RAW,
    root_record=RAW,
    invite=SECRET,
)
LOGIN = messages.LoginReply(token=SECRET, session_id=SECRET, slot=RAW)
CARRIERS = [
    KDF,
    SIGNUP,
    LOGIN,
    messages.ChallengeReply(server_nonce=RAW),
    messages.ErrorReply(error=messages.ErrorDetail(code="head_moved", message=SECRET, missing=[RAW], head=RAW)),
    messages.SessionList(
        sessions=[messages.SessionInfo(session_id=SECRET, device_name="", created_ms=0, used_ms=0, is_current=True)]
    ),
    Proof(RAW, RAW, RAW),
    operations.signup(SIGNUP),
    operations.login(RAW, SECRET),
    operations.pack(VOLUME, [RAW]),
    operations.commit(VOLUME, RAW, []),
    operations.Response(200, {}, RAW),
]


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: type(carrier).__name__)
def test_what_carries_secrets_shows_none(carrier: object) -> None:
    """Neither `repr` nor `str` of a message, a request or an answer holds a token, a slot, an invitation or a body."""
    assert SECRET not in f"{carrier!r} {carrier}"


def test_every_message_is_redacted() -> None:
    """No message type brings a `repr` of its own back."""
    kinds = [kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, messages.Message)]

    assert len(kinds) > 10
    assert {kind.__repr__ for kind in kinds} == {messages.Message.__repr__}
