"""Keys of links: from a link's secret, and perhaps a password, to what opens and signs its record (crypto.md 7).

Everything a reader derives here must run in a browser: `kdf`, `mac` and Argon2id alone. Who holds the secret of a link
with a password can guess at the password, at the price of Argon2id with 64 MiB for each guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from mega_cli.crypto import labels
from mega_cli.crypto.kdf import kdf, mac
from mega_cli.crypto.passwords import normal_form, stretched
from mega_cli.model import MIB, KdfPolicy, Secret

LINK_POLICY: Final = KdfPolicy(passes=3, memory_bytes=64 * MIB)
"""What a phone's browser can do; fixed, so that the server has nothing to say about it."""
PIN_BYTES: Final = 16
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """What the reader of a link derives: the proof for the server, and the key of the record."""

    auth: bytes = field(repr=False)
    record: bytes = field(repr=False)


def with_password(secret: Secret, link_id: bytes, password: Secret) -> Secret:
    """Mix a password into a link's secret; it takes 64 MiB and about a tenth of a second.

    The result takes the secret's place in `link_keys`. Raises UsageError, LimitError.
    """
    salt = kdf(secret.reveal(), labels.LINK_SALT, link_id, _SALT_BYTES)
    return Secret(mac(secret.reveal(), labels.LINK_PASSWORD, stretched(normal_form(password), salt, LINK_POLICY)))


def link_keys(secret: Secret, link_id: bytes) -> LinkKeys:
    """Derive a link's keys from its secret, a password mixed in if there is one."""
    link_key = kdf(secret.reveal(), labels.LINK_KEY, link_id)
    return LinkKeys(kdf(link_key, labels.LINK_AUTH), kdf(link_key, labels.LINK_RECORD))


def link_pin(public: bytes) -> bytes:
    """Give what a URL keeps of the key that signs its record: the first 16 bytes of its SHA-256."""
    return sha256(public).digest()[:PIN_BYTES]
