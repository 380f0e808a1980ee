"""Writes the end of `tests/vectors/protocol.json` anew: `python -m tests.kit.make_protocol_vectors`.

It makes the steps by which the account changes its password, recovers and is deleted, and the statements of every
purpose; what stands before them in the file is kept as it is. A second run writes the same bytes.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from mega_server.protocol.limits import MIB
from mega_server.protocol.proof import Proof, Purpose, login_statement

FILE = Path(__file__).resolve().parents[1] / "vectors" / "protocol.json"
SEEDS = {"password": 1, "recovery": 2, "new password": 4, "newer password": 5, "new recovery": 6}
"""Each seed is this byte 32 times."""
_SLOTS = {"method": "PUT", "path": "/v1/accounts/me/slots"}
_ME = "/v1/accounts/me"
_SIGNED_IN = {"Authorization": "Bearer {token}"}
_PROVEN = _SIGNED_IN | {"X-Mega-Proof": "{proof}"}

Step = dict[str, Any]


def _seed(name: str) -> SigningKey:
    return SigningKey(bytes([SEEDS[name]]) * 32)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _slots(key: str, new: str, recovery: str = "", *, passes: int = 3) -> Step:
    """Write the body of a change: the new password's key, and perhaps the new recovery secret's."""
    return {
        "account": "alice",
        "key": key,
        "kdf": {
            "algorithm": "argon2id",
            "server_salt": _base64(b"s" * 32),
            "passes": passes,
            "memory_bytes": 256 * MIB,
        },
        "login_key": _base64(_seed(new).verify_key.encode()),
        "password_slot": _base64(new[:2].encode() * 64),
        "recovery_key": _base64(_seed(recovery).verify_key.encode()) if recovery else "",
        "recovery_slot": _base64(b"q" * 128) if recovery else "",
        "ends_other_sessions": True,
    }


def _challenge(what: str) -> Step:
    path = "/v1/login/challenge"
    return {"name": f"account: challenge to {what}", "method": "POST", "path": path, "json": {"account": "alice"}} | {
        "status": 200
    }


def _refusal(code: str) -> Step:
    return {"error": {"code": code}}


def _step(name: str, base: Step, body: Step, status: int, code: str = "", **proof: str | int) -> Step:
    """Write a signed-in step; `purpose` and `seed` make its proof, without them it has none."""
    step = {"name": f"account: {name}"} | base | {"headers": _PROVEN if proof else _SIGNED_IN, "json": body}
    return (
        step
        | ({"proof": proof} if proof else {})
        | {"status": status}
        | ({"answer_json": _refusal(code)} if code else {})
    )


def account_steps() -> list[Step]:
    """Make the steps, in order."""
    changed, weaker = _slots("password", "new password", passes=4), _slots("password", "newer password")
    keeping = _slots("recovery", "newer password", passes=4)
    recovered = _slots("recovery", "newer password", "new recovery", passes=4)
    delete, deletion = {"account": "alice", "key": "password"}, {"method": "DELETE", "path": _ME}
    login = {"method": "POST", "path": "/v1/login"}
    old_recovery = {"account": "alice", "key": "recovery", "device_name": "laptop"}
    again = {"account": "alice", "key": "password", "device_name": "laptop"}
    return [
        _challenge("log in again"),
        _step("log in again", login, again, 200, purpose=1, seed="password"),
        _challenge("change the password"),
        _step("a change without a proof", _SLOTS, changed, 400, "bad_request"),
        _step("change the password", _SLOTS, changed, 204, purpose=2, seed="password"),
        _step("the same again, its challenge spent", _SLOTS, changed, 204, purpose=2, seed="password"),
        _challenge("weaken the parameters"),
        _step("weaker parameters", _SLOTS, weaker, 400, "bad_request", purpose=2, seed="new password"),
        _challenge("change it with the old key"),
        _step("the old key", _SLOTS, keeping | {"key": "password"}, 401, "login_refused", purpose=2, seed="password"),
        _challenge("recover and keep the secret"),
        _step("a recovery that keeps its secret", _SLOTS, keeping, 400, "bad_request", purpose=2, seed="recovery"),
        _challenge("recover"),
        _step("recover", _SLOTS, recovered, 204, purpose=2, seed="recovery"),
        _challenge("log in with the used secret"),
        _step("the used recovery secret", login, old_recovery, 401, "login_refused", purpose=1, seed="recovery"),
        _challenge("delete with a proof to change"),
        _step("another purpose", deletion, delete, 401, "login_refused", purpose=2, seed="newer password"),
        _challenge("delete"),
        _step("delete", deletion, delete, 204, purpose=3, seed="newer password"),
        {"name": "account: gone", "method": "GET", "path": _ME, "headers": _SIGNED_IN, "status": 401}
        | {"answer_json": _refusal("unauthorized")},
    ]


def statements(origin: str) -> list[dict[str, str | int]]:
    """Make the statement, signature and header of each purpose over one body."""
    made: list[dict[str, str | int]] = []
    for purpose in Purpose:
        nonces, body = (b"\x11" * 32, b"\x22" * 32), "{}"
        statement = login_statement(
            origin=origin,
            account="alice",
            server_nonce=nonces[0],
            client_nonce=nonces[1],
            purpose=purpose,
            body=body.encode(),
        )
        signature = _seed("password").sign(statement).signature
        made.append(
            {
                "server_nonce": nonces[0].hex(),
                "client_nonce": nonces[1].hex(),
                "purpose": int(purpose),
                "body": body,
                "statement_hex": statement.hex(),
                "signature_hex": signature.hex(),
                "header": Proof(*nonces, signature).header(),
            }
        )
    return made


def main() -> None:
    """Write the file."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    kept = [step for step in document["conversation"] if not step["name"].startswith("account: ")]
    head = {key: value for key, value in document.items() if key not in {"conversation", "login_statements", "seeds"}}
    head |= {
        "seeds": {name: (bytes([byte]) * 32).hex() for name, byte in SEEDS.items()},
        "login_statements": statements(document["origin"]),
        "conversation": [*kept, *account_steps()],
    }
    FILE.write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
