"""The mutants of links, for the table in `mutants.py`: row, what, and (file, text, other text)."""

from __future__ import annotations

from collections.abc import Sequence

_VISIT, _COPY_IN, _LINK = "mega_cli/share/visit.py", "mega_cli/share/copy_in.py", "mega_cli/formats/link.py"
_KEYS, _WORDS = "mega_cli/crypto/links.py", "mega_cli/options/link.py"
_MIXED = "Secret(mac(secret.reveal(), labels.LINK_PASSWORD, stretched(normal_form(password), salt, LINK_POLICY)))"
_PROOF = '    path = routes.path(routes.LINK_SESSION, link=link.hex())\n    return Request("POST", path, extra='
_NOTHING_LEARNT = "lambda _facts: None)\n    with uploader"

SHARE_MUTANTS: Sequence[tuple[str, str, tuple[tuple[str, str, str], ...]]] = (
    ("T52", "an import skips what is there", ((_COPY_IN, "NothingKnown(), session", "session.index, session"),)),
    (
        "T52",
        "an import is remembered",
        (
            (_COPY_IN, _NOTHING_LEARNT, f"lambda facts: remember(session.index, facts){_NOTHING_LEARNT[19:]}"),
            (
                _COPY_IN,
                "from mega_cli.volume.lists",
                "from mega_cli.volume.facts import remember\nfrom mega_cli.volume.lists",
            ),
        ),
    ),
    (
        "T65",
        "the secret is the proof",
        ((_VISIT, 'f"{_letters(keys.auth)} {token.decode()}"', 'f"{_letters(url.secret.reveal())} {token.decode()}"'),),
    ),
    (
        "T65",
        "the proof goes by the address",
        (("mega_cli/api/operations.py", _PROOF, _PROOF.replace("path, extra=", 'f"{path}?{proof[:9]}", extra=')),),
    ),
    ("T66", "a password is not in the key", ((_KEYS, _MIXED, "secret"),)),
    (
        "T66",
        "a password alone is the key",
        (
            (_KEYS, "mac(secret.reveal(), labels.LINK_P", "mac(bytes(32), labels.LINK_P"),
            (_KEYS, "kdf(secret.reveal(), labels.LINK_SALT", "kdf(bytes(32), labels.LINK_SALT"),
        ),
    ),
    (
        "T67",
        "any key may sign",
        ((_LINK, "if not hmac.compare_digest(link_pin(public[:PUBLIC_KEY_BYTES]), pin):", "if not pin:"),),
    ),
    (
        "T67",
        "a signature is not checked",
        ((_LINK, "    verify(public, labels.SIGN_LINK, link_id + signed, signature)\n", ""),),
    ),
    ("T68", "an older record is believed", ((_VISIT, "if record.seq < seen_seq:", "if record.seq < 0:"),)),
    (
        "T68",
        "what was seen is forgotten",
        ((_VISIT, "        seen.raise_seq(url.link_id, url.pin, record.seq)\n", ""),),
    ),
    (
        "T68",
        "the record's own expiry is ignored",
        ((_VISIT, "if record.expires_ms and", "if not record.expires_ms and"),),
    ),
    (
        "T68",
        "openings are not counted",
        (("mega_server/services/visits.py", "elif not links.count_opening(connection, link, now):", "elif False:"),),
    ),
    ("T71", "nobody is told that a link can be seen", ((_WORDS, "    _warn_once()\n", ""),)),
    ("T71", "children inherit the link", ((_WORDS, 'os.environ.pop(VARIABLE, "")', 'os.environ.get(VARIABLE, "")'),)),
)
