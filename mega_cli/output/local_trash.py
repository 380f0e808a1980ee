"""What `mega trash --local` prints: what sync took away on this disk, and where it is brought back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mega_cli.daemon.client import borrowed
from mega_cli.errors import MegaError, SomeItemsFailedError
from mega_cli.output.console import Console
from mega_cli.output.listing import KIND_NAMES
from mega_cli.output.units import counted, moment_text, rfc3339
from mega_cli.sync.decisions import InTrash, chosen_trash, list_trash, restore
from mega_cli.system.directories import Home


def list_local(console: Console, home: Home, size_text: Callable[[int], str] | None) -> None:
    """List the local trash: id and former path; with `size_text` also when it went there, and its size."""
    found = list_trash(home)
    if console.is_json:
        console.listing({}, "entries", map(_fields, found))
        return
    for one in found:
        facts = ""
        if size_text is not None:
            facts = f"{size_text(one.row.node.size):>12}  {moment_text(one.row.at_ns)}  "
        console.result(f"{one.name}  {facts}{one.pair.local / one.row.path}")


def restore_local(
    console: Console, home: Home, words: Iterable[str], destination: str | None, *, is_dry_run: bool
) -> None:
    """Bring things back, one by one. Raises SomeItemsFailedError."""
    restored: list[str] = []
    problems = 0
    for word in words:
        try:
            if is_dry_run:
                chosen = chosen_trash(home, word)
                restored.append(str(destination or chosen.pair.local / chosen.row.path))
            else:
                pair = None if destination else chosen_trash(home, word).pair.id  # a copy elsewhere changes no folder
                with borrowed(home, pair):
                    restored.append(str(restore(home, word, None if destination is None else Path(destination))))
        except MegaError as error:
            problems += 1
            console.problem(word, error.message)
    if console.is_json:
        fields = {"restored": restored, "problems": problems, "revision": None, "dry_run": is_dry_run}
        console.document({"message_type": "summary", **fields})
    else:
        console.result(restored)
    if problems:
        message = f"{counted(problems, 'item')} could not be restored, listed above"
        raise SomeItemsFailedError(message, "mega trash ls --local")


def _fields(one: InTrash) -> Mapping[str, object]:
    """Build the JSON object: as that of the volume's trash, and where it lies."""
    return {
        "id": one.name,
        "name": one.file.name,
        "origin": str(one.pair.local / one.row.path),
        "kind": KIND_NAMES[one.row.node.kind],
        "size_bytes": one.row.node.size,
        "removed": rfc3339(one.row.at_ns),
        "removed_ms": one.row.at_ns // 1_000_000,
    }
