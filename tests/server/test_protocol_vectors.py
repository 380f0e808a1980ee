"""The literal requests and answers of `docs/protocol.md`, played against the server.

`tests/vectors/protocol.json` is one conversation; the client is tested against the same file.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from mega_server.protocol.proof import Proof, Purpose, login_statement
from tests.kit.make_protocol_vectors import account_steps, statements
from tests.kit.server import backend_of, make_app

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "protocol.json"


def load() -> dict[str, Any]:
    """Read the vectors."""
    document: dict[str, Any] = json.loads(VECTORS.read_text())
    return document


def covers(expected: Any, got: Any) -> bool:
    """Say whether `got` has every field of `expected`; fields are only ever added."""
    if isinstance(expected, dict):
        return all(key in got and covers(value, got[key]) for key, value in expected.items())
    return bool(expected == got)


@pytest.mark.parametrize("vector", load()["login_statements"], ids=lambda vector: Purpose(vector["purpose"]).name)
def test_the_login_statement(vector: dict[str, Any]) -> None:
    """Statement, signature and header of each purpose are these bytes."""
    document = load()
    server_nonce, client_nonce = bytes.fromhex(vector["server_nonce"]), bytes.fromhex(vector["client_nonce"])
    statement = login_statement(
        origin=document["origin"],
        account=document["account"],
        server_nonce=server_nonce,
        client_nonce=client_nonce,
        purpose=Purpose(vector["purpose"]),
        body=vector["body"].encode(),
    )
    signature = SigningKey(bytes.fromhex(document["seeds"]["password"])).sign(statement).signature
    assert statement.hex() == vector["statement_hex"]
    assert signature.hex() == vector["signature_hex"]
    assert Proof(server_nonce, client_nonce, signature).header() == vector["header"]


def test_the_maker_writes_these_bytes() -> None:
    """What the file says of account life is what its maker makes."""
    document = load()

    assert document["login_statements"] == statements(document["origin"])
    assert document["conversation"][-len(account_steps()) :] == account_steps()


def test_the_conversation(tmp_path: Path) -> None:
    """Every request gets exactly the answer that is written down."""
    document = load()
    app = make_app(tmp_path, quota_bytes=document["quota_bytes"])
    web, seeds = app.test_client(), {name: bytes.fromhex(seed) for name, seed in document["seeds"].items()}
    nonce, token, cursor = b"", "", ""
    for step in document["conversation"]:
        body = json.dumps(step["json"]).encode() if "json" in step else bytes.fromhex(step.get("hex", ""))
        told = step.get("proof", {"purpose": Purpose.LOGIN, "seed": "password"})
        statement = login_statement(
            origin=document["origin"],
            account=document["account"],
            server_nonce=nonce or bytes(32),
            client_nonce=bytes(32),
            purpose=Purpose(told["purpose"]),
            body=body,
        )
        signature = SigningKey(seeds[told["seed"]]).sign(statement).signature
        proof = Proof(nonce or bytes(32), bytes(32), signature).header()
        headers = {
            name: value.replace("{token}", token).replace("{proof}", proof)
            for name, value in step.get("headers", {}).items()
        }
        response = web.open(step["path"].replace("{cursor}", cursor), method=step["method"], data=body, headers=headers)
        assert response.status_code == step["status"], (step["name"], response.data)
        if "answer_hex" in step:
            assert response.data.hex() == step["answer_hex"], step["name"]
        if "answer_json" in step:
            assert covers(step["answer_json"], response.get_json()), (step["name"], response.data)
        answer = response.get_json(silent=True) or {}
        token, cursor = answer.get("token", token), answer.get("cursor", cursor)
        if "server_nonce" in answer:
            nonce = base64.b64decode(answer["server_nonce"])
    backend_of(app).close()
