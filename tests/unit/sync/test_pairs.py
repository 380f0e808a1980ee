"""The registry of pairs: what it remembers, what is one pair, and which folders must not be synced."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mega_cli.errors import LockedError, MissingItemError, SafetyStopError, UsageError
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Mode
from mega_cli.state.sync_state import SyncState
from mega_cli.sync.pairs import UNTIL_RESUMED, Pair, Pairs, open_pairs
from mega_cli.system.directories import Home, find_directories

DOCS = RemotePath(("docs",))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home with one account."""
    made = Home(find_directories({"MEGA_HOME": str(tmp_path / "home")}), "alice@localhost")
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def pairs(home: Home) -> Pairs:
    """Give its registry."""
    return open_pairs(home)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Make a folder to sync."""
    (tmp_path / "files" / "work").mkdir(parents=True)
    return tmp_path / "files" / "work"


def add(pairs: Pairs, local: Path, remote: RemotePath = DOCS, mode: Mode | None = None) -> Pair:
    """Add a pair at a fixed time."""
    return pairs.add(local, remote, mode, 1_700_000_000_000)


def test_a_pair_is_remembered(home: Home, pairs: Pairs, work: Path) -> None:
    """Another run finds it as it was made."""
    made = add(pairs, work, mode=Mode.BACKUP_UP)

    assert open_pairs(home).all() == [made]
    assert (made.local, made.remote, made.mode) == (work, DOCS, Mode.BACKUP_UP)
    assert len(made.id) == 8


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_the_list_is_private(home: Home, pairs: Pairs, work: Path) -> None:
    """Paths are secrets of the user: nobody else reads them."""
    add(pairs, work)

    assert (home.folder / "sync" / "pairs.json").stat().st_mode & 0o777 == 0o600
    assert (home.folder / "sync").stat().st_mode & 0o777 == 0o700


def test_the_same_pair_twice_is_one(pairs: Pairs, work: Path) -> None:
    """Another spelling of the folder, a link to it or the same mode make no second pair."""
    (work.parent / "link").symlink_to(work)
    made = add(pairs, work)

    assert add(pairs, work.parent / "work" / ".." / "work") == made
    assert add(pairs, work.parent / "link", mode=Mode.TWO_WAY) == made
    assert pairs.all() == [made]


def test_a_folder_has_one_remote(pairs: Pairs, work: Path) -> None:
    """Another remote folder, or another mode, is refused with the way to it."""
    made = add(pairs, work)

    with pytest.raises(UsageError, match="with /docs already") as refused:
        add(pairs, work, RemotePath(("other",)))
    assert made.id in refused.value.hint
    with pytest.raises(UsageError, match="as two-way already"):
        add(pairs, work, mode=Mode.MIRROR_UP)


def test_a_name_of_any_bytes(pairs: Pairs, tmp_path: Path) -> None:
    """A folder whose name is no text is found again."""
    if sys.platform in ("darwin", "win32"):
        pytest.skip("these systems refuse such names")
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    made = add(pairs, odd)

    assert pairs.all() == [made]
    assert made.local == odd


@pytest.mark.parametrize("other", ["work/inner", ".", "link/inner"])
def test_no_pair_inside_another(pairs: Pairs, work: Path, other: str) -> None:
    """A folder inside or above a synced one is refused, through a symbolic link as well."""
    (work / "inner").mkdir()
    (work.parent / "link").symlink_to(work)
    add(pairs, work)

    with pytest.raises(UsageError, match="lie in each other"):
        add(pairs, work.parent / other, RemotePath(("other",)))


def test_neighbours_are_fine(pairs: Pairs, work: Path) -> None:
    """A name that begins alike is no folder above, and remote folders may lie in each other."""
    (work.parent / "work2").mkdir()
    add(pairs, work)

    assert add(pairs, work.parent / "work2", RemotePath(("docs", "below"))).remote.parts == ("docs", "below")


@pytest.mark.parametrize("place", ["home", "home/accounts", "home/accounts/alice@localhost/sync", "."])
def test_mega_s_own_files_are_not_synced(pairs: Pairs, tmp_path: Path, place: str) -> None:
    """Neither the state folder, nor what lies in it, nor what holds it: keys would be uploaded."""
    with pytest.raises(UsageError, match="mega's own files"):
        add(pairs, tmp_path / place)


def test_a_whole_disk_is_not_synced(pairs: Pairs) -> None:
    """`/` is refused."""
    with pytest.raises(UsageError, match="whole disk"):
        add(pairs, Path("/"))


def test_a_file_is_not_synced(pairs: Pairs, work: Path) -> None:
    """LOCAL is a folder."""
    (work / "file").touch()

    with pytest.raises(UsageError, match="no folder"):
        add(pairs, work / "file")


def test_a_folder_of_another_account_holds_no_pair(pairs: Pairs, work: Path) -> None:
    """What carries a marker is synced as a whole, by whomever."""
    (work / ".mega").mkdir()
    (work / ".mega" / "root.json").write_text("{}")
    (work / "inner").mkdir()

    with pytest.raises(UsageError, match="another account or device"):
        add(pairs, work / "inner")


def test_a_pair_is_found(pairs: Pairs, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the beginning of its id, by its folder, also where one stands."""
    made = add(pairs, work)
    monkeypatch.chdir(work)

    assert [pairs.find(word) for word in (made.id, made.id[:3], str(work), ".")] == [made] * 4
    assert pairs.at(work) == made


@pytest.mark.parametrize("word", ["", "zzz", "/nowhere"])
def test_a_pair_that_there_is_not(pairs: Pairs, work: Path, word: str) -> None:
    """A word that names no pair is exit code 4; nothing at all names none."""
    add(pairs, work)

    with pytest.raises(MissingItemError):
        pairs.find(word)


def test_an_id_that_fits_several(pairs: Pairs, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A beginning that fits two pairs is refused."""
    drawn = iter((bytes.fromhex("aa000001"), bytes.fromhex("aa000002"), *[b"temporary"] * 4))
    temporary = iter(range(99))
    monkeypatch.setattr(
        "mega_cli.crypto.randomness.random_bytes",
        lambda count: next(drawn) if count == 4 else next(temporary).to_bytes(count),
    )
    (tmp_path / "two").mkdir()
    add(pairs, work)
    add(pairs, tmp_path / "two")

    with pytest.raises(UsageError, match="several pairs"):
        pairs.find("aa")


def test_a_path_lies_in_a_pair(pairs: Pairs, work: Path) -> None:
    """A link at the end is itself what is asked about; a link on the way is followed."""
    made = add(pairs, work)
    (work / "a").mkdir()
    (work / "a" / "out").symlink_to("/etc")
    (work.parent / "link").symlink_to(work)

    assert pairs.holding(work / "a" / "out") == (made, (b"a", b"out"))
    assert pairs.holding(work.parent / "link" / "gone") == (made, (b"gone",))
    assert pairs.holding(work) == (made, ())
    with pytest.raises(MissingItemError):
        pairs.holding(work.parent)


def test_a_pair_is_forgotten_with_its_state(pairs: Pairs, work: Path) -> None:
    """Its state file goes, the folder stays as it is."""
    made = add(pairs, work)
    (work / "file").touch()
    SyncState(pairs.state_file(made)).close()
    pairs.remove(made)

    assert pairs.all() == []
    assert not pairs.state_file(made).exists()
    assert (work / "file").exists()


def test_two_runs_of_a_pair_never_overlap(pairs: Pairs, work: Path) -> None:
    """The second is told at once: exit code 11."""
    made = add(pairs, work)

    with pairs.lock(made), pytest.raises(LockedError), pairs.lock(made):
        pytest.fail("both hold it")
    with pairs.lock(made):
        pass


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace('"format": 2', '"format": 3'),
        lambda text: text.replace("two-way", "both"),
        lambda _: "[" * 100_000,
    ],
)
def test_a_damaged_list_is_never_empty(home: Home, pairs: Pairs, work: Path, damage: Callable[[str], str]) -> None:
    """What cannot be read stops, with a hint: an empty list would make a second pair of the folder."""
    add(pairs, work)
    path = home.folder / "sync" / "pairs.json"
    assert json.loads(path.read_text())["format"] == 2
    path.write_text(damage(path.read_text()))

    with pytest.raises(SafetyStopError, match="damaged"):
        pairs.all()


def test_a_list_of_the_first_format_is_read(home: Home, pairs: Pairs, work: Path) -> None:
    """Pairs that were made before there was a daemon are not the daemon's, and no pause rests on them."""
    made = add(pairs, work)
    path = home.folder / "sync" / "pairs.json"
    content = json.loads(path.read_text())
    (row,) = content["pairs"]
    del row["is_background"], row["paused_until_ms"]
    path.write_text(json.dumps({"format": 1, "pairs": [row]}))

    assert pairs.all() == [made]
    assert not made.is_background
    assert made.paused_until_ms is None


def test_a_pair_becomes_the_daemons_and_is_no_more(home: Home, pairs: Pairs, work: Path) -> None:
    """What is set is what every run reads from then on, and the other pairs stay as they are."""
    (work.parent / "other").mkdir()
    other, made = add(pairs, work.parent / "other"), add(pairs, work)

    given = pairs.set_background(made, is_background=True)
    assert given.is_background
    assert open_pairs(home).all() == [other, given]
    assert pairs.set_background(given, is_background=False) == made


def test_a_pause_lasts_until_it_ends(pairs: Pairs, work: Path) -> None:
    """A pause ends at its time; one without an end only when it is resumed."""
    made = add(pairs, work)

    paused = pairs.pause(made, 2_000)
    assert (paused.is_paused(1_999), paused.is_paused(2_000)) == (True, False)
    endless = pairs.pause(paused, UNTIL_RESUMED)
    assert endless.is_paused(1 << 60)
    assert not pairs.pause(endless, None).is_paused(0)


def test_a_change_keeps_what_another_changed(pairs: Pairs, work: Path) -> None:
    """Who holds an old reading of a pair changes only what it means to change."""
    made = add(pairs, work)
    pairs.pause(made, UNTIL_RESUMED)

    assert pairs.set_background(made, is_background=True).paused_until_ms == UNTIL_RESUMED


def test_a_pair_that_was_removed_is_not_changed(pairs: Pairs, work: Path) -> None:
    """It does not come back by a pause."""
    made = add(pairs, work)
    with pairs.lock(made):
        pairs.remove(made)

    with pytest.raises(MissingItemError, match="synced no more"):
        pairs.pause(made, None)
    assert pairs.all() == []


def test_no_path_shows_in_repr(pairs: Pairs, work: Path) -> None:
    """Logs and exceptions may hold a pair."""
    made = add(pairs, work)

    assert str(work) not in repr(made)
    assert "docs" not in repr(made)


def test_the_command_of_a_pair_can_be_pasted(pairs: Pairs, work: Path) -> None:
    """Spaces and quotes reach mega as they are."""
    pair = pairs.add(work / "it's mine", RemotePath.parse("/x y"), None, 0)

    assert shlex.split(pair.command) == ["mega", "sync", "--once", str(pair.local), "/x y"]
