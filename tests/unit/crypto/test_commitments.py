"""Tests that a commitment is checked where the cipher alone would have opened."""

from __future__ import annotations

import pytest

from mega_cli.crypto import ciphers, labels, records, root
from mega_cli.crypto.blobs import object_key, open_blob, seal_blob
from mega_cli.crypto.kdf import kdf, mac
from mega_cli.crypto.randomness import random_below
from mega_cli.errors import IntegrityError
from tests.kit.forge import fixed
from tests.kit.two_key_box import two_key_aead


@pytest.mark.attack("T08")
def test_a_record_for_two_keys_opens_under_the_committed_one_only() -> None:
    """A record whose ciphertext opens under two keys answers for one of them."""
    first, second, context = fixed("first record key"), fixed("second record key"), b"alice"
    head = records.MAGIC + bytes([1, 0, 0, 0]) + fixed("two-key nonce", 24)
    clear = head + mac(first, labels.RECORD_COMMIT, head + context)
    keys = [kdf(key, labels.RECORD_ENC) for key in (first, second)]
    record = clear + two_key_aead(keys[0], keys[1], head[8:], clear + context, 48)

    assert ciphers.aead_open(record[64:], clear + context, head[8:], keys[1])
    assert len(records.open_record(1, first, context, record, 128)) == 48
    with pytest.raises(IntegrityError):
        records.open_record(1, second, context, record, 128)


def test_a_root_body_without_its_commitment_is_refused() -> None:
    """A body that the cipher opens, under a commitment of zeros, stays closed."""
    root_enc, clear = fixed("root key"), fixed("clear", 120)
    middle = bytes(32) + (528).to_bytes(2, "big")
    sealed = ciphers.aead_seal(bytes(512), clear + middle, clear[96:], kdf(root_enc, labels.RECORD_ENC))

    with pytest.raises(IntegrityError):
        root.open_root_body(root_enc, clear, middle + sealed)


def test_a_blob_above_the_cap_is_refused() -> None:
    """A blob that is longer than its kind allows is not opened, though everything else is right."""
    payload = fixed("payload", 512)
    ck = object_key(payload, fixed("secret"))
    blob, id_ = seal_blob(payload, ck)

    assert open_blob(blob, id_, ck, most_bytes=len(blob)) == payload
    with pytest.raises(IntegrityError):
        open_blob(blob, id_, ck, most_bytes=len(blob) - 1)


def test_a_draw_stays_below_its_bound() -> None:
    """Draws spread over the whole range, and none leaves it."""
    draws = [random_below(4.0) for _ in range(400)]

    assert {int(draw) for draw in draws} == {0, 1, 2, 3}
    assert all(0 <= draw < 4 for draw in draws)
