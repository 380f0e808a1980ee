"""Answers: chunks and pages dropped, moved, swapped or added, and every field a server may lie in (T31 to T34, T39)."""

from __future__ import annotations

import base64
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mega_cli.api.retry import Retry
from mega_cli.errors import IntegrityError
from mega_cli.formats.page import IndexItem
from mega_cli.volume.pagetree import PageTree
from tests.hostile.conftest import PASSWORD, World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import Answer, Call, Forward, Lie, blobs_of, frames, on_body, on_frames, on_json, refusal
from tests.kit.volume_forge import seal_any_page, upload

THREE_IDS = 3 * 32


def _in_order(order: list[int], blobs: list[bytes]) -> list[bytes]:
    """Give the blobs in another order."""
    return [blobs[n] for n in order]


ORDERS = [list(order) for order in itertools.permutations(range(3)) if order != (0, 1, 2)]
WRONG: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    **{f"order {order}": partial(_in_order, order) for order in ORDERS},
    "first dropped": lambda b: b[1:],
    "middle dropped": lambda b: [b[0], b[2]],
    "last dropped": lambda b: b[:2],
    "all dropped": lambda _b: [],
    "one twice": lambda b: [b[0], b[0], b[2]],
    "one more": lambda b: [*b, b[2]],
    "a short one": lambda b: [b[0], b[1][:-1], b[2]],
    "a long one": lambda b: [b[0], b[1] + b"\0", b[2]],
    "an empty one": lambda b: [b[0], b"", b[2]],
}


def for_chunks(lie: Lie) -> Lie:
    """Lie only in the answer that carries the three chunks of three.bin."""
    return lambda call, forward: lie(call, forward) if len(call.body) == THREE_IDS else forward()


def assert_refused(device: Device, target: Path) -> None:
    """Fetch three.bin: exit 14, and nothing under its final name (I2, I3)."""
    target.mkdir()
    assert device.mega("get", "three.bin", str(target)).code == 14
    assert not (target / "three.bin").exists()


@pytest.mark.attack("T31")
@pytest.mark.parametrize("wrong", WRONG)
def test_chunks_in_another_order_or_number_are_refused(
    world: World, device: Device, tmp_path: Path, wrong: str
) -> None:
    """Every permutation, drops, repeats, short and long ones."""
    world.proxy.lie("POST", "/blobs$", for_chunks(on_frames(WRONG[wrong])))
    assert_refused(device, tmp_path / "out")
    assert world.proxy.paths[-1] == "POST blobs"
    assert sum(len(call.body) == THREE_IDS for call in world.proxy.calls) == 1, "no retry after it (I4)"


@pytest.mark.attack("T31")
@pytest.mark.parametrize(
    "change",
    [
        lambda a: replace(a, status=206),
        lambda a: a.with_header("Content-Encoding", "gzip"),
        lambda a: a.with_header("Content-Encoding", "zstd"),
        lambda a: replace(a, body=a.body[:-4]),
        lambda a: replace(a, body=a.body + b"\0"),
        lambda a: replace(a, body=a.body[:-4] + b"\xff\xff\xff\xff" + bytes(4)),
        lambda a: replace(a, body=b"\xff\xff\xff\xff" * 3 + bytes(4)),
        lambda a: replace(a, status=302).with_header("Location", "/v1/server"),
    ],
    ids=["206", "gzip", "zstd", "no end", "bytes after the end", "a fourth frame", "all missing", "a redirect"],
)
def test_framing_that_nobody_asked_for_is_refused(
    world: World, device: Device, tmp_path: Path, change: Callable[[Answer], Answer]
) -> None:
    """Partial answers, encodings, redirects, frames that do not add up."""
    world.proxy.lie("POST", "/blobs$", for_chunks(lambda _call, forward: change(forward())))
    assert_refused(device, tmp_path / "out")


@pytest.mark.attack("T31")
def test_a_404_under_a_verified_root_is_damage(world: World, device: Device) -> None:
    """Hiding what a verified head relies on is no "not found": exit 14."""
    world.proxy.lie("POST", "/blobs$", refusal("not_found", 404))

    assert device.mega("ls").code == 14


@pytest.mark.attack("T39")
@pytest.mark.parametrize("chunks", range(4))
@pytest.mark.parametrize("more", [0, 5])
def test_a_truncated_answer_leaves_no_file(
    world: World, device: Device, tmp_path: Path, chunks: int, more: int
) -> None:
    """Cut at each chunk's boundary and a few bytes on; HTTP calls it whole: exit 14."""

    def cut(body: bytes) -> bytes:
        return body[: len(frames(blobs_of(body)[:chunks])) - 4 + more][: len(body) - 4]

    world.proxy.lie("POST", "/blobs$", for_chunks(on_body(cut)))
    assert_refused(device, tmp_path / "out")


@pytest.mark.attack("T39")
def test_a_connection_that_is_cut_for_good_leaves_no_file(
    world: World, device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken framing is temporary: tried again, then exit 5, and nothing under its final name."""
    defaults = Retry.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "sleep", lambda _s: None)
    world.proxy.lie("POST", "/blobs$", for_chunks(lambda _c, f: replace(f(), body=b"\0\0", is_cut=True)))

    assert device.mega("get", "three.bin", str(tmp_path / "three.bin")).code == 5
    assert not (tmp_path / "three.bin").exists()


@pytest.mark.attack("T39")
def test_cat_fails_when_its_file_is_cut_short(world: World, device: Device) -> None:
    """What it wrote until then was verified; its exit code says that it is not the whole."""
    world.proxy.lie("POST", "/blobs$", for_chunks(on_frames(lambda b: b[:2])))
    ran = device.mega("cat", "three.bin")

    assert ran.code == 14
    assert b"".join(forge.fixed(f"chunk {n}", 300) for n in range(3)).startswith(ran.out)


@pytest.mark.attack("T32")
@pytest.mark.parametrize(
    ("shown", "instead", "command"),
    [
        ("folder-one/inner.bin", "folder-two/inner.bin", "folder-one/inner.bin"),
        ("folder-one", "folder-two", "folder-one"),
        ("folder-one", "folder-two/inner.bin", "folder-one"),
        ("folder-one/inner.bin", "folder-two", "folder-one/inner.bin"),
        ("listed.bin", "folder-one", "listed.bin"),
    ],
    ids=["file for file", "folder for folder", "file for folder", "folder for file", "folder for list"],
)
def test_a_blob_of_another_place_is_refused(
    world: World, device: Device, tmp_path: Path, shown: str, instead: str, command: str
) -> None:
    """Another of the account's own blobs, whole and valid in its place, is exit 14 in this one."""
    wanted, other, blob = _blob_at(device, shown)[0], *_blob_at(device, instead)

    def swap(call: Call, forward: Forward) -> Answer:
        honest = forward()
        ids = [call.body[at : at + 32] for at in range(0, len(call.body), 32)]
        pairs = zip(ids, blobs_of(honest.body), strict=True)
        return replace(honest, body=frames([blob if id_ == wanted else real for id_, real in pairs]))

    assert wanted != other
    world.proxy.lie("POST", "/blobs$", swap)
    assert device.mega("get", command, str(tmp_path / "out")).code == 14
    assert not any(path.is_file() for path in (tmp_path / "out").rglob("*"))


@pytest.mark.attack("T32")
def test_a_page_stands_only_where_its_index_says(device: Device) -> None:
    """Rightly sealed pages of one folder, exchanged in the index above them or named by another key, are refused."""
    with device.volume() as session:
        pages = [seal_any_page(session, forge.page_of([forge.entry(name)])) for name in ("a", "m")]
        upload(session, pages)
        for first, second in (("a", "m"), ("A", "m"), ("a", "m~")):
            order = (1, 0) if (first, second) == ("a", "m") else (0, 1)
            items = [IndexItem(name, pages[n].ref.pack()) for name, n in zip((first, second), order, strict=True)]
            index = seal_any_page(session, forge.page_of(items, level=1))
            upload(session, [index])
            with pytest.raises(IntegrityError):
                list(PageTree(session.pages, index.ref).entries())
            with pytest.raises(IntegrityError):
                [PageTree(session.pages, index.ref).lookup(name) for name in (second, first)]


# --- fields and headers -----------------------------------------------------------------------------------------------

ROUTES = {
    "GET /v1/server": ["version", "software", "origin", "signup", "clock_ms", "storage", "limits"],
    "GET /v1/accounts/alice/kdf": ["algorithm", "server_salt", "passes", "memory_bytes"],
    "POST /v1/login/challenge": ["server_nonce"],
    "POST /v1/login": ["token", "session_id", "slot"],
}
LIES = [(route, name) for route, names in ROUTES.items() for name in names]
REFUSED = {12, 14, 16, 17}


def _lies_for(honest: Any) -> Iterator[Any]:
    """Make up other values: of the same type, of another, none."""
    yield None
    if isinstance(honest, str):
        yield "x" * len(honest)
        yield base64.b64encode(bytes(32)).decode()
    if isinstance(honest, int):
        yield from (0, honest + 1024, 2**62)
    if isinstance(honest, dict):
        yield dict.fromkeys(honest, 1)


@pytest.mark.attack("T33")
@pytest.mark.parametrize(("route", "name"), LIES)
def test_no_field_of_a_login_changes_what_is_believed(
    world: World, device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str, name: str
) -> None:
    """Whatever a field says, the login is refused or ends with the same keys, and the listing stays the same."""
    monkeypatch.setattr(sys.modules["mega_cli.account.login"], "password_key", world.password_key)
    method, path = route.split(" ")
    (tmp_path / "password").write_bytes(PASSWORD)
    world.proxy.forget()
    words = ("login", "alice", "--server", world.proxy.url, "--password-file", str(tmp_path / "password"))
    honest_listing = device.mega("ls", "-lr").out
    told = msgspec.json.decode(_honest(world, route))
    for n, lie in enumerate(_lies_for(told[name])):
        world.proxy.be_honest()
        world.proxy.lie(method, f"^{path}$", on_json(partial(_with_field, name, lie)))
        fresh = Device(tmp_path / f"fresh-{n}")
        ran = fresh.mega(*words)
        world.proxy.be_honest()
        if ran.code:
            assert ran.code in REFUSED, ran.err
            assert not list(fresh.home.rglob("session.json"))
            continue
        assert fresh.session.master_key == device.session.master_key
        assert (fresh.session.account, fresh.session.origin) == ("alice", world.proxy.url)
        assert name in {"token", "session_id"} or fresh.mega("ls", "-lr").out == honest_listing


@pytest.mark.attack("T33")
def test_no_header_of_an_answer_changes_a_listing(world: World, device: Device) -> None:
    """Dates, types, validators, places and cookies are ignored."""
    honest = device.mega("ls", "-lr", "--json").out
    lies = {
        "Date": "Thu, 01 Jan 1970 00:00:00 GMT",
        "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
        "Content-Type": "text/html",
        "ETag": '"0"',
        "Location": "http://127.0.0.1:1/",
        "Set-Cookie": "a=b",
        "Content-Disposition": 'attachment; filename="../../x"',
        "X-Mega-Revision": "1",
    }

    def add(_call: Call, forward: Forward) -> Answer:
        answer = forward()
        for name, value in lies.items():
            answer = answer.with_header(name, value)
        return answer

    world.proxy.lie("GET", "", add)
    world.proxy.lie("POST", "", add)
    assert device.mega("ls", "-lr", "--json").out == honest


@pytest.mark.attack("T34")
def test_blobs_that_nobody_signed_for_appear_nowhere(world: World, device: Device, tmp_path: Path) -> None:
    """Pages and files that lie in the volume's store without a root that leads to them do not exist."""
    before = device.mega("ls", "-lr").out
    with device.volume() as session:
        planted = seal_any_page(session, forge.page_of([forge.entry("planted.txt")]))
        upload(session, [planted])
    extra = {"shares": [{"name": "planted"}], "grants": [1], "entries": ["planted"], "notifications": ["planted"]}
    world.proxy.lie("GET", "^/v1/(server|accounts)", on_json(lambda told: told | extra))
    world.proxy.lie("GET", "/head$", lambda _c, f: f().with_header("X-Mega-Shares", "planted"))

    assert device.mega("ls", "-lr").out == before
    assert b"planted" not in device.mega("whoami").out
    assert device.mega("get", "/", str(tmp_path / "all")).code == 0
    assert not [path for path in tmp_path.rglob("*") if "planted" in path.name]


@pytest.mark.attack("T34")
def test_frames_that_nobody_asked_for_are_refused(world: World, device: Device) -> None:
    """One blob more than asked for is exit 14, even when it is one of the volume's own."""
    world.proxy.lie("POST", "/blobs$", on_frames(lambda blobs: [*blobs, blobs[0]]))

    assert device.mega("ls", "-r").code == 14


def _with_field(name: str, value: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Give the answer with one field changed."""
    return told | {name: value}


def _honest(world: World, route: str) -> bytes:
    """Ask the real server, as the client would, for the answer of a route."""
    samples: dict[str, dict[str, Any]] = {
        "POST /v1/login/challenge": {"server_nonce": base64.b64encode(bytes(32)).decode()},
        "POST /v1/login": {"token": "A" * 43, "session_id": "0" * 16, "slot": base64.b64encode(bytes(128)).decode()},
    }
    if route in samples:
        return msgspec.json.encode(samples[route])
    method, path = route.split(" ")
    return world.proxy.answer(Call(method, path, (("Host", "x"),), b"")).body


def _blob_at(device: Device, path: str) -> tuple[bytes, bytes]:
    """Find the first blob of what stands at a path: id and bytes."""
    from mega_cli.volume.commit import open_tree  # noqa: PLC0415 -- one use

    with device.volume() as session:
        entry = open_tree(session, session.head()).entry(("files", *path.split("/")))
        assert entry is not None
        ref = entry.ref_list()[0]
        ((id_, blob),) = session.client.fetch_blobs(session.keys.volume, [ref.id])
    device.state.pages_file.unlink()
    return id_, blob
