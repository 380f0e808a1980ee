"""The mutants of what metadata tells, for the table in `mutants.py`: row, what, and (file, text, other text)."""

from __future__ import annotations

from collections.abc import Sequence

_KEYS, _CHUNKER, _OBJECT = "mega_cli/crypto/keys.py", "mega_cli/chunking/chunker.py", "mega_cli/formats/object.py"
_UPLOAD, _OPERATIONS = "mega_cli/volume/upload.py", "mega_cli/api/operations.py"
_PADDING, _OF_PAGES = "padding = payload_bytes(stored_len) - _HEADER.size - stored_len", " + 512 * (kind == PAGE)"
_CANONICAL = "or len(payload) != payload_bytes(stored_len)"
_PADDED = "return max(PAYLOAD_LEAST_BYTES, padme(_HEADER.size + stored_len))"
_UNPADDED = "return max(PAYLOAD_LEAST_BYTES, _HEADER.size + stored_len)"
_CHOSEN, _ORDER = "if int.from_bytes(prf.digest()[:8]) % ODDS == 0:", "randomness.shuffled(len(pack.ids))"
_ASKED = "    path = routes.path(routes.BLOBS, volume=volume.hex())\n"
_OPENED = "    return ciphers.box_open(blob, PREFIX_BYTES, kdf(ck, labels.BLOB_ENC))"
_OPENED_ANYHOW = f"    try:\n    {_OPENED}\n    except IntegrityError:\n        return blob[PREFIX_BYTES + 16 :]"

Edit = tuple[str, str, str]

METADATA_MUTANTS: Sequence[tuple[str, str, tuple[Edit, ...]]] = (
    (
        "T38",
        "a key does not depend on its volume",
        ((_KEYS, "kdf(key, labels.VOLUME_ROOT_ENC, volume)", "kdf(key, labels.VOLUME_ROOT_ENC)"),),
    ),
    ("T38", "one key serves two purposes", ((_KEYS, "labels.VOLUME_PAGE", "labels.VOLUME_CDC"),)),
    (
        "T38",
        "a blob opens under any key",
        (
            ("mega_cli/crypto/blobs.py", "blob[4:PREFIX_BYTES], kdf(ck", "kdf(ck, labels.BLOB_COMMIT), kdf(ck"),
            ("mega_cli/crypto/blobs.py", _OPENED, _OPENED_ANYHOW),
        ),
    ),
    ("T53", "cuts are chosen without a key", ((_CHUNKER, "digest_size=32, key=cdc_key", "digest_size=32"),)),
    ("T53", "everybody's cuts are the same", ((_KEYS, "kdf(key, labels.VOLUME_CDC, volume)", "bytes(32)"),)),
    ("T53", "the last byte alone decides a cut", ((_CHUNKER, _CHOSEN, "if before[-1] % ODDS == 0:"),)),
    ("T53", "payloads are not padded", ((_OBJECT, _PADDED, _UNPADDED),)),
    (
        "T55",
        "pages have sizes of their own",
        ((_OBJECT, _PADDING, _PADDING + _OF_PAGES), (_OBJECT, _CANONICAL, _CANONICAL + _OF_PAGES)),
    ),
    (
        "T55",
        "small requests go by another address",
        ((_OPERATIONS, _ASKED, _ASKED.replace(")\n", ') + ("?few" if len(ids) < 2 else "")\n')),),
    ),
    ("T56", "blobs are sent in their order", ((_UPLOAD, _ORDER, "list(range(len(pack.ids)))"),)),
    (
        "T56",
        "the first blob of a pack stays first",
        ((_UPLOAD, _ORDER, "[0, *(1 + at for at in randomness.shuffled(len(pack.ids) - 1))]"),),
    ),
    ("T57", "payloads are not padded", ((_OBJECT, _PADDED, _UNPADDED),)),
    (
        "T57",
        "compression cannot be switched off",
        (("mega_cli/volume/put.py", "compress=options.compress", "compress=True"),),
    ),
)
