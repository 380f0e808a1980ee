"""Which bandwidth limit a run keeps to: its own, until `mega bwlimit` says another while it runs.

A limit that was set before the run began holds only for runs without one of their own. It must never end a transfer:
a file that means nothing counts as none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mega_cli.api.pace import Pace
from mega_cli.api.rates import Rates, Timetable, parse_rates
from mega_cli.errors import UsageError
from mega_cli.state.limit_file import LimitSet, read_limit
from mega_cli.system.directories import Home

NO_LIMIT: Final = Timetable(((0, Rates()),))


def limit_path(home: Home) -> Path:
    """Say where the limit of a profile lies. Raises NotInitialisedError without a profile."""
    return home.folder / "bwlimit"


def open_pace(home: Home, own: Timetable | None) -> Pace:
    """Make the pace of a run whose own limit is `own` (None: it has none)."""
    return Pace(RunLimit(limit_path(home) if home.profile else None, own).rates)


class RunLimit:
    """The limit of one run, looked up whenever its pace asks."""

    def __init__(
        self, path: Path | None, own: Timetable | None, minute_of_week: Callable[[], int] | None = None
    ) -> None:
        """Note what is set as the run begins; `minute_of_week` is the clock."""
        self._path = path
        self._own = own or NO_LIMIT
        self._minute = minute_of_week or local_minute
        self._before = self._read() if own is not None else None
        self._seen: LimitSet | None = None
        self._timetable = self._own

    def rates(self) -> Rates:
        """Give the rates that hold now."""
        found = self._read()
        if found != self._seen:
            self._seen = found
            self._timetable = self._judged(found)
        return self._timetable.at(self._minute())

    def _judged(self, found: LimitSet | None) -> Timetable:
        if found is None or found == self._before:
            return self._own
        try:
            return parse_rates(found.text)
        except UsageError:
            return self._own

    def _read(self) -> LimitSet | None:
        return None if self._path is None else read_limit(self._path)


def local_minute() -> int:
    """Tell the minute of the week by the local clock; 0 is Monday, 0:00."""
    now = time.localtime()
    return (now.tm_wday * 24 + now.tm_hour) * 60 + now.tm_min
