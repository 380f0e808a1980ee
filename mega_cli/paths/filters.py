"""Filters: what a put or get leaves out, in gitignore syntax. It looks at paths only and must never open a file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from mega_cli.errors import UsageError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

CACHE_TAG_NAME: Final = "CACHEDIR.TAG"
CACHE_TAG: Final = b"Signature: 8a477f597d28d172789f06886806bc55"
"""A folder whose `CACHEDIR.TAG` starts with this is a cache (bford.info/cachedir); its content is left out."""


@final
@dataclass(frozen=True, slots=True)
class Filters:
    """Patterns in gitignore syntax, the last one that matches decides; `Filters()` leaves nothing out.

    As in git, nothing below a folder that is left out can be taken in again. `excludes_caches` is for the scanner: a
    path does not tell whether a folder is a cache.
    """

    patterns: tuple[str, ...] = ()
    excludes_caches: bool = False
    _spec: GitIgnoreSpec | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile the patterns. Raises UsageError for one that means nothing."""
        if self.patterns:
            from pathspec import GitIgnoreSpec  # noqa: PLC0415 -- 38 ms that every run without patterns saves

            from mega_cli.paths.gitignore_regex import LinearPattern  # noqa: PLC0415 -- as above

            try:
                with warnings.catch_warnings():  # sets in brackets, which `re` may read otherwise one day
                    warnings.simplefilter("ignore", FutureWarning)
                    spec = GitIgnoreSpec.from_lines(LinearPattern, self.patterns)
            except (ValueError, re.error) as error:
                msg = f"a pattern cannot be understood: {error}"
                raise UsageError(msg, "patterns are as in git: man gitignore") from None
            object.__setattr__(self, "_spec", spec)

    @classmethod
    def from_options(
        cls,
        exclude: Iterable[str] = (),
        include: Iterable[str] = (),
        *,
        exclude_lines: Iterable[str] = (),
        excludes_caches: bool = False,
    ) -> Filters:
        """Build from `--exclude`, `--include`, the lines of `--exclude-file` and `--exclude-caches`.

        The lines come first, then the exclusions, then the inclusions, so `--include` always wins. Only in lines does
        `#` start a comment. Raises UsageError.
        """
        patterns = [line.rstrip("\r\n") for line in exclude_lines]
        patterns += ["\\" + pattern if pattern.startswith("#") else pattern for pattern in exclude]
        patterns += ["!" + pattern.removeprefix("!") for pattern in include]
        return cls(tuple(patterns), excludes_caches)

    def excludes(self, rel_path: str, is_folder: bool) -> bool:  # noqa: FBT001 -- all that a pattern asks of a path
        """Tell whether to leave out what lies at `rel_path`: names joined by `/`, without one at the start."""
        if self._spec is None:
            return False
        return self._spec.match_file(rel_path + "/" if is_folder else rel_path)


def literal_pattern(rel_path: str) -> str:
    r"""Write the pattern that matches one path and nothing else.

    >>> print(literal_pattern("a/[b] *.txt"))
    /a/\[b]\ \*.txt
    """
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", rel_path)
