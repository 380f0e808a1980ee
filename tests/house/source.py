"""The project's own Python files, read as text, trees and comments, for the tests of the house."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, its path from the top, and its text."""

    name: str
    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Parse it."""
        return _parse(self.text)

    @property
    def room(self) -> str:
        """Name the package or file directly below the top package, where floors are kept."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def is_package(self) -> bool:
        """Say whether it is an `__init__`."""
        return self.path.endswith("__init__.py")

    def comments(self) -> Iterator[tuple[int, str]]:
        """Yield line numbers and comments; what only looks like one inside a string is left out."""
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def imported(self) -> Iterator[tuple[int, str]]:
        """Yield line numbers and dotted names of all imports, those inside functions too.

        `from a import b` gives both `a` and `a.b`, since b may be a module.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{self.path}:{node.lineno}: imports are absolute"
                yield node.lineno, node.module or ""
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def modules(top: str) -> tuple[Module, ...]:
    """Read all modules below a top package."""
    return tuple(
        Module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"),
            path.relative_to(ROOT).as_posix(),
            path.read_text(encoding="utf-8"),
        )
        for path in sorted((ROOT / top).rglob("*.py"))
    )


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)
