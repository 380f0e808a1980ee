"""Lists and refs that no writer of ours makes are refused, whoever signed them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mega_cli.crypto.content import content_digest
from mega_cli.errors import IntegrityError
from mega_cli.formats import lists as formats
from mega_cli.formats.object import SealedObject, Sealer
from mega_cli.formats.page import FILE, Entry
from mega_cli.model import Ref
from mega_cli.volume.download import fetch_in_order
from mega_cli.volume.lists import data_refs
from tests.kit.forge import KEYS, entry
from tests.unit.volume.conftest import Desk

MOST = 3
"""Refs in a full list here."""


@pytest.fixture
def small_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a list of three be full."""
    monkeypatch.setattr(formats, "MAX_LIST_REFS", MOST)


def data(desk: Desk, number: int) -> list[Ref]:
    """Store some chunks of one byte each."""
    return [_stored(desk, Sealer(KEYS).seal_data(bytes([at]))) for at in range(number)]


def listed(desk: Desk, refs: list[Ref]) -> Ref:
    """Store a list."""
    return _stored(desk, Sealer(KEYS).seal_list(refs))


def _stored(desk: Desk, sealed: SealedObject) -> Ref:
    desk.server.blobs[sealed.ref.id] = sealed.blob
    return sealed.ref


def file_of(*refs: Ref) -> Entry:
    """Make a file's entry of these refs."""
    packed = b"".join(ref.pack() for ref in refs)
    return entry("f", kind=FILE, size=sum(ref.plain_len for ref in refs), refs=packed, digest=content_digest(b""))


@pytest.mark.usefixtures("small_lists")
def test_full_lists_and_a_shorter_last_one_are_read(desk: Desk) -> None:
    """As `cut_into_lists` makes them."""
    chunks = data(desk, 7)
    top = listed(desk, [listed(desk, chunks[:3]), listed(desk, chunks[3:6]), listed(desk, chunks[6:])])

    assert data_refs(desk.session, [file_of(top)]) == [chunks]


@pytest.mark.usefixtures("small_lists")
def test_a_list_before_the_last_that_is_not_full_is_refused(desk: Desk) -> None:
    """On every level: a file has one tree of lists."""
    chunks = data(desk, 8)
    top = listed(desk, [listed(desk, chunks[:2]), listed(desk, chunks[2:5])])
    with pytest.raises(IntegrityError):
        data_refs(desk.session, [file_of(top)])
    left = listed(desk, [listed(desk, chunks[:3]), listed(desk, chunks[3:5]), listed(desk, chunks[5:6])])
    high = listed(desk, [left, listed(desk, [listed(desk, chunks[6:])])])
    with pytest.raises(IntegrityError):
        data_refs(desk.session, [file_of(high)])


@pytest.mark.usefixtures("small_lists")
def test_branches_of_different_depth_are_refused(desk: Desk) -> None:
    """One list leads to data, its neighbour to lists."""
    chunks = data(desk, 4)
    top = listed(desk, [listed(desk, chunks[:3]), listed(desk, [listed(desk, chunks[3:])])])
    with pytest.raises(IntegrityError):
        data_refs(desk.session, [file_of(top)])


@pytest.mark.parametrize("change", ["key", "length"])
@pytest.mark.parametrize("kind", ["data", "list", "page"])
def test_one_id_under_two_refs_is_refused(desk: Desk, change: str, kind: str) -> None:
    """In one batch the second would be taken for the first, unopened."""
    desk.put(desk.file("x", "x"))
    root = desk.server.root()
    assert root is not None
    ref = {"data": data(desk, 1)[0], "list": listed(desk, data(desk, 2)), "page": root}[kind]
    other = Ref(ref.id, bytes(32), ref.kind, ref.plain_len)
    if change == "length":
        other = Ref(ref.id, ref.key, ref.kind, ref.plain_len + 1)
    readers: dict[str, Callable[[], object]] = {
        "data": lambda: list(fetch_in_order(desk.session, [(1, other), (2, ref)], lambda _size: None)),
        "list": lambda: data_refs(desk.session, [file_of(other), file_of(ref)]),
        "page": lambda: desk.session.pages.load_many([ref, other]),
    }
    with pytest.raises(IntegrityError):
        readers[kind]()


def test_a_page_in_memory_serves_no_other_ref(desk: Desk) -> None:
    """Another key or length under the id of a page that was opened before."""
    desk.put(desk.file("x", "x"))
    root = desk.server.root()
    assert root is not None
    desk.session.pages.load_many([root])
    with pytest.raises(IntegrityError):
        desk.session.pages.load_many([Ref(root.id, bytes(32), root.kind, root.plain_len)])
