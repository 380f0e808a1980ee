"""The content index."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_cli.model import DATA, LIST, BlobId, Ref
from mega_cli.state.index import ContentIndex, SourceRow


def ref(letter: bytes, kind: int = DATA) -> Ref:
    """Make a ref."""
    return Ref(BlobId(letter * 32), b"k" * 32, kind, 100_000)


def row(name: bytes, *refs: Ref, is_racy: bool = False) -> SourceRow:
    """Make a source row, with the largest numbers a file system may give."""
    stat = (2**40, -(2**62), 2**62, 2**64 - 1, 2**64 - 2, 0o7777)
    return SourceRow(name, stat, is_racy, b"d" * 32, b"".join(one.pack() for one in refs))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Say where the index lies."""
    return tmp_path / "state" / "index.db"


@pytest.fixture
def index(path: Path) -> Iterator[ContentIndex]:
    """Open an empty index."""
    opened = ContentIndex(path)
    yield opened
    opened.close()


def test_contents_are_found_by_fingerprint(index: ContentIndex) -> None:
    """What was added is found; what was not is absent."""
    index.add([(b"1" * 32, ref(b"a")), (b"2" * 32, ref(b"b"))])

    assert index.lookup([b"1" * 32, b"3" * 32]) == {b"1" * 32: ref(b"a")}


def test_many_contents_are_found_at_once(index: ContentIndex) -> None:
    """More fingerprints than one statement takes."""
    items = [(n.to_bytes(32, "big"), ref(bytes([n % 251]))) for n in range(1_700)]
    index.add(items)

    assert index.lookup(fingerprint for fingerprint, _ in items) == dict(items)


def test_a_later_ref_replaces_an_earlier_one(index: ContentIndex) -> None:
    """The newest upload is the one that is stored."""
    index.add([(b"1" * 32, ref(b"a"))])
    index.add([(b"1" * 32, ref(b"b"))])

    assert index.lookup([b"1" * 32]) == {b"1" * 32: ref(b"b")}


def test_sources_are_found_by_folder(index: ContentIndex) -> None:
    """Rows come back whole, by disk name, and only their folder's."""
    rows = [row(b"a", ref(b"1")), row(b"\xff", is_racy=True)]
    index.add_sources(b"/home/\xfe", rows)
    index.add_sources(b"/other", [row(b"c")])

    assert index.sources_in(b"/home/\xfe") == {b"a": rows[0], b"\xff": rows[1]}
    assert index.sources_in(b"/nowhere") == {}


def test_a_changed_source_replaces_its_row(index: ContentIndex) -> None:
    """One name has one row; the others stay."""
    index.add_sources(b"/f", [row(b"a", ref(b"1")), row(b"b")])
    index.add_sources(b"/f", [row(b"a", ref(b"2"))])

    assert index.sources_in(b"/f") == {b"a": row(b"a", ref(b"2")), b"b": row(b"b")}


def test_forgetting_drops_what_leads_to_an_id(index: ContentIndex) -> None:
    """Contents and sources of a lost blob go, in whichever place of the refs it stands; the others stay."""
    index.add([(b"1" * 32, ref(b"x")), (b"2" * 32, ref(b"y"))])
    kept = row(b"kept", ref(b"a"), ref(b"b"))
    lost = [row(b"%d" % n, *[ref(b"a")] * n, ref(b"x")) for n in range(4)]
    index.add_sources(b"/f", [kept, *lost])
    index.forget([BlobId(b"x" * 32)])

    assert index.lookup([b"1" * 32, b"2" * 32]) == {b"2" * 32: ref(b"y")}
    assert index.sources_in(b"/f") == {b"kept": kept}


def test_forgetting_drops_every_list(index: ContentIndex) -> None:
    """A list's children are not known here, so a row that names one cannot be believed after a loss."""
    index.add_sources(b"/f", [row(b"large", ref(b"l", LIST))])
    index.forget([BlobId(b"x" * 32)])

    assert index.sources_in(b"/f") == {}


def test_forgetting_nothing_drops_nothing(index: ContentIndex) -> None:
    """An empty set of ids is no reason to read large files again."""
    large = row(b"large", ref(b"l", LIST))
    index.add_sources(b"/f", [large])
    index.forget([])

    assert index.sources_in(b"/f") == {b"large": large}


def test_a_deleted_file_starts_empty(index: ContentIndex, path: Path) -> None:
    """Losing the index costs time, never an error."""
    index.add([(b"1" * 32, ref(b"a"))])
    index.close()
    for file in path.parent.iterdir():
        file.unlink()

    assert index.lookup([b"1" * 32]) == {}


@pytest.mark.parametrize("damage", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_file_starts_empty_and_works(path: Path, damage: bytes) -> None:
    """A damaged index is thrown away and used again."""
    path.parent.mkdir()
    path.write_bytes(damage)
    index = ContentIndex(path)
    index.add([(b"1" * 32, ref(b"a"))])
    index.add([(b"1" * 32, ref(b"a"))])

    assert index.lookup([b"1" * 32]) == {b"1" * 32: ref(b"a")}
    index.close()


def test_a_file_damaged_in_the_middle_starts_empty(index: ContentIndex, path: Path) -> None:
    """Damage that shows only when the rows are read is survived too."""
    index.add([(n.to_bytes(32, "big"), ref(b"a")) for n in range(2_000)])
    index.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))

    assert index.lookup([bytes(32)]) == {}
    index.add([(b"1" * 32, ref(b"b"))])
    assert index.lookup([b"1" * 32]) == {b"1" * 32: ref(b"b")}


@pytest.mark.parametrize("damage", [bytes(80), b"", b"k" * 80, b"k" * 79])
def test_a_content_with_a_bad_ref_is_a_miss_and_forgotten(index: ContentIndex, path: Path, damage: bytes) -> None:
    """A damaged row costs one upload, never an error; the rows beside it are found."""
    index.add([(b"1" * 32, ref(b"a")), (b"2" * 32, ref(b"b"))])
    damage_rows(path, "UPDATE contents SET ref=? WHERE fingerprint=?", damage, b"1" * 32)

    assert index.lookup([b"1" * 32, b"2" * 32]) == {b"2" * 32: ref(b"b")}
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM contents").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize("column", ["stat", "refs"])
def test_a_source_with_a_bad_field_is_a_miss(index: ContentIndex, path: Path, column: str) -> None:
    """A damaged row costs one reading of its file, and is replaced after it."""
    index.add_sources(b"/f", [row(b"a", ref(b"1")), row(b"b", ref(b"2"))])
    damage_rows(path, f"UPDATE sources SET {column}=? WHERE name=?", b"x" * 80, b"a")
    assert index.sources_in(b"/f") == {b"b": row(b"b", ref(b"2"))}

    index.add_sources(b"/f", [row(b"a", ref(b"3"))])
    assert index.sources_in(b"/f")[b"a"] == row(b"a", ref(b"3"))


def damage_rows(path: Path, statement: str, *values: bytes) -> None:
    """Change the file behind the index's back."""
    with sqlite3.connect(path) as db:
        db.execute(statement, values)
    db.close()


def test_a_file_of_another_version_starts_empty(path: Path) -> None:
    """Tables of another program version are dropped."""
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript("CREATE TABLE contents(other); PRAGMA user_version=99")
    db.close()
    index = ContentIndex(path)
    index.add([(b"1" * 32, ref(b"a"))])

    assert index.lookup([b"1" * 32]) == {b"1" * 32: ref(b"a")}
    index.close()


def test_two_processes_share_one_file(index: ContentIndex, path: Path) -> None:
    """What one adds the other finds, both open."""
    other = ContentIndex(path)
    assert other.lookup([b"1" * 32]) == {}
    index.add([(b"1" * 32, ref(b"a"))])

    assert other.lookup([b"1" * 32]) == {b"1" * 32: ref(b"a")}
    other.close()


def test_a_place_that_cannot_be_written_is_survived(tmp_path: Path) -> None:
    """Without a folder to write to, nothing is remembered and nothing fails."""
    (tmp_path / "file").write_bytes(b"")
    index = ContentIndex(tmp_path / "file" / "index.db")
    index.add([(b"1" * 32, ref(b"a"))])

    assert index.lookup([b"1" * 32]) == {}


def test_the_file_is_private(index: ContentIndex, path: Path) -> None:
    """It holds keys: 0600."""
    index.add([(b"1" * 32, ref(b"a"))])

    assert all(file.stat().st_mode & 0o777 == 0o600 for file in path.parent.iterdir())


def test_a_row_does_not_show_its_name_or_keys() -> None:
    """A source row can be logged."""
    assert "secret-plan" not in repr(row(b"secret-plan", ref(b"a")))
    assert "kkkk" not in repr(row(b"a", ref(b"a")))


def test_ten_processes_write_at_once(tmp_path: Path) -> None:
    """Writers wait for one another; what each wrote is there."""
    path = tmp_path / "state" / "index.db"
    code = "import sys; from tests.unit.state.test_index import write_many; write_many(sys.argv[1], int(sys.argv[2]))"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(10)]

    assert [process.wait(60) for process in running] == [0] * 10
    index = ContentIndex(path)
    wanted = [bytes([n, m]) * 16 for n in range(10) for m in range(20)]
    assert set(index.lookup(wanted)) == set(wanted)
    index.close()


def write_many(path: str, n: int) -> None:
    """Add twenty contents in twenty transactions."""
    index = ContentIndex(Path(path))
    for m in range(20):
        index.add([(bytes([n, m]) * 16, ref(b"a"))])
    index.close()
