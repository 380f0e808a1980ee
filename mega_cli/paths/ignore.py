"""Ignore rules: what a sync leaves out, in gitignore syntax, by the `.megaignore` files of the folders above.

It is given names and the bytes of rule files and never opens one. Folders are asked from the top down and nothing
below one that is left out is asked, so nothing there can be taken in again. A rule file that cannot be understood is an
error, never "no rules": what it kept out would be synced.

The rules of one folder, later ones first to decide: this device's own lines; the folder's own `.megaignore`; those of
the folders above, the nearest first; the built-in list. In one file the last line that matches decides.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Self, final

from mega_cli.errors import UsageError

RULE_FILE: Final = ".megaignore"
RULE_FILE_MAX_BYTES: Final = 1 << 20
RULES_MAX: Final = 5_000
"""Rules in one file: every name of the folder is compared with all of them."""
LINE_MAX: Final = 4_096
"""Characters in a rule: no path is longer."""
BUILT_IN: Final = (
    # systems and their file managers
    ".DS_Store",
    "._*",
    "Icon[\r]",  # in brackets, or the line would end before it
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    "Thumbs.db",
    "desktop.ini",
    ".nfs*",
    ".fuse_hidden*",
    # what editors and office programs write while they save
    "~$*",
    ".~*",
    "~*.tmp",
    ".~lock.*#",
    "*.sb-????????-??????",
    "*.swp",
    "4913",
    ".gedit-save-*",
    ".goutputstream-*",
    # downloads under way, ours among them, and other clients
    "*.crdownload",
    "*.part",
    ".syncthing.*.tmp",
    ".dropbox.cache",
)
"""Left out everywhere unless a rule takes it in; not all that starts with a dot, which people want synced."""

_MEGAS_GRAMMAR: Final = re.compile(r"[+-][adfs]?[Nnp]?[GgRr]?:|exclude-(larger|smaller):")


class Rule(NamedTuple):
    """One line, and where it stands: `source` is "built-in", "this device" or the path of a rule file."""

    source: str
    number: int
    """Of the line, from 1."""
    line: str
    leaves_out: bool


@final
class RuleFile:
    """The rules of one file, compiled; shared and never changed."""

    __slots__ = ("_of_name", "_of_path", "_rules")

    def __init__(self, lines: Iterable[str], folds_case: bool) -> None:  # noqa: FBT001 -- how the disk compares names
        """Compile. Raises UsageError for a line that means nothing, or means something else than its writer thinks."""
        self._rules: list[tuple[int, str, re.Pattern[str], bool, bool]] = []
        """Number, line, regex, whether it is asked of the name alone, whether it leaves out; the last line first."""
        sources: tuple[list[str], list[str]] = ([], [])
        for number, line in enumerate(lines, 1):
            found = _understood(number, line, folds_case)
            if found is not None:
                regex, is_of_name, leaves_out = found
                self._rules.append((number, line, regex, is_of_name, leaves_out))
                sources[is_of_name].append(regex.pattern.removeprefix("(?s)"))
        if len(self._rules) > RULES_MAX:
            msg = f"there are more than {RULES_MAX:,} rules"
            raise UsageError(msg, "leave out whole folders instead of their files")
        self._rules.reverse()
        self._of_path, self._of_name = (_any_of(regexes, folds_case) for regexes in sources)

    def last_match(self, prefix: str, asked: str) -> tuple[int, str, bool] | None:
        """Give number, line and verdict (left out?) of the rule that decides, None when none does.

        `prefix` leads from the file's folder down to the item's, empty or with a `/` at its end; `asked` is the item's
        name, with a `/` after a folder's.
        """
        if (self._of_name is None or self._of_name.search(asked) is None) and (
            self._of_path is None or self._of_path.search(prefix + asked) is None
        ):
            return None
        for number, line, regex, is_of_name, leaves_out in self._rules:
            if regex.search(asked if is_of_name else prefix + asked) is not None:
                return number, line, leaves_out
        return None


class _Part(NamedTuple):
    """The rules of one file, as they hold in some folder."""

    rules: RuleFile
    source: str
    prefix: str
    """From the file's folder to this one."""
    is_last: bool
    """It decides before all others, wherever they stand: the device's own lines."""


@final
class Rules:
    """All rules that hold in one folder."""

    __slots__ = ("_parts", "_path")

    def __init__(self, parts: Sequence[_Part], path: str) -> None:
        """Use `at_top` and `below`."""
        self._parts = tuple(parts)
        self._path = path

    @classmethod
    def at_top(cls, device_lines: tuple[str, ...] = (), *, folds_case: bool = False) -> Self:
        """Give the rules of the synced folder before its own file. Raises UsageError for a device's line."""
        parts = [_Part(_compiled(BUILT_IN, folds_case), "built-in", "", is_last=False)]
        if device_lines:
            parts.insert(0, _Part(_compiled(device_lines, folds_case), "this device", "", is_last=True))
        return cls(parts, "")

    def with_file(self, rules: RuleFile) -> Rules:
        """Add the folder's own rule file."""
        at = 1 if self._parts[0].is_last else 0
        own = _Part(rules, self._path + RULE_FILE, "", is_last=False)
        return Rules([*self._parts[:at], own, *self._parts[at:]], self._path)

    def below(self, name: str) -> Rules:
        """Give the rules of a folder in this one, before its own file."""
        parts = [part._replace(prefix=f"{part.prefix}{name}/") for part in self._parts]
        return Rules(parts, f"{self._path}{name}/")

    def excludes(self, name: str, is_folder: bool) -> bool:  # noqa: FBT001 -- all that a rule asks of an item
        """Tell whether to leave out an item of this folder."""
        asked = name + "/" if is_folder else name
        for part in self._parts:
            found = part.rules.last_match(part.prefix, asked)
            if found is not None:
                return found[2]
        return False

    def deciding(self, name: str, is_folder: bool) -> Rule | None:  # noqa: FBT001 -- as above
        """Give the rule that decides about an item of this folder, None when none matches it."""
        asked = name + "/" if is_folder else name
        for part in self._parts:
            found = part.rules.last_match(part.prefix, asked)
            if found is not None:
                number, line, leaves_out = found
                return Rule(part.source, number, line, leaves_out)
        return None


def read_rule_file(data: bytes, *, folds_case: bool = False) -> RuleFile:
    """Understand the content of a `.megaignore`. Raises UsageError when it is not to be understood."""
    if len(data) > RULE_FILE_MAX_BYTES:
        msg = "the file is larger than 1 MiB"
        raise UsageError(msg, "leave out whole folders instead of their files")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        msg = "the file is not UTF-8 text"
        raise UsageError(msg, "save it as UTF-8") from None
    return _compiled(tuple(text.split("\n")), folds_case)


@lru_cache(maxsize=256)
def _compiled(lines: tuple[str, ...], folds_case: bool) -> RuleFile:  # noqa: FBT001 -- part of the key
    return RuleFile((line.removesuffix("\n").removesuffix("\r") for line in lines), folds_case)


def _understood(number: int, line: str, folds_case: bool) -> tuple[re.Pattern[str], bool, bool] | None:  # noqa: FBT001 -- as above
    """Compile one line: its regex, whether it is asked of the name alone, whether it leaves out. Raises UsageError."""
    from mega_cli.paths.gitignore_regex import own_match  # noqa: PLC0415 -- pathspec costs 38 ms that few runs need

    if _MEGAS_GRAMMAR.match(line):
        msg = f"line {number} is a rule of MEGA's own client, which mega reads otherwise"
        raise UsageError(msg, "write the rules as in git (man gitignore): for “-:*.tmp” write “*.tmp”")
    if len(line) > LINE_MAX:
        msg = f"line {number} is longer than any path can be"
        raise UsageError(msg, "shorten it")
    try:
        with warnings.catch_warnings():  # sets in brackets, which `re` may read otherwise one day
            warnings.simplefilter("ignore", FutureWarning)
            translated = own_match(unicodedata.normalize("NFC", line))
            if translated is None:
                return None
            source, is_of_name, leaves_out = translated
            return re.compile(source, re.IGNORECASE if folds_case else 0), is_of_name, leaves_out
    except (ValueError, re.error):
        msg = f"line {number} is no rule"
        raise UsageError(msg, "rules are as in git: man gitignore") from None


def _any_of(regexes: list[str], folds_case: bool) -> re.Pattern[str] | None:  # noqa: FBT001 -- as above
    """Compile one regex that tells whether any of them matches: nearly every name matches none."""
    if not regexes:
        return None
    flags = re.DOTALL | re.IGNORECASE if folds_case else re.DOTALL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile("|".join(f"(?:{regex})" for regex in regexes), flags)
