"""The account itself under attack, with real clients: swapped keys, replayed slots, relayed logins, cloned devices."""

from __future__ import annotations

import itertools
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mega_cli.crypto.passwords import (
    FLOOR,
    LoginKeys,
    login_keys_from_password,
    login_keys_from_recovery,
    password_key,
)
from mega_cli.crypto.signing import public_key
from mega_cli.errors import IntegrityError
from mega_cli.formats.recovery_kit import Kit, read_kit
from mega_cli.formats.slot import open_password_slot, seal_password_slot, seal_recovery_slot
from mega_cli.model import Secret
from mega_cli.state.account_key import load_account_key
from mega_cli.system.directories import open_home
from tests.hostile.conftest import PASSWORD, World
from tests.hostile.logins import LOGIN, mega_login, with_slot
from tests.kit import forge, recorder
from tests.kit.device import Device, Ran
from tests.kit.hostile_server import Answer, Call, Forward, HostileServer, instead, on_json, refusal

ATTACKERS_MK = Secret(forge.fixed("the attacker's master key"))
NEW_PASSWORD = "ochre lantern seventy bricks canary 43"
_numbers = itertools.count(1)


@dataclass
class Changing:
    """An account whose password and kit a test changes."""

    world: World
    name: str
    device: Device
    folder: Path

    @property
    def kit_file(self) -> Path:
        """The kit of its signup."""
        return self.world.folder / f"kit-{self.name}"

    @property
    def kit(self) -> Kit:
        """That kit, read."""
        return read_kit(self.kit_file.read_text())

    def row(self) -> dict[str, bytes]:
        """Read what the server's database holds of it."""
        database = next((self.world.folder / "server").glob("*.db"))
        with closing(sqlite3.connect(database)) as db:
            db.row_factory = sqlite3.Row
            return dict(db.execute("SELECT * FROM accounts WHERE account = ?", (self.name,)).fetchone())

    def recover(self, home: Path, kit_file: Path, new_kit: Path) -> Ran:
        """Recover on a device."""
        (self.folder / "new").write_text(NEW_PASSWORD)
        words = ("--kit-file", str(kit_file), "--recovery-kit", str(new_kit), "--server", self.world.proxy.url)
        return Device(home).mega("recover", self.name, *words, "--new-password-file", str(self.folder / "new"))

    def login(self, home: Path, password: str) -> Ran:
        """Log in on a device."""
        (self.folder / "typed").write_text(password)
        words = ("--server", self.world.proxy.url, "--password-file", str(self.folder / "typed"))
        return Device(home).mega("login", self.name, *words)


@pytest.fixture
def changing(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changing]:
    """Sign up, with the floor's parameters from then on."""
    for module in ("passwd", "recover"):
        monkeypatch.setattr(sys.modules[f"mega_cli.account.{module}"], "DEFAULT_POLICY", FLOOR)
    world.proxy.be_honest()
    name = f"changing-{next(_numbers)}"
    made = Changing(world, name, world.sign_up(name, Device(tmp_path / "device")), tmp_path)
    world.canaries.add(f"the recovery secret of {name}", made.kit.recovery_secret)
    world.proxy.forget()
    yield made
    world.proxy.be_honest()


# --- a server that never lets go --------------------------------------------------------------------------------------


@pytest.mark.attack("T05")
@pytest.mark.usefixtures("quick")
def test_a_401_loop_and_a_mauled_slot_are_not_fed(world: World, device: Device, tmp_path: Path) -> None:
    """Commands never log in by themselves, and a login is one attempt: what a person types is all the server gets."""
    for method in ("GET", "POST"):
        world.proxy.lie(method, "/(head|records|missing|packs|blobs|sessions|me)", refusal("unauthorized", 401))
    world.proxy.lie("POST", LOGIN, on_json(with_slot(lambda slot: forge.flipped(slot, 100))))
    source = tmp_path / "source"
    source.write_bytes(b"x")
    for words in (("put", str(source)), ("ls",), ("whoami",), ("sessions",)):
        assert device.mega(*words).code == 12
    assert "POST login" not in world.proxy.paths

    code, err, _ = mega_login(world, tmp_path / "fresh")
    assert code == 14, err
    assert world.proxy.paths.count("POST login") == 1
    assert world.proxy.paths[-1] == "POST login"


# --- another account in the place of yours ----------------------------------------------------------------------------


def _attackers_login(world: World) -> None:
    """Have the server answer logins with the slot of an account whose keys the attacker has, password and all."""
    keys = login_keys_from_password(world.prk)
    slot = seal_password_slot(keys.wrap_key, "alice", world.proxy.url, world.salt, FLOOR, ATTACKERS_MK, 1, 1)
    world.proxy.lie("POST", LOGIN, on_json(with_slot(lambda _slot: slot)))


@pytest.mark.attack("T06")
@pytest.mark.usefixtures("quick")
def test_a_known_device_refuses_another_account_in_its_place(world: World, device: Device) -> None:
    """Exit 16, the session of before stays, and nothing is sent after the login."""
    before = device.session
    _attackers_login(world)
    code, err, _ = mega_login(world, device.home)

    assert code == 16, err
    assert device.session == before
    assert world.proxy.paths[-1] == "POST login"


@pytest.mark.attack("T06")
@pytest.mark.usefixtures("quick")
def test_a_fresh_device_shows_a_fingerprint_that_is_not_the_kits(world: World, tmp_path: Path) -> None:
    """Nothing is known there to compare with but the paper, so the words are shown."""
    words = " ".join(read_kit((world.folder / "kit-alice").read_text()).fingerprint_words)
    code, honest, _ = mega_login(world, tmp_path / "honest")
    assert (code, words in honest) == (0, True)

    _attackers_login(world)
    code, err, _ = mega_login(world, tmp_path / "fresh")
    assert code == 0
    assert "fingerprint, which the recovery kit must show" in err
    assert words not in err


@pytest.mark.attack("T06")
def test_a_recovery_is_compared_with_the_kits_fingerprint(changing: Changing, tmp_path: Path) -> None:
    """Even with a slot that the recovery secret opens: exit 16 on a fresh device, and nothing is sent after it."""
    world, keys = changing.world, login_keys_from_recovery(changing.kit.recovery_secret)
    slot = seal_recovery_slot(keys.wrap_key, changing.name, world.proxy.url, ATTACKERS_MK, 1, 1)
    world.proxy.lie("POST", LOGIN, on_json(with_slot(lambda _slot: slot)))
    ran = changing.recover(tmp_path / "fresh", changing.kit_file, tmp_path / "new-kit")

    assert ran.code == 16, ran.err
    assert world.proxy.paths[-1] == "POST login"
    assert not (tmp_path / "new-kit").exists()
    assert not list((tmp_path / "fresh").rglob("session.json"))


# --- a password that leaked -------------------------------------------------------------------------------------------


@pytest.mark.attack("T09")
def test_a_password_opens_nothing_without_the_account_key(changing: Changing, tmp_path: Path) -> None:
    """Who has the database, every byte sent and the right password derives no login key: the account key is missing."""
    world, name = changing.world, f"{changing.name}-keyed"
    device = Device(tmp_path / "keyed")
    words = ("--server", world.proxy.url, "--password-file", str(world.folder / "password"), "--account-key")
    ran = device.mega("signup", name, *words, "--recovery-kit", str(world.folder / f"kit-{name}"))
    assert ran.code == 0, ran.err
    keyed = replace(changing, name=name)
    row = keyed.row()
    home = open_home({"MEGA_HOME": str(device.home)})
    key = load_account_key(home.account_key_file)
    assert key is not None
    assert key == keyed.kit.account_key
    world.canaries.add("the account key", key.reveal())

    def derived(account_key: Secret | None) -> LoginKeys:
        place = (row["server_salt"], name, world.proxy.url, FLOOR)
        return login_keys_from_password(password_key(Secret(PASSWORD), *place, account_key))

    context = (name, world.proxy.url, row["server_salt"], FLOOR, row["password_slot"])
    assert public_key(derived(key).login_seed) == row["login_key"]
    assert open_password_slot(derived(key).wrap_key, *context).mk == device.session.master_key
    assert public_key(derived(None).login_seed) != row["login_key"]
    with pytest.raises(IntegrityError):
        open_password_slot(derived(None).wrap_key, *context)
    refused = keyed.login(tmp_path / "fresh", PASSWORD.decode())
    assert (refused.code, "--account-key-file" in refused.err) == (12, True)


@pytest.mark.attack("T11")
def test_after_passwd_and_recover_the_old_secrets_are_refused(changing: Changing, tmp_path: Path) -> None:
    """Old password, old kit and the sessions of before open nothing at an honest server; no key or slot is left."""
    before = changing.row()
    (tmp_path / "next").write_text(NEW_PASSWORD + " again")
    files = ("--password-file", str(changing.world.folder / "password"), "--new-password-file", str(tmp_path / "next"))
    other = tmp_path / "other"
    assert changing.login(other, PASSWORD.decode()).code == 0
    assert changing.device.mega("passwd", *files).code == 0
    assert Device(other).mega("ls").code == 12
    assert changing.login(tmp_path / "old", PASSWORD.decode()).code == 12

    assert changing.recover(tmp_path / "fresh", changing.kit_file, tmp_path / "new-kit").code == 0
    assert changing.device.mega("ls").code == 12
    assert changing.recover(tmp_path / "x", changing.kit_file, tmp_path / "y").code == 12
    after = changing.row()
    secrets = ("login_key", "password_slot", "recovery_key", "recovery_slot")
    assert [name for name in secrets if before[name] == after[name]] == []
    assert after["server_salt"] == before["server_salt"]


@pytest.mark.attack("T11")
def test_a_kept_slot_still_opens_with_its_old_password(changing: Changing, tmp_path: Path) -> None:
    """The residual: MK stays until there is a rekey, so who kept the old slot needs only the old password."""
    old = changing.row()
    (tmp_path / "next").write_text(NEW_PASSWORD)
    files = ("--password-file", str(changing.world.folder / "password"), "--new-password-file", str(tmp_path / "next"))
    assert changing.device.mega("passwd", *files).code == 0

    prk = password_key(Secret(PASSWORD), old["server_salt"], changing.name, changing.world.proxy.url, FLOOR)
    context = (changing.name, changing.world.proxy.url, old["server_salt"], FLOOR, old["password_slot"])
    opened = open_password_slot(login_keys_from_password(prk).wrap_key, *context)
    assert opened.mk == changing.device.session.master_key


@pytest.mark.attack("T12")
def test_a_wrong_recovery_secret_gets_no_slot(changing: Changing, tmp_path: Path) -> None:
    """Exit 12; no answer holds a slot, and a new kit that was never asked for is not written."""
    bob = replace(changing, name=f"{changing.name}-other")
    changing.world.sign_up(bob.name, Device(tmp_path / "bob"))
    changing.world.proxy.forget()
    wrong = tmp_path / "wrong"
    wrong.write_text("\n".join(line for line in bob.kit_file.read_text().splitlines() if line.count("-") == 6))
    ran = changing.recover(tmp_path / "fresh", wrong, tmp_path / "new-kit")

    assert ran.code == 12, ran.err
    assert not any(b"slot" in answer.body for answer in changing.world.proxy.answers)
    assert not (tmp_path / "new-kit").exists()


# --- the one way on after a rollback ----------------------------------------------------------------------------------


@pytest.mark.attack("T20")
def test_only_a_person_goes_on_after_a_rollback(world: World, device: Device, tmp_path: Path) -> None:
    """Exit 15 again and again; `mega trust accept` asks, and only with its yes the device follows what is shown."""
    with device.volume() as volume:
        old = volume.client.head(volume.keys.volume)
    (tmp_path / "later").write_bytes(b"x")
    assert device.mega("put", str(tmp_path / "later"), f"/later-{next(_numbers)}-{os.getpid()}").code == 0
    world.proxy.lie("GET", "/head$", instead(old))
    assert [device.mega("ls").code for _ in range(2)] == [15, 15]
    asked = device.mega("trust", "accept")
    assert (asked.code, device.mega("ls").code) == (2, 15)
    assert "--yes" in asked.err

    assert device.mega("trust", "accept", "--yes").code == 0
    assert device.mega("ls").code == 0
    world.proxy.be_honest()
    assert device.mega("ls").code == 0


# --- another server, another device -----------------------------------------------------------------------------------


@pytest.mark.attack("T15")
def test_a_login_relayed_to_another_server_is_refused(world: World, tmp_path: Path) -> None:
    """A server that passes its victim's login on to the real one gets nowhere: the origin is signed and salted."""
    good_host = world.proxy.url.removeprefix("http://")

    def relay(call: Call, _forward: Forward) -> Answer:
        fields = tuple((name, good_host if name.lower() == "host" else value) for name, value in call.headers)
        return evil._forward(replace(call, headers=fields))

    (tmp_path / "password").write_bytes(PASSWORD)
    with HostileServer(world.server.url) as evil:
        for method in ("GET", "POST"):
            evil.lie(method, "/v1/", relay)
        words = ("--server", evil.url, "--password-file", str(tmp_path / "password"))
        ran = Device(tmp_path / "victim").mega("login", "alice", *words)
        keys = login_keys_from_password(password_key(Secret(PASSWORD), world.salt, "alice", evil.url, FLOOR))

    assert ran.code == 12, ran.err
    assert evil.paths.count("POST login") == 1
    assert keys.login_seed != login_keys_from_password(world.prk).login_seed
    assert keys.wrap_key != login_keys_from_password(world.prk).wrap_key


@pytest.mark.attack("T37")
def test_two_clones_of_one_device_both_write(recorded: Path, device: Device, tmp_path: Path) -> None:
    """The same device id and number twice: both commits survive, and no (key, nonce) meets two messages."""
    clones = [device, device.copy(tmp_path / "clone")]
    name = f"clones-{os.getpid()}-{next(_numbers)}"
    running = []
    for n, clone in enumerate(clones):
        source = tmp_path / f"source-{n}"
        source.write_bytes(forge.fixed(f"clone {n}", 70_000))
        running.append(clone.start("put", str(source), f"/{name}-{n}"))
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err

    for clone in clones:
        listed = clone.mega("ls", "/").out.decode()
        assert [f"{name}-{n}" in listed for n in range(2)] == [True, True]
    assert recorder.reused_keys(recorded) == 0
