"""Counts of requests, summed over all workers, in Prometheus's text format. No label holds a name or an id.

The counts lie in memory that the workers share, a row for each. prometheus_client's multiprocess mode keeps sparse
mapped files instead: a full disk would end a worker by SIGBUS, and every reload would leave files behind.
A row has one writer, so there is no lock between processes; a worker that replaces another goes on with a row that is
no longer written to.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.sharedctypes import RawArray
from typing import Final

from mega_server.protocol import routes
from mega_server.protocol.errors import ERROR_KINDS

Route = tuple[str, str]
"""Template and method."""
_STATUSES: Final = (*sorted({200, 201, 204, 304, *(kind.status for kind in ERROR_KINDS.values())}), 0)
"""What a request can end with; 0 stands for any other."""
_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROUTES_MOST: Final = 64
_TOTALS: Final = ("received_bytes", "sent_bytes", "in_flight", "feed_waits")
_GAUGES: Final = {"in_flight": "requests_in_flight", "feed_waits": "feed_waits"}
_DURATIONS: Final = len(_TOTALS) + _ROUTES_MOST * len(_STATUSES)
_PER_ROUTE: Final = len(_BOUNDS_S) + 2
"""The buckets, the one without a bound, and the sum."""
_WIDTH: Final = _DURATIONS + _ROUTES_MOST * _PER_ROUTE


class SharedCounts:
    """The memory of all workers. Made in the main process, before the workers."""

    def __init__(self, workers: int) -> None:
        """Make rows for the workers and as many successors: while a worker is replaced both are alive."""
        self.row_count = 2 * workers
        self.rows = RawArray("d", self.row_count * _WIDTH)
        self._next = multiprocessing.Value(ctypes.c_ulonglong, 0)

    def take_row(self) -> int:
        """Give the next worker its row; nothing is in flight in it yet."""
        with self._next.get_lock():
            row = int(self._next.value) % self.row_count
            self._next.value += 1
        for name in _GAUGES:
            self.rows[row * _WIDTH + _TOTALS.index(name)] = 0
        return row


class Counter:
    """What one worker counts. Safe to share between its threads."""

    def __init__(self, shared: SharedCounts, known: Sequence[Route]) -> None:
        """Take a row. `known` is the same in every worker."""
        assert len(known) < _ROUTES_MOST, "make _ROUTES_MOST larger"
        self._shared = shared
        self._routes = [*known, ("other", "other")]
        self._index = {route: number for number, route in enumerate(self._routes)}
        self._start = shared.take_row() * _WIDTH
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count a request that has come."""
        with self._lock:
            self._shared.rows[self._start + _TOTALS.index("in_flight")] += 1

    def end(self, route: Route, status: int, took_s: float, received_bytes: int, sent_bytes: int) -> None:
        """Count a request that was answered."""
        number = self._index.get(route, len(self._routes) - 1)
        durations = self._start + _DURATIONS + number * _PER_ROUTE
        rows, start = self._shared.rows, self._start
        with self._lock:
            rows[start] += received_bytes
            rows[start + 1] += sent_bytes
            rows[start + 2] -= 1
            rows[start + len(_TOTALS) + number * len(_STATUSES) + _status_index(status)] += 1
            rows[durations + bisect_left(_BOUNDS_S, took_s)] += 1
            rows[durations + _PER_ROUTE - 1] += took_s

    def set_feed_waits(self, count: int) -> None:
        """Say how many requests for the feed wait in this worker."""
        self._shared.rows[self._start + _TOTALS.index("feed_waits")] = count

    def text(self, gauges: Mapping[str, int | None]) -> str:
        """Write everything, summed over the workers, and `gauges` as they are now; those nobody knows are left out."""
        rows = self._shared.rows
        summed = [sum(rows[at::_WIDTH]) for at in range(_WIDTH)]
        lines = [*self._requests(summed), *self._durations(summed)]
        for name, value in zip(_TOTALS, summed, strict=False):
            kind, label = ("gauge", _GAUGES[name]) if name in _GAUGES else ("counter", f"{name}_total")
            lines += [f"# TYPE mega_{label} {kind}", f"mega_{label} {value:.0f}"]
        for label, route, status in (
            ("packs_stored", routes.PACKS, 201),
            ("commits", routes.COMMITS, 201),
            ("head_conflicts", routes.COMMITS, 409),
        ):
            value = (
                summed[self._request_at(self._index[route, "POST"], status)] if (route, "POST") in self._index else 0
            )
            lines += [f"# TYPE mega_{label}_total counter", f"mega_{label}_total {value:.0f}"]
        for name, known in gauges.items():
            if known is not None:
                lines += [f"# TYPE mega_{name} gauge", f"mega_{name} {known}"]
        return "\n".join(lines) + "\n"

    def _requests(self, summed: Sequence[float]) -> Iterator[str]:
        yield "# TYPE mega_requests_total counter"
        for number, (template, method) in enumerate(self._routes):
            for status in _STATUSES:
                if value := summed[self._request_at(number, status)]:
                    labels = f'route="{template}",method="{method}",status="{status or "other"}"'
                    yield f"mega_requests_total{{{labels}}} {value:.0f}"

    def _durations(self, summed: Sequence[float]) -> Iterator[str]:
        yield "# TYPE mega_request_duration_seconds histogram"
        for number, (template, method) in enumerate(self._routes):
            first = _DURATIONS + number * _PER_ROUTE
            counts, total_s = summed[first : first + _PER_ROUTE - 1], summed[first + _PER_ROUTE - 1]
            if not any(counts):
                continue
            labels, so_far = f'route="{template}",method="{method}"', 0.0
            for bound, count in zip((*_BOUNDS_S, "+Inf"), counts, strict=True):
                so_far += count
                yield f'mega_request_duration_seconds_bucket{{{labels},le="{bound}"}} {so_far:.0f}'
            yield f"mega_request_duration_seconds_count{{{labels}}} {so_far:.0f}"
            yield f"mega_request_duration_seconds_sum{{{labels}}} {total_s:.6f}"

    @staticmethod
    def _request_at(number: int, status: int) -> int:
        return len(_TOTALS) + number * len(_STATUSES) + _status_index(status)


def _status_index(status: int) -> int:
    return _STATUSES.index(status) if status in _STATUSES else len(_STATUSES) - 1
