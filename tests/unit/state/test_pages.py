"""The page cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.model import BlobId
from mega_cli.state.pages import PageCache


def blob_id(n: int) -> BlobId:
    """Make an id."""
    return BlobId(n.to_bytes(32, "big"))


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[PageCache]:
    """Open an empty cache."""
    cache = PageCache(tmp_path / "cache" / "pages.db")
    yield cache
    cache.close()


def test_blobs_are_found(pages: PageCache) -> None:
    """What was put is there, what was not is absent."""
    pages.put([(blob_id(1), b"one"), (blob_id(2), b"two")])

    assert pages.get([blob_id(2), blob_id(3)]) == {blob_id(2): b"two"}


def test_many_blobs_are_found_at_once(pages: PageCache) -> None:
    """More ids than one statement takes."""
    items = {blob_id(n): b"%d" % n for n in range(1_200)}
    pages.put(items.items())

    assert pages.get(items) == items


def test_a_bad_blob_is_forgotten(pages: PageCache) -> None:
    """What did not verify is fetched again."""
    pages.put([(blob_id(1), b"bad"), (blob_id(2), b"two")])
    pages.forget([blob_id(1)])
    pages.put([(blob_id(1), b"good")])

    assert pages.get([blob_id(1), blob_id(2)]) == {blob_id(1): b"good", blob_id(2): b"two"}


def test_a_blob_put_again_replaces_a_damaged_one(pages: PageCache) -> None:
    """What the server sent anew is what the next reader finds, whoever kept something else before."""
    pages.put([(blob_id(1), b"damaged")])
    pages.put([(blob_id(1), b"good")])

    assert pages.get([blob_id(1)]) == {blob_id(1): b"good"}


def test_the_size_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    """However much is put, the file stays near its bound, and the newest blobs are there."""
    path = tmp_path / "pages.db"
    pages = PageCache(path, most_bytes=400_000)
    for n in range(400):
        pages.put([(blob_id(n), bytes(10_000))])

    assert blob_id(399) in pages.get([blob_id(399)])
    assert pages.get([blob_id(0)]) == {}
    pages.close()
    assert path.stat().st_size < 600_000


def test_a_deleted_cache_starts_empty(pages: PageCache, tmp_path: Path) -> None:
    """Anyone may delete it."""
    pages.put([(blob_id(1), b"one")])
    pages.close()
    (tmp_path / "cache" / "pages.db").unlink()

    assert pages.get([blob_id(1)]) == {}
