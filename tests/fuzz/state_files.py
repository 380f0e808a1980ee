"""Targets: damaged bytes in what a device keeps, at random places and as columns of types that no writer leaves."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

from mega_cli.account.connection import connect_session
from mega_cli.crypto.keys import MasterKeys
from mega_cli.errors import MegaError, NotLoggedInError, SafetyStopError, UsageError
from mega_cli.main import mega
from mega_cli.model import DATA, KdfPolicy, Pin, Secret, blob_id
from mega_cli.options.settings import Setting, check_document, every_setting
from mega_cli.state.index import ContentIndex, SourceRow
from mega_cli.state.pages import PageCache
from mega_cli.state.session import Session, load_session, save_session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.config import read_config
from tests.fuzz.feed import Feed, parts
from tests.fuzz.scratch import scratch_folder
from tests.fuzz.target import Target
from tests.kit import forge

_ID = blob_id(forge.fixed("id"))
_REF = forge.ref_for("chunk", DATA, 70_000)
_PIN = Pin(3, forge.fixed("record"))
_SEEN = AccountPin(bytes(32), KdfPolicy(3, 1 << 28), forge.fixed("identity"))
_ROW = SourceRow(b"name", (1, 2, 3, 4, 5, 6), is_racy=False, digest=bytes(32), refs=_REF.pack())


@cache
def _folder() -> Path:
    """Make the one folder that every input's file lies in; it goes when the process ends."""
    return scratch_folder()


def _session(raw: bytes) -> None:
    """Read a session file; one that is taken must serve to open the volume."""
    path = _folder() / "session.json"
    path.write_bytes(raw)
    with suppress(NotLoggedInError):
        session = load_session(path)
        MasterKeys(session.master_key, session.epoch).volume_keys()
        with suppress(MegaError), closing(connect_session(session)) as client:
            assert client._bearer().isascii()


def _session_seeds() -> list[bytes]:
    path = _folder() / "seed.json"
    secret = Secret(b"k" * 32)
    session = Session(
        account=forge.ACCOUNT,
        origin=forge.ORIGIN,
        server_url="http://127.0.0.1:8420",
        token=Secret(b"t" * 43),
        session_id="abc",
        master_key=secret,
        epoch=1,
        device_id=bytes(16),
        device_name="laptop",
    )
    save_session(path, session)
    return [path.read_bytes()]


def _config(raw: bytes) -> None:
    """Read a config.toml, and judge every key of it."""
    path = _folder() / "config.toml"
    path.write_bytes(raw)
    with suppress(UsageError):
        check_document(read_config(path), _settings(), path)


@cache
def _settings() -> dict[str, Setting]:
    """Import every command, once."""
    return every_setting(mega)


def _config_seeds() -> list[bytes]:
    lines = [f"{key} = {_SAID[at % len(_SAID)]}" for at, key in enumerate(_settings()) if "." not in key]
    tables = [f"[{key.partition('.')[0]}]\n{key.partition('.')[2]} = 1" for key in _settings() if "." in key]
    return ["\n".join(part).encode() for part in (lines, tables[:1], tables[1:2])] + [b"x = " + b"[" * 5_000]


_SAID = ('"off"', "1", "true", '["*.log", "a b"]', "2026-01-31", '"1M:off"')


# --- databases --------------------------------------------------------------------------------------------------------


def _use_trust(path: Path) -> None:
    """Ask the file of pins everything; damage is one error, and never an answer of another shape."""
    with suppress(SafetyStopError), closing(TrustStore(path)) as trust:
        pin = trust.pin(forge.ORIGIN, forge.ACCOUNT, forge.KEYS.volume, 1)
        assert pin is None or (type(pin.revision), type(pin.digest)) == (int, bytes)
        trust.known_accounts()
        seen = trust.account_pin(forge.ORIGIN, forge.ACCOUNT)
        assert seen is None or (type(seen.server_salt), type(seen.identity)) == (bytes, bytes)
        with suppress(MegaError):
            trust.check_kdf(forge.ORIGIN, forge.ACCOUNT, bytes(32), _SEEN.policy)
        with suppress(MegaError):
            trust.raise_pin(forge.ORIGIN, forge.ACCOUNT, forge.KEYS.volume, 1, [_PIN, Pin(4, bytes(32))])


def _use_index(path: Path) -> None:
    """Ask the content index everything: whatever it holds, it answers refs or nothing, and never fails."""
    with closing(ContentIndex(path)) as index:
        for ref in index.lookup([b"f" * 32]).values():
            ref.pack()
        for row in index.sources_in(b"/home").values():
            assert (type(row.digest), type(row.refs)) == (bytes, bytes)
        index.add([(b"f" * 32, _REF)])
        index.add_sources(b"/home", [_ROW])
        index.forget([_ID])


def _use_pages(path: Path) -> None:
    """Ask the page cache: blobs or nothing, and it never fails."""
    with closing(PageCache(path)) as pages:
        for blob in pages.get([_ID]).values():
            assert type(blob) is bytes
        pages.put([(_ID, b"blob")])
        pages.forget([_ID])


def _make_trust(path: Path) -> None:
    with closing(TrustStore(path)) as trust:
        trust.pin_account(forge.ORIGIN, forge.ACCOUNT, _SEEN)
        trust.raise_pin(forge.ORIGIN, forge.ACCOUNT, forge.KEYS.volume, 1, [_PIN])


_USES = {"trust": _use_trust, "index": _use_index, "pages": _use_pages}
_FULL = {"trust": _make_trust, "index": _use_index, "pages": _use_pages}


@cache
def _sound(kind: str) -> Path:
    """Make a sound file of a kind, once."""
    path = _folder() / f"sound-{kind}.db"
    _FULL[kind](path)
    if kind == "index":
        with closing(ContentIndex(path)) as index:
            index.add([(b"f" * 32, _REF)])
            index.add_sources(b"/home", [_ROW])
    if kind == "pages":
        with closing(PageCache(path)) as pages:
            pages.put([(_ID, b"blob")])
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    return path


def _copy(kind: str) -> Path:
    """Copy the sound file to where an input damages it."""
    path = _folder() / f"{kind}.db"
    for leftover in _folder().glob(f"{kind}.db*"):
        leftover.unlink()
    shutil.copyfile(_sound(kind), path)
    return path


def _damaged(raw: bytes) -> None:
    """Overwrite bytes of a file at any places, perhaps cut it, and use it."""
    feed = Feed(raw)
    kind = feed.pick(sorted(_USES))
    path = _copy(kind)
    data = bytearray(path.read_bytes())
    cut = feed.number(2)
    while patch := feed.part():
        at = feed.number(2) % len(data)
        data[at : at + len(patch)] = patch[: len(data) - at]
    path.write_bytes(data[: len(data) - cut])
    _USES[kind](path)


_COLUMNS = {
    "trust": (
        ("pins", ("epoch", "revision", "digest", "volume")),
        ("accounts", ("server_salt", "passes", "memory_bytes", "identity", "account")),
    ),
    "index": (("contents", ("fingerprint", "ref")), ("sources", ("name", "stat", "is_racy", "digest", "refs"))),
    "pages": (("blobs", ("id", "blob")),),
}


def _set_schema(path: Path, tables: list[tuple[str, str]]) -> None:
    """Rewrite the text of tables under what they hold."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.executemany("UPDATE sqlite_master SET sql=? WHERE name=?", tables)
        db.commit()


def _mistyped(raw: bytes) -> None:
    """Set columns to values of any type and size, as a changed byte in a row's header does, and use the file."""
    feed = Feed(raw)
    kind = feed.pick(sorted(_USES))
    path = _copy(kind)
    with closing(sqlite3.connect(path)) as db:
        strict = db.execute("SELECT sql, name FROM sqlite_master WHERE type='table'").fetchall()
    _set_schema(
        path, [(sql.replace("STRICT,", "").replace("STRICT", "").replace("NOT NULL", ""), n) for sql, n in strict]
    )
    with closing(sqlite3.connect(path)) as db:
        for _ in range(1 + feed.number() % 3):
            table, columns = feed.pick(_COLUMNS[kind])
            column = feed.pick(columns)
            size = feed.number()
            value = feed.pick((None, feed.number(7), -1, 0.5, feed.take(size), feed.take(size).hex(), b"", bytes(32)))
            with suppress(sqlite3.IntegrityError):
                db.execute(f"UPDATE {table} SET {column}=?", (value,))
        db.commit()
    _set_schema(path, strict)
    _USES[kind](path)


def _damage_seeds() -> list[bytes]:
    patch = parts(b"\xff")
    return [bytes([kind]) + b"\0\0" + patch + at.to_bytes(2, "big") for kind in range(3) for at in (0, 16, 100, 4_100)]


TARGETS = (
    Target("session-file", _session, _session_seeds),
    Target("config-file", _config, _config_seeds),
    Target("database-damaged", _damaged, _damage_seeds),
    Target("database-mistyped", _mistyped, lambda: [bytes([n, 0, n, n, 9, n]) + bytes(9) for n in range(9)]),
)
