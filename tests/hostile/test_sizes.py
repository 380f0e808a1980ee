"""What sizes tell: where known files are cut, what kind an object is, what was compressed beside a secret.

T53, T55 and T57. All contents and keys are fixed, so these tests measure and never waver; `docs/threat-model.md` says
what was measured.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path

import pytest

from mega_cli.chunking.chunker import CHUNK_MAX_BYTES, CHUNK_MIN_BYTES, ODDS, PRF_BYTES, Chunker, candidate_cutter
from mega_cli.crypto import labels
from mega_cli.crypto.kdf import kdf
from mega_cli.formats.object import Sealer, encode_payload, padme, payload_bytes
from mega_cli.model import DATA, MIB
from tests.hostile.conftest import World
from tests.kit import forge
from tests.kit.device import Device
from tests.kit.hostile_server import Call

KNOWN, HELD_OUT = range(50), range(50, 75)
FILE_BYTES = 4 * MIB
Score = Callable[[bytes], float]


# --- chunk boundaries (T53) -------------------------------------------------------------------------------------------


class Cuts:
    """One file: its public candidates, and where it was really cut by choice."""

    def __init__(self, number: int) -> None:
        self.data = random.Random(number).randbytes(FILE_BYTES)
        self.candidates = [found.offset + found.length for found in candidate_cutter().cut_buf(self.data)][:-1]
        chunker = Chunker(forge.KEYS.cdc)
        chunks = [*chunker.feed(self.data), *chunker.finish()]
        self.chosen: list[tuple[int, int]] = []
        """Where a chunk begins, and the candidate that was chosen to end it."""
        at = 0
        for chunk in chunks[:-1]:
            if at + len(chunk) in self.candidates and self.may_end(at)[-1:] != [at + len(chunk)]:
                self.chosen.append((at, at + len(chunk)))
            at += len(chunk)

    def window(self, cut: int) -> bytes:
        """Give the bytes that decide about a candidate."""
        return self.data[cut - PRF_BYTES : cut]

    def may_end(self, begin: int) -> list[int]:
        """Give the candidates that could end a chunk that begins there."""
        return [cut for cut in self.candidates if CHUNK_MIN_BYTES <= cut - begin <= CHUNK_MAX_BYTES]


@cache
def files(numbers: range) -> list[Cuts]:
    """Cut some files."""
    return [Cuts(number) for number in numbers]


def bits(window: bytes) -> list[int]:
    """Spell out a window."""
    return [byte >> shift & 1 for byte in window for shift in range(8)]


def learned() -> Score:
    """Learn, from the cuts of the known files, how each bit before a cut leans; the more alike, the likelier a cut."""
    cut = [bits(file.window(end)) for file in files(KNOWN) for _, end in file.chosen]
    leaning = [sum(column) / len(cut) - 0.5 for column in zip(*cut, strict=True)]
    return lambda window: sum(lean * bit for lean, bit in zip(leaning, bits(window), strict=True))


def by_rule(key: bytes) -> Score:
    """Predict by the very rule, under a key that everybody has."""

    def score(window: bytes) -> float:
        return float(int.from_bytes(blake2b(window, digest_size=32, key=key).digest()[:8]) % ODDS == 0)

    return score


PUBLIC_KEYS = {
    "no key": b"",
    "a key of zeros": bytes(32),
    "the volume's id": forge.VOLUME,
    "a key derived from the volume's id": kdf(bytes(32), labels.VOLUME_CDC, forge.VOLUME),
    "the label": labels.VOLUME_CDC,
}


def mean_rank(score: Score) -> float:
    """Rank the candidates of held-out files: 0 when each true cut is named first, 0.5 by chance."""
    ranks = []
    for file in files(HELD_OUT):
        for begin, end in file.chosen:
            scores = {cut: score(file.window(cut)) for cut in file.may_end(begin)}
            above = sum(other > scores[end] for other in scores.values())
            equal = sum(other == scores[end] for other in scores.values()) - 1
            ranks.append((above + equal / 2) / (len(scores) - 1))
    return sum(ranks) / len(ranks)


@pytest.mark.attack("T53")
@pytest.mark.parametrize("guess", ["what was learned", *PUBLIC_KEYS])
def test_cuts_of_known_files_do_not_foretell_others(guess: str) -> None:
    """Who knows 50 files and exactly where they were cut names the cuts of other files no better than by chance."""
    count = sum(len(file.chosen) for file in files(HELD_OUT))
    score = by_rule(PUBLIC_KEYS[guess]) if guess in PUBLIC_KEYS else learned()

    assert count > 30
    assert abs(mean_rank(score) - 0.5) < 4 / (12 * count) ** 0.5


@pytest.mark.attack("T53")
def test_no_linear_relation_holds_before_every_cut() -> None:
    """The published attacks solve linear equations over the bytes before cuts: here the known cuts share none."""
    rows = [int.from_bytes(file.window(end)[-8:]) << 1 | 1 for file in files(KNOWN) for _, end in file.chosen]
    basis: list[int] = []
    for row in rows:
        for held in basis:
            row = min(row, row ^ held)  # noqa: PLW2901 -- Gauss
        if row:
            basis.append(row)

    assert len(rows) > 65
    assert len(basis) == 65


def possible(file: Cuts, sizes: list[int]) -> bool:
    """Tell whether a file could have been cut into chunks of these size classes."""
    begins = {0}
    for size in sizes[:-1]:
        begins = {end for begin in begins for end in file.may_end(begin) if payload_bytes(end - begin) == size}
    return any(payload_bytes(FILE_BYTES - begin) == sizes[-1] for begin in begins)


@pytest.mark.attack("T53")
def test_a_size_class_leaves_several_candidates() -> None:
    """For a file that the server has, Padmé leaves most cuts open; what is left of the leak is measured."""
    left = [
        sum(payload_bytes(cut - begin) == payload_bytes(end - begin) for cut in file.may_end(begin))
        for file in files(KNOWN)
        for begin, end in file.chosen
    ]
    several = sum(count > 1 for count in left) / len(left)
    wrong = [(file, other) for file in files(HELD_OUT) for other in files(KNOWN)[:6]]
    fits = sum(possible(other, sizes_of(file)) for file, other in wrong) / len(wrong)

    assert all(possible(file, sizes_of(file)) for file in files(HELD_OUT))
    assert several > 0.9
    assert fits > 0.5


def sizes_of(file: Cuts) -> list[int]:
    """Give the size classes of a file's chunks, as a server sees them."""
    chunker = Chunker(forge.KEYS.cdc)
    return [payload_bytes(len(chunk)) for chunk in (*chunker.feed(file.data), *chunker.finish())]


@pytest.mark.attack("T53")
def test_every_stored_size_is_a_size_class(world: World, device: Device, tmp_path: Path) -> None:
    """Whatever a real put stores, data, lists and pages, its length says no more than Padmé lets it."""
    folder = tmp_path / "sizes"
    folder.mkdir()
    for size in (100, 5_000, 70_000, 700_000, 9_000_000):
        (folder / str(size)).write_bytes(random.Random(size).randbytes(size))
    before = _stored(world)
    assert device.mega("put", str(folder), "/").code == 0
    lengths = [length - 52 for id_, length in _stored(world).items() if id_ not in before]

    assert len(set(lengths)) > 5
    assert all(length >= 512 and padme(length) == length for length in lengths)


def _stored(world: World) -> dict[bytes, int]:
    """Read every blob's length: the server has blobs of other tests as well."""
    db = sqlite3.connect(world.folder / "server" / "mega.db")
    lengths = dict(db.execute("SELECT id, length FROM blobs"))
    db.close()
    return lengths


# --- kinds (T55) ------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T55")
def test_objects_of_all_kinds_look_alike() -> None:
    """Data, list and page of one length are the magic, and then nothing but noise of one size class."""
    sealer = Sealer(forge.KEYS, compress=False)
    chunk = sealer.seal_data(b"x" * 900)
    plain = forge.page_of([forge.entry(f"name {n}") for n in range(7)])
    of_kind = {
        "page": [sealer.seal_page(plain).blob for _ in range(40)],
        "data": [sealer.seal_data(plain).blob for _ in range(40)],
        "list": [sealer.seal_list([chunk.ref] * (len(plain) // 80)).blob for _ in range(40)],
    }
    for blobs in of_kind.values():
        assert {len(blob) for blob in blobs} == {52 + payload_bytes(len(plain))}
        assert {blob[:4] for blob in blobs} == {b"MGB\x01"}
        telling = [len({blob[at] for blob in blobs}) for at in range(4, len(blobs[0]))]
        assert min(telling) > 20, "a byte of the blob hardly changes"


@pytest.mark.attack("T55")
def test_pages_and_data_are_asked_for_alike(world: World, device: Device) -> None:
    """A listing reads pages, a get reads data as well: same route, same headers, and a body of ids alone."""
    assert device.mega("ls", "/").code == 0
    listing = _fetches(world.proxy.calls)
    world.proxy.forget()
    assert device.mega("cat", "/canary-folder-name/canary-name-alpha.txt").code == 0
    reading = _fetches(world.proxy.calls)

    assert listing
    assert len(reading) > 1
    assert {shape for shape, _ in listing} == {shape for shape, _ in reading}
    assert len({shape for shape, _ in listing}) == 1
    assert all(len(body) % 32 == 0 for _, body in (*listing, *reading))


def _fetches(calls: list[Call]) -> list[tuple[object, bytes]]:
    """Give each request for blobs: all that it shows but its length, and its body."""
    return [
        (
            (call.method, call.path, tuple(pair for pair in call.headers if pair[0].lower() != "content-length")),
            call.body,
        )
        for call in calls
        if call.method == "POST" and call.path.endswith("/blobs")
    ]


# --- compression (T57) ------------------------------------------------------------------------------------------------

TRIALS = 1_000
TEXT_LINES = 1_280


@cache
def text(number: int) -> list[str]:
    """Write a text of words, about 100 KiB."""
    drawn = random.Random(number)
    words = ["".join(drawn.choices("abcdefghijklmnopqrstuvwxyz", k=drawn.randint(2, 9))) for _ in range(2_000)]
    return [" ".join(drawn.choices(words, k=12)) for _ in range(TEXT_LINES)]


def stored(guess: str, secret: str, number: int) -> bytes:
    """Lay out a page that holds a secret, and beside it a guess that somebody else has put there."""
    lines = text(number % 20)[: TEXT_LINES - number % 97]
    lines.insert(600, f'<input name="token" value="{secret}">')
    lines.insert(603, f'<a href="/search?q=&token" value="{guess}">')
    return encode_payload(DATA, "\n".join(lines).encode(), compress=True)


@pytest.mark.attack("T57")
def test_a_right_guess_hardly_ever_changes_a_size_class() -> None:
    """In a file of 100 KiB, fewer than 2 of 100 trials tell a right guess from a wrong one by the size stored."""
    padded = unpadded = 0
    for number in range(TRIALS):
        secret, wrong = (hashlib.sha256(f"{what} {number}".encode()).hexdigest()[:16] for what in ("secret", "wrong"))
        right, other = (stored(guess, secret, number) for guess in (secret, wrong))
        padded += len(right) != len(other)
        unpadded += right[4:8] != other[4:8]

    assert unpadded > 0.9 * TRIALS, "without padding the size tells, or the trials find nothing"
    assert padded < 0.02 * TRIALS


@pytest.mark.attack("T57")
def test_without_compression_a_guess_changes_nothing(world: World, device: Device, tmp_path: Path) -> None:
    """`--compression off` stores what is put in the size class of its plain length."""
    source = tmp_path / "plain.bin"
    source.write_bytes(b"all the same " * 700)
    before = _lengths(world)
    assert device.mega("put", "--compression", "off", str(source), "/").code == 0

    assert payload_bytes(9_100) + 52 in _lengths(world) - before


def _lengths(world: World) -> Counter[int]:
    """Count the blobs stored of each length."""
    db = sqlite3.connect(world.folder / "server" / "mega.db")
    lengths = Counter(row[0] for row in db.execute("SELECT length FROM blobs"))
    db.close()
    return lengths
