"""RemotePath: where something lies in the volume. It cannot be wrong, and it cannot leave its root.

Text from users is parsed here and nowhere else. It must never be turned into a disk path: `name_to_disk` does that,
name by name.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, final

from mega_cli.errors import UsageError
from mega_cli.paths.names import check_name, name_from_disk


@final
@dataclass(frozen=True, slots=True, repr=False)
class RemotePath:
    """The names from the root down; none at all is the root itself."""

    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every name. Raises UsageError or LimitError."""
        for part in self.parts:
            check_name(part)

    @classmethod
    def parse(cls, text: str) -> RemotePath:
        """Read a path as a user types it: `a/b`, `/a//b/`, `.`; `..` stops at the root; nothing is the root.

        Bytes of the command line that are not UTF-8 (lone surrogates) find the escaped name that a put gave them.
        Raises UsageError or LimitError.

        >>> str(RemotePath.parse("a//b/../../../c/"))
        '/c'
        """
        parts: list[str] = []
        for part in text.split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in {"", "."}:
                parts.append(_typed_name(part))
        return cls(tuple(parts))

    @property
    def name(self) -> str:
        """The last name; empty for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> RemotePath:
        """The folder it lies in; the root's is the root."""
        return RemotePath(self.parts[:-1])

    @property
    def is_root(self) -> bool:
        """Whether it is the root."""
        return not self.parts

    def child(self, name: str) -> RemotePath:
        """Go down to `name`. Raises UsageError or LimitError if that is no name."""
        return RemotePath((*self.parts, name))

    def is_within(self, folder: RemotePath) -> bool:
        """Tell whether it is `folder` or lies below it."""
        return self.parts[: len(folder.parts)] == folder.parts

    def __str__(self) -> str:
        """Write it as the user sees it, from the root: `/a/b`."""
        return "/" + "/".join(self.parts)

    def __repr__(self) -> str:
        """Show no name: names are secrets of the user."""
        return f"RemotePath(<{len(self.parts)} names>)"


ROOT: Final = RemotePath()
"""The top of the user's files."""


def _typed_name(part: str) -> str:
    """Bring a typed name into its remote form. Raises UsageError or LimitError."""
    try:
        part.encode()
    except UnicodeEncodeError:
        try:
            return name_from_disk(part.encode("utf-8", "surrogateescape"))[0]
        except UnicodeEncodeError:
            msg = "a path is not valid Unicode text"
            raise UsageError(msg, "type the path again") from None
    return unicodedata.normalize("NFC", part)
