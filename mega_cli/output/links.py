"""How links are written: a line of a table for people, an object for programs, a square of blocks for a phone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mega_cli.output.table import columns
from mega_cli.output.units import moment_text, rfc3339, short_size_text
from mega_cli.share.links import LinkState
from mega_cli.share.shares import Kept

SHOWN_ID: Final = 8
"""Digits of an id in a table: a few links never begin alike in so many."""
_NS_A_MS: Final = 1_000_000


def state_of(state: LinkState, now_ms: int) -> str:
    """Say in one word what becomes of somebody who opens a link now."""
    info, share = state.info, state.kept.share
    if info is None:
        return "unposted"
    if info.is_revoked:
        return "revoked"
    if info.is_disabled:
        return "disabled"
    if state.path is None:
        return "gone"
    if share.expires_ms and share.expires_ms <= now_ms:
        return "expired"
    if share.most_opened and info.opened >= share.most_opened:
        return "used-up"
    return "enabled" if info.is_enabled else "stopped"


def link_table(states: Sequence[LinkState], urls: Sequence[str], now_ms: int) -> Iterator[str]:
    """Write a heading and a line for each link, if there is any; `urls` is empty, or has one for each."""
    if not states:
        return
    heading = ["id", "state", "kind", "opened", "fetched", "last opened", "expires", "path", "note"]
    rows = [heading, *(_row(state, now_ms) for state in states)]
    lines = columns(rows)
    yield lines[0]
    for number, line in enumerate(lines[1:]):
        yield line
        if urls:
            yield f"    {urls[number]}"


def _row(state: LinkState, now_ms: int) -> list[str]:
    share, info = state.kept.share, state.info
    opened = "0" if info is None else str(info.opened)
    return [
        state.kept.link_id.hex()[:SHOWN_ID],
        state_of(state, now_ms),
        ("live" if share.is_live else "frozen") + (", password" if share.has_password else ""),
        f"{opened} of {share.most_opened}" if share.most_opened else opened,
        short_size_text(0 if info is None else info.fetched_bytes),
        "-" if info is None or not info.last_opened_ms else moment_text(info.last_opened_ms * _NS_A_MS),
        moment_text(share.expires_ms * _NS_A_MS) if share.expires_ms else "never",
        state.path or share.path,
        share.note,
    ]


def link_fields(state: LinkState, url: str | None, now_ms: int) -> Mapping[str, object]:
    """Build the JSON object of a link; `url` is null unless it was asked for, because it opens the link."""
    info = state.info
    last_ms = 0 if info is None else info.last_opened_ms
    return {
        **kept_fields(state.kept, url),
        "state": state_of(state, now_ms),
        "opened": 0 if info is None else info.opened,
        "fetched_bytes": 0 if info is None else info.fetched_bytes,
        "last_opened": rfc3339(last_ms * _NS_A_MS) if last_ms else None,
        "last_opened_ms": last_ms,
        "path": state.path or state.kept.share.path,
    }


def kept_fields(kept: Kept, url: str | None) -> Mapping[str, object]:
    """Build the JSON object of a link that was just made: what its owner has decided."""
    share = kept.share
    return {
        "id": kept.link_id.hex(),
        "url": url,
        "path": share.path,
        "is_live": share.is_live,
        "has_password": share.has_password,
        "expires": rfc3339(share.expires_ms * _NS_A_MS) if share.expires_ms else None,
        "expires_ms": share.expires_ms,
        "max_downloads": share.most_opened,
        "note": share.note,
        "created": rfc3339(share.created_ms * _NS_A_MS),
        "created_ms": share.created_ms,
    }


def draw_qr(url: str) -> None:
    """Draw a URL on stderr, so that stdout stays the bare URL."""
    import segno  # noqa: PLC0415 -- 20 ms that only --qr pays

    segno.make(url, error="l").terminal(out=sys.stderr, compact=True)
