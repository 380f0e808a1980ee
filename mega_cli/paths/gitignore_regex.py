"""Gitignore lines as regular expressions: pathspec's, made to take time in proportion to the path.

pathspec writes `[^/]*` for each star and leaves the rest to backtracking, so a line of thirty stars never ends on a
name that is made for it. Here every star but the last is settled by the first match of what follows it, which finds the
same: an earlier match leaves more room for the rest.
"""

from __future__ import annotations

from typing import Final

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_STAR: Final = "[^/]*"
_ANY_FOLDERS: Final = "(?:/.+)?"
"""`/**/` within a line."""
_ANY_START: Final = "^(?:.+/)?"
"""`**/` at the start of a line, written there or meant."""
_FOLDER: Final = "(?P<ps_d>/)"
_FOLDER_OR_END: Final = f"(?:{_FOLDER}|$)"


class LinearPattern(GitIgnoreSpecPattern):
    """A line of gitignore, for `GitIgnoreSpec.from_lines`, that no path can keep busy."""

    __slots__ = ()

    @classmethod
    def pattern_to_regex(cls, pattern: str) -> tuple[str | None, bool | None]:  # type: ignore[override]  # text only
        """Translate; the second value tells whether a match leaves out or, after `!`, takes in. Raises ValueError."""
        regex, leaves_out = super().pattern_to_regex(pattern)
        return (None if regex is None else "(?s)" + linear(regex)), leaves_out


def linear(regex: str) -> str:
    """Let a regex of pathspec match the same without trying every way to share a path among its stars.

    >>> linear("^a[^/]*b[^/]*c$")
    '^a(?>[^/]*?b)[^/]*c$'
    """
    first, *rest = (_linear_stars(block) for block in regex.split(_ANY_FOLDERS))
    if not rest:
        return first
    if first.startswith(_ANY_START):
        first = f"^(?>(?:.+?/)??{first.removeprefix(_ANY_START)}(?=/))"
    *inner, last = rest
    return first + "".join(f"(?>(?:/.+?)??{block}(?=/))" for block in inner) + _ANY_FOLDERS + last


def own_match(line: str) -> tuple[str, bool, bool] | None:
    """Translate a line for one item asked by itself, in folders that were asked before it; None if it says nothing.

    Gives a regex to search for, whether it is asked of the item's name alone (else of its path from the rules' folder
    down), and whether a match leaves out. A folder is asked with a `/` at its end. Raises ValueError.
    """
    regex, leaves_out = GitIgnoreSpecPattern.pattern_to_regex(line)
    if regex is None or leaves_out is None:
        return None
    if regex.endswith(_FOLDER_OR_END):
        regex, end = regex.removesuffix(_FOLDER_OR_END), r"/?\Z"
    elif regex.endswith(_FOLDER) and regex != _FOLDER and line.rstrip().endswith("/**/"):
        regex, end = regex.removesuffix(_FOLDER), r"/.+/\Z"  # pathspec lets it match the folder itself, git does not
    elif regex.endswith(_FOLDER):
        regex, end = regex.removesuffix(_FOLDER), r"/\Z"
    else:  # what lies below a folder, never the folder itself; or "." for everything
        end = "." if regex.endswith("/") else ""
    rest = regex.removeprefix(_ANY_START)
    is_floating = rest != regex or not regex.startswith("^")
    is_of_name = is_floating and not end.startswith("/.+") and "/" not in rest.replace("[^/]", "")
    if is_of_name and rest != regex:
        regex = "^" + rest
    return f"(?s){linear(regex)}{end}", is_of_name, leaves_out


def _linear_stars(block: str) -> str:
    """Settle the stars of a block that always spans the same number of names."""
    first, *rest = block.split(_STAR)
    if not rest:
        return first
    *inner, last = rest
    return first + "".join(f"(?>{_STAR}?{literal})" for literal in inner) + _STAR + last
