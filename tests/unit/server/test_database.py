"""Migrations, transactions, and what the first schema promises."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from mega_server.database.engine import Database, migrate
from mega_server.database.schema import metadata
from mega_server.database.settings import add_setting, setting


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Make a migrated database."""
    database = Database(f"sqlite:///{tmp_path / 'mega.db'}")
    migrate(database)
    yield database
    database.close()


def test_migrations_make_the_schema(database: Database) -> None:
    """What the migrations leave is what `schema.py` says."""
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    """A current schema is left alone, and its rows with it."""
    with database.writing() as connection:
        add_setting(connection, "kept", b"1")
    migrate(database)
    with database.reading() as connection:
        assert setting(connection, "kept") == b"1"


def test_the_journal_is_a_wal(database: Database) -> None:
    """Readers are not held up by a writer."""
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@pytest.mark.parametrize(("is_durable", "synchronous"), [(True, 2), (False, 1)])
def test_durability(database: Database, *, is_durable: bool, synchronous: int) -> None:
    """A durable transaction waits for the disk (FULL), the other does not (NORMAL)."""
    with database.writing(is_durable=is_durable) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous


def test_an_exception_takes_everything_back(database: Database) -> None:
    """A transaction that fails leaves nothing."""

    def write_and_fail() -> None:
        with database.writing() as connection:
            add_setting(connection, "lost", b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with database.reading() as connection:
        assert setting(connection, "lost") is None


def test_writers_of_two_processes_wait(tmp_path: Path, database: Database) -> None:
    """A writer waits for another process's write lock instead of failing."""
    other = sqlite3.connect(tmp_path / "mega.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO settings VALUES ('other', x'01')")
    release = threading.Timer(0.1, other.execute, ("COMMIT",))
    release.start()
    with database.writing() as connection:
        assert setting(connection, "other") == b"\x01"
    release.join()
    other.close()
