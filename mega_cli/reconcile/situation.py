"""What the planner is told: the base, both sides as deltas, what cannot be trusted, and the user's policy."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from mega_cli.reconcile.nodes import Delta, NodeId, TreeView


class Mode(StrEnum):
    """Which side may change which."""

    TWO_WAY = "two-way"
    MIRROR_UP = "mirror-up"
    """The remote becomes what this disk holds; nothing is ever written here."""
    MIRROR_DOWN = "mirror-down"
    """This disk becomes what the remote holds; nothing is ever written there."""
    BACKUP_UP = "backup-up"
    """New and changed goes up; nothing is removed there and nothing written here."""


class Reason(StrEnum):
    """Why a node stands still, or is not on this disk. The values are what `--json` and the state keep."""

    FILE_CHANGING = "file-changing"
    FILE_IN_USE = "file-in-use"
    UNREADABLE = "unreadable"
    NAME_CLASH = "name-clash"
    NAME_ILLEGAL = "name-illegal"
    NAME_TOO_LONG = "name-too-long"
    LINKS_UNSUPPORTED = "links-unsupported"
    TOO_DEEP = "too-deep"
    DIR_NOT_EMPTY = "dir-not-empty"
    NO_SPACE = "no-space"
    QUOTA = "quota"
    BAD_BLOB = "bad-blob"
    IGNORE_MALFORMED = "ignore-malformed"
    SPECIAL_FILE = "special-file"
    NESTED_MOUNT = "nested-mount"
    EXCLUDED = "excluded"
    GHOST = "ghost"
    """A file of this disk alone whose content the remote once held and deleted; only after the base was lost."""
    HELD = "held"
    """It waits for a held deletion."""
    FAILED = "failed"
    """An action on it failed for a reason of the disk or the network."""


@dataclass(frozen=True, slots=True)
class DiskRules:
    """What this disk can hold. Names are compared as the disk compares them."""

    folds_case: bool = False
    folds_form: bool = False
    """NFC and NFD of a name are one file."""
    is_windows: bool = False
    has_links: bool = True
    has_modes: bool = True
    name_most_bytes: int = 255
    path_most_bytes: int = 4_096
    """From the synced folder down."""
    depth_most: int = 128


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """How many deletions pass without approval: those below `count_least`, or below `share_least` of all files.

    A deletion that would empty the folder, or a folder at its top, of `folder_least` files or more is held as well.
    None for `count_least`: everything passes.
    """

    count_least: int | None = 20
    share_least: float = 0.25
    folder_least: int = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user wants, and who we are. `now_ns` is wall-clock time: it names conflict copies, nothing else."""

    mode: Mode = Mode.TWO_WAY
    device: str = "device"
    now_ns: int = 0
    limit: DeleteLimit = DeleteLimit()
    approved: AbstractSet[NodeId] = frozenset()
    """Nodes whose deletion the user approved."""
    disk: DiskRules = DiskRules()


@dataclass(frozen=True, slots=True)
class Situation:
    """One observation of everything. `base` is what both sides last agreed on, node by node.

    The base is not always a well-formed tree: half of a swap may be agreed on and the other half not yet, so that two
    nodes share a place. `local` and `remote`, laid over it, always are.
    """

    base: TreeView
    local: Delta
    """This disk. A node in `stalled` or `absent`, and what lies below it, is not in here: it counts as unchanged.

    What the base has below such a node and the disk shows elsewhere is in here, even when it equals the base.
    """
    remote: Delta
    """The verified head."""
    stalled: Mapping[NodeId, Reason] = field(default_factory=dict)
    """Nodes whose local state cannot be trusted now: neither they nor anything below them are acted on."""
    absent: Mapping[NodeId, Reason] = field(default_factory=dict)
    """Nodes of the base that are not on this disk on purpose, with all below them: their absence means nothing.

    Reasons of the disk (names, links, depth) are judged anew by every plan, `EXCLUDED` is taken as it is.
    """
    past: AbstractSet[bytes] = frozenset()
    """Digests that the remote once held and holds no more; only after the base was lost."""
    base_files: int = 0
    """How many files the base has: what the share of deletions is taken of."""
