"""Walk the disk, compare it with the rows, and keep what they do not explain.

One listing and one query for each folder, one comparison for each name. It reads no content but that of rule files, and
decides nothing about nodes that changed their place: an unexplained folder is walked to its end, an unexplained file
noted. What cannot be trusted is noted with its reason, and nothing below it is looked at.

A partial walk lists the folders that are wanted, and says nothing of others. To a wanted folder it goes from the top
down: where what stands on the way is not what its row says, the folder that holds it is listed as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
from mega_cli.sync.due import Want
from mega_cli.sync.reading import reason_of, stable_bytes
from mega_cli.sync.rules_met import Met, RulesMet
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Item, Sighting, name_of
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
    want: Want | None
    """What is wanted of it and below; None: everything."""


class _Entry(NamedTuple):
    """A line of a listing that no row of its disk name explains."""

    name: str
    listed: Listed
    problem: Reason | None


@final
class Walk:
    """One walk. Afterwards `rules` answer for every path."""

    def __init__(
        self,
        disk: Disk,
        state: SyncState,
        clock: Clock,
        settings: Settings,
        *,
        known: RulesMet | None = None,
        watch: Callable[[Place], bool] | None = None,
    ) -> None:
        """Prepare. `known` are the rules that earlier walks met: a partial walk needs them.

        `watch` is told of each folder before it is listed; where it gives True, all below has to be looked at. Raises
        UsageError for a rule of this device that means nothing.
        """
        self._disk = disk
        self._state = state
        self._clock = clock
        self._settings = settings
        self._watch = watch
        self._rules = Rules.at_top(settings.ignore_lines, folds_case=settings.disk.folds_case)
        self.rules = known or RulesMet(self._rules)
        self._waiting: list[_Folder] = []
        self._inos: set[int] = set()
        self._is_partial = False
        self.seen = Sighting()
        self.listed: set[NodeId] = set()
        """Folders that were listed and are what their rows say."""
        self.unwatched: set[Place] = set()
        """Folders of which a partial walk was told that all below has to be looked at."""
        self.has_other_rules = False
        """A partial walk met rules that are not those known: they may concern what it does not look at."""

    def run(self, want: Want | None = None) -> Sighting:
        """Walk over everything, or over what is wanted, top down, in the order of disk names."""
        self._is_partial = want is not None
        try:
            top = self._disk.look(())
        except OSError:
            top = None
        if top is None or top.kind != "d":
            self.seen.stalled[ROOT] = (), Reason.UNREADABLE
            return self.seen
        self.seen.root_dev = top.stamps.dev
        self._waiting = [_Folder((), (), ROOT, None, None, self._rules, want)]
        while self._waiting:
            folder = self._waiting.pop()
            first_below = len(self._waiting)
            if folder.want is None or folder.want.is_listed or not self._pass(folder, folder.want):
                self._list(folder)
            self._waiting[first_below:] = reversed(self._waiting[first_below:])
        return self.seen

    def key(self, name: bytes) -> str:
        """Give what this disk compares of a name."""
        return fold(name_of(name), self._settings.disk)

    def excludes(self, path: tuple[str, ...], *, is_folder: bool) -> bool:
        """Tell whether rules leave out what lies, or would lie, at a path; below a folder of unknown rules, yes."""
        return self.rules.excludes(path, is_folder=is_folder)

    # --- the way to what is wanted ------------------------------------------------------------------------------------

    def _pass(self, folder: _Folder, want: Want) -> bool:
        """Go on to what is wanted below a folder without listing it; False when what is there is not as the rows say.

        Nothing is concluded from that but that the folder has to be listed.
        """
        met = self.rules.at(folder.path)
        if met is not None and met.rules is None:
            return False
        rows = {self.key(row.disk_name): row for row in self._state.local.rows(folder.id)} if want.below else {}
        found = [(rows[key], below) for key, below in sorted(want.below.items()) if key in rows]
        inos = {ino_of(row) for row, _ in found}
        is_one_each = len(inos) == len(want.below) or not self._settings.ids_are_stable
        if len(found) < len(want.below) or not is_one_each:
            return False
        if not all(self._is_in_place(folder, row) for row, _ in found):
            return False
        self._inos |= inos
        rules = folder.rules if met is None or met.rules is None else met.rules
        for row, below in found:
            self._go_on(folder, rules, row, (*folder.place, row.disk_name), None if below.is_deep else below)
        return True

    def _is_in_place(self, folder: _Folder, row: LocalRow) -> bool:
        """Tell whether the folder of a row is exactly where and what it was."""
        if row.node.kind != "d":
            return False
        try:
            found = self._disk.look((*folder.place, row.disk_name))
        except OSError:
            return False
        if found is None or found.kind != "d" or found.stamps.dev != self.seen.root_dev:
            return False
        known = StatPrint(*row.stamps[:STAT_WIDTH])
        is_same = not self._settings.ids_are_stable or (found.ino == known.ino and found.ino not in self._inos)
        return is_same and found.stamps.mode & NINE_BITS == known.mode & NINE_BITS

    def _go_on(self, folder: _Folder, rules: Rules, row: LocalRow, place: Place, want: Want | None) -> None:
        """Have a folder looked at that is what its row says."""
        path, below = (*folder.path, row.node.name), rules.below(row.node.name)
        self._waiting.append(_Folder(place, path, row.node.id, row, None, below, want))

    def _descend(self, folder: _Folder, rules: Rules, row: LocalRow, place: Place) -> None:
        """Look into a folder of a listed one, if that is wanted, or if it has not been watched."""
        want = None if folder.want is None else folder.want.below.get(self.key(place[-1]))
        if folder.want is not None and self._watch is not None and self._watch(place):
            self.unwatched.add(place)
            want = None
        elif folder.want is not None and want is None:
            return
        self._go_on(folder, rules, row, place, None if want is None or want.is_deep else want)

    # --- one folder ---------------------------------------------------------------------------------------------------

    def _list(self, folder: _Folder) -> None:
        if self._watch is not None:
            self._watch(folder.place)
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
        if folder.item is not None:
            entries = [self._entry(line) for line in listed]
            folder.item.names = frozenset(entry.name for entry in entries)
            entries = [entry for entry in entries if not self._is_left_out(folder, rules, entry)]
            self._unexplained(folder, rules, entries, set(), {}, observed_ns)
        else:
            self.listed.add(folder.id)
            self._compare(folder, rules, listed, observed_ns)

    def _rules_of(self, folder: _Folder, listed: Iterable[Listed]) -> Rules | Reason:
        """Give the rules that hold for what lies in a folder, or the reason to leave it alone."""
        own = next((line for line in listed if line.name == _RULE_FILE), None)
        if own is None:
            self._note_rules(folder, None)
            return folder.rules
        if own.found is None or own.found.kind != "f":
            return Reason.IGNORE_MALFORMED
        data = stable_bytes(self._disk, (*folder.place, _RULE_FILE), self._clock, RULE_FILE_MAX_BYTES)
        if isinstance(data, Reason):
            return Reason.IGNORE_MALFORMED if data is Reason.UNREADABLE else data
        try:
            rules = folder.rules.with_file(read_rule_file(data, folds_case=self._settings.disk.folds_case))
        except UsageError:
            return Reason.IGNORE_MALFORMED
        self._note_rules(folder, Met(rules, data, folder.id, folder.item))
        return rules

    def _note_rules(self, folder: _Folder, met: Met | None) -> None:
        """Note the rule file of a folder, and whether it is another than the one that is known."""
        known = self.rules.at(folder.path)
        before = None if known is None or known.rules is None else known.data
        self.has_other_rules |= self._is_partial and before != (None if met is None else met.data)
        self.rules.note(folder.path, met)

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
        if self._settings.ids_are_stable and found.ino != ino_of(row):
            item = self._note(folder, row.node.name, line.name, found, observed_ns, row)
            path = (*folder.path, row.node.name)
            self._waiting.append(_Folder(place, path, b"", row, item, rules.below(row.node.name), None))
            return
        if found.stamps.mode & NINE_BITS != StatPrint(*row.stamps[:STAT_WIDTH]).mode & NINE_BITS:
            mode = found.stamps.mode & NINE_BITS if self._settings.disk.has_modes else row.node.mode
            self.seen.folders.append(
                row._replace(node=row.node._replace(mode=mode), stamps=(*found.stamps, found.links, found.birth_ns))
            )
        self._descend(folder, rules, row, place)

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
                below = _Folder(place, (*folder.path, entry.name), b"", row, item, rules.below(entry.name), None)
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
        self.rules.note(folder.path, Met(None, b"", folder.id, folder.item))
        if reason is Reason.FILE_CHANGING:
            self.seen.wait(AGAIN_S)
        if folder.item is not None:
            folder.item.trouble = reason
            self.seen.barred["d", folder.item.found.ino] = reason
        else:
            self.seen.stalled[folder.id] = folder.place, reason


def ino_of(row: LocalRow) -> int:
    """Give the inode that a row remembers."""
    return StatPrint(*row.stamps[:STAT_WIDTH]).ino


def is_as_row(found: Found, row: LocalRow, *, ids_are_stable: bool) -> bool:
    """Tell whether a file or link may be believed to be what its row says, unread."""
    if found.stamps == row.stamps[:STAT_WIDTH]:  # nearly always
        return not row.is_racy
    known = StatPrint(*row.stamps[:STAT_WIDTH])
    stamps = found.stamps if ids_are_stable else found.stamps._replace(ino=known.ino)
    # Another mode shows a change that came within one tick of the disk's clock.
    return stamps.mode == known.mode and is_unchanged(stamps, known, row_is_racy=row.is_racy)
