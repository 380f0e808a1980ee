"""Links from a visitor's side: what is opened, what is refused, and how often it counts."""

from __future__ import annotations

from typing import Any

import pytest

from mega_cli.errors import (
    IntegrityError,
    MissingItemError,
    NotLoggedInError,
    PolicyError,
    RollbackError,
    UntrustedKeyError,
    UsageError,
)
from mega_cli.formats.link import LinkRecord, parse_link, seal_link_record
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.share.links import LinkChange, change_link, revoke_links
from mega_cli.share.shares import Kept
from mega_cli.share.visit import is_link, parse_link_address
from mega_cli.volume.browse import find_path, list_path
from mega_cli.volume.get import cat
from mega_cli.volume.progress import SilentProgress
from mega_server.protocol import limits
from tests.unit.share.conftest import PASSWORD, Desk

URL = f"https://cloud.example.org/s/{'A' * 22}#AQ{'A' * 65}"
ONE = RemotePath.parse("/one.txt")


class Sink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.data += data

    def flush(self) -> None:
        """Do nothing."""


def session_path(kept: Kept) -> str:
    """Say where a link is opened."""
    return f"/v1/links/{kept.link_id.hex()}/session"


def shows(desk: Desk, kept: Kept, record: bytes) -> None:
    """Have the server show this record, whatever it stores."""

    def lie(told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "record": record}

    desk.wire.lies[session_path(kept)] = lie


def record_of(desk: Desk, kept: Kept, *, seq: int = 1 << 40, seed: bytes | None = None, link: bytes = b"") -> bytes:
    """Seal a record of the link's target under its right key."""
    entry = find_path(desk.session, RemotePath.parse(kept.share.path)).replace(ext={}, changed_in=0)
    signer = seed or desk.session.keys.link_seed(kept.link_id)
    return seal_link_record(kept.keys.record, link or kept.link_id, signer, LinkRecord(seq, 0, entry))


def test_a_folder_is_read_in_part_and_a_file_whole(desk: Desk) -> None:
    """Below the link, without an account."""
    opened, sink = desk.visit(desk.share("/docs")), Sink()
    cat(opened, ONE, sink, SilentProgress())  # type: ignore[arg-type]  # as much of a stream as is used

    assert [entry.path for entry in list_path(opened, RemotePath())] == ["one.txt", "two.txt"]
    assert sink.data == b"content"
    assert desk.visit(desk.share("/docs/two.txt")).entry.size == 3


def test_what_is_not_below_a_link_is_not_found(desk: Desk) -> None:
    """Neither a name that is not there, nor anything below a file."""
    opened = desk.visit(desk.share("/docs"))

    for path in ("/none", "/one.txt/x"):
        with pytest.raises(MissingItemError):
            opened.entry_at(RemotePath.parse(path))


def test_a_password_opens_and_a_wrong_one_does_not(desk: Desk) -> None:
    """A wrong one is exit 12, and counts no opening."""
    kept = desk.share("/docs", password=PASSWORD, most_opened=1)
    with pytest.raises(NotLoggedInError):
        desk.visit(kept, password=Secret(b"another"))

    assert desk.visit(kept, device="another").entry.name == "docs"


def test_an_address_with_a_wrong_letter_does_not_open(desk: Desk) -> None:
    """Another secret derives another proof: exit 12, with a sentence of its own."""
    url = desk.url(desk.share("/docs"))
    at = url.index("#") + 20
    with pytest.raises(NotLoggedInError, match="letters"):
        desk.visit(url[:at] + ("A" if url[at] != "A" else "B") + url[at + 1 :])


def test_a_link_ends_when_it_expires_by_the_servers_clock_or_ours(desk: Desk) -> None:
    """The record repeats the expiry, so a server that forgets it is not followed."""
    kept = desk.share("/docs", expires_ms=desk.clock() + 1_000)
    desk.visit(kept)
    desk.clock.advance(2)
    with pytest.raises(MissingItemError, match="expired"):
        desk.visit(kept)
    change_link(desk.session, kept.link_id, LinkChange(expires_ms=0), desk.posted)
    entry = find_path(desk.session, RemotePath.parse("/docs")).replace(ext={}, changed_in=0)
    told = LinkRecord(1 << 40, desk.clock() - 1, entry)
    shows(desk, kept, seal_link_record(kept.keys.record, kept.link_id, desk.session.keys.link_seed(kept.link_id), told))

    with pytest.raises(MissingItemError, match="expired"):
        desk.visit(kept)


def test_a_limit_counts_devices_not_runs(desk: Desk) -> None:
    """A device that was cut goes on with its opening; another one comes too late."""
    kept = desk.share("/docs", most_opened=1)
    desk.visit(kept)
    desk.visit(kept)

    with pytest.raises(MissingItemError, match="as often"):
        desk.visit(kept, device="another")


def test_a_visit_of_long_ago_is_not_gone_on_with(desk: Desk) -> None:
    """After six hours an opening counts anew."""
    kept = desk.share("/docs", most_opened=1)
    desk.visit(kept)
    desk.clock.advance(limits.LINK_SESSION_S + 1)

    with pytest.raises(MissingItemError, match="as often"):
        desk.visit(kept)


def test_a_visit_that_lasts_too_long_is_renewed(desk: Desk) -> None:
    """The server forgets a token after six hours; a download goes on, and is the same opening."""
    opened, sink = desk.visit(desk.share("/docs", most_opened=1)), Sink()
    desk.clock.advance(limits.LINK_SESSION_S + 1)

    cat(opened, ONE, sink, SilentProgress())  # type: ignore[arg-type]  # as much of a stream as is used

    assert sink.data == b"content"


def test_a_server_that_always_forgets_ends_the_visit(desk: Desk) -> None:
    """A renewal without progress is not repeated for ever."""
    kept = desk.share("/docs")
    opened = desk.visit(kept)
    opened._client._token = Secret(b"x" * 43)

    with pytest.raises(NotLoggedInError):
        opened.entry_at(ONE)


def test_a_link_that_ends_while_it_is_read_is_gone_not_damaged(desk: Desk) -> None:
    """Exit 4, not 14."""
    kept = desk.share("/docs")
    opened = desk.visit(kept)
    revoke_links(desk.session, [kept.link_id], desk.posted)

    with pytest.raises(MissingItemError):
        opened.entry_at(ONE)


def test_an_older_record_than_was_seen_is_a_rollback(desk: Desk) -> None:
    """Exit 15 on the device that saw the newer one; a device that has not believes it."""
    kept = desk.share("/docs")
    old = record_of(desk, kept, seq=1)
    desk.visit(kept)
    shows(desk, kept, old)

    with pytest.raises(RollbackError):
        desk.visit(kept)
    assert desk.visit(kept, device="another").entry.name == "docs"


def test_another_links_record_is_refused(desk: Desk) -> None:
    """It was sealed for another id: neither moved as it is, nor made for this one by who knows only the other."""
    kept, other = desk.share("/docs"), desk.share("/docs/one.txt")
    for record in (record_of(desk, other), record_of(desk, kept, link=other.link_id)):
        shows(desk, kept, record)
        with pytest.raises(IntegrityError):
            desk.visit(kept)


def test_a_record_signed_by_another_key_is_refused(desk: Desk) -> None:
    """Even one that is sealed with the real secret: exit 16."""
    kept = desk.share("/docs")
    shows(desk, kept, record_of(desk, kept, seed=bytes(range(32))))

    with pytest.raises(UntrustedKeyError):
        desk.visit(kept)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (URL, "/"),
        (f"{URL}:/a b/c", "/a b/c"),
        (f" <{URL}>\n", "/"),
        (f"{URL[:60]}\r\n  {URL[60:]}", "/"),
    ],
)
def test_an_address_is_read_as_people_paste_it(text: str, path: str) -> None:
    """Brackets and broken lines are forgiven, and a path may follow."""
    address = parse_link_address(text)

    assert (address.url, str(address.path)) == (parse_link(URL), path)
    assert is_link(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (URL[:-1], UsageError),
        (URL.partition("#")[0], UsageError),
        (URL.replace("#AQ", "#Ag"), PolicyError),
        (URL.replace("/s/", "/x/"), UsageError),
        (URL.replace("A" * 22, "A" * 21), UsageError),
        ("https://cloud.example.org/", UsageError),
    ],
)
def test_an_address_that_is_cut_or_changed_is_refused(text: str, error: type[Exception]) -> None:
    """Before anything is sent; no message repeats it."""
    with pytest.raises(error) as refused:
        parse_link_address(text)

    assert "AAAA" not in str(refused.value)


def test_a_path_is_no_link() -> None:
    """What `mega ls` has always taken stays a path."""
    assert not any(is_link(word) for word in ("/a", "a", "https", "link:", "/https://x"))
