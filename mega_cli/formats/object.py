"""Objects: a payload of data, list or page, and the ref that opens it (`docs/formats/object.md`).

    payload = codec1 ‖ kind1 ‖ zero2 ‖ stored_len4 ‖ plain_len4 ‖ stored ‖ zeros up to max(512, padme(12 + stored_len))

Never opens anything whose SHA-256 is not the ref's id, never allocates more than a kind's limit. Which bytes are
compressed is a pure function of the plaintext: ck depends on the payload, so anything else would break deduplication.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple, final

import zstandard

from mega_cli.crypto import labels, randomness
from mega_cli.crypto.blobs import OVERHEAD_BYTES, keyed_object_key, object_key, open_blob, seal_blob
from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.keys import VolumeKeys
from mega_cli.errors import IntegrityError
from mega_cli.formats.lists import LIST_MOST_BYTES, encode_list
from mega_cli.formats.page import PAGE_MAX_BYTES
from mega_cli.model import DATA, KIB, LIST, MIB, PAGE, Ref

DATA_MOST_BYTES: Final = 4 * MIB
DEDUP_LEAST_BYTES: Final = 64 * KIB
"""Smaller data gets a random key: equal small contents would be an oracle for guessed content."""
PAYLOAD_LEAST_BYTES: Final = 512
MOST_BYTES: Final = {DATA: DATA_MOST_BYTES, LIST: LIST_MOST_BYTES, PAGE: PAGE_MAX_BYTES}

_RAW, _ZSTD = 0, 1
_HEADER = struct.Struct(">BB2xII")
_ROOM_BYTES = PAYLOAD_LEAST_BYTES - _HEADER.size
"""What fits the smallest payload uncompressed; compressing it would save nothing."""
_SAMPLED_LEAST_BYTES = 256 * KIB
_SAMPLE_BYTES = 16 * KIB
_LEVEL = 1


class SealedObject(NamedTuple):
    """A blob to upload, and the ref that opens it."""

    blob: bytes
    ref: Ref

    def __repr__(self) -> str:
        """Show the ref, which hides its key."""
        return f"SealedObject({self.ref!r})"


def padme(n: int) -> int:
    """Round a length up so that little can be told from it (Padmé, PURBs, 2019): at most 12 % more.

    >>> padme(512), padme(1000), padme(1_000_000)
    (512, 1024, 1015808)
    """
    if n < 2:  # noqa: PLR2004 -- the logarithm of the logarithm begins here
        return n
    exponent = n.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (n + mask) & ~mask


def payload_bytes(stored_len: int) -> int:
    """Give the one right length of a payload that stores so many bytes."""
    return max(PAYLOAD_LEAST_BYTES, padme(_HEADER.size + stored_len))


BLOB_MOST_BYTES: Final = {kind: OVERHEAD_BYTES + payload_bytes(most) for kind, most in MOST_BYTES.items()}
"""The largest blob of each kind: what a reader takes before it hashes."""

_compressors: list[zstandard.ZstdCompressor] = []
"""Compressors between uses: each serves one thread at a time, and making one costs ten times a small compression.

`pop` and `append` are atomic, so none is ever used by two threads at once.
"""


def _compress(data: bytes) -> bytes:
    """Write one zstd frame of level 1, its content size in the header, no checksum."""
    try:
        compressor = _compressors.pop()
    except IndexError:
        compressor = zstandard.ZstdCompressor(level=_LEVEL)
    packed = compressor.compress(data)
    _compressors.append(compressor)
    return packed


def _is_saving(packed_len: int, plain_len: int) -> bool:
    """Tell whether compression saves more than 3 %."""
    return packed_len * 100 < plain_len * 97


def _choose_stored(plain: bytes) -> tuple[int, bytes]:
    """Choose codec and stored bytes by the rule of `docs/formats/object.md`, a pure function of `plain`.

    Large plaintext is judged by three samples first: random bytes then cost 1 % of a full trial.
    """
    size = len(plain)
    if size <= _ROOM_BYTES:
        return _RAW, plain
    if size >= _SAMPLED_LEAST_BYTES:
        middle = size // 2
        sample = plain[:_SAMPLE_BYTES] + plain[middle : middle + _SAMPLE_BYTES] + plain[-_SAMPLE_BYTES:]
        if not _is_saving(len(_compress(sample)), len(sample)):
            return _RAW, plain
    packed = _compress(plain)
    return (_ZSTD, packed) if _is_saving(len(packed), size) else (_RAW, plain)


def encode_payload(kind: int, plain: bytes, *, compress: bool) -> bytes:
    """Lay out a payload: one immutable buffer. Raises ValueError on empty or too long plaintext."""
    plain_len = len(plain)
    if not 0 < plain_len <= MOST_BYTES[kind]:
        msg = f"an object of kind {kind} holds 1 to {MOST_BYTES[kind]} bytes, not {plain_len}"
        raise ValueError(msg)
    codec, stored = _choose_stored(plain) if compress else (_RAW, plain)
    stored_len = len(stored)
    padding = payload_bytes(stored_len) - _HEADER.size - stored_len
    return b"".join((_HEADER.pack(codec, kind, stored_len, plain_len), stored, bytes(padding)))


def decode_payload(payload: bytes, ref_kind: int) -> bytes:
    """Read a payload: header, zero padding, canonical length, then bounded decompression. Raises IntegrityError."""
    if len(payload) < PAYLOAD_LEAST_BYTES:
        raise IntegrityError
    codec, kind, stored_len, plain_len = _HEADER.unpack_from(payload)
    end = _HEADER.size + stored_len
    if (
        codec not in (_RAW, _ZSTD)
        or kind != ref_kind
        or payload[2:4] != b"\0\0"
        or not 0 < plain_len <= MOST_BYTES[kind]
        or len(payload) != payload_bytes(stored_len)
        or payload.count(0, end) != len(payload) - end
    ):
        raise IntegrityError
    stored = payload[_HEADER.size : end]
    if codec == _ZSTD:
        return _decompress(stored, plain_len)
    if stored_len != plain_len:
        raise IntegrityError
    return stored


def _decompress(stored: bytes, plain_len: int) -> bytes:
    """Expand one whole zstd frame that says, and gives, exactly `plain_len` bytes. Raises IntegrityError.

    The size in the frame's header is checked first, because zstd allocates what it says.
    """
    try:
        if len(stored) >= plain_len or zstandard.frame_content_size(stored) != plain_len:
            raise IntegrityError
        plain = zstandard.ZstdDecompressor().decompress(stored, max_output_size=plain_len, allow_extra_data=False)
    except zstandard.ZstdError:
        raise IntegrityError from None
    if len(plain) != plain_len:
        raise IntegrityError
    return plain


@final
class Sealer:
    """Seals objects for one volume; safe to share between threads, because it holds nothing that changes."""

    __slots__ = ("_compress", "_dedup_key")

    def __init__(self, volume_keys: VolumeKeys, *, compress: bool = True) -> None:
        """Derive the key of large data once. `compress` is `--compression`."""
        self._dedup_key = kdf(volume_keys.dedup, labels.BLOB_KEY)
        self._compress = compress

    def seal_data(self, plain: bytes) -> SealedObject:
        """Seal a chunk of 1 byte to 4 MiB; equal chunks of 64 KiB or more become the same blob."""
        payload = encode_payload(DATA, plain, compress=self._compress)
        if len(plain) >= DEDUP_LEAST_BYTES:
            return _sealed(payload, keyed_object_key(payload, self._dedup_key), DATA, len(plain))
        return _sealed(payload, _random_object_key(payload), DATA, len(plain))

    def seal_list(self, refs: Sequence[Ref]) -> SealedObject:
        """Seal a list; its ref counts the file's bytes beneath it."""
        payload = encode_payload(LIST, encode_list(refs), compress=self._compress)
        return _sealed(payload, _random_object_key(payload), LIST, sum(ref.plain_len for ref in refs))

    def seal_page(self, raw: bytes) -> SealedObject:
        """Seal an encoded page."""
        payload = encode_payload(PAGE, raw, compress=self._compress)
        return _sealed(payload, _random_object_key(payload), PAGE, len(raw))


def _random_object_key(payload: bytes) -> bytes:
    """Make ck from 32 fresh random bytes: no two payloads, equal or not, share a key."""
    return object_key(payload, randomness.random_bytes(32))


def _sealed(payload: bytes, ck: bytes, kind: int, plain_len: int) -> SealedObject:
    """Seal a payload and write its ref."""
    blob, id_ = seal_blob(payload, ck)
    return SealedObject(blob, Ref(id_, ck, kind, plain_len))


def open_object(blob: bytes, ref: Ref) -> bytes:
    """Verify and open a blob in the read order of `docs/formats/object.md`. Raises IntegrityError."""
    payload = open_blob(blob, ref.id, ref.key, most_bytes=BLOB_MOST_BYTES[ref.kind])
    plain = decode_payload(payload, ref.kind)
    if ref.kind != LIST and len(plain) != ref.plain_len:
        raise IntegrityError
    return plain
