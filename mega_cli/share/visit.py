"""Visit a link, one's own or another's, without an account: open it, verify what it shows, read below it.

Nothing of the visit is trusted before it has verified: the record by the key that the URL pins, everything below by the
refs it holds. A server cannot take a device back to an older record than it has seen (exit 15).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Self

from mega_cli.api import operations
from mega_cli.api.client import ServerClient
from mega_cli.crypto import randomness
from mega_cli.crypto.links import LinkKeys, link_keys, with_password
from mega_cli.errors import MissingItemError, NotLoggedInError, RollbackError
from mega_cli.formats.link import LinkRecord, LinkUrl, open_link_record, parse_link
from mega_cli.formats.page import FOLDER, Entry
from mega_cli.model import BlobId, Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.depth import allow_depth
from mega_cli.volume.pagestore import BlobCache, OpenedPages
from mega_cli.volume.pagetree import PageReader
from mega_cli.volume.peek import NoCache
from mega_cli.volume.tree import folder_ref

_TOKEN_BYTES = 32


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
    return text.lower().startswith(("https://", "http://"))


class Visit:
    """An opened link: a `Source` of what it names. Close it when done."""

    def __init__(self, client: ServerClient, link_id: bytes, entry: Entry, cache: BlobCache | None = None) -> None:
        self._client = client
        self._link_id = link_id
        self._cache = cache or NoCache()
        self.entry = entry
        self.pages = self.more_pages()
        allow_depth()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def more_pages(self) -> OpenedPages:
        """Open another store of pages, for another thread."""
        return OpenedPages(self.fetch, self._cache)

    def fetch(self, ids: Sequence[BlobId]) -> Generator[tuple[BlobId, bytes], None, None]:
        """Stream blobs in the order asked, unverified."""
        return self._client.fetch(lambda part: operations.link_blobs(self._link_id, part), ids)

    def find(self, path: RemotePath) -> tuple[RemotePath, Entry]:
        """Find what stands at `path` below the link, and the path it is called by. Raises MissingItemError."""
        called, entry = RemotePath((self.entry.name,)), self.entry
        for name in path.parts:
            below = PageReader(self.pages, folder_ref(entry)).lookup(name) if entry.kind == FOLDER else None
            if below is None:
                raise MissingItemError(f"there is no {path} in this link", "to see what is there: mega ls LINK")
            called, entry = called.child(name), below
        return called, entry


def visit(
    url: LinkUrl,
    connect: Callable[[str, Secret], ServerClient],
    ask_password: Callable[[], Secret],
    *,
    seen_seq: int = 0,
    now_ms: int,
) -> tuple[Visit, int]:
    """Open a link and verify what it shows; give the visit and its `seq`, which the caller remembers.

    `connect` makes a client for an address and the visit's token; `ask_password` is called when one is needed.
    Raises UntrustedKeyError, IntegrityError, RollbackError for an older record than `seen_seq`, MissingItemError for a
    link that is gone, expired or used up, NotLoggedInError for a wrong password.
    """
    secret = with_password(url.secret, url.link_id, ask_password()) if url.has_password else url.secret
    keys = link_keys(secret, url.link_id)
    token = Secret(_letters(randomness.random_bytes(_TOKEN_BYTES)).encode())
    client = connect(url.base, token)
    try:
        record = open_link_record(keys.record, url.link_id, url.pin, _opened(client, url, keys, token))
        _judge(record, seen_seq, now_ms)
        return Visit(client, url.link_id, record.entry), record.seq
    except BaseException:
        client.close()
        raise


def _opened(client: ServerClient, url: LinkUrl, keys: LinkKeys, token: Secret) -> bytes:
    try:
        return client.open_link(url.link_id, f"{_letters(keys.auth)} {token.reveal().decode()}")
    except NotLoggedInError as error:
        which = "the password is wrong, or the link is" if url.has_password else "the link does not open: it is changed"
        raise NotLoggedInError(which, "copy the link again, whole") from error


def _judge(record: LinkRecord, seen_seq: int, now_ms: int) -> None:
    """Refuse what has expired, and what is older than was seen. Raises MissingItemError, RollbackError."""
    if record.expires_ms and record.expires_ms <= now_ms:
        raise MissingItemError("this link has expired", "ask for a new one")
    if record.seq < seen_seq:
        raise RollbackError(
            f"the server shows an older state of this link ({record.seq}) than this device has seen ({seen_seq})",
            "nothing was fetched; ask who shared it",
        )


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
