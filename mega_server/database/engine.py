"""Connections: SQLite in WAL mode with durable commits, one writer at a time; and the running of migrations.

It never retries and knows no table but the one that numbers the schema. Every write starts with BEGIN IMMEDIATE, so a
transaction never finds out half way that another one was faster.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from mega_server.database.schema import REVISION

_BUSY_TIMEOUT_MS = 30_000
_CACHE_KIB = 16_384
_IS_WRITE = "mega_is_write"
_IS_DURABLE = "mega_is_durable"


class Database:
    """Hands out transactions. Safe to share between threads; make one a process, after forking."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is opened before the first transaction."""
        self._engine: Engine = create_engine(url, pool_size=8, max_overflow=-1, hide_parameters=True)
        # Waiting writers of this process queue here: SQLite's own busy handler sleeps up to 100 ms between looks.
        self._writer = threading.Lock()
        event.listen(self._engine, "connect", _set_up)
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state and takes no lock."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, is_durable: bool = True) -> Iterator[Connection]:
        """Open a transaction that holds the write lock; it is committed at the end, or rolled back by an exception.

        With `is_durable=False` a power cut may lose it (never tear it): for facts that die with the process anyway.
        """
        with self._writer, self._engine.connect() as connection:
            options = {_IS_WRITE: True, _IS_DURABLE: is_durable}
            with connection.execution_options(**options).begin():
                yield connection

    def refuse_damage(self) -> None:
        """Look through the whole file. Raises sqlite3.DatabaseError, saying the first thing that is wrong with it."""
        with self.reading() as connection:
            found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        if found != "ok":
            raise sqlite3.DatabaseError(found)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Take transactions away from the driver, which would begin them late and without the lock."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin as the caller said. `synchronous` must be set outside a transaction."""
    options = connection.get_execution_options()
    if options.get(_IS_WRITE):
        durability = "FULL" if options.get(_IS_DURABLE, True) else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous = {durability}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


class NewerSchemaError(Exception):
    """The database was written by a newer release: what it means is not known here, so nothing is read or written."""


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; a current one is left alone. Raises NewerSchemaError.

    Revisions run without Alembic's `env.py`: the connection is ours, and one transaction holds the whole change. It
    holds the write lock before it looks what is to be done, so of two processes the second finds nothing left.
    """
    with database.reading() as connection:
        present = _present_revision(connection)
    if present > REVISION:
        raise NewerSchemaError(f"the database has schema {present}, and this mega-server knows none after {REVISION}")
    if present < REVISION:
        _upgrade(database)


def _present_revision(connection: Connection) -> str:
    """Read the number of the schema; "" for a database that has none. Numbers have four digits, so they compare."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")


def _upgrade(database: Database) -> None:
    from alembic.config import Config  # noqa: PLC0415 -- slow to import, and a current database needs none of it
    from alembic.operations import Operations  # noqa: PLC0415 -- as above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 -- as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 -- as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with database.writing() as connection:
        context = MigrationContext.configure(connection)
        present = context.get_current_revision()
        waiting = list(scripts.iterate_revisions("head", present or "base"))
        for script in reversed([script for script in waiting if script.revision != present]):
            with Operations.context(context):
                script.module.upgrade()
            context.stamp(scripts, script.revision)
