"""The order in which blobs are sent: drawn at random within a pack. T56."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest

from mega_cli.api.client import ServerClient
from mega_cli.formats.object import SealedObject
from mega_cli.model import DATA, BlobId, Ref, VolumeId
from mega_cli.volume.upload import Uploader
from tests.kit import forge

TRIALS, OBJECTS = 3_000, 8


class Listener(ServerClient):
    """A server's side of the wire: it notes the order in which a pack's blobs come."""

    def __init__(self) -> None:
        self.packs: list[list[bytes]] = []

    def upload_pack(self, volume: VolumeId, ids: Sequence[BlobId], blobs: Sequence[bytes]) -> None:
        """Note the blobs."""
        assert volume == forge.KEYS.volume
        assert [hashlib.sha256(blob).digest() for blob in blobs] == list(ids)
        self.packs.append(list(blobs))


def sent(objects: int) -> list[int]:
    """Queue objects in order; give the numbers in which they came."""
    blobs = [os.urandom(16) for _ in range(objects)]
    listener = Listener()
    with Uploader(listener, forge.KEYS.volume, lambda _facts: None) as uploader:
        for blob in blobs:
            id_ = BlobId(hashlib.sha256(blob).digest())
            uploader.add(SealedObject(blob, Ref(id_, bytes(32), DATA, 1)))
        uploader.flush()
    (pack,) = listener.packs
    assert sorted(pack) == sorted(blobs)
    return [blobs.index(blob) for blob in pack]


@pytest.mark.attack("T56")
def test_neighbours_in_a_folder_are_no_neighbours_in_a_pack() -> None:
    """Of 1,000 objects in one pack hardly any follows the one that was sealed before it."""
    order = sent(1_000)

    # One is expected; 20 or more come once in 10^19 runs.
    assert sum(second == first + 1 for first, second in pairwise(order)) < 20


@pytest.mark.attack("T56")
def test_every_order_is_as_likely() -> None:
    """Over many packs each object stands as often at each place: chi-square with 49 degrees of freedom."""
    seen = Counter((place, number) for _ in range(TRIALS) for place, number in enumerate(sent(OBJECTS)))
    expected = TRIALS / OBJECTS
    chi_square = sum(
        (seen[place, number] - expected) ** 2 / expected for place in range(OBJECTS) for number in range(OBJECTS)
    )

    # Above 140 once in 10^9 runs.
    assert chi_square < 140
