"""What a hostile peer may have written into the folder that is synced: T73 and T74 at `VolumeFolder`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from mega_cli.errors import IntegrityError, LimitError
from mega_cli.formats.object import SealedObject
from mega_cli.formats.page import LINK
from mega_cli.model import Ref
from mega_cli.paths.remote import ROOT
from mega_cli.sync.entries import sync_id
from mega_cli.sync.volume_folder import VolumeFolder
from mega_cli.volume import depth, diff, page_diff
from mega_cli.volume.session import VolumeSession
from tests.hostile.conftest import World
from tests.hostile.test_names import IMPOSSIBLE, STRANGE
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.remote_ends import Client
from tests.kit.volume_forge import commit_files, commit_page, folder_entry, seal_any_page, upload


@pytest.fixture(scope="module")
def trudy(world: World) -> Device:
    """Give an account whose tree may be replaced whole: the owner's is shared with other tests."""
    world.proxy.be_honest()
    return world.sign_up("trudy", Device(world.folder / "trudy"))


@pytest.fixture
def volume(world: World, trudy: Device) -> Iterator[VolumeSession]:
    """Open her volume, before an honest server."""
    world.proxy.be_honest()
    with trudy.volume() as session:
        yield session


def whole(volume: VolumeSession) -> Client:
    """Look at `/` for the first time."""
    made = Client(VolumeFolder(volume, ROOT))
    made.look()
    return made


@pytest.mark.attack("T73")
def test_an_impossible_name_is_never_told(volume: VolumeSession) -> None:
    """The page is refused whole: no node has such a name."""
    for name in IMPOSSIBLE:
        commit_files(volume, forge.page_of([forge.entry(name)]))
        with pytest.raises(IntegrityError):
            whole(volume)


@pytest.mark.attack("T73")
def test_a_strange_name_is_one_name_of_one_node(volume: VolumeSession) -> None:
    """Each is told as it is, but for sync's own folder at the top, which is left alone wherever it comes from."""
    names = sorted({*STRANGE, ".mega", ".MEGA"})
    commit_files(volume, forge.page_of([forge.entry(name) for name in names]))

    made = Client(VolumeFolder(volume, ROOT))
    sight = made.look()

    unheld = {path[-1] for _, path in sight.unheld}
    assert {".mega", ".MEGA"} <= unheld
    assert {node.name for node in made.tree} | unheld == set(names)
    assert {node.name for node in made.tree}.isdisjoint(unheld)
    assert all(name.casefold() == ".mega" or name.startswith("\uf74d") for name in unheld)


@pytest.mark.attack("T73")
def test_a_link_is_text_and_leads_nowhere(volume: VolumeSession) -> None:
    """A file `below` a link cannot even be said: a link has no pages, and its target is not looked at."""
    link = forge.entry("link", kind=LINK, digest=b"", target="../../etc")
    commit_files(volume, forge.page_of([link]))
    (node,) = whole(volume).tree
    assert (node.kind, node.target, node.parent) == ("l", "../../etc", bytes(16))

    page = seal_any_page(volume, forge.page_of([forge.entry("passwd")]))
    commit_files(volume, forge.page_of([link.replace(refs=page.ref.pack())]), [page])
    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T73")
@pytest.mark.parametrize("node_ids", [(bytes(16),), (b"n" * 16, b"n" * 16)], ids=["the top's", "one for two"])
def test_node_ids_that_no_honest_tree_has_are_refused(volume: VolumeSession, node_ids: Sequence[bytes]) -> None:
    """A node that is its own parent, or two that are one, would let a peer choose what is moved or removed here."""
    commit_files(volume, forge.page_of([forge.entry(f"{n}", node_id=id_) for n, id_ in enumerate(node_ids)]))

    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T73")
def test_a_link_cannot_pretend_to_be_another_node(volume: VolumeSession) -> None:
    """Its id is made from its node_id, and a peer may choose one that gives the id of a file, or of the top."""
    file = forge.entry("file")
    link = forge.entry("link", kind=LINK, digest=b"", target="x")
    for chosen in (file.node_id, bytes(16)):
        commit_files(volume, forge.page_of([file, link.replace(node_id=sync_id(chosen, LINK))]))
        with pytest.raises(IntegrityError):
            whole(volume)


@pytest.mark.attack("T74")
def test_a_name_of_64_kib_is_refused(volume: VolumeSession) -> None:
    """No page that holds one verifies."""
    commit_files(volume, forge.page_of([forge.entry("n" * 64_000)]))

    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T74")
def test_a_tree_that_unfolds_without_end_is_refused(volume: VolumeSession) -> None:
    """Forty pages, each twice in the one above, are 2^40 folders; the first node that comes twice ends it."""
    pages: list[SealedObject] = []
    below: Ref | None = None
    for _ in range(40):
        page = seal_any_page(volume, forge.page_of([folder_entry("one", below), folder_entry("two", below)]))
        pages.append(page)
        below = page.ref
    upload(volume, pages)
    commit_page(volume, pages[-1], pages)

    with pytest.raises(IntegrityError):
        whole(volume)


@pytest.mark.attack("T74")
def test_folders_deeper_than_any_disk_are_a_clear_error(volume: VolumeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """LimitError says it; the bound of 2,048 is lowered here, and `test_diff` holds that nothing recurses."""
    monkeypatch.setattr(depth, "MOST_FOLDERS", 30)
    pages: list[SealedObject] = []
    below: Ref | None = None
    for number in range(32):
        entry = folder_entry("d", below).replace(node_id=forge.fixed(f"deep {number}", 16))
        pages.append(seal_any_page(volume, forge.page_of([entry])))
        below = pages[-1].ref
    upload(volume, pages)
    commit_page(volume, pages[-1], pages)

    with pytest.raises(LimitError, match="deep"):
        whole(volume)


@pytest.mark.attack("T74")
def test_more_entries_than_memory_are_a_clear_error(volume: VolumeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is two million; it is lowered here, for the clock's sake, and one entry more is refused."""
    entries = [forge.entry(f"{number:04}", node_id=forge.fixed(f"many {number}", 16)) for number in range(101)]
    for module in (diff, page_diff):
        monkeypatch.setattr(module, "MOST_CHANGES", 100)
    commit_files(volume, forge.page_of(entries[:100]))
    assert len(whole(volume).tree) == 100

    commit_files(volume, forge.page_of(entries))
    with pytest.raises(LimitError, match="more than"):
        whole(volume)
