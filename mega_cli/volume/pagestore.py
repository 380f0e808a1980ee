"""Pages in and out of a volume: memory, then the disk cache, then the server; everything is verified on the way in.

Only one control thread uses a store. It never trusts the cache more than the server: the same bytes, the same checks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from mega_cli.errors import IntegrityError
from mega_cli.formats.object import SealedObject, Sealer, open_object
from mega_cli.formats.page import Entry, IndexItem, Page, decode_page, encode_page
from mega_cli.model import PAGE, BlobId, Ref
from mega_cli.volume.pagetree import Item
from mega_cli.volume.refs import by_id

MEMORY_PAGES = 1_024
"""Decoded pages kept in memory: about 32 entries of 0.6 KB each, so some 20 MB; index pages are used most and stay."""

Fetch = Callable[[Sequence[BlobId]], Iterable[tuple[BlobId, bytes]]]


class BlobCache(Protocol):
    """Sealed pages on the local disk (`mega_cli.state.pages`)."""

    def get(self, ids: Sequence[BlobId]) -> dict[BlobId, bytes]:
        """Give those of `ids` that are cached: unverified."""

    def put(self, items: Iterable[tuple[BlobId, bytes]]) -> None:
        """Keep blobs for later."""


class OpenedPages:
    """A `PageSource`: pages of one volume, to read."""

    def __init__(self, fetch: Fetch, cache: BlobCache) -> None:
        self._fetch = fetch
        self._cache = cache
        self._memory: OrderedDict[BlobId, tuple[Ref, Page]] = OrderedDict()

    def load_many(self, refs: Sequence[Ref]) -> list[Page]:
        """Load pages, in the order of `refs`. Raises IntegrityError when one does not verify."""
        found: dict[BlobId, Page] = {}
        wanted: dict[BlobId, Ref] = {}
        for id_, ref in by_id(refs).items():
            known = self._memory.get(id_)
            if known is None:
                wanted[id_] = ref
            elif known[0] != ref:
                raise IntegrityError
            else:
                self._memory.move_to_end(id_)
                found[id_] = known[1]
        for id_, page in self._load(dict(wanted)) if wanted else ():
            found[id_] = page
            self._remember(wanted[id_], page)
        return [found[ref.id] for ref in refs]

    def _load(self, wanted: dict[BlobId, Ref]) -> Iterator[tuple[BlobId, Page]]:
        for id_, blob in self._cache.get(list(wanted)).items():
            try:
                page = _open(blob, wanted[id_])
            except IntegrityError:
                continue  # a damaged cache costs a download, nothing else
            del wanted[id_]
            yield id_, page
        if wanted:
            arrived = []
            for id_, blob in self._fetch(list(wanted)):
                yield id_, _open(blob, wanted[id_])
                arrived.append((id_, blob))
            self._cache.put(arrived)

    def _remember(self, ref: Ref, page: Page) -> None:
        self._memory[ref.id] = (ref, page)
        if len(self._memory) > MEMORY_PAGES:
            self._memory.popitem(last=False)


class SealedPages(OpenedPages):
    """A `PageStore` over one volume."""

    def __init__(self, page_key: bytes, sealer: Sealer, fetch: Fetch, cache: BlobCache) -> None:
        super().__init__(fetch, cache)
        self.page_key = page_key
        self._sealer = sealer
        self._fresh: dict[BlobId, SealedObject] = {}

    def save(self, level: int, items: Sequence[Item]) -> Ref:
        """Seal a page, keep it for `take_fresh`, and give its ref."""
        sealed = self._sealer.seal_page(encode_page(level, _of_one_kind(items)))
        self._fresh[sealed.ref.id] = sealed
        self._remember(sealed.ref, Page(level, _of_one_kind(items)))
        return sealed.ref

    def take_fresh(self) -> list[SealedObject]:
        """Hand over the pages saved since the last call, to be uploaded; they go to the disk cache as well."""
        fresh = list(self._fresh.values())
        self._fresh.clear()
        self._cache.put((sealed.ref.id, sealed.blob) for sealed in fresh)
        return fresh

    def _load(self, wanted: dict[BlobId, Ref]) -> Iterator[tuple[BlobId, Page]]:
        for id_ in wanted.keys() & self._fresh.keys():
            yield id_, _open(self._fresh[id_].blob, wanted.pop(id_))
        yield from super()._load(wanted)


def _of_one_kind(items: Sequence[Item]) -> list[Entry] | list[IndexItem]:
    """Say what the level says already: a page holds entries, or index items."""
    entries = [item for item in items if isinstance(item, Entry)]
    return entries or [item for item in items if isinstance(item, IndexItem)]


def _open(blob: bytes, ref: Ref) -> Page:
    if ref.kind != PAGE:
        raise IntegrityError
    return decode_page(open_object(blob, ref))
