"""Tests of sealing: which keys are random, which contents meet, and what is compressed."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from mega_cli.crypto.content import chunk_fingerprint, chunk_index_key, content_digest, content_hasher
from mega_cli.formats.object import BLOB_MOST_BYTES, MOST_BYTES, Sealer, open_object
from mega_cli.formats.wordlist import WORDS
from mega_cli.model import DATA, KIB, LIST, PAGE, Ref, blob_id
from tests.kit.forge import KEYS, fixed

SEALER = Sealer(KEYS)


def test_equal_large_data_becomes_one_blob() -> None:
    """64 KiB and more deduplicate within the volume."""
    plain = fixed("large", 64 * KIB)

    assert SEALER.seal_data(plain) == SEALER.seal_data(plain)


def test_equal_small_data_becomes_different_blobs() -> None:
    """A byte less, and equal contents cannot be seen to be equal."""
    plain = fixed("large", 64 * KIB - 1)

    assert SEALER.seal_data(plain).ref.id != SEALER.seal_data(plain).ref.id


def test_equal_pages_and_lists_become_different_blobs() -> None:
    """Structure is no oracle either, whatever its size."""
    refs = [Ref(blob_id(bytes(32)), bytes(32), DATA, 1)] * 1000

    assert SEALER.seal_page(bytes(65_536)).ref.id != SEALER.seal_page(bytes(65_536)).ref.id
    assert SEALER.seal_list(refs).ref.id != SEALER.seal_list(refs).ref.id


def test_one_compressible_sample_is_enough() -> None:
    """Large data that is noise but for its end is still compressed."""
    plain = fixed("noise", 300 * KIB) + bytes(300 * KIB)

    assert len(SEALER.seal_data(plain).blob) < 310 * KIB


def test_compression_can_be_off() -> None:
    """`--compression off` stores zeros at their length."""
    assert len(Sealer(KEYS, compress=False).seal_data(bytes(100_000)).blob) > 100_000


@pytest.mark.parametrize("kind", [DATA, LIST, PAGE])
def test_the_largest_object_fits_the_readers_cap(kind: int) -> None:
    """What may be written may be read."""
    plain = fixed("noise", MOST_BYTES[kind])
    if kind == LIST:
        sealed = SEALER.seal_list([Ref(blob_id(fixed(str(n))), fixed("ck"), DATA, 1) for n in range(12_000)])
    else:
        sealed = SEALER.seal_data(plain) if kind == DATA else SEALER.seal_page(plain)

    assert len(sealed.blob) <= BLOB_MOST_BYTES[kind]
    assert open_object(*sealed)


def test_one_sealer_serves_many_threads() -> None:
    """Compressors and buffers are never shared between two calls at once."""
    plains = [f"line {n}\n".encode() * 3000 for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(SEALER.seal_data, plains))

    assert [open_object(*one) for one in sealed] == plains


def test_a_digest_does_not_depend_on_the_pieces() -> None:
    """Hashing in parts and at once agree."""
    hasher = content_hasher()
    hasher.update(b"ab")
    hasher.update(memoryview(b"c"))

    assert hasher.digest() == content_digest(b"abc")


def test_a_fingerprint_is_keyed() -> None:
    """A stolen index cannot be asked about guessed content."""
    key = chunk_index_key(fixed("local key"))

    assert chunk_fingerprint(b"abc", key) != content_digest(b"abc")
    assert chunk_fingerprint(b"abc", key) != chunk_fingerprint(b"abc", fixed("other"))


def test_the_word_list_is_bip_39() -> None:
    """The list is the published one, in its order (SHA-256 of its file)."""
    digest = hashlib.sha256(("\n".join(WORDS) + "\n").encode()).hexdigest()

    assert digest == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
