"""How far a cycle has come, for the status; and the place where a cycle is cut short when its pair is wanted elsewhere.

It hears the engine, the scanner and the transfers. Cutting short is an exception out of a callback in the worker's own
thread: wherever it strikes, the engine recovers as from a kill.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, final

from mega_cli.daemon.status import PairState
from mega_cli.reconcile.actions import Plan
from mega_cli.reconcile.nodes import Node
from mega_cli.sync.story import moving
from mega_cli.volume.progress import SilentProgress

_APART_S: Final = 0.25
"""Nobody is told more often than so of how far it has come."""
_LEAST_S: Final = 2.0
"""So long a plan is carried out before its pace says anything."""


class CutShort(BaseException):
    """The worker is to let go of its pair. A BaseException, so that nothing takes it for the failure of one item."""


NOTHING: Final = {
    "files_done": 0,
    "files_total": 0,
    "bytes_done": 0,
    "bytes_total": 0,
    "bytes_up_done": 0,
    "bytes_up_total": 0,
    "left_s": -1,
}
"""The fields of a status while no plan is carried out."""


@final
class Display(SilentProgress):
    """One worker's: the engine's `Watch`, and the `Progress` of what it moves. Callbacks come from any thread."""

    def __init__(self, tell: Callable[..., None], wants_out: Callable[[], bool], steady_s: Callable[[], float]) -> None:
        """`tell` takes fields of `PairStatus`; `wants_out` says whether to cut short."""
        self._tell = tell
        self._wants_out = wants_out
        self._steady_s = steady_s
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._told_s = float("-inf")
        self._began_s = 0.0
        self._is_whole = False
        self._folders = self._folders_before = 0
        self._files = self._files_total = 0
        self._bytes = self._bytes_total = self._up_total = 0

    def own(self) -> None:
        """Belong to the calling thread: only there a cycle is cut short."""
        self._owner = threading.get_ident()

    # --- a cycle begins and ends

    def begin(self, *, is_whole: bool) -> None:
        """Hear that a cycle begins."""
        if self._is_whole:
            self._folders_before = self._folders
        self._is_whole = is_whole
        self._folders = self._files = self._files_total = self._bytes = self._bytes_total = self._up_total = 0
        if is_whole:
            self._show("scanning")

    def looked_at(self) -> None:
        """Hear that a folder is about to be listed."""
        self._check()
        self._folders += 1
        if self._is_whole:
            self._later("scanning")

    # --- the engine's watch

    def planned(self, plan: Plan) -> None:
        """Hear what will be done."""
        self._check()
        moved = moving(plan)
        self._files_total, self._bytes_total = moved.files, moved.size_bytes
        self._up_total = moved.up_bytes
        self._began_s = self._steady_s()
        self._show("syncing")

    def sent(self, node: Node) -> None:
        """Hear that a file's content went up."""
        self._file_done(node)

    def received(self, node: Node) -> None:
        """Hear that a file came down and stands in its place."""
        self._file_done(node)

    # --- transfers

    def advance(self, size_bytes: int) -> None:
        """Hear that bytes were moved."""
        self._check()
        with self._lock:
            self._bytes += size_bytes
        self._later("syncing")

    skip = advance

    def waiting(self, reason: str) -> None:
        """Hear that the server is not reached at the moment."""
        self._check()
        self._tell(state="offline", message=reason)

    def _file_done(self, _node: Node) -> None:
        self._check()
        with self._lock:
            self._files += 1
        self._later("syncing")

    def _check(self) -> None:
        if threading.get_ident() == self._owner and self._wants_out():
            raise CutShort

    def _later(self, state: PairState) -> None:
        with self._lock:
            now_s = self._steady_s()
            if now_s - self._told_s < _APART_S:
                return
            self._told_s = now_s
        self._show(state)

    def _show(self, state: PairState) -> None:
        is_scan = state == "scanning"
        done = min(self._bytes, self._bytes_total)
        self._tell(
            state=state,
            message="",
            hint="",
            files_done=self._folders if is_scan else min(self._files, self._files_total),
            files_total=max(self._folders, self._folders_before) if is_scan else self._files_total,
            bytes_done=done,
            bytes_total=self._bytes_total,
            bytes_up_done=max(0, done - (self._bytes_total - self._up_total)),  # what comes down is done first
            bytes_up_total=self._up_total,
            left_s=-1 if is_scan else self._left_s(done),
        )

    def _left_s(self, done: int) -> int:
        took_s = self._steady_s() - self._began_s
        return -1 if took_s < _LEAST_S or not done else round((self._bytes_total - done) * took_s / done)
