"""What sync did, waits for and stands still at, in words: lines for people, fields for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mega_cli.output.units import counted, rfc3339, size_text
from mega_cli.reconcile.actions import Event, Notice, Side
from mega_cli.reconcile.situation import Mode, Reason
from mega_cli.state.sync_state import HoldRow
from mega_cli.sync.decisions import Conflict, Held
from mega_cli.sync.marker import Verdict
from mega_cli.sync.run_report import RunReport
from mega_cli.sync.story import Deed, Told

_HERE: Final = {Side.LOCAL: "here", Side.REMOTE: "there"}
_VERBS: Final = {
    Deed.UPLOAD: "upload",
    Deed.DOWNLOAD: "download",
    Deed.FOLDER: "folder",
    Deed.LINK: "link",
    Deed.MOVE: "rename",
    Deed.DESCRIBE: "describe",
    Deed.TRASH: "to trash",
}
_WIDTH: Final = 8
_SHOWN_PATHS: Final = 3

REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.FILE_CHANGING: ("it is being written to", "nothing to do: a later run takes it, when it rests"),
    Reason.FILE_IN_USE: ("another program holds it open", "close it there, and run again"),
    Reason.UNREADABLE: ("it cannot be read here", "see its permissions and its disk, and run again"),
    Reason.NAME_CLASH: (
        "this disk takes its name and another's, which differ in case or accents alone, for one",
        "rename one of the two",
    ),
    Reason.NAME_ILLEGAL: ("its name cannot be kept on both sides", "rename it: here, or in the volume with mega mv"),
    Reason.NAME_TOO_LONG: ("its name or path is too long for this disk", "shorten it elsewhere, such as with mega mv"),
    Reason.LINKS_UNSUPPORTED: ("this disk holds no symbolic links", "nothing to do: it stays in the volume"),
    Reason.TOO_DEEP: ("it lies deeper than sync goes", "move it up"),
    Reason.DIR_NOT_EMPTY: (
        "the folder was deleted elsewhere, and something in it is not synced",
        "move away or remove what is left in it",
    ),
    Reason.NO_SPACE: ("the disk is nearly full", "make room, and run again"),
    Reason.QUOTA: ("the account's quota is reached", "make room: mega df shows what is used; mega trash empty"),
    Reason.BAD_BLOB: (
        "the server sent content of it that does not verify",
        "put it again from a device that has it; tell the server's administrator",
    ),
    Reason.IGNORE_MALFORMED: ("the .megaignore in it cannot be used", "mend that file; it is gitignore's syntax"),
    Reason.SPECIAL_FILE: ("it is no file, folder or link, such as a socket", "remove it, or name it in .megaignore"),
    Reason.NESTED_MOUNT: ("another disk is mounted there", "sync that disk by itself, or unmount it"),
    Reason.EXCLUDED: ("it is ignored here", "nothing to do: each side keeps what it has"),
    Reason.GHOST: (
        "it is only here, and the volume once deleted the same content",
        "to keep it: mega put it there; otherwise remove it here",
    ),
    Reason.HELD: ("it waits for a held deletion", "mega held"),
    Reason.FAILED: ("the last try failed", "run again; if it stays, mega doctor"),
}
"""Why something stands still, and what to do."""

_EVENTS: Final[Mapping[Event, str]] = {
    Event.CONFLICT_COPY: "conflict: {other} was changed here and elsewhere; yours is now “{path}”",
    Event.EDIT_BEATS_DELETE: "kept: {path} was changed on one side and deleted on the other; it stays",
    Event.MOVE_BEATS_DELETE: "kept: {path} was moved on one side and deleted on the other; it stays",
    Event.CHILD_KEEPS_FOLDER: "kept: the folder {path} was deleted on one side, but something new lies in it",
    Event.MOVE_UNDONE: "moved twice: {path} was moved here and elsewhere; it lies where the other put it",
    Event.RENAMED_APART: "renamed: two things were called {other}; one is now “{path}”",
    Event.TOOK_REMOTE_VERSION: "updated: {path} was an older version here; the newer one is taken",
}

VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.FIRST: "the first run joins both sides and deletes nothing",
    Verdict.TAKEN_OVER: "the folder was synced before; both sides are joined, and nothing is deleted",
    Verdict.ASKED: "as asked, both sides are joined, and nothing is deleted",
    Verdict.STATE_LOST: "what was synced last is not known any more; both sides are joined, and nothing is deleted",
    Verdict.FOLDER_OLD: "the folder comes from an older copy; both sides are joined, and nothing is deleted",
    Verdict.STATE_OLD: "mega's own state comes from an older copy; both sides are joined, and nothing is deleted",
    Verdict.FOLDER_COPIED: "the folder is a copy of the one synced last; both sides are joined, and nothing is deleted",
}
"""Why a run began anew."""

MIRRORED: Final[Mapping[Mode, str]] = {
    Mode.MIRROR_UP: "the remote folder becomes what this one is; what only the remote one has goes to its trash",
    Mode.MIRROR_DOWN: "this folder becomes what the remote one is; what only this one has goes to the local trash",
}
"""What is said instead of a verdict: a mirror joins nothing."""


def deed_line(told: Told) -> str:
    """Write one line of a plan.

    >>> deed_line(Told(Deed.UPLOAD, Side.REMOTE, "notes.txt"))
    'upload    notes.txt'
    >>> deed_line(Told(Deed.MOVE, Side.LOCAL, "b", "a"))
    'rename    a → b (here)'
    """
    what = f"{told.other} → {told.path}" if told.other else told.path
    where = "" if told.deed in (Deed.UPLOAD, Deed.DOWNLOAD) else f" ({_HERE[told.side]})"
    return f"{_VERBS[told.deed]:<{_WIDTH}}  {what}{where}"


def notice_line(notice: Notice) -> str:
    """Write what the user should hear of."""
    return _EVENTS[notice.event].format(path="/".join(notice.path), other="/".join(notice.other))


def reason_text(reason: Reason) -> str:
    """Write why something stands still, and what to do."""
    why, remedy = REASONS[reason]
    return f"{why}; {remedy}"


def hold_line(hold: HoldRow) -> str:
    """Write which deletions wait."""
    where = "on this disk" if hold.side == Side.LOCAL else "in the volume"
    count = counted(hold.files, "file") if hold.files else counted(len(hold.ids), "folder")
    paths = [*hold.paths[:_SHOWN_PATHS], *(["…"] if hold.files > min(len(hold.paths), _SHOWN_PATHS) else [])]
    return f"{hold.name}: {count} would be deleted {where}" + (f": {', '.join(paths)}" if paths else "")


def summary_sentence(report: RunReport) -> str:
    """Write what the run did, and how it stands.

    A dry run says what would be done.
    """
    if report.is_dry_run:
        counts = _counts(report)
        return f"dry run: {', '.join(counts) or 'nothing would be done'}; nothing was changed"
    done = []
    if report.total("uploaded"):
        done.append(f"{counted(report.total('uploaded'), 'file')} uploaded ({size_text(report.total('sent_bytes'))})")
    if report.total("downloaded"):
        received = size_text(report.total("received_bytes"))
        done.append(f"{counted(report.total('downloaded'), 'file')} downloaded ({received})")
    here = report.total("local_changes") - report.total("downloaded")
    there = report.total("remote_changes") - report.total("uploaded")
    done += [f"{counted(here, 'other change')} here"] if here > 0 else []
    done += [f"{counted(there, 'other change')} there"] if there > 0 else []
    stands = [_standing(report)] if not report.is_up_to_date else ["up to date"]
    return "; ".join([", ".join(done) or "nothing to do", *stands])


def _counts(report: RunReport) -> list[str]:
    """Count the lines of a plan by what they do."""
    tally: dict[Deed, int] = {}
    for told in report.told:
        tally[told.deed] = tally.get(told.deed, 0) + 1
    nouns = {
        Deed.UPLOAD: "upload",
        Deed.DOWNLOAD: "download",
        Deed.FOLDER: "new folder",
        Deed.LINK: "link",
        Deed.MOVE: "rename",
        Deed.DESCRIBE: "attribute change",
        Deed.TRASH: "deletion",
    }
    return [counted(tally[deed], noun) for deed, noun in nouns.items() if deed in tally]


def _standing(report: RunReport) -> str:
    parts = []
    if report.holds:
        parts.append(f"{counted(sum(hold.files or len(hold.ids) for hold in report.holds), 'deletion')} held")
    if report.stalls:
        parts.append(f"{len(report.stalls):,} standing still")
    if report.failures:
        parts.append(f"{len(report.failures):,} failed")
    return ", ".join(parts) or "not up to date yet"


# --- fields for programs


def deed_fields(told: Told) -> Mapping[str, object]:
    """Build a `verbose` document."""
    return {
        "message_type": "verbose",
        "action": str(told.deed),
        "side": str(told.side),
        "item": told.path,
        "other": told.other,
    }


def notice_fields(notice: Notice) -> Mapping[str, object]:
    """Build a `verbose` document; it is printed without -v as well."""
    return {
        "message_type": "verbose",
        "action": str(notice.event),
        "side": "",
        "item": "/".join(notice.path),
        "other": "/".join(notice.other),
    }


def hold_fields(hold: HoldRow) -> Mapping[str, object]:
    """Build the object of held deletions."""
    return {
        "name": hold.name,
        "side": hold.side,
        "files": hold.files,
        "items": len(hold.ids),
        "paths": list(hold.paths),
        "since": rfc3339(hold.since_ns),
        "since_ns": hold.since_ns,
    }


def held_fields(held: Held) -> Mapping[str, object]:
    """Build the object of held deletions, with their pair."""
    return {"pair": held.pair.id, "local": str(held.pair.local), **hold_fields(held.row)}


def conflict_fields(conflict: Conflict) -> Mapping[str, object]:
    """Build the object of a conflict copy; the paths are those of now, `path` null when the other version is gone."""
    return {
        "pair": conflict.pair.id,
        "path": None if conflict.path is None else str(conflict.path),
        "copy": str(conflict.copy),
        "made": rfc3339(conflict.row.at_ns),
        "made_ns": conflict.row.at_ns,
    }


def run_fields(report: RunReport) -> Mapping[str, object]:
    """Build the `summary` document."""
    figures = ("uploaded", "downloaded", "sent_bytes", "received_bytes", "commits", "local_changes", "remote_changes")
    return {
        "message_type": "summary",
        "pair": report.pair.id,
        "start": str(report.verdict),
        "is_up_to_date": report.is_up_to_date,
        "cycles": len(report.cycles),
        **{figure: report.total(figure) for figure in figures},
        "conflicts": sum(notice.event is Event.CONFLICT_COPY for notice in report.notices),
        "stalled": len(report.stalls),
        "failed": len(report.failures),
        "absent": len(report.absent),
        "held": [hold_fields(hold) for hold in report.holds],
        "dry_run": report.is_dry_run,
    }
