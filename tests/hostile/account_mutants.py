"""The mutants of the account's own life, for the table in `mutants.py`: row, what, and (file, text, other text)."""

from __future__ import annotations

from collections.abc import Sequence

_LOGIN, _RECOVER = "mega_cli/account/login.py", "mega_cli/account/recover.py"
_PROVE = "            session = prove(client, place, prk, salt, policy, device_name=device_name)\n"
_PROVE_AGAIN = """            for _ in range(4):
                with suppress(IntegrityError):
                    session = prove(client, place, prk, salt, policy, device_name=device_name)
            if "session" not in locals():
                raise IntegrityError
"""
_STATEMENT = "for part in (origin.encode(), account.encode()))"

Edit = tuple[str, str, str]

ACCOUNT_MUTANTS: Sequence[tuple[str, str, tuple[Edit, ...]]] = (
    (
        "T05",
        "a login that ended in a mauled slot is tried again",
        (
            (_LOGIN, _PROVE, _PROVE_AGAIN),
            (_LOGIN, "from contextlib import closing\n", "from contextlib import closing, suppress\n"),
        ),
    ),
    (
        "T06",
        "another identity is pinned over the known one",
        (("mega_cli/state/trust.py", "if pinned.identity != seen.identity:", "if not pinned.identity:"),),
    ),
    (
        "T06",
        "the kit's fingerprint is not compared",
        ((_RECOVER, "kit.fingerprint_words != account_fingerprint(session)", "not account_fingerprint(session)"),),
    ),
    (
        "T09",
        "the account key does not matter",
        (("mega_cli/crypto/passwords.py", "    if account_key is None:\n", "    if account_key is None or prk:\n"),),
    ),
    (
        "T11",
        "the old password's key stays at the server",
        (("mega_server/services/slots.py", '        "login_key": message.login_key,\n', ""),),
    ),
    (
        "T11",
        "the other sessions go on",
        (("mega_server/services/slots.py", "if message.ends_other_sessions:", "if not message.account:"),),
    ),
    (
        "T12",
        "any recovery secret is let in",
        (
            (
                "mega_server/services/proofs.py",
                "and is_signed and is_fresh",
                'and (is_signed or claim.key == "recovery")',
            ),
        ),
    ),
    (
        "T15",
        "the origin is neither signed nor salted",
        (
            ("mega_server/protocol/proof.py", _STATEMENT, _STATEMENT.replace("origin.encode()", 'b""')),
            (
                "mega_cli/crypto/passwords.py",
                "variable(account.encode(), origin.encode())",
                "variable(account.encode())",
            ),
        ),
    ),
    (
        "T37",
        "a record's nonce counts the device's commits",
        (
            (
                "mega_cli/formats/root_record.py",
                "keys.writer_public, randomness.random_bytes(24)",
                'keys.writer_public, body.device_seq.to_bytes(24, "big") if randomness else b""',
            ),
        ),
    ),
)
