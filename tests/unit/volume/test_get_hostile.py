"""What a hostile server or a hostile tree cannot make a get do."""

from __future__ import annotations

import io
import os
import re
import stat
from pathlib import Path

import pytest

from mega_cli.errors import IntegrityError
from mega_cli.formats.page import EXT_RAW_NAME, Entry
from mega_cli.localfs.partial_name import is_partial_name
from mega_cli.model import MIB, BlobId
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import commit
from mega_cli.volume.get import cat
from mega_cli.volume.lists import closure
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.requests import GetOptions
from mega_cli.volume.tree import FILES, Tree
from mega_cli.volume.upload import Uploader
from tests.kit.forge import entry, fixed
from tests.unit.volume.conftest import Desk, partials

LARGE = fixed("content 1", 12 * MIB)


def plant(desk: Desk, *entries: Entry) -> None:
    """Commit entries that no put of ours would write."""

    def change(tree: Tree) -> None:
        for planted in entries:
            tree.folder((FILES,)).set(planted)

    with Uploader(desk.session.client, desk.session.keys.volume, lambda _facts: None) as uploader:
        commit(desk.session, change, uploader)


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_flipped_byte_ends_the_run(desk: Desk, name: str) -> None:
    """The server's bytes are not those the id names: an integrity error, and no file under its final name."""
    desk.file("src/small", "small")
    desk.file("src/large", LARGE)
    desk.put()
    for listed in desk.server.all_entries():
        if listed.name == name:
            id_ = max(desk.server.data_ids() & _ids_below(desk, listed), key=lambda i: len(desk.server.blobs[i]))
    blob = bytearray(desk.server.blobs[id_])
    blob[len(blob) // 2] ^= 1
    desk.server.blobs[id_] = bytes(blob)

    with pytest.raises(IntegrityError):
        desk.get(f"/src/{name}", to=desk.disk / "got")
    assert not (desk.disk / "got").exists()


@pytest.mark.parametrize("is_lost", [True, False])
def test_the_damaged_file_is_named_and_can_be_left_out(desk: Desk, *, is_lost: bool) -> None:
    """Whoever reads the hint knows which file it is; what it says to add fetches all the others."""
    desk.file("src/ok.txt", "fine")
    desk.file("src/[a] *.bin", fixed("large", 3 * MIB))
    desk.put()
    (listed,) = [found for found in desk.server.all_entries() if found.name == "[a] *.bin"]
    id_ = max(desk.server.data_ids() & _ids_below(desk, listed), key=lambda i: len(desk.server.blobs[i]))
    whole = desk.server.blobs.pop(id_)
    if not is_lost:
        desk.server.blobs[id_] = whole[:-1] + bytes([whole[-1] ^ 1])

    (desk.disk / "got").mkdir()

    with pytest.raises(IntegrityError) as caught:
        desk.get("/src", to=desk.disk / "got")
    (pattern,) = re.findall(r"--exclude '(.*)';", caught.value.hint)
    summary = desk.get("/src", to=desk.disk / "got", options=GetOptions(filters=Filters.from_options([pattern])))

    names = {path.name for path in (desk.disk / "got" / "src").iterdir()}

    assert "/src/[a] *.bin" in caught.value.hint
    assert summary.problems == ()
    assert {name for name in names if not is_partial_name(os.fsencode(name))} == {"ok.txt"}


def test_content_that_is_not_what_the_entry_says_is_refused(desk: Desk) -> None:
    """Chunks in another order verify one by one; the digest over the whole does not, and nothing gets the name."""
    desk.file("src/middle", fixed("content 2", 4 * MIB))
    desk.put(desk.disk / "src/middle")
    (honest,) = [found for found in desk.server.all_entries() if found.name == "middle"]
    refs = honest.ref_list()
    assert 1 < len(refs) <= 4
    plant(desk, honest.replace(refs=b"".join(ref.pack() for ref in reversed(refs))))

    with pytest.raises(IntegrityError):
        desk.get("/middle", to=desk.disk / "got")
    assert not (desk.disk / "got").exists()
    assert partials(desk.disk) == []
    sink = io.BytesIO()
    with pytest.raises(IntegrityError):
        cat(desk.session, RemotePath.parse("/middle"), sink, SilentProgress())


@pytest.mark.parametrize("raw", [b"../../escape", b"/etc/escape", b"..", b"a/b", b"x\0y", b"other"])
def test_a_hostile_disk_name_is_not_believed(desk: Desk, raw: bytes) -> None:
    """An entry's claim of how its name was spelled counts only when it reads back as the name."""
    plant(desk, entry("honest", ext={EXT_RAW_NAME: raw}))
    (desk.disk / "out").mkdir()
    desk.get("/")

    assert [path.name for path in desk.folder.rglob("*") if path.is_file() and "device" not in str(path)] == ["honest"]


def test_links_below_are_never_followed(desk: Desk, tmp_path: Path) -> None:
    """A link planted where a folder goes, by the tree itself, leads nowhere: the folder after it is refused."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    desk.file("src/d/x", "x")
    desk.put()
    (desk.disk / "out/src").mkdir(parents=True)
    (desk.disk / "out/src/d").symlink_to(elsewhere)
    summary = desk.get("/src", options=GetOptions(overwrite="always"))

    assert [problem.path for problem in summary.problems] == ["/src/d"]
    assert list(elsewhere.iterdir()) == []


def test_setuid_does_not_travel(desk: Desk) -> None:
    """A remote mode sets permissions and nothing more."""
    plant(desk, entry("tool", mode=0o6755))
    desk.get("/tool", to=desk.disk / "tool")

    assert stat.S_IMODE((desk.disk / "tool").stat().st_mode) == 0o755


def test_an_unknown_kind_is_listed(desk: Desk) -> None:
    """What a newer version wrote is named, and the rest arrives."""
    plant(desk, entry("known"), entry("odd", kind="q", digest=b""))
    summary = desk.get("/")

    assert [(problem.path, "newer version" in problem.message) for problem in summary.problems] == [("/out/odd", True)]
    assert (desk.disk / "out/known").exists()


def _ids_below(desk: Desk, found: Entry) -> set[BlobId]:
    """Give the ids of a file's chunks."""
    return set(closure(desk.session, found))
