"""The table's plan: its rows with their targets, the steps that measure them, and what a measurement is.

The targets are the project's own. One row of the plan has no measurement yet: the bytes stored after ten versions of a
source tree, which needs a history that can be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Measure = Literal["durable_seconds", "seconds", "uploaded_bytes", "client_peak_bytes", "server_peak_bytes", "slowdown"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured command. `variant` tells samples of one row apart that are not the same work."""

    row: str
    contestant: str
    round: int
    seconds: float
    durable_seconds: float
    client_peak_bytes: int
    server_peak_bytes: int | None
    uploaded_bytes: int | None = None
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """`ratio`: so many times faster than the best peer; `rate`: bytes a second; `most`: in the row's own unit."""

    kind: Literal["ratio", "rate", "most"]
    value: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `title` may name {big}, {small}, {files} and {entries}."""

    name: str
    title: str
    measure: Measure
    target: Goal
    stretch: Goal


@dataclass(frozen=True, slots=True)
class Step:
    """What each contestant does for a row, in the order of its group."""

    row: str
    verb: Literal["put", "get"]
    source: Literal["big", "inserted", "small"]


MB: Final = 10**6
MIB: Final = 1 << 20

BIG_STEPS: Final = (
    Step("put-big", "put", "big"),
    Step("get-big", "get", "big"),
    Step("insert-byte", "put", "inserted"),
)
SMALL_STEPS: Final = (
    Step("put-small", "put", "small"),
    Step("get-small", "get", "small"),
    Step("put-again", "put", "small"),
)
START_UP: Final = ("version", "ls")
BIG_FOLDER: Final = "big-folder"
MEMORY: Final = ("memory-client", "memory-server")
"""No steps of their own: the largest peak of the steps above."""


def _ratio(value: float) -> Goal:
    return Goal("ratio", value)


def _most(value: float) -> Goal:
    return Goal("most", value)


ROWS: Final = (
    Row("put-big", "put {big} of random bytes", "durable_seconds", _ratio(2), Goal("rate", 400 * MB)),
    Row("get-big", "get it back", "seconds", _ratio(1.5), _ratio(2)),
    Row("put-small", "put {files} files, {small}", "durable_seconds", _ratio(1.2), _ratio(2)),
    Row("get-small", "get them back", "seconds", _ratio(1), _ratio(1.5)),
    Row("put-again", "put them again, nothing changed", "durable_seconds", _ratio(2), _ratio(2.5)),
    Row("insert-byte", "one byte inserted before {big}: sent", "uploaded_bytes", _most(8 * MIB), _most(4 * MIB)),
    Row("memory-client", "peak memory, client", "client_peak_bytes", _most(250 * MB), _most(150 * MB)),
    Row("memory-server", "peak memory, server worker", "server_peak_bytes", _most(250 * MB), _most(150 * MB)),
    Row("version", "`mega --version`, whole process", "seconds", _most(0.150), _most(0.080)),
    Row("ls", "`mega ls`, whole process", "seconds", _most(0.400), _most(0.300)),
    Row(BIG_FOLDER, "put one file into {entries} entries, against 100", "slowdown", _most(1.5), _most(1.1)),
)
