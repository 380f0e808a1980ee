"""The first minute of a new user: `mega quickstart`, again, and every command it suggests."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("process groups and terminals as POSIX has them", allow_module_level=True)

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery lamp"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give a process an empty home of its own."""
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEGA_")}
    return kept | {"HOME": str(tmp_path), "MEGA_HOME": str(tmp_path / "mega home"), "PYTHONPATH": python_path}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with a name that needs quoting and a time with nanoseconds."""
    folder = tmp_path / "my things"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("alpha", encoding="utf-8")
    os.utime(folder / "sub" / "a.txt", ns=(1, 1_700_000_000_123_456_789))
    (folder / "link").symlink_to("sub/a.txt")
    return folder


def quickstart(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run it without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "mega_cli", "quickstart", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def field(name: str, text: str) -> str:
    """Find the line of one field."""
    found = re.search(rf"^{name} +(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def test_twice_is_the_same_account_and_uploads_nothing_twice(environment: dict[str, str], folder: Path) -> None:
    """Without a terminal: exit 0, a generated password shown once, the server gone afterwards, the second run idle."""
    first = quickstart(environment, str(folder))
    second = quickstart(environment, str(folder))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert field("password", first.stdout)
    assert "password" not in second.stdout
    assert field("server", first.stdout) == field("server", second.stdout)
    assert "nothing had to be sent" in field("stored", second.stdout)
    for run in (first, second):
        assert "equal in content, modes, links and nanosecond times" in field("fetched", run.stdout)
    kit = next((Path(environment["MEGA_HOME"])).glob("recovery-kit-*"))
    assert kit.stat().st_mode & 0o777 == 0o600
    with socket.socket() as probe:
        host, _, port = field("server", first.stdout).removeprefix("http://").partition(":")
        assert probe.connect_ex((host, int(port))) != 0


def test_what_it_suggests_works_as_printed(environment: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """The printed lines, pasted into a shell: the server first, in the background, then each command."""
    printed = quickstart(environment, str(folder)).stdout.partition("try next:\n")[2]
    assert printed.count("\n") >= 6

    with (tmp_path / "said").open("w+", encoding="utf-8") as said:
        shell = subprocess.Popen(
            ["bash", "-e"], env=environment, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True
        )
        try:
            shell.communicate(printed.encode(), timeout=120)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
        said.seek(0)
        assert shell.returncode == 0, said.read()

    fetched = Path(environment["HOME"]) / "from-mega" / "sub" / "a.txt"
    assert fetched.read_text(encoding="utf-8") == "alpha"


def test_without_a_terminal_it_mirrors_once(environment: dict[str, str], folder: Path) -> None:
    """What is mega's own in the folder is not stored, and a second run brings what was changed elsewhere."""
    first = quickstart(environment, str(folder))
    assert field("mirrored", first.stdout) == f"{folder} and /my things: nothing to do; up to date"
    with running_server(environment, first.stdout):
        assert mega(environment, "mkdir", "/my things/elsewhere").returncode == 0
        shown = mega(environment, "ls", "-r", "/my things").stdout

    second = quickstart(environment, str(folder))

    assert (second.returncode, second.stderr) == (0, "")
    assert ".mega" not in shown
    assert (folder / ".mega").is_dir()
    assert (folder / "elsewhere").is_dir()
    assert "equal in content, modes, links and nanosecond times" in field("fetched", second.stdout)


def test_what_may_not_be_mirrored_is_stored_all_the_same(environment: dict[str, str], folder: Path) -> None:
    """A folder in one that is mirrored: it is said why, and the rest is as it was; exit 0."""
    assert quickstart(environment, str(folder)).returncode == 0
    inner = quickstart(environment, str(folder / "sub"))

    assert inner.returncode == 0, inner.stderr
    assert "lie in each other" in field("mirrored not:", inner.stdout)
    assert "equal in content, modes, links and nanosecond times" in field("fetched", inner.stdout)


def test_without_a_folder_a_sample_is_stored_and_mirrored(environment: dict[str, str]) -> None:
    """It lies beside MEGA_HOME, never in it."""
    printed = quickstart(environment).stdout
    made = Path(environment["MEGA_HOME"] + "-files") / "sample"

    assert field("listing", printed) == "/sample"
    assert field("mirrored", printed).startswith(f"{made} and /sample: ")
    assert (made / "README.txt").is_file()


def test_on_a_terminal_it_asks_twice_and_stays_until_ctrl_c(environment: dict[str, str], folder: Path) -> None:
    """The password is not echoed; the folder is mirrored; Ctrl-C stops the server in order, exit 0."""
    import pty  # noqa: PLC0415 -- Windows has none

    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, "-m", "mega_cli", "quickstart", str(folder)], environment)
    answers = [(b"New password", PASSWORD + "\n"), (b"Once more", PASSWORD + "\n"), (b"until Ctrl-C", "\x03")]
    shown, answered, listed = b"", 0, ""
    while piece := _read(terminal):
        shown += piece
        if answers and answers[0][0] in shown[answered:]:
            answered = len(shown)
            if len(answers) == 1:
                (folder / "written now").write_text("mirrored", encoding="utf-8")
                listed = listed_until(environment, "/my things", "written now")
            os.write(terminal, answers.pop(0)[1].encode())
    _, status = os.waitpid(process, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0, shown.decode()
    assert answers == []
    assert PASSWORD.encode() not in shown
    assert "written now" in listed
    assert b"the server has stopped" in shown


def mega(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run another command in the same home."""
    return subprocess.run(
        [sys.executable, "-m", "mega_cli", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def listed_until(environment: dict[str, str], path: str, name: str) -> str:
    """List a folder until a name is in it, a hundred times at most."""
    for _ in range(100):
        listed = mega(environment, "ls", path).stdout
        if name in listed:
            break
    return listed


@contextmanager
def running_server(environment: dict[str, str], printed: str) -> Iterator[None]:
    """Start the server that a run suggests to start, while the block lasts."""
    words = shlex.split(printed.partition("try next:\n")[2].splitlines()[0].rstrip("& "))
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        host, _, port = field("server", printed).removeprefix("http://").partition(":")
        try:
            for _ in range(10_000):
                with socket.socket() as probe:
                    probe.settimeout(1)
                    if probe.connect_ex((host, int(port))) == 0:
                        break
            yield
        finally:
            server.terminate()


def _read(terminal: int) -> bytes:
    """Read what is there; nothing once the other side has closed."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_a_port_that_is_taken_is_not_spoken_to(environment: dict[str, str], folder: Path) -> None:
    """Another program on the kept port: exit 11, and it hears no token."""
    assert quickstart(environment, str(folder)).returncode == 0
    port = int((Path(environment["MEGA_HOME"]) / "server-port").read_text(encoding="ascii"))
    heard: list[tuple[str, str | None]] = []

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers.get("Authorization")))
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever).start()
        refused = quickstart(environment, str(folder))
        stranger.shutdown()

    assert refused.returncode == 11, refused.stderr
    assert f"another program holds port {port}" in refused.stderr
    assert heard
    assert {token for _, token in heard} == {None}
