"""What a walk over the disk found that the rows do not explain, and what a scan makes of it in the end. Values only."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from mega_cli.localfs.disk import Found, Place
from mega_cli.paths.names import ESCAPE_MARKER, text_from_disk
from mega_cli.reconcile.actions import Stall
from mega_cli.reconcile.nodes import NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_trees import LocalRow


class Observation(NamedTuple):
    """What a scan saw that the rows do not say yet. Nothing of it is written until `Scanner.record`."""

    rows: list[LocalRow]
    """New or changed, folders before all else and above those in them."""
    gone: list[NodeId]
    """Nodes whose absence is proven, children before parents."""
    stalled: dict[NodeId, Reason]
    """What cannot be trusted now, with all below it. `ROOT`: nothing can. What has no row has an id of its place."""
    excluded: dict[NodeId, Reason]
    """Every known node that rules leave out now, roots only; those of them that had rows lose these."""
    included: list[NodeId]
    """Nodes that were absent as `EXCLUDED` and are left out no longer, sorted."""
    stalls: list[Stall]
    """What is in `stalled`, with paths to show."""
    waiting_s: float
    """In so many seconds, everything that needs a second look can have it; 0 when nothing does."""
    found_files: int
    """Files and links that are not left out."""
    bytes_hashed: int


@dataclass(slots=True, eq=False)
class Item:
    """Something on the disk that a row does not explain by itself."""

    place: Place
    name: str
    found: Found
    observed_ns: int
    """The wall clock before `found` was taken."""
    parent: NodeId
    """The node of its folder; of no meaning when that is an item itself."""
    above: Item | None
    """Its folder, when that is an item."""
    row: LocalRow | None = None
    """The row of its path. A folder's may yet turn out to be another's."""
    id: NodeId | None = None
    """The node it is known to be."""
    trouble: Reason | None = None
    """Why it cannot be trusted, and nothing below it."""
    names: frozenset[str] = frozenset()
    """Of a folder: all that lies in it."""

    @property
    def kind(self) -> str:
        """Give the kind of what was found."""
        return self.found.kind

    @property
    def parent_id(self) -> NodeId | None:
        """Give the node of its folder, None while that is not known."""
        return self.parent if self.above is None else self.above.id


@dataclass(slots=True)
class Sighting:
    """The outcome of a walk."""

    items: list[Item] = field(default_factory=list)
    """Folders before what lies in them."""
    missing: dict[NodeId, tuple[LocalRow, Place]] = field(default_factory=dict)
    """Rows of folders that were listed, whose place leads to nothing or to something of another kind."""
    folders: list[LocalRow] = field(default_factory=list)
    """Folders in their place whose attributes changed."""
    stalled: dict[NodeId, tuple[Place, Reason]] = field(default_factory=dict)
    excluded: list[NodeId] = field(default_factory=list)
    """Nodes with rows that rules leave out."""
    barred: dict[tuple[str, int], Reason] = field(default_factory=dict)
    """By kind and inode, what was found and cannot be trusted: a row with both has not vanished."""
    root_dev: int = 0
    waiting_s: float = 0.0
    found_files: int = 0

    def stall(self, place: Place, reason: Reason, row: LocalRow | None, found: Found | None = None) -> None:
        """Note what cannot be trusted now: a node when it has a row, else a place."""
        self.stalled[id_of_place(place) if row is None else row.node.id] = place, reason
        if found is not None:
            self.barred[found.kind, found.ino] = reason

    def wait(self, seconds: float) -> None:
        """Ask for a second look."""
        self.waiting_s = max(self.waiting_s, seconds)


def id_of_place(place: Place) -> NodeId:
    """Give a thing without a node something to be known by: always the same for a place."""
    return blake2b(b"/".join(place), digest_size=16, person=b"place").digest()


def names_of(place: Place) -> tuple[str, ...]:
    """Give the names of a place, as nodes have them; whatever its bytes, they can be shown."""
    return tuple(name_of(raw) for raw in place)


def name_of(raw: bytes) -> str:
    """Give the name that a disk name would have in the volume, whatever its bytes."""
    text = text_from_disk(raw)
    return text if text.startswith(ESCAPE_MARKER) else unicodedata.normalize("NFC", text)


def stalls_of(stalled: dict[NodeId, tuple[Place, Reason]]) -> Iterator[Stall]:
    """Give what stands still as it is shown, by path."""
    for id_, (place, reason) in sorted(stalled.items(), key=lambda item: item[1][0]):
        yield Stall(id_, names_of(place), reason)
