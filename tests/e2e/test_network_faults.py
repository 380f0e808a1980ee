"""A network and a server that fail: the right exit code, a sentence that helps, nothing lost, and the next run goes on.

The client is the real one, in this process so that nobody waits for its back-off; the server is the real one behind a
proxy that fails on purpose.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.api.retry import Retry
from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.model import MIB
from mega_cli.state.session import save_session
from mega_server.protocol import limits
from tests.kit.device import Device, Ran
from tests.kit.forge import fixed
from tests.kit.hostile_server import Answer, Call, Forward, HostileServer, Lie, instead, refusal
from tests.kit.server import LiveServer

SIZE = 9 * MIB
PASSWORD = "a long password of many words 77"


class Bench:
    """A server, the proxy before it, and a signed-up device that reaches it through the proxy."""

    def __init__(self, folder: Path, server: LiveServer, proxy: HostileServer) -> None:
        self.folder = folder
        self.server = server
        self.proxy = proxy
        self.device = Device(folder / "home")
        (folder / "password").write_text(PASSWORD)
        self.login_words = ("--server", proxy.url, "--password-file", str(folder / "password"))
        ran = self.device.mega("signup", *self.login_words, "--recovery-kit", str(folder / "kit"), "alice")
        assert ran.code == 0, ran.err


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Start everything once."""
    folder = tmp_path_factory.mktemp("faults")
    with LiveServer(folder / "data") as server, HostileServer(server.url) as proxy:
        yield Bench(folder, server, proxy)


@pytest.fixture
def waits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Note the pauses in place of making them; a stalled server is given up after 0.3 s; then be honest again."""
    noted: list[float] = []
    defaults = Retry.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "sleep", noted.append)
    monkeypatch.setenv("MEGA_TIMEOUT", "0.3")
    yield noted
    bench.proxy.be_honest()


@pytest.fixture
def stall() -> Iterator[threading.Event]:
    """Let stalled answers go at the end."""
    event = threading.Event()
    yield event
    event.set()


def never(event: threading.Event) -> Lie:
    """Answer nothing at all."""

    def lie(_call: Call, _forward: Forward) -> Answer:
        event.wait(30)
        return Answer(503, (), b"")

    return lie


def stalled(event: threading.Event) -> Lie:
    """Stop in the middle of the real answer's body."""

    def lie(_call: Call, forward: Forward) -> Answer:
        honest = forward()
        return replace(honest, body=honest.body[: len(honest.body) // 2], stall=event)

    return lie


def cut(_call: Call, forward: Forward) -> Answer:
    """Break the connection in the middle of the real answer's body."""
    honest = forward()
    return replace(honest, body=honest.body[: len(honest.body) // 2], is_cut=True)


FAULTS = {
    "an error of a proxy": instead(b"<html>bad gateway</html>", 502),
    "an error of the server": refusal("internal", 500),
    "busy": refusal("unavailable", 503),
    "busy, for so long": refusal("unavailable", 503, retry_after_s=7),
    "too many requests": instead(b"", 429, Retry_After="3"),
    "a cut": cut,
}
ROUTES = {"put": "/packs$", "get": "/blobs$"}


def lie_of(name: str, stall: threading.Event) -> Lie:
    """Find a fault by its name."""
    return {"never an answer": never(stall), "a stall": stalled(stall), **FAULTS}[name]


def run(bench: Bench, command: str, folder: Path, name: str) -> Ran:
    """Put a file of two packs, or get it into `folder`."""
    if command == "put":
        return bench.device.mega("put", str(folder / name), "/")
    return bench.device.mega("get", f"/{name}", str(folder / "out"))


def prepared(bench: Bench, command: str, folder: Path, name: str) -> bytes:
    """Make the file, and store it if it is to be fetched."""
    data = fixed(f"{command} {name}", SIZE)
    (folder / name).write_bytes(data)
    (folder / "out").mkdir()
    if command == "get":
        assert bench.device.mega("put", str(folder / name), "/").code == 0
    return data


def arrived(bench: Bench, folder: Path, name: str) -> bytes:
    """Read the file back, from the disk if it was fetched."""
    there = folder / "out" / name
    return there.read_bytes() if there.exists() else bench.device.mega("cat", f"/{name}").out


@pytest.mark.parametrize("command", ["put", "get"])
@pytest.mark.parametrize("fault", [*FAULTS, "never an answer", "a stall"])
def test_a_fault_that_passes_costs_a_pause(
    bench: Bench, waits: list[float], stall: threading.Event, tmp_path: Path, command: str, fault: str
) -> None:
    """Two failures: the run succeeds, says what it waited for, and the content is whole."""
    name = f"passes {fault}"
    data = prepared(bench, command, tmp_path, name)
    bench.proxy.lie("POST", ROUTES[command], lie_of(fault, stall), times=2)

    ran = run(bench, command, tmp_path, name)

    assert (ran.code, len(waits)) == (0, 2), ran.err
    assert "mega: waiting: " in ran.err
    assert arrived(bench, tmp_path, name) == data


@pytest.mark.parametrize("command", ["put", "get"])
@pytest.mark.parametrize("fault", [*FAULTS, "never an answer", "a stall"])
@pytest.mark.usefixtures("waits")
def test_a_fault_that_stays_ends_the_run(
    bench: Bench, stall: threading.Event, tmp_path: Path, command: str, fault: str
) -> None:
    """Exit 5, a hint, no traceback, nothing under its final name; afterwards the same command goes on."""
    name = f"stays {fault}"
    data = prepared(bench, command, tmp_path, name)
    bench.proxy.lie("POST", ROUTES[command], lie_of(fault, stall))
    ran = run(bench, command, tmp_path, name)
    left = [path.name for path in (tmp_path / "out").iterdir() if not is_partial_name(path.name.encode())]
    assert (ran.code, left) == (5, []), ran.err
    assert "mega: hint: " in ran.err
    assert "Traceback" not in ran.err

    bench.proxy.be_honest()
    assert run(bench, command, tmp_path, name).code == 0
    assert arrived(bench, tmp_path, name) == data


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (instead(b"<html>too large</html>", 413), 8),
        (refusal("too_large", 413), 8),
        (refusal("quota_exceeded", 507), 8),
        (refusal("forbidden", 403), 13),
        (refusal("unauthorized", 401), 12),
    ],
)
def test_a_refusal_is_not_tried_again(bench: Bench, waits: list[float], tmp_path: Path, lie: Lie, code: int) -> None:
    """Waiting mends nothing: the exit code says what is the matter."""
    prepared(bench, "put", tmp_path, "refused")
    bench.proxy.lie("POST", "/packs$", lie)

    ran = run(bench, "put", tmp_path, "refused")

    assert (ran.code, waits) == (code, []), ran.err


def test_a_pause_that_is_asked_for_is_made(bench: Bench, waits: list[float]) -> None:
    """Retry-After is a lower bound; a longer one than a minute ends the run."""
    bench.proxy.lie("GET", "/head$", refusal("unavailable", 503, retry_after_s=7), times=1)
    assert bench.device.mega("ls").code == 0
    bench.proxy.lie("GET", "/head$", refusal("unavailable", 503, retry_after_s=3600))
    assert bench.device.mega("ls").code == 5

    assert len(waits) == 1
    assert waits[0] >= 7


@pytest.mark.usefixtures("waits")
def test_programs_are_told_what_a_run_waits_for(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `status` line of `--json` carries the reason as long as it holds."""
    prepared(bench, "put", tmp_path, "told")
    monkeypatch.setattr("mega_cli.output.displays.JsonDisplay.interval_s", 0.01)
    bench.proxy.lie("POST", "/packs$", refusal("unavailable", 503), times=3)
    defaults = Retry.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "sleep", lambda _s: threading.Event().wait(0.1))

    ran = bench.device.mega("put", "--json", str(tmp_path / "told"), "/")

    assert ran.code == 0
    assert b'"waiting": "no; trying again in ' in ran.out


def test_a_server_that_is_gone_is_told_soon(bench: Bench, tmp_path: Path) -> None:
    """A real process: four attempts, a sentence, exit 5; back again, the same command goes on."""
    (tmp_path / "file").write_bytes(b"content")
    home = bench.device.copy(tmp_path / "home")
    with HostileServer(bench.server.url) as gone:
        save_session(home.state.session_file, replace(home.session, server_url=gone.url))

    ran = home.run("put", str(tmp_path / "file"), "/gone")

    assert ran.code == 5
    assert "cannot be reached; trying again" in ran.err
    assert "mega: hint: no server runs there; start it:" in ran.err
    assert bench.device.run("put", str(tmp_path / "file"), "/gone").code == 0


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("command", ["ls", "put", "login"])
def test_a_newer_server_is_refused(bench: Bench, tmp_path: Path, command: str) -> None:
    """An answer of protocol version 2: exit 17, and which side speaks what."""
    (tmp_path / "file").write_bytes(b"content")
    words = {"ls": (), "put": (str(tmp_path / "file"), "/"), "login": ("alice", *bench.login_words)}[command]

    def newer(_call: Call, forward: Forward) -> Answer:
        honest = forward()
        kept = tuple(pair for pair in honest.headers if pair[0].lower() != "x-mega-version")
        return replace(honest, headers=(*kept, ("X-Mega-Version", "2")))

    for method in ("GET", "POST"):
        bench.proxy.lie(method, "", newer)
    ran = bench.device.mega(command, *words)

    assert ran.code == 17
    assert "the server speaks protocol version 2, this client 1" in ran.err


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("command", ["ls", "put", "login"])
def test_a_newer_client_is_refused(bench: Bench, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's refusal of version 2 reads the same on the other side: exit 17."""
    (tmp_path / "file").write_bytes(b"content")
    words = {"ls": (), "put": (str(tmp_path / "file"), "/"), "login": ("alice", *bench.login_words)}[command]
    monkeypatch.setattr(limits, "PROTOCOL_MAJOR", 2)

    ran = bench.device.mega(command, *words)

    assert ran.code == 17
    assert "the server speaks protocol version 1, this client 2" in ran.err
    assert bench.proxy.answers[-1].status == 426


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_a_day_off_changes_nothing(
    bench: Bench, tmp_path: Path, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Login, put, put again and get go on; the second put reads nothing anew, the file keeps its time."""
    import time  # noqa: PLC0415 -- replaced here

    real_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + days * 86_400 * 10**9)
    source = tmp_path / f"file{days}"
    source.write_bytes(b"content")
    device = Device(tmp_path / "home")

    assert device.mega("login", "alice", *bench.login_words).code == 0
    assert device.mega("put", str(source), "/").code == 0
    again = device.mega("put", str(source), "/")
    assert device.mega("get", f"/{source.name}", str(tmp_path / "out")).code == 0

    assert b"1 unchanged" in again.out
    assert (tmp_path / "out").read_bytes() == b"content"
    assert (tmp_path / "out").stat().st_mtime_ns == source.stat().st_mtime_ns
