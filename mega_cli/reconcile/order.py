"""Order: from what each node is on a side to what it is to be, as steps that can be carried out one after another.

Nothing is decided here but the order. A step runs after those that make its folder, free its place, or empty it, and
removals come last, but for those that stand in another's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final, NamedTuple, final

from mega_cli.reconcile.depths import Depths
from mega_cli.reconcile.nodes import ROOT, Node, NodeId, TreeView


class Turn(NamedTuple):
    """One node of one side, before and after one step. `rank` goes first when both could."""

    rank: int
    before: Node | None
    after: Node | None

    @property
    def there(self) -> Node:
        """Give the node as it was, or will be if it was not."""
        return self.before or self.after or _NOBODY

    @property
    def id(self) -> NodeId:
        """Give the node's id."""
        return self.there.id

    @property
    def arrives(self) -> bool:
        """Tell whether it takes a place."""
        return self.after is not None and (self.before is None or self.before.place != self.after.place)

    @property
    def leaves(self) -> bool:
        """Tell whether it frees a place."""
        return self.before is not None and (self.after is None or self.before.place != self.after.place)


class Placed(NamedTuple):
    """A turn in its order, and the indices of those it comes after. A parked one only leaves its place."""

    turn: Turn
    after: tuple[int, ...]
    is_parked: bool = False


Fold = Callable[[str], str]
_NOBODY: Final = Node(ROOT, ROOT, "", "d")
_LEFT: Final = "left"
_ARRIVED: Final = "arrived"
_Event = tuple[str, int]
"""The turn with this number left its old place, or arrived at its new one."""


def arrange(turns: Iterable[Turn], before: TreeView, after: TreeView, fold: Fold) -> list[Placed]:
    """Order the turns of a side that is `before` and shall be `after`.

    | a step | comes after |
    |---|---|
    | that arrives or changes a node | the nearest folder above that arrives: it is made, or has moved |
    | that arrives | what stands at its new place left it |
    | that changes a node which arrives | that arrival |
    | that removes a folder | all that lay in it left it |
    | of a circle of these | the first of the circle that moves is parked: it leaves at once, and arrives in its turn |

    Parking needs nothing, so every circle opens.
    `fold` gives what the side compares of a name.
    """
    above_before, above_after = Depths(before), Depths(after)

    def key(turn: Turn) -> tuple[int, int, str, NodeId]:
        if turn.after is None:
            return turn.rank, -above_before.of(turn.id), turn.there.name, turn.id
        return turn.rank, above_after.of(turn.id), turn.after.name, turn.id

    return _Order(sorted(turns, key=key), after, fold).arrange()


@final
class _Order:
    """Turns, what each waits for, and what has happened."""

    def __init__(self, turns: list[Turn], after: TreeView, fold: Fold) -> None:
        self._turns = turns
        self._after = after
        self._fold = fold
        self._arriving = {turn.id: number for number, turn in enumerate(turns) if turn.arrives}
        self._folders: dict[NodeId, int | None] = {ROOT: None}
        self._waits = self._edges()
        self._waiters: dict[_Event, list[int]] = {}
        for number, waits in enumerate(self._waits):
            for event in sorted(waits):
                self._waiters.setdefault(event, []).append(number)
        self._open = [len(waits) for waits in self._waits]
        self._happened: dict[_Event, int | None] = {}
        self._placed: list[Placed] = []

    def arrange(self) -> list[Placed]:
        """Place every turn: first what builds, clearing the way when it must be, and last what only removes."""
        urgent = self._urgent()
        first: list[int] = []
        clearing: list[int] = []
        last: list[int] = []
        self._queue = [last if turn.after is None else first for turn in self._turns]
        for number in urgent:
            if self._turns[number].after is None:
                self._queue[number] = clearing
        for number, count in enumerate(self._open):
            if not count:
                self._queue[number].append(number)  # in order, so it is a heap already
        self._pending = dict.fromkeys(range(len(self._turns)))
        self._urgent_pending = dict.fromkeys(sorted(urgent))
        while self._pending:
            ready = first or clearing or (None if self._urgent_pending else last)
            if ready:
                self._place(heappop(ready))
            else:
                self._open_circle()
        return self._placed

    def _edges(self) -> list[set[_Event]]:
        """Say what each turn waits for."""
        at_place: dict[tuple[NodeId, str], list[int]] = {}
        in_folder: dict[NodeId, list[int]] = {}
        for number, turn in enumerate(self._turns):
            if turn.leaves and turn.before is not None:
                at_place.setdefault(self._folded(turn.before), []).append(number)
                in_folder.setdefault(turn.before.parent, []).append(number)
        edges: list[set[_Event]] = []
        for number, turn in enumerate(self._turns):
            if turn.after is None:
                waits = {(_LEFT, other) for other in in_folder.get(turn.id, ())}
            elif turn.arrives:
                waits = {(_LEFT, other) for other in at_place.get(self._folded(turn.after), ())}
            else:
                waits = {(_ARRIVED, self._arriving[turn.id])} if turn.id in self._arriving else set()
            folder = None if turn.after is None else self._folder(turn.after.parent)
            if folder is not None:
                waits.add((_ARRIVED, folder))
            edges.append({event for event in waits if event[1] != number})
        return edges

    def _folded(self, node: Node) -> tuple[NodeId, str]:
        return node.parent, self._fold(node.name)

    def _folder(self, id_: NodeId) -> int | None:
        """Find the turn by which a folder, or the nearest one above it, arrives."""
        walked: list[NodeId] = []
        while id_ not in self._folders:
            walked.append(id_)
            self._folders[id_] = self._arriving.get(id_)  # ends a circle as well
            if self._folders[id_] is not None:
                break
            node = self._after.get(id_)
            id_ = ROOT if node is None else node.parent
        found = self._folders[id_]
        for step in walked:
            self._folders[step] = found
        return found

    def _urgent(self) -> set[int]:
        """Find what cannot wait for the end: all but removals, and the removals that those wait for."""
        urgent: set[int] = set()
        found = [number for number, turn in enumerate(self._turns) if turn.after is not None]
        while found:
            urgent.update(found)
            found = list({other for number in found for _, other in self._waits[number]} - urgent)
        return urgent

    def _place(self, number: int) -> None:
        """Let a turn have its step now."""
        events = [*sorted(self._waits[number]), (_LEFT, number)]
        indices = {index for event in events if (index := self._happened.get(event)) is not None}
        self._placed.append(Placed(self._turns[number], tuple(sorted(indices))))
        del self._pending[number]
        self._urgent_pending.pop(number, None)
        for event in ((_LEFT, number), (_ARRIVED, number)):
            if event not in self._happened:
                self._happen(event, len(self._placed) - 1)

    def _happen(self, event: _Event, index: int | None) -> None:
        """Let those go on who wait for this."""
        self._happened[event] = index
        for number in self._waiters.get(event, ()):
            self._open[number] -= 1
            if not self._open[number]:
                heappush(self._queue[number], number)

    def _open_circle(self) -> None:
        """Let the first move of a circle leave its place before it can arrive."""
        number = next(iter(self._urgent_pending))
        way: dict[int, _Event] = {}
        while number not in way:
            way[number] = min(event for event in self._waits[number] if event not in self._happened)
            number = way[number][1]
        circle = list(way.values())[list(way).index(number) :]
        moves = [event for event in circle if event[0] == _LEFT and self._turns[event[1]].after is not None]
        event = min(moves or circle)  # trees have no circle without a move
        if moves:
            self._placed.append(Placed(self._turns[event[1]], (), is_parked=True))
        self._happen(event, len(self._placed) - 1 if moves else None)
