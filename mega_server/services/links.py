"""Links as their owners manage them, and as an administrator may stop them. The server can open none of them.

A link's `seq` only rises, so that no older record takes the place of a newer one. A revoked link stays as a row without
its record: visitors learn at once that it is gone.
"""

from __future__ import annotations

from mega_server.database import links
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.ids import VOLUME_ID_BYTES, VolumeId
from mega_server.protocol.limits import LINK_RECORD_BYTES, LINKS_PER_ACCOUNT
from mega_server.protocol.messages import LinkInfo, LinkOpening, LinkRequest, LinkUpdate
from mega_server.refusal import RefusedError, not_found, refuse
from mega_server.services.backend import Backend
from mega_server.services.commits import owned

LINK_BYTES = 16
_HASH_BYTES = 32
_NUMBER_MOST = 2**63 - 1
_LOG_MOST = 1_000


def add_link(backend: Backend, account: str, message: LinkRequest) -> bool:
    """Keep a new link; say whether it is new. Raises RefusedError: bad_request, not_found, too_large."""
    _check_numbers(message)
    if (len(message.link), len(message.auth_hash), len(message.volume)) != (LINK_BYTES, _HASH_BYTES, VOLUME_ID_BYTES):
        refuse("a link has an id of 16 bytes, a hash of 32 and a volume of 16")
    values = {
        "link": message.link,
        "account": account,
        "volume": message.volume,
        "auth_hash": message.auth_hash,
        "seq": message.seq,
        "expires": message.expires_ms,
        "most_opened": message.most_opened,
        "record": message.record,
    }
    with backend.database.writing() as connection:
        owned(connection, VolumeId(message.volume), account)
        row = links.link_row(connection, message.link)
        if row is not None:
            if any(row._mapping[name] != value for name, value in values.items()):  # noqa: SLF001 -- SQLAlchemy's public way to a row's columns
                refuse("this link exists, and it is another one")
            return False
        if links.count_links(connection, account) >= LINKS_PER_ACCOUNT:
            raise RefusedError(ErrorCode.TOO_LARGE, f"an account has at most {LINKS_PER_ACCOUNT} links: revoke some")
        links.add_link(connection, values | {"created": backend.clock()})
    return True


def update_link(backend: Backend, account: str, link: bytes, message: LinkUpdate) -> None:
    """Replace a link's record, expiry and limit, and stop it or let it go on.

    Raises RefusedError: bad_request, not_found, link_revoked.
    """
    _check_numbers(message)
    values: dict[str, object] = {"seq": message.seq, "expires": message.expires_ms, "most_opened": message.most_opened}
    if message.record:
        values["record"] = message.record
    with backend.database.writing() as connection:
        row = _own(links.link_row(connection, link), account)
        if not row.record:
            raise RefusedError(ErrorCode.LINK_REVOKED, "this link has been revoked")
        is_same = message.is_enabled == (row.revoked is None)
        if is_same and all(row._mapping[name] == value for name, value in values.items()):  # noqa: SLF001 -- as above
            return
        if message.seq <= row.seq:
            refuse("a newer state of this link is stored")
        links.set_link(connection, link, values | {"revoked": None if message.is_enabled else backend.clock()})


def revoke_link(backend: Backend, account: str, link: bytes) -> None:
    """End a link for ever; one that has ended is fine. Raises RefusedError: not_found."""
    with backend.database.writing() as connection:
        row = _own(links.link_row(connection, link), account)
        if row.record:
            links.set_link(connection, link, {"revoked": backend.clock(), "record": b""})


def own_links(backend: Backend, account: str) -> list[LinkInfo]:
    """List an account's links, newest first."""
    with backend.database.reading() as connection:
        return [_info(row) for row in links.link_rows(connection, account)]


def link_log(backend: Backend, account: str, link: bytes) -> list[LinkOpening]:
    """List when a link was opened in the last 30 days, newest first. Raises RefusedError: not_found."""
    with backend.database.reading() as connection:
        _own(links.link_row(connection, link), account)
        rows = links.openings(connection, link, backend.clock() - links.LOG_KEPT_MS, _LOG_MOST)
    return [LinkOpening(opened_ms=row.opened, fetched_bytes=row.fetched_bytes) for row in rows]


def all_links(backend: Backend) -> list[tuple[str, LinkInfo]]:
    """List every link with its owner's account, for the administrator."""
    with backend.database.reading() as connection:
        return [(row.account, _info(row)) for row in links.link_rows(connection)]


def disable_link(backend: Backend, link: bytes, *, is_disabled: bool) -> None:
    """Stop a link, or let it work again, without any key. Raises RefusedError: not_found."""
    with backend.database.writing() as connection:
        if links.link_row(connection, link) is None:
            raise not_found()
        links.set_link(connection, link, {"disabled": backend.clock() if is_disabled else None})


def _own(row: links.LinkRow | None, account: str) -> links.LinkRow:
    """Tell no one about another's link."""
    if row is None or row.account != account:
        raise not_found()
    return row


def _check_numbers(message: LinkRequest | LinkUpdate) -> None:
    numbers = (message.seq, message.expires_ms, message.most_opened)
    lengths = {LINK_RECORD_BYTES} if isinstance(message, LinkRequest) else {0, LINK_RECORD_BYTES}
    if len(message.record) not in lengths or not all(0 <= number <= _NUMBER_MOST for number in numbers):
        refuse(f"a link's record is {LINK_RECORD_BYTES} bytes, its numbers are not negative")


def _info(row: links.LinkRow) -> LinkInfo:
    return LinkInfo(
        link=row.link,
        seq=row.seq,
        expires_ms=row.expires,
        most_opened=row.most_opened,
        opened=row.opened,
        fetched_bytes=row.fetched_bytes,
        created_ms=row.created,
        last_opened_ms=row.last_opened,
        is_enabled=row.revoked is None,
        is_revoked=not row.record,
        is_disabled=row.disabled is not None,
    )
