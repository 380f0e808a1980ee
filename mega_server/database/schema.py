"""The tables, as the newest migration leaves them. A test compares the two.

Times are milliseconds since 1970 UTC by the server's clock; ids, keys and hashes are raw bytes.
It never holds a name, a size or a key of a user's file: the server does not know them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

REVISION = "0003"
"""The migration that leaves these tables."""

metadata = MetaData()
# SQLite numbers rows by itself only in a column of exactly the type INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

settings = Table(
    "settings",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account", String(63), primary_key=True),
    Column("algorithm", String(20), nullable=False),
    Column("server_salt", LargeBinary(32), nullable=False),
    Column("passes", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("login_key", LargeBinary(32), nullable=False),
    Column("recovery_key", LargeBinary(32), nullable=False),
    Column("password_slot", LargeBinary(128), nullable=False),
    Column("recovery_slot", LargeBinary(128), nullable=False),
    Column("idcert", LargeBinary(1024), nullable=False),
    Column("quota_bytes", BigInteger, nullable=False),
    Column("used_bytes", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    # Since when its sessions and logins are refused; NULL: they are not.
    Column("disabled", BigInteger),
)

signup_codes = Table(
    "signup_codes",
    metadata,
    Column("account", String(63), primary_key=True),
    Column("code_hash", LargeBinary(32), nullable=False),
    Column("expires", BigInteger, nullable=False),
)

invites = Table(
    "invites",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    # What the account may store; NULL: the server's default at signup.
    Column("quota_bytes", BigInteger),
    Column("expires", BigInteger, nullable=False),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    # A keyed hash of what is limited and for whom: no address and no name stands here.
    Column("key", LargeBinary(32), primary_key=True),
    Column("busy_until", BigInteger, nullable=False),
    Index("rate_limits_by_time", "busy_until"),
)

challenges = Table(
    "challenges",
    metadata,
    Column("nonce_hash", LargeBinary(32), primary_key=True),
    Column("account", String(63), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("challenges_by_expiry", "expires"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("session_id", String(32), nullable=False, unique=True),
    Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
    Column("device_name", String(100), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Index("sessions_by_account", "account"),
)

volumes = Table(
    "volumes",
    metadata,
    Column("volume", LargeBinary(16), primary_key=True),
    Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("writer_key", LargeBinary(32), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Index("volumes_by_account", "account"),
)

records = Table(
    "records",
    metadata,
    Column("volume", LargeBinary(16), ForeignKey("volumes.volume", ondelete="CASCADE"), primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("record", LargeBinary(746), nullable=False),
    Column("stored", BigInteger, nullable=False),
)

packs = Table(
    "packs",
    metadata,
    Column("pack", ROW_NUMBER, primary_key=True),
    Column("volume", LargeBinary(16), ForeignKey("volumes.volume"), nullable=False),
    Column("name", LargeBinary(32), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("uploaded", BigInteger, nullable=False),
    UniqueConstraint("volume", "name", name="packs_by_name"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("volume", LargeBinary(16), primary_key=True),
    Column("id", LargeBinary(32), primary_key=True),
    Column("pack", ROW_NUMBER, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    Column("uploaded", BigInteger, nullable=False),
    # The latest upload, hold or commit that needed the blob.
    Column("touched", BigInteger, nullable=False),
    # The opening of the first complete mark after `touched` that left it out; NULL: nobody has.
    Column("condemned", BigInteger),
    ForeignKeyConstraint(["pack"], ["packs.pack"]),
    Index("blobs_by_pack", "pack"),
    # Rows are found by id only, so a separate row number would be a second tree to keep.
    sqlite_with_rowid=False,
)

reservations = Table(
    "reservations",
    metadata,
    Column("reservation", ROW_NUMBER, primary_key=True),
    Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("reservations_by_account", "account"),
)

# Packs of deleted accounts whose files are still to be removed. Their volumes are in `volumes` no more.
doomed_packs = Table(
    "doomed_packs",
    metadata,
    Column("volume", LargeBinary(16), primary_key=True),
    Column("name", LargeBinary(32), primary_key=True),
)

links = Table(
    "links",
    metadata,
    Column("link", LargeBinary(16), primary_key=True),
    Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
    Column("volume", LargeBinary(16), nullable=False),
    Column("auth_hash", LargeBinary(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    # 0: never.
    Column("expires", BigInteger, nullable=False),
    # 0: no limit.
    Column("most_opened", BigInteger, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("fetched_bytes", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("last_opened", BigInteger, nullable=False),
    # When its owner stopped it. Revoked for ever, its record is empty: the row stays, so that visitors learn of it.
    Column("revoked", BigInteger),
    # When an administrator disabled it.
    Column("disabled", BigInteger),
    Column("record", LargeBinary(1104), nullable=False),
    Index("links_by_account", "account"),
)

link_sessions = Table(
    "link_sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("link", LargeBinary(16), ForeignKey("links.link", ondelete="CASCADE"), nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("fetched_bytes", BigInteger, nullable=False),
    Index("link_sessions_by_link", "link", "opened"),
)
