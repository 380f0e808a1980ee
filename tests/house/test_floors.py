"""Imports go down only: the floors of the house, as one table.

A room is a package or a file directly below `mega_cli` or `mega_server`. It may import rooms of lower floors, never one
of its own floor or above. Imports inside functions count as well.
"""

from __future__ import annotations

import sys
from typing import Final

import pytest

from tests.house.source import Module, modules

FLOORS: Final = {
    "mega_cli": (  # from the ground up
        ("errors",),
        ("model",),
        ("crypto", "chunking", "paths"),
        ("formats", "reconcile"),
        ("api", "localfs", "state", "system"),
        ("volume",),
        ("account",),  # beside volume in kind: it makes the session that volume works with
        ("share", "sync"),
        ("daemon",),
        ("output",),  # it writes how the daemon stands, too
        ("options",),  # what several commands declare alike
        ("commands",),
        ("main",),
        ("__main__",),
    ),
    "mega_server": (
        ("protocol",),
        ("config", "refusal"),
        ("storage", "database", "logs", "metrics"),
        ("services",),
        ("auth",),
        ("views",),
        ("app",),
        ("serving",),
        ("options",),  # what several commands declare alike
        ("commands",),
        ("cli",),
        ("__main__",),
    ),
}
PURE: Final = ("errors", "model", "crypto", "chunking", "paths", "formats", "reconcile")
IMPURE_MODULES: Final = {
    "asyncio",
    "click",
    "glob",
    "http",
    "httpx",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
DOORS: Final = ("model", "api")
"""The client's rooms that may know the wire contract, `mega_server.protocol`, and through it nothing else."""


def _rank(top: str, room: str) -> int:
    return next(rank for rank, rooms in enumerate(FLOORS[top]) if room in rooms)


def _module_named(top: str, name: str) -> bool:
    return any(module.name == name for module in modules(top))


@pytest.mark.parametrize("top", FLOORS)
def test_every_room_has_its_floor(top: str) -> None:
    """The table names the rooms that exist, each once, and no others."""
    named = [room for rooms in FLOORS[top] for room in rooms]

    assert sorted(named) == sorted({module.room for module in modules(top)} - {""})


@pytest.mark.parametrize("top", FLOORS)
def test_imports_go_down_only(top: str) -> None:
    """A room imports rooms of lower floors, and its own modules."""
    upward = [
        f"{module.path}:{line} imports {name}"
        for module in modules(top)
        if module.room
        for line, name in module.imported()
        if name.startswith(f"{top}.")
        and (room := name.split(".")[1]) != module.room
        and any(room in rooms for rooms in FLOORS[top])
        and _rank(top, room) >= _rank(top, module.room)
    ]

    assert upward == []


@pytest.mark.parametrize("top", FLOORS)
def test_the_top_package_imports_nothing(top: str) -> None:
    """`import mega_cli` and `import mega_server` cost nothing and close no circle."""
    (module,) = (module for module in modules(top) if not module.room)

    assert list(module.imported()) == []


@pytest.mark.parametrize("top", FLOORS)
def test_modules_of_one_room_go_in_circles_nowhere(top: str) -> None:
    """Inside a room too there is an order in which its modules can be read."""
    edges = {
        module.name: {name for _, name in module.imported() if name != module.name and _module_named(top, name)}
        for module in modules(top)
        if not module.is_package
    }
    read: set[str] = set()
    while ready := {name for name in edges.keys() - read if not (edges[name] & edges.keys()) - read}:
        read |= ready

    assert edges.keys() - read == set()


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_does_no_input_or_output(room: str) -> None:
    """A pure room imports nothing that reads a clock, a disk, a socket, a thread or a random number."""
    impure = [
        f"{module.path}:{line} imports {name}"
        for module in modules("mega_cli")
        if module.room == room
        for line, name in module.imported()
        if name.split(".")[0] in IMPURE_MODULES
    ]

    assert impure == []


def test_the_client_knows_the_server_through_two_doors() -> None:
    """Only `mega_cli.model` and `mega_cli.api` import `mega_server`, and only its protocol."""
    found = [
        f"{module.path}:{line} imports {name}"
        for module in modules("mega_cli")
        for line, name in module.imported()
        if name.split(".")[0] == "mega_server"
        and (module.room not in DOORS or not name.startswith("mega_server.protocol"))
    ]

    assert found == []


def test_the_server_knows_nothing_of_the_client() -> None:
    """A server without the client's code works: it never needs a key."""
    found = [
        f"{module.path}:{line} imports {name}"
        for module in modules("mega_server")
        for line, name in module.imported()
        if name.split(".")[0] == "mega_cli"
    ]

    assert found == []


def test_the_contract_is_a_leaf() -> None:
    """`mega_server.protocol` imports the standard library, msgspec and itself."""
    found = [
        f"{module.path}:{line} imports {name}"
        for module in modules("mega_server")
        if module.room == "protocol"
        for line, name in module.imported()
        if name.split(".")[0] not in {"msgspec", *sys.stdlib_module_names}
        and not name.startswith("mega_server.protocol")
    ]

    assert found == []


def test_one_package_of_the_client_imports_nacl() -> None:
    """Keys, seals and signatures are made in `mega_cli.crypto` and nowhere else."""
    assert _rooms_importing("nacl") == {"crypto"}


def test_randomness_for_keys_is_drawn_in_one_module() -> None:
    """The generator of libsodium is called in `mega_cli/crypto/randomness.py`, where tests can watch it."""
    drawing = {
        module.path
        for module in modules("mega_cli")
        for _, name in module.imported()
        if name.split(".")[-1].startswith("randombytes") or name in {"nacl.utils", "nacl.public", "nacl.secret"}
    }

    assert drawing == {"mega_cli/crypto/randomness.py"}


def _rooms_importing(package: str) -> set[str]:
    return {
        module.room for module in modules("mega_cli") for _, name in module.imported() if name.split(".")[0] == package
    }


def test_the_walk_sees_imports_inside_functions() -> None:
    """The table would hold nothing if a late import escaped it."""
    module = Module("mega_cli.x", "mega_cli/x.py", "def f():\n    from mega_cli import main\n")

    assert list(module.imported()) == [(2, "mega_cli"), (2, "mega_cli.main")]
