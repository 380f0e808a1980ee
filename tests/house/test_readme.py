"""The README's commands run as printed, and what it points at exists.

They run in a copy of the project with an empty home. The packages that pip would fetch are those this interpreter has:
the download itself is all that is not covered.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

import pytest

from tests.house.source import ROOT, modules
from tests.house.test_floors import FLOORS

if sys.platform == "win32":
    pytest.skip("the README speaks to a POSIX shell", allow_module_level=True)

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = ("Makefile", "README.md", "LICENSE", "setup.cfg", "pyproject.toml", "docs", "mega_cli", "mega_server")
BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>.+?) -->\n)?```sh\n(?P<commands>.*?)```", re.DOTALL)
POINTER = re.compile(r"^\| [^|]+\? \| `(?P<file>[^`]+)` \| `(?P<name>[^`]+)` \|$", re.MULTILINE)
PORT = "8420"
ANSWERS = (
    f'until "{sys.executable}" -c \'import socket; socket.create_connection(("127.0.0.1", {PORT}))\' 2>/dev/null; '
    "do sleep 0.1; done\n"
)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Show this interpreter's packages, all but the project itself, as one folder."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for package in Path(place).iterdir():
            if not package.name.startswith(("mega_", "__", "pip")):
                (folder / package.name).symlink_to(package)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy the project as a clone would have it."""
    folder = tmp_path / "mega clone"
    folder.mkdir()
    for name in PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture
def environment(tmp_path: Path, packages: Path) -> dict[str, str]:
    """Give a shell an empty home, a password for the questions, and pip no network."""
    home = tmp_path / "home"
    home.mkdir()
    ours = ("MEGA_", "MAKE", "MFLAGS", "RUN_FOLDER", "VIRTUAL_ENV", "PIP_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "HOME": str(home),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(packages),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's spelling of "do not isolate": isolation would fetch setuptools
        "MEGA_PASSWORD": "correct horse battery lamp",
    }


def run(script: str, clone: Path, environment: dict[str, str]) -> str:
    """Run commands as a shell does, without a terminal; give what they printed. What they left running is ended."""
    log = clone.parent / "log"
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-e", "-u", "-c", script],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = shell.wait(timeout=180)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    printed = log.read_text(encoding="utf-8")
    assert code == 0, printed
    return printed


def test_its_commands_run_as_printed(clone: Path, environment: dict[str, str]) -> None:
    """From `make run` in a fresh clone to the last command by hand; only the port is another one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    quickstart, server, *by_hand = [found["commands"] for found in BLOCK.finditer(README) if not found["reason"]]
    assert server.rstrip().endswith("&")

    first = run(quickstart, clone, environment)
    printed = run("".join([server, ANSWERS, *by_hand]).replace(PORT, port), clone, environment)

    assert "equal in content, modes, links and nanosecond times" in first
    assert "words" in printed
    fetched = Path(environment["HOME"]) / "copy-of-docs"
    assert (fetched / "README.md").read_text(encoding="utf-8") == README
    assert (fetched / "formats" / "page.md").read_bytes() == (ROOT / "docs" / "formats" / "page.md").read_bytes()


def test_every_block_of_commands_is_seen() -> None:
    """A block in another spelling would be neither run nor excused."""
    assert README.count("```") == 2 * len(list(BLOCK.finditer(README)))


def test_where_to_look_names_what_exists() -> None:
    """Each question is answered with a file and a function or class in it."""
    pointers = [(found["file"], found["name"]) for found in POINTER.finditer(README)]
    by_path = {module.path: module.tree for top in FLOORS for module in modules(top)}

    assert len(pointers) == README.count("? | `")
    assert [(file, name) for file, name in pointers if not _defines(by_path[file], name.split("."))] == []


@pytest.mark.parametrize(
    "question",
    [
        "Where is a page encoded?",
        "Where is a commit decided",
        "Where is a blob verified?",
        "Where does an error get its exit code?",
    ],
)
def test_it_answers_what_a_stranger_asks_first(question: str) -> None:
    """The four questions stand in the table."""
    assert f"| {question}" in README


def _defines(tree: ast.AST, names: list[str]) -> bool:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == names[0]:
            return len(names) == 1 or _defines(node, names[1:])
    return False


@pytest.mark.parametrize("top", FLOORS)
def test_the_table_of_floors_is_whole(top: str) -> None:
    """Every room stands in the architecture table."""
    table = README.partition("## Architecture")[2].partition("Where to look")[0]
    column = 2 if top == "mega_cli" else 3
    cells = " ".join(line.split("|")[column] for line in table.splitlines() if line.count("|") == 4)
    named = set(re.findall(r"`(\w+)`", cells))

    assert {room for rooms in FLOORS[top] for room in rooms} - {"__main__"} == named
