"""A daemon without work: it notes what it was told, so that the process and its socket can be tested alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mega_cli.daemon.control import Control
from mega_cli.daemon.presence import listening, only_daemon, read_address
from mega_cli.daemon.status import DaemonStatus, PairStatus
from mega_cli.errors import MissingItemError
from mega_cli.system.directories import Home, find_directories

PAIR = PairStatus(id="4f1c09a7", local="/home/alice/docs", remote="/docs", mode="two-way")


_MOST_S = 60.0
_LOOK_S = 0.02


def home_with_profile(folder: Path) -> Home:
    """Give a home with one profile, and no account behind it."""
    home = Home(find_directories({"MEGA_HOME": str(folder)}), "alice@localhost")
    home.folder.mkdir(parents=True)
    return home


def until(is_so: Callable[[], bool]) -> None:
    """Return when something that another process does has come true. Raises AssertionError after a minute."""
    deadline_s = time.monotonic() + _MOST_S
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come true"
        time.sleep(_LOOK_S)


@dataclass
class FakeWork:
    """Fulfils `Supervised`, and does nothing."""

    told: list[str] = field(default_factory=list)
    lent: list[str] = field(default_factory=list)
    """What is lent now."""
    pair: PairStatus = PAIR
    ends: bool = True
    count: int = 0
    changes: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        """Begin."""
        self.told.append("start")

    def stop(self, timeout_s: float) -> bool:
        """End, or not."""
        self.told.append(f"stop {timeout_s > 0}")
        return self.ends

    def status(self) -> tuple[DaemonStatus, list[PairStatus]]:
        """Show the one pair."""
        return DaemonStatus(pid=1, version="0", profile="alice@localhost", started_ms=0), [self.pair]

    def change(self, **fields: object) -> None:
        """Change the pair's status."""
        with self.changes:
            self.pair = msgspec.structs.replace(self.pair, **fields)
            self._changed()

    def changed(self, seen: int, timeout_s: float) -> int:
        """Wait for a change."""
        with self.changes:
            self.changes.wait_for(lambda: self.count > seen, timeout_s)
            return self.count

    def wake(self, pair: str) -> None:
        """Note it."""
        self._look(pair)
        self.told.append(f"wake {pair}")

    def verify(self, pair: str) -> None:
        """Note it."""
        self._look(pair)
        self.told.append(f"verify {pair}")

    def reload(self) -> None:
        """Note it."""
        self.told.append("reload")

    @contextmanager
    def lend(self, pair: str) -> Iterator[None]:
        """Note what is lent, and that it came back."""
        with self.changes:
            self.lent.append(pair)
            self._changed()
        try:
            yield
        finally:
            with self.changes:
                self.lent.remove(pair)
                self._changed()

    def wait_until_nothing_is_lent(self) -> None:
        """Return when every borrower has gone. Raises AssertionError when one stays."""
        with self.changes:
            assert self.changes.wait_for(lambda: not self.lent, 10), "a pair was not given back"

    def _changed(self) -> None:
        self.count += 1
        self.changes.notify_all()

    def _look(self, pair: str) -> None:
        if pair not in ("", self.pair.id):
            raise MissingItemError(f"no synced folder is {pair!r}", "mega syncs")


@dataclass
class Served:
    """A control socket that answers, without a process around it."""

    home: Home
    work: FakeWork
    control: Control
    stops: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Say where it listens."""
        address = read_address(self.home)
        assert address is not None
        return address.socket


@contextmanager
def served(home: Home, patience_s: float = 10.0) -> Iterator[Served]:
    """Answer at the home's control socket while the block lasts."""
    work, stops = FakeWork(), list[str]()
    with only_daemon(home), listening(home) as listener:
        control = Control(listener, work, lambda: stops.append("stop"), patience_s=patience_s)
        control.start()
        try:
            yield Served(home, work, control, stops)
        finally:
            control.close()
