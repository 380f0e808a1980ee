"""The first schema.

It is frozen: a change is a new revision, never an edit here.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)

revision = "0001"
down_revision = None
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make every table and index."""
    _make_account_tables()
    _make_volume_tables()


def _make_account_tables() -> None:
    op.create_table(
        "settings",
        Column("name", String(40), primary_key=True),
        Column("value", LargeBinary, nullable=False),
    )
    op.create_table(
        "accounts",
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
    )
    op.create_table(
        "signup_codes",
        Column("account", String(63), primary_key=True),
        Column("code_hash", LargeBinary(32), nullable=False),
        Column("expires", BigInteger, nullable=False),
    )
    op.create_table(
        "challenges",
        Column("nonce_hash", LargeBinary(32), primary_key=True),
        Column("account", String(63), nullable=False),
        Column("expires", BigInteger, nullable=False),
        Index("challenges_by_expiry", "expires"),
    )
    op.create_table(
        "sessions",
        Column("token_hash", LargeBinary(32), primary_key=True),
        Column("session_id", String(32), nullable=False, unique=True),
        Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
        Column("device_name", String(100), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("used", BigInteger, nullable=False),
        Index("sessions_by_account", "account"),
    )


def _make_volume_tables() -> None:
    op.create_table(
        "volumes",
        Column("volume", LargeBinary(16), primary_key=True),
        Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("writer_key", LargeBinary(32), nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("digest", LargeBinary(32), nullable=False),
        Index("volumes_by_account", "account"),
    )
    op.create_table(
        "records",
        Column("volume", LargeBinary(16), ForeignKey("volumes.volume", ondelete="CASCADE"), primary_key=True),
        Column("revision", BigInteger, primary_key=True),
        Column("digest", LargeBinary(32), nullable=False),
        Column("record", LargeBinary(746), nullable=False),
        Column("stored", BigInteger, nullable=False),
    )
    op.create_table(
        "packs",
        Column("pack", _ROW_NUMBER, primary_key=True),
        Column("volume", LargeBinary(16), ForeignKey("volumes.volume"), nullable=False),
        Column("name", LargeBinary(32), nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("uploaded", BigInteger, nullable=False),
        UniqueConstraint("volume", "name", name="packs_by_name"),
    )
    op.create_table(
        "blobs",
        Column("volume", LargeBinary(16), primary_key=True),
        Column("id", LargeBinary(32), primary_key=True),
        Column("pack", _ROW_NUMBER, nullable=False),
        Column("offset", Integer, nullable=False),
        Column("length", Integer, nullable=False),
        Column("uploaded", BigInteger, nullable=False),
        Column("touched", BigInteger, nullable=False),
        Column("condemned", BigInteger),
        ForeignKeyConstraint(["pack"], ["packs.pack"]),
        Index("blobs_by_pack", "pack"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reservations",
        Column("reservation", _ROW_NUMBER, primary_key=True),
        Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Index("reservations_by_account", "account"),
    )
