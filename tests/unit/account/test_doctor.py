"""The doctor: what it finds, what it advises, and what its report does not tell."""

from __future__ import annotations

import base64
import platform
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.account import account_fingerprint, open_session
from mega_cli.account.doctor import Surroundings, examine
from mega_cli.account.findings import Finding, exit_code_of, problem, well
from mega_cli.system.directories import Home, open_home
from tests.kit.canary import Canaries
from tests.unit.account.conftest import PASSWORD, URL, World

DAY_MS = 86_400_000


@dataclass
class Clock:
    """A clock that is off by so much."""

    off_ms: int = 0

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        from mega_cli.system.clock import SystemClock  # noqa: PLC0415 -- the real one, to be off from

        return SystemClock().now_ms() + self.off_ms

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        return self.now_ms() * 1_000_000

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return 0.0


def troubles(home: Home, *, environ: dict[str, str] | None = None, off_ms: int = 0) -> dict[str, Finding]:
    """Examine, and give what is wrong by check."""
    around = Surroundings(environ or {}, Clock(off_ms))
    return {finding.check: finding for finding in examine(home, around) if not finding.is_well}


def test_a_sound_device_has_no_trouble(world: World) -> None:
    """Every check is made, and each is well."""
    checks = [finding.check for finding in examine(world.device, Surroundings({}, Clock()))]

    assert troubles(world.device) == {}
    wanted = {"program", "packages", "environment", "disk", "permissions", "pins", "index", "cache", "server", "clock"}
    assert wanted | {"limits", "session", "history"} == set(checks)


@pytest.mark.parametrize(
    ("off_ms", "words"), [(DAY_MS, "1 day ahead of"), (-DAY_MS, "1 day behind"), (DAY_MS - 999, "1 day ahead of")]
)
def test_a_clock_a_day_off_is_found(world: World, off_ms: int, words: str) -> None:
    """With its side, and what sets it."""
    found = troubles(world.device, off_ms=off_ms)

    assert list(found) == ["clock"]
    assert words in found["clock"].summary
    assert "timedatectl" in found["clock"].fix


def test_open_permissions_are_found(world: World) -> None:
    """The fix is the command."""
    world.device.session_file.chmod(0o644)
    found = troubles(world.device)

    assert list(found) == ["permissions"]
    assert found["permissions"].fix == f"chmod 600 {world.device.session_file}"


@pytest.mark.parametrize(("name", "check", "code"), [("trust.db", "pins", 7), ("index.db", "index", 1)])
def test_damaged_databases_are_found(world: World, name: str, check: str, code: int) -> None:
    """Pins are restored, a rebuildable store is removed; the file is left as it is."""
    path = world.device.folder / name
    path.write_bytes(b"no database" * 1000)
    found = troubles(world.device)

    assert found[check].code == code
    assert path.read_bytes() == b"no database" * 1000


def test_missing_pins_are_found(world: World) -> None:
    """Looking does not make them anew."""
    world.device.trust_file.unlink()
    found = troubles(world.device)

    assert found["pins"].code == 7
    assert not world.device.trust_file.exists()


def test_authorities_that_do_not_exist_are_found(world: World) -> None:
    """By the variable's name; its value stays in the detail."""
    found = troubles(world.device, environ={"SSL_CERT_FILE": "/no/such/file"})

    assert list(found) == ["environment"]
    assert "/no/such" not in found["environment"].summary


def test_a_server_that_is_away_is_found_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One try, and the code of a temporary failure."""
    asked = []

    def gone(_client: object, request: object, _token: str = "") -> object:
        from mega_cli.api.retry import RetryableError  # noqa: PLC0415 -- only here

        asked.append(request)
        raise RetryableError("it cannot be reached")

    monkeypatch.setattr("mega_cli.api.transport.HttpTransport.send", gone)
    found = troubles(world.device)

    assert (list(found), found["server"].code, len(asked)) == (["server"], 5, 1)


def test_an_ended_session_is_found(world: World) -> None:
    """Exit 12, with the way back."""
    world.device.session_file.unlink()
    found = troubles(world.device)

    assert (list(found), found["session"].code) == (["session"], 12)


def test_a_session_that_cannot_be_read_is_found(world: World) -> None:
    """The checks before it are told all the same."""
    world.device.session_file.unlink()
    world.device.session_file.mkdir(mode=0o700)
    found = troubles(world.device)

    assert (list(found), found["session"].code) == (["session"], 13)


def test_a_device_without_an_account_is_told_how_to_begin(tmp_path: Path) -> None:
    """Exit 10."""
    found = troubles(open_home({"MEGA_HOME": str(tmp_path / "fresh")}))

    assert (list(found), found["account"].code) == (["account"], 10)


def test_less_than_the_client_sends_is_found(world: World) -> None:
    """A server of other limits is no match."""
    world.wire.lies["/v1/server"] = lambda told: told | {"limits": told["limits"] | {"pack_bytes": 1000}}

    assert list(troubles(world.device)) == ["limits"]


def test_a_full_account_is_found(world: World) -> None:
    """Exit 8."""
    world.wire.lies["/v1/accounts/me"] = lambda told: told | {"used_bytes": told["quota_bytes"]}
    found = troubles(world.device)

    assert (list(found), found["quota"].code) == (["quota"], 8)


def test_the_summaries_may_be_posted(world: World) -> None:
    """Neither when all is well nor with every trouble at once do they hold a name, an address, a path or a key."""
    session = open_session(world.device)
    canaries = Canaries()
    secrets = {
        "the account": b"alice",
        "the address": URL.encode(),
        "the host": b"127.0.0.1",
        "the folder": str(world.folder).encode(),
        "the device": session.device_name.encode(),
        "the machine": platform.node().encode(),
        "the token": session.token.reveal(),
        "the key": session.master_key.reveal(),
        "the session": session.session_id.encode(),
        "the password": PASSWORD.reveal(),
        "the fingerprint": " ".join(account_fingerprint(session)).encode(),
        "the proxy": b"proxy.example",
        "the server's words": b"words of the server",
    }
    for what, value in secrets.items():
        canaries.add(what, value)
    environ = {"HTTPS_PROXY": "http://proxy.example", "SSL_CERT_FILE": f"{world.folder}/x", "MEGA_ACCOUNT": "alice"}
    reported = [finding.summary for finding in examine(world.device, Surroundings(environ, Clock(DAY_MS)))]
    world.wire.lies["/v1/server"] = lambda told: told | {"software": "words of the server", "limits": {}}
    world.device.session_file.chmod(0o644)
    world.device.index_file.write_bytes(b"damaged" * 1000)
    world.device.pages_file.parent.mkdir(parents=True, exist_ok=True)
    world.device.pages_file.write_bytes(b"damaged" * 1000)
    reported += [finding.summary for finding in examine(world.device, Surroundings(environ, Clock()))]

    assert canaries.leaks(line.encode() for line in reported) == []
    assert canaries.leaks([base64.b64encode(URL.encode())]), "the scan itself sees what is encoded"


def test_one_kind_of_trouble_gives_its_code() -> None:
    """None is 0, one kind its own, several 1."""
    full, gone = problem("quota", "", "", code=8), problem("pins", "", "", code=7)

    assert exit_code_of([well("x", "")]) == 0
    assert exit_code_of([well("x", ""), full, full]) == 8
    assert exit_code_of([full, gone]) == 1
