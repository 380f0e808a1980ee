"""Links: the URL that carries a secret in its fragment, and the record that it opens (`docs/formats/link.md`).

    fragment = base64url( 1 ‖ flags1 (bit 0: password) ‖ secret32 ‖ pin16 )
    record   = Record(type 3, context = link_id16) of link_pk32 ‖ seq8 ‖ expires8 ‖ len2 ‖ entry ‖ zeros ‖ signature64

A record is believed only when it opens under the secret, its key is the one the URL pins, and that key signed it: the
server, who may know a posted URL, cannot make another.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
from dataclasses import dataclass, field
from typing import Final

from mega_cli.crypto import labels
from mega_cli.crypto.links import PIN_BYTES, link_pin
from mega_cli.crypto.records import LINK_RECORD, OVERHEAD_BYTES, open_record, seal_record
from mega_cli.crypto.signing import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, public_key, sign, verify
from mega_cli.crypto.versions import newer_version
from mega_cli.errors import IntegrityError, UntrustedKeyError, UsageError
from mega_cli.formats.page import Entry, decode_page, encode_page
from mega_cli.model import Secret

LINK_ID_BYTES: Final = 16
SECRET_BYTES: Final = 32
PLAIN_BYTES: Final = 1_024
LINK_RECORD_BYTES: Final = PLAIN_BYTES + OVERHEAD_BYTES
_VERSION: Final = 1
_HAS_PASSWORD: Final = 1
_HEAD: Final = struct.Struct(">32sQQH")
ENTRY_MOST_BYTES: Final = PLAIN_BYTES - _HEAD.size - SIGNATURE_BYTES
_FRAGMENT_BYTES: Final = 2 + SECRET_BYTES + PIN_BYTES
_ONE_ENTRY: Final = b"\x93\x01\x00\x91"
"""The page that holds exactly one entry begins so; what follows is the entry."""
_URL: Final = re.compile(r"(https?://[^/?#]+)/s/([^/?#]+)(?:#(.*))?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LinkUrl:
    """A link as it is handed on. Whoever has it, and the password if there is one, can read what it names."""

    base: str
    """`scheme://host[:port]`, unchecked: `mega_cli.api.address` judges it."""
    link_id: bytes
    secret: Secret
    pin: bytes = field(repr=False)
    has_password: bool

    def text(self) -> str:
        """Write the URL."""
        flags = _HAS_PASSWORD if self.has_password else 0
        fragment = bytes([_VERSION, flags]) + self.secret.reveal() + self.pin
        return f"{self.base}/s/{id_letters(self.link_id)}#{id_letters(fragment)}"


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """What a link says: the entry it names, and how new that is."""

    seq: int
    """The volume's revision when it was written; it only rises."""
    expires_ms: int
    """0: never. The server's promise; the record repeats it so that a reader can refuse as well."""
    entry: Entry = field(repr=False)


def parse_link(text: str) -> LinkUrl:
    """Read a URL, forgiving what mail and terminals do to it: surrounding brackets, and white space anywhere.

    Raises UsageError, saying what is wrong with it, and PolicyError for a version to come. No message repeats it.
    """
    found = _URL.fullmatch("".join(text.split()).strip("<>\"'"))
    if found is None:
        raise UsageError("this is no link", "a link looks like https://host/s/…#…")
    base, id_letters, fragment = found.groups()
    if not fragment:
        raise UsageError("the link has lost the part after #, which holds its key", "ask for the whole link")
    raw = _bytes(fragment)
    if raw[:1] not in (b"", bytes([_VERSION])):
        raise newer_version()
    link_id = _bytes(id_letters)
    if len(link_id) != LINK_ID_BYTES or len(raw) != _FRAGMENT_BYTES or raw[1] > _HAS_PASSWORD:
        raise UsageError("the link is cut or changed", "copy it again, whole")
    secret, pin = raw[2 : 2 + SECRET_BYTES], raw[2 + SECRET_BYTES :]
    return LinkUrl(base, link_id, Secret(secret), pin, has_password=raw[1] == _HAS_PASSWORD)


def seal_link_record(record_key: bytes, link_id: bytes, seed: bytes, record: LinkRecord) -> bytes:
    """Seal and sign a record: 1,104 bytes. Raises ValueError for an entry above 910 bytes."""
    entry = encode_page(0, [record.entry])[len(_ONE_ENTRY) :]
    if len(entry) > ENTRY_MOST_BYTES:
        msg = f"the entry of a link has at most {ENTRY_MOST_BYTES} bytes"
        raise ValueError(msg)
    head = _HEAD.pack(public_key(seed), record.seq, record.expires_ms, len(entry))
    signed = (head + entry).ljust(PLAIN_BYTES - SIGNATURE_BYTES, b"\0")
    signature = sign(seed, labels.SIGN_LINK, link_id + signed)
    return seal_record(LINK_RECORD, record_key, link_id, signed + signature)


def open_link_record(record_key: bytes, link_id: bytes, pin: bytes, record: bytes) -> LinkRecord:
    """Open a record, then check the pin, the signature and the layout, in this order.

    Expiry and `seq` are the caller's to judge. Raises PolicyError for another version, UntrustedKeyError for a key that
    is not the pinned one, IntegrityError for everything else.
    """
    plain = open_record(LINK_RECORD, record_key, link_id, record, LINK_RECORD_BYTES)
    signed, signature = plain[:-SIGNATURE_BYTES], plain[-SIGNATURE_BYTES:]
    public, seq, expires_ms, length = _HEAD.unpack_from(signed)
    if not hmac.compare_digest(link_pin(public[:PUBLIC_KEY_BYTES]), pin):
        raise UntrustedKeyError("another key than its maker's signed what this link shows", "do not trust this server")
    verify(public, labels.SIGN_LINK, link_id + signed, signature)
    end = _HEAD.size + length
    if length > ENTRY_MOST_BYTES or any(signed[end:]):
        raise IntegrityError
    (entry,) = decode_page(_ONE_ENTRY + signed[_HEAD.size : end]).items
    assert isinstance(entry, Entry)
    return LinkRecord(seq, expires_ms, entry)


def id_letters(raw: bytes) -> str:
    """Write base64url without padding, as ids stand in URLs."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(letters: str) -> bytes:
    """Read base64url without padding, strictly; b"" for anything else."""
    try:
        raw = base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return raw if id_letters(raw) == letters else b""
