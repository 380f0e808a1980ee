"""Targets: a link as somebody hands it on, and the record that a server shows for it."""

from __future__ import annotations

from contextlib import suppress

from mega_cli.crypto import labels, records
from mega_cli.crypto.links import link_pin
from mega_cli.crypto.signing import public_key, sign
from mega_cli.errors import IntegrityError, PolicyError, UntrustedKeyError, UsageError
from mega_cli.formats.link import PLAIN_BYTES, LinkRecord, LinkUrl, open_link_record, parse_link, seal_link_record
from mega_cli.formats.page import is_name
from mega_cli.model import Secret
from tests.fuzz.target import Target
from tests.kit import forge

_SEED, _KEY, _LINK_ID = forge.fixed("link seed"), forge.fixed("link key"), forge.fixed("link id", 16)
_PIN = link_pin(public_key(_SEED))
_SIGNED = PLAIN_BYTES - 64


def _url(raw: bytes) -> None:
    """Read a text as a link; an accepted one reads back."""
    with suppress(UsageError, PolicyError):
        link = parse_link(raw.decode("utf-8", "surrogateescape"))
        assert parse_link(link.text()) == link


def _record(raw: bytes) -> None:
    """Read any bytes, signed by the link's own key and sealed with its own, as a link's record."""
    signed = public_key(_SEED) + raw[: _SIGNED - 32].ljust(_SIGNED - 32, b"\0")
    plain = signed + sign(_SEED, labels.SIGN_LINK, _LINK_ID + signed)
    with suppress(IntegrityError, PolicyError, UntrustedKeyError):
        read = open_link_record(_KEY, _LINK_ID, _PIN, records.seal_record(records.LINK_RECORD, _KEY, _LINK_ID, plain))
        assert is_name(read.entry.name)
        again = seal_link_record(_KEY, _LINK_ID, _SEED, read)
        assert open_link_record(_KEY, _LINK_ID, _PIN, again) == read


def _record_seeds() -> list[bytes]:
    record = seal_link_record(_KEY, _LINK_ID, _SEED, LinkRecord(7, 0, forge.entry("shared.txt")))
    plain = records.open_record(records.LINK_RECORD, _KEY, _LINK_ID, record, len(record))
    return [plain[32:_SIGNED]]


TARGETS = (
    Target(
        "link-url",
        _url,
        lambda: [
            LinkUrl("https://mega.example", _LINK_ID, Secret(_KEY), _PIN, has_password=n == 1).text().encode()
            for n in range(2)
        ],
    ),
    Target("link-record", _record, _record_seeds),
)
