"""Links against a server that lies, people who hold half of a secret, and whoever shares something to learn from it.

T52, T65 to T68, and T71 for links. The account that shares is its own, so that no other test meets its links.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mega_cli.crypto.links import link_keys, with_password
from mega_cli.crypto.records import LINK_RECORD, open_record, seal_record
from mega_cli.errors import IntegrityError
from mega_cli.formats.link import LinkRecord, LinkUrl, open_link_record, parse_link, seal_link_record
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.browse import find_path
from mega_server.protocol.packs import blob_spans
from tests.hostile.conftest import World
from tests.kit import forge
from tests.kit.canary import Canaries
from tests.kit.device import Device, Ran
from tests.kit.hostile_server import Lie, instead, on_frames, on_json

LINK_PASSWORD = b"canary password of a link 77"
LARGE = forge.fixed("shared", 300_000)
SESSION, BLOBS = r"/v1/links/\w+/session$", r"/v1/links/\w+/blobs$"


@dataclass
class Sharer:
    """An account that shares, and a machine that has none."""

    world: World
    device: Device
    folder: Path

    def share(self, path: str, *options: str) -> str:
        """Make a link."""
        ran = self.device.mega("share", path, *options)
        assert ran.code == 0, ran.err
        return ran.out.decode().strip()

    def visitor(self, name: str = "visitor") -> Device:
        """Give a machine without an account."""
        return Device(self.folder / name)

    def visit(self, url: str, *words: str, name: str = "visitor") -> Ran:
        """Run a command on it, with the link in its variable."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MEGA_LINK", url)
            return self.visitor(name).mega(*words)

    def record_of(self, url: LinkUrl) -> bytes:
        """Read what the server's database holds of a link."""
        with closing(sqlite3.connect(self.world.server.data_dir / "mega.db")) as db:
            (record,) = db.execute("SELECT record FROM links WHERE link=?", (url.link_id,)).fetchone()
            assert isinstance(record, bytes)
            return record

    def forged(self, url: LinkUrl, path: str, *, seq: int = 1 << 40, seed: bytes | None = None) -> bytes:
        """Seal a record under a link's right key, as whoever has its URL can."""
        with self.device.volume() as session:
            entry = find_path(session, RemotePath.parse(path)).replace(ext={}, changed_in=0)
            signer = seed or session.keys.link_seed(url.link_id)
        return seal_link_record(
            link_keys(url.secret, url.link_id).record, url.link_id, signer, LinkRecord(seq, 0, entry)
        )

    def show(self, record: bytes) -> None:
        """Have the server show this record for whatever is opened, whoever asks."""
        told = base64.b64encode(record).decode()
        self.world.proxy.lie("POST", SESSION, on_json(lambda answer: {**answer, "record": told}))


@pytest.fixture(scope="module")
def account(world: World) -> Device:
    """Sign up, and store what is shared."""
    world.proxy.be_honest()
    made = world.sign_up("sharer", Device(world.folder / "sharer"))
    source = world.folder / "to-share"
    source.mkdir()
    (source / "large.bin").write_bytes(LARGE)
    (source / "small.txt").write_bytes(b"guess number 42")
    assert made.mega("put", str(source), "/").code == 0
    return made


@pytest.fixture
def sharer(world: World, account: Device, tmp_path: Path) -> Iterator[Sharer]:
    """Give the account before an honest server, and end its links afterwards."""
    world.proxy.be_honest()
    world.proxy.forget()
    yield Sharer(world, account, tmp_path)
    world.proxy.be_honest()
    assert account.mega("shares", "revoke", "--all", "-y").code == 0


@pytest.mark.attack("T65")
def test_the_secret_of_a_link_never_leaves(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made, opened, read, imported: no request, header, address, log or database holds it, or its password."""
    monkeypatch.setenv("MEGA_LINK_PASSWORD", LINK_PASSWORD.decode())
    text = sharer.share("/to-share", "--password")
    url = parse_link(text)
    for words in (("ls", "link:"), ("get", "link:", str(sharer.folder / "out")), ("cat", "link:/small.txt")):
        monkeypatch.setenv("MEGA_LINK_PASSWORD", LINK_PASSWORD.decode())
        assert sharer.visit(text, *words).code == 0
    with monkeypatch.context() as patch:
        patch.setenv("MEGA_LINK", text)
        patch.setenv("MEGA_LINK_PASSWORD", LINK_PASSWORD.decode())
        assert sharer.device.mega("import", "link:", f"/copy-{os.getpid()}").code == 0
    mixed = with_password(url.secret, url.link_id, Secret(LINK_PASSWORD))
    for canaries in (Canaries(), sharer.world.canaries):  # now, and once more when all has been played
        canaries.add("the secret of a link", url.secret.reveal())
        canaries.add("the secret and the password of a link", mixed.reveal())
        canaries.add("the key of a link's record", link_keys(mixed, url.link_id).record)
        canaries.add("the password of a link", LINK_PASSWORD)
    received = [call.raw for call in sharer.world.proxy.calls if len(call.raw) < 1 << 20]
    stored = [file.read_bytes() for file in sharer.world.server.data_dir.glob("mega.db*")]

    assert sharer.world.canaries.leaks([*received, *stored, sharer.world.server.log.encode()]) == []
    assert not any("#" in call.path or "?" in call.path for call in sharer.world.proxy.calls if "links" in call.path)


@pytest.mark.attack("T66")
def test_half_of_a_secret_opens_nothing(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database and the URL without the password, or the password without the URL: neither opens the record."""
    monkeypatch.setenv("MEGA_LINK_PASSWORD", LINK_PASSWORD.decode())
    url = parse_link(sharer.share("/to-share", "--password"))
    record, password = sharer.record_of(url), Secret(LINK_PASSWORD)

    def opens(secret: Secret) -> bool:
        try:
            open_link_record(link_keys(secret, url.link_id).record, url.link_id, url.pin, record)
        except IntegrityError:
            return False
        return True

    assert opens(with_password(url.secret, url.link_id, password))
    for half in (
        url.secret,
        password,
        Secret(hashlib.sha256(LINK_PASSWORD).digest()),
        with_password(url.secret, url.link_id, Secret(b"another")),
        with_password(Secret(bytes(32)), url.link_id, password),
    ):
        assert not opens(half)


@pytest.mark.attack("T66")
def test_a_server_that_asks_for_no_password_gives_nothing_away(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes any proof and shows the record: the password is in the key, so it does not open (14)."""
    monkeypatch.setenv("MEGA_LINK_PASSWORD", LINK_PASSWORD.decode())
    text = sharer.share("/to-share", "--password")
    told = base64.b64encode(sharer.record_of(parse_link(text))).decode()
    sharer.world.proxy.lie("POST", SESSION, _always(told))
    monkeypatch.setenv("MEGA_LINK_PASSWORD", "wrong")

    assert sharer.visit(text, "ls", "link:").code == 14


def _always(told: str) -> Lie:
    """Answer every opening with a record, whatever the proof."""
    return instead(b'{"record":"%s","expires_in_s":60}' % told.encode(), Content_Type="application/json")


@pytest.mark.attack("T67")
def test_a_record_that_was_signed_again_is_refused(sharer: Sharer) -> None:
    """Whoever knows a posted URL can seal a record with its real secret, and sign it with a key of their own: 16."""
    text = sharer.share("/to-share")
    sharer.show(sharer.forged(parse_link(text), "/to-share/small.txt", seed=os.urandom(32)))
    ran = sharer.visit(text, "get", "link:", str(sharer.folder / "out"))

    assert (ran.code, (sharer.folder / "out").exists()) == (16, False)


@pytest.mark.attack("T67")
def test_a_signature_that_is_not_the_links_is_refused(sharer: Sharer) -> None:
    """The right key is named, and another has signed: 14."""
    text = sharer.share("/to-share")
    url = parse_link(text)
    keys = link_keys(url.secret, url.link_id)
    honest = sharer.forged(url, "/to-share")
    plain = open_record(LINK_RECORD, keys.record, url.link_id, honest, len(honest))
    sharer.show(seal_record(LINK_RECORD, keys.record, url.link_id, plain[:-64] + os.urandom(64)))

    assert sharer.visit(text, "ls", "link:").code == 14


@pytest.mark.attack("T68")
def test_the_record_of_another_link_is_refused(sharer: Sharer) -> None:
    """Exit 14, and nothing is written."""
    text, other = sharer.share("/to-share"), sharer.share("/to-share/small.txt")
    sharer.show(sharer.record_of(parse_link(other)))
    ran = sharer.visit(text, "get", "link:", str(sharer.folder / "out"))

    assert (ran.code, (sharer.folder / "out").exists()) == (14, False)


@pytest.mark.attack("T68")
def test_an_older_state_than_was_seen_is_a_rollback(sharer: Sharer) -> None:
    """What the server stored before the last change opens no more on a device that saw the change: 15."""
    text = sharer.share("/to-share")
    old = sharer.record_of(parse_link(text))
    new = sharer.folder / "new.txt"
    new.write_text("new")
    assert sharer.device.mega("put", str(new), "/to-share").code == 0
    assert b"new.txt" in sharer.visit(text, "ls", "link:").out
    sharer.show(old)

    assert sharer.visit(text, "ls", "link:").code == 15
    assert sharer.device.mega("rm", "/to-share/new.txt").code == 0


@pytest.mark.attack("T68")
def test_of_twenty_downloads_at_once_one_succeeds(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty machines, a limit of one; the nineteen others are told so, with exit 4."""
    monkeypatch.setenv("MEGA_LINK", sharer.share("/to-share/small.txt", "--max-downloads", "1"))
    started = [
        sharer.visitor(f"machine-{number}").start("get", "link:", str(sharer.folder / f"out-{number}"))
        for number in range(20)
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in started]

    assert sorted(code for _, code in ended) == [0] + [4] * 19
    assert sum((sharer.folder / f"out-{number}").exists() for number in range(20)) == 1


@pytest.mark.attack("T68")
def test_a_revoked_link_opens_no_more(sharer: Sharer) -> None:
    """At once, also on the machine that had it open."""
    text = sharer.share("/to-share")
    assert sharer.visit(text, "ls", "link:").code == 0
    assert sharer.device.mega("shares", "revoke", text).code == 0

    assert sharer.visit(text, "ls", "link:").code == 4


@pytest.mark.attack("T68")
def test_the_record_says_itself_when_it_ends(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that goes on serving an expired link is not followed."""
    text = sharer.share("/to-share", "--expire", "1h")
    monkeypatch.setattr("mega_cli.system.clock.SystemClock.now_ms", lambda _clock: 1 << 42)

    ran = sharer.visit(text, "ls", "link:")

    assert (ran.code, "expired" in ran.err) == (4, True)


@pytest.mark.attack("T68")
def test_blobs_that_are_not_the_links_are_refused(sharer: Sharer) -> None:
    """One flipped byte, or none at all: 14, and nothing has its final name."""
    text = sharer.share("/to-share")
    for lie in (lambda blobs: [blob[:99] + bytes([blob[99] ^ 1]) + blob[100:] for blob in blobs], lambda _blobs: []):
        sharer.world.proxy.be_honest()
        sharer.world.proxy.lie("POST", BLOBS, on_frames(lie))
        ran = sharer.visit(text, "get", "link:", str(sharer.folder / "out"))
        assert ran.code == 14
        assert not (sharer.folder / "out" / "large.bin").exists()


@pytest.mark.attack("T52")
def test_an_import_uploads_what_is_there_already(sharer: Sharer) -> None:
    """A true guess at what somebody stores, planted in a link, is uploaded like a wrong one, every time."""
    text = sharer.share("/to-share/large.bin")
    sent = []
    for number in range(2):
        sharer.world.proxy.forget()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MEGA_LINK", text)
            assert sharer.device.mega("import", "link:", f"/import-{sharer.folder.name}-{number}").code == 0
        sent.append(_uploaded(sharer))

    assert min(sent) > len(LARGE)


@pytest.mark.attack("T52")
def test_what_was_imported_teaches_a_later_put_nothing(sharer: Sharer, world: World) -> None:
    """Somebody plants a guess by a link; the put of the true file sends all of it."""
    guess = forge.fixed(f"guess {sharer.folder}", 200_000)
    mine = sharer.folder / "mine.bin"
    mine.write_bytes(guess)
    other = world.sign_up(f"p{os.urandom(4).hex()}", Device(sharer.folder / "planter"))
    assert other.mega("put", str(mine), "/guess.bin").code == 0
    text = other.mega("share", "/guess.bin").out.decode().strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEGA_LINK", text)
        assert sharer.device.mega("import", "link:", f"/{sharer.folder.name}.bin").code == 0
    world.proxy.forget()
    assert sharer.device.mega("put", str(mine), f"/{sharer.folder.name}-mine.bin").code == 0

    assert _uploaded(sharer) > len(guess)


def _uploaded(sharer: Sharer) -> int:
    """Add up the blobs of all uploads."""
    bodies = [call.body for call in sharer.world.proxy.calls if call.path.endswith("/packs")]
    return sum(length for body in bodies for _, length in blob_spans(body))


@pytest.mark.attack("T71")
def test_a_link_in_an_argument_is_warned_of_once(sharer: Sharer) -> None:
    """Others see it in the list of processes; the variable hides it and says nothing."""
    text = sharer.share("/to-share")
    warned = sharer.visitor().mega("cat", f"{text}:/small.txt", f"{text}:/small.txt")
    quiet = sharer.visit(text, "cat", "link:/small.txt")

    assert (warned.code, warned.err.count("other users of this machine")) == (0, 1)
    assert (quiet.code, quiet.err, quiet.out) == (0, "", b"guess number 42")


@pytest.mark.attack("T71")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_no_process_shows_a_link_that_was_told_by_the_variable(sharer: Sharer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its arguments nor what a program that it starts inherits hold the secret or the password."""
    monkeypatch.setenv("MEGA_LINK_PASSWORD", LINK_PASSWORD.decode())
    text = sharer.share("/to-share", "--password")
    monkeypatch.delenv("MEGA_LINK_PASSWORD", raising=False)
    script, seen, secret = (sharer.folder / name for name in ("askpass", "seen", "secret"))
    secret.write_bytes(LINK_PASSWORD)
    script.write_text(f"#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline > {seen}\ncat {secret}\n")
    script.chmod(0o700)
    monkeypatch.setenv("MEGA_LINK", text)
    ran = sharer.visitor().run("ls", "link:", "--link-password-command", str(script))

    assert ran.code == 0, ran.err
    assert b"link:" in seen.read_bytes()
    for needle in (text.partition("#")[2].encode(), LINK_PASSWORD):
        assert needle not in seen.read_bytes()
