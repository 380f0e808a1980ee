"""A server that has moved: another port, the origin of before, with real processes."""

from __future__ import annotations

from pathlib import Path

from tests.kit.device import Device
from tests.kit.server import LiveServer


def test_an_account_goes_on_at_a_server_that_has_moved(tmp_path: Path) -> None:
    """Told its old origin, the moved server takes logins, puts and gets, and a fresh device finds it too."""
    (tmp_path / "password").write_text("a long password of many words 77\n")
    (tmp_path / "file").write_bytes(b"before")
    password = ("--password-file", str(tmp_path / "password"))
    device, fresh = Device(tmp_path / "device"), Device(tmp_path / "fresh")
    with LiveServer(tmp_path / "data") as server:
        old = server.url
        made = device.run("signup", "alice", "--server", old, *password, "--recovery-kit", str(tmp_path / "kit"))
        assert made.code == 0, made.err
        assert device.run("put", str(tmp_path / "file"), "/").code == 0

    with LiveServer(tmp_path / "data") as server:
        assert server.url != old
        refused = device.run("login", *password, "--connect-to", server.url)
        assert refused.code == 17
        assert f"--origin {old}" in refused.err

    with LiveServer(tmp_path / "data", "--origin", old) as server:
        moved = device.run("login", *password, "--connect-to", server.url)
        assert moved.code == 0, moved.err
        assert f"{old} (reached at {server.url})" in device.run("whoami").out.decode()
        (tmp_path / "file").write_bytes(b"afterwards")
        assert device.run("put", str(tmp_path / "file"), "/").code == 0

        again = device.run("login", *password)
        assert again.code == 0, again.err  # it goes where the session went

        entered = fresh.run("login", "alice", "--server", old, "--connect-to", server.url, *password)
        assert entered.code == 0, entered.err
        assert fresh.run("cat", "/file").out == b"afterwards"
        unnamed = Device(tmp_path / "unnamed").run("login", "alice", "--server", server.url, *password)
        assert unnamed.code == 17
        assert "--connect-to" in unnamed.err
