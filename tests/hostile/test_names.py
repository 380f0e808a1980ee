"""Names from a hostile peer (T73): signed and sealed rightly, chosen to write elsewhere or to command a terminal."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path

import pytest

from mega_cli.errors import IntegrityError
from mega_cli.formats.object import Sealer
from mega_cli.formats.page import EXT_RAW_NAME, LINK, Entry, decode_page
from tests.hostile.conftest import World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.volume_forge import commit_files, file_entry, folder_entry, seal_any_page

IMPOSSIBLE = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "../x",
    "../../x",
    "a/../../b",
    "a/b",
    "./x",
    "x/",
    "//x",
    "..\0",
    "a\0b",
    "\0",
    "x" * 256,
    "é" * 128,
    "e\u0301",
    "A\u030a",
    "\u1100\u1161",
    "\u2126",
    "../.ssh/authorized_keys",
    ".mega/../../x",
    "/proc/self/mem",
]
"""No entry may have these: the page is refused whole."""

STRANGE = [
    "...",
    ". .",
    " ",
    "-rf",
    "--help",
    "~",
    "~root",
    "$HOME",
    "`id`",
    "$(id)",
    "a;b",
    "a|b",
    "a\\..\\b",
    "..\\x",
    "C:",
    "C:x",
    "C:\\x",
    "NUL",
    "NUL.txt",
    "con",
    "COM1",
    "aux.c",
    "name.",
    "name ",
    "a:stream",
    ".mega",
    ".mega-0123456789abcdef.part",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b[2J",
    "a\rb",
    "a\nb",
    "a\tb",
    "\x7f",
    "\x9b31m",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\u200b",
    "\ufeffx",
    "\u2028",
    "\uf74d%2E%2E",
    "\uf74d%2F",
    "\uf74d..%2Fx",
    "\uf74d",
    "Straße",
    "STRASSE",
    "\u017f",
    "İ",
    "CaseFold",
    "casefold",
]
"""Entries may have these: they are written inside the destination or left out, and shown without control characters."""
RAW_NAMES = [b"../raw", b"/raw", b"a/../../raw", b"..", b".", b"a\0b", b"raw", b"\xff" * 300, b"../../" + b"r" * 10]


@pytest.mark.attack("T73")
@pytest.mark.parametrize("name", IMPOSSIBLE, ids=ascii)
def test_a_page_with_an_impossible_name_is_refused_whole(name: str) -> None:
    """Before anything is listed or written."""
    with pytest.raises(IntegrityError):
        decode_page(forge.page_of([forge.entry(name)]))


@pytest.mark.attack("T73")
def test_a_name_that_is_no_text_is_refused() -> None:
    """Half a surrogate pair, and bytes that are not UTF-8."""
    good = forge.page_of([forge.entry("abc")])
    for bad in (b"\xed\xa0\x80", b"\xff\xfe\xfd", b"\xc0\xaf.", b"a\xcc\x81"[:3]):
        with pytest.raises(IntegrityError):
            decode_page(good.replace(b"\xa3abc", b"\xa3" + bad))


@pytest.mark.attack("T73")
def test_an_impossible_name_in_a_real_volume_is_exit_14(device: Device, tmp_path: Path, bob: Device) -> None:
    """Signed by somebody who has the keys: `ls` and `get` refuse it, nothing is written."""
    clone = bob.copy(tmp_path / "clone")
    with clone.volume() as session:
        commit_files(session, forge.page_of([forge.entry("../escaped")]))
    assert clone.mega("ls").code == 14
    assert clone.mega("get", "/", str(tmp_path / "out")).code == 14
    assert not list(tmp_path.rglob("escaped"))
    assert device.mega("ls").code == 0


@pytest.mark.attack("T73")
def test_strange_names_stay_inside_and_print_harmlessly(bob: Device, tmp_path: Path) -> None:
    """Every name of the corpus, with content: inside the destination, and no raw control byte in what is printed."""
    clone, root = bob.copy(tmp_path / "clone"), tmp_path / "a" / "b" / "out"
    root.mkdir(parents=True)
    outside = _all_below(tmp_path)
    with clone.volume() as session:
        chunk = Sealer(session.keys).seal_data(b"content")
        entries = [file_entry(name, [chunk], b"content", mode=0o6777) for name in STRANGE]
        raw = [
            file_entry(f"raw {n}", [chunk], b"content", ext={EXT_RAW_NAME: value}) for n, value in enumerate(RAW_NAMES)
        ]
        page = forge.page_of(sorted([*entries, *raw], key=lambda entry: entry.name.encode()))
        commit_files(session, page, [chunk])

    listed, fetched = clone.mega("ls", "-l"), clone.mega("get", "/", str(root))
    assert listed.code == 0
    assert fetched.code in {0, 3}
    for text in (listed.out.decode(), listed.err, fetched.out.decode(), fetched.err):
        assert _commands(text) == []
    assert _all_below(tmp_path, but=root) == outside
    written = [path for path in root.rglob("*") if path.is_file()]
    assert len(written) == len(STRANGE) + len(RAW_NAMES)
    assert all(path.read_bytes() == b"content" for path in written)
    assert not any(path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX) for path in written)


@pytest.mark.attack("T73")
@pytest.mark.parametrize("target", ["{outside}", "../../outside", "/", "..", ".", "link"])
def test_a_link_and_then_a_file_through_it(bob: Device, tmp_path: Path, target: str) -> None:
    """A symlink is stored as text; a folder of the same name, in a second get, does not go through it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "x" / "out"
    out.mkdir(parents=True)
    clone = bob.copy(tmp_path / "clone")
    text = target.format(outside=outside)
    with clone.volume() as session:
        chunk = Sealer(session.keys).seal_data(b"content")
        inner = seal_any_page(session, forge.page_of([file_entry("planted", [chunk], b"content")]))
        link = forge.entry("link", kind=LINK, digest=b"", target=text, mode=0o777)
        _commit(session, [link], [chunk, inner])
        assert clone.mega("get", "/", str(out)).code == 0
        assert (out / "link").is_symlink()
        _commit(session, [folder_entry("link", inner.ref)], [])
    ran = clone.mega("get", "/", str(out), "--overwrite", "always")

    assert ran.code == 3
    assert list(outside.iterdir()) == []
    assert not list(tmp_path.rglob("planted"))


@pytest.mark.attack("T73")
def test_devices_and_unknown_kinds_are_not_made(bob: Device, tmp_path: Path) -> None:
    """A kind that this version does not know is listed and left alone."""
    clone, out = bob.copy(tmp_path / "clone"), tmp_path / "out"
    out.mkdir()
    with clone.volume() as session:
        _commit(session, [forge.entry(kind, kind=kind, digest=b"") for kind in ("b", "c", "p", "s")], [])
    assert clone.mega("get", "/", str(out)).code == 3
    assert list(out.iterdir()) == []


@pytest.mark.attack("T73")
def test_a_servers_message_cannot_command_a_terminal(world: World, device: Device) -> None:
    """What the server says is shown without control characters."""
    from tests.kit.hostile_server import instead  # noqa: PLC0415 -- one use

    body = b'{"error": {"code": "forbidden", "message": "\\u001b[31mred\\u202e\\r\\u0007"}}'
    world.proxy.lie("GET", "/head$", instead(body, 403))
    ran = device.mega("ls")

    assert ran.code == 13
    assert _commands(ran.err) == []


def _commit(session: object, entries: list[Entry], objects: list[object]) -> None:
    """Make these entries the folder `/`."""
    commit_files(session, forge.page_of(entries), objects)  # type: ignore[arg-type]  # passed through


def _commands(text: str) -> list[str]:
    """Find what could command a terminal or mislead the eye: control, formatting and separator characters."""
    harmful = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [ascii(one) for one in text.replace("\n", "") if unicodedata.category(one) in harmful]


def _all_below(folder: Path, but: Path | None = None) -> set[Path]:
    """List everything outside `but` and the device's own home."""
    clone = folder / "clone"
    return {path for path in folder.rglob("*") if clone not in (path, *path.parents) and but not in path.parents}
