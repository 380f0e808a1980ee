"""What the server can learn or be made to do: confirmations, probes, tree shapes, argument lists, wrong bytes.

T50, T51, T54, T71 and T80; the canary scan (I1) runs when the last hostile test is done.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.passwords import FLOOR
from mega_cli.formats.object import Sealer, encode_payload
from mega_cli.main import COMMANDS, mega
from mega_cli.model import DATA
from mega_server.protocol.packs import pack_header
from tests.hostile.conftest import LARGE, PASSWORD, SMALL, World
from tests.kit import forge
from tests.kit.canary import Canaries
from tests.kit.device import Device
from tests.kit.hostile_server import instead
from tests.kit.server import LiveServer
from tests.kit.volume_forge import seal_any_page, upload

ANSWER = tuple[int, bytes]


def ask(world: World, device: Device, method: str, route: str, body: bytes = b"") -> ANSWER:
    """Send one request as a client that is none of ours would."""
    connection = http.client.HTTPConnection(urlsplit(world.server.url).netloc, timeout=30)
    try:
        token = device.session.token.reveal().decode()
        path = f"/v1/volumes/{device.keys.volume.hex()}/{route}"
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def stored_ids(world: World, device: Device) -> set[bytes]:
    """Read the ids of a volume from the server's database."""
    db = sqlite3.connect(world.folder / "server" / "mega.db")
    rows = db.execute("SELECT id FROM blobs WHERE volume=?", (device.keys.volume,)).fetchall()
    db.close()
    return {row[0] for row in rows}


# --- confirmation and existence ---------------------------------------------------------------------------------------


@pytest.mark.attack("T50")
def test_the_same_files_in_two_accounts_share_no_id(world: World, bob: Device) -> None:
    """Both accounts hold the same large and small files; their ids have nothing in common."""
    alices, bobs = stored_ids(world, world.owner), stored_ids(world, bob)

    assert alices
    assert bobs
    assert not alices & bobs


@pytest.mark.attack("T50")
def test_who_has_the_file_and_every_ciphertext_finds_no_match(world: World, bob: Device) -> None:
    """Sealing the known file under every secret an outsider has gives no id that is stored."""
    ids = stored_ids(world, world.owner)
    keys = bob.keys
    guesses: set[bytes] = set()
    for plain in (LARGE, *SMALL.values()):
        for is_compressed in (True, False):
            payload = encode_payload(DATA, plain, compress=is_compressed)
            guesses.add(bytes(Sealer(keys, compress=is_compressed).seal_data(plain).ref.id))
            guesses |= {hashlib.sha256(raw).digest() for raw in (plain, payload, kdf(bytes(32), b"x") + payload)}
    assert not guesses & ids


@pytest.mark.attack("T50")
def test_large_content_meets_itself_within_a_volume_only() -> None:
    """The deduplication secret is the volume's: the same keys give the same blob, others another."""
    mine = [Sealer(forge.KEYS).seal_data(LARGE) for _ in range(2)]
    other = Sealer(forge.MASTER.volume_keys()).seal_data(LARGE)

    assert mine[0].ref == mine[1].ref
    assert other.ref.id != mine[0].ref.id


@pytest.mark.attack("T51")
def test_anothers_id_and_no_id_are_the_same(world: World, bob: Device) -> None:
    """Probing, holding, reading and committing an id of Alice's ends as with a random one, and touches nothing."""
    theirs = max(stored_ids(world, world.owner))
    with bob.volume() as session:
        head = session.client.head(session.keys.volume)
    used = _use_of(world, theirs)
    answers: list[list[ANSWER]] = []
    for id_ in (theirs, os.urandom(32)):
        asked = [
            ask(world, bob, "POST", "missing", id_),
            ask(world, bob, "POST", "hold", id_),
            ask(world, bob, "POST", "blobs", id_),
            ask(world, bob, "GET", f"blobs/{id_.hex()}"),
            ask(world, bob, "POST", "commits", _next_record(bob, head) + id_),
        ]
        answers.append([(status, body.replace(id_, b"ID").replace(_base64(id_), b"ID")) for status, body in asked])
    assert [status for status, _ in answers[0]] == [200, 200, 200, 404, 422]
    assert answers[0] == answers[1]
    assert _use_of(world, theirs) == used


@pytest.mark.attack("T51")
def test_anothers_volume_and_no_volume_are_the_same(world: World, bob: Device) -> None:
    """Every route under Alice's volume answers Bob as under one that does not exist."""
    token = {"Authorization": f"Bearer {bob.session.token.reveal().decode()}"}
    id_ = max(stored_ids(world, world.owner))
    seen = []
    for volume in (world.owner.keys.volume.hex(), os.urandom(16).hex()):
        answers = []
        for method, route, body in (
            ("GET", "head", b""),
            ("GET", "records?from=1&to=2", b""),
            ("GET", f"blobs/{id_.hex()}", b""),
            ("POST", "missing", id_),
            ("POST", "hold", id_),
            ("POST", "blobs", id_),
            ("POST", "packs", pack_header([600]) + bytes(600)),
        ):
            connection = http.client.HTTPConnection(urlsplit(world.server.url).netloc, timeout=30)
            connection.request(method, f"/v1/volumes/{volume}/{route}", body, token)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
            connection.close()
        seen.append(answers)
    assert seen[0] == seen[1]
    assert {status for status, _ in seen[0]} == {404}


@pytest.mark.attack("T51")
def test_no_route_of_a_volume_answers_without_a_session(world: World) -> None:
    """Without a token every route is a 401 with one body."""
    seen = set()
    for method, route in (("GET", "head"), ("GET", "records?from=1&to=1"), ("POST", "blobs"), ("POST", "missing")):
        connection = http.client.HTTPConnection(urlsplit(world.server.url).netloc, timeout=30)
        connection.request(method, f"/v1/volumes/{world.owner.keys.volume.hex()}/{route}", b"")
        answer = connection.getresponse()
        seen.add((answer.status, answer.read()))
        connection.close()
    assert {status for status, _ in seen} == {401}
    assert len(seen) == 1


# --- shape ------------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T54")
def test_the_database_tells_no_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two trees of the same objects, one nested, one flat: dumps of the database differ in random bytes only.

    Each account's own key ends a page after one name in 32, and such an end is two more blobs. That is
    chance, and no word about the shape: no page is cut here.
    """
    monkeypatch.setattr(sys.modules["mega_cli.account.signup"], "DEFAULT_POLICY", FLOOR)
    monkeypatch.setattr(sys.modules["mega_cli.volume.pagetree"], "ends_page", lambda *_: False)
    dumps = [_dump_of(tmp_path / shape, shape) for shape in ("flat", "nested")]

    assert dumps[0] == dumps[1]


@pytest.mark.attack("T54")
def test_names_and_sizes_are_padded_away() -> None:
    """A page of one short name and one of two long ones are blobs of one length."""
    sealer = Sealer(forge.KEYS)
    short = sealer.seal_page(forge.page_of([forge.entry("a")]))
    long = sealer.seal_page(forge.page_of([forge.entry("a" * 60), forge.entry("b" * 60)]))

    assert len(short.blob) == len(long.blob) == 564


def _dump_of(folder: Path, shape: str) -> list[object]:
    """Store a tree on a server of its own and dump what the server knows, random bytes and times blanked."""
    source = folder / "source"
    (source / "one").mkdir(parents=True)
    second = source / "one" / "two" if shape == "nested" else source / "two"
    second.mkdir()
    for place in (source / "one", second):
        (place / "file").write_bytes(b"content")
    (folder / "password").write_bytes(PASSWORD)
    device = Device(folder / "home")
    with LiveServer(folder / "server", "--signup", "open") as server:
        words = ("--password-file", str(folder / "password"), "--recovery-kit", str(folder / "kit"))
        assert device.mega("signup", "alice", "--server", server.url, *words).code == 0
        assert device.mega("put", str(source), "/").code == 0
    db = sqlite3.connect(folder / "server" / "mega.db")
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
    dump: list[object] = []
    for table in tables:
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
        dump.append((table, sorted(tuple(_blank(cell) for cell in row) for row in rows)))
    db.close()
    dump.append(sorted(file.stat().st_size for file in (folder / "server" / "store").rglob("*") if file.is_file()))
    return dump


def _blank(cell: object) -> str:
    """Blank what is random: bytes by their length, times, hexadecimal ids."""
    if isinstance(cell, bytes):
        return f"bytes {len(cell)}"
    if isinstance(cell, int) and cell > 10**12:
        return "time"
    return f"text {len(cell)}" if isinstance(cell, str) and len(cell) == 16 else str(cell)


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T71")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_no_process_shows_a_secret_in_its_arguments(world: World, tmp_path: Path) -> None:
    """A login whose password a command prints: neither process has the password, nor a key, in its command line."""
    script = tmp_path / "askpass"
    seen = tmp_path / "seen"
    secret = tmp_path / "secret"
    secret.write_bytes(PASSWORD)
    script.write_text(f"#!/bin/sh\ncat /proc/$$/cmdline /proc/$PPID/cmdline > {seen}\ncat {secret}\n")
    script.chmod(0o700)
    world.proxy.be_honest()
    ran = Device(tmp_path / "home").run(
        "login", "alice", "--server", world.proxy.url, "--password-command", str(script)
    )

    assert ran.code == 0, ran.err
    assert b"login" in seen.read_bytes()
    assert PASSWORD not in seen.read_bytes()


@pytest.mark.attack("T71")
@pytest.mark.parametrize("name", [name for section in COMMANDS.values() for name in section])
@pytest.mark.parametrize("option", ["--password", "--password=", "--token", "--secret", "--key"])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(tmp_path: Path, name: str, option: str) -> None:
    """No command takes one: exit 2, and the message does not spell it out."""
    words = [option + "s3cret-value-1"] if option.endswith("=") else [option, "s3cret-value-1"]
    ran = Device(tmp_path).mega(name, *words)

    assert ran.code == 2
    assert "s3cret-value-1" not in ran.err
    assert b"s3cret" not in ran.out


@pytest.mark.attack("T71")
@pytest.mark.parametrize("name", [name for section in COMMANDS.values() for name in section])
def test_every_secret_has_a_way_that_is_not_an_argument(name: str) -> None:
    """Commands that need a password read it from a file, a command, or the environment."""
    import click  # noqa: PLC0415 -- to make a context only

    command = mega.get_command(click.Context(mega), name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    taking = [
        parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.is_flag
    ]

    assert not any("--password" in option.opts for option in taking)
    assert ("--password-file" in options) == ("--password-command" in options)
    assert name not in {"signup", "login"} or "--password-file" in options


# --- wrong bytes ------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T80")
@pytest.mark.parametrize(
    ("lengths", "size"),
    [([600], 599), ([600], 601), ([600, 600], 600), ([599], 600), ([1], 1), ([6 << 20], 6 << 20), ([], 0)],
    ids=["short", "long", "one missing", "one byte over", "tiny", "huge", "none"],
)
def test_a_pack_that_is_not_what_it_says_is_refused(
    world: World, bob: Device, lengths: Sequence[int], size: int
) -> None:
    """Nothing of it is stored."""
    before = stored_ids(world, bob)
    status, _ = ask(world, bob, "POST", "packs", pack_header(list(lengths)) + os.urandom(size))

    assert status in {400, 413}
    assert stored_ids(world, bob) == before


@pytest.mark.attack("T80")
def test_a_blob_is_stored_under_its_own_hash_alone(world: World, bob: Device) -> None:
    """Nobody names an id at upload: other bytes get another id, and a commit that needs the wanted one is refused."""
    wanted, other = os.urandom(600), os.urandom(600)
    id_ = hashlib.sha256(wanted).digest()
    status, answer = ask(world, bob, "POST", "packs", pack_header([600]) + other)
    with bob.volume() as session:
        head = session.client.head(session.keys.volume)
        assert (status, answer) == (201, hashlib.sha256(hashlib.sha256(other).digest()).digest())
        assert ask(world, bob, "POST", "commits", _next_record(bob, head) + id_)[0] == 422
        assert session.client.head(session.keys.volume) == head


@pytest.mark.attack("T80")
def test_a_server_that_stored_something_else_is_found_out(world: World, device: Device, tmp_path: Path) -> None:
    """The answer to an upload must be the hash of the ids that the client made: exit 14, nothing committed."""
    (tmp_path / "file").write_bytes(b"content")
    world.proxy.lie("POST", "/packs$", instead(bytes(32), 201))

    assert device.mega("put", str(tmp_path / "file"), "/").code == 14
    assert "POST commits" not in world.proxy.paths


@pytest.mark.attack("T80")
def test_a_commit_of_another_key_or_volume_is_refused(world: World, bob: Device) -> None:
    """The server takes records of the volume's registered writer only."""
    with world.owner.volume() as session:
        head = session.client.head(session.keys.volume)
    assert ask(world, bob, "POST", "commits", _next_record(world.owner, head))[0] == 400


# --- the scan itself --------------------------------------------------------------------------------------------------


def test_the_canary_scan_finds_every_form() -> None:
    """Raw, hexadecimal, base64 of both alphabets at any alignment, percent-encoded; hashes; 16 bytes of content."""
    import base64  # noqa: PLC0415 -- one use
    from urllib.parse import quote_from_bytes  # noqa: PLC0415 -- one use

    secret, content = forge.fixed("secret"), forge.fixed("content", 64)
    canaries = Canaries()
    canaries.add("secret", secret)
    canaries.add_content("content", content)
    forms = [secret, secret.hex().encode(), secret.hex().upper().encode(), quote_from_bytes(secret).encode()]
    forms += [base64.b64encode(b"-" * pad + secret + b"---") for pad in range(3)]
    forms += [base64.urlsafe_b64encode(b"-" * pad + secret + b"---") for pad in range(3)]
    for form in forms:
        assert canaries.leaks([b'{"x": "' + form + b'"}']) == ["secret"]
    for form in (content[7:23], content[7:23].hex().encode(), hashlib.md5(content).hexdigest().encode()):
        assert canaries.leaks([b"(" + form + b")"])
    assert canaries.leaks([os.urandom(100_000), content[7:22]]) == []


def test_the_canary_scan_finds_what_a_careless_client_uploads(world: World, device: Device) -> None:
    """A name and a piece of content in a pack are found in the proxy's record."""
    with device.volume() as session:
        page = seal_any_page(session, forge.page_of([forge.entry("a")]))
        upload(session, [page])
    careless = [
        *(call.raw for call in world.proxy.calls),
        b"GET /v1/canary-name-alpha.txt",
        SMALL["canary-name-alpha.txt"],
    ]

    found = world.canaries.leaks(careless)
    assert found == ["a piece of content", "the name canary-name-alpha.txt"]


def _next_record(device: Device, head: bytes) -> bytes:
    """Sign a record that follows `head`, with the root that it had."""
    from mega_cli.formats.root_record import open_root_record, seal_root_record  # noqa: PLC0415 -- beside its use

    header, body = open_root_record(device.keys, head)
    return seal_root_record(device.keys, header.revision + 1, header.digest, body)


def _use_of(world: World, id_: bytes) -> list[tuple[object, ...]]:
    """Read when a blob was last touched or condemned, in any volume."""
    db = sqlite3.connect(world.folder / "server" / "mega.db")
    rows = db.execute("SELECT volume, touched, condemned FROM blobs WHERE id=?", (id_,)).fetchall()
    db.close()
    return rows


def _base64(raw: bytes) -> bytes:
    import base64  # noqa: PLC0415 -- one use

    return base64.b64encode(raw)
