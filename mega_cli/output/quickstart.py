"""What `mega quickstart` says: the account, the listing, the proof, and what to try next.

Every command it suggests works as printed, with the real path of this program and the folders it uses.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from mega_cli.errors import MegaError, SomeItemsFailedError
from mega_cli.localfs.compare import Comparison
from mega_cli.output.console import Console
from mega_cli.output.summary import transfer_fields, transfer_sentence
from mega_cli.output.sync import notice_line, summary_sentence
from mega_cli.output.units import counted, size_text
from mega_cli.paths.remote import RemotePath
from mega_cli.sync.run_report import RunReport
from mega_cli.volume.requests import Listed, Problem, PutSummary


def program_words() -> list[str]:
    """Give the words that call this very program from anywhere."""
    called = Path(sys.argv[0])
    if called.name != "mega":
        return [sys.executable, "-m", "mega_cli"]
    found = shutil.which("mega")
    return ["mega"] if found and Path(found).resolve() == called.resolve() else [str(called.absolute())]


def report_entered(
    console: Console, server_url: str, account: str, *, is_new: bool, password: str, kit_path: Path | None
) -> None:
    """Say which account is used; a generated password is shown here and never again."""
    lines = [f"server   {server_url}", f"account  {account} ({'new' if is_new else 'the same as before'})"]
    if password:
        lines.append(f"password {password}   (generated, shown this once: write it down)")
    if kit_path:
        lines.append(f"kit      {kit_path}   (recovery kit: print it, then keep it off this device)")
    fields = {"server": server_url, "account": account, "is_new": is_new}
    fields |= {"password": password} if password else {}
    fields |= {"recovery_kit": str(kit_path)} if kit_path else {}
    _say(console, "entered", fields, lines)


def report_stored(console: Console, summary: PutSummary, skipped_bytes: int) -> None:
    """Say what was uploaded and what needed no upload."""
    lines = [f"stored   {transfer_sentence(summary, skipped_bytes, is_dry_run=False)}"]
    _say(console, "stored", transfer_fields(summary, skipped_bytes, is_dry_run=False), lines)


def report_listing(console: Console, stored: RemotePath, first: Sequence[Listed], more: int) -> None:
    """List the first items and count the others."""
    lines = [f"listing  {stored}"]
    lines += [f"         {entry.path}{'/' if entry.kind == 'd' else ''}" for entry in first]
    lines += [f"         … and {counted(more, 'item')} more"] if more else []
    _say(console, "listed", {"path": str(stored), "items": [entry.path for entry in first], "more": more}, lines)


def report_round_trip(
    console: Console, problems: Sequence[Problem], found: Comparison, listed: Collection[tuple[str, str]]
) -> SomeItemsFailedError | None:
    """Say what was compared, and every difference; give the error to end with when there is one."""
    for problem in problems:
        if (problem.path, problem.message) not in listed:
            console.problem(problem.path, problem.message)
    for path, difference in found.differences:
        console.problem(path, f"the fetched copy {difference}")
    what = ", ".join((counted(found.files, "file"), counted(found.folders, "folder"), counted(found.links, "link")))
    verdict = "equal in content, modes, links and nanosecond times"
    if found.differences:
        verdict = f"{counted(len(found.differences), 'difference')}, listed above"
    lines = [f"fetched  {what}, {size_text(found.content_bytes)}: {verdict}"]
    if found.only_in_copy:
        lines.append(f"         {counted(found.only_in_copy, 'item')} stored before, gone from the folder since")
    fields = {"files": found.files, "folders": found.folders, "links": found.links}
    fields |= {"content_bytes": found.content_bytes, "differences": len(found.differences)}
    _say(console, "compared", fields, lines)
    failed = len(problems) + len(found.differences)
    if not failed:
        return None
    message = f"{counted(failed, 'item')} failed, listed above"
    return SomeItemsFailedError(message, "everything else is stored; mend what is listed and run it again")


def report_mirrored(console: Console, report: RunReport) -> bool:
    """Say how the folder and its copy stand, and what waits for the user; gives True, for they are mirrored."""
    lines = [f"mirrored {report.pair.local} and {report.pair.remote}: {summary_sentence(report)}"]
    lines += [f"         {notice_line(notice)}" for notice in report.notices]
    lines += ["         to see what waits for you: mega held"] if report.holds else []
    lines += ["         to see what stands still: mega syncs ls -v"] if report.stalls or report.failures else []
    fields = {"local": str(report.pair.local), "remote": str(report.pair.remote), "pair": report.pair.id}
    _say(console, "mirrored", {**fields, "is_up_to_date": report.is_up_to_date}, lines)
    return True


def report_unmirrored(console: Console, error: MegaError) -> bool:
    """Say why the folder is stored and not mirrored; gives False."""
    lines = [f"mirrored not: {error.message}", f"         {error.hint}"]
    _say(console, "mirrored", {"is_up_to_date": False, "message": error.message, "hint": error.hint}, lines)
    return False


def suggest_next(console: Console, stored: RemotePath, start_words: Sequence[str]) -> None:
    """Print commands to try; `start_words` first when the server has to be started again."""
    home = os.environ.get("MEGA_HOME")
    prefix = f"MEGA_HOME={shlex.quote(str(Path(home).expanduser().absolute()))} " if home else ""
    program = prefix + shlex.join(program_words())
    path = shlex.quote(str(stored))
    commands = [f"{shlex.join(start_words)} &"] if start_words else []
    commands += [
        f"{program} {words}"
        for words in (
            f"ls -l {path}",
            f"get {path} {shlex.quote(str(Path('~/from-mega').expanduser()))}",
            "put - /notes.txt < /etc/hosts",
            "cat /notes.txt",
            "status",
            "whoami",
            "state",
        )
    ]
    _say(console, "suggested", {"commands": commands}, ["", "try next:", *(f"  {command}" for command in commands)])


def _say(console: Console, action: str, fields: Mapping[str, object], lines: Iterable[str]) -> None:
    """Write one step: lines for people, one document for programs."""
    if console.is_json:
        console.document({"message_type": "verbose", "action": action, **fields})
    else:
        console.result(lines)
        sys.stdout.flush()
