"""What every service works with: settings, database, store, clock, and the server's own secret.

One value is made in each process by `open_backend`; nothing else is shared between requests.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from mega_server.config import Config, Storage
from mega_server.database.engine import Database, migrate
from mega_server.database.settings import add_setting, setting
from mega_server.storage.filesystem import FilesystemStore, make_folder
from mega_server.storage.memory import MemoryStore
from mega_server.storage.store import BlobStore

SECRET_SETTING = "fake_salt_secret"  # noqa: S105 -- the name of the row, not the secret


def now_ms() -> int:
    """Read the server's clock in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Backend:
    """The server without its web part."""

    config: Config
    database: Database
    store: BlobStore
    secret: bytes = field(repr=False)
    """32 bytes that make the answers for unknown accounts: stable, and not to be told from real ones."""
    clock: Callable[[], int] = now_ms

    def close(self) -> None:
        """Close database and store."""
        self.database.close()
        self.store.close()


class LostDatabaseError(Exception):
    """The folder holds packs and no database: a new one would be a server that knows nobody."""


def initialise(config: Config) -> bool:
    """Make the data folder, its database and the server's secret; say whether there was none before.

    Raises LostDatabaseError, OSError, NewerSchemaError.
    """
    make_folder(config.data_dir)
    with closing(_store(config)) as store:  # the store makes its folders here, where no worker runs beside
        if not (config.data_dir / "mega.db").exists() and any(True for _ in store.packs()):
            raise LostDatabaseError(f"{config.data_dir} holds packs and no database")
    database = Database(config.database_url)
    try:
        migrate(database)
        with database.writing() as connection:
            is_new = setting(connection, SECRET_SETTING) is None
            if is_new:
                add_setting(connection, SECRET_SETTING, secrets.token_bytes(32))
    finally:
        database.close()
    (config.data_dir / "mega.db").chmod(0o600)
    return is_new


def open_backend(config: Config, clock: Callable[[], int] = now_ms) -> Backend:
    """Open what `initialise` made."""
    database = Database(config.database_url)
    with database.reading() as connection:
        secret = setting(connection, SECRET_SETTING)
    assert secret is not None, "initialise() comes first"
    return Backend(config, database, _store(config), secret, clock)


def _store(config: Config) -> BlobStore:
    return MemoryStore() if config.storage is Storage.MEMORY else FilesystemStore(config.store_dir)
