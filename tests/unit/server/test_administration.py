"""`mega-server backup`, `restore`, `reindex`, `sweep` and `stats`: what they do, print and refuse."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mega_server.app import create_app
from mega_server.cli import main
from mega_server.config import Config, Signup, Storage
from mega_server.database import copies
from mega_server.protocol import routes
from mega_server.services import backups
from mega_server.services.backend import initialise
from mega_server.services.sweep import sweep_if_due
from mega_server.storage.hold import held
from tests.kit.account import FakeAccount, ids_of, pack_of, random_blobs
from tests.kit.server import backend_of, make_app


class Running:
    """A server in this process, with one account."""

    def __init__(self, folder: Path) -> None:
        """Make both."""
        self.folder = folder
        config = Config(data_dir=folder, signup=Signup.OPEN, storage=Storage.FILESYSTEM)
        initialise(config)
        self.app = create_app(config)
        self.alice = FakeAccount(self.app.test_client()).enter()
        self.blobs: list[bytes] = []

    def store(self, count: int) -> list[bytes]:
        """Store one pack of so many new blobs."""
        blobs = random_blobs(count)
        assert self.alice.post(routes.PACKS, pack_of(blobs)).status_code == 201
        self.blobs += blobs
        return blobs


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Give a server that has stored one pack, and is running."""
    running = Running(tmp_path / "data")
    running.store(3)
    yield running
    backend_of(running.app).close()


def run(*arguments: str | Path) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, [str(word) for word in arguments], prog_name="mega-server")


def run_json(*arguments: str | Path) -> dict[str, object]:
    """Run it with `--json`, to the end."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def query(folder: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Ask, or change, a server's database behind its back."""
    with closing(sqlite3.connect(folder / "mega.db", isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


def packs_in(folder: Path) -> list[Path]:
    """List the packs, in order."""
    return sorted(path for path in (folder / "store").rglob("*") if path.is_file())


def index_of(folder: Path) -> set[tuple[object, ...]]:
    """Read the blob index, without the numbers that packs have."""
    return set(query(folder, "SELECT id, name, offset, length FROM blobs JOIN packs USING (pack)"))


def flip(pack: Path, at: int = -1) -> None:
    """Change one bit of a pack."""
    raw = bytearray(pack.read_bytes())
    raw[at] ^= 1
    pack.write_bytes(raw)


# --- backup -----------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_whole_server(server: Running, tmp_path: Path) -> None:
    """A copy taken from a running server has every pack and no damage."""
    assert run("backup", tmp_path / "copy", "--data", server.folder).exit_code == 0

    assert index_of(tmp_path / "copy") == index_of(server.folder)
    assert run("check", "--read-data", "--data", tmp_path / "copy").stdout == "no damage; 0 orphan packs\n"


def test_a_second_backup_copies_what_is_new(server: Running, tmp_path: Path) -> None:
    """Packs never change, so only the new one is copied."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    server.store(2)

    done = run_json("backup", tmp_path / "copy", "--data", server.folder)

    assert (done["packs"], done["new_packs"]) == (2, 1)


def test_a_backup_drops_what_the_server_no_longer_names(server: Running, tmp_path: Path) -> None:
    """A deleted account's packs leave the copy as well."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    for table in ("blobs", "packs"):
        query(server.folder, f"DELETE FROM {table}")

    assert run_json("backup", tmp_path / "copy", "--data", server.folder)["removed_packs"] == 1
    assert packs_in(tmp_path / "copy") == []


def test_a_pack_that_is_deleted_during_the_backup(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack that vanishes after the database was copied is not named by the copy."""
    server.store(2)
    doomed = packs_in(server.folder)[0]
    copy_database = copies.copy_database

    def copy_then_delete(source: Path, place: Path) -> None:
        copy_database(source, place)
        if doomed.exists():
            doomed.unlink()
            (number,) = query(server.folder, "SELECT pack FROM packs WHERE name = ?", bytes.fromhex(doomed.name))
            query(server.folder, "DELETE FROM blobs WHERE pack = ?", *number)
            query(server.folder, "DELETE FROM packs WHERE pack = ?", *number)

    monkeypatch.setattr(backups, "copy_database", copy_then_delete)

    assert run_json("backup", tmp_path / "copy", "--data", server.folder)["packs"] == 1
    assert run("check", "--read-data", "--data", tmp_path / "copy").exit_code == 0


@pytest.mark.parametrize("step", ["copy_database", "sync_folder"])
def test_a_killed_backup_leaves_a_whole_copy(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever a backup was doing when it died, the copy before it is whole, and the next run goes on."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    server.store(2)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backups, step, die)
        assert run("backup", tmp_path / "copy", "--data", server.folder).exit_code == 1

    assert run("check", "--read-data", "--data", tmp_path / "copy").exit_code == 0
    assert run_json("backup", tmp_path / "copy", "--data", server.folder)["packs"] == 2


def test_a_damaged_pack_is_not_copied(server: Running, tmp_path: Path) -> None:
    """A flipped bit is found on the way, listed, and does not replace the sound copy of an earlier run."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    server.store(2)
    for pack in packs_in(server.folder):
        flip(pack)

    result = run("backup", tmp_path / "copy", "--data", server.folder)

    assert result.exit_code == 14
    assert len(packs_in(tmp_path / "copy")) == 1
    assert run("check", "--read-data", "--data", tmp_path / "copy").stdout.count("is lost") == 1


def test_two_backups_do_not_collide(server: Running, tmp_path: Path) -> None:
    """The second one says that it is locked: exit 11."""
    copy = tmp_path / "copy"
    copy.mkdir()
    with held(copy, is_shared=False):
        result = run("backup", copy, "--data", server.folder)

    assert result.exit_code == 11
    assert "another mega-server is at work" in result.stderr


def test_the_copy_of_another_server_is_kept(server: Running, tmp_path: Path) -> None:
    """A server that lost its disk and began anew must not empty the copy of the old one."""
    copy = tmp_path / "copy"
    run("backup", copy, "--data", server.folder)
    run("init", "--data", tmp_path / "new")

    assert run("backup", copy, "--data", tmp_path / "new").exit_code == 7
    assert len(packs_in(copy)) == 1


def test_a_copy_inside_the_server(server: Running) -> None:
    """A copy beside the packs would be lost with them."""
    assert run("backup", server.folder / "copy", "--data", server.folder).exit_code == 7


def test_a_copy_makes_no_promises_of_the_running_server(server: Running, tmp_path: Path) -> None:
    """Marks, uploads under way and challenges are not taken over (crypto.md, section 5)."""
    query(server.folder, "UPDATE blobs SET condemned = 1")
    query(server.folder, "INSERT INTO reservations (account, size_bytes, created) VALUES ('alice', 9, 9)")
    run("backup", tmp_path / "copy", "--data", server.folder)

    assert query(tmp_path / "copy", "SELECT count(*) FROM blobs WHERE condemned IS NOT NULL") == [(0,)]
    assert query(tmp_path / "copy", "SELECT count(*) FROM reservations") == [(0,)]


# --- restore ----------------------------------------------------------------------------------------------------------


def test_restore(server: Running, tmp_path: Path) -> None:
    """A backup becomes a server in another folder, and sessions go on."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    assert run("restore", tmp_path / "copy", "--data", tmp_path / "new").exit_code == 0

    app = create_app(Config(data_dir=tmp_path / "new"))
    server.alice.web = app.test_client()
    answer = server.alice.post(routes.MISSING, b"".join(sorted(ids_of(server.blobs))))

    assert (answer.status_code, answer.data) == (200, b"")
    backend_of(app).close()


def test_a_restore_overwrites_no_server(server: Running, tmp_path: Path) -> None:
    """A folder that holds a server is left alone: exit 7."""
    run("backup", tmp_path / "copy", "--data", server.folder)

    assert run("restore", tmp_path / "copy", "--data", server.folder).exit_code == 7


def test_a_restore_of_nothing(tmp_path: Path) -> None:
    """A folder without a backup is refused: exit 10."""
    (tmp_path / "empty").mkdir()

    assert run("restore", tmp_path / "empty", "--data", tmp_path / "new").exit_code == 10
    assert not (tmp_path / "new").exists()


def test_a_restore_from_a_read_only_copy(server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that may not be written to is read as it lies, and nothing appears in it."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    before = sorted(path.name for path in (tmp_path / "copy").iterdir())
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)

    assert run("restore", tmp_path / "copy", "--data", tmp_path / "new").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == before
    assert index_of(tmp_path / "new") == index_of(server.folder)


# --- reindex ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["", "DELETE FROM blobs", "DELETE FROM blobs WHERE offset > 600"])
def test_reindex_finds_every_blob_again(server: Running, loss: str) -> None:
    """A whole, an empty and a partly lost index become the same."""
    server.store(4)
    before = index_of(server.folder)
    if loss:
        query(server.folder, loss)

    result = run("reindex", "--data", server.folder)

    assert (result.exit_code, result.stdout) == (
        0,
        "indexed 7 blobs in 2 packs; 0 packs of the index are lost\n",
    )
    assert index_of(server.folder) == before


def test_reindex_without_any_pack_rows(server: Running) -> None:
    """The packs' own rows come back too, and the bytes are counted."""
    before = index_of(server.folder), query(server.folder, "SELECT used_bytes FROM accounts")
    for sql in ("DELETE FROM blobs", "DELETE FROM packs", "UPDATE accounts SET used_bytes = 5"):
        query(server.folder, sql)
    run("reindex", "--data", server.folder)

    assert (index_of(server.folder), query(server.folder, "SELECT used_bytes FROM accounts")) == before


def test_reindex_again_changes_nothing(server: Running) -> None:
    """It can be repeated, and leaves times alone."""
    run("reindex", "--data", server.folder)
    before = query(server.folder, "SELECT * FROM blobs ORDER BY id")
    run("reindex", "--data", server.folder)

    assert query(server.folder, "SELECT * FROM blobs ORDER BY id") == before


def test_reindex_forgets_lost_packs(server: Running) -> None:
    """What no pack holds is not in the index any more, and is asked for again."""
    packs_in(server.folder)[0].unlink()
    done = run_json("reindex", "--data", server.folder)

    assert (done["lost_packs"], index_of(server.folder)) == (1, set())
    assert query(server.folder, "SELECT used_bytes FROM accounts") == [(0,)]


def test_reindex_lists_a_damaged_pack_and_keeps_what_is_sound(server: Running) -> None:
    """A flipped bit costs its own blob and no other; the file stays: exit 14."""
    flip(packs_in(server.folder)[0])
    result = run("reindex", "--data", server.folder)

    assert result.exit_code == 14
    assert result.stdout.startswith("damaged ")
    found = {row[0] for row in index_of(server.folder)}
    assert [blob in found for blob in ids_of(server.blobs)] == [True, True, False]
    assert len(packs_in(server.folder)) == 1


def test_reindex_of_a_pack_without_a_header(server: Running) -> None:
    """A pack that cannot be read says so, and nothing is deleted: exit 14."""
    flip(packs_in(server.folder)[0], at=0)

    assert run("reindex", "--data", server.folder).exit_code == 14
    assert (len(packs_in(server.folder)), index_of(server.folder)) == (1, set())


def test_a_blob_in_two_packs_survives_the_damage_of_one(server: Running) -> None:
    """The index names a place that was read, in whatever order the packs come."""
    first = packs_in(server.folder)[0]
    twin = server.folder / "twin"
    shutil.copy(first, twin)
    server.blobs, blobs = [], server.blobs
    server.alice.post(routes.PACKS, pack_of(random_blobs(1)))
    for name in ("00" * 32, "ff" * 32):
        other = first.with_name(name)
        shutil.copy(twin, other)
    flip(first)
    run("reindex", "--data", server.folder)

    assert {row[0] for row in index_of(server.folder)} >= set(ids_of(blobs))


def test_reindex_leaves_packs_of_nobody(server: Running) -> None:
    """A pack of a volume that the database does not know is listed and costs room only."""
    stranger = server.folder / "store" / "v" / ("ab" * 16)
    stranger.mkdir()
    shutil.copy(packs_in(server.folder)[0], stranger)

    result = run("reindex", "--data", server.folder)

    assert (result.exit_code, result.stdout.count("orphan ")) == (0, 1)


def test_reindex_clears_condemned(server: Running) -> None:
    """A rebuilt index begins to condemn from the start (crypto.md, section 5)."""
    query(server.folder, "UPDATE blobs SET condemned = 1")
    run("reindex", "--data", server.folder)

    assert query(server.folder, "SELECT count(*) FROM blobs WHERE condemned IS NOT NULL") == [(0,)]


def test_reindex_refuses_a_folder_that_is_served(server: Running) -> None:
    """An upload meanwhile would be taken for lost: exit 11."""
    with held(server.folder, is_shared=True):
        assert run("reindex", "--data", server.folder).exit_code == 11


# --- sweep and stats --------------------------------------------------------------------------------------------------


def leave_rubbish(folder: Path) -> Path:
    """Leave one doomed pack, one killed upload, and one of each row that has run out."""
    pack = packs_in(folder)[0]
    doomed = folder / "store" / "v" / ("cd" * 16) / pack.name
    doomed.parent.mkdir()
    shutil.copy(pack, doomed)
    query(folder, "INSERT INTO doomed_packs VALUES (?, ?)", b"\xcd" * 16, bytes.fromhex(pack.name))
    partial = pack.with_name(f"{'00' * 32}.0011223344556677.part")
    partial.write_bytes(b"cut")
    long_ago_s = time.time() - 48 * 3_600
    os.utime(partial, (long_ago_s, long_ago_s))
    query(folder, "INSERT INTO challenges VALUES (?, 'alice', 1)", b"n" * 32)
    query(folder, "INSERT INTO signup_codes VALUES ('bob', ?, 1)", b"c" * 32)
    query(folder, "INSERT INTO invites (code_hash, expires) VALUES (?, 1)", b"i" * 32)
    return doomed


def test_sweep_removes_what_serves_nobody(server: Running) -> None:
    """Packs of deleted accounts, leftovers and expired rows go; what an account stored stays."""
    before = index_of(server.folder)
    doomed = leave_rubbish(server.folder)
    done = run_json("sweep", "--data", server.folder)

    assert (done["doomed_packs"], done["leftovers"], done["swept_blobs"]) == (1, 1, 0)
    assert not doomed.exists()
    assert query(server.folder, "SELECT * FROM challenges WHERE expires = 1") == []
    assert query(server.folder, "SELECT * FROM signup_codes") == query(server.folder, "SELECT * FROM invites") == []
    assert (len(packs_in(server.folder)), index_of(server.folder)) == (1, before)


def test_a_dry_sweep_removes_nothing(server: Running) -> None:
    """`--dry-run` counts the same and changes nothing."""
    doomed = leave_rubbish(server.folder)
    counted = run_json("sweep", "--dry-run", "--data", server.folder)

    assert doomed.exists()
    done = run_json("sweep", "--data", server.folder)
    assert {**counted, "is_dry_run": False} == done


def test_sweep_says_that_no_blob_is_swept(server: Running) -> None:
    """Before marks exist nothing an account has stored can be swept, and it says so."""
    assert "nothing is swept before clients send marks" in run("sweep", "--data", server.folder).stdout


def test_sessions_in_use_survive_a_sweep(server: Running) -> None:
    """Only what has run out goes."""
    run("sweep", "--data", server.folder)

    assert server.alice.get(routes.HEAD).status_code == 200


def test_sweeping_is_due_once_a_day(tmp_path: Path) -> None:
    """Whatever worker looks first sweeps; the next one finds it done, and a day later it is due again."""
    now = [1_700_000_000_000]
    backend = backend_of(make_app(tmp_path, clock=lambda: now[0]))
    done = [sweep_if_due(backend), sweep_if_due(backend)]
    now[0] += 25 * 3_600_000
    done.append(sweep_if_due(backend))
    backend.close()

    assert done == [True, False, True]


def test_stats(server: Running) -> None:
    """Numbers of one account with one pack."""
    found = run_json("stats", "--data", server.folder)

    counted = {name: found[name] for name in ("accounts", "sessions", "volumes", "revisions", "packs", "blobs")}
    assert counted == {"accounts": 1, "sessions": 1, "volumes": 1, "revisions": 1, "packs": 1, "blobs": 3}
    assert found["stored_bytes"] == packs_in(server.folder)[0].stat().st_size
    assert found["quota_promised_bytes"] == 50 * 1024**3
    assert "alice" not in run("stats", "--data", server.folder).stdout
