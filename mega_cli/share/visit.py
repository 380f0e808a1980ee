"""Visit a link, one's own or another's, without an account: open it, verify what it shows, read below it.

Nothing of the visit is trusted before it has verified: the record by the key that the URL pins, everything below by the
refs it holds. A server cannot take a device back to an older record than it has seen (exit 15). The secret and the
password never leave: the server gets a proof derived from them, in a header.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from mega_cli.api import operations
from mega_cli.api.client import ServerClient
from mega_cli.crypto import randomness
from mega_cli.crypto.links import LinkKeys, link_keys, with_password
from mega_cli.errors import MissingItemError, NotLoggedInError, RollbackError
from mega_cli.formats.link import LinkRecord, LinkUrl, open_link_record, parse_link
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.model import BlobId, Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.state.seen_links import SeenLinks
from mega_cli.volume.depth import allow_depth
from mega_cli.volume.pagestore import OpenedPages
from mega_cli.volume.pagetree import PageReader
from mega_cli.volume.peek import NoCache
from mega_cli.volume.tree import folder_ref

_TOKEN_BYTES: Final = 32
_GOES_ON_MS: Final = 6 * 3_600_000
"""How long the server remembers a visit."""


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """A link, and what is meant below it: `URL` or `URL:/path`."""

    url: LinkUrl = field(repr=False)
    path: RemotePath


def parse_link_address(text: str) -> LinkAddress:
    """Read `URL` or `URL:/path`. Raises as `parse_link` does."""
    url, fragment_mark, rest = text.partition("#")
    fragment, path_mark, path = rest.partition(":/")
    return LinkAddress(parse_link(url + fragment_mark + fragment), RemotePath.parse(path if path_mark else "/"))


def is_link(text: str) -> bool:
    """Tell whether a word is meant as a link: a remote path is never written so."""
    return text.strip(" \t\r\n<\"'").lower().startswith(("https://", "http://"))


class Visit:
    """An opened link: the files that it names, as `VisitedFiles` promises. Close it when done."""

    def __init__(self, client: ServerClient, link_id: bytes, entry: Entry, renew: Callable[[], object]) -> None:
        """Take the verified entry; `renew` lets the server go on when it has forgotten the visit."""
        self._client = client
        self._link_id = link_id
        self._renew = renew
        self.entry = entry
        self.pages = self.more_pages()
        allow_depth()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def more_pages(self) -> OpenedPages:
        """Open another store of pages, for another thread."""
        return OpenedPages(self.fetch, NoCache())

    def fetch(self, ids: Sequence[BlobId]) -> Generator[tuple[BlobId, bytes], None, None]:
        """Stream blobs in the order asked, unverified. A visit that lasts too long for the server is renewed.

        Raises MissingItemError for a link that has ended meanwhile.
        """
        done, renewed_at = 0, -1
        while True:
            asked = self._client.fetch(
                lambda part: operations.link_blobs(self._link_id, part), ids[done:], may_be_gone=True
            )
            try:
                for found in asked:
                    yield found
                    done += 1
            except NotLoggedInError:
                if renewed_at == done:
                    raise
                self._renew()
                renewed_at = done
            else:
                return

    def entry_at(self, path: RemotePath) -> Entry:
        """Find what stands at `path` below the link; `/` is what the link names. Raises MissingItemError."""
        entry = self.entry
        for name in path.parts:
            below = PageReader(self.pages, folder_ref(entry)).lookup(name) if entry.kind == FOLDER else None
            if below is None:
                raise MissingItemError(f"there is no {path} in this link", "to see what is there: mega ls LINK")
            entry = below
        return entry

    def called(self, path: RemotePath) -> RemotePath:
        """Give the path that people see in messages: it begins with the name of what the link names."""
        return RemotePath((self.entry.name, *path.parts))


def visit(
    url: LinkUrl,
    connect: Callable[[str, Secret], ServerClient],
    ask_password: Callable[[], Secret],
    seen: SeenLinks,
    now_ms: int,
) -> Visit:
    """Open a link and verify what it shows. Within six hours a device goes on with one visit, which counts once.

    `connect` makes a client for an address and the visit's token; `ask_password` is called when one is needed. Raises
    UntrustedKeyError, IntegrityError, RollbackError for an older record than `seen` knows, MissingItemError for a link
    that is gone, expired or used up, NotLoggedInError for a wrong password.
    """
    secret = with_password(url.secret, url.link_id, ask_password()) if url.has_password else url.secret
    keys = link_keys(secret, url.link_id)
    token = _visit_token(url, seen, now_ms)
    client = connect(url.base, Secret(token))
    try:

        def open_it() -> bytes:
            return _opened(client, url, keys, token)

        record = open_link_record(keys.record, url.link_id, url.pin, open_it())
        _judge(record, seen.seq(url.link_id, url.pin), now_ms)
        seen.raise_seq(url.link_id, url.pin, record.seq)
        return Visit(client, url.link_id, record.entry, open_it)
    except BaseException:
        client.close()
        raise


def _visit_token(url: LinkUrl, seen: SeenLinks, now_ms: int) -> bytes:
    """Give the token of the visit under way, or draw one; it is kept before the server hears of it."""
    since_ms = now_ms - _GOES_ON_MS
    token = seen.visit(url.link_id, url.pin, since_ms)
    if token is None:
        token = _letters(randomness.random_bytes(_TOKEN_BYTES)).encode()
        seen.begin_visit(url.link_id, url.pin, token, now_ms, since_ms)
    return token


def _opened(client: ServerClient, url: LinkUrl, keys: LinkKeys, token: bytes) -> bytes:
    """Open the link at the server: give its record, unverified."""
    try:
        return client.open_link(url.link_id, f"{_letters(keys.auth)} {token.decode()}")
    except NotLoggedInError as error:
        if url.has_password:
            raise NotLoggedInError("the password of this link is wrong", "ask who shared it, and try again") from error
        raise NotLoggedInError("this link does not open: some of its letters are wrong", "copy it again") from error
    except MissingItemError as error:
        raise MissingItemError(_ENDED.get(str(error.details.get("code")), _GONE), "ask who shared it") from error


_GONE: Final = "there is no such link here"
_ENDED: Final = {
    "link_revoked": "this link does not work any more: it was revoked, or what it names was removed",
    "link_expired": "this link has expired",
    "link_exhausted": "this link has been opened as often as it may be",
}


def _judge(record: LinkRecord, seen_seq: int, now_ms: int) -> None:
    """Refuse what has expired, and what is older than was seen. Raises MissingItemError, RollbackError."""
    if record.expires_ms and record.expires_ms <= now_ms:
        raise MissingItemError(_ENDED["link_expired"], "ask who shared it")
    if record.seq < seen_seq:
        raise RollbackError(
            f"the server shows an older state of this link ({record.seq}) than this device has seen ({seen_seq})",
            "nothing was fetched; ask who shared it",
            {"seen_seq": seen_seq, "shown_seq": record.seq},
        )


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
