"""A client that is none of ours: it signs with PyNaCl directly, so the server is tested against the contract alone.

Its volumes hold random bytes: the server cannot tell.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from werkzeug.test import TestResponse

from mega_server.protocol import headers, routes
from mega_server.protocol.limits import MIB
from mega_server.protocol.messages import (
    ChallengeReply,
    ChallengeRequest,
    DeleteRequest,
    ErrorDetail,
    ErrorReply,
    KdfParameters,
    LoginReply,
    LoginRequest,
    SignupRequest,
    SlotsRequest,
)
from mega_server.protocol.packs import pack_header
from mega_server.protocol.proof import Proof, Purpose, login_statement
from mega_server.protocol.record_header import MAGIC, ROOT_SIGNATURE_CONTEXT, SIGNED_BYTES

M = TypeVar("M", bound=msgspec.Struct)
ORIGIN = "http://localhost"
"""What Flask's test client sends as its Host."""


def root_record(writer: SigningKey, volume: bytes, revision: int, prev: bytes, *, epoch: int = 1) -> bytes:
    """Sign a record whose sealed body is random."""
    clear = struct.pack(">4s16sIQ32s32s", MAGIC, volume, epoch, revision, prev, writer.verify_key.encode())
    signed = clear + os.urandom(SIGNED_BYTES - len(clear))
    return signed + writer.sign(ROOT_SIGNATURE_CONTEXT + signed).signature


def random_blobs(count: int, length: int = 600) -> list[bytes]:
    """Make blobs that look like any others."""
    return [os.urandom(length) for _ in range(count)]


def pack_of(blobs: list[bytes]) -> bytes:
    """Write a pack."""
    return pack_header([len(blob) for blob in blobs]) + b"".join(blobs)


def ids_of(blobs: list[bytes]) -> list[bytes]:
    """Name blobs, in their order."""
    return [hashlib.sha256(blob).digest() for blob in blobs]


def read(response: TestResponse, kind: type[M], status: int = 200) -> M:
    """Read a JSON answer of this status."""
    assert response.status_code == status, response.data[:300]
    return msgspec.json.decode(response.data, type=kind)


def error_of(response: TestResponse) -> ErrorDetail:
    """Read an error answer."""
    assert response.status_code >= 400, response.data[:300]
    assert response.content_type == headers.JSON
    return msgspec.json.decode(response.data, type=ErrorReply).error


@dataclass
class FakeAccount:
    """One account with one volume."""

    web: FlaskClient
    name: str = "alice"
    origin: str = ORIGIN
    login_key: SigningKey = field(default_factory=SigningKey.generate)
    recovery_key: SigningKey = field(default_factory=SigningKey.generate)
    writer: SigningKey = field(default_factory=SigningKey.generate)
    volume: bytes = field(default_factory=lambda: os.urandom(16))
    token: str = ""
    head: bytes = b""

    def signup_request(self, **changes: object) -> SignupRequest:
        """Write a valid signup, with changes."""
        self.head = self.head or root_record(self.writer, self.volume, 1, bytes(32))
        valid = SignupRequest(
            account=self.name,
            kdf=KdfParameters(algorithm="argon2id", server_salt=b"s" * 32, passes=3, memory_bytes=256 * MIB),
            login_key=self.login_key.verify_key.encode(),
            recovery_key=self.recovery_key.verify_key.encode(),
            password_slot=b"p" * 128,
            recovery_slot=b"r" * 128,
            idcert=b"certificate",
            root_record=self.head,
        )
        return msgspec.structs.replace(valid, **changes)

    def signup(self, **changes: object) -> TestResponse:
        """Send a signup."""
        return self.web.post(routes.ACCOUNTS, data=msgspec.json.encode(self.signup_request(**changes)))

    def nonce(self) -> bytes:
        """Ask for a challenge."""
        body = msgspec.json.encode(ChallengeRequest(account=self.name))
        return read(self.web.post(routes.LOGIN_CHALLENGE, data=body), ChallengeReply).server_nonce

    def login(
        self, *, nonce: bytes | None = None, key: str = "password", signer: SigningKey | None = None
    ) -> TestResponse:
        """Send a login proof."""
        body = msgspec.json.encode(LoginRequest(account=self.name, key=key, device_name="laptop"))
        return self.web.post(routes.LOGIN, data=body, headers=self.proof(body, Purpose.LOGIN, nonce, signer))

    def proof(
        self, body: bytes, purpose: Purpose, nonce: bytes | None = None, signer: SigningKey | None = None
    ) -> dict[str, str]:
        """Write the header that proves this body, over a fresh challenge unless a nonce is given."""
        server_nonce, client_nonce = nonce or self.nonce(), os.urandom(32)
        statement = login_statement(
            origin=self.origin,
            account=self.name,
            server_nonce=server_nonce,
            client_nonce=client_nonce,
            purpose=purpose,
            body=body,
        )
        signature = (signer or self.login_key).sign(statement).signature
        return {headers.PROOF: Proof(server_nonce, client_nonce, signature).header()}

    def slots_request(self, **changes: object) -> SlotsRequest:
        """Write a change of the password to a random key and slot, with changes."""
        valid = SlotsRequest(
            account=self.name,
            key="password",
            kdf=self.signup_request().kdf,
            login_key=os.urandom(32),
            password_slot=os.urandom(128),
        )
        return msgspec.structs.replace(valid, **changes)

    def change_slots(
        self, message: SlotsRequest, *, nonce: bytes | None = None, signer: SigningKey | None = None
    ) -> TestResponse:
        """Send a change of slots with its proof."""
        body = msgspec.json.encode(message)
        return self.web.put(
            routes.SLOTS, data=body, headers=self.bearer | self.proof(body, Purpose.SLOTS, nonce, signer)
        )

    def delete(
        self, *, nonce: bytes | None = None, key: str = "password", signer: SigningKey | None = None
    ) -> TestResponse:
        """Send the account's deletion with its proof."""
        body = msgspec.json.encode(DeleteRequest(account=self.name, key=key))
        return self.web.delete(
            routes.ME, data=body, headers=self.bearer | self.proof(body, Purpose.DELETE, nonce, signer)
        )

    def enter(self) -> FakeAccount:
        """Sign up and log in."""
        assert self.signup().status_code == 201
        self.token = read(self.login(), LoginReply).token
        return self

    @property
    def bearer(self) -> dict[str, str]:
        """The header that every signed-in request carries."""
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, template: str, query: str = "", **parts: str) -> TestResponse:
        """Send a GET under the account's volume."""
        path = routes.path(template, **{"volume": self.volume.hex(), **parts})
        return self.web.get(path + query, headers=self.bearer)

    def post(self, template: str, body: bytes, **parts: str) -> TestResponse:
        """Send a POST under the account's volume."""
        path = routes.path(template, **{"volume": self.volume.hex(), **parts})
        return self.web.post(path, data=body, headers=self.bearer)

    def next_record(self) -> bytes:
        """Sign a record that follows the head as this account knows it."""
        revision = int.from_bytes(self.head[24:32], "big") + 1
        return root_record(self.writer, self.volume, revision, hashlib.sha256(self.head).digest())
