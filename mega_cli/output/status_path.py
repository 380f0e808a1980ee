"""How one path in a synced folder stands, in a word and its code: the short brother of `why.py`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mega_cli.daemon.status import PairStatus
from mega_cli.errors import SomeItemsFailedError, WaitsForUserError
from mega_cli.output.why import remedy_text
from mega_cli.sync.why import Status, Why

_MOVING: Final = {"up": "uploading", "down": "downloading"}
_WITH_REASON: Final = (Status.STALLED, Status.BLOCKED)


def path_word(answer: Why, status: PairStatus | None) -> str:
    """Write the state of a path; what is pending moves while a daemon carries out its plan."""
    if answer.status is Status.PENDING and status is not None and status.state == "syncing":
        return _MOVING.get(answer.goes, str(answer.status))
    if answer.status in _WITH_REASON and answer.reason is not None:
        return f"{answer.status}:{answer.reason}"
    return str(answer.status)


def path_lines(answer: Why, status: PairStatus | None) -> list[str]:
    """Write the path and its state, and what is to be done."""
    lines = [f"{answer.path}: {path_word(answer, status)}"]
    remedy = "" if answer.status is Status.PENDING and status is not None else remedy_text(answer)
    return [*lines, f"to do: {remedy}"] if remedy else lines


def path_code(answer: Why) -> int:
    """Give the exit code: 6 for what waits for the user, 3 for what stands still."""
    if answer.status in (Status.HELD, Status.CONFLICT):
        return WaitsForUserError.exit_code
    return SomeItemsFailedError.exit_code if answer.status in _WITH_REASON else 0


def path_fields(answer: Why, status: PairStatus | None) -> Mapping[str, object]:
    """Build the object of a path."""
    return {
        "pair": answer.pair.id,
        "path": answer.path,
        "state": path_word(answer, status),
        "detail": answer.detail,
    }
