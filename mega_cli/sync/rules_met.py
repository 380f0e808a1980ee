"""The rule files that walks met, so that what they leave out can be asked for every path, walked or not.

A partial walk meets few of them; the others are believed as long as their folders stand where they were met. Whoever
finds one that differs looks at everything anew: a rule decides about what nobody hinted at. Nothing is read here.
"""

from __future__ import annotations

from typing import NamedTuple, final

from mega_cli.paths.ignore import Rules
from mega_cli.reconcile.nodes import NodeId, TreeView, path_of
from mega_cli.sync.sighting import Item

Path = tuple[str, ...]


class Met(NamedTuple):
    """What holds in a folder that has a rule file, or whose rules are not known."""

    rules: Rules | None
    """None: not known."""
    data: bytes
    """The rule file."""
    id: NodeId
    item: Item | None
    """What the folder was before it had a row; then its id is not known yet."""


@final
class RulesMet:
    """What holds below each folder."""

    def __init__(self, top: Rules) -> None:
        """Know only what holds at the top before its own file."""
        self._top = top
        self._met: dict[Path, Met] = {}

    def at(self, path: Path) -> Met | None:
        """Give what was met in a folder; None where nothing of its own holds."""
        return self._met.get(path)

    def note(self, path: Path, met: Met | None) -> None:
        """Note what holds in a folder now; None: nothing of its own."""
        if met is None:
            self._met.pop(path, None)
        else:
            self._met[path] = met

    def are_in_place(self, tree: TreeView) -> bool:
        """Tell whether every folder whose rules were met still has its path."""
        return all(
            path == path_of(tree, met.id if met.item is None else met.item.id or b"") for path, met in self._met.items()
        )

    def excludes(self, path: Path, *, is_folder: bool) -> bool:
        """Tell whether rules leave out what lies, or would lie, at a path; below a folder of unknown rules, yes."""
        rules = self._top
        for depth, name in enumerate(path, 1):
            if self._met and (met := self._met.get(path[: depth - 1])) is not None:
                if met.rules is None:
                    return True
                rules = met.rules
            if rules.excludes(name, is_folder or depth < len(path)):
                return True
            rules = rules.below(name)
        return False
