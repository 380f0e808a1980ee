"""The life of an account with real processes: a new password, a lost device, the kit, a kill at the worst moment."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.formats.recovery_kit import read_kit
from tests.kit.device import Device, Ran
from tests.kit.forge import fixed
from tests.kit.hostile_server import Answer, Call, Forward, HostileServer
from tests.kit.server import LiveServer

FILES = {"first.bin": 100_000, "folder/second.bin": 700, "folder/below/third.bin": 300_000, "empty": 0}
KILLED = -9


@dataclass
class Life:
    """One account at a server, and what its owner has: a folder with passwords and kits."""

    proxy: HostileServer
    folder: Path
    name: str
    passwords: int = 0

    @property
    def where(self) -> tuple[str, ...]:
        """Name the account and its server."""
        return (self.name, "--server", self.proxy.url)

    def password(self, number: int) -> str:
        """Give the file of a password; each number is another one."""
        path = self.folder / f"password-{number}"
        path.write_text(f"a long password of many words {number}\n")
        return str(path)

    def device(self, name: str) -> Device:
        """Name a device."""
        return Device(self.folder / name)

    def login(self, device: Device, number: int) -> int:
        """Log in with a password, and give the exit code."""
        return device.run("login", *self.where, "--password-file", self.password(number)).code

    def recover(self, device: Device, kit: Path, number: int, new_kit: Path) -> Ran:
        """Come back with a kit, to another password."""
        return device.run(*self.recover_words(kit, number, new_kit))

    def recover_words(self, kit: Path, number: int, new_kit: Path) -> tuple[str, ...]:
        """Write the command."""
        kits = ("--kit-file", str(kit), "--recovery-kit", str(new_kit))
        return ("recover", *self.where, *kits, "--new-password-file", self.password(number))

    def passwd_words(self, present: int, new: int) -> tuple[str, ...]:
        """Write the command."""
        files = ("--password-file", self.password(present), "--new-password-file", self.password(new))
        return ("passwd", *files)

    def kill_at_the_change(self, device: Device, words: tuple[str, ...], *, is_done: bool) -> None:
        """Kill the command when its change is asked for: before the server hears of it, or right after it did it."""
        started = threading.Event()
        running: list[subprocess.Popen[bytes]] = []

        def kill(_call: Call, forward: Forward) -> Answer:
            answer = forward() if is_done else Answer(503, (), b"")
            assert started.wait(30)
            running[0].kill()
            running[0].wait(30)
            return answer

        self.proxy.lie("PUT", "/slots$", kill, times=1)
        with device.start(*words) as process:
            running.append(process)
            started.set()
            process.communicate(timeout=60)
        self.proxy.be_honest()
        assert process.returncode == KILLED


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileServer]:
    """Start a server, and a proxy before it that is honest unless a test kills someone."""
    data = tmp_path_factory.mktemp("server")
    with LiveServer(data / "data", "--signup", "open") as server, HostileServer(server.url) as between:
        yield between


@pytest.fixture
def life(proxy: HostileServer, tmp_path: Path, request: pytest.FixtureRequest) -> Life:
    """Sign up, with password 1 and `kit`, on the device `first`."""
    name = f"a{abs(hash(request.node.name)) % 10**9}"
    made = Life(proxy, tmp_path, name)
    words = ("--password-file", made.password(1), "--recovery-kit", str(tmp_path / "kit"))
    ran = made.device("first").run("signup", *made.where, *words)
    assert ran.code == 0, ran.err
    return made


def test_a_password_is_changed_a_device_lost_and_everything_comes_back(life: Life, tmp_path: Path) -> None:
    """Put, passwd, the other device out (12), the device lost, recovered with the kit, every byte compared."""
    source = tmp_path / "source"
    for name, size in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(fixed(name, size))
    first, second = life.device("first"), life.device("second")
    assert first.run("put", str(source), "/").code == 0
    assert life.login(second, 1) == 0

    changed = first.run(*life.passwd_words(1, 2))
    assert changed.code == 0, changed.err
    ended = second.run("ls")
    assert ended.code == 12
    assert "mega login" in ended.err
    assert life.login(second, 1) == 12
    assert life.login(second, 2) == 0
    assert first.run("ls").code == 0

    shutil.rmtree(first.home)
    fresh = life.device("fresh")
    recovered = life.recover(fresh, tmp_path / "kit", 3, tmp_path / "new-kit")
    assert recovered.code == 0, recovered.err
    assert second.run("ls").code == 12
    got = fresh.run("get", "/source", str(tmp_path / "got"))
    assert got.code == 0, got.err
    for name in FILES:
        assert (tmp_path / "got" / name).read_bytes() == (source / name).read_bytes()
    assert (tmp_path / "new-kit").stat().st_mode & 0o777 == 0o600
    assert life.recover(life.device("x"), tmp_path / "kit", 4, tmp_path / "never").code == 12
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(("is_done", "right"), [(False, 1), (True, 2)])
def test_a_killed_passwd_leaves_one_password(life: Life, *, is_done: bool, right: int) -> None:
    """Killed before or after the server changed it: exactly one of the two passwords opens the account."""
    life.kill_at_the_change(life.device("first"), life.passwd_words(1, 2), is_done=is_done)

    assert {number for number in (1, 2) if life.login(life.device("second"), number) == 0} == {right}
    assert life.device("first").run("ls").code == 0


@pytest.mark.parametrize("is_done", [False, True])
def test_a_killed_recover_leaves_one_kit(life: Life, tmp_path: Path, *, is_done: bool) -> None:
    """Both kits are on the disk, whole; the one that the server knows recovers the account, and its password works."""
    fresh = life.device("fresh")
    words = life.recover_words(tmp_path / "kit", 2, tmp_path / "kit-2")
    life.kill_at_the_change(fresh, words, is_done=is_done)

    assert read_kit((tmp_path / "kit-2").read_text()).account == life.name
    assert {number for number in (1, 2) if life.login(life.device("second"), number) == 0} == {2 if is_done else 1}
    right, void = ("kit-2", "kit") if is_done else ("kit", "kit-2")
    assert life.recover(fresh, tmp_path / void, 3, tmp_path / "kit-3").code == 12
    assert life.recover(fresh, tmp_path / right, 3, tmp_path / "kit-3").code == 0
    assert fresh.run("ls").code == 0


def test_a_recover_whose_answer_is_lost_asks_again(life: Life, tmp_path: Path) -> None:
    """The server did it, the answer was cut: the same request again is a success, and the command never knew."""
    life.proxy.lie("PUT", "/slots$", lambda _call, forward: _cut(forward()), times=1)
    fresh = life.device("fresh")

    ran = life.recover(fresh, tmp_path / "kit", 2, tmp_path / "kit-2")
    assert ran.code == 0, ran.err
    assert life.login(life.device("second"), 2) == 0


def _cut(answer: Answer) -> Answer:
    assert answer.status == 204
    return Answer(200, answer.headers, b"", is_cut=True)
