"""Taps: every call of this process that touches disk, SQLite or network passes a watcher first, and once more after.

Disk calls are seen below `roots` only, whoever makes them: `os`, `pathlib`, `io` (through `_pyio`, which is `io` in
Python and does its work by `os`). SQLite is seen by statement. A watcher may note a call, raise in its place, or end
the process. Import the product before tapping: it asks `os` at import what the system can do. Linux only.
"""

from __future__ import annotations

import importlib
import io
import os
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, NamedTuple, Protocol

import httpx

Place = Literal["disk", "database", "http"]
Put = Callable[[object, str, object], None]
"""Replaces an attribute: `setattr`, or `MonkeyPatch.setattr` to take it back."""

_PYIO: Final[Any] = importlib.import_module("_pyio")  # typeshed does not describe it
_BY_PATH = ("open", "mkdir", "rmdir", "unlink", "remove", "chmod", "utime", "truncate", "scandir", "listdir", "stat")
_BY_TWO_PATHS = ("rename", "replace", "link", "symlink")
_BY_DESCRIPTOR = ("write", "read", "pread", "fsync", "ftruncate")
_READS = frozenset({"read", "pread", "scandir", "listdir", "stat", "SELECT", "PRAGMA"})


class Call(NamedTuple):
    """One call. `paths` are absolute; a descriptor's path is the one it was opened by."""

    place: Place
    name: str
    paths: tuple[str, ...] = ()
    arguments: tuple[Any, ...] = ()
    connection: sqlite3.Connection | None = None

    @property
    def only_reads(self) -> bool:
        """Whether it leaves everything as it is."""
        reads = self.name in _READS
        if self.place == "disk" and self.name == "open":
            reads = not self.arguments[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return reads


class Watcher(Protocol):
    """Sees every call."""

    def before(self, call: Call) -> None:
        """See a call that is about to be made; raise in its place."""

    def after(self, call: Call, result: object) -> None:
        """See what a call gave; raise after its effect."""


def install(watcher: Watcher, roots: Iterable[str], put: Put = setattr) -> None:
    """Have `watcher` see every call from now on."""
    below = tuple(_absolute(root) + "/" for root in roots)
    for name in (*_BY_PATH, *_BY_TWO_PATHS, *_BY_DESCRIPTOR):
        _tap_os(watcher, name, below, put)
    put(io, "open", _PYIO.open)
    put(io, "FileIO", _PYIO.FileIO)
    connect = sqlite3.connect

    def tapped_connect(database: Any, *arguments: Any, **named: Any) -> Any:
        if _absolute(database).startswith(below):
            named["factory"] = type("Tapped", (_TappedConnection,), {"watcher": watcher})
        return connect(database, *arguments, **named)

    put(sqlite3, "connect", tapped_connect)
    put(sqlite3.dbapi2, "connect", tapped_connect)
    handle = httpx.HTTPTransport.handle_request

    def tapped_handle(transport: httpx.HTTPTransport, request: httpx.Request) -> Any:
        call = Call("http", f"{request.method} {request.url.path}")
        return _watched(watcher, call, lambda: handle(transport, request))

    put(httpx.HTTPTransport, "handle_request", tapped_handle)


def _watched(watcher: Watcher, call: Call, make: Callable[[], Any]) -> Any:
    watcher.before(call)
    result = make()
    watcher.after(call, result)
    return result


def _tap_os(watcher: Watcher, name: str, below: tuple[str, ...], put: Put) -> None:
    real = getattr(os, name)

    def tapped(*arguments: Any, **named: Any) -> Any:
        paths = _paths(name, arguments, named)
        if not any((path + "/").startswith(below) for path in paths):
            return real(*arguments, **named)
        return _watched(watcher, Call("disk", name, paths, arguments), lambda: real(*arguments, **named))

    for features in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if real in features:
            features.add(tapped)
    put(os, name, tapped)


def _paths(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[str, ...]:
    """Say which paths a call is about; a symbolic link's text is none."""
    if name == "symlink":
        return (_path(arguments[1], named.get("dir_fd")),)
    if name in _BY_TWO_PATHS:
        return _path(arguments[0], named.get("src_dir_fd")), _path(arguments[1], named.get("dst_dir_fd"))
    return (_path(arguments[0] if arguments else ".", named.get("dir_fd")),)


def _path(target: Any, folder: int | None) -> str:
    if isinstance(target, int):
        try:
            return os.readlink(f"/proc/self/fd/{target}")  # noqa: PTH115 -- Path would call what is tapped
        except OSError:
            return ""
    text = os.fsdecode(target)
    if folder is not None and not text.startswith("/"):
        text = _path(folder, None) + "/" + text
    return _absolute(text)


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 -- follows no link


class _TappedCursor(sqlite3.Cursor):
    """A cursor whose statements are seen."""

    connection: _TappedConnection

    def execute(self, statement: str, parameters: Any = (), /) -> Any:
        run = super().execute
        return self.connection.see(statement, lambda: run(statement, parameters))

    def executemany(self, statement: str, parameters: Any, /) -> Any:
        run = super().executemany
        return self.connection.see(statement, lambda: run(statement, parameters))


class _TappedConnection(sqlite3.Connection):
    """A connection whose statements are seen."""

    watcher: Watcher

    def see(self, statement: str, run: Callable[[], Any]) -> Any:
        """Pass a statement by the watcher, under its first word."""
        call = Call("database", statement.split(None, 1)[0].upper(), (), (statement,), self)
        return _watched(self.watcher, call, run)

    def cursor(self, factory: Any = _TappedCursor) -> Any:
        return super().cursor(factory)

    def execute(self, statement: str, parameters: Any = (), /) -> Any:
        return self.cursor().execute(statement, parameters)

    def executemany(self, statement: str, parameters: Any, /) -> Any:
        return self.cursor().executemany(statement, parameters)

    def executescript(self, script: str, /) -> Any:
        run = super().executescript
        return self.see(script, lambda: run(script))

    def commit(self) -> None:
        self.see("COMMIT", super().commit)

    def rollback(self) -> None:
        self.see("ROLLBACK", super().rollback)
