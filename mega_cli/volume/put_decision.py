"""What a put does with one file, link or folder: pure decisions over what the disk, the remote and the index say.

    on the disk      in the remote                     index row            → verdict
    anything         folder over file, file over folder  -                  → CLASH
    file             same digest as the row            clean                → SAME, or DESCRIBE when mode or time differ
    file             nothing, or another digest        clean, no list       → REUSE the row's refs
    file             anything                          none, stale or racy  → READ
    link             same target                       -                    → SAME, or DESCRIBE
    link             anything else                     -                    → WRITE
    folder           folder                            -                    → SAME, or DESCRIBE
    folder           nothing                           -                    → WRITE

Small data is never looked up by content (crypto.md 3): its refs are reused only for the same source path.
"""

from __future__ import annotations

from enum import Enum

from mega_cli.formats.page import EXT_RAW_NAME, FILE, FOLDER, LINK, TARGET_MOST_CHARS, Entry
from mega_cli.localfs.racy import is_unchanged
from mega_cli.localfs.scan import ScannedEntry
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.model import LIST
from mega_cli.state.index import SourceRow
from mega_cli.volume.content import Content

_REF_KIND_AT = 64
TIME_MOST_NS = 2**63 - 1
"""What an entry's mtime can say."""


class Verdict(Enum):
    """What to do with one item."""

    CLASH = "a folder and a file cannot replace each other"
    SAME = "nothing to do"
    DESCRIBE = "the content is the same, mode or time are not"
    REUSE = "the refs that the local index remembers serve again"
    READ = "the content must be read"
    WRITE = "a link or folder without content to read"


def decide(item: ScannedEntry, existing: Entry | None, row: SourceRow | None) -> Verdict:
    """Decide for an item without a problem; the table is above."""
    if existing is not None and (existing.kind == FOLDER) != (item.kind == FOLDER):
        return Verdict.CLASH
    if item.kind != FILE:
        same = existing is not None and existing.kind == item.kind and existing.target == item.target
        if same and existing is not None:
            return Verdict.SAME if is_described(item, existing) else Verdict.DESCRIBE
        return Verdict.WRITE
    if row is None or not is_unchanged(item.stat, StatPrint(*row.stat), row_is_racy=row.is_racy):
        return Verdict.READ
    if existing is not None and existing.kind == FILE and existing.digest == row.digest:
        return Verdict.SAME if is_described(item, existing) else Verdict.DESCRIBE
    names_list = row.refs[_REF_KIND_AT : _REF_KIND_AT + 1] == bytes([LIST])
    return Verdict.READ if names_list else Verdict.REUSE


def problem_of(item: ScannedEntry) -> str:
    """Say why no page can hold this item, or give an empty text."""
    if len(item.target) > TARGET_MOST_CHARS:
        return f"the link's target is longer than {TARGET_MOST_CHARS} characters"
    if abs(item.stat.mtime_ns) > TIME_MOST_NS:
        return "its time is further from 1970 than 292 years"
    return item.problem


def is_described(item: ScannedEntry, existing: Entry) -> bool:
    """Say whether the remote entry has the item's mode, time and exact name."""
    return (
        existing.mode == item.stat.mode
        and existing.mtime_ns == item.stat.mtime_ns
        and existing.ext.get(EXT_RAW_NAME, b"") == item.raw_name
    )


def described(item: ScannedEntry, existing: Entry, revision: int) -> Entry:
    """Give the remote entry the item's mode, time and exact name."""
    return existing.replace(
        mode=item.stat.mode, mtime_ns=item.stat.mtime_ns, changed_in=revision, ext=_ext(item, existing)
    )


def written(item: ScannedEntry, content: Content | None, node_id: bytes, revision: int) -> Entry:
    """Make the entry of a new or changed item; `content` is None for links and folders."""
    return Entry(
        name=item.name,
        node_id=node_id,
        kind=item.kind,
        size=content.size if content else 0,
        mtime_ns=item.stat.mtime_ns,
        mode=item.stat.mode,
        digest=content.digest if content else b"",
        refs=content.refs if content else b"",
        target=item.target if item.kind == LINK else "",
        changed_in=revision,
        ext={EXT_RAW_NAME: item.raw_name} if item.raw_name else {},
    )


def _ext(item: ScannedEntry, existing: Entry) -> dict[int, bytes]:
    ext = {key: value for key, value in existing.ext.items() if key != EXT_RAW_NAME}
    return {EXT_RAW_NAME: item.raw_name, **ext} if item.raw_name else ext
