"""Properties of the layouts: what is written reads back, and what was changed by one byte does not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mega_cli.crypto import records
from mega_cli.errors import IntegrityError, PolicyError, UsageError
from mega_cli.formats import idcert, lists, page, recovery_kit, root_record, slot
from mega_cli.formats.object import Sealer, open_object, padme
from mega_cli.model import DATA, LIST, PAGE, SLOT_BYTES, KdfPolicy, Ref, Secret, blob_id
from tests.kit.forge import ACCOUNT, KEYS, MASTER, ORIGIN, flipped

REFUSED = (IntegrityError, PolicyError)
SEALER = Sealer(KEYS)
POLICY = KdfPolicy(3, 64 << 20)

keys32 = st.binary(min_size=32, max_size=32)
int64 = st.integers(0, 2**63 - 1)
names = st.text(min_size=1, max_size=40).filter(page.is_name)


def refs(kind: int) -> st.SearchStrategy[Ref]:
    """Draw refs of one kind."""
    return st.builds(Ref, keys32.map(blob_id), keys32, st.just(kind), st.integers(1, 2**40))


@st.composite
def entries(draw: st.DrawFn) -> page.Entry:
    """Draw an entry of any kind that a page may hold, with any name and extensions."""
    kind = draw(st.sampled_from([page.FILE, page.FOLDER, page.LINK, "s"]))
    content: list[Ref] = []
    if kind == page.FILE:
        content = draw(st.one_of(st.lists(refs(DATA), max_size=4), st.lists(refs(LIST), min_size=1, max_size=1)))
    elif kind == page.FOLDER:
        content = draw(st.lists(refs(PAGE), max_size=1))
    return page.Entry(
        name=draw(names),
        node_id=draw(st.binary(min_size=16, max_size=16)),
        kind=kind,
        size=sum(ref.plain_len for ref in content) if kind == page.FILE else 0,
        mtime_ns=draw(st.integers(-(2**63) + 1, 2**63 - 1)),
        mode=draw(st.integers(0, 0o7777)),
        digest=draw(keys32) if kind == page.FILE else b"",
        refs=b"".join(ref.pack() for ref in content),
        target="somewhere" if kind == page.LINK else "",
        changed_in=draw(int64),
        ext=draw(st.dictionaries(int64, st.binary(max_size=50), max_size=4)),
    )


folders = st.lists(entries(), min_size=1, max_size=12, unique_by=lambda entry: entry.name).map(
    lambda items: sorted(items, key=lambda entry: entry.name.encode())
)


@given(st.binary(min_size=1, max_size=3000), st.booleans())
def test_data_reads_back(plain: bytes, compress: bool) -> None:  # noqa: FBT001 -- hypothesis draws it
    """Sealing and opening give the bytes, compressed or not."""
    sealed = Sealer(KEYS, compress=compress).seal_data(plain)

    assert open_object(*sealed) == plain
    assert len(sealed.blob) - 52 == max(512, padme(len(sealed.blob) - 52))


@given(st.integers(0, 2**40))
def test_padme_is_canonical(n: int) -> None:
    """A padded length is its own padding, at most 12 % longer, and never shorter."""
    padded = padme(n)

    assert n <= padded <= n * 1.12 + 1
    assert padme(padded) == padded


@given(folders)
def test_a_page_reads_back(items: list[page.Entry]) -> None:
    """Decoding gives the same entries, unknown kinds and extensions included, and encoding again the same bytes."""
    raw = page.encode_page(0, items)

    assert page.decode_page(raw).items == items
    assert page.encode_page(0, page.decode_page(raw).items) == raw


@given(folders)
def test_a_page_is_as_long_as_was_foretold(items: list[page.Entry]) -> None:
    """The length of a page follows from the lengths of its items."""
    assert page.page_bytes(len(items), sum(map(page.item_bytes, items))) == len(page.encode_page(0, items))


@given(st.lists(names, min_size=2, max_size=40, unique=True), refs(PAGE), st.integers(1, 7))
def test_an_index_page_reads_back(firsts: list[str], ref: Ref, level: int) -> None:
    """Index items survive at every level above 0."""
    items = [page.IndexItem(first, ref.pack()) for first in sorted(firsts, key=str.encode)]

    assert page.decode_page(page.encode_page(level, items)) == (level, items)


@given(folders, st.data())
def test_a_changed_page_is_another_page_or_refused(items: list[page.Entry], data: st.DataObject) -> None:
    """No two different byte strings decode to equal pages: the encoding is canonical."""
    raw = page.encode_page(0, items)
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    try:
        read = page.decode_page(changed)
    except REFUSED:
        return

    assert read != page.decode_page(raw)
    assert page.encode_page(read.level, read.items) == changed


@given(st.binary(max_size=200))
def test_noise_is_refused_without_another_error(raw: bytes) -> None:
    """No decoder lets a foreign exception through, whatever it is given."""
    ref = Ref(blob_id(bytes(32)), bytes(32), LIST, 5)
    for decode in (
        lambda: page.decode_page(raw),
        lambda: page.decode_page(b"\x93\x01" + raw),
        lambda: lists.decode_list(raw, ref),
        lambda: open_object(raw, ref),
        lambda: idcert.verify_idcert(raw),
        lambda: idcert.verify_idcert(b"MGI\x01" + raw),
        lambda: root_record.open_root_record(KEYS, raw),
        lambda: slot.open_recovery_slot(bytes(32), ACCOUNT, ORIGIN, raw),
    ):
        try:
            decode()
        except REFUSED:
            continue
        assert decode() is not None


@given(st.lists(refs(DATA), min_size=1, max_size=30))
def test_a_list_reads_back(children: list[Ref]) -> None:
    """The refs of a list come back in order under the ref that was made with it."""
    sealed = SEALER.seal_list(children)

    assert lists.decode_list(open_object(*sealed), sealed.ref) == children


@given(
    st.integers(2, 2**63 - 1),
    keys32.filter(any),
    st.builds(
        root_record.RootBody,
        root=refs(PAGE),
        time_ms=st.integers(0, 2**64 - 1),
        device_id=st.binary(min_size=16, max_size=16),
        device_seq=st.integers(0, 2**64 - 1),
        commit_nonce=st.binary(min_size=16, max_size=16),
        devices=st.lists(
            st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**64 - 1)),
            max_size=15,
            unique_by=lambda d: d[0],
        ).map(tuple),
    ),
)
def test_a_root_record_reads_back(revision: int, prev: bytes, body: root_record.RootBody) -> None:
    """All fields of a record survive."""
    header, read = root_record.open_root_record(KEYS, root_record.seal_root_record(KEYS, revision, prev, body))

    assert (header.revision, header.prev, read) == (revision, prev, body)


@given(keys32, int64, st.integers(1, 2**32 - 1))
def test_slots_read_back(mk: bytes, created_ms: int, epoch: int) -> None:
    """Both kinds of slot give MK, epoch and time again, and have the fixed length."""
    password = slot.seal_password_slot(mk, ACCOUNT, ORIGIN, bytes(32), POLICY, Secret(mk), epoch, created_ms)
    recovery = slot.seal_recovery_slot(mk, ACCOUNT, ORIGIN, Secret(mk), epoch, created_ms)

    expected = slot.Slot(Secret(mk), epoch, created_ms)
    assert slot.open_password_slot(mk, ACCOUNT, ORIGIN, bytes(32), POLICY, password) == expected
    assert slot.open_recovery_slot(mk, ACCOUNT, ORIGIN, recovery) == expected
    assert len(password) == len(recovery) == SLOT_BYTES


RECORD = root_record.seal_root_record(KEYS, 1, bytes(32), root_record.RootBody(None, 5, bytes(16), 1, bytes(16)))
SLOT = slot.seal_recovery_slot(bytes(32), ACCOUNT, ORIGIN, Secret(bytes(32)), 1, 5)
OBJECT = SEALER.seal_data(b"content " * 80)
CERT = idcert.encode_idcert(MASTER, ACCOUNT, ORIGIN)


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_every_flipped_byte_of_a_root_record_is_refused(bit: int) -> None:
    """No byte of a record can change unseen."""
    for at in range(len(RECORD)):
        with pytest.raises(REFUSED):
            root_record.open_root_record(KEYS, _with_bit(RECORD, at, bit))


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_every_flipped_byte_of_a_slot_is_refused(bit: int) -> None:
    """No byte of a slot can change unseen."""
    for at in range(len(SLOT)):
        with pytest.raises(REFUSED):
            slot.open_recovery_slot(bytes(32), ACCOUNT, ORIGIN, _with_bit(SLOT, at, bit))


def test_every_flipped_byte_of_a_blob_is_refused() -> None:
    """No byte of a blob can change unseen."""
    for at in range(len(OBJECT.blob)):
        with pytest.raises(IntegrityError):
            open_object(flipped(OBJECT.blob, at), OBJECT.ref)


def test_every_flipped_byte_of_a_certificate_is_refused() -> None:
    """No byte of a certificate can change unseen."""
    for at in range(len(CERT)):
        with pytest.raises(REFUSED):
            idcert.verify_idcert(flipped(CERT, at))


def _with_bit(raw: bytes, at: int, bit: int) -> bytes:
    """Flip one bit."""
    return raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]


@given(st.binary(max_size=100), st.binary(max_size=100), st.integers(1, 3))
def test_a_record_opens_only_in_its_own_context(context: bytes, other: bytes, kind: int) -> None:
    """Another context is refused although key and type are right."""
    assume(context != other)
    record = records.seal_record(kind, bytes(32), context, b"plain")

    assert records.open_record(kind, bytes(32), context, record, 85) == b"plain"
    with pytest.raises(IntegrityError):
        records.open_record(kind, bytes(32), other, record, 85)


@given(keys32)
def test_a_recovery_secret_reads_back(rk: bytes) -> None:
    """What is printed can be typed."""
    text = recovery_kit.encode_recovery_secret(rk)

    assert recovery_kit.decode_recovery_secret(text) == rk
    assert recovery_kit.decode_recovery_secret(text.lower().replace("-", " ")) == rk


@settings(max_examples=10)
@given(keys32)
def test_every_single_wrong_letter_of_a_recovery_secret_is_found(rk: bytes) -> None:
    """The checksum catches each of the 56 times 31 single mistakes, not only most of them."""
    letters = recovery_kit.encode_recovery_secret(rk).replace("-", "")
    for at in range(len(letters)):
        for wrong in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567":
            if wrong != letters[at]:
                with pytest.raises(UsageError):
                    recovery_kit.decode_recovery_secret(letters[:at] + wrong + letters[at + 1 :])


@given(keys32, st.integers(0, 51), st.integers(0, 51))
def test_two_swapped_letters_of_a_recovery_secret_are_found(rk: bytes, one: int, two: int) -> None:
    """The checksum catches a swap of any two letters of the secret."""
    letters = list(recovery_kit.encode_recovery_secret(rk).replace("-", ""))
    assume(letters[one] != letters[two])
    letters[one], letters[two] = letters[two], letters[one]

    with pytest.raises(UsageError):
        recovery_kit.decode_recovery_secret("".join(letters))


@given(st.lists(entries(), min_size=1, max_size=3, unique_by=lambda entry: entry.name))
def test_an_unsorted_page_is_never_written(items: list[page.Entry]) -> None:
    """The encoder refuses what the decoder would."""
    backwards = sorted(items, key=lambda entry: entry.name, reverse=True)
    assume(len(items) > 1)

    with pytest.raises(ValueError, match="no valid page"):
        page.encode_page(0, backwards)
    with pytest.raises(IntegrityError):
        page.decode_page(msgspec.msgpack.encode([1, 0, backwards]))
