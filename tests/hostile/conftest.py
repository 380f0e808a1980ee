"""One real server, a proxy that lies before it, one account with a small tree; a test gets a clone of its device."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.crypto.keys import MasterKeys
from mega_cli.crypto.passwords import FLOOR, login_keys_from_password, login_keys_from_recovery, password_key
from mega_cli.formats.object import Sealer
from mega_cli.formats.recovery_kit import decode_recovery_secret
from mega_cli.model import KdfPolicy, Secret
from tests.kit import forge
from tests.kit.canary import Canaries
from tests.kit.device import Device
from tests.kit.hostile_server import HostileServer
from tests.kit.server import LiveServer
from tests.kit.volume_forge import commit_files, file_entry, folder_entry, seal_any_page

PASSWORD = b"violet anchor ninety bricks canary 41"
SMALL = {"canary-name-alpha.txt": os.urandom(700), "canary-name-bravo.txt": os.urandom(900)}
LARGE = os.urandom(100 * 1024)


@dataclass
class World:
    """The server, the proxy, and the device that signed up."""

    server: LiveServer
    proxy: HostileServer
    owner: Device
    folder: Path
    canaries: Canaries
    prk: Secret
    salt: bytes

    def password_key(
        self,
        password: Secret,
        salt: bytes,
        account: str,
        origin: str,
        policy: KdfPolicy,
        account_key: Secret | None = None,
    ) -> Secret:
        """Stretch a password; what the fixture has stretched already is remembered."""
        is_known = (password.reveal(), salt, account, policy) == (PASSWORD, self.salt, "alice", FLOOR)
        if is_known and origin == self.proxy.url and account_key is None:
            return self.prk
        return password_key(password, salt, account, origin, policy, account_key)

    def sign_up(self, name: str, device: Device) -> Device:
        """Make another account; its password is stretched with the floor's parameters, which is quicker."""
        words = ("--password-file", str(self.folder / "password"), "--server", self.proxy.url)
        ran = device.mega("signup", *words, "--recovery-kit", str(self.folder / f"kit-{name}"), name)
        assert ran.code == 0, ran.err
        return device


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Sign up once, and scan everything that arrived at the end (I1)."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "password").write_bytes(PASSWORD + b"\n")
    with (
        pytest.MonkeyPatch.context() as patch,
        LiveServer(folder / "server", "--signup", "open", "--verbose") as server,
        HostileServer(server.url) as proxy,
    ):
        patch.setattr(sys.modules["mega_cli.account.signup"], "DEFAULT_POLICY", FLOOR)
        made = World(server, proxy, Device(folder / "owner"), folder, Canaries(), Secret(b""), b"")
        made.sign_up("alice", made.owner)
        _learn_secrets(made)
        _fill(made)
        yield made
        _scan(made)


@pytest.fixture
def device(world: World, tmp_path: Path) -> Iterator[Device]:
    """Give a clone of the owner's device, before a server that is honest until told otherwise."""
    world.proxy.be_honest()
    with world.owner.volume() as session:
        session.head()  # so that no test depends on what others committed
    world.proxy.forget()
    clone = world.owner.copy(tmp_path / "device")
    shutil.rmtree(clone.home / "cache", ignore_errors=True)  # so that pages come from the server
    yield clone
    world.proxy.be_honest()


@pytest.fixture(scope="package")
def bob(world: World) -> Device:
    """Give a second account, with a file of the same content as one of Alice's."""
    world.proxy.be_honest()
    made = world.sign_up("bob", Device(world.folder / "bob"))
    assert made.mega("put", str(world.folder / "canary-folder-name"), "/").code == 0
    return made


@pytest.fixture
def quick(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Remember what the password's key was stretched to, and note each time it is asked for."""
    asked: list[str] = []

    def stretch(
        password: Secret, salt: bytes, account: str, origin: str, policy: KdfPolicy, account_key: Secret | None
    ) -> Secret:
        asked.append(account)
        return world.password_key(password, salt, account, origin, policy, account_key)

    monkeypatch.setattr(sys.modules["mega_cli.account.login"], "password_key", stretch)
    world.proxy.be_honest()
    world.proxy.forget()
    return asked


def _learn_secrets(world: World) -> None:
    """Derive what the server must not see."""
    session = world.owner.session
    kit = (world.folder / "kit-alice").read_text(encoding="utf-8")
    rows = [line for line in kit.splitlines() if line.strip().count("-") >= 6]
    recovery = decode_recovery_secret("".join(rows))
    with world.owner.volume() as volume:
        world.salt = volume.client.kdf("alice").server_salt
    world.prk = password_key(Secret(PASSWORD), world.salt, "alice", session.origin, FLOOR)
    master = MasterKeys(session.master_key, session.epoch)
    keys = master.volume_keys()
    by_password, by_recovery = login_keys_from_password(world.prk), login_keys_from_recovery(recovery)
    secrets = {
        "the password": PASSWORD,
        "PRK": world.prk.reveal(),
        "the login seed": by_password.login_seed,
        "the wrap key": by_password.wrap_key,
        "the recovery secret": recovery,
        "the recovery login seed": by_recovery.login_seed,
        "the recovery wrap key": by_recovery.wrap_key,
        "MK": session.master_key.reveal(),
        "the identity seed": master.identity_sign_seed,
        "the identity box secret": master.identity_box_secret,
        "the local key": master.local_key,
        "the writer seed": keys.writer_seed,
    }
    secrets |= {name: getattr(keys, name) for name in ("root_enc", "dedup", "cdc", "page")}
    for what, value in secrets.items():
        world.canaries.add(what, value)


def _fill(world: World) -> None:
    """Write a tree of many kinds (chunks, a list, folders), then put files with the real command."""
    with world.owner.volume() as session:
        sealer = Sealer(session.keys)
        parts = [forge.fixed(f"chunk {n}", 300) for n in range(3)]
        chunks = [sealer.seal_data(part) for part in parts]
        listed = sealer.seal_list([chunk.ref for chunk in chunks])
        other = seal_any_page(session, forge.page_of([file_entry("inner.bin", chunks[:1], parts[0])]))
        second = seal_any_page(session, forge.page_of([file_entry("inner.bin", chunks[1:2], parts[1])]))
        page = forge.page_of(
            [
                folder_entry("folder-one", other.ref),
                folder_entry("folder-two", second.ref),
                file_entry("listed.bin", [listed], b"".join(parts)),
                file_entry("three.bin", chunks, b"".join(parts)),
            ]
        )
        commit_files(session, page, [*chunks, listed, other, second])
    source = world.folder / "canary-folder-name"
    source.mkdir()
    for name, plain in (SMALL | {"canary-large-file.bin": LARGE}).items():
        (source / name).write_bytes(plain)
        world.canaries.add(f"the name {name}", name.encode())
        world.canaries.add_content(name, plain[:1000])
    world.canaries.add("the folder's name", b"canary-folder-name")
    ran = world.owner.mega("put", str(source), "/")
    assert ran.code == 0, ran.err


def _scan(world: World) -> None:
    """Fail when anything that the server received, stored or logged holds a canary."""
    files = [file.read_bytes() for file in (world.folder / "server").rglob("*") if file.is_file()]
    received = [raw for raw in world.proxy.history if len(raw) < 1 << 20]
    leaks = world.canaries.leaks([*received, *files, world.server.log.encode()])
    assert not leaks, f"the server got {', '.join(leaks)}"
