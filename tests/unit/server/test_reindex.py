"""`mega-server reindex`: the index comes back from the packs, and what is damaged is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mega_server.protocol import routes
from mega_server.storage.hold import held
from tests.kit.account import ids_of, pack_of, random_blobs
from tests.kit.administered import Running, flip, index_of, packs_in, query, run, run_json
from tests.kit.server import backend_of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Give a server that has stored one pack, and is running."""
    running = Running(tmp_path / "data")
    running.store(3)
    yield running
    backend_of(running.app).close()


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


@pytest.mark.parametrize("words", [("user", "rm", "alice", "--yes"), ("sweep",)])
def test_nothing_is_removed_under_a_rebuild(server: Running, words: tuple[str, ...]) -> None:
    """An account or a pack that goes while the index is rebuilt would be indexed again: exit 11."""
    with held(server.folder, is_shared=False):
        assert run(*words, "--data", server.folder).exit_code == 11
    assert run(*words, "--data", server.folder).exit_code == 0
