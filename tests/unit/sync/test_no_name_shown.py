"""What passes between planner, engine, state and commands shows no name in its repr: logs may hold those."""

from __future__ import annotations

import pytest

from mega_cli.errors import UsageError
from mega_cli.reconcile.actions import Event, Hold, Notice, Side, Stall
from mega_cli.reconcile.nodes import ROOT, Node
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import ConflictRow, EventRow, HoldRow, JournalRow, StalledRow, TrashRow
from mega_cli.sync.report import Failure
from mega_cli.sync.story import Deed, Told

NAME = "payslip"
ID = bytes(16)
SHOWN = (
    JournalRow(1, "trash", {"place": [NAME.encode()]}),
    StalledRow(ID, NAME, Reason.FAILED, 0, 0, 0),
    HoldRow("4f1c09a7", Side.LOCAL, (ID,), 1, (NAME,), 0),
    TrashRow(1, NAME.encode(), NAME, Node(ID, ROOT, NAME, "f"), (), 0, is_proven=True, looks=0),
    ConflictRow(ID, ID, NAME, NAME, 0),
    EventRow(0, Event.CONFLICT_COPY, NAME, NAME),
    Notice(Event.CONFLICT_COPY, ID, (NAME,), (NAME,)),
    Stall(ID, (NAME,), Reason.FAILED),
    Hold(Side.LOCAL, (ID,), 1, ((NAME,),)),
    Told(Deed.MOVE, Side.LOCAL, NAME, NAME, ID),
    Failure(NAME, UsageError(f"{NAME}: it cannot be read")),
)


@pytest.mark.parametrize("value", SHOWN, ids=lambda value: type(value).__name__)
def test_a_repr_shows_no_name(value: object) -> None:
    """It says what kind of thing it is, and which, by ids."""
    assert (NAME in repr(value), type(value).__name__ in repr(value)) == (False, True)
