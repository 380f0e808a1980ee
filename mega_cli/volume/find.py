"""What `mega find` looks for: conditions on a single entry. Pure."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field

from mega_cli.formats.page import FILE, Entry


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of them must hold; None asks nothing. Sizes are those of files: no folder or link has one."""

    name: str | None = None
    """A shell pattern for the last name, upper and lower case apart."""
    kind: str | None = None
    least_bytes: int | None = None
    most_bytes: int | None = None
    newer_ns: int | None = None
    """Changed after this moment, in nanoseconds since 1970."""
    older_ns: int | None = None
    """Changed before this moment."""
    _name: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Translate the pattern once."""
        object.__setattr__(self, "_name", None if self.name is None else re.compile(fnmatch.translate(self.name)))

    def match(self, entry: Entry) -> bool:
        """Tell whether an entry is looked for."""
        asks_size = self.least_bytes is not None or self.most_bytes is not None
        return (
            (self.kind is None or entry.kind == self.kind)
            and (self._name is None or self._name.match(entry.name) is not None)
            and (not asks_size or entry.kind == FILE)
            and (self.least_bytes is None or entry.size >= self.least_bytes)
            and (self.most_bytes is None or entry.size <= self.most_bytes)
            and (self.newer_ns is None or entry.mtime_ns > self.newer_ns)
            and (self.older_ns is None or entry.mtime_ns < self.older_ns)
        )
