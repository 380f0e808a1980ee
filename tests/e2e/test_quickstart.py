"""The first minute of a new user: `mega quickstart`, again, and every command it suggests."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
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


def test_on_a_terminal_it_asks_twice_and_stays_until_ctrl_c(environment: dict[str, str], folder: Path) -> None:
    """The password is not echoed; Ctrl-C stops the server in order, exit 0."""
    import pty  # noqa: PLC0415 -- Windows has none

    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, "-m", "mega_cli", "quickstart", str(folder)], environment)
    answers = [(b"New password", PASSWORD + "\n"), (b"Once more", PASSWORD + "\n"), (b"until Ctrl-C", "\x03")]
    shown, answered = b"", 0
    while piece := _read(terminal):
        shown += piece
        if answers and answers[0][0] in shown[answered:]:
            answered = len(shown)
            os.write(terminal, answers.pop(0)[1].encode())
    _, status = os.waitpid(process, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0, shown.decode()
    assert answers == []
    assert PASSWORD.encode() not in shown
    assert b"the server has stopped" in shown


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
