"""Walk the disk, compare it with the rows, and keep what they do not explain.

One listing and one query for each folder, one comparison for each name. It reads no content but that of rule files, and
decides nothing about nodes that changed their place: an unexplained folder is walked to its end, an unexplained file
noted. What cannot be trusted is noted with its reason, and nothing below it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, final

from mega_cli.errors import LimitError, UsageError
from mega_cli.localfs.disk import Disk, Found, Listed, Place
from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.localfs.racy import is_unchanged
from mega_cli.localfs.stat_print import StatPrint
from mega_cli.paths.ignore import RULE_FILE, RULE_FILE_MAX_BYTES, Rules, read_rule_file
from mega_cli.paths.names import ESCAPE_MARKER, name_from_disk, text_from_disk
from mega_cli.reconcile.materialise import OWN_FOLDER, fold
from mega_cli.reconcile.nodes import ROOT, NodeId
from mega_cli.reconcile.situation import Reason
from mega_cli.state.sync_state import SyncState
from mega_cli.state.sync_trees import LocalRow
from mega_cli.sync.reading import reason_of, stable_bytes
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Item, Sighting
from mega_cli.sync.world import Clock

AGAIN_S: Final = 1.0
"""When to look again at what changed under our eyes."""
STAT_WIDTH: Final = len(StatPrint._fields)
NINE_BITS: Final = 0o777
_RULE_FILE: Final = RULE_FILE.encode()


class _Folder(NamedTuple):
    """A folder to list. `item` is None when a row explains it, or it is the top."""

    place: Place
    path: tuple[str, ...]
    id: NodeId
    row: LocalRow | None
    item: Item | None
    rules: Rules


class _Entry(NamedTuple):
    """A line of a listing that no row of its disk name explains."""

    name: str
    listed: Listed
    problem: Reason | None


@final
class Walk:
    """One walk. Afterwards `excludes` answers for every path, from the rule files that were met."""

    def __init__(self, disk: Disk, state: SyncState, clock: Clock, settings: Settings) -> None:
        """Raise UsageError for a rule of this device that means nothing."""
        self._disk = disk
        self._state = state
        self._clock = clock
        self._settings = settings
        self._rules = Rules.at_top(settings.ignore_lines, folds_case=settings.disk.folds_case)
        self._rules_below: dict[tuple[str, ...], Rules | None] = {}
        """Of each folder that was walked, what holds for its children; None where that is not known."""
        self._waiting: list[_Folder] = []
        self._inos: set[int] = set()
        self.seen = Sighting()

    def run(self) -> Sighting:
        """Walk over everything, top down, in the order of disk names."""
        try:
            top = self._disk.look(())
        except OSError:
            top = None
        if top is None or top.kind != "d":
            self.seen.stalled[ROOT] = (), Reason.UNREADABLE
            return self.seen
        self.seen.root_dev = top.stamps.dev
        self._waiting = [_Folder((), (), ROOT, None, None, self._rules)]
        while self._waiting:
            self._list(self._waiting.pop())
        return self.seen

    def excludes(self, path: tuple[str, ...], *, is_folder: bool) -> bool:
        """Tell whether rules leave out what lies, or would lie, at a path; below a folder of unknown rules, yes."""
        rules: Rules | None = self._rules
        for depth, name in enumerate(path, 1):
            known = self._rules_below.get(path[: depth - 1], rules)
            if known is None or known.excludes(name, is_folder or depth < len(path)):
                return True
            rules = known.below(name)
        return False

    # --- one folder ---------------------------------------------------------------------------------------------------

    def _list(self, folder: _Folder) -> None:
        observed_ns = self._clock.now_ns()
        try:
            listed = sorted(self._disk.list_folder(folder.place))
        except OSError as error:
            self._bar(folder, reason_of(error))
            return
        rules = self._rules_of(folder, listed)
        if isinstance(rules, Reason):
            self._bar(folder, rules)
            return
        self._rules_below[folder.path] = rules
        first_below = len(self._waiting)
        if folder.item is not None:
            entries = [self._entry(line) for line in listed]
            folder.item.names = frozenset(entry.name for entry in entries)
            entries = [entry for entry in entries if not self._is_left_out(folder, rules, entry)]
            self._unexplained(folder, rules, entries, set(), {}, observed_ns)
        else:
            self._compare(folder, rules, listed, observed_ns)
        self._waiting[first_below:] = reversed(self._waiting[first_below:])

    def _rules_of(self, folder: _Folder, listed: Iterable[Listed]) -> Rules | Reason:
        """Give the rules that hold for what lies in a folder, or the reason to leave it alone."""
        own = next((line for line in listed if line.name == _RULE_FILE), None)
        if own is None:
            return folder.rules
        if own.found is None or own.found.kind != "f":
            return Reason.IGNORE_MALFORMED
        data = stable_bytes(self._disk, (*folder.place, _RULE_FILE), self._clock, RULE_FILE_MAX_BYTES)
        if isinstance(data, Reason):
            return Reason.IGNORE_MALFORMED if data is Reason.UNREADABLE else data
        try:
            return folder.rules.with_file(read_rule_file(data, folds_case=self._settings.disk.folds_case))
        except UsageError:
            return Reason.IGNORE_MALFORMED

    def _compare(self, folder: _Folder, rules: Rules, listed: Iterable[Listed], observed_ns: int) -> None:
        """Compare the listing of a folder that is in its place with the rows in it."""
        rows = {row.disk_name: row for row in self._state.local.rows(folder.id)}
        taken: set[str] = set()
        entries: list[_Entry] = []
        for line in listed:
            row, found = rows.get(line.name), line.found
            if row is None:
                entry = self._entry(line)
                if not self._is_left_out(folder, rules, entry):
                    entries.append(entry)
                continue
            node = row.node
            kind = node.kind if found is None else found.kind
            if rules.excludes(node.name, kind == "d"):
                if kind == node.kind or rules.excludes(node.name, node.kind == "d"):
                    del rows[line.name]
                    self.seen.excluded.append(node.id)
                continue
            if kind not in {node.kind, "special"}:
                entries.append(self._entry(line))
                continue
            del rows[line.name]
            taken.add(node.name)
            self._in_place(folder, rules, row, line, observed_ns)
        self._unexplained(folder, rules, entries, taken, rows, observed_ns)
        self.seen.missing |= {row.node.id: (row, (*folder.place, row.disk_name)) for row in rows.values()}

    def _in_place(self, folder: _Folder, rules: Rules, row: LocalRow, line: Listed, observed_ns: int) -> None:
        """Compare a row with what its place leads to, which is of its kind or cannot be trusted."""
        place, found = (*folder.place, line.name), line.found
        problem = self._problem(found)
        if problem is not None or found is None:
            self.seen.stall(place, problem or Reason.UNREADABLE, row)
            return
        if row.node.kind != "d":
            self.seen.found_files += 1
            if not is_as_row(found, row, ids_are_stable=self._settings.ids_are_stable):
                self._note(folder, row.node.name, line.name, found, observed_ns, row).id = row.node.id
            return
        path = (*folder.path, row.node.name)
        if self._settings.ids_are_stable and found.ino != StatPrint(*row.stamps[:STAT_WIDTH]).ino:
            item = self._note(folder, row.node.name, line.name, found, observed_ns, row)
            self._waiting.append(_Folder(place, path, b"", row, item, rules.below(row.node.name)))
            return
        if found.stamps.mode & NINE_BITS != StatPrint(*row.stamps[:STAT_WIDTH]).mode & NINE_BITS:
            mode = found.stamps.mode & NINE_BITS if self._settings.disk.has_modes else row.node.mode
            self.seen.folders.append(
                row._replace(node=row.node._replace(mode=mode), stamps=(*found.stamps, found.links, found.birth_ns))
            )
        self._waiting.append(_Folder(place, path, row.node.id, row, None, rules.below(row.node.name)))

    def _unexplained(
        self,
        folder: _Folder,
        rules: Rules,
        entries: Iterable[_Entry],
        taken: set[str],
        rows: dict[bytes, LocalRow],
        observed_ns: int,
    ) -> None:
        """Note what no row explains; a row whose name is the same to this disk goes with it, out of `rows`."""
        by_fold = {fold(row.node.name, self._settings.disk): row for row in rows.values()}
        path_bytes = len("/".join(folder.path).encode()) + 1 if folder.path else 0
        for entry in entries:
            place, found = (*folder.place, entry.listed.name), entry.listed.found
            row = by_fold.get(fold(entry.name, self._settings.disk)) if rows else None
            problem = entry.problem or self._problem(found)
            if row is not None and found is not None and found.kind not in {row.node.kind, "special"}:
                row = None
            if problem is None and entry.name in taken:
                problem, row = Reason.NAME_CLASH, None
            problem = problem or self._out_of_bounds(len(place), path_bytes + len(entry.name.encode()))
            taken.add(entry.name)
            if row is not None and rows.pop(row.disk_name, None) is None:
                row = None
            if problem is not None or found is None:
                self.seen.stall(place, problem or Reason.UNREADABLE, row, self._on_this_disk(found))
                continue
            item = self._note(folder, entry.name, entry.listed.name, found, observed_ns, row)
            if found.kind == "d":
                below = _Folder(place, (*folder.path, entry.name), b"", row, item, rules.below(entry.name))
                self._waiting.append(below)
            else:
                self.seen.found_files += 1
                item.id = None if row is None else row.node.id

    # --- one name -----------------------------------------------------------------------------------------------------

    def _note(
        self, folder: _Folder, name: str, disk_name: bytes, found: Found, observed_ns: int, row: LocalRow | None
    ) -> Item:
        item = Item((*folder.place, disk_name), name, found, observed_ns, folder.id, folder.item, row)
        self.seen.items.append(item)
        return item

    def _entry(self, line: Listed) -> _Entry:
        """Give a line the name it would have in the volume, and the problem with it."""
        if line.name.isascii() and len(line.name) <= self._settings.disk.name_most_bytes:
            return _Entry(line.name.decode("ascii"), line, None)
        try:
            name, _ = name_from_disk(line.name)
        except LimitError:
            return _Entry(text_from_disk(line.name), line, Reason.NAME_TOO_LONG)
        except UsageError:
            return _Entry(text_from_disk(line.name), line, Reason.NAME_ILLEGAL)
        return _Entry(name, line, Reason.NAME_ILLEGAL if name.startswith(ESCAPE_MARKER) else None)

    def _is_left_out(self, folder: _Folder, rules: Rules, entry: _Entry) -> bool:
        """Tell whether a name without a row is none of ours to sync."""
        if not folder.path and fold(entry.name, self._settings.disk) == OWN_FOLDER:
            return True
        found = entry.listed.found
        is_folder = found is not None and found.kind == "d"
        return rules.excludes(entry.name, is_folder) or is_partial_name(entry.listed.name)

    def _problem(self, found: Found | None) -> Reason | None:
        """Say what keeps a thing from being synced, whatever its name."""
        if found is None:
            return Reason.UNREADABLE
        if found.kind == "special":
            return Reason.SPECIAL_FILE
        if found.kind == "d":
            if found.stamps.dev != self.seen.root_dev:
                return Reason.NESTED_MOUNT
            if self._settings.ids_are_stable:
                if found.ino in self._inos:  # a folder has one name: it was moved while we walked
                    self.seen.wait(AGAIN_S)
                    return Reason.FILE_CHANGING
                self._inos.add(found.ino)
        return None

    def _out_of_bounds(self, depth: int, path_bytes: int) -> Reason | None:
        if depth > self._settings.disk.depth_most:
            return Reason.TOO_DEEP
        return Reason.NAME_TOO_LONG if path_bytes > self._settings.disk.path_most_bytes else None

    def _on_this_disk(self, found: Found | None) -> Found | None:
        """Give what was found unless its inode is another file system's."""
        return found if found is not None and found.stamps.dev == self.seen.root_dev else None

    def _bar(self, folder: _Folder, reason: Reason) -> None:
        """Leave a folder alone, and all below it."""
        self._rules_below[folder.path] = None
        if reason is Reason.FILE_CHANGING:
            self.seen.wait(AGAIN_S)
        if folder.item is not None:
            folder.item.trouble = reason
            self.seen.barred["d", folder.item.found.ino] = reason
        else:
            self.seen.stalled[folder.id] = folder.place, reason


def is_as_row(found: Found, row: LocalRow, *, ids_are_stable: bool) -> bool:
    """Tell whether a file or link may be believed to be what its row says, unread."""
    if found.stamps == row.stamps[:STAT_WIDTH]:  # nearly always
        return not row.is_racy
    known = StatPrint(*row.stamps[:STAT_WIDTH])
    stamps = found.stamps if ids_are_stable else found.stamps._replace(ino=known.ino)
    # Another mode shows a change that came within one tick of the disk's clock.
    return stamps.mode == known.mode and is_unchanged(stamps, known, row_is_racy=row.is_racy)
