"""The mutants of the server's own defences, for the table in `mutants.py`: row, what, and (file, text, other text)."""

from __future__ import annotations

from collections.abc import Sequence

_ACCOUNTS, _PROOFS = "mega_server/services/accounts.py", "mega_server/services/proofs.py"
_USE_CODE = "        quota_bytes = use_code("
_VERIFIES = "_verifies(key, statement, proof.signature)"
_OWN_SESSION = "where(sessions.c.account == account, sessions.c.session_id == session_id)"

Edit = tuple[str, str, str]

SERVER_MUTANTS: Sequence[tuple[str, str, tuple[Edit, ...]]] = (
    (
        "T10",
        "a fake salt is another one every time",
        ((_ACCOUNTS, 'hmac.digest(backend.secret, b"server', 'hmac.digest(__import__("os").urandom(32), b"server'),),
    ),
    (
        "T10",
        "an unknown account is not worth a verification",
        ((_PROOFS, _VERIFIES, f"row is not None and {_VERIFIES}"),),
    ),
    (
        "T10",
        "names are told to who may not sign up",
        ((_ACCOUNTS, _USE_CODE, f"        if row is not None:\n            raise account_exists()\n{_USE_CODE}"),),
    ),
    (
        "T12",
        "any key proves",
        ((_PROOFS, "row is not None and is_signed and is_fresh", "row is not None and is_fresh"),),
    ),
    (
        "T12",
        "a used recovery secret may stay",
        (("mega_server/services/slots.py", 'elif message.key == "recovery":', 'elif message.key == "":'),),
    ),
    (
        "T81",
        "a session claims for anybody",
        ((_PROOFS, "if claim.account != account:", "if not claim.account:"),),
    ),
    (
        "T81",
        "anybody ends a session",
        (("mega_server/database/sessions.py", _OWN_SESSION, "where(sessions.c.session_id == session_id)"),),
    ),
    (
        "T81",
        "everybody's packs are doomed",
        (("mega_server/database/doomed.py", "found.where(volumes.c.account == account)", "found"),),
    ),
    (
        "T86",
        "what was sent is counted",
        (
            (
                "mega_server/services/uploads.py",
                "accounts.add_used_bytes(connection, account, size_bytes)",
                "accounts.add_used_bytes(connection, account, len(pack))",
            ),
        ),
    ),
)
