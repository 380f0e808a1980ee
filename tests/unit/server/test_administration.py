"""`mega-server backup`, `restore`, `sweep` and `stats`: what they do, print and refuse."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_server.app import create_app
from mega_server.config import Config
from mega_server.database import copies
from mega_server.protocol import routes
from mega_server.services import backups
from mega_server.services.sweep import sweep_if_due
from mega_server.storage.hold import held
from tests.kit.account import FakeAccount, ids_of
from tests.kit.administered import Running, flip, index_of, packs_in, query, run, run_json
from tests.kit.server import backend_of, make_app


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Give a server that has stored one pack, and is running."""
    running = Running(tmp_path / "data")
    running.store(3)
    yield running
    backend_of(running.app).close()


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


def test_a_server_that_lost_its_packs_takes_no_copy_with_it(server: Running, tmp_path: Path) -> None:
    """What the copy held before stays, with its database, over any number of runs, until nothing is lost."""
    copy = tmp_path / "copy"
    run("backup", copy, "--data", server.folder)
    before = index_of(copy)
    server.store(2)
    newest = max(packs_in(server.folder), key=lambda pack: pack.stat().st_mtime_ns)
    newest.rename(tmp_path / "lost")
    query(server.folder, "DELETE FROM blobs WHERE pack = 1")
    query(server.folder, "DELETE FROM packs WHERE pack = 1")

    for _ in range(2):
        result = run("backup", copy, "--data", server.folder)
        assert (result.exit_code, "mega.db.whole" in result.stderr) == (14, True)
    shutil.copytree(copy, tmp_path / "back")
    (tmp_path / "back" / "mega.db.whole").replace(tmp_path / "back" / "mega.db")
    assert index_of(tmp_path / "back") == before
    assert run("check", "--read-data", "--data", tmp_path / "back").exit_code == 0

    (tmp_path / "lost").rename(newest)
    assert run("backup", copy, "--data", server.folder).exit_code == 0
    assert not (copy / "mega.db.whole").exists()


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


@pytest.mark.parametrize("command", ["restore", "backup"])
def test_packs_without_a_database_are_kept(server: Running, tmp_path: Path, command: str) -> None:
    """Where a database was lost the packs may be newer than any backup: they are left alone, exit 7."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    server.store(2)
    (server.folder / "mega.db").unlink()
    kept, lost = tmp_path / "copy", server.folder
    result = run(command, *((kept, "--data", lost) if command == "restore" else (lost, "--data", kept)))

    assert (result.exit_code, len(packs_in(server.folder))) == (7, 2)
    assert "holds packs and no database" in result.stderr


def test_a_restore_that_was_interrupted_goes_on(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packs of a restore that was killed are no reason to refuse the next one."""
    run("backup", tmp_path / "copy", "--data", server.folder)
    looks = [copies.named_packs]  # the second look comes when the packs have been copied

    def look_once(database: Path) -> Iterator[copies.NamedPack]:
        return looks.pop()(database)

    with monkeypatch.context() as patch:
        patch.setattr(backups, "named_packs", look_once)
        with pytest.raises(IndexError):
            backups.back_up(tmp_path / "copy", tmp_path / "new")
    assert packs_in(tmp_path / "new")
    assert not (tmp_path / "new" / "mega.db").exists()

    assert run("restore", tmp_path / "copy", "--data", tmp_path / "new").exit_code == 0


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
    now[0] -= 48 * 3_600_000  # the clock was wrong, and is right again
    done.append(sweep_if_due(backend))
    backend.close()

    assert done == [True, False, True, True]


def test_stats_of_boundless_quotas(server: Running) -> None:
    """Two accounts that may store whatever they like are more than a database can add up."""
    FakeAccount(server.app.test_client(), name="bob").enter()
    query(server.folder, "UPDATE accounts SET quota_bytes = ?", 2**62)

    assert run_json("stats", "--data", server.folder)["quota_promised_bytes"] == 2**63


def test_stats(server: Running) -> None:
    """Numbers of one account with one pack."""
    found = run_json("stats", "--data", server.folder)

    counted = {name: found[name] for name in ("accounts", "sessions", "volumes", "revisions", "packs", "blobs")}
    assert counted == {"accounts": 1, "sessions": 1, "volumes": 1, "revisions": 1, "packs": 1, "blobs": 3}
    assert found["stored_bytes"] == packs_in(server.folder)[0].stat().st_size
    assert found["quota_promised_bytes"] == 50 * 1024**3
    assert "alice" not in run("stats", "--data", server.folder).stdout
