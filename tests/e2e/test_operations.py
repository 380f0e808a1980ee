"""What an administrator does, with real processes: invites, TLS and renewal, backup, restore, drills, full disks."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mega_cli.model import MIB
from mega_server.protocol import routes
from tests.kit.certificates import Certificates
from tests.kit.device import Device
from tests.kit.server import LiveServer

if sys.platform == "win32":
    pytest.skip("the drills use signals and mounts", allow_module_level=True)

PASSWORD = "a long password of many words 77"
MOST_S = 60


class Alice:
    """A person with devices, whose account is on one server."""

    def __init__(self, folder: Path, server: LiveServer, *options: str, url: str = "") -> None:
        """Sign up."""
        self.folder = folder
        self.told = ("--password-file", str(folder / "password"))
        (folder / "password").write_text(PASSWORD)
        self.device = Device(folder / "home")
        told = ("--server", url or server.url, "--recovery-kit", str(folder / "kit"), *self.told, *options)
        self.ran(self.device, "signup", *told, "alice")

    def ran(self, device: Device, *words: str) -> bytes:
        """Run a command that must succeed; give what it printed."""
        ran = device.run(*words)
        assert ran.code == 0, ran.err
        return ran.out

    def put(self, name: str, size_bytes: int = 2 * MIB) -> bytes:
        """Store a file of random bytes."""
        content = os.urandom(size_bytes)
        (self.folder / name).write_bytes(content)
        self.ran(self.device, "put", str(self.folder / name), "/")
        return content

    def cat(self, name: str) -> bytes:
        """Fetch it, past every cache of the device."""
        return self.ran(self.device, "cat", f"/{name}")


def admin(*words: str | Path, code: int = 0) -> str:
    """Run `mega-server WORDS…` in a process of its own; give what it printed."""
    command = [sys.executable, "-m", "mega_server", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOST_S)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def wait_for(is_so: Callable[[], bool]) -> None:
    """Look at another process until something is so."""
    began_s = time.monotonic()
    while not is_so():
        assert time.monotonic() - began_s < MOST_S, "it does not come"
        time.sleep(0.02)  # watching another process


@contextmanager
def serving_instead(server: LiveServer, folder: Path) -> Iterator[LiveServer]:
    """Serve another folder at the address of a server that has been stopped."""
    successor = LiveServer(folder)
    successor.port = server.port
    with successor:
        yield successor


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """Start a server."""
    with LiveServer(tmp_path / "data") as server:
        yield server


@pytest.fixture
def alice(server: LiveServer, tmp_path: Path) -> Alice:
    """Sign up."""
    return Alice(tmp_path, server)


# --- TLS, invites, logs -----------------------------------------------------------------------------------------------


def test_an_invite_over_tls_and_a_renewal_under_load(tmp_path: Path) -> None:
    """A server of one's own authority: signup by invite, and a put that goes on while the certificate is renewed."""
    certificates = Certificates(tmp_path)
    log = tmp_path / "log"
    options = ("--signup", "invite", "--workers", "2", "--log-file", str(log), *certificates.options)
    with LiveServer(tmp_path / "data", *options) as server:
        (tmp_path / "invite").write_text(admin("invite", "--quota", "1G", "--data", tmp_path / "data"))
        told = ("--ca-file", str(certificates.ca), "--invite-file", str(tmp_path / "invite"))
        alice = Alice(tmp_path, server, *told, url=f"https://127.0.0.1:{server.port}")
        content = os.urandom(96 * MIB)
        (tmp_path / "big").write_bytes(content)
        with alice.device.start("put", "--bwlimit", "24M", str(tmp_path / "big"), "/") as put:
            wait_for(lambda: any((tmp_path / "data" / "store").rglob("*/*")))
            certificates.renew()
            os.kill(server.pid, signal.SIGHUP)
            _, err = put.communicate(timeout=MOST_S)
        assert put.returncode == 0, err.decode()
        assert alice.cat("big") == content

        secrets = [
            (tmp_path / "invite").read_bytes().strip(),
            PASSWORD.encode(),
            alice.device.session.token.reveal(),
        ]
    written = log.read_bytes()
    assert written.count(b"\n") > 10
    assert [secret for secret in secrets if secret in written] == []


def test_no_secret_in_the_log(tmp_path: Path) -> None:
    """Tokens, slots and query strings, right ones and wrong ones, stand in no line."""
    log = tmp_path / "log"
    with LiveServer(tmp_path / "data", "--log-file", str(log), "--verbose") as server:
        alice = Alice(tmp_path, server)
        alice.put("file")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=MOST_S)
        connection.request("GET", "/v1/accounts/me?token=canary1", headers={"Authorization": "Bearer canary2"})
        connection.getresponse().read()
        connection.close()
        with closing(sqlite3.connect(tmp_path / "data" / "mega.db")) as database:
            (slots,) = database.execute("SELECT password_slot, recovery_slot FROM accounts").fetchall()
        token = alice.device.session.token.reveal()
        printed = server.log
    written = log.read_bytes() + printed.encode()
    assert b"/v1/accounts/me" in written
    needles = [b"canary1", b"canary2", token, *slots, *(slot.hex().encode() for slot in slots)]
    assert [needle for needle in needles if needle in written] == []


# --- backup and the drills --------------------------------------------------------------------------------------------


def test_restore_on_another_folder(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """A copy taken while serving, checked and restored elsewhere: devices go on, without a manual step."""
    content = alice.put("before")
    admin("backup", tmp_path / "copy", "--data", server.data_dir)
    admin("check", "--read-data", "--data", tmp_path / "copy")
    server.stop()
    admin("restore", tmp_path / "copy", "--data", tmp_path / "elsewhere")
    with serving_instead(server, tmp_path / "elsewhere"):
        assert alice.cat("before") == content
        alice.put("after")
        admin("check", "--read-data", "--data", tmp_path / "elsewhere")
    server.start()


def test_backups_beside_uploads(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """Copies taken at any moment of an upload are whole: their database names no pack that they lack."""
    (tmp_path / "big").write_bytes(os.urandom(64 * MIB))
    with alice.device.start("put", "--bwlimit", "32M", str(tmp_path / "big"), "/") as put:
        rounds = 0
        while put.poll() is None or rounds == 0:
            admin("backup", tmp_path / "copy", "--data", server.data_dir)
            admin("check", "--data", tmp_path / "copy")
            rounds += 1
        put.communicate(timeout=MOST_S)
    assert put.returncode == 0
    admin("backup", tmp_path / "copy", "--data", server.data_dir)
    admin("check", "--read-data", "--data", tmp_path / "copy")


def test_a_device_that_has_seen_more_than_the_backup(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """It refuses with exit 15; after `mega trust accept` it goes on from the restored state."""
    content = alice.put("before")
    admin("backup", tmp_path / "copy", "--data", server.data_dir)
    alice.put("after")
    server.stop()
    with serving_instead(server, tmp_path / "copy"):
        assert alice.device.run("ls", "/").code == 15

        alice.ran(alice.device, "trust", "accept", "--yes")
        assert alice.ran(alice.device, "ls", "/") == b"before\n"
        assert alice.cat("before") == content
        assert alice.put("after") == alice.cat("after")
    server.start()


def test_drill_lost_database(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """Accounts and heads from the backup, the index from the packs: nothing that a head names is missing."""
    alice.put("before")
    admin("backup", tmp_path / "copy", "--data", server.data_dir)
    content = alice.put("after")
    server.stop()
    for file in server.data_dir.glob("mega.db*"):
        file.unlink()
    shutil.copy(tmp_path / "copy" / "mega.db", server.data_dir)
    admin("reindex", "--data", server.data_dir)
    admin("check", "--read-data", "--data", server.data_dir)
    server.start()

    assert alice.device.run("ls", "/").code == 15
    alice.ran(alice.device, "trust", "accept", "--yes")
    packs = len(list(server.data_dir.rglob("store/v/*/*")))
    alice.ran(alice.device, "put", str(tmp_path / "after"), "/")
    assert alice.cat("after") == content
    assert len(list(server.data_dir.rglob("store/v/*/*"))) <= packs + 2, "its content was found again, not sent"


def test_drill_lost_packs(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """The packs' disk is lost: the server goes back to the backup, and what is newer its owner stores again."""
    content = alice.put("before")
    admin("backup", tmp_path / "copy", "--data", server.data_dir)
    newer = alice.put("after")
    server.stop()
    shutil.rmtree(server.data_dir / "store")
    server.data_dir.rename(tmp_path / "lost")
    admin("restore", tmp_path / "copy", "--data", server.data_dir)
    server.start()

    alice.ran(alice.device, "trust", "accept", "--yes")
    alice.ran(alice.device, "put", str(tmp_path / "after"), "/")
    assert (alice.cat("before"), alice.cat("after")) == (content, newer)
    admin("check", "--read-data", "--data", server.data_dir)


def test_drill_a_damaged_pack(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """Repair: after `reindex` the damaged blob counts as lost, and its owner stores it again."""
    content = alice.put("file")
    server.stop()
    largest = max((path for path in server.data_dir.rglob("store/v/*/*")), key=lambda path: path.stat().st_size)
    raw = bytearray(largest.read_bytes())
    raw[len(raw) // 2] ^= 1
    largest.write_bytes(raw)
    admin("check", "--read-data", "--data", server.data_dir, code=14)
    admin("reindex", "--data", server.data_dir, code=14)
    server.start()

    assert alice.device.run("get", "/file", str(tmp_path / "back")).code != 0
    alice.ran(alice.device, "rm", "/file")
    alice.ran(alice.device, "put", str(tmp_path / "file"), "/")
    alice.ran(alice.device, "get", "/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content


def test_drill_moving(server: LiveServer, alice: Alice, tmp_path: Path) -> None:
    """A copy while serving, a last one after the stop: the origin stays, and a device is told where it is now."""
    alice.put("first")
    admin("backup", tmp_path / "moved", "--data", server.data_dir)
    content = alice.put("last")
    server.stop()
    admin("backup", tmp_path / "moved", "--data", server.data_dir)
    with LiveServer(tmp_path / "moved", "--origin", server.url) as moved:
        alice.ran(alice.device, "login", "--connect-to", moved.url, *alice.told)
        assert alice.cat("last") == content
    server.start()


# --- full disk and stop -----------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 40 MiB in memory, where this machine lets us."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m,mode=0700", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"may not mount a tmpfs: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_drill_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """A full disk is a temporary failure; what is stored stays readable, and with room again everything goes on."""
    with LiveServer(small_disk / "data") as server:
        alice = Alice(tmp_path, server)
        content = alice.put("fits")
        (tmp_path / "big").write_bytes(os.urandom(64 * MIB))
        # Its client goes on trying for minutes; a killed one finds the same.
        with alice.device.start("put", str(tmp_path / "big"), "/") as put:
            wait_for(lambda: "No space left on device" in server.log or "disk is full" in server.log)
            put.terminate()
            put.communicate(timeout=MOST_S)
        assert alice.cat("fits") == content
        admin("check", "--read-data", "--data", server.data_dir)

        subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
        alice.ran(alice.device, "put", str(tmp_path / "big"), "/")
        assert alice.cat("big") == (tmp_path / "big").read_bytes()
        admin("check", "--read-data", "--data", server.data_dir)


def test_a_stop_finishes_what_is_under_way(server: LiveServer) -> None:
    """After SIGTERM a request whose body is still coming is answered, and then the server ends with exit 0."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=MOST_S)
    connection.putrequest("POST", routes.LOGIN_CHALLENGE)
    connection.putheader("Content-Length", "19")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(25).startswith(b"HTTP/1.1 100 Continue"), "a thread has begun with it"
    os.kill(server.pid, signal.SIGTERM)
    connection.send(b'{"account":"alice"}')
    answer = connection.getresponse()

    assert answer.status == 200
    connection.close()
    assert server.stop() == 0
    server.start()


def test_a_stop_ends_an_upload_that_stalls(server: LiveServer, alice: Alice) -> None:
    """A pack that does not come to its end is given up after ten seconds; nothing of it is stored or promised."""
    token = alice.device.session.token.reveal().decode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=MOST_S)
    connection.putrequest("POST", routes.path(routes.PACKS, volume=alice.device.keys.volume.hex()))
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Length", str(8 * MIB))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(25).startswith(b"HTTP/1.1 100 Continue")
    connection.send(bytes(4 * MIB))
    assert server.stop() == 0
    connection.close()
    server.start()

    assert admin("check", "--read-data", "--data", server.data_dir) == "no damage; 0 orphan packs\n"
    alice.put("file")
